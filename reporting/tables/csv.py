"""A sheet as CSV for other programs: one head line, one line a row, nothing a spreadsheet would take for a formula."""

import csv
import datetime as dt
import io
from decimal import Decimal

from reporting.tables.cells import Cell, Sheet
from reporting.tables.formats import DASH

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
BOM = "\ufeff"


def safe_text(text: str) -> str:
    """Return a text no spreadsheet reads as a formula: an apostrophe is put before a dangerous first character."""
    return f"'{text}" if text.lstrip(" \u3000").startswith(_DANGEROUS) or text.startswith(_DANGEROUS) else text


def _shown(cell: Cell) -> str:
    """Return what a field holds: numbers as shown, dates as ISO dates, text made safe, blanks empty."""
    if cell.value is None:
        return "" if cell.text == DASH else safe_text(cell.text)
    if isinstance(cell.value, dt.date):
        return cell.value.isoformat()
    if isinstance(cell.value, (int, Decimal)):
        return cell.text
    return safe_text(cell.text)


def _head(sheet: Sheet) -> list[str]:
    """Return one name for each column: the headings over it, joined."""
    names: list[list[str]] = [[] for _ in sheet.widths_mm]
    for row in sheet.rows[sheet.header[0] : sheet.header[1]]:
        for cell in row.cells:
            for col in range(cell.col, cell.col + cell.colspan):
                names[col].append(cell.text.replace("\n", "").replace("\u3000", ""))
    return [safe_text("/".join(parts)) for parts in names]


def _lines(sheet: Sheet) -> list[list[str]]:
    """Return the rows of the body; the value of a merged cell stands in every row it covers."""
    first = sheet.header[1]
    lines = [[""] * len(sheet.widths_mm) for _ in sheet.rows]
    kept: list[int] = []
    for index in range(first, len(sheet.rows)):
        row = sheet.rows[index]
        if row.band == "body":
            kept.append(index)
        for cell in row.cells:
            value = _shown(cell.changed(text=cell.text.removesuffix(cell.mark)) if cell.mark else cell)
            for below in range(index, index + cell.rowspan):
                lines[below][cell.col] = value
    return [lines[index] for index in kept]


def render(sheet: Sheet) -> bytes:
    """Return the body of a table as CSV in UTF-8 with a byte order mark, so that Excel reads Chinese.

    Totals, notes and signatures are left out: they are for people.
    """
    buffer = io.StringIO()
    buffer.write(BOM)
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(_head(sheet))
    writer.writerows(_lines(sheet))
    return buffer.getvalue().encode("utf-8")
