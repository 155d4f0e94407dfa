"""Rows of reporting: exports and what comes with them."""

from reporting.models.exports import MAX_ATTEMPTS, Export, ExportQuerySet, WorkerHeartbeat

__all__ = ["MAX_ATTEMPTS", "Export", "ExportQuerySet", "WorkerHeartbeat"]
