"""From 整改提高方案 as they stand to what is printed."""

from collections.abc import Mapping

from django.db.models import Q, QuerySet

from branches import clock
from branches.models import Branch
from branches.wording import zh_date
from grading.models import Result, Round
from rectification.ledger import has_items as drawn_up
from rectification.ledger import nodes_below
from rectification.models import Absence, Item, MeetingRecord, Plan
from reporting.annexes.facts import school_name
from reporting.annexes.gather import units_below
from reporting.annexes.plan import PlanFacts, PlanItem, PlanMeeting

__all__ = ["below", "drawn_up", "of_unit", "one"]
S = Plan.State
STANDING = {
    S.DRAFT: "本方案还在起草，没有提交。",
    S.SUBMITTED: "本方案已经提交，等待审批。",
    S.RETURNED: "本方案已退回，修改后重新提交。",
}


def _of(round_: Round) -> QuerySet[Plan]:
    rows = Plan.objects.filter(round=round_).select_related(
        "campaign__root", "branch", "unit", "under", "target", "meeting"
    )
    return rows.prefetch_related(
        "items__category", "items__dimension", "items__checkpoints", "meeting__absences"
    ).order_by("unit__parent_position", "unit__parent_code", "unit__position", "branch__code")


def of_unit(round_: Round, unit: Branch) -> list[PlanFacts]:
    """Return the plan of a node itself; empty where it has none."""
    return _all(round_, _of(round_).filter(branch=unit))


def one(round_: Round, unit: Branch, pk: int) -> list[PlanFacts]:
    """Return the plan of a node with a key: that of a 党总支 itself too. Empty where it is another's."""
    return _all(round_, _of(round_).filter(branch=unit, pk=pk))


def below(round_: Round, unit: Branch) -> list[PlanFacts]:
    """Return every plan at or below a node that was handed in, that of a 党总支 itself before those of its branches.

    Those of branches set up after the round was frozen stand last. Of a branch its draft too: it is printed for the
    党员大会.
    """
    if unit.level == Branch.Level.BRANCH:
        return of_unit(round_, unit)
    units = units_below(round_, unit)
    own = Q(unit__isnull=True, branch__in=nodes_below(round_=round_, units=units, unit=unit))
    rows = list(_of(round_).filter(own | Q(unit__in=[row.pk for row in units])).exclude(state=S.DRAFT))
    place = {row.pk: index for index, row in enumerate(units)}
    first = {row.parent_id: index for index, row in reversed(list(enumerate(units)))}
    last = {row.parent_id: index for index, row in enumerate(units)}

    def at(plan: Plan) -> tuple[int, int, int]:
        if plan.unit_id is not None:
            return place[plan.unit_id], 1, plan.pk
        if plan.under_id is not None:
            return last.get(plan.under_id, len(units)), 2, plan.pk
        return first.get(plan.branch_id, -1), 0, plan.pk

    return _all(round_, sorted(rows, key=at))


def _all(round_: Round, plans: "QuerySet[Plan] | list[Plan]") -> list[PlanFacts]:
    rows = list(plans)
    results = Result.objects.current().filter(unit__in=[row.unit_id for row in rows if row.unit_id])
    grades = {
        row.unit_id: row.decided_grade.label
        for row in results.filter(state=Result.State.DECIDED).select_related("decided_grade")
        if row.decided_grade is not None
    }
    return [_facts(round_, row, grades) for row in rows]


def _facts(round_: Round, plan: Plan, grades: Mapping[int, str]) -> PlanFacts:
    unit = plan.unit
    day = round_.frozen_on or round_.campaign.starts_on
    items = list(plan.items.all())
    approved = plan.approved_at if plan.state in (S.APPROVED, S.CLOSED) else None
    return PlanFacts(
        school=school_name(round_.campaign.root.name_on(day)), code=plan.branch.code, name=plan.name,
        parent=unit.parent_name if unit is not None else plan.under_name or round_.campaign.root.name_on(day),
        own=unit is None and plan.under_id is None,
        round=round_.name, grade=grades.get(plan.unit_id or 0, ""), target=plan.target.label if plan.target else "",
        goal=plan.goal, submitted=zh_date(clock.day_of(plan.submitted_at)) if plan.submitted_at else "",
        approved=f"{zh_date(clock.day_of(approved))}批准。" if approved else "",
        standing=STANDING.get(S(plan.state), ""), items=tuple(_item(plan, item) for item in items),
        meeting=_meeting(getattr(plan, "meeting", None)),
    )  # fmt: skip


def _item(plan: Plan, item: Item) -> PlanItem:
    due = item.due_on or item.review_on
    return PlanItem(
        number=item.ordinal, problem=item.problem,
        measured="　".join(one.name for one in (item.dimension, item.category) if one is not None),
        goal=item.goal, task=item.task, measures=item.measures, leader=item.leader, owner=item.owner_name,
        due=zh_date(due) if due else "", longer=_longer(item), mark=_mark(plan, item),
    )  # fmt: skip


def _longer(item: Item) -> str:
    """Return why an item takes longer, and on which days it is looked at; "" of the usual kind."""
    if item.term == Item.Term.NORMAL:
        return ""
    days = "、".join(zh_date(point.due_on) for point in item.checkpoints.all())
    parts = [f"{item.get_term_display()}：{item.term_reason}" if item.term_reason else item.get_term_display()]
    parts += [f"{days}检查"] if days else []
    parts += [f"{zh_date(item.review_on)}复核条件"] if item.review_on else []
    return "；".join(part.rstrip("。") for part in parts) + "。"


def _mark(plan: Plan, item: Item) -> str:
    if item.state in (Item.State.TRANSFERRED, Item.State.CLOSED):
        return f"{item.get_state_display()}。"
    if plan.state in (S.APPROVED, S.CLOSED) and item.state in Item.BEFORE_APPROVAL:
        return "补充的项目，还没有批准。"
    return ""


def _meeting(record: MeetingRecord | None) -> PlanMeeting:
    if record is None:
        return PlanMeeting()
    counts = (
        ("应到", record.should_attend),
        ("实到", record.present),
        ("请假", record.excused),
        ("缺席", record.absent),
    )
    said = "，".join(f"{word} {number} 人" for word, number in counts if number is not None)
    missing = "、".join(_absence(row) for row in record.absences.all())
    people = (("主持", record.chair), ("记录", record.recorder), ("列席", record.observers))
    votes = (("赞成", record.votes_for), ("反对", record.votes_against), ("弃权", record.abstentions))
    voted = "，".join(f"{word} {number} 票" for word, number in votes if number is not None)
    return PlanMeeting(
        held="　".join(one for one in (zh_date(record.held_on) if record.held_on else "", record.place) if one),
        people="　".join(f"{word} {name}" for word, name in people if name),
        attended="。".join(one for one in (said, missing) if one) + ("。" if said or missing else ""),
        opinions=record.opinions,
        resolution="".join(one for one in (record.resolution, f"表决：{voted}。" if voted else "") if one),
    )


def _absence(row: Absence) -> str:
    return f"{row.name}{row.get_kind_display()}（{row.reason}）"
