"""督办单: a person issues it for what is overdue, one per branch with one reply; numbers have no gap."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from branches import audit, clock
from branches.models import Account, Branch, Campaign, Placement
from branches.permissions import Action, Allowed, Denied, can, scope
from branches.scopes import Scope
from branches.transitions import advance
from branches.versions import ConflictError
from branches.wording import zh_date
from grading.services.errors import RefusedError
from rectification import digest, supervision_states
from rectification.models import (
    Dispatch,
    Item,
    NoticeItem,
    NoticeReply,
    NoticeSeries,
    Status,
    SupervisionNotice,
)
from rectification.permissions import acts_for
from rectification.services import dispatching
from rectification.services.settings import rules_of

S = SupervisionNotice.State
SECTION = "督办单"
supervision_states.declare()


@dataclass(frozen=True, slots=True)
class Order:
    """What a 督办单 asks for, and until when it is to be answered."""

    demand: str
    reply_due_on: dt.date


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply of a branch: a text, a word on each item by the key of its line, and who stands for it."""

    text: str
    signed_by: str
    lines: Mapping[int, str]


def overdue(campaign: Campaign, now: dt.datetime) -> Any:
    """Return approved items past their day, annotated with `answers_id`, the node that answers for each."""
    rows: Any = Item.objects.filter(plan__campaign=campaign, state__in=Item.UNDER_WAY).status(now)
    late = rows.filter(status=Status.OVERDUE).annotate(answers_id=Coalesce("escalated_to_id", "plan__branch_id"))
    return late.select_related("plan").order_by("plan__round__ordinal", "ordinal")


def issuer_of(account: Account, branch: Branch, campaign: Campaign, day: dt.date) -> Branch | None:
    """Return the node in whose name an account issues a 督办单 to a branch: the office's, else its own above it."""
    reach = scope(account, Action.SUPERVISE).held
    if reach.everything:
        return campaign.root if branch.pk != campaign.root_id else None
    node: int | None = branch.pk
    while node is not None:
        above = Placement.objects.on(day).filter(branch=node).select_related("parent").first()
        if above is None or above.parent is None:
            return None
        if above.parent_id in reach.roots:
            return above.parent
        node = above.parent_id
    return None


def may_issue(account: Account, branch: Branch, campaign: Campaign, day: dt.date) -> Allowed | Denied:
    """Say whether an account may issue a 督办单 to a branch: somebody above it who need not stand aside."""
    answer = can(account, Action.SUPERVISE, branch)
    if answer and issuer_of(account, branch, campaign, day) is None:
        return Denied("督办单由上级签发：这是您自己所在的一级，请由上级办理。")
    return answer


def may_handle(account: Account, notice: SupervisionNotice) -> Allowed | Denied:
    """Say whether an account may accept, return or withdraw a 督办单: its issuer, or the office above.

    Once the branch hangs elsewhere, whoever supervises it now takes the place of the issuer.
    """
    answer = can(account, Action.SUPERVISE, notice)
    if not answer:
        return answer
    reach: Scope = scope(account, Action.SUPERVISE).held
    if reach.everything or notice.issuer_id in reach.roots or not _is_above(notice.issuer_id, notice.branch_id):
        return answer
    return Denied("这份督办单由上级签发，请由签发单位办理。")


def _is_above(node: int, branch: int) -> bool:
    above = Scope(frozenset({branch}), clock.today()).above()
    return Branch.objects.filter(pk=node, pk__in=above).exists()


def may_reply(account: Account, notice: SupervisionNotice) -> Allowed | Denied:
    """Say whether an account may answer a 督办单: whoever reports progress for the branch, superiors on its behalf."""
    return can(account, Action.REPORT_PROGRESS, notice)


def _ask(answer: Allowed | Denied) -> None:
    if not answer:
        raise RefusedError([answer.reason])


def _locked_series(campaign: Campaign, issuer: Branch) -> NoticeSeries:
    """Return the numbers of an issuer, locked until the transaction ends: who comes second waits here."""
    NoticeSeries.objects.get_or_create(campaign=campaign, issuer=issuer)
    return NoticeSeries.objects.select_for_update().get(campaign=campaign, issuer=issuer)


def _next_number(campaign: Campaign, issuer: Branch) -> int:
    """Take the next number; it is given back with everything else when the transaction fails, so none is lost."""
    series = _locked_series(campaign, issuer)
    series.last += 1
    series.save(update_fields=["last"])
    return series.last


def _check(campaign: Campaign, order: Order, now: dt.datetime) -> None:
    fields = {}
    if not order.demand.strip():
        fields["demand"] = "请写明督办要求。"
    if order.reply_due_on <= now.date():
        fields["reply_due_on"] = "回复期限应在今天之后。"
    if campaign.backfill:
        raise RefusedError(["历史补录的活动不计逾期，不签发督办单。"])
    if fields:
        raise RefusedError(fields.values(), fields)


@transaction.atomic
def issue(*, by: Account, campaign: Campaign, branch: Branch, order: Order, now: dt.datetime) -> SupervisionNotice:
    """Issue one 督办单 to a branch over everything of it that is overdue, and write to those who act for it.

    Raises RefusedError: no right to it, nothing overdue, one alive already, no demand, a deadline that has passed.
    """
    day = clock.day_of(now)
    _check(campaign, order, now)
    _ask(may_issue(by, branch, campaign, day))
    items = list(overdue(campaign, now).filter(answers_id=branch.pk))
    name = branch.name_on(day)
    if not items:
        raise RefusedError([f"{name}没有逾期的整改项目，不需要督办。"])
    issuer = issuer_of(by, branch, campaign, day) or campaign.root
    number = _next_number(campaign, issuer)
    _refuse_second(campaign, branch, name)
    code = digest.notice_code(
        rules_of(campaign).notice_pattern, issuer=_short_name(issuer, day), year=day.year, number=number
    )
    notice = SupervisionNotice.objects.create(
        campaign=campaign, issuer=issuer, branch=branch, number=number, code=code, demand=order.demand.strip(),
        issued_on=day, issued_at=now, issued_by=by, reply_due_on=order.reply_due_on,
    )  # fmt: skip
    NoticeItem.objects.bulk_create(_line(notice, item, ordinal, day) for ordinal, item in enumerate(items, 1))
    audit.record(
        by=by, action="notice.issued", thing=notice, branch=branch, summary=f"签发督办单 {code}",
        after={"items": [item.pk for item in items], "reply_due_on": order.reply_due_on, "demand": notice.demand},
    )  # fmt: skip
    _tell_issued(notice, items, name, now)
    return notice


def _refuse_second(campaign: Campaign, branch: Branch, name: str) -> None:
    alive = SupervisionNotice.objects.alive().filter(campaign=campaign, branch=branch).first()
    if alive is not None:
        raise RefusedError([f"{name}的督办单 {alive.code} 还没有办结，不再重复督办。"])


def _short_name(node: Branch, day: dt.date) -> str:
    placement = Placement.objects.on(day).filter(branch=node).first()
    return (placement.short_name or placement.name) if placement else node.name_on(day)


def issuer_name(campaign: Campaign, issuer: Branch, day: dt.date) -> str:
    """Return who issues a 督办单, as it is printed: the office of the leading group for the school."""
    if issuer.pk == campaign.root_id:
        return f"{campaign.short_name or campaign.name}领导小组办公室"
    return issuer.name_on(day)


def _line(notice: SupervisionNotice, item: Item, ordinal: int, day: dt.date) -> NoticeItem:
    due = item.counts_on
    return NoticeItem(
        notice=notice, item=item, ordinal=ordinal, problem=item.problem, leader=item.owner_name or item.leader,
        due_on=due, days=(day - due).days if due else 1,
    )  # fmt: skip


def _tell_issued(notice: SupervisionNotice, items: Sequence[Item], name: str, now: dt.datetime) -> None:
    """Write to those who act for the branch. The items count as told: the digest of that day leaves them out."""
    issuer = issuer_name(notice.campaign, notice.issuer, notice.issued_on)
    text = (
        f"{issuer}向{name}签发了督办单 {notice.code}，涉及 {len(items)} 项已逾期的整改项目，"
        f"请于{zh_date(notice.reply_due_on)}前在系统内逐项回复。"
    )
    lines = [digest.Line(f"notice:{notice.pk}", text, SECTION)]
    lines += [
        digest.Line(f"item:{item.pk}", f"第 {item.ordinal} 项“{digest.quoted(item.problem)}”", SECTION)
        for item in items
    ]
    dispatching.tell(
        dispatching.people_of(notice.branch, notice.issued_on), kind=Dispatch.Kind.NOTICE,
        subject=f"督办单 {notice.code}：请于{zh_date(notice.reply_due_on)}前回复", text=text, lines=lines,
        branch=notice.branch, now=now,
    )  # fmt: skip


def issue_many(
    *, by: Account, campaign: Campaign, branches: Sequence[Branch], order: Order, now: dt.datetime
) -> list[SupervisionNotice]:
    """Issue a 督办单 to each of several branches, all or none, in the order given. Raises RefusedError as `issue`."""
    try:
        with transaction.atomic():
            return [issue(by=by, campaign=campaign, branch=one, order=order, now=now) for one in branches]
    except IntegrityError as fault:  # somebody else issued one to the same branch a moment ago
        raise RefusedError(["其中有党组织刚被别人签发了督办单，请刷新后再试。"]) from fault


def _locked(notice: SupervisionNotice, version: int) -> SupervisionNotice:
    row = SupervisionNotice.objects.select_for_update(of=("self",)).select_related("branch", "issuer").get(pk=notice.pk)
    if row.version != version:
        raise ConflictError(row, {})
    SupervisionNotice.objects.filter(pk=row.pk).update(version=F("version") + 1)
    row.version += 1
    return row


@transaction.atomic
def reply(*, by: Account, notice: SupervisionNotice, version: int, answer: Answer, now: dt.datetime) -> NoticeReply:
    """Answer a 督办单, once; sent back, the answer is written anew. A late one is taken and marked.

    Raises RefusedError with what is missing, ConflictError when somebody was faster, IllegalMoveError when it is not
    to be answered (any more).
    """
    _ask(may_reply(by, notice))
    row = _locked(notice, version)
    lines = list(row.lines.all())
    _check_answer(answer, lines)
    earlier = NoticeReply.objects.filter(notice=row).first()
    before = {"text": earlier.text, "signed_by": earlier.signed_by, "late": earlier.late} if earlier else None
    advance(row, S.REPLIED, by=by, now=now)
    values = {
        "text": answer.text.strip(), "signed_by": answer.signed_by.strip(), "by": by, "replied_at": now,
        "on_behalf": not acts_for(by, row.branch_id),
        "late": now >= clock.end_of(row.reply_due_on),
    }  # fmt: skip
    saved, _ = NoticeReply.objects.update_or_create(notice=row, defaults=values)
    for line in lines:
        line.answer = answer.lines.get(line.pk, "").strip()
    NoticeItem.objects.bulk_update(lines, ["answer"])
    audit.record(
        by=by, action="notice.replied", thing=row, branch=row.branch,
        summary=f"{'代录' if saved.on_behalf else ''}回复督办单 {row.code}", before=before,
        after={"text": saved.text, "signed_by": saved.signed_by, "late": saved.late},
    )  # fmt: skip
    return saved


def _check_answer(answer: Answer, lines: Sequence[NoticeItem]) -> None:
    fields = {}
    if not answer.text.strip():
        fields["text"] = "请写明党支部意见。"
    if not answer.signed_by.strip():
        fields["signed_by"] = "请填写党支部书记或负责人姓名。"
    for line in lines:
        if not answer.lines.get(line.pk, "").strip():
            fields[f"line-{line.pk}"] = f"第 {line.ordinal} 项还没有写办理情况。"
    if fields:
        raise RefusedError(fields.values(), fields)


@transaction.atomic
def return_reply(
    *, by: Account, notice: SupervisionNotice, version: int, reason: str, reply_due_on: dt.date, now: dt.datetime
) -> SupervisionNotice:
    """Send a reply back with a reason and a new deadline, and write to those who act for the branch."""
    _ask(may_handle(by, notice))
    if reply_due_on <= now.date():
        raise RefusedError(["回复期限应在今天之后。"], {"reply_due_on": "回复期限应在今天之后。"})
    row = _locked(notice, version)
    advanced = advance(row, S.RETURNED, by=by, now=now, reason=reason)
    SupervisionNotice.objects.filter(pk=row.pk).update(reply_due_on=reply_due_on)
    text = f"督办单 {row.code} 的回复已退回：{reason.strip()}。请于{zh_date(reply_due_on)}前重新回复。"
    dispatching.tell(
        dispatching.people_of(row.branch, now.date()), kind=Dispatch.Kind.RETURNED,
        subject=f"督办单 {row.code} 的回复已退回", text=text,
        lines=[digest.Line(f"notice:{row.pk}:returned", text, SECTION)], branch=row.branch, now=now,
    )  # fmt: skip
    advanced.refresh_from_db()
    return advanced


@transaction.atomic
def close(*, by: Account, notice: SupervisionNotice, version: int, now: dt.datetime) -> SupervisionNotice:
    """Take a reply as sufficient; who entered it does not. The items go on under their own states."""
    _ask(may_handle(by, notice))
    if NoticeReply.objects.filter(notice=notice, by=by).exists():
        raise RefusedError(["这份回复是您代录的，请由另一位同志核查办结。"])
    return advance(_locked(notice, version), S.CLOSED, by=by, now=now)


@transaction.atomic
def withdraw(
    *, by: Account, notice: SupervisionNotice, version: int, reason: str, now: dt.datetime
) -> SupervisionNotice:
    """Take a 督办单 back with a reason, and write to those who act for the branch; its number stays used."""
    _ask(may_handle(by, notice))
    row = advance(_locked(notice, version), S.WITHDRAWN, by=by, now=now, reason=reason)
    _tell_withdrawn(row, reason.strip(), now)
    return row


def _tell_withdrawn(notice: SupervisionNotice, reason: str, now: dt.datetime) -> None:
    issuer = issuer_name(notice.campaign, notice.issuer, notice.issued_on)
    text = f"{issuer}撤回了督办单 {notice.code}，不用再回复：{reason}。所列项目仍按各自的时限办理。"
    dispatching.tell(
        dispatching.people_of(notice.branch, clock.day_of(now)), kind=Dispatch.Kind.WITHDRAWN,
        subject=f"督办单 {notice.code} 已撤回", text=text,
        lines=[digest.Line(f"notice:{notice.pk}:withdrawn", text, SECTION)], branch=notice.branch, now=now,
    )  # fmt: skip
