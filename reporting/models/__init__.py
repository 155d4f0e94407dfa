"""Rows of reporting: exports and what comes with them."""

from reporting.models.exports import MAX_ATTEMPTS, Export, ExportQuerySet, WorkerHeartbeat
from reporting.models.forms import FormVersion, FormVersionQuerySet
from reporting.models.pieces import Part, Piece, PieceQuerySet
from reporting.models.scans import Scan, ScanPage, ScanPageQuerySet, ScanQuerySet

__all__ = [
    "MAX_ATTEMPTS",
    "Export",
    "ExportQuerySet",
    "FormVersion",
    "FormVersionQuerySet",
    "Part",
    "Piece",
    "PieceQuerySet",
    "Scan",
    "ScanPage",
    "ScanPageQuerySet",
    "ScanQuerySet",
    "WorkerHeartbeat",
]
