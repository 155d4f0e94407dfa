"""The hidden sheet of a 附件6 given out as a workbook: how each cell was, to be compared when it returns."""

from openpyxl.worksheet.worksheet import Worksheet

from rectification import baseline
from reporting.annexes.annex6 import Annex6
from reporting.tables import Sheet
from reporting.tables.xlsx import Dress


def dress(facts: Annex6) -> Dress:
    """Return what adds the hidden sheet behind the first page of a workbook."""
    values = [{name: getattr(row, name) for name in baseline.FIELDS} for row in facts.rows]
    rows = [
        baseline.given(item=row.item, branch=row.branch, values=shown)
        for row, shown in zip(facts.rows, values, strict=True)
    ]

    def add(page: Worksheet, _sheet: Sheet) -> None:
        book = page.parent
        if baseline.SHEET in book.sheetnames:
            return
        carrier = book.create_sheet(baseline.SHEET)
        for number, text in enumerate(baseline.write(rows), 1):
            carrier.cell(number, 1, text)
        carrier.sheet_state = "veryHidden"

    return add
