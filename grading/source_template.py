"""A workbook to fill in for one source: the headings the import knows, a row for each branch and kind of voters.

Where branches are scored by different 评分标准 each has a sheet of its own, with the text and full marks of every item
as a note on its heading.
"""

import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from branches.intake.marks import NOT_APPLICABLE
from grading.importers_marks import headings as marks_headings
from grading.models import RoundUnit, Rubric, Source
from grading.scoring import NotApplicable

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDTHS = {"党总支": 28, "党支部名称": 34, "评议人员": 14, "备注": 24}
_OTHER = 10
_BRANCH = ["党总支", "党支部名称"]
_NOTE_WIDTH, _NOTE_HEIGHT = 320, 120


def headings(source: Source) -> list[str]:
    """Return the headings of a source's workbook that is no sheet of points, as the import reads them."""
    if source.kind == Source.Kind.ANNUAL:
        return [*_BRANCH, "考核结果", "考核得分", "备注"]
    voters = ["评议人员"] if source.groups.exists() else []
    options = [option.label for option in source.options.all()]
    return [*_BRANCH, *voters, "发出票数", "收回票数", "有效票数", *options, "备注"]


def _lines(source: Source, units: Iterable[RoundUnit]) -> Iterable[list[str]]:
    groups = [group.name for group in source.groups.all()] if source.kind == Source.Kind.APPRAISAL else []
    for unit in units:
        names = [unit.general_branch_name, unit.name]
        yield from ([*names, group] for group in groups) if groups else [names]


def write(source: Source, units: Sequence[RoundUnit]) -> bytes:
    """Return the workbook; names are text, whatever they begin with."""
    book = Workbook()
    if source.kind == Source.Kind.SHEET:
        _write_sheets(book, source, units)
    else:
        _fill(book.active, sheet_title(source.name), headings(source), _lines(source, units))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write_sheets(book: Workbook, source: Source, units: Sequence[RoundUnit]) -> None:
    """Write a sheet for each 评分标准: a column for each item, or for each section where sums are given."""
    kept = Rubric.objects.with_items().in_bulk({unit.rubric_id for unit in units})
    rubrics = {unit.rubric_id: kept[unit.rubric_id] for unit in units}  # in the order of the branches
    found = marks_headings(source, units)
    names: set[str] = set()
    for number, (pk, rubric) in enumerate(rubrics.items()):
        sheet = book.active if number == 0 else book.create_sheet()
        mine = [unit for unit in units if unit.rubric_id == pk]
        categories = "、".join(dict.fromkeys(unit.category_name for unit in mine))
        title = sheet_title(f"{source.name} {categories}")
        names.add(title := title if title not in names else sheet_title(f"{title[:28]}{number + 1}"))
        labels = list(found[pk])
        _fill(sheet, title, [*_BRANCH, *labels, "备注"], ([u.general_branch_name, u.name] for u in mine))
        told = _notes(rubric)
        for column, label in enumerate(labels, start=len(_BRANCH) + 1):
            text, most, may_skip = told[found[pk][label]]
            _note(sheet, column, text, most, len(mine), may_skip=may_skip)
    if not rubrics:
        _fill(book.active, sheet_title(source.name), [*_BRANCH, "备注"], [])


def _notes(rubric: Rubric) -> dict[str, tuple[str, Decimal, bool]]:
    """Return what each section and item says, what it is worth at most, and whether it may be 不适用, by code."""
    told = {}
    allowed = rubric.not_applicable != NotApplicable.REFUSED
    for section in rubric.sections.all():
        told[section.code] = (f"{section.name}（{section.points.normalize():f} 分）", section.points, False)
        for item in section.criteria.all():
            off = "，填扣多少分" if item.kind == item.Kind.DEDUCTION else ""
            text = f"{section.name}\n{item.code} {item.text}（{item.points.normalize():f} 分{off}）"
            may_skip = allowed and item.kind != item.Kind.BONUS
            told[item.code] = (
                f"{text}\n本支部不适用的填“{NOT_APPLICABLE}”" if may_skip else text,
                item.points,
                may_skip,
            )
    return told


def _note(sheet: Worksheet, column: int, text: str, most: Decimal, rows: int, *, may_skip: bool) -> None:
    """Put the text of an item on its heading, and let Excel refuse a figure it cannot have."""
    note = Comment(text, "")
    note.width, note.height = _NOTE_WIDTH, _NOTE_HEIGHT
    sheet.cell(1, column).comment = note
    if rows and most > 0:
        letter = get_column_letter(column)
        if may_skip:
            cell, least_to_most = f"{letter}2", f"{letter}2>=0,{letter}2<={most:f}"
            fits = f'OR(AND(ISNUMBER({cell}),{least_to_most}),{cell}="{NOT_APPLICABLE}")'
            rule = DataValidation("custom", formula1=fits, allow_blank=True)
        else:
            rule = DataValidation("decimal", operator="between", formula1="0", formula2=f"{most:f}", allow_blank=True)
        rule.error = f"应在 0 至 {most.normalize():f} 之间{f'，或填“{NOT_APPLICABLE}”' if may_skip else ''}。"
        rule.add(f"{letter}2:{letter}{rows + 1}")
        sheet.add_data_validation(rule)


def _fill(sheet: Worksheet, title: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Write the heading and a row for each line."""
    sheet.title = title
    for row, line in enumerate([head, *lines], start=1):
        for column, text in enumerate(line, start=1):
            cell = sheet.cell(row, column, text)
            cell.data_type = "s"
            cell.alignment = Alignment(vertical="center", wrap_text=True)
            if row == 1:
                cell.font = Font(bold=True)
    for column, text in enumerate(head, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(text, _OTHER)
    sheet.freeze_panes = "C2" if head[0] == _BRANCH[0] else "A2"


def sheet_title(name: str) -> str:
    """Return a source's name as the name of a sheet: 31 characters at most, none that Excel refuses."""
    return "".join("" if sign in r"[]:*?/\'" else sign for sign in name)[:31] or "录入"
