"""What waits for somebody in supervision: 督办单 to answer and to check, changes to decide."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from branches.models import Account
from branches.permissions import Action, recused_branch_ids, scope
from branches.registries import HomeItem, home
from rectification.models import Change, SupervisionNotice, VisitFinding
from rectification.permissions import may_decide_change
from rectification.services import visits

S = SupervisionNotice.State
MOST = 20


@home
def notices_to_answer(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Ask those who act for a node to answer its 督办单."""
    del now
    nodes = scope(account, Action.REPORT_PROGRESS).roots
    for notice in SupervisionNotice.objects.awaiting_reply().filter(branch__in=nodes).order_by("reply_due_on", "pk"):
        back = notice.state == S.RETURNED
        title = f"{'重新回复' if back else '回复'}督办单 {notice.code}"
        url = reverse("supervision-notice", args=[notice.pk])
        yield HomeItem(title, "逐项写明办理情况", "去回复", url, notice.reply_due_on)


@home
def findings_to_take(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell those who draw up for a branch of what a visit found and nothing was made of yet."""
    del now
    nodes = scope(account, Action.DRAW_UP_PLAN).roots
    rows = VisitFinding.objects.open().filter(branch__in=nodes, visit__campaign__backfill=False)
    found = list(rows.select_related("visit").order_by("visit__held_on", "pk")[:MOST])
    there = visits.taken(found)
    left = [one for one in found if one.pk not in there]
    if left:
        url = reverse("supervision-visit", args=[left[0].visit_id])
        yield HomeItem(f"督导发现 {len(left)} 个问题", "列入整改方案，点一下就行", "去看看", url)


@home
def replies_to_check(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell an issuer of replies to check, and of those that did not come."""
    reach = scope(account, Action.SUPERVISE).held
    if not reach:
        return
    mine = SupervisionNotice.objects.alive().select_related("campaign").exclude(branch__in=recused_branch_ids(account))
    mine = mine.within(reach) if reach.everything else mine.filter(issuer__in=reach.roots)
    url = reverse("supervision-notices")
    if number := mine.filter(state=S.REPLIED).count():
        yield HomeItem(
            f"{number} 份督办单已回复，等待核查", "属实的办结，说不清的退回", "去核查", f"{url}?state=replied"
        )
    if late := mine.filter(state__in=SupervisionNotice.OWED, reply_due_on__lt=now.date()).count():
        yield HomeItem(f"{late} 份督办单逾期没有回复", "可以催问，或替支部代录", "查看", f"{url}?state=late")


@home
def changes_to_decide(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell who decides them of extensions, pauses and other changes that wait."""
    del now
    reach = scope(account, Action.APPROVE_PLAN).held
    if not reach:
        return
    waiting: Any = Change.objects.filter(state=Change.State.PROPOSED)
    waiting = waiting.within(reach)
    rows = list(waiting.select_related("item__plan")[: MOST + 1])
    number = sum(bool(may_decide_change(account, row)) for row in rows[:MOST])
    if number:
        said = f"{number} 件" if len(rows) <= MOST else f"至少 {number} 件"
        url = reverse("supervision-changes")
        yield HomeItem(f"{said}延期、暂停等申请待审批", "批准以前照原来的时限", "去审批", url)
