"""Sources that are not sheets: ballot counts of the 群众评议, results of the 年度考核."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from grading.scoring.numbers import HUNDRED, ZERO
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
class AppraisalScore:
    """What ballot counts give: exact score out of 100 and exact 满意率, or neither with the reason."""

    counts: Counts
    score: Fraction | None
    satisfaction: Fraction | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnnualScore:
    """What the yearly assessment gives: its own number, or the points of its grade word."""

    label: str
    given: Decimal | None
    score: Fraction | None
    reason: str = ""


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


def score_counts(rule: SourceRule, counts: Counts) -> AppraisalScore:
    """Return the appraisal score: points of the options averaged over valid ballots.

    An option whose points are None stays out of the average; one with 0 points lowers it. Below the smallest
    number of ballots, or with counts that contradict each other, there is no score, only a reason.
    """
    problems = count_problems(counts)
    if problems:
        return AppraisalScore(counts, None, None, problems[0])
    if counts.valid < max(rule.minimum_ballots, 1):
        reason = f"有效票 {counts.valid} 张，低于 {max(rule.minimum_ballots, 1)} 张的公布下限，不显示、不计分。"
        return AppraisalScore(counts, None, None, reason)
    scored = [(option.points, counts.of(option.code)) for option in rule.options if option.points is not None]
    ballots = sum(number for _, number in scored)
    if ballots == 0:
        return AppraisalScore(counts, None, satisfaction(rule, counts), "没有可计分的有效票。")
    total = sum((points * number for points, number in scored), ZERO)
    return AppraisalScore(counts, Fraction(total) / ballots, satisfaction(rule, counts))


def score_annual(rule: SourceRule, label: str, given: Decimal | None) -> AnnualScore:
    """Return the annual score: the number when there is one, else the points of the grade word."""
    if given is not None:
        if given < 0 or (given > HUNDRED and not rule.allow_over):
            return AnnualScore(label, given, None, f"年度考核 {given} 分，超出 0 至 100 分。")
        return AnnualScore(label, given, Fraction(given))
    table = dict(rule.annual_points)
    if label in table:
        return AnnualScore(label, None, Fraction(table[label]))
    reason = f"年度考核“{label}”没有对应的分数，请在轮次的折算表中补上。" if label else "没有年度考核结果。"
    return AnnualScore(label, None, None, reason)
