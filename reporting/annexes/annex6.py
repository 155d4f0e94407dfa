"""附件6 党支部整改汇总表: of a branch, of a 党总支, of the school with a merged first column and a sheet of subtotals.

A branch's name, grade and 晋位目标 stand beside all of its problems and are never divided over pages.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reporting.annexes.facts import UNNAMED, Heading, Stamp
from reporting.annexes.wording import head_line
from reporting.tables import (
    Column,
    Group,
    Merge,
    Page,
    Pair,
    Sheet,
    Signature,
    Table,
    Total,
    TotalCell,
    formats,
    lay_out,
)
from reporting.tables.definition import Head


class Standing(StrEnum):
    """Where an item stands, for the closing line: each item is counted once."""

    VERIFIED = "verified"
    OPEN = "open"
    OVERDUE = "overdue"
    LONG_TERM = "long_term"
    CONDITIONS = "awaiting_conditions"
    PAUSED = "paused"
    UNVERIFIED = "unverified"


#: How the closing line names them, in its order; `SELDOM` only where there is one.
COUNTED = (
    (Standing.VERIFIED, "已销号"),
    (Standing.OPEN, "未到期"),
    (Standing.OVERDUE, "逾期"),
    (Standing.LONG_TERM, "长期性项目"),
)
SELDOM = (
    (Standing.CONDITIONS, "暂不具备条件"),
    (Standing.PAUSED, "暂停"),
    (Standing.UNVERIFIED, "到期待核实"),
)


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One problem. `branch` (a code) says which rows belong together; texts are "" and days None while unknown.

    `item` is the item's primary key, not printed: a returned workbook names it on its hidden sheet.
    """

    branch: str
    group: str
    name: str
    short_name: str
    grade: str
    target: str
    category: str
    problem: str
    goal: str
    measures: str
    owner: str
    due: dt.date | None
    long_term: bool
    standing: Standing
    progress: str = ""
    verified_on: dt.date | None = None
    verifier: str = ""
    remark: str = ""
    item: int = 0


@dataclass(frozen=True, slots=True)
class Annex6:
    """附件6 of one unit with its code; `level` is that of the unit, a committee's holds several 党总支."""

    school: str
    unit: str
    code: str
    level: str
    rows: tuple[ItemRow, ...]
    heading: Heading = UNNAMED

    @property
    def merged(self) -> bool:
        """Tell whether the 党总支 is a column of its own."""
        return self.level == "committee"


Rows = Sequence[ItemRow]
TITLE, SHEET = "党支部整改汇总表", "整改汇总表"
NARROW = Page(orientation="landscape", top=22, right=17, bottom=20, left=17)
WIDE = Page(orientation="landscape", top=22, right=14, bottom=20, left=14)
HEADS = {"branch": "党支部书记（签字）：", "general_branch": "党总支书记（签字）："}


@dataclass(frozen=True)
class _Widths:
    """Widths in millimetres of one variant."""

    group: float
    name: float
    category: float
    problem: float
    goal: float
    measures: float
    progress: float


_ONE = _Widths(0, 23.6, 20.9, 29.4, 21.1, 33.6, 23.6)
_MANY = _Widths(17.6, 21.2, 20.4, 26.8, 20.4, 31.4, 20.6)
_BODY_PT, _HEADER_PT = 9.0, 9.5


def counted(rows: Rows) -> list[tuple[str, int]]:
    """Return what the closing line counts; together they are all rows."""
    held = [row.standing for row in rows]
    usual = [(word, held.count(standing)) for standing, word in COUNTED]
    return usual + [(word, held.count(standing)) for standing, word in SELDOM if standing in held]


def sentence(rows: Rows) -> str:
    """Return the closing sentence: 合计：问题 18 项，已销号 6 项，未到期 5 项，逾期 3 项，长期性项目 4 项（…）。."""
    found = counted(rows)
    parts = "，".join(f"{word} {count} 项" for word, count in found)
    apart = "、".join(word for word, _ in found[3:])
    return f"合计：问题 {len(rows)} 项，{parts}（{apart}不计入未到期、逾期）。"


def _columns(widths: _Widths, *, merged: bool) -> tuple[Head, ...]:
    first = (Column("group", "党总支", widths.group),) if merged else ()
    name = "short_name" if merged else "name"
    return (
        *first,
        Column("number", "序号", 8.5, counter=True, format=formats.INTEGER),
        Column(name, "党支部名称", widths.name, align="left", row_header=True),
        Column("grade", "现等级", 12.2),
        Column("category", "问题类别", widths.category),
        Column("problem", "存在的主要问题", widths.problem, align="left"),
        Column("goal", "整改目标", widths.goal, align="left"),
        Column("measures", "整改措施", widths.measures, align="left"),
        Column("owner", "责任人", 13.0, format=formats.NAME),
        Column("due", "完成时限", 17.6, format=formats.DATE),
        Column("long_term", "长期性\n项　目", 12.0, format=formats.TICK),
        Column("progress", "进展/\n完成情况" if merged else "进展/完成情况", widths.progress, align="left"),
        Group("销　号", (
            Column("verified_on", "日期", 16.7, format=formats.DATE),
            Column("verifier", "确认人", 12.0, format=formats.NAME),
        )),
        Column("target", "晋位\n目标", 10.2),
        Column("remark", "备注", 8.4, blank=""),
    )  # fmt: skip


def table(facts: Annex6, stamp: Stamp) -> Table:
    """Return the definition of 附件6 for these facts."""
    merged = facts.merged
    name = "short_name" if merged else "name"
    of_branch = Merge((name, "grade", "target"), by="branch", across_pages="keep")
    return Table(
        slug="annex6",
        code=facts.heading.number,
        title=facts.heading.over(facts.school, TITLE),
        page=WIDE if merged else NARROW,
        head_line=head_line(facts.unit, stamp, filled_in=True),
        columns=_columns(_MANY if merged else _ONE, merged=merged),
        merge_by=(Merge(("group",)), of_branch) if merged else (of_branch,),
        footer=(lambda given: sentence(given.rows),),
        signatures=(
            Signature(HEADS.get(facts.level, "党委组织部部长（签字）：")),
            Signature("审核人："),
            Signature("制表人："),
        ),
        sheet_name=facts.heading.number or SHEET,
        row_height_mm=10.5,
        body_pt=_BODY_PT,
        header_pt=_HEADER_PT,
        freeze=3 if merged else 2,
    )


@dataclass(frozen=True, slots=True)
class _GroupRow:
    """One 党总支 on the sheet of subtotals."""

    name: str
    rows: tuple[ItemRow, ...]


def _groups(rows: Rows) -> list[_GroupRow]:
    found: dict[str, list[ItemRow]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return [_GroupRow(name, tuple(members)) for name, members in found.items()]


Over = Callable[[Rows], Any]


def _measures(rows: Rows) -> list[tuple[str, str, Over]]:
    """Return (key, heading, figure over rows) of the sheet of subtotals."""

    def held(standing: Standing) -> Over:
        return lambda given: sum(1 for row in given if row.standing == standing)

    seldom = [(one, word) for one, word in SELDOM if any(row.standing == one for row in rows)]
    return [
        ("branches", "党组织数", lambda given: len({row.branch for row in given})),
        ("items", "问题", len),
        *((str(standing), word, held(standing)) for standing, word in (*COUNTED, *seldom)),
    ]


def subtotals_table(facts: Annex6, stamp: Stamp) -> Table:
    """Return the definition of the sheet 附件6（小计）: one row for each 党总支."""
    measures = _measures(facts.rows)

    def of_group(over: Over) -> Callable[[_GroupRow], Any]:
        return lambda group: over(group.rows)

    def of_all(over: Over) -> Callable[[Sequence[_GroupRow]], Any]:
        return lambda groups: over([row for group in groups for row in group.rows])

    columns = [
        Column(key, word.replace("具备条件", "具备\n条件"), 26, format=formats.INTEGER, value=of_group(over))
        for key, word, over in measures
    ]
    cells = [TotalCell(key, of_all(over)) for key, _, over in measures]
    return Table(
        slug="annex6_subtotals",
        title=f"{facts.school}党支部整改情况统计（按党总支）",
        page=WIDE,
        head_line=(Pair("填报单位（盖章）", facts.unit), Pair("填报时间", stamp.on)),
        columns=(
            Column("number", "序号", 12, counter=True, format=formats.INTEGER),
            Column("name", "党总支", 70, align="left", row_header=True),
            *columns,
        ),
        total=Total((TotalCell("number", "合　计", through="name"), *cells)),
        sheet_name=f"{facts.heading.number or SHEET}（小计）",
        freeze=2,
        notes=("问题数为已销号、未到期、逾期和其余各列之和。",),
    )


def sheets(facts: Annex6, stamp: Stamp) -> list[Sheet]:
    """Lay 附件6 out: one sheet, and for a unit that holds several 党总支 one of subtotals."""
    laid = [lay_out(table(facts, stamp), facts.rows)]
    if facts.merged:
        laid.append(lay_out(subtotals_table(facts, stamp), _groups(facts.rows)))
    return laid
