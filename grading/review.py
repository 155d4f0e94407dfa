"""审核: each branch of a round beside the round before it, and what deserves a second look. About fifteen queries."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from branches import clock
from grading.models import Confirmation, Grade, Result, Round
from grading.promotion import COMPARED
from grading.services.promotion import earlier_grades
from grading.services.results import graded_units, standing

NEAR = Decimal(1)
FAR = 2
TIE = "同分"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What the review shows of one branch. `steps` up are positive; None where there is nothing to compare."""

    last: str = ""
    origins: tuple[str, ...] = ()
    steps_from_last: int | None = None
    computed: Grade | None = None
    proposed: Grade | None = None
    decided: Grade | None = None
    manual: bool = False
    reason: str = ""
    composite: Decimal | None = None
    near: str = ""
    tied: bool = False
    flags: tuple[str, ...] = ()
    confirmed: bool = False

    @property
    def chosen(self) -> Grade | None:
        """The grade people chose, the newest choice first."""
        return self.decided or self.proposed

    @property
    def steps_from_computed(self) -> int | None:
        """How far people moved the computed grade."""
        if self.chosen is None or self.computed is None:
            return None
        return self.computed.rank - self.chosen.rank

    @property
    def far(self) -> bool:
        """Whether it moved two grades or more, from the round before or by hand."""
        return any(abs(steps or 0) >= FAR for steps in (self.steps_from_last, self.steps_from_computed))

    @property
    def waits_for_person(self) -> bool:
        """Whether a tie at a cap is still to be decided by a person."""
        return self.tied and self.decided is None


def build(round_: Round) -> dict[int, Reviewed]:
    """Return by unit id what the review shows of the branches of a round that are graded."""
    last = earlier_grades(round_)
    lines = [(cut.minimum, cut.grade.label) for cut in round_.cut_offs.select_related("grade")]
    confirmed = set(
        Confirmation.objects.standing().filter(result__unit__round=round_).values_list("result_id", flat=True)
    )
    results = standing(round_, graded_units(round_), now=clock.now())
    tied = _tied([row for row in results.values() if TIE in row.flags])
    found: dict[int, Reviewed] = {}
    for pk, branch in round_.units.values_list("pk", "branch_id"):
        label, movement = last.get(branch, ("", None))
        compared = movement is not None and movement.move in COMPARED
        basis = Reviewed(
            last=label,
            origins=movement.origins if movement is not None else (),
            steps_from_last=movement.steps if movement is not None and compared else None,
        )
        result = results.get(pk)
        found[pk] = basis if result is None else _reviewed(basis, result, lines)
        if result is not None:
            found[pk] = replace(found[pk], confirmed=result.pk in confirmed, tied=pk in tied)
    return found


def _tied(results: list[Result]) -> set[int]:
    """Return which units stand at a tie of an enforced cap; derivations are large, so only marked ones are read."""
    stored = [row.pk for row in results if "derivation" in row.get_deferred_fields()]
    rows = [(row.unit_id, row.derivation) for row in results if row.pk not in stored]
    if stored:
        rows += Result.objects.filter(pk__in=stored).values_list("unit_id", "derivation")
    return {
        pk
        for pk, derivation in rows
        if any(cap["state"] == "tie" and cap["mode"] == "enforced" for cap in derivation.get("caps", ()))
    }


def _reviewed(basis: Reviewed, result: Result, lines: list[tuple[Decimal, str]]) -> Reviewed:
    """Add what the result says."""
    return replace(
        basis,
        computed=result.computed_grade,
        proposed=result.proposed_grade,
        decided=result.decided_grade,
        manual=result.manual,
        reason=result.manual_reason,
        composite=result.composite,
        near=next((label for line, label in lines if _is_near(result.composite, line)), ""),
        flags=tuple(result.flags),
    )


def _is_near(composite: Decimal | None, line: Decimal) -> bool:
    return composite is not None and abs(composite - line) <= NEAR


MARKS = {
    "manual": "人工调整",
    "near": "距分数线 1 分以内",
    "far": "变动两级以上",
    "tie": "同分待定",
}


def marked(reviews: Mapping[int, Reviewed], mark: str) -> set[int]:
    """Return the units that carry a mark."""
    tests = {
        "manual": lambda row: row.manual,
        "near": lambda row: bool(row.near),
        "far": lambda row: row.far,
        "tie": lambda row: row.waits_for_person,
    }
    return {pk for pk, row in reviews.items() if tests[mark](row)}


def steps_words(steps: int | None) -> str:
    """Say a movement: ↑1, ↓2, 持平."""
    if steps is None:
        return "—"
    if steps == 0:
        return "持平"
    return f"↑{steps} 级" if steps > 0 else f"↓{-steps} 级"
