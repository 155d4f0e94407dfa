"""年度考核 and 群众评议 workbooks: plan what a file would record, let a person settle doubts, then apply all of it.

A plan writes nothing. Spellings that only resemble a branch are proposed, never merged; a row that contradicts itself
waits for an answer; branches the file does not name are listed and nothing is invented for them.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

from django.db import transaction

from branches.importers import site_vocabulary
from branches.intake.annual import AnnualRules, Answer, read_annual
from branches.intake.appraisal import read_appraisal
from branches.intake.marks import MarksReading, MarksRow
from branches.intake.matching import KnownBranch, MatchResult, Proposal, match_names, name_key, wanted_names
from branches.intake.shapes import (
    AnnualReading,
    AnnualRow,
    AppraisalReading,
    AppraisalRow,
    AppraisalState,
    GradeBand,
    MappingChoice,
    Problem,
    Severity,
    Workbook,
)
from branches.intake.vocabulary import Vocabulary
from branches.intake.workbook import read_workbook
from branches.models import Account
from grading.models import AnnualResult, AppraisalCount, RoundUnit, Source
from grading.services import paper_counts, sources
from grading.services.errors import RefusedError
from grading.services.paper_counts import Entered

Row = TypeVar("Row", AnnualRow, AppraisalRow, MarksRow)
LISTED = 5


class Fate(StrEnum):
    """What a row of the file would do."""

    NEW = "new"
    CHANGED = "changed"
    HANDED_IN = "handed_in"
    SAME = "same"
    EXEMPT = "exempt"
    NO_RESULT = "no_result"
    PROPOSED = "proposed"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    LEFT_OUT = "left_out"

    @property
    def zh(self) -> str:
        """Say it to a person."""
        return FATES[self]


FATES = {
    Fate.NEW: "新录入",
    Fate.CHANGED: "更改",
    Fate.HANDED_IN: "得分没有变化，现在提交",
    Fate.SAME: "没有变化",
    Fate.EXEMPT: "免计",
    Fate.NO_RESULT: "没有结果，按缺项处理",
    Fate.PROPOSED: "名称相近，请确认",
    Fate.UNKNOWN: "没有可录入的支部",
    Fate.DUPLICATE: "与前面的行重复",
    Fate.LEFT_OUT: "不导入",
}

#: What becomes something new in the database.
RECORDED = (Fate.NEW, Fate.CHANGED, Fate.HANDED_IN, Fate.EXEMPT)


@dataclass(frozen=True)
class PlanLine(Generic[Row]):
    """One row of the file with the branch it means (if it is clear) and what would become of it."""

    position: int
    row: Row
    fate: Fate
    unit: RoundUnit | None = None
    proposals: tuple[Proposal, ...] = ()
    before: str = ""


@dataclass(frozen=True)
class Plan(Generic[Row]):
    """What a file would do. `ready` when no error is left and every proposal is answered."""

    source: Source
    file_name: str
    reading: AnnualReading | AppraisalReading | MarksReading
    lines: tuple[PlanLine[Row], ...]
    missing: tuple[RoundUnit, ...]
    problems: tuple[Problem, ...]
    lacks: Mapping[int, str] = field(default_factory=dict)  # by position: what keeps the sheet a draft

    def of(self, *fates: Fate) -> tuple[PlanLine[Row], ...]:
        """Return the lines of some fates."""
        return tuple(line for line in self.lines if line.fate in fates)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop the import."""
        return tuple(problem for problem in self.problems if problem.level is Severity.ERROR)

    @property
    def open_questions(self) -> tuple[PlanLine[Row], ...]:
        """Rows whose branch a person has to confirm."""
        return self.of(Fate.PROPOSED)

    @property
    def ready(self) -> bool:
        """Tell whether the plan may be applied."""
        return not self.errors and not self.open_questions and not self.of(Fate.DUPLICATE)

    @property
    def changes(self) -> int:
        """How many rows would record something new."""
        return len(self.of(*RECORDED))

    @property
    def branches(self) -> int:
        """How many branches would get something new; a branch may have a row for each kind of voters."""
        lines = self.of(*RECORDED)
        return len({line.unit.pk for line in lines if line.unit is not None})


@dataclass(frozen=True)
class Doubts:
    """What a person answered: names by row position (None: none of them), contradictions by "sheet!row"."""

    names: Mapping[int, str | None]
    answers: Mapping[str, Answer]
    void_contradictions: bool = False
    mapping: Mapping[str, MappingChoice] | None = None


NO_DOUBTS = Doubts({}, {})


FateOf = Callable[[Any, RoundUnit], tuple[Fate, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import recorded."""

    recorded: int
    exempted: int
    unchanged: int
    missing: int
    waiting: int = 0
    differing: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()  # sheets that were saved and not handed in, each with what it lacks


def annual_rules(source: Source) -> AnnualRules:
    """Return what a round says about yearly results, for the reader: points and agreeing scores of each grade."""
    bands = {
        row.label: GradeBand(
            row.points,
            row.low if row.low is not None else Decimal(0),
            row.high if row.high is not None else source.full_marks,
        )
        for row in source.annual_points.all()
    }
    return AnnualRules(bands=bands, maximum=None if source.allow_over else source.full_marks, full=source.full_marks)


def plan_annual(
    *, source: Source, units: Iterable[RoundUnit], workbook: Workbook, doubts: Doubts = NO_DOUBTS,
    vocabulary: Vocabulary | None = None,
) -> Plan[AnnualRow]:  # fmt: skip
    """Say what a workbook of yearly results would record for `units` (those the person may record for).

    Raises ValueError or KeyError for an impossible mapping or an answer that was not offered.
    """
    words = vocabulary or site_vocabulary()
    words = words.with_grades({row.label: row.synonyms for row in source.annual_points.all()})
    reading = read_annual(workbook, words, rules=annual_rules(source), answers=doubts.answers, mapping=doubts.mapping)
    known = list(units)
    stored = {row.unit_id: row for row in AnnualResult.objects.filter(source=source, unit__in=known)}
    exempt = dict(source.exemptions.filter(unit__in=known).values_list("unit_id", "reason"))

    def fate(row: AnnualRow, unit: RoundUnit) -> tuple[Fate, str]:
        old = stored.get(unit.pk)
        before = "" if old is None else _annual_words(old.label, old.score)
        if row.exempt:
            return (Fate.SAME if exempt.get(unit.pk) == row.reason else Fate.EXEMPT), before
        if row.grade is None and row.score is None:
            return (Fate.LEFT_OUT if row.how == "经核对不采用" else Fate.NO_RESULT), before
        if old is None:
            return Fate.NEW, before
        same = (old.label, old.score) == (row.grade or "", row.score)
        return (Fate.SAME if same and unit.pk not in exempt else Fate.CHANGED), before

    return plan_rows((source, workbook.name, reading), known, doubts, fate)


def _annual_words(label: str, score: Decimal | None) -> str:
    """Say a stored result."""
    number = "" if score is None else format(score.normalize(), "f")
    return " ".join(part for part in (label, number) if part)


def plan_counts(
    *, source: Source, units: Iterable[RoundUnit], workbook: Workbook, doubts: Doubts = NO_DOUBTS,
    vocabulary: Vocabulary | None = None,
) -> Plan[AppraisalRow]:  # fmt: skip
    """Say what a workbook of ballot counts would record for `units`. Raises as `plan_annual`."""
    words = vocabulary or site_vocabulary()
    groups = {name_key(word): group.code for group in source.groups.all() for word in (group.name, group.code)}
    choices = list(source.options.all())
    reading = read_appraisal(
        workbook, words, floor=None if groups else source.minimum_ballots or None,
        void_contradictions=doubts.void_contradictions, mapping=doubts.mapping,
        options=[(option.code, option.label) for option in choices],
        pleased=[option.code for option in choices if option.satisfied], grouped=bool(groups),
    )  # fmt: skip
    known = list(units)
    options = {option.code for option in choices}
    counts = AppraisalCount.objects.filter(source=source, unit__in=known).select_related("group")
    stored = {(row.unit_id, row.group.code if row.group else ""): row for row in counts}

    def fate(row: AppraisalRow, unit: RoundUnit) -> tuple[Fate, str]:
        given = _count_input(row, unit, options, groups)
        old = stored.get((unit.pk, given.group))
        if old is None:
            return Fate.NEW, ""
        same = (old.state, old.issued, old.returned, old.valid, old.counts, old.reason) == (
            given.state, given.issued, given.returned, given.valid, dict(given.counts), given.reason,
        )  # fmt: skip
        return (Fate.SAME if same else Fate.CHANGED), str(old)

    if not groups:
        return plan_rows((source, workbook.name, reading), known, doubts, fate)
    reading = _with_voters(reading, [group.name for group in source.groups.all()], groups)
    voters = [groups.get(name_key(row.group), "") for row in reading.rows]
    return plan_rows((source, workbook.name, reading), known, doubts, fate, voters)


def _with_voters(reading: AppraisalReading, names: Sequence[str], groups: Mapping[str, str]) -> AppraisalReading:
    """Return the reading with an error for every row that does not say whose ballots it counts."""
    offered = "、".join(names)
    wrong = []
    for row in reading.rows:
        if name_key(row.group) not in groups:
            column = row.cells.get("voters")
            said = f"评议人员“{row.group}”不在本轮之列" if row.group else "没有写评议人员"
            said += f"（{offered}）" if column else f"：请加一列，表头写“评议人员”，逐行写明{offered}"
            cell = column or row.cells.get("name", f"A{row.row}")
            wrong.append(Problem(row.sheet, cell, Severity.ERROR, said, "voters"))
    return replace(reading, problems=(*reading.problems, *wrong))


def _known(units: Sequence[RoundUnit]) -> list[KnownBranch]:
    """Return the branches of a round as names are matched against."""
    return [
        KnownBranch(
            key=str(unit.pk),
            name=unit.name,
            unit_name="" if unit.direct else unit.parent_name,
            aliases=(unit.short_name,) if unit.short_name else (),
            code=unit.code,
        )
        for unit in units
    ]


def units_named(rows: Sequence[Any], units: Sequence[RoundUnit]) -> dict[int, RoundUnit]:
    """Return the branch that rows name exactly, by the place of the row."""
    known = {str(unit.pk): unit for unit in units}
    return {place: known[key] for place, key in match_names(wanted_names(rows), _known(units)).exact.items()}


def _match(rows: Sequence[Any], units: Sequence[RoundUnit], voters: Sequence[str] | None) -> MatchResult:
    """Match rows with branches; with `voters` (one for each row) a branch may have a row for each kind of them."""
    if voters is None:
        return match_names(wanted_names(rows), _known(units))
    exact: dict[int, str] = {}
    proposals: dict[int, tuple[Proposal, ...]] = {}
    duplicates: dict[int, int] = {}
    for group in sorted(set(voters)):
        places = [place for place, of in enumerate(voters) if of == group]
        found = match_names(wanted_names([rows[place] for place in places]), _known(units))
        exact |= {places[at]: key for at, key in found.exact.items()}
        proposals |= {places[at]: offered for at, offered in found.proposals.items()}
        duplicates |= {places[at]: places[first] for at, first in found.duplicates.items()}
    return MatchResult(exact, proposals, duplicates=duplicates)


def _resolved(matched: MatchResult, answers: dict[int, str | None], voters: Sequence[str] | None) -> dict[int, str]:
    """Return the branch of each row after a person's answers. Raises ValueError for one that was not offered."""
    if voters is None:
        return matched.resolved(answers)
    keys: dict[int, str] = {}
    for group in set(voters):
        part = MatchResult(
            {at: key for at, key in matched.exact.items() if voters[at] == group},
            {at: offered for at, offered in matched.proposals.items() if voters[at] == group},
        )
        keys |= part.resolved({at: key for at, key in answers.items() if at < len(voters) and voters[at] == group})
    return keys


def plan_rows(
    read: tuple[Source, str, Any], units: list[RoundUnit], doubts: Doubts, fate: FateOf,
    voters: Sequence[str] | None = None,
) -> Plan[Any]:  # fmt: skip
    """Match rows with branches and say what becomes of each."""
    source, file_name, reading = read
    matched = _match(reading.rows, units, voters)
    resolved = _resolved(matched, dict(doubts.names), voters)
    by_key = {str(unit.pk): unit for unit in units}
    lines = []
    for position, row in enumerate(reading.rows):
        key = resolved.get(position)
        if key is not None:
            unit = by_key[key]
            what, before = fate(row, unit)
            lines.append(PlanLine(position, row, what, unit, before=before))
        else:
            lines.append(_unmatched(position, row, matched, doubts))
    named = {line.unit.pk for line in lines if line.unit is not None}
    proposed = {proposal.key for line in lines for proposal in line.proposals}
    missing = tuple(u for u in units if u.graded and u.pk not in named and str(u.pk) not in proposed)
    return Plan(source, file_name, reading, tuple(lines), missing, reading.problems)


def _unmatched(position: int, row: Any, matched: MatchResult, doubts: Doubts) -> PlanLine[Any]:
    """Return the line of a row without a branch: proposed, left out by a person, duplicate or unknown."""
    if position in matched.duplicates:
        if position in doubts.names:
            return PlanLine(position, row, Fate.LEFT_OUT)
        return PlanLine(position, row, Fate.DUPLICATE)
    proposals = matched.proposals.get(position, ())
    if proposals and position not in doubts.names:
        return PlanLine(position, row, Fate.PROPOSED, proposals=proposals)
    return PlanLine(position, row, Fate.LEFT_OUT if proposals else Fate.UNKNOWN)


def refuse_unready(plan: Plan[Any]) -> None:
    """Raise RefusedError while errors or questions are open."""
    sentences = [problem.zh() for problem in plan.errors]
    if plan.open_questions:
        names = "、".join(line.row.name for line in plan.open_questions[:LISTED])
        sentences.append(f"{len(plan.open_questions)} 个名称还没有确认：{names}。")
    duplicates = plan.of(Fate.DUPLICATE)
    if duplicates:
        names = "、".join(line.row.name for line in duplicates[:LISTED])
        sentences.append(f"{len(duplicates)} 行与前面的行是同一个支部：{names}。")
    if sentences:
        raise RefusedError(sentences)


@transaction.atomic
def apply_annual(*, by: Account | None, plan: Plan[AnnualRow], now: dt.datetime) -> Outcome:
    """Record a plan of yearly results, all or nothing. 不参加考核 becomes an exemption with its reason.

    Raises RefusedError while the plan has errors or open questions.
    """
    refuse_unready(plan)
    rows = [
        sources.AnnualInput(
            unit=line.unit, label=line.row.grade or "", score=line.row.score, raw=line.row.raw[:60],
            remark=line.row.remark[:200],
        )
        for line in plan.of(Fate.NEW, Fate.CHANGED)
        if line.unit is not None
    ]  # fmt: skip
    if rows:
        sources.record_annual(by=by, source=plan.source, rows=rows, now=now, file_name=plan.file_name)
    exempted = plan.of(Fate.EXEMPT)
    for line in exempted:
        if line.unit is not None:
            sources.exempt(by=by, unit=line.unit, source=plan.source, reason=line.row.reason[:200], now=now)
    return Outcome(len(rows), len(exempted), len(plan.of(Fate.SAME)), len(plan.missing))


def _count_input(
    row: AppraisalRow, unit: RoundUnit, options: set[str], groups: Mapping[str, str]
) -> sources.CountInput:
    """Return one row as it is stored; what cannot count keeps its numbers and says why."""
    held = row.state is AppraisalState.VALID
    state = AppraisalCount.State.COUNTED
    if not held:
        void = row.state is AppraisalState.VOID
        state = AppraisalCount.State.VOID if void else AppraisalCount.State.MISSING
    counts = {code: number for code, number in row.counts.items() if number is not None and (number or code in options)}
    return sources.CountInput(
        unit=unit,
        issued=row.issued,
        returned=row.returned,
        valid=row.valid,
        counts=counts if held else {},
        state=state,
        reason="" if held else row.reason[:200],
        group=groups.get(name_key(row.group), "") if groups else "",
    )


@transaction.atomic
def apply_counts(
    *, by: Account | None, plan: Plan[AppraisalRow], now: dt.datetime, teller: str = "", scrutineer: str = ""
) -> Outcome:
    """Record a plan of ballot counts, all or nothing; `teller` and `scrutineer` counted and watched all of them.

    Where two people enter apart, the file is what one of them counted. Raises RefusedError while errors or questions
    are open.
    """
    refuse_unready(plan)
    options = {option.code for option in plan.source.options.all()}
    groups = {name_key(word): group.code for group in plan.source.groups.all() for word in (group.name, group.code)}
    rows = [
        replace(_count_input(line.row, line.unit, options, groups), teller=teller, scrutineer=scrutineer)
        for line in plan.of(Fate.NEW, Fate.CHANGED)
        if line.unit is not None
    ]
    done = Entered(0)
    if rows:
        done = paper_counts.enter(by=by, source=plan.source, rows=rows, now=now, file_name=plan.file_name)
    same, missing = len(plan.of(Fate.SAME)), len(plan.missing)
    return Outcome(done.recorded, 0, same, missing, waiting=done.waiting, differing=done.differing)


def open_workbook(name: str, data: bytes) -> Workbook:
    """Check and read an uploaded workbook. Raises RefusedUpload with a sentence when it is none we take."""
    return read_workbook(name, data)
