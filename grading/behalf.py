"""代录: somebody above enters the sheets of many branches, one after another."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from branches.permissions import Action, scope
from grading.board import HANDED_IN
from grading.models import Assessment, RoundUnit, Source


@dataclass(frozen=True, slots=True)
class Errand:
    """How far one 党总支 is with a sheet, seen from one of its branches: how many are in, and which comes next."""

    total: int
    filed: int
    following: RoundUnit | None
    list_url: str

    @property
    def left(self) -> int:
        """How many branches have not handed the sheet in."""
        return self.total - self.filed


def errand(account: Any, unit: RoundUnit, source: Source) -> Errand:
    """Return what is left to enter beside `unit`: the next branch in the list that owes the sheet, past its end too."""
    rows = RoundUnit.objects.filter(round=unit.round_id, graded=True).within(scope(account, Action.FILL_ASSESSMENT))
    units = [row for row in rows.only("round_id", "name", "parent_id", "direct") if row.group == unit.group]
    done = set(
        Assessment.objects.filter(unit__in=units, source=source, state__in=HANDED_IN).values_list("unit_id", flat=True)
    )
    here = next((place for place, row in enumerate(units) if row.pk == unit.pk), -1)
    ahead = [*units[here + 1 :], *units[: max(here, 0)]]
    following = next((row for row in ahead if row.pk not in done), None)
    url = f"{reverse('round-units', args=[unit.round_id])}?unit={unit.group}"
    return Errand(len(units), len(done), following, url)
