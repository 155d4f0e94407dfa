"""The entries of reports and upkeep in the navigation, and files that wait to be fetched."""

import datetime as dt
from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from branches.models import Account
from branches.permissions import Action, scope
from branches.registries import HomeItem, NavItem, home, nav
from reporting.models import Export

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
