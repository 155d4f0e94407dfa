"""What is already known when a branch draws up its plan: nothing is preselected, one tap takes an entry over.

Problems, 晋位目标 and measures come from 附件4, lost points by section, ticked problem boxes of the appraisal as far as
they are released, and remarks of those who looked (党总支走访, 抽查). Each entry carries a key, so that it is not
offered again once an item came from it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from branches import wording
from grading.models import (
    Assessment,
    BallotBox,
    Criterion,
    ProblemCount,
    Result,
    RoundUnit,
    Score,
    Section,
    Source,
    Survey,
    SurveyFinding,
    form_names,
)
from rectification import known
from rectification.models import VisitFinding

MOST_LOST = 4
VISITS = "visits"
_DONE = (Assessment.State.SUBMITTED, Assessment.State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that is known; `key` names where it came from, `section` is the code of its part of the rubric."""

    key: str
    source: str
    text: str
    detail: str = ""
    section: str = ""
    section_name: str = ""
    measures: str = ""
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Offers of one origin, with how many of them are in the plan already."""

    code: str
    title: str
    hint: str
    offers: list[Offer] = field(default_factory=list)

    @property
    def left(self) -> list[Offer]:
        """Return what is not in the plan yet."""
        return [offer for offer in self.offers if not offer.taken]


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is known of one branch in a round."""

    groups: list[Group]
    goal: str = ""
    target: str = ""
    measures: list[str] = field(default_factory=list)

    def offer(self, key: str) -> Offer | None:
        """Return the offer with this key."""
        return next((offer for group in self.groups for offer in group.offers if offer.key == key), None)


def known_of(unit: RoundUnit | None, branch_id: int, taken: Iterable[str] = ()) -> Known:
    """Return what is known of a branch in a round; `taken` are the keys that items came from already.

    A 党总支 that files a plan of its own has no unit: only what 督导 found there is known.
    """
    used = set(taken)
    found = _of_unit(unit) if unit is not None else Known([])
    visits = Group(VISITS, "督导发现的问题", "领导小组办公室督导时写下的。", list(_findings(branch_id)))
    groups = [
        replace(one, offers=[replace(offer, taken=offer.key in used) for offer in one.offers])
        for one in (*found.groups, visits)
        if one.offers
    ]
    return replace(found, groups=groups)


def measures_of(unit: RoundUnit | None) -> list[str]:
    """Return the measures of 附件4, one by one."""
    surveys = {row.by: row for row in unit.surveys.all()} if unit is not None else {}
    return known.lines_of(_text(surveys, "measures", Survey.By.BRANCH))


def _of_unit(unit: RoundUnit) -> Known:
    surveys = {row.by: row for row in unit.surveys.select_related("target").prefetch_related("findings__check_item")}
    problems = _text(surveys, "problems", Survey.By.SUPERIOR)
    measures = known.lines_of(_text(surveys, "measures", Survey.By.BRANCH))
    own = surveys.get(Survey.By.BRANCH) or surveys.get(Survey.By.SUPERIOR)
    return Known(
        groups=[
            Group(
                "annex4",
                f"{form_names(unit.round)['annex4'].short}的问题",
                "点“列入”就成为一条整改项目，措施条数和问题一致的一并带入，不一致的在填写时点一下加进来。",
                _annex4(problems, measures),
            ),
            Group("lost_points", "失分的条目", "按失分多少排列，只作参考，不必都列。", list(_lost(unit))),
            Group("appraisal", "群众评议指出的问题", "票数少于下限的不显示。", list(_ticked(unit))),
            Group("remarks", "走访和抽查的意见", "党总支走访、抽查时写下的情况。", list(_remarks(unit, surveys))),
        ],
        goal=_text(surveys, "goal", Survey.By.BRANCH),
        target=own.target.label if own is not None and own.target else "",
        measures=measures,
    )


def _findings(branch_id: int) -> Iterator[Offer]:
    """Yield what 督导 found about the branch and nobody settled with a word."""
    rows = VisitFinding.objects.filter(branch=branch_id).exclude(state=VisitFinding.State.SETTLED)
    for row in rows.select_related("visit").order_by("-visit__held_on", "ordinal"):
        when = wording.zh_date(row.visit.held_on)
        yield Offer(f"finding:{row.pk}", "inspection", row.text, f"{when}督导", measures=row.advice)


def _text(surveys: dict[str, Survey], name: str, first: str) -> str:
    """Return a text of the survey as 附件4 prints it: `first` names the side that goes before the other."""
    sides = sorted(surveys, key=lambda side: side != first)
    return next((text for side in sides if (text := str(getattr(surveys[side], name)).strip())), "")


def _annex4(problems: str, measures: list[str]) -> list[Offer]:
    texts = known.lines_of(problems)
    pairs = zip(texts, known.paired(texts, measures), strict=True)
    return [
        Offer(f"annex4:{number}", "survey", text, measures=measure) for number, (text, measure) in enumerate(pairs, 1)
    ]


def _sheet(unit: RoundUnit) -> Assessment | None:
    """Return the sheet that tells what was lost: that of the 党总支 once the branch has its grade, else its own."""
    rows = unit.assessments.filter(earned__isnull=False, source__code__in=[Source.SUPERIOR, Source.SELF])
    found = {row.source.code: row for row in rows.select_related("source")}
    own = found.get(Source.SELF)
    if Source.SUPERIOR in found and unit.results.filter(state=Result.State.DECIDED).exists():
        return found[Source.SUPERIOR]
    return own if own is not None and own.state in _DONE else None


def _lost(unit: RoundUnit) -> Iterator[Offer]:
    """Yield the items of the sheet that lost most, at most MOST_LOST of a section, sections in their order."""
    sheet = _sheet(unit)
    if sheet is None:
        return
    scores = sheet.scores.filter(points__isnull=False, not_applicable=False)
    by_section: dict[int, list[tuple[Decimal, Score]]] = {}
    sections: dict[int, Section] = {}
    for row in scores.select_related("criterion__section", "section"):
        section = row.section or (row.criterion.section if row.criterion else None)
        lost = _lost_points(row)
        if section is not None and lost > 0:
            sections[section.pk] = section
            by_section.setdefault(section.pk, []).append((lost, row))
    for section in sorted(sections.values(), key=lambda one: one.ordinal):
        rows = sorted(by_section[section.pk], key=lambda pair: -pair[0])
        for lost, row in rows[:MOST_LOST]:
            yield _lost_offer(section, lost, row, sheet.source.name)


def _lost_points(row: Score) -> Decimal:
    if row.points is None:
        return Decimal(0)
    if row.criterion is None:
        return row.section.points - row.points if row.section else Decimal(0)
    if row.criterion.kind == Criterion.Kind.DEDUCTION:
        return row.points
    return row.criterion.points - row.points if row.criterion.kind == Criterion.Kind.POINTS else Decimal(0)


def _lost_offer(section: Section, lost: Decimal, row: Score, source: str) -> Offer:
    key = f"item:{row.criterion.code}" if row.criterion else f"section:{section.code}"
    text = row.criterion.text if row.criterion else f"{section.name}失分较多"
    detail = f"{source}失 {wording.points(lost)} 分{f'，{row.remark}' if row.remark else ''}"
    return Offer(key, "lost_points", text.rstrip("。"), detail, section.code, section.name)


def _ticked(unit: RoundUnit) -> Iterator[Offer]:
    """Yield the problem boxes voters ticked, as far as the counts are released: fewer than the floor stay unsaid."""
    rows = ProblemCount.objects.filter(box__unit=unit, box__state=BallotBox.State.CLOSED, box__released=True)
    rows = rows.exclude(extent=ProblemCount.Extent.FEW).select_related("problem", "box__source")
    for row in sorted(rows, key=lambda one: (one.number is not None, -(one.number or 0), one.problem.ordinal)):
        said = "几乎全部" if row.number is None else f"{row.number} 票"
        yield Offer(f"box:{row.problem.code}", "appraisal", row.problem.text, f"{row.box.source.name}，{said}指出")


def _remarks(unit: RoundUnit, surveys: dict[str, Survey]) -> Iterator[Offer]:
    """Yield what the 党总支 found lacking on its visit, and what inspectors wrote beside lost points."""
    survey = surveys.get(Survey.By.SUPERIOR)
    for row in survey.findings.all() if survey else ():
        if row.finding in (SurveyFinding.Finding.FAIR, SurveyFinding.Finding.POOR):
            said = f"走访认定为“{row.get_finding_display()}”"
            text = f"{row.check_item.text.rstrip('。？')}：{said}{f'，{row.note}' if row.note else ''}"
            yield Offer(f"visit:{row.check_item.ordinal}", "survey", text, f"党总支{said}")
    spot = Score.objects.filter(
        assessment__unit=unit, assessment__source__in=unit.spot_checks.filter(active=True).values("source"),
        assessment__state__in=_DONE,
    ).exclude(remark="")  # fmt: skip
    for score in spot.select_related("criterion__section").order_by(
        "criterion__section__ordinal", "criterion__ordinal"
    ):
        if score.criterion and _lost_points(score) > 0:
            part, lost = score.criterion.section, wording.points(_lost_points(score))
            text = f"{score.criterion.text.rstrip('。')}（抽查失 {lost} 分：{score.remark.rstrip('。')}）"
            yield Offer(f"spot:{score.criterion.code}", "inspection", text, "抽查意见", part.code, part.name)
