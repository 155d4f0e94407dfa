"""The landing page of 两访两创: what is mine to do, and the ways on."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from branches import clock, wording
from branches.models import Campaign
from branches.permissions import Action, account_of, can, requires, roles
from branches.registries import HomeStat
from interviews.coverage_tables import HIDDEN
from interviews.figures_kept import coverage
from interviews.mine import Tally, tally
from interviews.models import Interview
from interviews.views.shared import my_campaign


@dataclass(frozen=True, slots=True)
class Door:
    """A way on from the landing page."""

    title: str
    text: str
    url: str


DOORS = (
    (Action.RECORD_INTERVIEW, "我的名单", "谁还没谈、谁要回访，选人就记", "my-interviewees"),
    (Action.RECORD_INTERVIEW, "我记录的访谈", "查看、补充，谁看过", "my-interviews"),
    (Action.RECORD_INTERVIEW, "回访", "到期提醒，谈完自动办结", "follow-ups"),
    (Action.READ_INTERVIEW, "指定我看的访谈", "访谈人写明理由和期限，查看留痕", "shared-interviews"),
    (Action.HANDLE_MATTER, "交办和承办的问题", "受理、办复、反馈本人", "my-matters"),
    (Action.RECEIVE_EMERGENCY, "紧急上报", "值班电话，实名上报，接报", "emergency"),
    (Action.VIEW_COVERAGE, "名册、任务和覆盖", "名册、规则、分配，覆盖表和报告表，只有数字", "visit-plan-start"),
    (Action.VIEW_COVERAGE, "全年实际问题", "按单位和类别：反映、解决、待办", "matter-summary"),
    (Action.MANAGE_INTERVIEWS, "保密与告知", "告知书、保存期限，按本人要求清除，谁打开过多少次", "confidence"),
    (Action.MANAGE_INTERVIEWS, "紧急联系人", "值班岗位、电话和接报账号", "emergency-contacts"),
)


def _doors(request: HttpRequest) -> list[Door]:
    found = []
    for action, title, text, name in DOORS:
        if can(request.user, action):
            try:
                found.append(Door(title, text, reverse(name)))
            except NoReverseMatch:
                continue
    return found


def _stats(mine: Tally, recorded: int) -> list[HomeStat]:
    url = reverse("my-interviewees")
    return [
        HomeStat("一对一已谈", str(mine.done), f"/ {mine.people} 人", f"{url}?standing=done"),
        HomeStat("逾期未访", str(mine.late), "人", f"{url}?standing=late"),
        HomeStat("待回访", str(mine.revisit), "人", reverse("follow-ups")),
        HomeStat("参加过座谈", str(mine.extended), "人", url),
        HomeStat("我记录的访谈", str(recorded), "次", reverse("my-interviews")),
    ]


def _coverage(request: HttpRequest) -> tuple[Campaign | None, list[HomeStat]]:
    """Return the coverage of the newest campaign, of the school or of the one unit somebody answers for."""
    reach = request.scope  # type: ignore[attr-defined]
    campaign = Campaign.objects.within(reach).order_by("-year", "-pk").first()
    units = {grant.node_id for grant in roles(account_of(request))}
    if campaign is None or not (reach.everything or len(units) == 1):
        return campaign, []
    unit = None if reach.everything else units.pop()
    found = coverage(campaign, unit, clock.now())
    if found is None:
        return campaign, []
    url = (
        reverse("coverage", args=[campaign.pk]) if unit is None else reverse("coverage-unit", args=[campaign.pk, unit])
    )
    stats = []
    for code, name in found.categories:
        total = next(iter(found.tables[code].values())).total
        share = wording.share(*total.rate) if total.rate else None
        base = f"{total.done} / {total.people} 人" if total.rate else "人数太少，不显示"
        shown = HIDDEN if share is None else wording.pct1(share)
        stats.append(HomeStat(f"{name}一对一覆盖率", shown, base, f"{url}?category={code}"))
    return campaign, stats


@requires(Action.VIEW_INTERVIEWS)
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show my own figures, or the coverage of what one answers for, then everything one's roles open."""
    account = account_of(request)
    campaign = my_campaign(request)[0] if can(account, Action.RECORD_INTERVIEW) else None
    recorded = Interview.objects.counting().filter(interviewer=account).count() if campaign else 0
    stats = _stats(tally(account, campaign, clock.today()), recorded) if campaign else []
    mine = bool(stats)
    if not mine and can(account, Action.VIEW_COVERAGE):
        campaign, stats = _coverage(request)
    context = {"campaign": campaign, "stats": stats, "mine": mine, "doors": _doors(request)}
    return render(request, "interviews/landing.html", context)
