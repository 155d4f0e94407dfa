"""细则: a 党总支 writes them for the items of its rubrics, publishes them in time, takes over those of last time."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from branches import audit
from branches.models import Account, Branch
from branches.scopes import Scope
from branches.versions import ConflictError
from grading import rules
from grading.models import Criterion, LocalGuidance, Round, RoundStep, RoundUnit, Rubric, Score
from grading.scoring.counting import Refinement, RefineMode, refinement_problems
from grading.scoring.rules import LevelRule
from grading.services.errors import RefusedError, refuse

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Option:
    """One level or deduction as it is typed."""

    label: str
    points: Decimal


def refinement_of(row: LocalGuidance | None) -> Refinement | None:
    """Return a 细则 as the arithmetic of entering takes it; None without one, or where it was taken back."""
    if row is None or row.empty:
        return None
    options = tuple(LevelRule(one["label"], Decimal(one["points"])) for one in row.options)
    return Refinement(RefineMode(row.mode), options)


def in_force(units: Iterable[RoundUnit]) -> dict[Key, LocalGuidance]:
    """Return the published 细则 of units of one round by (党总支, item), in one query."""
    rows = list(units)
    found = LocalGuidance.objects.filter(
        round__in={unit.round_id for unit in rows}, parent__in={unit.parent_id for unit in rows}
    )
    return {(row.parent_id, row.criterion_id): row for row in found.in_force().order_by("version") if not row.empty}


def of_unit(unit: RoundUnit) -> dict[int, LocalGuidance]:
    """Return the published 细则 one branch is scored by, keyed by item."""
    return {item: row for (_, item), row in in_force([unit]).items()}


def parents(round_: Round, reach: Scope, day: dt.date) -> list[Branch]:
    """Return the 党总支 (and the committee, for 直属党支部) of a round that `reach` covers, with names, in order."""
    if round_.state == Round.State.PREPARING:
        rows: Any = Branch.objects.as_of(day).branches_only()
        wanted = {row.parent_id for row in rows}
    else:
        wanted = set(round_.units.values_list("parent_id", flat=True))
    held = Branch.objects.as_of(day).within(reach).filter(pk__in=wanted)
    return list(held.order_by("-level", "position", "code"))


def rubrics_of(round_: Round, parent_id: int, day: dt.date) -> list[Rubric]:
    """Return the rubrics the branches of a 党总支 are scored by in this round."""
    if round_.state == Round.State.PREPARING:
        rows: Any = Branch.objects.as_of(day).branches_only()
        categories = {row.category_id for row in rows if row.parent_id == parent_id}
        chosen = {row.rubric_id for row in round_.rubrics.all() if row.category_id in categories}
    else:
        chosen = set(round_.units.filter(parent=parent_id).values_list("rubric_id", flat=True))
    return list(Rubric.objects.with_items().filter(pk__in=chosen).order_by("title"))


def last_day(round_: Round) -> dt.date | None:
    """Return until when 细则 may be published, where the round says so."""
    step = next((step for step in round_.steps.all() if step.code == RoundStep.Code.GUIDANCE), None)
    return step.due_on if step else None


def why_closed(round_: Round, day: dt.date) -> str:
    """Return why 细则 can no longer be published in a round, or "".

    They are for the time before 自评. A round with a step “党总支细则” leaves them open to the last day of that step.
    """
    if round_.state == Round.State.PREPARING:
        return ""
    if round_.state != Round.State.SELF:
        return f"{round_.name}现在是“{round_.get_state_display()}”，细则已随评分标准固定。"
    until = last_day(round_)
    if until is None:
        return "自评已经开始，细则已随评分标准固定。"
    if day > until and not round_.campaign.backfill:
        return f"细则发布的期限是{until:%-m月%-d日}，已经过了。"
    return ""


def scored_items(round_: Round, parent_id: int) -> set[int]:
    """Return the items on which a branch of this 党总支 has points already: how they are entered stands still."""
    rows = Score.objects.filter(assessment__unit__round=round_, assessment__unit__parent=parent_id)
    return set(rows.exclude(points__isnull=True).values_list("criterion_id", flat=True)) - {None}


def _newest(round_: Round, parent_id: int, criterion_id: int) -> LocalGuidance | None:
    rows = LocalGuidance.objects.filter(round=round_, parent=parent_id, criterion=criterion_id)
    return rows.order_by("-version").first()


def _refuse_foreign(round_: Round, parent: Branch, criterion: Criterion, day: dt.date) -> None:
    """Refuse an item of a rubric by which no branch of this 党总支 is scored."""
    if criterion.section.rubric_id not in {rubric.pk for rubric in rubrics_of(round_, parent.pk, day)}:
        refuse("这个党总支的支部不用这一条。")


def _refuse_wrong(criterion: Criterion, text: str, mode: str, options: Sequence[Option]) -> None:
    if not text and not options:
        return
    made = Refinement(RefineMode(mode), tuple(LevelRule(one.label, one.points) for one in options))
    if problems := refinement_problems(rules.criterion_rule(criterion), made):
        raise RefusedError(problems)


@transaction.atomic
def save(
    *, by: Account | None, round_: Round, parent: Branch, criterion: Criterion, text: str, mode: str,
    options: Sequence[Option], edits: int, now: dt.datetime,
) -> LocalGuidance:  # fmt: skip
    """Save the draft of one item's 细则; the first save after publishing starts the next version.

    Raises RefusedError when it would change what the item is worth or comes too late, and ConflictError when somebody
    saved since `edits` (0: no draft was there).
    """
    if closed := why_closed(round_, now.date()):
        refuse(closed)
    _refuse_foreign(round_, parent, criterion, now.date())
    text = text.strip()
    mode = mode if text or options else RefineMode.TEXT
    _refuse_wrong(criterion, text, mode, options)
    newest = _newest(round_, parent.pk, criterion.pk)
    values = {
        "text": text, "mode": mode, "options": [{"label": o.label, "points": str(o.points)} for o in options],
        "saved_at": now, "saved_by": by,
    }  # fmt: skip
    if newest is None or newest.state == LocalGuidance.State.PUBLISHED:
        version = newest.version + 1 if newest else 1
        row = LocalGuidance.objects.create(round=round_, parent=parent, criterion=criterion, version=version, **values)
    else:
        if not LocalGuidance.objects.filter(pk=newest.pk, edits=edits).update(**values, edits=edits + 1):
            raise ConflictError(newest, values)
        row = LocalGuidance.objects.get(pk=newest.pk)
    audit.record(
        by=by, action="guidance.save", thing=row, branch=parent, summary=f"起草细则：{criterion.code}",
        before=None if newest is None else _plain(newest), after=_plain(row),
    )  # fmt: skip
    return row


def _plain(row: LocalGuidance) -> dict[str, Any]:
    return {"text": row.text, "mode": row.mode, "options": row.options, "version": row.version}


@transaction.atomic
def drop_draft(*, by: Account | None, guidance: LocalGuidance) -> None:
    """Throw a draft away; what was published before stands. Raises RefusedError for a published one."""
    row = LocalGuidance.objects.select_for_update().get(pk=guidance.pk)
    if row.state == LocalGuidance.State.PUBLISHED:
        refuse("已发布的细则不能删除，要撤回请发布一条空的。")
    audit.record(
        by=by, action="guidance.drop", thing=row, branch=row.parent, summary="删除细则草稿", before=_plain(row)
    )
    row.delete()


@transaction.atomic
def publish(*, by: Account | None, round_: Round, parent: Branch, now: dt.datetime) -> int:
    """Publish every draft of a 党总支 in a round; from then on these versions never change. Return how many.

    Raises RefusedError when it is too late, when there is nothing to publish, or when an item on which points were
    given already would be entered in another way.
    """
    if closed := why_closed(round_, now.date()):
        refuse(closed)
    drafts = LocalGuidance.objects.select_for_update().filter(
        round=round_, parent=parent, state=LocalGuidance.State.DRAFT
    )
    rows = list(drafts.select_related("criterion"))
    if not rows:
        refuse("没有待发布的细则。")
    scored = scored_items(round_, parent.pk)
    old = {row.criterion_id: row for row in LocalGuidance.objects.filter(round=round_, parent=parent).in_force()}
    stuck = [row.criterion.code for row in rows if row.criterion_id in scored and _reshapes(row, old)]
    if stuck:
        refuse(f"{'、'.join(stuck)}已有支部打分，打分方式不能再变；可以只改说明文字。")
    for row in rows:
        row.state, row.published_at, row.published_by = LocalGuidance.State.PUBLISHED, now, by
        row.save(update_fields=["state", "published_at", "published_by"])
    audit.record(
        by=by, action="guidance.publish", thing=round_, branch=parent,
        summary=f"发布{round_.name}细则 {len(rows)} 条", after={"items": [row.criterion.code for row in rows]},
    )  # fmt: skip
    return len(rows)


def _reshapes(row: LocalGuidance, old: Mapping[int, LocalGuidance]) -> bool:
    """Tell whether a draft changes the way an item is entered, not only its words."""
    before = old.get(row.criterion_id)
    was = (before.mode, before.options) if before is not None and before.options else ("", [])
    return was != ((row.mode, row.options) if row.options else ("", []))


def last_round_with(round_: Round, parent_id: int) -> Round | None:
    """Return the newest other round in which this 党总支 had 细则."""
    rows = LocalGuidance.objects.filter(parent=parent_id, state=LocalGuidance.State.PUBLISHED).exclude(round=round_)
    newest = rows.order_by("-published_at", "-pk").select_related("round__campaign").first()
    return newest.round if newest else None


@transaction.atomic
def copy_last(*, by: Account | None, round_: Round, parent: Branch, now: dt.datetime) -> tuple[int, int]:
    """Copy the 细则 of the last round as drafts where this round has none yet; return how many, and how many not.

    An item is the same by its rubric's code, its own code, kind and points; other items are left out.
    Raises RefusedError when it is too late or there is nothing to copy.
    """
    if closed := why_closed(round_, now.date()):
        refuse(closed)
    last = last_round_with(round_, parent.pk)
    if last is None:
        refuse("以前的轮次没有发布过细则。")
    mine = set(LocalGuidance.objects.filter(round=round_, parent=parent).values_list("criterion_id", flat=True))
    here = {
        _identity(item, rubric.code): item
        for rubric in rubrics_of(round_, parent.pk, now.date())
        for section in rubric.sections.all()
        for item in section.criteria.all()
    }
    rows = LocalGuidance.objects.filter(round=last, parent=parent).in_force()
    copied = left = 0
    for old in rows.select_related("criterion__section__rubric"):
        item = here.get(_identity(old.criterion, old.criterion.section.rubric.code))
        if item is None or item.pk in mine or old.empty:
            left += 1
            continue
        options = [Option(one["label"], Decimal(one["points"])) for one in old.options]
        save(
            by=by, round_=round_, parent=parent, criterion=item, text=old.text, mode=old.mode, options=options,
            edits=0, now=now,
        )  # fmt: skip
        copied += 1
    return copied, left


def _identity(item: Criterion, rubric_code: str) -> tuple[str, str, str, Decimal]:
    return rubric_code, item.code, item.kind, item.points
