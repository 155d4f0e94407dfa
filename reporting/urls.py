"""URLs of reports and exports."""

from django.urls import path

from reporting.views import exports, preview, queue

urlpatterns = [
    path("", exports.index, name="exports"),
    path("rows/", exports.rows, name="export-rows"),
    path("form/", exports.form, name="export-form"),
    path("new/", exports.ask, name="export-request"),
    path("<int:pk>/cancel/", exports.cancel, name="export-cancel"),
    path("<int:pk>/retry/", exports.retry, name="export-retry"),
    path("<int:pk>/again/", exports.again, name="export-again"),
    path("<int:pk>/file/", exports.download, name="export-download"),
    path("preview/<slug:kind>/<int:round_pk>/<int:unit_pk>/", preview.show, name="annex-preview"),
    path("preview/<slug:kind>/<int:round_pk>/<int:unit_pk>/export/", preview.export, name="annex-export"),
    path("queue/", queue.index, name="export-queue"),
    path("queue/rows/", queue.rows, name="export-queue-rows"),
    path("queue/<int:pk>/stop/", queue.stop, name="export-queue-stop"),
    path("queue/<int:pk>/retry/", queue.retry, name="export-queue-retry"),
]
