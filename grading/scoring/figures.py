"""Sources that are not sheets: ballot counts of the 群众评议, results of the 年度考核."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from grading.scoring.numbers import HUNDRED, ZERO, exact, plain
from grading.scoring.rules import SourceRule


@dataclass(frozen=True, slots=True)
class Counts:
    """Ballot counts of one branch; ``options`` pairs option codes with numbers of ballots."""

    issued: int
    returned: int
    valid: int
    options: tuple[tuple[str, int], ...]

    def of(self, code: str) -> int:
        """Return the ballots given to one option."""
        return dict(self.options).get(code, 0)


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Counts of one voter group; ``joined`` names groups too small to stand alone that are counted in with it."""

    code: str
    counts: Counts
    joined: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Every group these ballots come from."""
        return (self.code, *self.joined)


@dataclass(frozen=True, slots=True)
class GroupScore:
    """What one group, or several counted together, adds: its weight and the average of its ballots."""

    codes: tuple[str, ...]
    name: str
    weight: Decimal
    valid: int
    score: Fraction


@dataclass(frozen=True, slots=True)
class AppraisalScore:
    """What ballot counts give: exact score out of 100 and exact 满意率, or neither with the reason."""

    counts: Counts
    score: Fraction | None
    satisfaction: Fraction | None
    reason: str = ""
    groups: tuple[GroupScore, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnualScore:
    """What the yearly assessment gives: its own number (out of ``full``), or the points of its grade word."""

    label: str
    given: Decimal | None
    score: Fraction | None
    reason: str = ""
    full: Decimal = HUNDRED


def count_problems(counts: Counts) -> tuple[str, ...]:
    """Return one sentence per broken link of 发出 ≥ 收回 ≥ 有效 = 各项之和."""
    problems = []
    if min(counts.issued, counts.returned, counts.valid, *(number for _, number in counts.options), 0) < 0:
        problems.append("票数不能是负数。")
    if counts.returned > counts.issued:
        problems.append(f"收回 {counts.returned} 张，多于发出 {counts.issued} 张：按通行规则该次测评作废，重新组织。")
    if counts.valid > counts.returned:
        problems.append(f"有效票 {counts.valid} 张，多于收回 {counts.returned} 张。")
    total = sum(number for _, number in counts.options)
    if total != counts.valid:
        problems.append(f"各项之和 {total} 张，与有效票 {counts.valid} 张不符。")
    return tuple(problems)


def satisfaction(rule: SourceRule, counts: Counts) -> Fraction | None:
    """Return the exact 满意率, (满意 + 基本满意) ÷ 有效票; None when there is no valid ballot."""
    if counts.valid <= 0:
        return None
    pleased = sum(counts.of(option.code) for option in rule.options if option.satisfied)
    return Fraction(pleased, counts.valid)


def floor_of(rule: SourceRule) -> int:
    """Return the smallest number of valid ballots that may be shown and counted."""
    return max(rule.minimum_ballots, 1)


def add_counts(several: Iterable[Counts]) -> Counts:
    """Return counts added up, options in the order they first occur."""
    issued = returned = valid = 0
    options: dict[str, int] = {}
    for counts in several:
        issued, returned, valid = issued + counts.issued, returned + counts.returned, valid + counts.valid
        for code, number in counts.options:
            options[code] = options.get(code, 0) + number
    return Counts(issued, returned, valid, tuple(options.items()))


def _join(groups: Sequence[GroupCounts]) -> GroupCounts:
    """Count several groups as one, named after the first."""
    codes = [code for group in groups for code in group.codes]
    return GroupCounts(codes[0], add_counts(group.counts for group in groups), tuple(codes[1:]))


def merge_groups(rule: SourceRule, groups: Sequence[GroupCounts]) -> tuple[GroupCounts, ...]:
    """Return the groups of one branch so that none with ballots stays below the floor, as far as that can be.

    Groups below it are counted together; if even together they stay below, they join the largest group. A group
    without a valid ballot stays as it is: it has nothing to hide and weighs nothing.
    """
    floor = floor_of(rule)
    empty = [group for group in groups if group.counts.valid <= 0]
    small = [group for group in groups if 0 < group.counts.valid < floor]
    large = [group for group in groups if group.counts.valid >= floor]
    if small and (not large or sum(group.counts.valid for group in small) >= floor):
        large.append(_join(small))
    elif small:
        largest = max(large, key=lambda group: group.counts.valid)
        large[large.index(largest)] = _join([largest, *small])
    order = {group.code: place for place, group in enumerate(groups)}
    return tuple(sorted([*large, *empty], key=lambda group: order[group.code]))


def _average(rule: SourceRule, counts: Counts) -> Fraction | None:
    """Return the points of the options averaged over the ballots that have points; None without any."""
    scored = [(option.points, counts.of(option.code)) for option in rule.options if option.points is not None]
    ballots = sum(number for _, number in scored)
    if ballots == 0:
        return None
    total = sum((points * number for points, number in scored), ZERO)
    return Fraction(total) / ballots


def _score_groups(rule: SourceRule, groups: Sequence[GroupCounts]) -> tuple[GroupScore, ...]:
    """Return the groups that count, each with its weight; small ones were merged."""
    rules = {group.code: group for group in rule.groups}
    found = []
    for group in merge_groups(rule, groups):
        score = _average(rule, group.counts)
        if group.counts.valid > 0 and score is not None:
            members = [rules[code] for code in group.codes]
            name = "、".join(member.name for member in members)
            weight = sum((member.weight for member in members), ZERO)
            found.append(GroupScore(group.codes, name, weight, group.counts.valid, score))
    return tuple(found)


def _group_problem(rule: SourceRule, groups: Sequence[GroupCounts]) -> str:
    """Say what is wrong with counts by group: a group without counts, an unknown one, counts that contradict."""
    names = {group.code: group.name for group in rule.groups}
    given = {code for group in groups for code in group.codes}
    if unknown := sorted(given - names.keys()):
        return f"本轮没有这类评议人员：{'、'.join(unknown)}。"
    if absent := [name for code, name in names.items() if code not in given]:
        return f"还没有{'、'.join(absent)}的票数。"
    for group in groups:
        if problems := count_problems(group.counts):
            return f"{names[group.code]}：{problems[0]}"
    return ""


def score_counts(rule: SourceRule, counts: Counts, groups: Sequence[GroupCounts] = ()) -> AppraisalScore:
    """Return the appraisal score: points of the options averaged over valid ballots.

    An option whose points are None stays out of the average; one with 0 points lowers it. Where the source has
    voter groups, each is averaged by itself and the averages are weighted. 满意率 is always that of all ballots.
    Below the smallest number of ballots, or with counts that contradict each other, there is no score, only a reason.
    """
    reason = _group_problem(rule, groups) if rule.groups else ""
    if problems := ((reason,) if reason else count_problems(counts)):
        return AppraisalScore(counts, None, None, problems[0])
    if counts.valid < floor_of(rule):
        reason = f"有效票 {counts.valid} 张，低于 {floor_of(rule)} 张的公布下限，不显示、不计分。"
        return AppraisalScore(counts, None, None, reason)
    scored = _score_groups(rule, groups) if rule.groups else ()
    score = _average(rule, counts)
    if scored:
        weights = sum((exact(group.weight) for group in scored), Fraction(0))
        score = sum((exact(group.weight) * group.score for group in scored), Fraction(0)) / weights
    if score is None:
        return AppraisalScore(counts, None, satisfaction(rule, counts), "没有可计分的有效票。")
    return AppraisalScore(counts, score, satisfaction(rule, counts), groups=scored)


def score_annual(rule: SourceRule, label: str, given: Decimal | None) -> AnnualScore:
    """Return the annual score out of 100: the number when there is one, else the points of the grade word."""
    if given is not None:
        if given < 0 or (given > rule.full and not rule.allow_over):
            reason = f"{rule.name} {plain(given)} 分，超出 0 至 {plain(rule.full)} 分。"
            return AnnualScore(label, given, None, reason, rule.full)
        return AnnualScore(label, given, exact(given) * 100 / exact(rule.full), full=rule.full)
    table = dict(rule.annual_points)
    if label in table:
        return AnnualScore(label, None, Fraction(table[label]))
    reason = f"{rule.name}“{label}”没有对应的分数，请在轮次的折算表中补上。" if label else f"没有{rule.name}结果。"
    return AnnualScore(label, None, None, reason)
