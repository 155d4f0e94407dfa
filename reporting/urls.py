"""URLs of reports and exports."""

from django.urls import path

from reporting.views import codes, exports, offline, preview, queue, returns, scans

urlpatterns = [
    path("offline/units/<int:pk>/", offline.unit_page, name="offline-unit"),
    path("offline/units/<int:pk>/file/", offline.unit_file, name="offline-file"),
    path("offline/rounds/<int:pk>/", offline.round_page, name="offline-round"),
    path("offline/rounds/<int:pk>/<slug:group>/files/", offline.round_files, name="offline-files"),
    path("offline/batches/<slug:key>/", offline.batch_page, name="offline-batch"),
    path("offline/workbooks/<slug:key>/", offline.workbook_page, name="offline-workbook"),
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
    path("preview/<slug:kind>/<int:round_pk>/<int:unit_pk>/print/", preview.print_out, name="annex-print"),
    path("queue/", queue.index, name="export-queue"),
    path("queue/rows/", queue.rows, name="export-queue-rows"),
    path("queue/<int:pk>/stop/", queue.stop, name="export-queue-stop"),
    path("queue/<int:pk>/retry/", queue.retry, name="export-queue-retry"),
    path("codes/", codes.look_up, name="codes"),
    path("codes/<str:code>/", codes.show, name="code"),
    path("codes/<str:code>/scan/", scans.attach, name="scan-attach"),
    path("forms/<slug:kind>/<int:round_pk>/<int:unit_pk>/", codes.form_page, name="form"),
    path("scans/<int:pk>/withdraw/", scans.withdraw, name="scan-withdraw"),
    path("scans/files/<int:pk>/", scans.file, name="scan-file"),
    path("returns/<int:pk>/", returns.index, name="returns"),
    path("returns/<int:pk>/rules/", returns.set_rules, name="return-rules"),
    path("returns/<int:pk>/board/", returns.board, name="returns-board"),
]
