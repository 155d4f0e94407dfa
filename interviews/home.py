"""What waits for somebody in talks, and their entry in the navigation."""

import datetime as dt
from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from branches import wording
from branches.directory import names_of
from branches.models import Account
from branches.permissions import Action, scope
from branches.registries import HomeItem, HomeStat, NavItem, home, home_stats, nav
from interviews import lists_record
from interviews.mine import campaigns_of, tally
from interviews.models import (
    EmergencyContact,
    EmergencyReport,
    FollowUp,
    Matter,
    ProgressReport,
    Reader,
    Reading,
    ReportPeriod,
    RosterEntry,
)
from interviews.people import receivers

__all__ = ["lists_record"]  # imported so that its lists register
SOON = 3
REPORT_DAYS = 14
REPORT_LATE_DAYS = 90

nav(NavItem("两访两创", "interviews", Action.VIEW_INTERVIEWS, "/interviews/", 45))


@home
def emergencies(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Put a report that nobody has received yet, or that is not settled, before everything else."""
    if not scope(account, Action.RECEIVE_EMERGENCY):
        return
    open_ones = EmergencyReport.objects.filter(duty=account).exclude(state=EmergencyReport.State.CLOSED)
    for row in open_ones.select_related("contact", "reporter__person").order_by("pk")[:20]:
        sent = row.state == EmergencyReport.State.SENT
        title = "紧急上报，请马上接报" if sent else "紧急上报：写明处置情况"
        detail = (
            f"{row.contact.duty}　上报人{row.reporter.get_full_name()}　{timezone.localtime(row.reported_at):%H:%M}"
        )
        url = reverse("emergency-report", args=[row.pk])
        yield HomeItem(title, detail, "去接报" if sent else "去处置", url, now.date(), first=True)


@home
def not_received(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell who reported an emergency that nobody has received it yet, and whom to call."""
    if not scope(account, Action.RECEIVE_EMERGENCY):
        return
    rows = EmergencyReport.objects.filter(reporter=account, state=EmergencyReport.State.SENT).select_related("contact")
    for row in rows.order_by("pk")[:5]:
        url = reverse("emergency-report", args=[row.pk])
        detail = f"{row.contact.duty}　{row.contact.phone}　{timezone.localtime(row.reported_at):%H:%M} 上报"
        yield HomeItem("紧急上报还没有人接报，请打电话", detail, "去查看", url, now.date(), first=True)


@home
def duties_gone(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell who looks after emergency contacts of one whose account receives no reports any more."""
    reach = scope(account, Action.MANAGE_INTERVIEWS)
    if not reach:
        return
    rows = EmergencyContact.objects.filter(active=True, account__isnull=False, campaign__backfill=False)
    rows = rows if reach.everything else rows.filter(unit__in=reach.branches())
    for row in rows.exclude(account__in=receivers().values("pk"))[:5]:
        url = reverse("emergency-contact", args=[row.pk])
        yield HomeItem("紧急联系人的接报账号失效，请更换", row.duty, "去更换", url, now.date())


@home
def my_talks(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Remind an interviewer of who is left of the list."""
    if not scope(account, Action.RECORD_INTERVIEW):
        return
    for campaign in campaigns_of(account):
        if campaign.backfill:
            continue
        mine = tally(account, campaign, now.date())
        left = mine.people - mine.done
        if left:
            late = f"，逾期 {mine.late} 人" if mine.late else ""
            detail = f"{campaign.short_name or campaign.name}，一对一已谈 {mine.done} / {mine.people} 人{late}"
            url = f"{reverse('my-interviewees')}?campaign={campaign.pk}"
            yield HomeItem(f"两访：还有 {left} 人没谈", detail, "去记录", url, mine.next_due)


@home
def revisits(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Remind of follow-ups three days before their day, and of those whose day is over."""
    if not scope(account, Action.RECORD_INTERVIEW):
        return
    soon = now.date() + dt.timedelta(days=SOON)
    rows = FollowUp.objects.of(account).planned().filter(due_on__lte=soon).select_related("entry__person")
    found = list(rows[:6])
    for row in found[:5]:
        url = f"{reverse('interview-new')}?follow_up={row.pk}"
        yield HomeItem(f"回访 {row.entry.person.name}", "谈完记下就办结", "去回访", url, row.due_on)
    if len(found) > 5:
        yield HomeItem("还有回访快到期", "", "看全部", reverse("follow-ups"), found[5].due_on)


@home
def matters(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Tell who handles a problem what waits, and who handed it on what came back."""
    if not scope(account, Action.HANDLE_MATTER):
        return
    said = {
        Matter.State.RELEASED: ("受理实际问题", "去受理"),
        Matter.State.IN_HAND: ("办理实际问题", "去办复"),
    }
    owned = Matter.objects.filter(owner=account, state__in=said).select_related("category").order_by("due_on")
    for row in owned[:10]:
        title, verb = said[Matter.State(row.state)]
        yield HomeItem(title, f"{row}　{row.category.name}", verb, reverse("matter", args=[row.pk]), row.due_on)
    back = {
        Matter.State.RETURNED: ("实际问题被退回，请另选承办人", "去交办"),
        Matter.State.ANSWERED: ("实际问题已办复，请告诉本人", "去反馈"),
    }
    raised = Matter.objects.filter(raised_by=account, state__in=back).select_related("category").order_by("due_on")
    for row in raised[:10]:
        title, verb = back[Matter.State(row.state)]
        yield HomeItem(title, f"{row}　{row.category.name}", verb, reverse("matter", args=[row.pk]))


@home
def reports_due(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Remind a unit of a report that was sent back, or whose day comes near or is over."""
    reach = scope(account, Action.REPORT_INTERVIEWS)
    if not reach or reach.everything:
        return
    day = now.date()
    entries = RosterEntry.objects.filter(active=True, campaign__backfill=False).within(reach)
    units = set(entries.order_by().values_list("campaign", "unit").distinct())
    periods = ReportPeriod.objects.filter(campaign__in={campaign for campaign, _unit in units})
    known = {(row.period_id, row.unit_id): row for row in ProgressReport.objects.within(reach)}
    several = len({unit for _campaign, unit in units}) > 1
    names = names_of({unit for _campaign, unit in units}) if several else {}
    found = [
        item
        for period in periods.order_by("due_on")
        for campaign, unit in sorted(units)
        if campaign == period.campaign_id
        and (item := _report_item(period, unit, known.get((period.pk, unit)), names.get(unit, ""), day))
    ]
    yield from found[:6]


def _report_item(
    period: ReportPeriod, unit: int, report: ProgressReport | None, name: str, day: dt.date
) -> HomeItem | None:
    """Return what is to be done about the report of a unit, None when nothing is."""
    state = report.state if report else ""
    url = reverse("visit-report", args=[period.campaign_id, period.pk, unit])
    if report is not None and state == ProgressReport.State.RETURNED:
        detail = f"{name}　{report.return_reason}".strip("　")
        return HomeItem(f"{period.name}报告表已退回，请修改", detail, "去修改", url, period.due_on)
    ahead = (period.due_on - day).days
    if state == ProgressReport.State.SUBMITTED or not -REPORT_LATE_DAYS <= ahead <= REPORT_DAYS:
        return None
    return HomeItem(f"报送{period.name}进展情况报告表", name or "两访两创", "去填写", url, period.due_on)


@home
def named_reader(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell somebody who was named a reader, until the talk has been opened once."""
    if not scope(account, Action.READ_INTERVIEW):
        return
    named = Reader.objects.in_force(now).filter(account=account, record__kind="interview")
    opened = Reading.objects.filter(by=account, outcome=Reading.Outcome.OPENED).values("record")
    fresh = named.exclude(record__in=opened).select_related("record__interview", "granted_by__person")
    together: dict[tuple[int, str, dt.datetime], list[Reader]] = {}
    for row in fresh.order_by("until", "pk"):
        together.setdefault((row.granted_by_id, row.reason, row.until), []).append(row)
    for rows in list(together.values())[:5]:
        row, many = rows[0], len(rows)
        url = reverse("shared-interviews") if many > 1 else reverse("interview", args=[row.record.interview.pk])
        title = f"指定您查看 {many} 次访谈" if many > 1 else "指定您查看一次访谈"
        last = wording.last_day(timezone.localtime(row.until))
        yield HomeItem(title, f"{row.granted_by.get_full_name()}指定，{row.reason}", "去查看", url, last)


@home_stats
def my_figures(account: Account, now: dt.datetime) -> Iterator[HomeStat]:
    """Show an interviewer how far the own list is."""
    if not scope(account, Action.RECORD_INTERVIEW):
        return
    for campaign in campaigns_of(account)[:1]:
        mine = tally(account, campaign, now.date())
        if mine.people:
            yield HomeStat("一对一已谈", str(mine.done), f"/ {mine.people} 人", reverse("my-interviewees"), 20)
