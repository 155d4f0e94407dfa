"""A workbook to fill in for one source: the headings the import knows, a row for each branch and kind of voters."""

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from grading.models import RoundUnit, Source

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDTHS = {"党总支": 28, "党支部名称": 34, "评议人员": 14, "备注": 24}
_OTHER = 10


def headings(source: Source) -> list[str]:
    """Return the headings of a source's workbook, as the import reads them."""
    if source.kind == Source.Kind.ANNUAL:
        return ["党总支", "党支部名称", "考核结果", "考核得分", "备注"]
    voters = ["评议人员"] if source.groups.exists() else []
    options = [option.label for option in source.options.all()]
    return ["党总支", "党支部名称", *voters, "发出票数", "收回票数", "有效票数", *options, "备注"]


def _lines(source: Source, units: Iterable[RoundUnit]) -> Iterable[list[str]]:
    groups = [group.name for group in source.groups.all()] if source.kind == Source.Kind.APPRAISAL else []
    for unit in units:
        names = [unit.general_branch_name, unit.name]
        yield from ([*names, group] for group in groups) if groups else [names]


def write(source: Source, units: Sequence[RoundUnit]) -> bytes:
    """Return the workbook; names are text, whatever they begin with."""
    book = Workbook()
    sheet = book.active
    sheet.title = sheet_title(source.name)
    head = headings(source)
    for row, line in enumerate([head, *_lines(source, units)], start=1):
        for column, text in enumerate(line, start=1):
            cell = sheet.cell(row, column, text)
            cell.data_type = "s"
            cell.alignment = Alignment(vertical="center", wrap_text=True)
            if row == 1:
                cell.font = Font(bold=True)
    for column, text in enumerate(head, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(text, _OTHER)
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_title(name: str) -> str:
    """Return a source's name as the name of a sheet: 31 characters at most, none that Excel refuses."""
    return "".join("" if sign in r"[]:*?/\'" else sign for sign in name)[:31] or "录入"
