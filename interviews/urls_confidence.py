"""URLs of keeping confidence: rules, notices, erasing on request."""

from django.urls import path

from interviews.views import confidence, leavers

urlpatterns = [
    path("confidence/", confidence.confidence_page, name="confidence"),
    path("confidence/erase/", confidence.erase_person, name="erase-person"),
    path("confidence/left/<int:pk>/", leavers.leaver, name="leaver"),
    path("confidence/left/<int:pk>/end/<int:account>/", leavers.successor_end, name="successor-end"),
    path("confidence/<int:pk>/rules/", confidence.confidence_rules, name="confidence-rules"),
    path("confidence/<int:pk>/notices/new/", confidence.notice_edit, name="notice-edit"),
    path("confidence/<int:pk>/notices/<int:notice>/publish/", confidence.notice_publish, name="notice-publish"),
]
