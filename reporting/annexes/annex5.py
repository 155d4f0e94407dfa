"""附件5 党支部分类定级汇总表: of one 党总支; of the school with a merged first column and a sheet of subtotals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reporting.annexes import wording
from reporting.annexes.facts import Annex5, BranchResult, RoundFacts, Stamp
from reporting.tables import (
    Block,
    Column,
    Facts,
    Group,
    Merge,
    Page,
    Pair,
    Sheet,
    Signature,
    Subtotal,
    Table,
    Total,
    TotalCell,
    formats,
    lay_out,
)
from reporting.tables.definition import Head

Rows = Sequence[BranchResult]
NARROW = Page(orientation="landscape", top=22, right=16, bottom=19, left=16)
WIDE = Page(orientation="landscape", top=22, right=14, bottom=19, left=14)
NONE = "无"


@dataclass(frozen=True)
class _Widths:
    """Widths in millimetres of one variant; what the sources take more or less goes to the branch's name."""

    group: float
    number: float
    name: float
    category: float
    secretary: float
    count: float
    score: float
    rate: float
    grade: float
    proposed: float
    veto: float
    problem: float
    target: float
    remark: float
    header_pt: float


#: Eleven characters of a branch's name to a line, so that names of 22 take two; of the school's table ten.
_ONE = _Widths(0, 9.1, 38.2, 11.7, 14.6, 9.2, 12.3, 13.1, 10.7, 12.2, 9.7, 26, 10.7, 9.2, 10)
_MANY = _Widths(22, 8.8, 34.9, 11.5, 13, 9.5, 11.7, 12.7, 9.6, 11.5, 9, 21.4, 10.5, 7.5, 9.5)
_BODY_PT = 9.5
_USUAL_SOURCES = 4
_OVERVIEW_MM = 126.0
_LOWEST_ROW_MM = 5.7


def _score_columns(rounds: RoundFacts, width: float) -> tuple[Column, ...]:
    """Return one column per source and the composite."""

    def reader(index: int) -> Callable[[BranchResult], Any]:
        return lambda row: row.scores[index]

    columns = [
        Column(f"score_{source.code}", wording.heading(source), width, format=formats.DECIMAL2, value=reader(index))
        for index, source in enumerate(rounds.sources)
    ]
    return (*columns, Column("composite", "综合", width, format=formats.decimal(rounds.places)))


def _veto(row: BranchResult) -> str:
    return "是" if row.vetoed else NONE if row.veto_known else ""


def _proposed(row: BranchResult) -> str:
    return formats.DASH if row.direct else row.proposed_grade


def _decided(row: BranchResult) -> str:
    return row.decided_grade


def _columns(rounds: RoundFacts, widths: _Widths, *, merged: bool) -> tuple[Head, ...]:
    """Return the two-level head. 党委审定 stays blank for the pen while the committee has not decided.

    Where no 党总支 names a grade there is no column for it.
    """
    spare = (_USUAL_SOURCES - len(rounds.sources)) * widths.score + (0 if rounds.proposes else widths.proposed)
    proposed = (Column("proposed_grade", "党总支\n拟定", widths.proposed, blank="", value=_proposed),)
    name_width = max(widths.name + spare, 26)
    first = (Column("group", "党总支", widths.group),) if merged else ()
    name = "short_name" if merged else "name"
    return (
        *first,
        Column("number", "序号", widths.number, counter=True, format=formats.INTEGER),
        Column(name, "党支部名称", name_width, align="left", row_header=True),
        Column("category", "类别", widths.category, value=lambda row: wording.short_category(row.category)),
        Column("secretary", "书记\n姓名", widths.secretary, format=formats.NAME),
        Group("党员数", (
            Column("members", "合计", widths.count, format=formats.INTEGER),
            Column("full_members", "正式", widths.count, format=formats.INTEGER),
            Column("probationary", "预备", widths.count, format=formats.INTEGER),
        )),
        Group("得　　分", _score_columns(rounds, widths.score)),
        Column("satisfaction", "满意率\n（%）", widths.rate, format=formats.DECIMAL2),
        Group("等　　级", (
            Column("self_grade", "支部\n自评", widths.grade),
            *(proposed if rounds.proposes else ()),
            Column("decided_grade", "党委\n审定", widths.grade, blank="", value=_decided),
        )),
        Column("vetoed", "一票\n否决", widths.veto, value=_veto),
        Column("problem", "主要问题", widths.problem, align="left"),
        Column("target", "晋位\n目标", widths.target),
        Column("remark", "备注", widths.remark, align="left", blank=""),
    )  # fmt: skip


def _total(rounds: RoundFacts, word: str, *, first: str) -> Total:
    """Return a total row: counts added, scores averaged, the rate taken over all ballots, grades counted."""

    def averaged(index: int) -> Callable[[Rows], Fraction | None]:
        return lambda rows: wording.mean([row.scores[index] for row in rows])

    def added(field: str) -> Callable[[Rows], int | None]:
        return lambda rows: wording.sum_of([getattr(row, field) for row in rows])

    scores = tuple(
        TotalCell(f"score_{source.code}", averaged(index), blank=formats.DASH)
        for index, source in enumerate(rounds.sources)
    )
    return Total((
        TotalCell(first, lambda rows: f"{word}（{len(rows)}个支部）", through="secretary"),
        *(TotalCell(field, added(field), blank=formats.DASH) for field in ("members", "full_members", "probationary")),
        *scores,
        TotalCell("composite", lambda rows: wording.mean([row.unrounded for row in rows]), blank=formats.DASH),
        TotalCell("satisfaction", wording.satisfaction, blank=formats.DASH),
        TotalCell("self_grade", wording.grade_line(rounds.grades), through="remark", align="left"),
    ), min_height_mm=9)  # fmt: skip


def _block(rounds: RoundFacts, rows: Rows, widths: tuple[float, ...]) -> Block:
    """Return 类别×等级: one row per category that occurs, a total row, a column of subtotals."""
    present = {wording.short_category(row.category) for row in rows}
    names = [name for name in wording.category_names(rounds, *(row.category for row in rows)) if name in present]
    ungraded = [row for row in rows if row.grade not in rounds.grades]
    extra = ["未定"] if ungraded else []

    def line(label: str, members: Rows) -> list[Any]:
        open_rows = [sum(1 for row in members if row.grade not in rounds.grades)] if extra else []
        return [label, *wording.grade_counts(members, rounds.grades), *open_rows, len(members)]

    def content(facts: Facts) -> list[list[Any]]:
        head = ["类别＼等级", *rounds.grades, *extra, "小计"]
        body = [line(n, [row for row in facts.rows if wording.short_category(row.category) == n]) for n in names]
        return [head, *body, line("合计", facts.rows)]

    first, each = widths
    return Block(content, (first, *([each] * (len(rounds.grades) + len(extra) + 1))), total_rows=1, min_height_mm=7.5)


def table(facts: Annex5, stamp: Stamp) -> Table:
    """Return the definition of 附件5 for these facts."""
    rounds, merged = facts.round, facts.merged
    widths = _MANY if merged else _ONE
    first = "number"
    subtotal = (Subtotal("group", _total(rounds, "小计", first="number")),) if merged else ()
    head = "党委组织部部长（签字）：" if merged else "党总支书记（签字）："
    return Table(
        slug="annex5",
        code="附件5",
        title=f"{rounds.school}党支部分类定级汇总表",
        page=WIDE if merged else NARROW,
        head_line=wording.head_line(facts.unit, stamp, filled_in=True),
        columns=_columns(rounds, widths, merged=merged),
        merge_by=(Merge(("group",)),) if merged else (),
        subtotals=subtotal,
        total=_total(rounds, "合计", first="group" if merged else first),
        footer=(lambda given: wording.sentence(given.rows, rounds.grades),),
        blocks=(_block(rounds, facts.rows, (65.0, 25.5) if merged else (49.0, 26.0)),),
        signatures=(Signature(head), Signature("审核人："), Signature("制表人：")),
        sheet_name="附件5",
        row_height_mm=10.5,
        body_pt=_BODY_PT,
        header_pt=widths.header_pt,
        freeze=3 if merged else 2,
        notes=(_note(rounds),),
    )


def _note(rounds: RoundFacts) -> str:
    weights = "、".join(f"{source.name} {wording.weight(source)}" for source in rounds.sources)
    return f"综合得分按{weights}计算；合计和小计的得分为各支部平均，满意率按全部有效票计算。"


@dataclass(frozen=True, slots=True)
class _GroupRow:
    """One 党总支 on the sheet of subtotals."""

    name: str
    rows: tuple[BranchResult, ...]

    @property
    def count(self) -> int:
        """Number of branches."""
        return len(self.rows)


def _groups(rows: Rows) -> list[_GroupRow]:
    """Return the 党总支 in the order of the table."""
    found: dict[str, list[BranchResult]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return [_GroupRow(name, tuple(members)) for name, members in found.items()]


def _share_of(members: Rows, grades: Sequence[str]) -> Fraction | None:
    held = sum(1 for row in members if row.grade in grades)
    return Fraction(held * 100, len(members)) if members else None


Over = Callable[[Rows], Any]


def _measures(rounds: RoundFacts) -> list[tuple[str, str, str, Over, formats.Format, float]]:
    """Return (heading group, key, heading, over rows, format, width) of every figure on the sheet of subtotals."""

    def held(grade: str) -> Over:
        return lambda rows: sum(1 for row in rows if row.grade == grade)

    def added(field: str) -> Over:
        return lambda rows: wording.sum_of([getattr(row, field) for row in rows])

    top = rounds.grades[:2]
    count, share = formats.INTEGER, formats.DECIMAL2
    return [
        ("", "count", "支部数", len, count, 15),
        ("党员数", "members", "合计", added("members"), count, 15),
        ("党员数", "full_members", "正式", added("full_members"), count, 15),
        ("党员数", "probationary", "预备", added("probationary"), count, 15),
        *(("等　　级（个）", f"grade_{i}", grade, held(grade), count, 16.0) for i, grade in enumerate(rounds.grades)),
        ("占比（%）", "share_top", top[0], lambda rows: _share_of(rows, top[:1]), share, 18),
        ("占比（%）", "share_good", "+".join(top), lambda rows: _share_of(rows, top), share, 21),
        ("", "mean", "综合得分\n平均", lambda rows: wording.mean([r.unrounded for r in rows]), share, 20),
        ("", "rate", "满意率\n（%）", wording.satisfaction, share, 22),
    ]


def _overview_row(groups: int) -> float:
    """Return the height of a row: 8 mm, or as little as 5.9 mm where that keeps the overview on one page."""
    fitting = _OVERVIEW_MM / (groups + 1)
    return min(8.0, fitting) if fitting >= _LOWEST_ROW_MM else 8.0


def subtotals_table(facts: Annex5, stamp: Stamp) -> Table:
    """Return the definition of the sheet 附件5（小计）: one row per 党总支, computed from the branches themselves."""
    measures = _measures(facts.round)

    def over_group(measure: Over) -> Callable[[_GroupRow], Any]:
        return lambda group: measure(group.rows)

    def over_all(measure: Over) -> Callable[[Sequence[_GroupRow]], Any]:
        return lambda groups: measure([row for group in groups for row in group.rows])

    heads: list[Head] = [
        Column("number", "序号", 10, counter=True, format=formats.INTEGER),
        Column("name", "党总支", 54, align="left", row_header=True),
    ]
    grouped: dict[str, list[Column]] = {}
    for group, key, header, over, form, width in measures:
        column = Column(key, header, width, format=form, value=over_group(over))
        if not group:
            heads.append(column)
        elif group in grouped:
            grouped[group].append(column)
        else:
            grouped[group] = [column]
            heads.append(Group(group, ()))
    columns = tuple(Group(h.header, tuple(grouped[h.header])) if isinstance(h, Group) else h for h in heads)
    cells = [TotalCell(key, over_all(over), blank=formats.DASH) for _, key, _, over, _, _ in measures]
    height = _overview_row(len(_groups(facts.rows)))
    return Table(
        slug="annex5_subtotals",
        title=f"{facts.round.school}党支部分类定级情况统计（按党总支）",
        page=WIDE,
        head_line=(Pair("填报单位（盖章）", facts.unit), Pair("填报时间", stamp.on)),
        columns=columns,
        total=Total((TotalCell("number", "合　计", through="name"), *cells), min_height_mm=height),
        row_height_mm=height,
        sheet_name="附件5（小计）",
        freeze=2,
    )


def sheets(facts: Annex5, stamp: Stamp) -> list[Sheet]:
    """Lay 附件5 out: one sheet for a 党总支, two for a unit that holds several."""
    laid = [lay_out(table(facts, stamp), facts.rows)]
    if facts.merged:
        laid.append(lay_out(subtotals_table(facts, stamp), _groups(facts.rows)))
    return laid
