"""From rows to facts: everything an annex of a round shows, in a number of queries that does not grow with branches.

Reads only the round's frozen copies (RoundUnit) and what was recorded in the round. Proposed and decided results speak
from their stored derivation; others are computed as their inputs stand now, and nothing is written.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from django.db.models import Prefetch

from branches.models import Branch, Category
from branches.partial_dates import PartialDate
from branches.wording import without_unit
from grading import scoring
from grading.models import (
    AnnualResult,
    AppraisalCount,
    Assessment,
    Confirmation,
    Result,
    Round,
    RoundUnit,
    Score,
    Source,
    Survey,
    form_names,
)
from grading.services.results import derivation_of, derive
from grading.services.ungraded import score_ungraded
from reporting.annexes import decisions
from reporting.annexes import facts as f
from reporting.annexes.gather_items import full_marks, items, sheet_title

MEMBER_COUNTS = (
    "total_members", "full_members", "probationary_members", "women", "under_35", "staff_members", "student_members",
    "mobile_members", "activists", "developed_this_year",
)  # fmt: skip
MARKED = ("免计",)
LONG_REMARK = 24
FULL_MARKS = 100
YEARLY = "年度考核"


def round_facts(round_: Round) -> f.RoundFacts:
    """Return what the round fixes for its forms."""
    committee = round_.campaign.root.name_on(round_.frozen_on or round_.campaign.starts_on)
    sources = list(round_.sources.prefetch_related("options"))
    ballot = _appraisal(sources)
    return f.RoundFacts(
        school=f.school_name(committee),
        committee=committee,
        office=f"{committee}组织部",
        name=round_.name,
        grades=tuple(grade.label for grade in round_.scale.grades.all()),
        sources=tuple(f.Source(s.code, s.name, s.label, s.weight) for s in sources if s.weight > 0),
        categories=tuple(Category.objects.values_list("name", flat=True)),
        checks=tuple(round_.survey_checks.values_list("text", flat=True)) if _surveyed(round_) else (),
        ballot=tuple(option.label for option in ballot.options.all()) if ballot else (),
        vetoes=tuple(round_.veto_items.values_list("text", flat=True)),
        places=round_.places,
        proposes=round_.proposes,
        rate=ballot.rate_name if ballot else Source.USUAL_RATE,
        ballot_name=ballot.name if ballot else "",
        recorded=any(source.kind == Source.Kind.ANNUAL for source in sources),
    )


def heading(round_: Round, kind: str) -> f.Heading:
    """Return number and title of a form as the round's notice has them."""
    name = form_names(round_)[kind]
    return f.Heading(name.number, name.title)


def _surveyed(round_: Round) -> bool:
    """Tell whether the round has 调查摸底, or somebody recorded one though it is no step."""
    return round_.surveys_branches or Survey.objects.filter(unit__round=round_).exists()


def _appraisal(sources: Iterable[Source]) -> Source | None:
    return next((source for source in sources if source.kind == Source.Kind.APPRAISAL), None)


def units_below(round_: Round, unit: Branch) -> list[RoundUnit]:
    """Return the round's branches at or below a node, in the order of the annexes, direct ones last.

    A committee below the root (二级党委) counts with everything placed under it on the round's day.
    """
    rows = round_.units.prefetch_related("rubric__sections__criteria")
    if unit.pk == round_.campaign.root_id:
        found = list(rows)
    elif unit.level == Branch.Level.BRANCH:
        found = list(rows.filter(branch=unit))
    else:
        found = list(rows.filter(parent__in=_parents_below(round_, unit)))
    return sorted(found, key=lambda row: row.direct)


def _parents_below(round_: Round, unit: Branch) -> set[int]:
    """Return a node and the nodes below it that are parents of the round's branches, as placed on the round's day."""
    above = {
        node.pk: node.parent_id  # type: ignore[attr-defined]
        for node in Branch.objects.as_of(round_.frozen_on or round_.campaign.starts_on).exclude(level="branch")
    }
    below = {unit.pk}
    while more := {pk for pk, parent in above.items() if parent in below} - below:
        below |= more
    return below


class Gatherer:
    """Reads everything about some branches of one round; lives for one export."""

    def __init__(self, round_: Round, units: Sequence[RoundUnit]) -> None:
        """Keep the round and its branches; each kind of row is read once, when first asked for."""
        self.round = round_
        self.units = list(units)
        self.facts = round_facts(round_)

    @cached_property
    def results(self) -> dict[int, Result]:
        """Current results by unit id."""
        rows = Result.objects.filter(unit__in=self.units).current()
        grades = ("computed_grade", "self_grade", "proposed_grade", "decided_grade")
        return {row.unit_id: row for row in rows.select_related(*grades)}

    @cached_property
    def confirmations(self) -> dict[int, Confirmation]:
        """Confirmations of the decisions that stand, by result id."""
        rows = Confirmation.objects.standing().filter(result__in=[row.pk for row in self.results.values()])
        return {row.result_id: row for row in rows}

    def _confirmation(self, result: Result | None) -> Confirmation | None:
        return self.confirmations.get(result.pk) if result is not None else None

    @cached_property
    def derivations(self) -> dict[int, scoring.Derivation]:
        """Derivations by unit id: stored ones of proposed and decided results, else computed over the whole round."""
        found = {
            pk: derivation_of(row)
            for pk, row in self.results.items()
            if row.state != Result.State.COMPUTED and row.derivation
        }
        open_units = [unit for unit in self.units if unit.pk not in found and unit.graded]
        found |= derive(self.round, open_units) if open_units else {}
        return found | score_ungraded(self.round, [unit for unit in self.units if not unit.graded])

    @cached_property
    def surveys(self) -> dict[tuple[int, str], Survey]:
        """Surveys by unit id and side."""
        rows = (
            Survey.objects.filter(unit__in=self.units).select_related("target").prefetch_related("findings__check_item")
        )
        return {(row.unit_id, row.by): row for row in rows}

    @cached_property
    def annual(self) -> dict[int, list[AnnualResult]]:
        """Recorded results by unit id, in the order of their sources."""
        found: dict[int, list[AnnualResult]] = {}
        rows = AnnualResult.objects.filter(unit__in=self.units).select_related("source")
        for row in rows.order_by("source__ordinal"):
            found.setdefault(row.unit_id, []).append(row)
        return found

    @cached_property
    def appraisal(self) -> Source | None:
        """The source whose ballots the forms show: the first appraisal."""
        return _appraisal(self.round.sources.all())

    @cached_property
    def ballots(self) -> dict[int, list[AppraisalCount]]:
        """Ballot counts by unit id, one for each voter group."""
        found: dict[int, list[AppraisalCount]] = {}
        for row in AppraisalCount.objects.filter(unit__in=self.units, source=self.appraisal):
            found.setdefault(row.unit_id, []).append(row)
        return found

    @cached_property
    def vetoes(self) -> dict[int, list[str]]:
        """Texts of established vetoes by unit id."""
        found: dict[int, list[str]] = {}
        rows = RoundUnit.objects.filter(pk__in=[unit.pk for unit in self.units], vetoes__isnull=False)
        for pk, text in rows.values_list("pk", "vetoes__item__text").order_by("pk", "vetoes__item__ordinal"):
            found.setdefault(pk, []).append(text)
        return found

    @cached_property
    def reviewed(self) -> set[int]:
        """Ids of units whose veto list somebody went through."""
        rows = RoundUnit.objects.filter(pk__in=[unit.pk for unit in self.units], veto_review__isnull=False)
        return set(rows.values_list("pk", flat=True))

    @cached_property
    def sheets(self) -> dict[tuple[int, str], Assessment]:
        """Filled sheets handed in, by unit id and source code, with remarks and what was counted."""
        handed_in = (Assessment.State.SUBMITTED, Assessment.State.ACCEPTED)
        rows = Assessment.objects.filter(unit__in=self.units, state__in=handed_in).select_related("source")
        remarks = Score.objects.exclude(remark="", counts=[]).select_related("criterion")
        rows = rows.prefetch_related(Prefetch("scores", remarks, to_attr="remarked"))
        return {(row.unit_id, row.source.code): row for row in rows}

    @cached_property
    def satisfied_codes(self) -> set[str]:
        """Codes of the ballot choices that count into 满意率."""
        options = self.round.sources.filter(options__satisfied=True)
        return set(options.values_list("options__code", flat=True))

    def branch(self, unit: RoundUnit) -> f.BranchResult:
        """Return one branch's row of 附件5."""
        result, derivation = self.results.get(unit.pk), self.derivations.get(unit.pk)
        group = unit.general_branch_name
        proposed, decided = _grades(unit, result, self.round)
        composite = derivation.composite if derivation else None
        valid, satisfied = self._satisfaction(derivation)
        return f.BranchResult(
            code=unit.code, group=group, name=unit.name, short_name=without_unit(unit.name, group),
            category=unit.category_name, secretary=unit.secretary_name,
            members=unit.facts.get("total_members"), full_members=unit.facts.get("full_members"),
            probationary=unit.facts.get("probationary_members"),
            scores=tuple(_score(derivation, source.code) for source in self.facts.sources),
            composite=composite.rounded if composite else None, exact=composite.exact if composite else None,
            valid=valid, satisfied=satisfied, self_grade=self._self_grade(derivation) if unit.graded else "",
            proposed_grade=proposed, decided_grade=decided, vetoed=unit.pk in self.vetoes,
            veto_known=unit.pk in self.reviewed,
            problem=first_problem(self._problems(unit)), target=self._target(unit),
            remark=_remark(unit, result), direct=unit.direct,
        )  # fmt: skip

    def _satisfaction(self, derivation: scoring.Derivation | None) -> tuple[int | None, int | None]:
        """Return valid and satisfied ballots where they may be shown."""
        for source in derivation.sources if derivation else ():
            if source.appraisal is not None and source.appraisal.satisfaction is not None:
                counts = source.appraisal.counts
                return counts.valid, sum(number for code, number in counts.options if code in self.satisfied_codes)
        return None, None

    def _self_grade(self, derivation: scoring.Derivation | None) -> str:
        """Return the grade the self-assessment alone would give."""
        own = derivation.source(Source.SELF) if derivation else None
        if derivation is None or own is None or own.score is None:
            return ""
        rounded = scoring.round_half_up(own.score, derivation.places)
        for line in sorted(derivation.lines, key=lambda line: line.grade.rank):
            if rounded >= line.minimum:
                return line.grade.label
        return self.facts.grades[-1]

    def _survey(self, unit: RoundUnit, *, superior_first: bool) -> list[Survey]:
        sides = [Survey.By.SUPERIOR, Survey.By.BRANCH] if superior_first else [Survey.By.BRANCH, Survey.By.SUPERIOR]
        return [self.surveys[unit.pk, side] for side in sides if (unit.pk, side) in self.surveys]

    def _text(self, unit: RoundUnit, field: str) -> str:
        """Return a text of the survey: problems as the level above found them, goals as the branch set them."""
        rows = self._survey(unit, superior_first=field == "problems")
        return next((text for row in rows if (text := str(getattr(row, field)).strip())), "")

    def _problems(self, unit: RoundUnit) -> str:
        """Return the problems found; 无 where a survey found none, "" where there was no survey."""
        surveyed = any((unit.pk, side) in self.surveys for side in Survey.By.values)
        return self._text(unit, "problems") or ("无" if surveyed else "")

    def _target(self, unit: RoundUnit) -> str:
        rows = self._survey(unit, superior_first=False)
        return next((row.target.label for row in rows if row.target is not None), "")

    def annex4(self, unit: RoundUnit) -> f.Annex4:
        """Return 附件4 of one branch."""
        given, result = unit.facts, self.branch(unit)
        found, above = self.results.get(unit.pk), unit.direct or _by_committee(self.round)
        return f.Annex4(
            round=self.facts, result=result, parent=unit.parent_name, founded=_date(given.get("founded")),
            last_election=_date(given.get("last_election")), term_ends=_date(given.get("term_ends")),
            secretary=_secretary(given.get("secretary") or {}), committee=committee_text(given),
            counts=tuple(given.get(name) for name in MEMBER_COUNTS), findings=self._findings(unit),
            annual=self._annual(unit), annual_name=self._annual_name,
            ballots=self._ballots(unit, shown=result.valid is not None),
            problems=self._problems(unit), goal=self._goal(unit, result.target),
            self_submitted=(unit.pk, Source.SELF) in self.sheets,
            decision=decisions.of_general_branch(found, decides=not above),
            committee_decision=decisions.of_committee(found, self._confirmation(found), decides=above),
            proposed_by_hand=decisions.by_hand(found, "proposed_grade"), heading=self._form_heading,
        )  # fmt: skip

    @cached_property
    def _form_heading(self) -> f.Heading:
        return heading(self.round, "annex4")

    def _findings(self, unit: RoundUnit) -> tuple[f.Finding, ...]:
        """Return the level above's findings; where the branch found otherwise, its own beside it."""
        own, above = (
            {row.check_item.text: row for row in self.surveys[unit.pk, side].findings.all()}
            if (unit.pk, side) in self.surveys
            else {}
            for side in (Survey.By.BRANCH, Survey.By.SUPERIOR)
        )
        return tuple(_finding(above.get(text), own.get(text)) for text in self.facts.checks)

    def _annual(self, unit: RoundUnit) -> str:
        """Return what was recorded; with the name of each source where the round has several of that kind."""
        rows = self.annual.get(unit.pk, [])
        kinds = [source for source in self.round.sources.all() if source.kind == Source.Kind.ANNUAL]
        named = len(kinds) > 1
        return "；".join(f"{row.source.name}{_recorded(row)}" if named else _recorded(row) for row in rows)

    @cached_property
    def _annual_name(self) -> str:
        """What the round calls its one recorded result, "" where that is the yearly assessment or there are several."""
        names = [source.name for source in self.round.sources.all() if source.kind == Source.Kind.ANNUAL]
        return names[0] if len(names) == 1 and not names[0].startswith(YEARLY) else ""

    def _ballots(self, unit: RoundUnit, *, shown: bool) -> f.Ballots:
        """Return the ballots of all voters together; below the floor only how many were given out and came back.

        Every choice the round has on its ballots is shown, those without points too, so that they add up to 有效.
        """
        rows = self.ballots.get(unit.pk, [])
        counted = [row for row in rows if row.state == AppraisalCount.State.COUNTED]
        if not counted or self.appraisal is None:
            absent = next(iter(rows), None)
            if absent is not None and absent.state == AppraisalCount.State.MISSING:  # a box below the floor
                return f.Ballots(absent.issued, absent.returned, reason=absent.reason)
            return f.Ballots(reason=absent.reason if absent else "")
        issued, returned = (sum(getattr(row, name) or 0 for row in counted) for name in ("issued", "returned"))
        if not shown:
            return f.Ballots(issued, returned)
        codes = [option.code for option in self.appraisal.options.all()]
        options = tuple(sum(row.counts.get(code) or 0 for row in counted) for code in codes)
        return f.Ballots(issued, returned, sum(row.valid or 0 for row in counted), options)

    def _goal(self, unit: RoundUnit, target: str) -> str:
        goal, measures = self._text(unit, "goal"), self._text(unit, "measures")
        goal = goal or (f"达到{target}等级。" if target else "")
        parts = [f"目标：{goal}" if goal else "", f"措施：{measures}" if measures else ""]
        return "\n".join(part for part in parts if part)

    def sheet(self, unit: RoundUnit) -> f.Sheet:
        """Return the filled scoring sheet of one branch."""
        derivation = self.derivations.get(unit.pk)
        sides = {
            side: _sheet_score(derivation, code) for side, code in (("own", Source.SELF), ("superior", Source.SUPERIOR))
        }
        remarks, comments = self._remarks(unit)
        rubric = unit.rubric
        return f.Sheet(
            round=self.facts, form_code=rubric.form_code or "评分表", title=sheet_title(rubric.title), name=unit.name,
            parent=unit.parent_name, items=tuple(items(rubric, sides, remarks)),
            total=f.Section("合计", full_marks(rubric), *(s.earned if s else None for s in sides.values())),
            direct=unit.direct, own_filed=sides["own"] is not None, superior_filed=sides["superior"] is not None,
            vetoed=tuple(self.vetoes.get(unit.pk, ())), veto_reviewed=unit.pk in self.reviewed,
            comment="".join(comments), code=unit.code,
        )  # fmt: skip

    def _remarks(self, unit: RoundUnit) -> tuple[dict[str, str], list[str]]:
        """Return remarks by item code, and sentences for 评分说明: reasons and remarks too long for the column."""
        short: dict[str, str] = {}
        sentences: list[str] = []
        for code in (Source.SELF, Source.SUPERIOR):
            sheet = self.sheets.get((unit.pk, code))
            if sheet is None:
                continue
            if sheet.reason.strip():
                sentences.append(_sentence(sheet.reason))
            for score in sheet.remarked:  # type: ignore[attr-defined]
                text = " ".join(score.remark.split()) or counts_said(score.counts)
                if score.criterion is None or not text:
                    continue
                if len(text) <= LONG_REMARK:
                    short[score.criterion.code] = text
                else:
                    sentences.append(_sentence(f"{score.criterion.code}：{text}"))
        return short, sentences


def counts_said(counts: list[dict[str, Any]]) -> str:
    """Return what was counted on an item, in words: 少开一次 2 次，记录不全 1 次."""
    return "，".join(f"{one['label']} {one['number']} 次" for one in counts if one["number"])


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith(("。", "；", "！", "？")) else f"{text}。"


def _recorded(row: AnnualResult) -> str:
    """Return a recorded result as printed: the grade word, else the score, with its full marks where not 100."""
    if row.label or row.score is None:
        return row.label
    full = row.source.full_marks
    out_of = "" if full == FULL_MARKS else f"（满分{scoring.plain(full)}分）"
    return f"{scoring.round_half_up(row.score, 2)}分{out_of}"


def _by_committee(round_: Round) -> bool:
    return round_.deciding_level == Round.DecidingLevel.COMMITTEE


def _grades(unit: RoundUnit, result: Result | None, round_: Round) -> tuple[str, str]:
    """Return (党总支拟定, 党委审定) as printed; where the 党总支 decides, its grade stands under its own name."""
    if not unit.graded:
        return "", f.NOT_GRADED
    if result is None:
        return "", ""
    proposed = result.proposed_grade.label if result.proposed_grade else ""
    decided = result.decided_grade.label if result.decided_grade else ""
    if unit.direct or _by_committee(round_):
        return proposed, decided
    return decided or proposed, ""


def _score(derivation: scoring.Derivation | None, code: str) -> f.Exact:
    source = derivation.source(code) if derivation else None
    return source.score if source is not None else None


def _sheet_score(derivation: scoring.Derivation | None, code: str) -> scoring.SheetScore | None:
    source = derivation.source(code) if derivation else None
    return source.sheet if source is not None else None


def _remark(unit: RoundUnit, result: Result | None) -> str:
    """Return what the last column says: the reason of 不定级, 更正, 人工 for a grade changed by hand, 免计."""
    if not unit.graded:
        return unit.not_graded_reason
    if result is None:
        return ""
    marks = [result.hand] if result.hand else []
    marks += [flag for flag in result.flags if flag in MARKED]
    return "、".join(marks)


def _date(text: str | None) -> PartialDate | None:
    return PartialDate.parse(text) if text else None


def _secretary(given: dict[str, Any]) -> f.Secretary:
    return f.Secretary(
        name=given.get("name", ""), gender=given.get("gender", ""), birth=_date(given.get("birth")),
        education=given.get("education", ""), title=given.get("title", ""), since=_date(given.get("starts")),
        phone=given.get("phone", ""),
    )  # fmt: skip


def committee_text(given: dict[str, Any]) -> str:
    """Return 支委人数及分工 as confirmed, else from the posts held (3人。书记：谢宏珊；组织委员：洪景宁。)."""
    if text := (given.get("committee") or "").strip():
        return text
    posts = given.get("posts") or []
    named = [f"{post.get('duty') or post['post']}：{post['name']}" for post in posts]
    return f"{len(posts)}人。{'；'.join(named)}。" if posts else ""


def _finding(above: Any, own: Any) -> f.Finding:
    row = above if above is not None and above.finding else own
    if row is None:
        return f.Finding()
    level = row.get_finding_display() if row.finding else ""
    note = row.note
    if row is above and own is not None and own.finding and own.finding != above.finding:
        note = f"{note}（支部自查：{own.get_finding_display()}）"
    return f.Finding(level, note)


def first_problem(text: str) -> str:
    """Return the first problem of a list of problems, without its number and full stop."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first.lstrip("0123456789①②③④⑤⑥⑦⑧⑨（(）)．.、 　").split("。")[0].rstrip("；;")


def annex5_of(round_: Round, unit: Branch) -> f.Annex5:
    """Gather 附件5 of a 党总支, or of a committee with its 党总支 as a merged first column."""
    units = units_below(round_, unit)
    gathered = Gatherer(round_, units)
    merged = unit.level == Branch.Level.COMMITTEE
    top = unit.pk == round_.campaign.root_id
    name = gathered.facts.office if top else unit.name_on(round_.frozen_on or round_.campaign.starts_on)
    rows = tuple(gathered.branch(row) for row in units)
    return f.Annex5(gathered.facts, name, rows, merged, heading(round_, "annex5"))


def annex4_of(round_: Round, unit: Branch) -> list[f.Annex4]:
    """Gather 附件4 of every branch at or below a node."""
    units = units_below(round_, unit)
    gathered = Gatherer(round_, units)
    return [gathered.annex4(row) for row in units]


def sheets_of(round_: Round, unit: Branch) -> list[f.Sheet]:
    """Gather the filled scoring sheets of every branch at or below a node."""
    units = units_below(round_, unit)
    gathered = Gatherer(round_, units)
    return [gathered.sheet(row) for row in units]
