"""The entries of reports and upkeep in the navigation, and files that wait to be fetched."""

import datetime as dt
from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from branches.models import Account
from branches.permissions import Action, scope
from branches.registries import HomeItem, NavItem, home, nav
from branches.scopes import Scope
from grading.models import Round, RoundReturn
from reporting.models import Export, Scan
from reporting.paper import returns

nav(NavItem("报表导出", "exports", Action.EXPORT, "/reports/", 70))
nav(NavItem("标准维护", "admin:index", Action.MAINTAIN_RUBRICS, "/maintenance/", 85))
nav(NavItem("系统状况", "doctor", Action.RUN_OPS, "/ops/", 90))


@home
def failed_exports(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell somebody that an export of the last day failed and can be tried again."""
    if not scope(account, Action.EXPORT):
        return
    since = now - dt.timedelta(days=1)
    rows = Export.objects.of(account).filter(state=Export.State.FAILED, finished_at__gte=since).order_by("-finished_at")
    for row in rows[:3]:
        when = timezone.localtime(row.finished_at) if row.finished_at else now
        yield HomeItem(f"{row.title}未能生成", f"{row.error}（{when:%H:%M}）", "去重试", reverse("exports"))


@home
def signed_paper(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Ask for stamped forms that a round wants back: a unit for its own, the office for what others owe."""
    reach = scope(account, Action.RETURN_SCAN)
    if not reach:
        return
    for round_ in returns.rounds_asking(reach):
        if round_.state == Round.State.FINAL and round_.campaign.ends_on < now.date():
            continue
        for rule in round_.returns.select_related("round__campaign__root", "round__scale"):
            yield from _office_item(rule) if reach.everything else _own_item(rule, reach)


def _own_item(rule: RoundReturn, reach: Scope) -> Iterator[HomeItem]:
    """Tell a unit that its form can be signed and is not back, or is back and no longer agrees with the data."""
    units = returns.units_asked(rule, reach)
    ready = returns.signable(rule) if units else set()
    units = [unit for unit in units if unit.pk in ready]
    found = returns.returned(rule, units)
    owed = [unit for unit in units if found[unit.pk].standing in (returns.Standing.MISSING, returns.Standing.STALE)]
    if not owed:
        return
    stale = sum(found[unit.pk].standing == returns.Standing.STALE for unit in owed)
    if len(units) == 1:
        detail = returns.STALE_WORDS if stale else "打印、签字盖章后扫描或拍照交回"
        url = reverse("form", args=[rule.kind, rule.round_id, owed[0].pk])
    else:
        detail = f"未交回 {len(owed) - stale} 个单位" + (f"，数据已变 {stale} 个" if stale else "")
        url = f"{reverse('returns', args=[rule.round_id])}?kind={rule.kind}"
    yield HomeItem(f"{rule.round.dated}：交回盖章的{rule.name}", detail, "去交回", url)


def _office_item(rule: RoundReturn) -> Iterator[HomeItem]:
    """Tell the office how many units have signed nothing yet; what became stale stands in the list."""
    ready = returns.signable(rule)
    there = Scan.objects.present().filter(form__kind=rule.kind, form__round=rule.round_id, form__unit__in=ready)
    missing = len(ready) - there.values("form__unit").distinct().count()
    if missing:
        url = f"{reverse('returns', args=[rule.round_id])}?kind={rule.kind}"
        detail = f"可以盖章的 {len(ready)} 个单位，未交回 {missing} 个"
        yield HomeItem(f"{rule.round.dated}：催收盖章的{rule.name}", detail, "看清单", url)
