"""Texts the annexes share: head lines, statistics, short headings. Pure."""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from functools import reduce
from typing import Any

from reporting.annexes.facts import NOT_GRADED, BranchResult, Exact, RoundFacts, Source, Stamp
from reporting.tables import Pair, formats, half_up

SIGN_DATE = "年　　月　　日"
LONGEST_HEADING = WIDE_PARTS = 5
NARROW = 3
#: Sums of decimals are exact, or an error; adding them as decimals takes a tenth of adding fractions.
_EXACT = Context(prec=100, traps=[Inexact])


def heading(source: Source) -> str:
    """Return a source's heading for a narrow column: 自评, 群众⏎评议, 党总支⏎考评."""
    short = source.name.removeprefix("支部")
    short = source.label if len(short) > LONGEST_HEADING else short
    return short if len(short) <= 2 else f"{short[:-2]}\n{short[-2:]}"


def broken(rate: str) -> str:
    """Return what the share of satisfied ballots is called, for a narrow column: 满意率, 群众⏎满意度."""
    return rate if len(rate) <= NARROW else f"{rate[:-NARROW]}\n{rate[-NARROW:]}"


def of_the_public(rate: str) -> str:
    """Return the same as it is said in a sentence: 群众满意率."""
    return rate if rate.startswith("群众") else f"群众{rate}"


def weight(source: Source) -> str:
    """Return a weight as printed: 20%, 12.5%."""
    text = f"{source.weight:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def two_places(value: Exact) -> str:
    """Return a figure with two decimals, half up; — when there is none."""
    return formats.display(value, formats.DECIMAL2)[1]


def with_places(value: Exact, places: int) -> str:
    """Return a figure with as many decimals as the round keeps, half up; — when there is none."""
    return formats.display(value, formats.decimal(places))[1]


def share(part: int, whole: int) -> str:
    """Return part of whole as 8.33%; 0.00% of nothing."""
    value = half_up(Fraction(part * 100, whole), 2) if whole else Decimal("0.00")
    return f"{value}%"


def mean(values: Sequence[Exact]) -> Fraction | None:
    """Return the exact mean of what is there; None of nothing."""
    known: list[Any] = [value for value in values if value is not None]
    if not known:
        return None
    try:
        above, below = reduce(_EXACT.add, known, Decimal(0)).as_integer_ratio()
    except TypeError:  # fractions are among them
        return sum(map(Fraction, known), Fraction(0)) / len(known)
    return Fraction(above, below * len(known))


def sum_of(values: Sequence[int | None]) -> int | None:
    """Return the sum of what is there; None of nothing."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def satisfaction(rows: Sequence[BranchResult]) -> Fraction | None:
    """Return the 满意率 of all ballots together, in percent."""
    counted = [row for row in rows if row.valid and row.satisfied is not None]
    valid = sum(row.valid or 0 for row in counted)
    return Fraction(sum(row.satisfied or 0 for row in counted) * 100, valid) if valid else None


def grade_counts(rows: Sequence[BranchResult], grades: Sequence[str]) -> list[int]:
    """Return how many branches hold each grade, best first."""
    held = [row.grade for row in rows]
    return [held.count(grade) for grade in grades]


def left_out(row: BranchResult, grades: Sequence[str]) -> bool:
    """Tell whether the round gives this branch no grade, whatever its scores."""
    return row.decided_grade == NOT_GRADED and NOT_GRADED not in grades


def graded(rows: Sequence[BranchResult], grades: Sequence[str]) -> list[BranchResult]:
    """Return the branches that take part in grading: the base of every share, as of the limits of the round."""
    return [row for row in rows if not left_out(row, grades)]


def undecided(rows: Sequence[BranchResult], grades: Sequence[str]) -> int:
    """Return how many branches that take part have no grade yet."""
    return sum(1 for row in graded(rows, grades) if row.grade not in grades)


def grade_line(grades: Sequence[str]) -> Callable[[Sequence[BranchResult]], str]:
    """Return a function that writes 先进1　较好6　一般5　后进0 over rows, then 未定 and 不定级 where there are some."""

    def line(rows: Sequence[BranchResult]) -> str:
        counts = grade_counts(rows, grades)
        parts = [f"{grade}{count}" for grade, count in zip(grades, counts, strict=True)]
        if open_rows := undecided(rows, grades):
            parts.append(f"未定{open_rows}")
        if others := len(rows) - len(graded(rows, grades)):
            parts.append(f"{NOT_GRADED}{others}")
        return ("　" if len(parts) <= WIDE_PARTS else " ").join(parts)

    return line


def sentence(rows: Sequence[BranchResult], grades: Sequence[str]) -> str:
    """Return the closing sentence, such as 合计：支部 12 个，其中先进 1 个（8.33%）、…、后进 0 个（0.00%）.

    Shares are of the branches that take part in grading; where that is not all of them, their number is said.
    """
    whole = len(graded(rows, grades))
    parts = [
        f"{grade} {count} 个（{share(count, whole)}）"
        for grade, count in zip(grades, grade_counts(rows, grades), strict=True)
    ]
    if open_rows := undecided(rows, grades):
        parts.append(f"未定级 {open_rows} 个（{share(open_rows, whole)}）")
    others = len(rows) - whole
    base = f"其中{NOT_GRADED} {others} 个；参加定级的 {whole} 个中，" if others else "其中"
    return f"合计：支部 {len(rows)} 个，{base}{'、'.join(parts)}。"


def counted(word: str, rows: Sequence[BranchResult]) -> str:
    """Return 小计（6个支部）; where some have no composite, over how many the averages are taken."""
    scored = sum(1 for row in rows if row.unrounded is not None)
    over = f"，综合按{scored}个平均" if 0 < scored < len(rows) else ""
    return f"{word}（{len(rows)}个支部{over}）"


def head_line(unit: str, stamp: Stamp, *, filled_in: bool) -> tuple[Pair, ...]:
    """Return the line above the frame; `filled_in` adds 填表人 and 联系电话."""
    pairs = (Pair("填报单位（盖章）", unit), Pair("填报时间", stamp.on))
    if not filled_in:
        return pairs
    return (*pairs, Pair("填表人", formats.spaced_name(stamp.by)), Pair("联系电话", stamp.phone))


def category_names(rounds: RoundFacts, *also: str) -> tuple[str, ...]:
    """Return the categories as printed (教师, 学生 …), those of the rows included."""
    names = [short_category(name) for name in (*rounds.categories, *also)]
    return tuple(dict.fromkeys(name for name in names if name))


def short_category(name: str) -> str:
    """Return 教师 for 教师党支部."""
    return name.removesuffix("党支部") or name
