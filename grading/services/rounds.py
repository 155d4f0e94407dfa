"""Opening, running and finalising a round."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from branches import audit, clock
from branches.models import Account, Appointment, Branch, BranchProfile
from branches.partial_dates import PartialDate
from branches.registries import blockers
from branches.transitions import BlockedError, Decision, advance, history, moves
from grading.gates import has_step
from grading.models import Extension, Round, RoundReturn, RoundStep, RoundUnit, due_on
from grading.services import freezing, publicity
from grading.services.errors import RefusedError, refuse

LAST = 1_000_000  # 直属党支部 stand behind all 党总支
PROFILE_FACTS = ("last_election", "term_ends", "committee", *BranchProfile.COUNTS, "venue", "annual_funds", "remarks")


def freeze_day(round_: Round, today: dt.date) -> dt.date:
    """Return the day whose tree a round copies: its own start if past and already peopled, else today.

    A round after the first that names no start takes today's roster, unless history is entered: branches may have been
    merged and split since the campaign began.
    """
    first = round_.ordinal == 1 or round_.campaign.backfill
    wanted = round_.opens_on or (round_.campaign.starts_on if first else today)
    if wanted < today and Branch.objects.as_of(wanted).branches_only().exists():
        return wanted
    return today


@transaction.atomic
def open_round(*, by: Account | None, round_: Round, now: dt.datetime, on: dt.date | None = None) -> Round:
    """Open a round for 自评: freeze its branches as they stand on `on` (default: see `freeze_day`).

    Raises BlockedError with sentences when rules are impossible or a category has no published rubric, and
    IllegalMoveError when the round is open already.
    """
    row = Round.objects.select_for_update().select_related("campaign").get(pk=round_.pk)
    if row.state == Round.State.PREPARING:
        row.opened_at, row.frozen_on = now, on or freeze_day(row, now.date())
        row.save(update_fields=["opened_at", "frozen_on"])
    opened = advance(row, Round.State.SELF, by=by, now=now)
    units = _copy_branches(opened)
    audit.record(
        by=by,
        action="round.freeze_units",
        thing=opened,
        branch=opened.campaign.root,
        summary=f"{opened.name}固定参评支部 {len(units)} 个",
        after={"frozen_on": opened.frozen_on, "units": len(units)},
    )
    return opened


def _copy_branches(round_: Round) -> list[RoundUnit]:
    """Write the frozen copies of all branches of the round's day."""
    day = round_.frozen_on or round_.campaign.starts_on
    posts = Appointment.objects.on(day).select_related("person")
    branches = (
        Branch.objects.as_of(day)
        .branches_only()
        .select_related("profile")
        .prefetch_related(Prefetch("appointments", posts, to_attr="posts"))
    )
    parents = {node.pk: node for node in Branch.objects.as_of(day).exclude(level=Branch.Level.BRANCH)}
    rubrics = {row.category_id: row.rubric for row in round_.rubrics.select_related("rubric", "category")}
    names = {row.category_id: row.category.name for row in round_.rubrics.select_related("category")}
    units = []
    for branch in branches:
        found: Any = branch
        parent: Any = parents[found.parent_id]
        facts = facts_of(branch, found.posts)
        young = too_young(branch.founded, round_.exempt_months, day)
        units.append(
            RoundUnit(
                round=round_, branch=branch, code=branch.code, name=found.name, short_name=found.short_name,
                parent=parent, parent_code=parent.code, parent_name=parent.name,
                parent_position=LAST if parent.level == Branch.Level.COMMITTEE else parent.position,
                direct=parent.level == Branch.Level.COMMITTEE, category_id=found.category_id,
                category_name=names[found.category_id], rubric=rubrics[found.category_id],
                secretary_name=facts["secretary"].get("name", ""), facts=facts, position=branch.position,
                graded=not young, not_graded_reason=young,
            )
        )  # fmt: skip
    return RoundUnit.objects.bulk_create(units)


def too_young(founded: PartialDate | None, months: int | None, day: dt.date) -> str:
    """Return why a branch gets no grade for its age on `day`, nothing when it gets one or its age is not known.

    A branch known only by the month of its founding counts from the first day of it.
    """
    if founded is None or not months:
        return ""
    begin = founded.first_day()
    age = (day.year - begin.year) * 12 + day.month - begin.month - (day.day < begin.day)
    if age >= months:
        return ""
    return f"{founded.zh()}成立，到{day.year}年{day.month}月{day.day}日不满 {months} 个月，按本轮规则不定级。"


def facts_of(branch: Branch, posts: list[Appointment]) -> dict[str, Any]:
    """Return the facts 附件4 prints about a branch as plain values; unknown ones are None or ""."""
    profile = getattr(branch, "profile", None) or BranchProfile(branch=branch)
    facts: dict[str, Any] = {name: _plain(getattr(profile, name)) for name in PROFILE_FACTS}
    facts["founded"] = _plain(branch.founded)
    facts["total_members"] = profile.total_members
    secretary = next((post for post in posts if post.post == Appointment.Post.SECRETARY), None)
    facts["secretary"] = {} if secretary is None else _secretary_facts(secretary)
    facts["posts"] = [{"name": post.person.name, "post": post.get_post_display(), "duty": post.duty} for post in posts]
    return facts


def present_facts(unit: RoundUnit) -> dict[str, Any]:
    """Return the facts of a unit's branch as they stand now; a copy that differs prints older ones."""
    branch = Branch.objects.select_related("profile").get(pk=unit.branch_id)
    return facts_of(branch, list(branch.appointments.filter(ends_on__isnull=True).select_related("person")))


def _secretary_facts(post: Appointment) -> dict[str, Any]:
    person = post.person
    return {
        "name": person.name,
        "gender": person.get_gender_display() if person.gender else "",
        "birth": _plain(person.birth),
        "education": person.education,
        "title": person.title or post.concurrent_post,
        "starts": _plain(post.starts),
        "phone": person.phone,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON keeps it; dates and amounts as their text."""
    return value if value is None or isinstance(value, str | int) else str(value)


@transaction.atomic
def refresh_facts(*, by: Account | None, unit: RoundUnit) -> RoundUnit:
    """Take 支部基本情况 over into the frozen copy again, while its round is not final (names and parents stay).

    Raises RefusedError once the round is final.
    """
    row = RoundUnit.objects.select_for_update().select_related("round", "branch").get(pk=unit.pk)
    if row.round.state == Round.State.FINAL:
        refuse("本轮已经定级，基本情况不再更新。")
    facts = present_facts(row)
    if facts == row.facts:
        return row
    row.facts, row.secretary_name = facts, facts["secretary"].get("name", "")
    row.save(update_fields=["facts", "secretary_name"])
    audit.record(by=by, action="unit.refresh_facts", thing=row, branch=row.branch, summary="更新本轮所用的支部基本情况")
    return row


@transaction.atomic
def move_round(*, by: Account | None, round_: Round, to: str, now: dt.datetime, reason: str = "") -> Round:
    """Move a running round to another state (评分, 审定, 公示, or back with a reason).

    Of two people at once one succeeds, the other reads who was first. Opening and finalising have their own functions.

    Raises BlockedError, IllegalMoveError, and RefusedError when the round is there already.
    """
    if to in (Round.State.SELF, Round.State.FINAL) and round_.state != Round.State.SCORING:
        refuse("开始自评和定级请用各自的操作。")
    before = Round.objects.select_for_update().get(pk=round_.pk).state
    if before == to:
        refuse(_already_there(round_, to))
    moved = advance(round_, to, by=by, now=now, reason=reason)
    publicity.follow(by=by, round_=moved, before=before, now=now, reason=reason)
    return moved


@transaction.atomic
def finalise(*, by: Account | None, round_: Round, now: dt.datetime, decision: Decision | None = None) -> Round:
    """Freeze a round: every result of it stands from now on, in the database too.

    Of two people at once one succeeds; the other reads who was first.

    Raises:
        BlockedError: a branch has no decided grade, or publicity is still to come.
        RefusedError: the round is final already, or a figure under a decided grade has changed.
        IllegalMoveError: the round is not as far.
    """
    row = Round.objects.select_for_update(of=("self",)).select_related("campaign", "scale").get(pk=round_.pk)
    if row.state == Round.State.FINAL:
        refuse(_already_final(row))
    before = row.state
    near = any(move.to == Round.State.FINAL for move in moves(row))
    if near and (found := blockers(row, Round.State.FINAL, now)):
        raise BlockedError(found)
    count = freezing.freeze_results(round_=row, now=now) if near else 0
    row.finalised_at = now
    row.save(update_fields=["finalised_at"])
    final = advance(row, Round.State.FINAL, by=by, now=now, decision=decision)
    publicity.follow(by=by, round_=final, before=before, now=now)
    audit.record(
        by=by,
        action="round.freeze_results",
        thing=final,
        branch=final.campaign.root,
        summary=f"冻结 {count} 个支部的定级结果",
    )
    return final


def _already_there(round_: Round, state: str) -> str:
    """Return the sentence for whoever came second to move a round."""
    last = history(round_).filter(to_state=state).first()
    who = last.by.get_full_name() if last and last.by else "其他同志"
    at = f"于 {timezone.localtime(last.at):%-m月%-d日 %H:%M:%S} " if last else ""
    return f"{round_.name}已由{who}{at}转入“{Round.State(state).label}”，不用再办。"


def _already_final(round_: Round) -> str:
    """Return the sentence for whoever came second."""
    last = history(round_).filter(to_state=Round.State.FINAL).first()
    who = last.by.get_full_name() if last and last.by else "其他同志"
    at = timezone.localtime(round_.finalised_at)
    return f"{round_.name}已由{who}于 {at:%-m月%-d日 %H:%M:%S} 定级，结果已经固定，不用再办。"


@transaction.atomic
def set_due_dates(*, by: Account | None, round_: Round, version: int, due: dict[str, dt.date | None]) -> Round:
    """Change the due dates of a round's steps by step code while it is not final.

    Raises RefusedError for an unknown step, a final round, or when somebody changed the round meanwhile.
    """
    row = Round.objects.select_for_update().get(pk=round_.pk)
    if row.state == Round.State.FINAL:
        refuse("本轮已经定级，不再改期限。")
    if row.version != version:
        refuse("本轮的设置刚被他人改过，请刷新后再改。")
    steps = {step.code: step for step in row.steps.all()}
    if unknown := set(due) - set(steps):
        raise RefusedError([f"本轮没有这个步骤：{'、'.join(sorted(unknown))}。"])
    before = {code: steps[code].due_on for code in due}
    for code, day in due.items():
        steps[code].due_on = day
        steps[code].save(update_fields=["due_on"])
    row.version += 1
    row.save(update_fields=["version"])
    audit.record(
        by=by,
        action="round.due_dates",
        thing=row,
        branch=row.campaign.root,
        summary="调整各步骤期限",
        before=before,
        after=due,
    )
    return row


@dataclass(frozen=True, slots=True)
class ReturnRule:
    """A form that comes back stamped: its kind, the level of unit that returns it, and its name in words."""

    kind: str
    level: str
    name: str


@transaction.atomic
def set_returns(*, by: Account | None, round_: Round, version: int, returns: Sequence[ReturnRule]) -> Round:
    """Say which forms of a round come back stamped, and from whom; no grade depends on it, so it may change late.

    Raises RefusedError when somebody changed the round meanwhile.
    """
    row = Round.objects.select_for_update().select_related("campaign__root").get(pk=round_.pk)
    if row.version != version:
        refuse("本轮的设置刚被他人改过，请刷新后再改。")
    before = [{"kind": one.kind, "level": one.level, "name": one.name} for one in row.returns.all()]
    after = [asdict(one) for one in returns]
    if before == after:
        return row
    row.returns.all().delete()
    RoundReturn.objects.bulk_create(
        RoundReturn(round=row, ordinal=number, **one) for number, one in enumerate(after, start=1)
    )
    if row.state != Round.State.FINAL:  # a final round stands as it is; which forms come back may still change
        row.version += 1
        row.save(update_fields=["version"])
    audit.record(
        by=by,
        action="round.returns",
        thing=row,
        branch=row.campaign.root,
        summary="调整盖章件的交回要求",
        before={"returns": before},
        after={"returns": after},
    )
    return row


@transaction.atomic
def extend(
    *, by: Account | None, unit: RoundUnit, step: RoundStep, until: dt.date, reason: str, now: dt.datetime
) -> Extension:
    """Give a branch more time for a step, with the reason. Raises RefusedError without one or for an earlier day."""
    if not reason.strip():
        refuse("延期须写明理由。")
    if step.due_on is not None and until <= step.due_on:
        refuse(f"延期日期要晚于原定的 {step.due_on:%Y年%-m月%-d日}。")
    values = {"until": until, "reason": reason.strip(), "granted_by": by, "granted_at": now}
    row, _ = Extension.objects.update_or_create(unit=unit, step=step, defaults=values)
    audit.record(
        by=by,
        action="unit.extend",
        thing=row,
        branch=unit.branch,
        summary=f"{step.name}延期至 {until:%Y年%-m月%-d日}",
        after={"until": until, "reason": row.reason},
    )
    return row


def deadline(unit: RoundUnit, code: str) -> dt.date | None:
    """Return the last day of a step for a branch, its extension included; None in a 历史补录 campaign."""
    round_ = unit.round
    if round_.campaign.backfill:
        return None
    step = next((step for step in round_.steps.all() if step.code == code), None)
    extension = next((row for row in unit.extensions.all() if step is not None and row.step_id == step.pk), None)
    return due_on(step, extension)


def is_late(unit: RoundUnit, code: str, now: dt.datetime) -> bool:
    """Tell whether something handed in at `now` is 逾期: from 00:00:00 after the last day on, in local time."""
    last = deadline(unit, code)
    return last is not None and now >= clock.end_of(last)


def uses_publicity(round_: Round) -> bool:
    """Tell whether a round makes its grades public before they are final."""
    return has_step(round_, RoundStep.Code.PUBLICITY)
