"""The official forms with the cells a branch fills in: 附件4 and the scoring sheet of reporting.annexes; and the notes.

Field names travel in the hidden sheet and are what services speak of:

    check:<code>  note:<code>  target  text:problems  text:goal  text:measures  points:<item>  na:<item>  remark:<item>
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reporting.annexes import annex4, facts, scoring_sheet
from reporting.offline.ticket import NOTES
from reporting.tables import (
    Cell,
    Column,
    Form,
    FormRow,
    Look,
    Pair,
    Sheet,
    Subtotal,
    Table,
    Total,
    TotalCell,
    formats,
    label,
    lay_out,
    lay_out_form,
    text,
    value,
)

POINTS = formats.Format("number", 2, "0.0#")
TICK = "√"
SYSTEM = "系统填写"
_KINDS = {"own": "points", "na": "na", "remark": "remark"}
TEXT_FIELDS = {"problems": "text:problems", "goal": "text:goal", "measures": "text:measures", "target": "target"}


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the 调查摸底."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the rubric as a person fills it; `levels` are the only points allowed where there are any."""

    code: str
    text: str
    maximum: Decimal
    step: Decimal
    levels: tuple[tuple[str, Decimal], ...] = ()
    system: bool = False
    guidance: str = ""
    #: A deduction without a maximum.
    unbounded: bool = False


@dataclass(frozen=True, slots=True)
class OfflineFacts:
    """Everything a workbook is made of. `values` by field name; a blank field is ""."""

    annex4: facts.Annex4
    sheet: facts.Sheet
    stamp: facts.Stamp
    checks: tuple[Check, ...]
    items: tuple[Item, ...]
    not_applicable: bool
    values: Mapping[str, str]


def field_of(key: str, given: OfflineFacts) -> str:
    """Return the field a cell of 附件4 holds."""
    kind, _, number = key.partition("_")
    if kind in {"check", "note"} and number.isdigit():
        return f"{kind}:{given.checks[int(number)].code}"
    return TEXT_FIELDS.get(key, "")


def _opened(row: FormRow) -> FormRow:
    """Return a row of 附件4 with the cells of the 调查摸底 and 存在的主要问题 to fill in."""
    if not any(cell.key.startswith(("check_", "note_")) or cell.key == "problems" for cell in row.cells):
        return row
    cells = tuple(replace(cell, editable=True, blank="") if cell.key else cell for cell in row.cells)
    return replace(row, cells=cells)


def _goal_rows(row: FormRow) -> tuple[FormRow, ...]:
    """Return the row of 晋位升级目标与主要措施 in three, one for each thing to fill in."""
    heading = replace(row.cells[0], rows=3)
    rest = annex4.GRID - annex4.HEAD - 3
    target = value("target", rest, align="left", blank="", editable=True)
    goal = value("goal", rest, align="left", blank="", editable=True)
    measures = value("measures", rest, align="left", blank="", editable=True)
    return (
        replace(row, cells=(heading, label("晋位等级", 3), target), min_height_mm=8),
        FormRow((label("目　　标", 3), goal), 14),
        FormRow((label("主要措施", 3), measures), 24),
    )


def _annex4_form(given: OfflineFacts, *, own_page: bool) -> Form:
    official = annex4.form(given.annex4, given.stamp, own_page=own_page)
    rows: list[FormRow] = []
    for row in official.rows:
        rows += _goal_rows(row) if any(cell.key == "goal" for cell in row.cells) else [_opened(row)]
    return replace(official, rows=tuple(rows))


def _annex4_values(given: OfflineFacts) -> dict[str, object]:
    shown = annex4.values(given.annex4)
    for number, check in enumerate(given.checks):
        shown[f"check_{number}"] = given.values[f"check:{check.code}"]
        shown[f"note_{number}"] = given.values[f"note:{check.code}"]
    return shown | {key: given.values[field] for key, field in TEXT_FIELDS.items()}


def annex4_sheet(given: OfflineFacts) -> Sheet:
    """Lay 附件4 out, on two pages like the official one."""
    shown = _annex4_values(given)
    laid = lay_out_form(_annex4_form(given, own_page=True), shown)
    if len(laid.pages) > annex4.PAGES:
        laid = lay_out_form(_annex4_form(given, own_page=False), shown)
    return laid


def _points(given: OfflineFacts, item: facts.Item) -> Decimal | str | None:
    if next(one for one in given.items if one.code == item.code).system:
        return SYSTEM
    typed = given.values[f"points:{item.code}"]
    return Decimal(typed) if typed else None


def _columns(given: OfflineFacts, official: Table) -> tuple[Column, ...]:
    kept = {key: official.column(key) for key in ("section", "code", "text", "points")}
    wide, own, rest = (64.0, 17.0, 32.0) if given.not_applicable else (72.0, 18.0, 36.0)
    columns = [
        kept["section"], kept["code"], replace(kept["text"], width_mm=wide), kept["points"],
        Column("own", "自评\n得分", own, format=POINTS, blank="", value=lambda item: _points(given, item)),
    ]  # fmt: skip
    if given.not_applicable:
        columns.append(Column("na", "不适用\n打√", 13, blank="", value=lambda i: given.values.get(f"na:{i.code}", "")))
    remark = Column(
        "remark", "自评说明", rest, align="left", blank="", value=lambda i: given.values.get(f"remark:{i.code}", "")
    )
    return (*columns, remark)


def _sums(key: str, words: str) -> Total:
    return Total((
        TotalCell(key, words, through="text"),
        TotalCell("points", lambda items: sum((item.points for item in items if item.points is not None), Decimal(0))),
        TotalCell("own", "上传后计算"),
    ))  # fmt: skip


def scoring_table(given: OfflineFacts) -> Table:
    """Return the scoring sheet of the branch: one column of points to fill in, and remarks."""
    official = scoring_sheet.table(given.sheet, given.stamp)
    return replace(
        official,
        slug="offline_scoring_sheet",
        columns=_columns(given, official),
        head_line=(
            Pair("党支部名称", given.sheet.name), Pair("填报时间", given.stamp.on),
            Pair("所属党总支", facts.DIRECT if given.sheet.direct else given.sheet.parent, new_line=True),
            Pair("评分主体", "☑自评　☐考评"),
        ),
        subtotals=(Subtotal("section", _sums("code", "小　计")),),
        total=_sums("section", "合　　计"),
        tail=(),
        signatures=official.signatures[:1],
    )  # fmt: skip


def scoring_sheet_laid(given: OfflineFacts) -> Sheet:
    """Lay the scoring sheet out, its points and remarks open."""
    by_code = {item.code: item for item in given.items}
    rows = [item for item in given.sheet.items if item.code in by_code]
    laid = lay_out(scoring_table(given), rows)
    looks: dict[Look, Look] = {}
    done, number = [], 0
    for row in laid.rows:
        if row.band != "body":
            done.append(row)
            continue
        system = by_code[rows[number].code].system
        number += 1
        done.append(row.changed(cells=tuple(_open_cell(cell, looks, system=system) for cell in row.cells)))
    return laid.with_rows(tuple(done), laid.pages)


def _open_cell(cell: Cell, looks: dict[Look, Look], *, system: bool) -> Cell:
    """Return a cell of the table open when a person fills it in; equal looks stay one object."""
    if system or cell.key not in _KINDS:
        return cell
    return cell.changed(look=looks.setdefault(cell.look, replace(cell.look, editable=True)))


def notes_sheet(lines: Sequence[str], facts_line: Sequence[tuple[str, str]]) -> Sheet:
    """Lay the page of notes out."""
    rows = [FormRow((label(name, 5), text(said, 19)), 8) for name, said in facts_line]
    rows += [FormRow((label(str(number), 2), text(line, 22)), 10) for number, line in enumerate(lines, 1)]
    return lay_out_form(Form("offline_notes", "离线填报说明", tuple(rows), sheet_name=NOTES), {})


def open_fields(sheet: Sheet, given: OfflineFacts) -> dict[tuple[int, int], str]:
    """Return the field of every open cell of a laid sheet, by its row and column from 0."""
    if sheet.kind == "form":
        return {(c.row, c.col): field_of(c.key, given) for c in sheet.cells if c.look.editable}
    by_code = {item.code for item in given.items}
    codes = iter([item.code for item in given.sheet.items if item.code in by_code])
    found: dict[tuple[int, int], str] = {}
    for row in sheet.rows:
        if row.band == "body":
            code = next(codes)
            found |= {(c.row, c.col): f"{_KINDS[c.key]}:{code}" for c in row.cells if c.look.editable}
    return found
