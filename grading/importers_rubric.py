"""Reading a rubric from a workbook (made by `rubric_workbook`, filled in by a person): faults by sheet and cell."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from branches.intake.shapes import Grid, Problem, RawCell, Severity, Workbook, cell_ref
from grading.rubric_workbook import HEAD, HEAD_FIELDS, ITEMS, OPTIONS, SECTIONS, TABLES, YES, Field

MOST_ROWS = 500
LENGTHS = {
    "title": 100, "form_code": 20, "source": 200, "name": 60, "text": 200, "label": 40, "figure": 40, "code": 60,
}  # fmt: skip
CODE_LENGTH = 10
_SLUG = re.compile(r"[A-Za-z0-9_-]+")
_LIMIT = Decimal(10_000)
HUNDRED = Decimal(100)


@dataclass
class Reading:
    """What a workbook says: `header` and `sections` as services.rubrics take them. Import only when `ok`."""

    header: dict[str, str] = field(default_factory=dict)
    sections: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when nothing stops the import."""
        return not self.errors

    @property
    def errors(self) -> list[Problem]:
        """The problems that stop the import."""
        return [problem for problem in self.problems if problem.level is Severity.ERROR]

    def fault(self, sheet: str, cell: str, reason: str) -> None:
        """Note what stops the import."""
        self.problems.append(Problem(sheet, cell, Severity.ERROR, reason))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: values by key, and where each stands."""

    values: dict[str, Any]
    cells: Mapping[str, str]


def _text(cell: RawCell) -> str:
    """Return what a cell holds as text; a whole number without the point Excel gives it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(text: str) -> Decimal | None:
    """Return a figure with at most two places, else None."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or value != value.quantize(Decimal("0.01")) or not 0 <= value < _LIMIT:
        return None
    return value.quantize(Decimal("0.01"))


def _limit(wanted: Field, sheet: str) -> int | None:
    if wanted.key in {"section", "item"} or (wanted.key == "code" and sheet != HEAD):
        return CODE_LENGTH
    return LENGTHS.get(wanted.key)


def _value(reading: Reading, sheet: str, wanted: Field, cell: RawCell) -> Any:
    """Return one value, or None with a fault noted."""
    if cell.formula is not None:
        reading.fault(sheet, cell.ref, f"“{wanted.heading}”是公式，请改成数值或文字。")
        return None
    said = _text(cell)
    if not said.strip():
        if wanted.needed:
            reading.fault(sheet, cell.ref, f"“{wanted.heading}”没有填。")
        return None if wanted.number else ""
    if wanted.number:
        number = _number(said)
        if number is None:
            reading.fault(sheet, cell.ref, f"“{said[:20]}”不是分数，请填 0 以上、最多两位小数的数字。")
        return None if number is None else str(number)
    if wanted.words:
        known = {word: key for key, word in wanted.words} | {key: key for key, _ in wanted.words}
        if said.strip() not in known:
            words = "、".join(word for _, word in wanted.words)
            reading.fault(sheet, cell.ref, f"“{said[:20]}”不认识，{wanted.heading}请填 {words}。")
            return None
        return known[said.strip()]
    most = _limit(wanted, sheet)
    said = said.strip() if most == CODE_LENGTH or wanted.key in {"code", "figure"} else said
    if most is not None and len(said) > most:
        reading.fault(sheet, cell.ref, f"“{wanted.heading}”有 {len(said)} 个字，最多 {most} 个字。")
        return None
    return said


def _header(reading: Reading, grid: Grid) -> dict[str, str]:
    rows = {_text(grid.shown(row, 1)).strip(): row for row in range(1, min(grid.last_row, MOST_ROWS) + 1)}
    found: dict[str, str] = {}
    for wanted in HEAD_FIELDS:
        row = rows.get(wanted.heading)
        if row is None:
            if wanted.needed:
                reading.fault(HEAD, "A1", f"缺少“{wanted.heading}”这一行。")
            continue
        found[wanted.key] = _value(reading, HEAD, wanted, grid.shown(row, 2)) or ""
    code = found.get("code", "")
    if code and not _SLUG.fullmatch(code):
        reading.fault(HEAD, cell_ref(rows["代码"], 2), "代码只能用英文字母、数字和连字符。")
    return found


def _columns(reading: Reading, grid: Grid, fields: tuple[Field, ...]) -> dict[str, int]:
    headings = {_text(grid.shown(1, column)).strip(): column for column in range(1, grid.last_column + 1)}
    known = {wanted.heading for wanted in fields}
    for heading, column in headings.items():
        if heading and heading not in known:
            reading.fault(grid.name, cell_ref(1, column), f"不认识“{heading}”这一列，请照模板的标题。")
    for wanted in fields:
        if wanted.heading not in headings:
            reading.fault(grid.name, "1:1", f"缺少“{wanted.heading}”这一列。")
    return {wanted.key: headings[wanted.heading] for wanted in fields if wanted.heading in headings}


def _rows(reading: Reading, grid: Grid) -> Iterator[Row]:
    """Yield the rows of a table that hold anything."""
    fields = TABLES[grid.name]
    columns = _columns(reading, grid, fields)
    if len(columns) < len(fields):
        return
    if grid.last_row > MOST_ROWS:
        reading.fault(grid.name, f"A{MOST_ROWS + 1}", f"行数太多，最多 {MOST_ROWS} 行。")
        return
    for row in range(2, grid.last_row + 1):
        cells = {key: grid.shown(row, column) for key, column in columns.items()}
        if all(cell.blank for cell in cells.values()):
            continue
        values = {wanted.key: _value(reading, grid.name, wanted, cells[wanted.key]) for wanted in fields}
        yield Row(values, {key: cell_ref(row, column) for key, column in columns.items()})


def read(workbook: Workbook) -> Reading:
    """Return what a workbook says, with every fault by its sheet and cell."""
    reading = Reading()
    grids = {grid.name: grid for grid in workbook.sheets}
    for name in (HEAD, *TABLES):
        if name not in grids:
            reading.fault(name, "—", f"缺少工作表“{name}”。请用“下载模板”得到的工作簿填写。")
    if reading.problems:
        return reading
    reading.header = _header(reading, grids[HEAD])
    sections = _sections(reading, grids[SECTIONS])
    items = _items(reading, grids[ITEMS], sections)
    _options(reading, grids[OPTIONS], items)
    reading.sections = list(sections.values())
    if not reading.sections and not reading.problems:
        reading.fault(SECTIONS, "A2", "还没有任何项目。")
    return reading


def _sections(reading: Reading, grid: Grid) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in _rows(reading, grid):
        code = row.values["code"]
        if code in found:
            reading.fault(SECTIONS, row.cells["code"], f"项目编号 {code} 重复。")
        elif code:
            found[code] = {**row.values, "criteria": []}
    return found


def _items(
    reading: Reading, grid: Grid, sections: Mapping[str, dict[str, Any]]
) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in _rows(reading, grid):
        values = dict(row.values)
        section, code = values.pop("section"), values["code"]
        if section and section not in sections:
            reading.fault(ITEMS, row.cells["section"], f"“项目”表里没有编号为 {section} 的项目。")
            continue
        if (section, code) in found:
            reading.fault(ITEMS, row.cells["code"], f"条目编号 {code} 重复。")
            continue
        if values["step"] is not None and not 0 < Decimal(values["step"]) < HUNDRED:
            reading.fault(ITEMS, row.cells["step"], "最小一档应大于 0、小于 100。")
        if values["kind"] == "system" and not values["figure"]:
            reading.fault(ITEMS, row.cells["figure"], "由系统填写的条目须写明取数。")
        elif values["figure"] and not _SLUG.fullmatch(values["figure"]):
            reading.fault(ITEMS, row.cells["figure"], "取数只能用英文字母、数字和连字符。")
        values["evidence_required"] = values["evidence_required"] == YES
        if section and code:
            found[section, code] = {**values, "levels": []}
            sections[section]["criteria"].append(found[section, code])
    return found


def _options(reading: Reading, grid: Grid, items: Mapping[tuple[str, str], dict[str, Any]]) -> None:
    for row in _rows(reading, grid):
        values = dict(row.values)
        section, code = values.pop("section"), values.pop("item")
        item = items.get((section, code))
        if item is None:
            reading.fault(OPTIONS, row.cells["item"], f"“条目”表里没有项目 {section} 的条目 {code}。")
            continue
        if values["label"] in {level["label"] for level in item["levels"]}:
            reading.fault(OPTIONS, row.cells["label"], f"{code} 的“{values['label']}”写了两次。")
        if values["minimum"] is not None and Decimal(values["minimum"]) > HUNDRED:
            reading.fault(OPTIONS, row.cells["minimum"], "下限是百分数，应在 0 至 100 之间。")
        item["levels"].append(values)
