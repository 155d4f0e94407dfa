"""公示: what a notice will say, putting it up with the round's own transition, and taking it down."""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from branches import audit
from branches.models import Account
from branches.services.calendar import site_calendar
from branches.versions import ConflictError
from branches.workdays import Span, end_of, working_days
from grading import publicity_text
from grading.models import (
    Grade,
    PublicityGrade,
    PublicityLine,
    PublicityNotice,
    PublicityPlan,
    Result,
    Round,
    RoundStep,
)
from grading.services.errors import refuse

TEXTS = ("title", "body", "receiver", "phone", "email", "address", "signature")
USUAL_GRADES = 2
MOST_DAYS = 60
S, R = PublicityNotice.State, Round.State
NOT_NAMED = (RoundStep.Code.PUBLICITY, RoundStep.Code.FINAL)


@dataclass(frozen=True, slots=True)
class PlanInput:
    """What the office wrote: empty texts mean the usual wording."""

    days: int
    counts_first_day: bool
    grades: tuple[str, ...]
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Preview:
    """A notice as it would be put up now, or was: texts with their figures, days, and the branches it names."""

    title: str
    body: str
    receiver: str
    phone: str
    email: str
    address: str
    signature: str
    span: Span
    started_at: dt.datetime
    ends_at: dt.datetime
    lines: tuple[PublicityLine, ...]


def plan_of(round_: Round) -> PublicityPlan:
    """Return the plan of a round, unsaved with the usual wording where nobody wrote one."""
    found = PublicityPlan.objects.filter(round=round_).first()
    return found or PublicityPlan(round=round_, version=0)


def shown_grades(round_: Round) -> list[Grade]:
    """Return the grades a round makes public, best first: those it selects, else the best two (never the last)."""
    chosen = [row.grade for row in round_.publicity_grades.select_related("grade").order_by("grade__rank")]
    if chosen:
        return chosen
    grades = list(round_.scale.grades.order_by("rank"))
    return grades[: min(USUAL_GRADES, max(len(grades) - 1, 1))]


@transaction.atomic
def save_plan(*, by: Account | None, round_: Round, version: int, plan: PlanInput) -> PublicityPlan:
    """Write what the next notice says, while none is up and the round is not final.

    Raises RefusedError for a notice that is up, no or unknown grades, days out of range, an unknown place in a text,
    and ConflictError when somebody changed the plan meanwhile.
    """
    row = Round.objects.select_for_update().select_related("campaign__root", "scale").get(pk=round_.pk)
    if row.state in (R.PUBLICITY, R.FINAL):
        refuse("公示已经开始，内容不能再改；确需改动的，先退回审定。")
    grades = {grade.code: grade for grade in row.scale.grades.all()}
    if not plan.grades or set(plan.grades) - set(grades):
        refuse("请至少选一个要公示的等级。")
    if not 1 <= plan.days <= MOST_DAYS:
        refuse(f"公示期请填 1 至 {MOST_DAYS} 个工作日。")
    if wrong := publicity_text.unknown_places(f"{plan.texts.get('title', '')}{plan.texts.get('body', '')}"):
        refuse(f"{wrong[0]} 不是可以填入的项目，可用的有：{'、'.join(f'{{{p}}}' for p in publicity_text.PLACES)}。")
    saved = PublicityPlan.objects.filter(round=row).first() or PublicityPlan(round=row, version=0)
    if saved.version != version:
        raise ConflictError(saved, dict(plan.texts))
    for name in TEXTS:
        setattr(saved, name, plan.texts.get(name, "").strip())
    saved.counts_first_day, saved.version = plan.counts_first_day, saved.version + 1
    saved.save()
    Round.objects.filter(pk=row.pk).update(publicity_days=plan.days)
    row.publicity_grades.all().delete()
    PublicityGrade.objects.bulk_create(PublicityGrade(round=row, grade=grades[code]) for code in plan.grades)
    audit.record(
        by=by,
        action="publicity.plan",
        thing=row,
        branch=row.campaign.root,
        summary=f"{row.name}：修改公示内容",
        after={"days": plan.days, "grades": list(plan.grades), "first": plan.counts_first_day, **plan.texts},
    )
    return saved


def write_plan(*, round_: Round, entry: Mapping[str, Any]) -> None:
    """Write what a preset says about 公示 when its round is created. Raises RefusedError for an unknown grade."""
    if not entry:
        return
    grades = {grade.code: grade for grade in round_.scale.grades.all()}
    if wrong := [code for code in entry.get("grades", ()) if code not in grades]:
        refuse(f"公示的等级里有等级表没有的：{'、'.join(wrong)}。")
    PublicityGrade.objects.bulk_create(
        PublicityGrade(round=round_, grade=grades[code]) for code in dict.fromkeys(entry.get("grades", ()))
    )
    texts = {name: str(entry.get(name, "")) for name in TEXTS}
    PublicityPlan.objects.create(round=round_, counts_first_day=bool(entry.get("counts_first_day", True)), **texts)


def preview(round_: Round, now: dt.datetime) -> Preview:
    """Return the notice as it would be put up at `now`, nothing stored."""
    plan, grades = plan_of(round_), shown_grades(round_)
    span = working_days(
        site_calendar(), now.date(), max(round_.publicity_days, 1), counts_first_day=plan.counts_first_day
    )
    facts = publicity_text.Facts(
        year=round_.campaign.year,
        round_name=round_.name,
        rule_name=round_.rule_name or round_.campaign.name,
        steps=tuple(step.name for step in round_.steps.all() if step.code not in NOT_NAMED),
        grades=tuple(grade.label for grade in grades),
        days=len(span.days),
        first=now.date(),
        last=span.last,
    )
    usual = publicity_text.TITLE if round_.ordinal == 1 else publicity_text.LATER_TITLE
    return Preview(
        title=publicity_text.filled(plan.title or usual, facts),
        body=publicity_text.filled(plan.body or publicity_text.BODY, facts),
        receiver=plan.receiver or publicity_text.RECEIVER,
        phone=plan.phone,
        email=plan.email,
        address=plan.address,
        signature=plan.signature or _committee(round_),
        span=span,
        started_at=now,
        ends_at=end_of(span.last, now.tzinfo or dt.UTC),
        lines=tuple(_lines(round_, grades)),
    )


def _committee(round_: Round) -> str:
    """Return the name of the committee whose campaign it is, as it is called today."""
    placement = round_.campaign.root.placements.filter(ends_on__isnull=True).first()
    return placement.name if placement is not None else ""


def _lines(round_: Round, grades: Sequence[Grade]) -> list[PublicityLine]:
    """Return the branches a notice names, best grade first, then in the order of the annexes."""
    rows = Result.objects.current().filter(
        unit__round=round_, unit__graded=True, decided_grade__in=grades, state=Result.State.DECIDED
    )
    found = list(
        rows.select_related("unit", "decided_grade").order_by(
            "decided_grade__rank", "unit__parent_position", "unit__parent_code", "unit__position", "unit__code"
        )
    )
    return [
        PublicityLine(
            ordinal=number,
            unit=row.unit,
            name=row.unit.name,
            parent_name=row.unit.general_branch_name,
            category_name=row.unit.category_name,
            grade=row.decided_grade,
            grade_label=row.decided_grade.label if row.decided_grade else "",
        )
        for number, row in enumerate(found, start=1)
    ]


@transaction.atomic
def start(*, by: Account | None, round_: Round, now: dt.datetime) -> PublicityNotice:
    """Put the notice of a round up, with the lines as they stand now (called by the transition to 公示)."""
    shown = preview(round_, now)
    ordinal = PublicityNotice.objects.filter(round=round_).count() + 1
    notice = PublicityNotice.objects.create(
        round=round_,
        ordinal=ordinal,
        slug=f"{round_.campaign.year}-{secrets.token_hex(4)}",
        days=len(shown.span.days),
        started_at=now,
        started_by=by,
        last_day=shown.span.last,
        ends_at=shown.ends_at,
        uncertain_years=list(shown.span.unknown_years),
        **{name: getattr(shown, name) for name in TEXTS},
    )
    for line in shown.lines:
        line.notice = notice
    PublicityLine.objects.bulk_create(shown.lines)
    audit.record(
        by=by,
        action="publicity.start",
        thing=notice,
        branch=round_.campaign.root,
        summary=f"{round_.name}：第 {ordinal} 次公示，{len(shown.lines)} 个支部，至{shown.span.last:%Y年%-m月%-d日}",
        after={"ends_at": shown.ends_at, "unknown_years": list(shown.span.unknown_years)},
    )
    return notice


@transaction.atomic
def take_down(*, by: Account | None, round_: Round, to: str, now: dt.datetime, reason: str = "") -> None:
    """Take the notice of a round down: ended when the round becomes final, withdrawn when it goes back."""
    for notice in PublicityNotice.objects.select_for_update().filter(round=round_, state=S.SHOWN):
        notice.state = S.ENDED if to == R.FINAL else S.WITHDRAWN
        notice.closed_at, notice.close_reason = now, reason.strip()
        notice.save(update_fields=["state", "closed_at", "close_reason"])
        audit.record(
            by=by,
            action=f"publicity.{notice.state}",
            thing=notice,
            branch=round_.campaign.root,
            summary=f"{round_.name}：第 {notice.ordinal} 次公示{notice.get_state_display()}",
        )


def follow(*, by: Account | None, round_: Round, before: str, now: dt.datetime, reason: str = "") -> None:
    """Put the notice up or take it down after a round moved away from state `before`."""
    if round_.state == R.PUBLICITY:
        start(by=by, round_=round_, now=now)
    elif before == R.PUBLICITY:
        take_down(by=by, round_=round_, to=round_.state, now=now, reason=reason)


def is_running(notice: PublicityNotice, now: dt.datetime) -> bool:
    """Tell whether a notice is up and its time is not over: from its start on, its end not included."""
    return notice.state == S.SHOWN and notice.started_at <= now < notice.ends_at
