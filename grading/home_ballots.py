"""What waits for somebody in appraisals: boxes to make, print, open and close, slips and counts for a second person."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count
from django.urls import reverse

from branches.models import Account
from branches.permissions import Action, recused_branch_ids, scope
from branches.registries import HomeItem, home
from branches.scopes import Scope
from grading.models import AppraisalCount, BallotBox, BallotCode, CodeExchange, CountEntry, KeyCustody, Round

S = BallotBox.State


def _appraised() -> list[Round]:
    """Return the rounds under way in which branches are appraised; 历史补录 reminds nobody."""
    rounds = Round.objects.running().filter(campaign__backfill=False, sources__kind="appraisal").distinct()
    return list(rounds.select_related("campaign"))


@home
def boxes(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Ask 党总支 and office to print, open and close boxes, and to look at those that could not be counted."""
    reach = scope(account, Action.MANAGE_BALLOT)
    if not reach:
        return
    recused = recused_branch_ids(account)
    for round_ in _appraised():
        rows = BallotBox.objects.within(reach).filter(unit__round=round_).exclude(unit__branch__in=recused)
        yield from _boxes(round_, list(rows), reverse("ballots", args=[round_.pk]), now)
    yield from _slips(account, reach, recused)
    yield from _copies(reach, recused)


def _boxes(round_: Round, rows: list[BallotBox], url: str, now: dt.datetime) -> Iterator[HomeItem]:
    drafts = [box for box in rows if box.state == S.DRAFT]
    if drafts:
        printed = BallotCode.objects.filter(box__in=drafts).values("box").distinct().count()
        title = f"{round_.dated}：印制评议码，开始评议"
        yield HomeItem(title, f"{len(drafts)} 个支部已设箱，{printed} 个已印评议码", "去办理", url)
    running = [box for box in rows if box.state == S.OPEN]
    if running:
        due = min((box.closes_at for box in running if box.closes_at), default=None)
        by_hand = sum(box.closes_at is None for box in running)
        detail = f"{len(running)} 个支部正在评议" + (f"，{by_hand} 个要手工结束" if by_hand else "，到时自动结束")
        day = due.astimezone(now.tzinfo).date() if due else None
        yield HomeItem(f"{round_.dated}：群众评议", detail, "看进度", url, day)
    stuck = [box for box in rows if box.state in (S.CLOSING, S.COUNTED) and box.error]
    for box in stuck:
        yield HomeItem(f"{round_.dated}：评议箱没能开箱", box.error, "去处理", reverse("ballot-box", args=[box.pk]))


def _slips(account: Account, reach: Scope, recused: set[int]) -> Iterator[HomeItem]:
    """Ask the second person to confirm slips that were taken back: anybody but whoever asked."""
    waiting = CodeExchange.objects.filter(state=CodeExchange.State.ASKED, box__state=S.OPEN).exclude(asked_by=account)
    rows = waiting.filter(box__in=BallotBox.objects.within(reach).exclude(unit__branch__in=recused))
    for row in rows.select_related("box__unit", "asked_by__person"):
        detail = f"{row.box.unit.name}，{row.asked_by.get_full_name()}已登记"
        yield HomeItem("确认作废评议码", detail, "去确认", reverse("ballot-box", args=[row.box_id]))


def _copies(reach: Scope, recused: set[int]) -> Iterator[HomeItem]:
    """Remind of copies of keys that outlived their box."""
    ended = BallotBox.objects.within(reach).filter(state__in=[S.CLOSED, S.VOID]).exclude(unit__branch__in=recused)
    left = KeyCustody.objects.filter(box__in=ended, destroyed_at=None).select_related("box")
    number = left.count()
    if number:
        url = reverse("ballot-box", args=[left[0].box_id])
        yield HomeItem("销毁密钥保管件并登记", f"{number} 份，对应的评议箱已统计或作废", "去登记", url)


@home
def paper_counts(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Ask for the second entry of paper counts, and for counts that two people entered differently."""
    reach = scope(account, Action.RECORD_SOURCES)
    if not reach:
        return
    open_rounds = [round_.pk for round_ in _appraised() if round_.is_open]
    entries = CountEntry.objects.within(reach).filter(unit__round__in=open_rounds)
    counted = set(AppraisalCount.objects.filter(unit__in=entries.values("unit")).values_list("unit", "source", "group"))
    pairs = entries.order_by().values_list("unit", "source", "group").annotate(number=Count("pk"))
    open_pairs = {(unit, source, group): number for unit, source, group, number in pairs}
    mine = set(entries.filter(entered_by=account).values_list("unit", "source", "group"))
    waiting = [key for key, number in open_pairs.items() if number == 1 and key not in mine]
    differing = [key for key, number in open_pairs.items() if number > 1 and key not in counted and key in mine]
    if waiting:
        url = reverse("unit-sources", args=[waiting[0][0]])
        yield HomeItem("票数等第二个人录入", f"{len(waiting)} 份，另一人已录入", "去录入", url)
    if differing:
        url = reverse("unit-sources", args=[differing[0][0]])
        yield HomeItem("票数两人录入的不一致", f"{len(differing)} 份还没有计入，请对照票纸核对", "去核对", url)
