"""晋位升级情况表: every branch with both grades, merged by 党总支; and the grades against each other with names."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reporting.annexes.facts import UNNAMED, Heading, Stamp
from reporting.annexes.wording import SIGN_DATE, head_line, share, short_category
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

PAPER = Page(orientation="landscape", top=22, right=18, bottom=19, left=18)
TITLE = "党支部晋位升级情况表"
RISEN, LEVEL, FALLEN, NEW, GONE, OUTSIDE = "晋位", "持平", "退位", "新建", "撤销", "不对比"
COMPARED = (RISEN, LEVEL, FALLEN)
NAMED = 12
_NAMES_MM = 220.0


@dataclass(frozen=True, slots=True)
class PromotionRow:
    """One branch. `earlier` and `later` are labels of grades, "" without one; `move` one of the words above."""

    code: str
    group: str
    name: str
    category: str
    earlier: str
    later: str
    move: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PromotionFacts:
    """晋位升级 of one unit. `merged` says that it holds several 党总支; grades run from best to worst."""

    school: str
    unit: str
    earlier_name: str
    later_name: str
    earlier_grades: tuple[str, ...]
    later_grades: tuple[str, ...]
    rows: tuple[PromotionRow, ...]
    merged: bool = False
    heading: Heading = UNNAMED


Rows = Sequence[PromotionRow]


def sentence(rows: Rows) -> str:
    """Return the closing sentence: 参评支部 5 个，可对比 4 个，其中晋位 2 个（50.00%）…；新建 1 个。."""
    counts = Counter(row.move for row in rows)
    compared = sum(counts[word] for word in COMPARED)
    moved = "、".join(f"{word} {counts[word]} 个（{share(counts[word], compared)}）" for word in COMPARED)
    others = [f"{word} {counts[word]} 个" for word in (NEW, GONE, OUTSIDE) if counts[word]]
    tail = f"；{'，'.join(others)}" if others else ""
    return f"本轮参评支部 {len(rows) - counts[GONE]} 个，可对比 {compared} 个，其中{moved}{tail}。"


def table(facts: PromotionFacts, stamp: Stamp) -> Table:
    """Return the definition of the list of branches."""
    first = (Column("group", "党总支", 44),) if facts.merged else ()
    return Table(
        slug="promotion",
        code=facts.heading.number,
        title=facts.heading.over(facts.school, TITLE),
        page=PAPER,
        head_line=head_line(facts.unit, stamp, filled_in=True),
        columns=(
            *first,
            Column("number", "序号", 10, counter=True, format=formats.INTEGER),
            Column("name", "党支部名称", 62 if facts.merged else 84, align="left", row_header=True),
            Column("category", "类别", 16, value=lambda row: short_category(row.category)),
            Group("等　　级", (Column("earlier", facts.earlier_name, 26), Column("later", facts.later_name, 26))),
            Column("move", "变化", 17),
            Column("note", "说明", 60 if facts.merged else 80, align="left", blank=""),
        ),
        merge_by=(Merge(("group",)),) if facts.merged else (),
        total=Total((TotalCell("group" if facts.merged else "number", _total, through="note", align="left"),)),
        footer=(lambda given: sentence(given.rows),),
        signatures=(Signature("负责人（签字）："), Signature("制表人："), Signature(SIGN_DATE)),
        sheet_name="晋位升级",
        row_height_mm=8.5,
        body_pt=10.5,
        freeze=3 if facts.merged else 2,
        notes=("合并的支部按本轮对比办法取原等级，只计一次；拆分的各按原支部的等级；新建、撤销的不计入对比。",),
    )


def _total(rows: Rows) -> str:
    counts = Counter(row.move for row in rows)
    words = [f"{word} {counts[word]}" for word in (*COMPARED, NEW, GONE, OUTSIDE) if counts[word] or word in COMPARED]
    return f"合计（本轮参评 {len(rows) - counts[GONE]} 个）：{'　'.join(words)}"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the matrix: branches that started from one grade, by the grade they hold now."""

    earlier: str
    cells: tuple[Rows, ...]

    @property
    def count(self) -> int:
        """Number of branches on the line."""
        return sum(len(cell) for cell in self.cells)


def lines(facts: PromotionFacts) -> list[_Line]:
    """Return the matrix line by line, best earlier grade first."""
    compared = [row for row in facts.rows if row.move in COMPARED]
    return [
        _Line(
            old,
            tuple([row for row in compared if (row.earlier, row.later) == (old, new)] for new in facts.later_grades),
        )
        for old in facts.earlier_grades
    ]


def _named(rows: Rows) -> str:
    """Return a cell: how many and who; a long list of those that stayed stands on the first sheet."""
    if not rows:
        return ""
    if len(rows) > NAMED and rows[0].move == LEVEL:
        return f"{len(rows)}个\n（名单见情况表）"
    return f"{len(rows)}个\n{'、'.join(row.name for row in rows)}"


def matrix_table(facts: PromotionFacts, stamp: Stamp) -> Table:
    """Return the definition of the grades against each other."""
    width = _NAMES_MM / max(len(facts.later_grades), 1)

    def names(index: int) -> Callable[[_Line], Any]:
        return lambda line: _named(line.cells[index])

    def added(index: int) -> Callable[[Sequence[_Line]], Any]:
        return lambda given: sum(len(line.cells[index]) for line in given)

    later = [Column(f"to_{i}", label, width, value=names(i)) for i, label in enumerate(facts.later_grades)]
    cells = [TotalCell(f"to_{i}", added(i)) for i in range(len(facts.later_grades))]
    whole = TotalCell("count", lambda given: sum(line.count for line in given))
    return Table(
        slug="promotion_matrix",
        title=f"{facts.school}党支部晋位升级对照表",
        page=PAPER,
        head_line=(Pair("填报单位（盖章）", facts.unit), Pair("填报时间", stamp.on)),
        columns=(
            Column("earlier", f"{facts.earlier_name}\n等级", 24, row_header=True, label=True),
            Group(f"{facts.later_name}等级", tuple(later)),
            Column("count", "合计", 16, format=formats.INTEGER),
        ),
        total=Total((TotalCell("earlier", "合　计"), *cells, whole)),
        row_height_mm=12,
        body_pt=9,
        sheet_name="晋位对照",
        freeze=1,
        notes=("对角线左下为晋位，右上为退位。",) if facts.earlier_grades == facts.later_grades else (),
    )


def sheets(facts: PromotionFacts, stamp: Stamp) -> list[Sheet]:
    """Lay the list and the matrix out."""
    return [lay_out(table(facts, stamp), facts.rows), lay_out(matrix_table(facts, stamp), lines(facts))]
