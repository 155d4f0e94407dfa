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
_SMALL = 4 * 1024 * 1024


class BrokenPart(ValueError):
    """The XML of a part cannot be read."""


def spanned_cells(stream: IO[bytes], limit: int) -> int:
    """Return how many cells the merged and linked ranges of a part cover; stops counting above `limit`.

    Raises BrokenPart when the XML is broken or declares entities.
    """
    head = stream.read(_SMALL + 1)
    if len(head) <= _SMALL and (plain := _plain_cells(head)) is not None:
        return plain
    stream.seek(0)
    return _parsed_cells(stream, limit)


def _plain_cells(content: bytes) -> int | None:
    """Return the count for a part that writes its ranges plainly; None where only a parser can tell.

    Every place that holds the word must be such a range, or its closing tag: nothing can hide from this count.
    """
    ranges = _PLAIN.findall(content)
    words = content.count(b"mergeCell") - content.count(b"<mergeCells ") - content.count(b"<mergeCells>")
    words -= content.count(b"</mergeCells>") + content.count(b"</mergeCell>")
    if words != len(ranges) or b"hyperlink" in content:
        return None
    try:
        return sum(_area(ref.decode()) for ref in ranges)
    except ValueError as error:
        raise BrokenPart(str(error)) from error


def _parsed_cells(stream: IO[bytes], limit: int) -> int:
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


@lru_cache(maxsize=4096)
def _area(ref: str) -> int:
    left, top, right, bottom = range_boundaries(ref)
    if left is None or top is None or right is None or bottom is None:
        raise ValueError(ref)
    return int((abs(right - left) + 1) * (abs(bottom - top) + 1))
