"""What waits for a 党总支 about 细则, and for those who keep rubrics about drafts."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.urls import reverse

from branches.models import Account, Branch
from branches.permissions import Action, scope
from branches.registries import HomeItem, home
from grading.models import LocalGuidance, Round, Rubric
from grading.services import guidance


@home
def local_guidance(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Remind a 党总支 of drafts of 细则, and that 细则 may be written while none are."""
    held = scope(account, Action.DRAFT_GUIDANCE).held
    if not held:
        return
    may_publish = bool(scope(account, Action.PUBLISH_GUIDANCE))
    waiting = Round.objects.filter(state__in=[Round.State.PREPARING, Round.State.SELF], campaign__backfill=False)
    for round_ in waiting.select_related("campaign").prefetch_related("steps", "rubrics"):
        if guidance.why_closed(round_, now.date()):
            continue
        for parent in guidance.parents(round_, held, now.date()):
            if parent.level == Branch.Level.COMMITTEE or parent.pk not in held.roots:
                continue
            states = list(LocalGuidance.objects.filter(round=round_, parent=parent).values_list("state", flat=True))
            drafts = states.count(LocalGuidance.State.DRAFT)
            url = f"{reverse('guidance', args=[round_.pk])}?parent={parent.pk}"
            due = guidance.last_day(round_)
            name: str = parent.name  # type: ignore[attr-defined]
            if drafts and may_publish:
                yield HomeItem(f"{round_.dated}：发布细则", f"{name}，草稿 {drafts} 条", "去发布", url, due)
            elif not states:
                detail = f"{name}，可写说明、分档或扣分办法，不需要的可不写"
                yield HomeItem(f"{round_.dated}：细化评分标准", detail, "去看看", url, due)


@home
def criteria_to_read(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Tell a branch, before it has a sheet, by what it will be scored and that its 党总支 has refined it."""
    own = scope(account, Action.FILL_ASSESSMENT)
    rows: Any = Branch.objects.as_of(now.date()).branches_only().filter(pk__in=own.roots)
    parents = {row.parent_id for row in rows}
    if not parents:
        return
    found = LocalGuidance.objects.filter(round__state=Round.State.PREPARING, parent__in=parents).in_force()
    counted = Counter(row.round for row in found.select_related("round__campaign") if not row.empty)
    for round_, number in counted.items():
        url = reverse("criteria", args=[round_.pk])
        yield HomeItem(f"{round_.dated}：看评分标准", f"党总支已发布细则 {number} 条，自评时按它打分", "去看看", url)


@home
def rubric_drafts(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Ask those who keep rubrics to look drafts over and publish them."""
    if not scope(account, Action.MAINTAIN_RUBRICS):
        return
    for row in Rubric.objects.filter(state=Rubric.State.DRAFT).order_by("code", "version"):
        detail = f"第 {row.version} 版，发布后才能在轮次里指定"
        yield HomeItem(f"核对草稿：{row.title}", detail, "去核对", reverse("rubric", args=[row.pk]))
