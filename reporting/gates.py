"""What reporting demands before a round moves on."""

import datetime as dt
from collections.abc import Iterator

from branches.registries import gate
from grading.models import Round
from reporting.making.kinds import BY_SLUG


@gate(Round, Round.State.SELF)
def returns_name_known_forms(round_: Round, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Refuse a round that wants a form back which nobody can print, or from a level it is not made for."""
    for rule in round_.returns.all():
        kind = BY_SLUG.get(rule.kind)
        if kind is None or rule.level not in kind.levels:
            yield f"本轮要求交回“{rule}”，系统里没有这种报表。请在“盖章件”里重新选择交回要求。"
