"""Returned workbooks of 附件4: filled in and saved by another program, then checked, read and compared by checksum."""

import io
import zipfile
from functools import cache

import openpyxl

from bench.cases import demo
from bench.figures import Figure, Result, in_turns, over
from grading.models import Round, RoundUnit
from reporting.offline import ticket as tickets
from reporting.offline.reader import read
from reporting.services import offline

WORKBOOKS = 500
DISTINCT = 50


def _saved_elsewhere(data: bytes, number: int) -> bytes:
    """Fill every open cell and save with openpyxl: shared strings and other styles, as from any other program."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    lines = [str(row[0]) for row in book[tickets.SHEET].iter_rows(values_only=True)]
    for sheet, row, _, _, opened in map(tickets.json.loads, lines[2:-1]):
        for column, field, _ in opened:
            kind = field.partition(":")[0]
            values = {"points": 1, "check": "好", "target": "较好", "na": None}
            book[sheet].cell(row, column, values.get(kind, f"第{number}份的{field}，已按要求整改，有记录。"))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@cache
def returned() -> tuple[bytes, ...]:
    """Return different workbooks of the demo's branches, filled in and saved again."""
    demo()
    round_ = Round.objects.exclude(state=Round.State.PREPARING).order_by("-pk")[0]
    units = list(RoundUnit.objects.filter(round=round_).select_related("round")[:DISTINCT])
    return tuple(_saved_elsewhere(data, n) for n, (_, data) in enumerate(offline.workbooks(units=units)))


def _all() -> list[bytes]:
    books = returned()
    return [books[number % len(books)] for number in range(WORKBOOKS)]


def _unzip(data: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(len(archive.read(name)) for name in archive.namelist())


def measure() -> Result:
    """Compare checking and reading 500 workbooks with inflating them."""
    books, keys = _all(), offline.signing_keys()

    def reading() -> None:
        for data in books:
            read("附件4.xlsx", data, keys)

    def unzipping() -> None:
        for data in books:
            _unzip(data)

    taken = in_turns({"read": reading, "unzip": unzipping})
    return Result(taken["read"] / taken["unzip"], how=over(taken["read"], taken["unzip"]))


FIGURES = (Figure("reading 500 returned 附件4 workbooks ÷ bare unzip", "≤ 5", "", measure),)
