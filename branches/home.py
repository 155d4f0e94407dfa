"""What waits for somebody in the organisation itself, the figures of the tree, and its entries in the navigation."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, F, Q, QuerySet, Sum
from django.urls import reverse

from branches import basics, clock, wording
from branches.models import Account, Appointment, Branch, Campaign
from branches.partial_dates import PartialDate
from branches.permissions import Action, roles, scope
from branches.registries import HomeItem, HomePanel, HomeStat, NavItem, home, home_panels, home_stats, nav

ELECTION_MONTHS = 3

nav(NavItem("工作台", "home", Action.VIEW_HOME, "/", 0))
nav(NavItem("党支部", "branches", Action.VIEW_BRANCHES, "/branches/", 10))
nav(NavItem("活动材料", "campaigns", Action.VIEW_CAMPAIGN, "/campaigns/", 20, also=("/grading/campaigns/",)))
nav(NavItem("操作记录", "audit", Action.VIEW_AUDIT, "/audit/", 90))
nav(NavItem("账号", "accounts", Action.ISSUE_CODES, "/accounts/", 80))


def _own_branches(account: Account) -> list[Branch]:
    """Return the 党支部 the account acts for in person."""
    nodes = [grant.node for grant in roles(account) if grant.node.level == Branch.Level.BRANCH]
    reach = scope(account, Action.EDIT_PROFILE)
    return [node for node in nodes if node.pk in reach.roots]


def _reached(account: Account, action: Action) -> QuerySet[Branch]:
    """Return the 党支部 below the account's nodes, without those it acts for in person."""
    reach = scope(account, action)
    if not reach:
        return Branch.objects.none()
    living = Branch.objects.branches_only().within(reach).as_of(clock.today())
    return living.exclude(pk__in=[branch.pk for branch in _own_branches(account)])


def _month_ahead(day: dt.date, months: int) -> PartialDate:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return PartialDate(year, month + 1)


def _last_day(when: PartialDate) -> dt.date:
    if when.day:
        return dt.date(when.year, when.month, when.day)
    following = dt.date(when.year + when.month // 12, when.month % 12 + 1, 1)
    return following - dt.timedelta(days=1)


@home
def own_basics(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Ask a secretary or clerk to complete and confirm the facts 附件4 prints, and to hold the election in time."""
    for branch in _own_branches(account):
        read = basics.read(branch)
        blanks, url = read.blanks(), reverse("branch-profile", args=[branch.pk])
        if blanks:
            labels = "、".join(fact.label for fact in blanks[:4]) + ("等" if len(blanks) > 4 else "")
            yield HomeItem(f"补全支部基本情况，还有 {len(blanks)} 项没填", labels, "去填写", url)
        elif read.profile.confirmed_at is None:
            yield HomeItem("核对并确认支部基本情况", "定级表按这些内容打印", "去确认", url)
        ends = read.profile.term_ends
        if ends and ends <= _month_ahead(now.date(), ELECTION_MONTHS):
            last = _last_day(ends)
            ahead = last >= now.date()
            title = "支部委员会任期将满，请按期换届" if ahead else "支部委员会任期已满，请换届并更新届满时间"
            yield HomeItem(title, f"届满时间 {ends.zh()}", "查看", url, last if ahead else None)


@home
def below_basics(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell those above how many branches still owe their facts, and whose terms end."""
    reached = _reached(account, Action.EDIT_PROFILE)
    soon = str(_month_ahead(now.date(), ELECTION_MONTHS))
    found = reached.aggregate(
        open=Count("pk", filter=Q(profile__confirmed_at__isnull=True)),
        ending=Count("pk", filter=Q(profile__term_ends__lte=soon)),
    )
    url = reverse("branches")
    if found["open"]:
        yield HomeItem(
            f"{found['open']} 个党支部的基本情况还没有确认", "定级表按这些内容打印", "查看", f"{url}?basics=open"
        )
    if found["ending"]:
        detail = f"{ELECTION_MONTHS} 个月内届满或已届满"
        yield HomeItem(f"{found['ending']} 个党支部需要换届", detail, "查看", f"{url}?term=soon")


@home
def beginnings(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Show an office with an empty system its first two steps."""
    del now
    if scope(account, Action.MANAGE_TREE) and not Branch.objects.branches_only().exists():
        yield HomeItem("导入党支部名册", "先下载模板填好，或直接用现有的名册", "去导入", reverse("roster-import"))
    elif scope(account, Action.MANAGE_CAMPAIGN) and not Campaign.objects.exists():
        yield HomeItem("开展今年的活动", "从预设开始，日期可以调整", "去开展", reverse("campaigns"))


@home
def accounts_to_open(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell who issues codes how many secretaries cannot sign in yet for want of an account."""
    reach = scope(account, Action.ISSUE_CODES)
    if not reach:
        return
    waiting = Appointment.objects.on(now.date()).secretaries().filter(person__account__isnull=True)
    living = Branch.objects.branches_only().within(reach)
    if number := waiting.filter(branch__in=living).count():
        yield HomeItem(f"{number} 位支部书记还没有账号", "开户后打印激活码条，发给本人", "去开户", reverse("accounts"))


@home_stats
def tree_figures(account: Account, now: dt.datetime) -> Iterator[HomeStat]:
    """Count branches, members and confirmed basics for those who look after more than one branch."""
    del now
    reached = _reached(account, Action.VIEW_BRANCHES)
    found = reached.aggregate(
        branches=Count("pk"),
        confirmed=Count("pk", filter=Q(profile__confirmed_at__isnull=False)),
        members=Sum(F("profile__full_members") + F("profile__probationary_members")),
    )
    if not found["branches"]:
        return
    url = reverse("branches")
    yield HomeStat("党支部", f"{found['branches']:,}", "个", url, 10)
    if found["members"] is not None:
        yield HomeStat("党员", f"{found['members']:,}", "人", url, 11)
    done = wording.share(found["confirmed"], found["branches"])
    base = f"/ {found['branches']:,}　{wording.pct1(done)}"
    yield HomeStat("基本情况已确认", f"{found['confirmed']:,}", base, f"{url}?basics=done", 12)


@home_panels
def own_branch(account: Account, now: dt.datetime) -> Iterator[HomePanel]:
    """Show a secretary or clerk the main facts of the own branch."""
    del now
    for branch in _own_branches(account):
        read = basics.read(branch)
        profile = read.profile
        full, total = profile.full_members, profile.total_members
        members = "—" if total is None else f"{total} 人，其中正式 {full} 人、预备 {profile.probationary_members} 人"
        pairs = [
            ("书记", read.secretary.person.name if read.secretary else "—"),
            ("党员", members),
            ("支委", profile.committee or basics.committee_words(read.posts) or "—"),
            ("届满时间", profile.term_ends.zh() if profile.term_ends else "—"),
            ("活动场所", profile.venue or "—"),
        ]
        context = {"pairs": pairs, "url": reverse("branch-profile", args=[branch.pk])}
        yield HomePanel(
            f"branch-{branch.pk}", "本支部", "branches/home_branch.html", context, position=8, side=True, flush=False
        )
