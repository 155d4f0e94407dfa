"""附件5 党支部分类定级汇总表: of one 党总支; of the school with a merged first column and a sheet of subtotals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from reporting.annexes import wording
from reporting.annexes.facts import NOT_GRADED, Annex5, BranchResult, RoundFacts, Stamp
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
from reporting.tables.metrics import MM_PER_POINT, PADDING_X_MM

Rows = Sequence[BranchResult]
TITLE, SHEET = "党支部分类定级汇总表", "汇总表"
NARROW = Page(orientation="landscape", top=22, right=16, bottom=19, left=16)
WIDE = Page(orientation="landscape", top=22, right=14, bottom=19, left=14)
NONE = "无"
UNCHECKED = "未核"


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
_USUAL_SOURCES = _USUAL_GRADES = 4
_OVERVIEW_MM = 126.0
_LOWEST_ROW_MM = 5.7
_EM = _BODY_PT * MM_PER_POINT
#: A grade of up to four characters keeps to one line; a remark longer than six gets room for four lines.
_LONGEST_GRADE, _SHORT_REMARK, _REMARK_LINES, _WIDEST_REMARK = 4, 6, 4, 36.0
_LEAST_PROBLEM, _EMPTY_PROBLEM = 20.0, 16.0


def _wide(characters: int) -> float:
    """Return the width of a column that keeps so many characters on a line."""
    return characters * _EM + PADDING_X_MM + 0.6


def _fitted(rounds: RoundFacts, rows: Rows, usual: _Widths, names: Sequence[str]) -> _Widths:
    """Return the widths for these grades and remarks; what they take or leave goes to the branch's name.

    Four sources, grades of two characters and short remarks have the usual widths.
    """
    word = max((len(grade) for grade in (*rounds.grades, *(row.decided_grade for row in rows))), default=0)
    needed = _wide(min(word, _LONGEST_GRADE))
    grade, proposed, target = (max(one, needed) for one in (usual.grade, usual.proposed, usual.target))
    grown = 2 * (grade - usual.grade) + (target - usual.target)
    grown += proposed - usual.proposed if rounds.proposes else -usual.proposed
    grown -= 0 if rounds.ballot else usual.rate
    grown -= 0 if rounds.vetoes else usual.veto
    name = usual.name + (_USUAL_SOURCES - len(rounds.sources)) * usual.score - grown
    wish = _remark_width(rows, usual.remark) - usual.remark
    least = _LEAST_PROBLEM if any(row.problem for row in rows) else _EMPTY_PROBLEM
    from_problem = min(wish, max(usual.problem - least, 0))
    least_name = min(usual.name, _wide(max(map(len, names), default=0)))
    from_name = min(wish - from_problem, max(name - least_name, 0))
    return replace(
        usual, grade=grade, proposed=proposed, target=target, name=name - from_name,
        problem=usual.problem - from_problem, remark=usual.remark + from_problem + from_name,
    )  # fmt: skip


def _remark_width(rows: Rows, usual: float) -> float:
    """Return the width in which the longest remark takes four lines."""
    longest = max((len(row.remark) for row in rows), default=0)
    if longest <= _SHORT_REMARK:
        return usual
    return max(usual, min(_wide(-(-longest // _REMARK_LINES)), _WIDEST_REMARK))


def _score_columns(rounds: RoundFacts, width: float) -> tuple[Column, ...]:
    """Return one column per source and the composite."""

    def reader(index: int) -> Callable[[BranchResult], Any]:
        return lambda row: row.scores[index]

    columns = [
        Column(f"score_{source.code}", wording.heading(source), width, format=formats.DECIMAL2, value=reader(index))
        for index, source in enumerate(rounds.sources)
    ]
    return (*columns, Column("composite", "综合", width, format=formats.decimal(rounds.places)))


def _veto(rounds: RoundFacts) -> Callable[[BranchResult], str]:
    """Return what the column says: 无 only where somebody looked, 未核 where a branch to be graded waits for that."""

    def said(row: BranchResult) -> str:
        if row.vetoed:
            return "是"
        waits = rounds.vetoes and row.decided_grade != NOT_GRADED
        return NONE if row.veto_known else UNCHECKED if waits else ""

    return said


def _proposed(row: BranchResult) -> str:
    nobody = row.direct or (row.decided_grade == NOT_GRADED and not row.proposed_grade)
    return formats.DASH if nobody else row.proposed_grade


def _decided(row: BranchResult) -> str:
    return row.decided_grade


def _columns(rounds: RoundFacts, widths: _Widths, *, merged: bool) -> tuple[Head, ...]:
    """Return the two-level head. 党委审定 stays blank for the pen while the committee has not decided.

    Where no 党总支 names a grade there is no column for it.
    """
    proposed = (Column("proposed_grade", "党总支\n拟定", widths.proposed, blank="", value=_proposed),)
    name_width = max(widths.name, 26)
    first = (Column("group", "党总支", widths.group),) if merged else ()
    name = "short_name" if merged else "name"
    heading = f"{wording.broken(rounds.rate)}\n（%）"
    rate = (Column("satisfaction", heading, widths.rate, format=formats.DECIMAL2),) if rounds.ballot else ()
    veto = (Column("vetoed", "一票\n否决", widths.veto, value=_veto(rounds)),) if rounds.vetoes else ()
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
        *rate,
        Group("等　　级", (
            Column("self_grade", "支部\n自评", widths.grade),
            *(proposed if rounds.proposes else ()),
            Column("decided_grade", "党委\n审定", widths.grade, blank="", value=_decided),
        )),
        *veto,
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
        TotalCell(first, lambda rows: wording.counted(word, rows), through="secretary"),
        *(TotalCell(field, added(field), blank=formats.DASH) for field in ("members", "full_members", "probationary")),
        *scores,
        TotalCell("composite", lambda rows: wording.mean([row.unrounded for row in rows]), blank=formats.DASH),
        *((TotalCell("satisfaction", wording.satisfaction, blank=formats.DASH),) if rounds.ballot else ()),
        TotalCell("self_grade", wording.grade_line(rounds.grades), through="remark", align="left"),
    ), min_height_mm=9)  # fmt: skip


def _block(rounds: RoundFacts, rows: Rows, first: float, each: float) -> Block:
    """Return 类别×等级: one row per category that occurs, a total row, columns of those without a grade and of all."""
    present = {wording.short_category(row.category) for row in rows}
    names = [name for name in wording.category_names(rounds, *(row.category for row in rows)) if name in present]
    extra = {"未定": wording.undecided(rows, rounds.grades), NOT_GRADED: _left_out(rounds, rows)}
    extra = {label: number for label, number in extra.items() if number}

    def line(label: str, members: Rows) -> list[Any]:
        more = {"未定": wording.undecided(members, rounds.grades), NOT_GRADED: _left_out(rounds, members)}
        return [label, *wording.grade_counts(members, rounds.grades), *(more[name] for name in extra), len(members)]

    def content(facts: Facts) -> list[list[Any]]:
        head = ["类别＼等级", *rounds.grades, *extra, "小计"]
        body = [line(n, [row for row in facts.rows if wording.short_category(row.category) == n]) for n in names]
        return [head, *body, line("合计", facts.rows)]

    return Block(content, (first, *([each] * (len(rounds.grades) + len(extra) + 1))), total_rows=1, min_height_mm=7.5)


def _left_out(rounds: RoundFacts, rows: Rows) -> int:
    """Return how many branches the round gives no grade."""
    return len(rows) - len(wording.graded(rows, rounds.grades))


def table(facts: Annex5, stamp: Stamp) -> Table:
    """Return the definition of 附件5 for these facts."""
    rounds, merged = facts.round, facts.merged
    usual = _MANY if merged else _ONE
    names = [row.short_name if merged else row.name for row in facts.rows]
    widths, first = _fitted(rounds, facts.rows, usual, names), "number"
    wider = max(widths.name - usual.name, 0)
    subtotal = (Subtotal("group", _total(rounds, "小计", first="number")),) if merged else ()
    head = "党委组织部部长（签字）：" if merged else "党总支书记（签字）："
    return Table(
        slug="annex5",
        code=facts.heading.number,
        title=facts.heading.over(rounds.school, TITLE),
        page=WIDE if merged else NARROW,
        head_line=wording.head_line(facts.unit, stamp, filled_in=True),
        columns=_columns(rounds, widths, merged=merged),
        merge_by=(Merge(("group",)),) if merged else (),
        subtotals=subtotal,
        total=_total(rounds, "合计", first="group" if merged else first),
        footer=(lambda given: wording.sentence(given.rows, rounds.grades),),
        blocks=(_block(rounds, facts.rows, (65.0 if merged else 49.0) + wider, 25.5 if merged else 26.0),),
        signatures=(Signature(head), Signature("审核人："), Signature("制表人：")),
        sheet_name=facts.heading.number or SHEET,
        row_height_mm=10.5,
        body_pt=_BODY_PT,
        header_pt=widths.header_pt,
        freeze=3 if merged else 2,
        notes=(_note(rounds, facts.rows),),
    )


def _note(rounds: RoundFacts, rows: Rows) -> str:
    weights = "、".join(f"{source.name} {wording.weight(source)}" for source in rounds.sources)
    rate = f"，{rounds.rate}按全部有效票计算" if rounds.ballot else ""
    return f"综合得分按{weights}计算；合计和小计的得分为各支部平均{rate}。{_base(rounds, rows)}"


def _base(rounds: RoundFacts, rows: Rows) -> str:
    """Return what the shares of grades are taken of, where that is not every branch of the table."""
    left_out = _left_out(rounds, rows)
    if not left_out:
        return ""
    return f"等级占比按参加定级的 {len(rows) - left_out} 个支部计算，{NOT_GRADED}的支部不计入占比，其得分计入平均。"


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


def _share_of(members: Rows, top: Sequence[str], grades: Sequence[str]) -> Fraction | None:
    """Return the share of some grades among the branches that take part in grading."""
    base = wording.graded(members, grades)
    held = sum(1 for row in base if row.grade in top)
    return Fraction(held * 100, len(base)) if base else None


Over = Callable[[Rows], Any]


def _measures(rounds: RoundFacts, rows: Rows) -> list[tuple[str, str, str, Over, formats.Format, float]]:
    """Return (heading group, key, heading, over rows, format, width) of every figure on the sheet of subtotals."""

    def held(grade: str) -> Over:
        return lambda rows: sum(1 for row in rows if row.grade == grade)

    def added(field: str) -> Over:
        return lambda rows: wording.sum_of([getattr(row, field) for row in rows])

    top, every, some_left_out = rounds.grades[:2], rounds.grades, _left_out(rounds, rows) > 0
    count, share = formats.INTEGER, formats.DECIMAL2
    graded: Over = lambda given: len(wording.graded(given, every))  # noqa: E731
    of, each = "占参加定级的（%）" if some_left_out else "占比（%）", 16.0 if len(every) <= _USUAL_GRADES else 13.5
    number = 15.0 if len(every) <= _USUAL_GRADES and not some_left_out else 13.0
    good = "+".join(top) if len("".join(top)) <= _USUAL_GRADES else "+\n".join(top)
    return [
        ("", "count", "支部数", len, count, number),
        *([("", "graded", "参加\n定级", graded, count, number)] if some_left_out else []),
        ("党员数", "members", "合计", added("members"), count, number),
        ("党员数", "full_members", "正式", added("full_members"), count, number),
        ("党员数", "probationary", "预备", added("probationary"), count, number),
        *(("等　　级（个）", f"grade_{i}", grade, held(grade), count, each) for i, grade in enumerate(every)),
        (of, "share_top", top[0], lambda rows: _share_of(rows, top[:1], every), share, 18),
        (of, "share_good", good, lambda rows: _share_of(rows, top, every), share, 21),
        ("", "mean", "综合得分\n平均", lambda rows: wording.mean([r.unrounded for r in rows]), share, 20),
        *([("", "rate", f"{rounds.rate}\n（%）", wording.satisfaction, share, 22)] if rounds.ballot else []),
    ]


def _overview_row(groups: int) -> float:
    """Return the height of a row: 8 mm, or as little as 5.9 mm where that keeps the overview on one page."""
    fitting = _OVERVIEW_MM / (groups + 1)
    return min(8.0, fitting) if fitting >= _LOWEST_ROW_MM else 8.0


def subtotals_table(facts: Annex5, stamp: Stamp) -> Table:
    """Return the definition of the sheet 附件5（小计）: one row per 党总支, computed from the branches themselves."""
    measures, base = _measures(facts.round, facts.rows), _base(facts.round, facts.rows)
    name_width = max(min(54.0, WIDE.body_width_mm - 10 - sum(width for *_, width in measures)), 34)

    def over_group(measure: Over) -> Callable[[_GroupRow], Any]:
        return lambda group: measure(group.rows)

    def over_all(measure: Over) -> Callable[[Sequence[_GroupRow]], Any]:
        return lambda groups: measure([row for group in groups for row in group.rows])

    heads: list[Head] = [
        Column("number", "序号", 10, counter=True, format=formats.INTEGER),
        Column("name", "党总支", name_width, align="left", row_header=True),
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
        sheet_name=f"{facts.heading.number or SHEET}（小计）",
        freeze=2,
        notes=(base,) if base else (),
    )


def sheets(facts: Annex5, stamp: Stamp) -> list[Sheet]:
    """Lay 附件5 out: one sheet for a 党总支, two for a unit that holds several."""
    laid = [lay_out(table(facts, stamp), facts.rows)]
    if facts.merged:
        laid.append(lay_out(subtotals_table(facts, stamp), _groups(facts.rows)))
    return laid
