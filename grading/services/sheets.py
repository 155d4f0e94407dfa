"""Filling, submitting, returning and accepting sheets: 自评, 党总支考评, 抽查."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import prefetch_related_objects

from branches import audit, drafts
from branches.models import Account
from branches.transitions import BlockedError, advance
from branches.versions import ConflictError, save_versioned
from grading import rules, scoring
from grading.models import Assessment, Criterion, Result, RoundUnit, Score, Section, Source
from grading.permissions import holds_branch
from grading.scoring.counting import EntryShape, count_problem, counted_points, entry_shape, shape_problem
from grading.services import guidance, receipts
from grading.services.errors import RefusedError, refuse

HANDED_IN_BY_HAND = (Source.SELF, Source.SPOT_CHECK)  # any other sheet counts as handed in while it is complete


@dataclass(frozen=True, slots=True)
class ScoreInput:
    """What was entered for one item (or section): points, 不适用, and a remark; a remark of None stays as it is.

    `counts` says how often each event of the item happened; the points then follow from it and are not given.
    """

    points: Decimal | None
    not_applicable: bool = False
    remark: str | None = None
    counts: Mapping[str, int] | None = None


@transaction.atomic
def sheet_for(*, by: Account | None, unit: RoundUnit, source: Source) -> Assessment:
    """Return the sheet of a branch for a source, made on first use. Raises RefusedError for a source without sheets."""
    if source.kind != Source.Kind.SHEET or source.round_id != unit.round_id:
        refuse(f"{source.name}不是按评分标准打分的来源。")
    sheet, created = Assessment.objects.get_or_create(unit=unit, source=source)
    sheet.unit, sheet.source = unit, source
    if created:
        audit.record(
            by=by, action="assessment.create", thing=sheet, branch=unit.branch, summary=f"建立{source.name}评分表"
        )
    return sheet


@transaction.atomic
def save_scores(
    *,
    by: Account | None,
    assessment: Assessment,
    version: int,
    entries: Mapping[str, ScoreInput],
    now: dt.datetime,
    reason: str | None = None,
    shapes: Mapping[str, EntryShape] | None = None,
) -> Assessment:
    """Save what changed on a sheet, keyed by item code (by section code where the source is scored by section).

    Codes that are not given stay as they are. `reason` is the 评分理由 the branch can read. A sheet of the branch
    must be a draft or returned; a superior's sheet counts as handed in while it is complete. `shapes` says how
    items are entered where the caller has just read it.

    Raises:
        RefusedError: wrong points (`.fields` by code), the sheet or the round is closed, or the grade is proposed.
        ConflictError: somebody saved since `version`.
    """
    sheet = _opened(assessment)
    _refuse_closed(sheet)
    targets, shapes = _targets(sheet, entries, shapes)
    entries = {code: resolved(entry, shapes.get(code)) for code, entry in entries.items()}
    values: dict[str, Any] = {"saved_at": now, "saved_by": by, "entered_on_behalf": _on_behalf(by, sheet)}
    if reason is not None and reason.strip() != sheet.reason:
        values |= {"reason": reason.strip(), "reason_by": by, "reason_at": now}
        values |= {"reason_checked_by": None, "reason_checked_at": None}
    mine = {"entries": {code: vars_of(entry) for code, entry in entries.items()}, **values}
    try:
        fresh = save_versioned(sheet, version=version, values=values)
    except ConflictError as conflict:
        raise ConflictError(conflict.current, mine) from conflict
    fresh.unit, fresh.source = sheet.unit, sheet.source
    stored = _stored(fresh, targets)
    before = {code: _shown(score) for code, score in stored.items()}
    _write(fresh, stored, targets, entries, shapes)
    after = {code: vars_of(entry) for code, entry in entries.items()}
    audit.record(
        by=by,
        action="assessment.save",
        thing=fresh,
        branch=sheet.unit.branch,
        summary=f"保存{sheet.source.name}",
        before={"scores": before, "reason": sheet.reason},
        after={"scores": after, "reason": fresh.reason},
    )
    return _settle(fresh, by, now)


def _opened(assessment: Assessment, *, lock: bool = False) -> Assessment:
    """Return a sheet, its unit and its round as they stand now, with the items of its rubric.

    The items are those of the unit the sheet came with, where there is one: a published rubric never changes.
    """
    rows = Assessment.objects.select_related("unit__round__campaign", "unit__rubric", "unit__branch", "source")
    sheet = (rows.select_for_update(of=("self",)) if lock else rows).get(pk=assessment.pk)
    if Assessment._meta.get_field("unit").is_cached(assessment) and assessment.unit.rubric_id == sheet.unit.rubric_id:
        sheet.unit.rubric = assessment.unit.rubric
    prefetch_related_objects([sheet.unit.rubric], "sections__criteria__levels")
    return sheet


def vars_of(entry: ScoreInput) -> dict[str, Any]:
    """Return an entry as plain values for the audit and for a conflict page."""
    return _vars(entry.points, entry.remark, entry.counts or {}, not_applicable=entry.not_applicable)


def _shown(score: Score) -> dict[str, Any]:
    counts = {one["label"]: one["number"] for one in score.counts}
    return _vars(score.points, score.remark, counts, not_applicable=score.not_applicable)


def _vars(
    points: Decimal | None, remark: str | None, counts: Mapping[str, int], *, not_applicable: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {"points": None if points is None else str(points), "not_applicable": not_applicable}
    found["remark"] = remark
    if counts:
        found["counts"] = {label: number for label, number in counts.items() if number}
    return found


def resolved(entry: ScoreInput, shape: EntryShape | None) -> ScoreInput:
    """Return an entry with the points its counted events come to."""
    if shape is None or not entry.counts:
        return entry
    return replace(entry, points=counted_points(shape, entry.counts))


def _on_behalf(by: Account | None, sheet: Assessment) -> bool:
    """Tell whether a superior enters the branch's own sheet (代录)."""
    return sheet.source.code == Source.SELF and by is not None and not holds_branch(by, sheet.unit)


def _refuse_closed(sheet: Assessment) -> None:
    """Refuse to change a sheet that is handed in, whose round is closed, or on which a grade rests."""
    round_ = sheet.unit.round
    if not round_.is_open:
        refuse(f"本轮现在是“{round_.get_state_display()}”，不能再打分。")
    if sheet.source.code in HANDED_IN_BY_HAND and not sheet.editable:
        name = "自评" if sheet.source.code == Source.SELF else sheet.source.name
        refuse(f"{name}{sheet.get_state_display()}，不能再改；需要改时请先退回。")
    refuse_decided(sheet.unit)


def refuse_decided(unit: RoundUnit) -> None:
    """Refuse to change what a proposed or decided grade rests on. Raises RefusedError."""
    if Result.objects.filter(unit=unit).exclude(state=Result.State.COMPUTED).exists():
        refuse("该支部的等级已拟定或已定；确需改动的，请党总支或活动办公室先撤回。")


def _targets(
    sheet: Assessment, entries: Mapping[str, ScoreInput], shapes: Mapping[str, EntryShape] | None
) -> tuple[dict[str, Criterion | Section], Mapping[str, EntryShape]]:
    """Return the rows the codes mean and how items are entered; unknown codes and wrong points get a sentence each."""
    by_section = sheet.source.entry == Source.Entry.SECTIONS
    known: dict[str, Criterion | Section] = {}
    for section in sheet.unit.rubric.sections.all():
        if by_section:
            known[section.code] = section
        else:
            known |= {item.code: item for item in section.criteria.all()}
    problems = {code: f"评分标准里没有 {code}。" for code in entries if code not in known}
    if by_section:
        shapes = {}
    elif shapes is None:
        shapes = shapes_of(sheet.unit)
    rule = scoring.NotApplicable(sheet.unit.rubric.not_applicable)
    for code, entry in entries.items():
        if code in problems:
            continue
        shape = shapes.get(code)
        found = _section_problem(known[code], entry) if shape is None else _item_problem(shape, entry, rule)
        if found:
            problems[code] = found
    if problems:
        raise RefusedError(problems.values(), problems)
    return {code: known[code] for code in entries}, shapes


def shapes_of(unit: RoundUnit) -> dict[str, EntryShape]:
    """Return how each item of a branch's rubric is entered, by code, with the 细则 of its 党总支."""
    rules_by_code = {item.code: item for item in rules.rubric_rule(unit.rubric).criteria}
    local = guidance.of_unit(unit)
    refined = {
        item.code: guidance.refinement_of(local.get(item.pk))
        for section in unit.rubric.sections.all()
        for item in section.criteria.all()
    }
    return {code: entry_shape(item, refined.get(code)) for code, item in rules_by_code.items()}


def _item_problem(shape: EntryShape, entry: ScoreInput, rule: scoring.NotApplicable) -> str | None:
    """Return a sentence when an entry, or what was counted for it, cannot be right for its item."""
    if not entry.counts:
        return shape_problem(shape, scoring.Entry(entry.points, entry.not_applicable), rule)
    if entry.not_applicable:
        return f"{shape.criterion.code} 填了“不适用”就不能再填次数。"
    return count_problem(shape, entry.counts)


def _section_problem(section: Criterion | Section, entry: ScoreInput) -> str | None:
    """Return a sentence when a section sum cannot be right."""
    if entry.not_applicable:
        return f"{section.code} 按部分打分时不能填“不适用”。"
    if entry.points is not None and not 0 <= entry.points <= section.points:
        return f"{section.code} 分数应在 0 至 {scoring.plain(section.points)} 分之间。"
    return None


def _stored(sheet: Assessment, targets: Mapping[str, Criterion | Section]) -> dict[str, Score]:
    """Return the stored scores of the given codes."""
    found = {}
    for score in rules.scores_of(sheet):
        row = score.criterion or score.section
        if row is not None and row.code in targets:
            found[row.code] = score
    return found


def _write(
    sheet: Assessment,
    stored: Mapping[str, Score],
    targets: Mapping[str, Criterion | Section],
    entries: Mapping[str, ScoreInput],
    shapes: Mapping[str, EntryShape],
) -> None:
    """Insert and update the scores in two queries, and keep them at hand as they are now stored."""
    new, changed = [], []
    for code, entry in entries.items():
        target = targets[code]
        score = stored.get(code)
        if score is None:
            where = {"criterion": target} if isinstance(target, Criterion) else {"section": target}
            score = Score(assessment=sheet, **where)
            new.append(score)
        else:
            changed.append(score)
        score.points, score.not_applicable = entry.points, entry.not_applicable
        score.remark = score.remark if entry.remark is None else entry.remark.strip()
        score.counts = _counted(shapes.get(code), entry)
    Score.objects.bulk_create(new)
    Score.objects.bulk_update(changed, ["points", "not_applicable", "remark", "counts"])
    prefetch_related_objects([sheet], "scores")


def _counted(shape: EntryShape | None, entry: ScoreInput) -> list[dict[str, Any]]:
    """Return what was counted as it is kept: each event with what it was worth then, so that it needs no other row."""
    if shape is None or not entry.counts:
        return []
    given = entry.counts
    return [{"label": e.label, "points": str(e.points), "number": given.get(e.label, 0)} for e in shape.events]


def sheet_score(sheet: Assessment) -> scoring.SheetScore:
    """Return the arithmetic of a sheet as it stands: sections, running sum, what is open."""
    rubric = rules.rubric_rule(sheet.unit.rubric)
    given = rules.sheet_input(sheet, rules.scores_of(sheet))
    if given.sections is not None:
        return scoring.score_sections(rubric, given.sections)
    known = rules.unit_figures(sheet.unit, rubric)
    return scoring.score_sheet(rubric, given.entries, known)


def _settle(sheet: Assessment, by: Account | None, now: dt.datetime) -> Assessment:
    """Store the sums; hand a superior's sheet in when it is complete, take it back when it no longer is."""
    score = sheet_score(sheet)
    system = {item.code for item in rules.rubric_rule(sheet.unit.rubric).criteria if item.figure}
    typed = [code for code in score.missing if code not in system]
    total = sum(len(section.criteria) or 1 for section in score.sections)
    values = {
        "partial": score.partial,
        "earned": score.partial if not typed else None,
        "answered": total - len(score.missing),
    }
    complete = not typed
    if sheet.source.code not in HANDED_IN_BY_HAND and not complete and sheet.state == Assessment.State.SUBMITTED:
        sheet = advance(sheet, Assessment.State.DRAFT, by=by, now=now, held=True)
    _update(sheet, values)
    if sheet.source.code not in HANDED_IN_BY_HAND and complete and sheet.editable:
        return _hand_in(sheet, by, now)
    return sheet


def _update(sheet: Assessment, values: dict[str, Any]) -> None:
    """Write some columns of a sheet whose row is held."""
    for name, value in values.items():
        setattr(sheet, name, value)
    sheet.save(update_fields=list(values))


def _hand_in(
    sheet: Assessment, by: Account | None, now: dt.datetime, ticket_at: dt.datetime | None = None
) -> Assessment:
    """Submit a sheet: time, person, lateness, then the move; the branch's own gets a receipt."""
    filed_at, late = receipts.time_that_counts(assessment=sheet, now=now, ticket_at=ticket_at)
    _update(sheet, {"submitted_at": now, "submitted_by": by, "late": late})
    done = advance(sheet, Assessment.State.SUBMITTED, by=by, now=now, held=True)
    if done.source.code == Source.SELF:
        receipts.issue(by=by, assessment=done, filed_at=filed_at, received_at=now, late=late)
    return done


@transaction.atomic
def submit(
    *,
    by: Account | None,
    assessment: Assessment,
    now: dt.datetime,
    version: int | None = None,
    ticket_at: dt.datetime | None = None,
) -> Assessment:
    """Submit (or resubmit) a sheet; after the last day it stays possible and is marked 逾期.

    Filed late, it counts as filed at `ticket_at` where that was in time (branches.tickets).

    Raises BlockedError naming open items and missing evidence, ConflictError when the sheet changed since `version`,
    and IllegalMoveError when it is submitted already.
    """
    sheet = _opened(assessment, lock=True)
    if version is not None and sheet.version != version:
        raise ConflictError(sheet, {})
    return _hand_in(sheet, by, now, ticket_at)


def file(
    *,
    by: Account,
    unit: RoundUnit,
    source: Source,
    version: int,
    entries: Mapping[str, ScoreInput],
    now: dt.datetime,
    hand_in: bool,
    shapes: Mapping[str, EntryShape] | None = None,
    ticket_at: dt.datetime | None = None,
    draft: tuple[str, str] | None = None,
) -> Assessment:
    """Save a whole sheet from its page and, with `hand_in`, submit it: one transaction, so that the lock is taken once.

    `version` is 0 where the page showed no sheet yet; `draft` (form, key) is what was typed, dropped once it is saved.
    What is entered stays saved where the gates refuse the submission. Raises as `save_scores` and `submit` do.
    """
    blocked = None
    with transaction.atomic():
        sheet = sheet_for(by=by, unit=unit, source=source)
        version = version or (1 if sheet.version == 1 else 0)
        sheet = save_scores(by=by, assessment=sheet, version=version, entries=entries, now=now, shapes=shapes)
        if draft:
            drafts.drop(account=by, form=draft[0], key=draft[1])
        if hand_in:
            try:
                with transaction.atomic():
                    sheet = _hand_in(sheet, by, now, ticket_at)
            except BlockedError as error:
                blocked = error
    if blocked:
        raise blocked
    return sheet


@transaction.atomic
def return_sheet(*, by: Account | None, assessment: Assessment, reason: str, now: dt.datetime) -> Assessment:
    """Return a sheet to the branch with a reason. Raises IllegalMoveError without one, BlockedError once decided."""
    return advance(assessment, Assessment.State.RETURNED, by=by, now=now, reason=reason)


@transaction.atomic
def accept(*, by: Account | None, assessments: Iterable[Assessment], now: dt.datetime) -> list[Assessment]:
    """Accept submitted sheets. Raises IllegalMoveError when one is not submitted."""
    return [advance(sheet, Assessment.State.ACCEPTED, by=by, now=now) for sheet in assessments]


@transaction.atomic
def check_reason(*, by: Account | None, assessment: Assessment, now: dt.datetime) -> Assessment:
    """Tick off the written reason of a large difference (组织部核对). Raises RefusedError when none is written."""
    sheet = Assessment.objects.select_for_update().get(pk=assessment.pk)
    if not sheet.reason.strip():
        refuse("还没有写明评分理由，不能核对。")
    sheet.reason_checked_by, sheet.reason_checked_at = by, now
    sheet.save(update_fields=["reason_checked_by", "reason_checked_at"])
    audit.record(by=by, action="assessment.check_reason", thing=sheet, branch=sheet.unit.branch, summary="核对差异理由")
    return sheet
