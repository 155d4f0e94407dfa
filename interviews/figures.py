"""The figure talks give to rubrics: how many of those to be talked with one to one have been."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from branches import clock
from branches.models import Placement
from branches.registries import figure
from interviews.counting import Coverage
from interviews.figures_kept import coverage

CODE = "interview_coverage"


@figure(
    CODE,
    name="访谈覆盖率",
    definition=(
        "一对一访谈过的教职工和学生 ÷ 名册上应访谈的教职工和学生，按人计，座谈延伸不算；"
        "支部自己没有名册的，用所属党总支的。为保护个人而不显示人数的单位算不出来。"
    ),
)
def interview_coverage(round_: Any, units: Sequence[Any]) -> Mapping[int, Fraction | None]:
    """Return the exact share by unit of a round; None where there is no roster or its counts may not be shown."""
    now = clock.now()
    parents = dict(
        Placement.objects.on(now.date())
        .filter(branch__in=[unit.branch_id for unit in units])
        .values_list("branch_id", "parent_id")
    )
    found: dict[int, Fraction | None] = {}
    for unit in units:
        own = coverage(round_.campaign, unit.branch_id, now)
        above = parents.get(unit.branch_id)
        shown = own or (coverage(round_.campaign, above, now) if above else None)
        found[unit.pk] = share(shown) if shown else None
    return found


def share(shown: Coverage) -> Fraction | None:
    """Return done ÷ people over all categories of a unit, or None when one of them is not shown."""
    people = done = 0
    for tables in shown.tables.values():
        total = next(iter(tables.values())).total
        if total.people is None or total.done is None:
            return None
        people, done = people + total.people, done + total.done
    return Fraction(done, people) if people else None
