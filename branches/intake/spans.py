"""Ranges that a parser would unfold cell by cell: `<mergeCell ref="A1:XFD1048576"/>` is 17 thousand million cells."""

from typing import IO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from openpyxl.utils.cell import range_boundaries

_UNFOLDED = {"mergeCell", "hyperlink"}


class BrokenPart(ValueError):
    """The XML of a part cannot be read."""


def spanned_cells(stream: IO[bytes], limit: int) -> int:
    """Return how many cells the merged and linked ranges of a part cover; stops counting above `limit`.

    Raises BrokenPart when the XML is broken or declares entities.
    """
    covered = 0
    try:
        for _, element in iterparse(stream, events=("end",), forbid_dtd=True):
            if element.tag.rpartition("}")[2] in _UNFOLDED:
                covered += _area(element.get("ref") or "")
                if covered > limit:
                    return covered
            element.clear()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BrokenPart(str(error)) from error
    return covered


def _area(ref: str) -> int:
    left, top, right, bottom = range_boundaries(ref)
    if left is None or top is None or right is None or bottom is None:
        raise ValueError(ref)
    return int((abs(right - left) + 1) * (abs(bottom - top) + 1))
