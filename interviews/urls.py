"""URLs of talks (两访两创): recording, planning and counting, keeping confidence."""

from django.urls import include, path

urlpatterns = [
    path("", include("interviews.urls_record")),
    path("", include("interviews.urls_confidence")),
    path("", include("interviews.urls_plan")),
]
