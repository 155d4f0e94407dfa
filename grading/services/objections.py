"""异议: filed by login or recorded by the office, answered by somebody without an office in the branch.

An objection's text stands in its own row only: the audit keeps a digest, logs of states carry none of it.
"""

import datetime as dt
import hashlib

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from branches import audit
from branches.models import Account
from branches.transitions import Decision, advance
from grading.models import Objection, PublicityNotice, Result, Round, RoundUnit
from grading.services import results, rounds
from grading.services.errors import RefusedError, refuse

MOST_OPEN = 5
ASKED = {
    "name": "请填写异议人姓名。",
    "contact": "请留下联系方式，以便核实和答复。",
    "text": "请写明异议的内容和依据。",
}
C, S, O = Objection.Channel, Objection.State, Objection.Outcome


def digest(text: str) -> str:
    """Return what the audit keeps of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _moment(moment: dt.datetime) -> str:
    return f"{moment:%Y年%-m月%-d日%H:%M}"


def why_closed(notice: PublicityNotice, at: dt.datetime) -> str:
    """Return the sentence with which an objection made at `at` is refused, or ""."""
    if notice.state == PublicityNotice.State.WITHDRAWN:
        return "这次公示已经撤下，重新公示后再提出。"
    if at >= notice.ends_at:
        return f"公示已于{notice.last_day:%Y年%-m月%-d日}24时截止，不再受理异议。"
    if at < notice.started_at:
        began = timezone.localtime(notice.started_at)
        return f"公示从{began:%-m月%-d日 %H:%M} 开始，这之前收到的不作为对公示的异议。"
    return ""


def _locked(notice: PublicityNotice, unit: RoundUnit, at: dt.datetime) -> PublicityNotice:
    """Lock a notice that takes objections at `at` about a graded branch of its round. Raises RefusedError."""
    row = PublicityNotice.objects.select_for_update(of=("self",)).select_related("round").get(pk=notice.pk)
    if why := why_closed(row, at):
        refuse(why)
    if row.round.state == Round.State.FINAL:
        refuse("本轮已经定级，不再受理异议。")
    if unit.round_id != row.round_id or not unit.graded:
        refuse("请选择本轮公示的党支部。")
    return row


def _checked(**texts: str) -> dict[str, str]:
    """Return texts trimmed. Raises RefusedError naming each that is empty."""
    given = {name: text.strip() for name, text in texts.items()}
    asked = {
        "name": "请填写异议人姓名。",
        "contact": "请留下联系方式，以便核实和答复。",
        "text": "请写明异议的内容和依据。",
    }
    if missing := {name: asked[name] for name, text in given.items() if not text}:
        raise RefusedError(missing.values(), missing)
    return given


def _create(notice: PublicityNotice, by: Account | None, **values: object) -> Objection:
    last = Objection.objects.filter(notice__round=notice.round_id).aggregate(last=Max("number"))["last"] or 0
    row = Objection.objects.create(notice=notice, number=last + 1, **values)
    audit.record(
        by=by,
        action="objection.receive",
        thing=row,
        branch=row.unit.branch,
        summary=f"收到第 {row.number} 号异议（{row.get_channel_display()}）",
        after={"number": row.number, "channel": row.channel, "text_digest": digest(row.text)},
    )
    return row


@transaction.atomic
def file(
    *, by: Account, notice: PublicityNotice, unit: RoundUnit, contact: str, text: str, now: dt.datetime
) -> Objection:
    """File an objection under the name of the account (实名).

    Raises RefusedError when the notice's time is over or not begun, something is empty, or the account has several
    objections waiting.
    """
    row = _locked(notice, unit, now)
    given = _checked(contact=contact, text=text)
    waiting = Objection.objects.open().filter(notice=row, filed_by=by)
    if waiting.filter(unit=unit).exists():
        refuse("您对这个党支部已经提出异议，正在核实；有补充情况请与受理部门联系。")
    if waiting.count() >= MOST_OPEN:
        refuse(f"您已有 {MOST_OPEN} 件异议正在办理，请先等候答复。")
    return _create(
        row, by, unit=unit, channel=C.LOGIN, name=by.get_full_name() or by.get_username(), filed_by=by,
        received_at=now, recorded_at=now, **given,
    )  # fmt: skip


@transaction.atomic
def record(
    *,
    by: Account | None,
    notice: PublicityNotice,
    unit: RoundUnit,
    channel: str,
    name: str,
    contact: str,
    text: str,
    received_at: dt.datetime,
    now: dt.datetime,
) -> Objection:
    """Record an objection that came by telephone, letter, e-mail or in person; its arrival decides whether in time.

    Raises RefusedError when it came too late, in the future, without a name, or by an unknown way.
    """
    if channel == C.LOGIN or channel not in C.values:
        refuse("请选择异议是怎么收到的。")
    if received_at > now:
        refuse("收到时间不能晚于现在。")
    row = _locked(notice, unit, received_at)
    given = _checked(name=name, contact=contact, text=text)
    return _create(
        row, by, unit=unit, channel=channel, recorded_by=by, received_at=received_at, recorded_at=now, **given
    )


@transaction.atomic
def answer(
    *, by: Account | None, objection: Objection, outcome: str, text: str, decision: Decision, now: dt.datetime
) -> Objection:
    """Answer an objection: upheld or not, in words for the person who raised it (ask permissions.may_answer first).

    Raises:
        RefusedError: no outcome or answer, or the round is final.
        IllegalMoveError: no body was named, or it is answered already.
    """
    row = Objection.objects.select_for_update(of=("self",)).select_related("notice__round").get(pk=objection.pk)
    if row.notice.round.state == Round.State.FINAL:
        refuse("本轮已经定级，异议不再改动。")
    if outcome not in O.values:
        raise RefusedError(["请选择异议是否成立。"], {"outcome": "请选择"})
    if not text.strip():
        raise RefusedError(["请写明答复。"], {"answer": "请写明答复"})
    row.outcome, row.answer, row.body = outcome, text.strip(), decision.body.strip()
    row.met_on, row.answered_by, row.answered_at = decision.met_on, by, now
    row.save(update_fields=["outcome", "answer", "body", "met_on", "answered_by", "answered_at"])
    return advance(row, S.ANSWERED, by=by, now=now, decision=decision)


def decided_since(objection: Objection, result: Result | None) -> bool:
    """Tell whether a grade was decided once the objection had been answered."""
    if result is None or result.decided_at is None or objection.answered_at is None:
        return False
    return result.decided_at >= objection.answered_at


@transaction.atomic
def take_up_again(*, by: Account | None, objection: Objection, reason: str, now: dt.datetime) -> Objection:
    """Take an answer back to consider the matter again, while its round is not final; its words stay as a draft.

    Raises RefusedError once the round is final, IllegalMoveError without a reason.
    """
    if Round.objects.filter(notices__objections=objection, state=Round.State.FINAL).exists():
        refuse("本轮已经定级，异议不再改动。")
    moved = advance(objection, S.OPEN, by=by, now=now, reason=reason)
    moved.outcome, moved.answered_at = "", None
    moved.save(update_fields=["outcome", "answered_at"])
    return moved


@transaction.atomic
def send_back(*, by: Account | None, objection: Objection, reason: str, now: dt.datetime) -> Round:
    """Lead an upheld objection back: the round returns to 审定, the branch's grade is taken back to be decided anew.

    Raises RefusedError unless the objection was upheld, IllegalMoveError without a reason.
    """
    row = Objection.objects.select_related("notice__round", "unit").get(pk=objection.pk)
    if row.outcome != O.UPHELD:
        refuse("异议成立的才退回审定。")
    round_ = row.notice.round
    if round_.state == Round.State.PUBLICITY:
        round_ = rounds.move_round(by=by, round_=round_, to=Round.State.DECIDING, now=now, reason=reason)
    result = Result.objects.current().filter(unit=row.unit).first()
    if result is not None and result.state == Result.State.DECIDED:
        results.withdraw(by=by, result=result, reason=f"第 {row.number} 号异议成立：{reason.strip()}", now=now)
    return round_
