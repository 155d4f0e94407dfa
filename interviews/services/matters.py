"""Practical problems: released to who handles them, answered, told back to the person."""

import datetime as dt
import tomllib
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.views.decorators.debug import sensitive_variables

from branches import audit, clock
from branches.models import Account, Campaign
from branches.permissions import Action, can
from branches.transitions import advance
from interviews.models import Interview, Matter, MatterCategory, SealedRecord
from interviews.services import readers, sealed
from interviews.services.errors import refuse

PRESET = Path(settings.BASE_DIR) / "presets" / "interviews-matters.toml"
State = Matter.State


@transaction.atomic
def set_up(*, by: Account | None, campaign: Campaign) -> int:
    """Give a campaign the categories of the preset; what is there already stays. Returns how many are new."""
    content = tomllib.loads(PRESET.read_text(encoding="utf-8"))["categories"]
    known = set(MatterCategory.objects.filter(campaign=campaign).values_list("code", flat=True))
    rows = [
        MatterCategory(campaign=campaign, ordinal=ordinal, **line)
        for ordinal, line in enumerate(content, start=1)
        if line["code"] not in known
    ]
    MatterCategory.objects.bulk_create(rows)
    if rows:
        audit.record(by=by, action="matter.set_up", thing=campaign, branch=campaign.root, summary="设定实际问题的类别")
    return len(rows)


def _checked_text(text: str, what: str) -> str:
    text = text.strip()
    if not text:
        refuse(f"请填写{what}。")
    return text


def _check_owner(owner: Account, due_on: dt.date, now: dt.datetime) -> None:
    if not owner.is_active or not can(owner, Action.HANDLE_MATTER):
        refuse("承办人没有办理的权限，请另选一位。")
    if due_on < now.date():
        refuse("办结期限已经过了，请改到今天或以后。")


def _open_to(by: Account, matter: Matter, now: dt.datetime) -> None:
    """Let the present 承办人 read the text for as long as a reader may be named; who hands it on may do so again."""
    if matter.owner_id == matter.raised_by_id:
        return
    readers.name_reader(
        by=by, record=matter.record, account=matter.owner, reason=f"承办第 {matter.number} 号实际问题",
        until=readers.latest_end(matter.record, now), now=now,
    )  # fmt: skip


def _close_to(by: Account, matter: Matter, now: dt.datetime) -> None:
    """Take the text away from who handled it; somebody who took over from who handed it on keeps it."""
    for reader in matter.record.readers.filter(revoked_at__isnull=True).exclude(account=matter.raised_by_id):
        readers.end_reader(by=by, reader=reader, now=now)


@sensitive_variables("text")
@transaction.atomic
def release(
    *, by: Account, interview: Interview, category: MatterCategory, owner: Account, due_on: dt.date, text: str,
    now: dt.datetime,
) -> Matter:  # fmt: skip
    """Hand a problem, in a text of its own, to who handles it; nothing else of the talk goes along.

    Raises RefusedError for another's talk, an empty text, a day that is over, or an owner who may not handle it.
    """
    if interview.interviewer_id != by.pk:
        refuse("只能交办自己访谈里的问题。")
    if interview.state != Interview.State.RECORDED:
        refuse("这次访谈已经撤回，不能再交办。")
    if category.campaign_id != interview.campaign_id or not category.active:
        refuse("请选择问题类别。")
    text = _checked_text(text, "问题")
    _check_owner(owner, due_on, now)
    campaign = Campaign.objects.select_for_update().get(pk=interview.campaign_id)
    last = Matter.objects.filter(campaign=campaign).aggregate(last=Max("number"))["last"] or 0
    record = sealed.create_record(
        by=by, kind=SealedRecord.Kind.MATTER, campaign=campaign, unit=interview.unit, texts={"text": text},
        retain_until=interview.record.retain_until, now=now,
    )  # fmt: skip
    matter = Matter.objects.create(
        campaign=campaign, number=last + 1, record=record, interview=interview, unit=interview.unit,
        category=category, raised_by=by, owner=owner, due_on=due_on, released_at=now,
    )  # fmt: skip
    _open_to(by, matter, now)
    _audit(by, matter, "交办实际问题")
    return matter


def _audit(by: Account, matter: Matter, summary: str) -> None:
    after = {"category": matter.category.code, "owner": matter.owner.username, "due_on": matter.due_on}
    audit.record(by=by, action="matter.release", thing=matter, branch=matter.unit, summary=summary, after=after)


def _locked(matter: Matter) -> Matter:
    rows = Matter.objects.select_for_update(of=("self",)).select_related("record", "campaign", "unit", "category")
    return rows.get(pk=matter.pk)


def _as_owner(by: Account, matter: Matter) -> None:
    if matter.owner_id != by.pk:
        refuse("只有承办人能办理。")


def _as_raiser(by: Account, matter: Matter) -> None:
    if matter.raised_by_id != by.pk:
        refuse("只有交办人能办理。")


@transaction.atomic
def accept(*, by: Account, matter: Matter, now: dt.datetime) -> Matter:
    """Take a matter in hand."""
    _as_owner(by, matter)
    return advance(matter, State.IN_HAND, by=by, now=now)


@transaction.atomic
def send_back(*, by: Account, matter: Matter, reason: str, now: dt.datetime) -> Matter:
    """Return a matter that belongs to somebody else, with a reason; the text is closed to who returned it."""
    _as_owner(by, matter)
    row = advance(matter, State.RETURNED, by=by, now=now, reason=reason[:200])
    _close_to(by, row, now)
    return row


@transaction.atomic
def reassign(*, by: Account, matter: Matter, owner: Account, due_on: dt.date, now: dt.datetime) -> Matter:
    """Hand a returned or waiting matter to somebody else, or give it another day."""
    _as_raiser(by, matter)
    _check_owner(owner, due_on, now)
    row = _locked(matter)
    if row.state not in (State.RELEASED, State.RETURNED):
        refuse(f"现在是“{row.get_state_display()}”，不能再改承办人。")
    _close_to(by, row, now)
    row.owner, row.due_on = owner, due_on
    row.save(update_fields=["owner", "due_on"])
    _audit(by, row, "改承办人或期限")
    if row.state == State.RETURNED:
        row = advance(row, State.RELEASED, by=by, now=now)
    _open_to(by, row, now)
    return row


@sensitive_variables("result")
@transaction.atomic
def answer(*, by: Account, matter: Matter, outcome: str, result: str, now: dt.datetime) -> Matter:
    """Say what came of it: 已解决 or 暂不能解决, with the result in words (sealed like the problem)."""
    _as_owner(by, matter)
    if outcome not in Matter.Outcome.values:
        refuse("请选择结果。")
    result = _checked_text(result, "办理结果")
    row = _locked(matter)
    if row.state != State.IN_HAND:
        refuse(f"现在是“{row.get_state_display()}”，不能办复。")
    sealed.add_version(by=by, record=row.record, version=row.record.version, texts={"result": result}, now=now)
    row.outcome, row.answered_at = outcome, now
    row.save(update_fields=["outcome", "answered_at"])
    return advance(row, State.ANSWERED, by=by, now=now)


@transaction.atomic
def ask_again(*, by: Account, matter: Matter, reason: str, now: dt.datetime) -> Matter:
    """Send an answer back to be worked on again, with a reason."""
    _as_raiser(by, matter)
    row = advance(matter, State.IN_HAND, by=by, now=now, reason=reason[:200])
    row.outcome, row.answered_at = "", None
    row.save(update_fields=["outcome", "answered_at"])
    if not row.record.readers.filter(account=row.owner, revoked_at__isnull=True, until__gt=now).exists():
        _open_to(by, row, now)
    return row


@transaction.atomic
def tell(*, by: Account, matter: Matter, told_on: dt.date, now: dt.datetime) -> Matter:
    """Note that the person was told the result; the text is closed to who handled it."""
    _as_raiser(by, matter)
    if told_on > now.date():
        refuse("反馈日期不能晚于今天。")
    row = _locked(matter)
    if row.answered_at and told_on < clock.day_of(row.answered_at):
        refuse("反馈日期不能早于办复日期。")
    row.told_on = told_on
    row.save(update_fields=["told_on"])
    row = advance(row, State.TOLD, by=by, now=now)
    _close_to(by, row, now)
    return row


@transaction.atomic
def withdraw(*, by: Account, matter: Matter, reason: str, now: dt.datetime) -> Matter:
    """Take a matter back, with a reason; it no longer counts."""
    _as_raiser(by, matter)
    row = advance(matter, State.WITHDRAWN, by=by, now=now, reason=reason[:200])
    _close_to(by, row, now)
    return row
