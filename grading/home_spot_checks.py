"""What waits for inspectors and for the office about spot checks and large differences."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Count
from django.urls import reverse

from branches.models import Account
from branches.permissions import Action, scope
from branches.registries import HomeItem, NavItem, home, nav
from grading.board import HANDED_IN
from grading.models import Assessment, Result, Round, RoundStep, Source, SpotCheck

OPEN = (Result.State.COMPUTED, Result.State.PROPOSED)
DIFFERENT = "差异"

nav(NavItem("我的抽查", "inspections", Action.INSPECT, "/grading/inspections/", 31))


@home
def branches_to_inspect(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Name an inspector's branches that are not handed in; one that was sent back comes by itself."""
    if not scope(account, Action.INSPECT):
        return
    tasks = SpotCheck.objects.assigned_to(account).filter(unit__round__in=Round.objects.running())
    found = list(tasks.select_related("unit__round__campaign").prefetch_related("unit__round__steps"))
    if not found:
        return
    sheets = Assessment.objects.filter(unit__in=[task.unit_id for task in found], source__code=Source.SPOT_CHECK)
    states = dict(sheets.values_list("unit_id", "state"))
    left = [task for task in found if states.get(task.unit_id) not in HANDED_IN]
    for task in left:
        if states.get(task.unit_id) == Assessment.State.RETURNED:
            url = reverse("inspection", args=[task.pk])
            yield HomeItem(f"{task.unit.round.dated}：抽查已退回，请修改", task.unit.name, "去修改", url)
    for round_ in {task.unit.round for task in left}:
        names = [task.unit.name for task in left if task.unit.round_id == round_.pk]
        more = f"等 {len(names)} 个" if len(names) > 2 else ""
        detail = f"{'、'.join(names[:2])}{more}党支部" if more else "、".join(names)
        due = next((step.due_on for step in round_.steps.all() if step.code == RoundStep.Code.SPOT_CHECK), None)
        due = None if round_.campaign.backfill else due
        yield HomeItem(f"{round_.dated}：抽查评分", detail, "去抽查", reverse("inspections"), due)


@home
def spot_checks_to_arrange(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Remind the office of branches drawn that nobody inspects yet."""
    if not scope(account, Action.MANAGE_ROUND):
        return
    rounds = Round.objects.running().filter(campaign__backfill=False, sources__code=Source.SPOT_CHECK)
    for round_ in rounds.select_related("campaign").prefetch_related("steps"):
        tasks = SpotCheck.objects.active().filter(unit__round=round_)
        total = tasks.count()
        url = reverse("spot-checks", args=[round_.pk])
        due = next((step.due_on for step in round_.steps.all() if step.code == RoundStep.Code.SPOT_CHECK), None)
        if not total:
            yield HomeItem(f"{round_.dated}：抽取要抽查的党支部", "还没有抽取", "去抽取", url, due)
            continue
        nobody = tasks.annotate(named=Count("assignments")).filter(named=0).count()
        if nobody:
            yield HomeItem(
                f"{round_.dated}：指派抽查人", f"抽到 {total} 个，还有 {nobody} 个没有指派", "去指派", url, due
            )


def _far_apart(round_: Round) -> set[int]:
    """Return the units marked when the round was last computed, and those whose sums differ as much as it allows.

    The landing page does not compute a round; nothing decides by this, the list of differences computes exactly.
    """
    results = Result.objects.filter(unit__round=round_).current().values_list("unit_id", "state", "flags")
    found = {unit_id for unit_id, state, flags in results if DIFFERENT in flags and state in OPEN}
    settled = {unit_id for unit_id, state, _ in results if state not in OPEN}
    sums: dict[int, list[Decimal]] = {}
    codes = [round_.compare_first, round_.compare_second]
    sheets = Assessment.objects.filter(unit__round=round_, source__code__in=codes, earned__isnull=False)
    for unit_id, earned in sheets.values_list("unit_id", "earned"):
        sums.setdefault(unit_id, []).append(earned or Decimal(0))
    limit = round_.divergence_points
    wide = {pk for pk, both in sums.items() if len(both) == 2 and limit is not None and abs(both[0] - both[1]) >= limit}
    return found | (wide - settled)


@home
def differences_to_check(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Tell the office how many written reasons of large differences wait for its tick."""
    if not scope(account, Action.MANAGE_ROUND):
        return
    for round_ in Round.objects.running().select_related("campaign"):
        rows = Assessment.objects.filter(unit__round=round_, source__code=round_.compare_second, reason_checked_at=None)
        number = rows.exclude(reason="").filter(unit__in=_far_apart(round_)).count()
        if number:
            url = reverse("divergences", args=[round_.pk])
            yield HomeItem(f"{round_.dated}：核对差异理由", f"{number} 个党支部已写明理由", "去核对", url)
