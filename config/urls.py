"""URL map. Every pattern's view declares an action (branches.permissions) or is declared public."""

from django.contrib import admin
from django.urls import include, path

from grading.views import ballot_paper, publicity
from reporting.views import ops

urlpatterns = [
    path("", include("branches.urls")),
    path("grading/", include("grading.urls")),
    path("rubrics/", include("grading.rubric_urls")),
    path("b/", ballot_paper.ballot, name="ballot"),
    path("publicity/", publicity.notices, name="notices"),
    path("publicity/<slug:slug>/", publicity.notice, name="notice"),
    path("rectification/", include("rectification.urls")),
    path("interviews/", include("interviews.urls")),
    path("reports/", include("reporting.urls")),
    path("ops/doctor/", ops.doctor_page, name="doctor"),
    path("maintenance/", admin.site.urls),
]

handler400 = "branches.views.errors.bad_request"
handler403 = "branches.views.errors.forbidden"
handler404 = "branches.views.errors.not_found"
handler500 = "branches.views.errors.server_error"
