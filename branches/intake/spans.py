"""Ranges that a parser would unfold cell by cell: `<mergeCell ref="A1:XFD1048576"/>` is 17 thousand million cells."""

import re
from functools import lru_cache
from typing import IO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from openpyxl.utils.cell import range_boundaries

_UNFOLDED = {"mergeCell", "hyperlink"}
#: How every spreadsheet program writes a merged range, and whatever else may carry the word.
_PLAIN = re.compile(rb'<mergeCell ref="([A-Z]{1,3}[0-9]{1,7}(?::[A-Z]{1,3}[0-9]{1,7})?)" ?/?>')


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


def plain_cells(content: bytes) -> int | None:
    """Return the count for a part that writes its ranges plainly; None where only a parser can tell.

    Every place that holds the word must be such a range, or its closing tag: nothing can hide from this count.
    """
    start, stop = content.find(b"mergeCell"), content.rfind(b"mergeCell")
    block = content[max(start - 2, 0) : stop + 80]
    ranges = _PLAIN.findall(block)
    words = block.count(b"mergeCell") - block.count(b"<mergeCells ") - block.count(b"<mergeCells>")
    words -= block.count(b"</mergeCells>") + block.count(b"</mergeCell>")
    if words != len(ranges) or b"hyperlink" in content:
        return None
    try:
        return sum(map(_plain_area, ranges))
    except ValueError as error:
        raise BrokenPart(str(error)) from error


@lru_cache(maxsize=4096)
def _plain_area(ref: bytes) -> int:
    return _area(ref.decode())


def _area(ref: str) -> int:
    left, top, right, bottom = range_boundaries(ref)
    if left is None or top is None or right is None or bottom is None:
        raise ValueError(ref)
    return int((abs(right - left) + 1) * (abs(bottom - top) + 1))
