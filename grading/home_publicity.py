"""公示 and 异议 on the landing page: what is up now for everybody, what waits for those who answer and finish."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count
from django.urls import reverse

from branches.models import Account
from branches.permissions import Action, recused_branch_ids, scope
from branches.registries import HomeItem, HomePanel, home, home_panels
from grading.models import Objection, PublicityNotice, Result, Round, RoundStep, confirmed


@home
def objections_to_answer(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Ask those who answer objections for the ones that wait, not counting those they must stand aside for."""
    reach = scope(account, Action.ANSWER_OBJECTION)
    if not reach:
        return
    waiting = Objection.objects.open().within(reach).exclude(unit__branch__in=recused_branch_ids(account))
    waiting = waiting.exclude(filed_by=account)
    rows = waiting.order_by().values("notice__round", "notice__last_day").annotate(number=Count("pk"))
    rounds = Round.objects.select_related("campaign").in_bulk({row["notice__round"] for row in rows})
    for row in rows:
        name = rounds[row["notice__round"]].dated
        url = f"{reverse('objections', args=[row['notice__round']])}?state=open"
        detail = f"{row['number']} 件待答复，答复后才能定级"
        yield HomeItem(f"{name}：答复异议", detail, "去答复", url, row["notice__last_day"])


def settled(round_: Round, now: dt.datetime) -> Iterator[HomeItem]:
    """Say what comes next once every grade of a round is decided: confirming, 公示, or 定级."""
    name, campaign = round_.dated, round_.campaign.name
    steps = set(round_.steps.values_list("code", flat=True))
    if RoundStep.Code.CONFIRM in steps:
        rows = Result.objects.current().filter(unit__round=round_, state=Result.State.DECIDED)
        if left := rows.exclude(confirmed()).count():
            url = reverse("review", args=[round_.pk])
            yield HomeItem(f"{name}：学校确认等级", f"{left} 个党支部等待确认", "去确认", url, round_.ends_on)
            return
    url = reverse("round", args=[round_.pk])
    public = RoundStep.Code.PUBLICITY in steps and not round_.campaign.backfill
    if public and round_.state in (Round.State.SCORING, Round.State.DECIDING):
        due = next((step.due_on for step in round_.steps.all() if step.code == RoundStep.Code.PUBLICITY), None)
        yield HomeItem(f"{name}：全部已定，准备公示", campaign, "去公示", reverse("publicity", args=[round_.pk]), due)
    elif round_.state == Round.State.PUBLICITY:
        notice = PublicityNotice.objects.shown().filter(round=round_).first()
        waits = Objection.objects.open().filter(notice__round=round_).exists()
        if notice is not None and now >= notice.ends_at and not waits:
            yield HomeItem(f"{name}：公示期满，可以定级", campaign, "去定级", url, round_.ends_on)
    else:
        yield HomeItem(f"{name}：全部已定，可以固定结果", campaign, "去定级", url, round_.ends_on)


@home_panels
def public_notices(account: Account, now: dt.datetime) -> Iterator[HomePanel]:
    """Show everybody the notices that are up, and where their own objections stand."""
    if not scope(account, Action.FILE_OBJECTION):
        return
    notices = list(PublicityNotice.objects.shown().filter(started_at__lte=now, ends_at__gt=now).order_by("ends_at"))
    own = list(Objection.objects.filter(filed_by=account).select_related("unit").order_by("-pk")[:3])
    if notices or own:
        context = {"notices": notices, "own": own}
        yield HomePanel("notices", "公示", "grading/home_publicity.html", context, position=5, side=True, flush=False)
