"""Rows of reporting: exports and what comes with them."""

from reporting.models.exports import MAX_ATTEMPTS, Export, ExportQuerySet, WorkerHeartbeat
from reporting.models.forms import FormVersion, FormVersionQuerySet

__all__ = ["MAX_ATTEMPTS", "Export", "ExportQuerySet", "FormVersion", "FormVersionQuerySet", "WorkerHeartbeat"]
