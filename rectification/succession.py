"""What happens to open items when the tree changes, and what is told before: found at start, called by the tree."""

import datetime as dt
from collections.abc import Collection, Iterator

from django.db.models import Count, F, Max, Q
from django.urls import reverse

from branches import clock
from branches.models import Account
from branches.permissions import Action, can
from branches.registries import OpenBusiness, TreeChange, open_business, tree_change
from rectification.models import Item, SupervisionNotice
from rectification.services import closing, supervision_closing


@tree_change
def hand_items_on(change: TreeChange) -> None:
    """Hand on or end the open items of a branch that ended, and follow one that moved to its new superior."""
    closing.follow_tree(change, now=clock.now())


@tree_change
def end_supervision(change: TreeChange) -> None:
    """Leave no 督办单 and no 定点联系人 with a branch that ended."""
    if change.kind == TreeChange.ENDED:
        supervision_closing.end_of_branch(by=change.by, branch=change.branch, now=clock.now())


@open_business
def open_items(account: Account, branches: Collection[int], now: dt.datetime) -> Iterator[OpenBusiness]:  # noqa: ARG001
    """Tell what `hand_items_on` will do with the items of nodes."""
    rows = Item.objects.open().filter(plan__branch__in=branches).order_by()
    waiting = Count("pk", filter=Q(state=Item.State.AWAITING))
    asked = Count("pk", filter=Q(escalated_to__isnull=False))
    sees = bool(can(account, Action.VIEW_RECTIFICATION))
    found = rows.values(node=F("plan__branch")).annotate(
        number=Count("pk"), waiting=waiting, asked=asked, round=Max("plan__round")
    )
    for row in found:
        more = f"，其中 {row['waiting']} 项待核实" if row["waiting"] else ""
        asked_of = "，提请原上级解决的转由新的上级解决" if row["asked"] else ""
        yield OpenBusiness(
            row["node"], "没有办结的整改项目", f"{row['number']} 项整改没有办结{more}",
            "转入承接的党支部的方案，接着整改；待核实的重新申请销号", "全部终止，不再整改",
            f"照原方案接着整改，今后由新的上级审批、核实{asked_of}",
            f"{reverse('rectification-board', args=[row['round']])}?branch={row['node']}" if sees else "",
        )  # fmt: skip
    yield from _taken_over(branches)


def _taken_over(branches: Collection[int]) -> Iterator[OpenBusiness]:
    """Tell of what nodes below asked a superior to put right."""
    rows = Item.objects.open().filter(escalated_to__in=branches).order_by()
    for row in rows.values("escalated_to").annotate(number=Count("pk")):
        to = "转由各支部现在的上级解决，责任人另行确定"
        said = f"{row['number']} 项下级提请解决的整改没有办结"
        yield OpenBusiness(row["escalated_to"], "下级提请解决的整改", said, to, to)


@open_business
def open_notices(account: Account, branches: Collection[int], now: dt.datetime) -> Iterator[OpenBusiness]:  # noqa: ARG001
    """Tell what `end_supervision` will do with the 督办单 of nodes."""
    rows = SupervisionNotice.objects.alive().filter(branch__in=branches).order_by()
    sees = bool(can(account, Action.SUPERVISE))
    for row in rows.values("branch").annotate(number=Count("pk"), last=Max("pk")):
        end = "还没有回复的撤回，已回复的办结"
        yield OpenBusiness(
            row["branch"], "没有办结的督办单", f"{row['number']} 份督办单没有办结",
            f"{end}；转走的项目再逾期时另行督办", end, "由新的上级接着办",
            reverse("supervision-notice", args=[row["last"]]) if sees else "",
        )  # fmt: skip
