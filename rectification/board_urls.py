"""URLs of boards, their lists, 附件6 that comes back, and the end of the year."""

from django.urls import URLPattern, path

from rectification.views import annex6, boards, closing

urlpatterns: list[URLPattern] = [
    path("board/", boards.index, name="rectification-boards"),
    path("rounds/<int:pk>/board/", boards.round_board, name="rectification-board"),
    path("rounds/<int:pk>/items/", boards.items, name="rectification-items"),
    path("rounds/<int:pk>/annex6/", annex6.choose, name="annex6-import"),
    path("rounds/<int:pk>/annex6/<slug:key>/", annex6.check, name="annex6-import-check"),
    path("rounds/<int:pk>/still-open/", closing.still_open, name="rectification-still-open"),
    path("rounds/<int:pk>/close/", closing.close, name="rectification-close"),
    path("items/<int:pk>/settle/", closing.settle, name="item-settle"),
]
