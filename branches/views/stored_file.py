"""Handing out a stored file as an attachment that no browser runs; one that is gone from the disk is told, no fault."""

import logging

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header

log = logging.getLogger(__name__)


def hand_out(request: HttpRequest, file: FieldFile, *, name: str) -> HttpResponseBase:
    """Answer with a stored file under `name`; with 410 and a sentence where the disk no longer has it."""
    try:
        opened = file.open("rb")
    except FileNotFoundError:
        log.error("stored file %s is gone from the disk", file.name)  # noqa: TRY400 - the path says it all
        return render(request, "410.html", {"name": name}, status=410)
    response = FileResponse(opened, content_type="application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "no-store"
    return response
