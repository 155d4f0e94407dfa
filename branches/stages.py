"""How far a campaign is: the state of its stages, for the timeline on every page that shows one."""

import datetime as dt
from collections.abc import Sequence

from branches import charts
from branches.models import Campaign, Stage

SAID: dict[charts.StageState, str] = {"done": "已过", "now": "进行中", "todo": "未开始"}


def state_of(stage: Stage, today: dt.date) -> charts.StageState:
    """Return whether a stage is over, under way or still to come; a stage counts through its last day."""
    if stage.ends_on < today:
        return "done"
    return "now" if stage.starts_on <= today else "todo"


def timeline(stages: Sequence[Stage], today: dt.date) -> charts.Timeline | None:
    """Lay the stages of one campaign on a month axis."""
    spans = []
    for stage in stages:
        state = state_of(stage, today)
        spans.append(charts.StageSpan(stage.ordinal, stage.name, stage.starts_on, stage.ends_on, state, SAID[state]))
    return charts.timeline(spans, today)


def present(stages: Sequence[Stage], today: dt.date) -> list[Stage]:
    """Return the stages under way."""
    return [stage for stage in stages if state_of(stage, today) == "now"]


def remaining(stages: Sequence[Stage], today: dt.date) -> str:
    """Say how long the stage that ends next still runs: 本阶段还剩 13 天; "" between stages."""
    under_way = present(stages, today)
    if not under_way:
        return ""
    days = (min(stage.ends_on for stage in under_way) - today).days
    return f"本阶段还剩 {days} 天" if days else "本阶段今天结束"


def shown_on_home(campaigns: Sequence[Campaign], today: dt.date) -> list[Campaign]:
    """Return the campaigns under way, or the newest one when none is; two at most."""
    running = [one for one in campaigns if one.starts_on <= today <= one.ends_on]
    return (running or list(campaigns[:1]))[:2]
