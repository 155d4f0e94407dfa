"""The order the steps of a round may stand in. Knows no Django."""

from collections.abc import Iterable, Iterator, Sequence

# A step, and those that must stand before it where the round has them: what it works on, or what it follows.
SCORED = ("self", "appraisal", "annual", "superior")
BEFORE = {
    "propose": SCORED,
    "decide": (*SCORED, "spot_check", "propose"),
    "confirm": (*SCORED, "spot_check", "propose", "decide"),
    "publicity": (*SCORED, "spot_check", "propose", "decide", "confirm"),
}
LAST = "final"


def order_problems(steps: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a sentence for each step (code, name) that stands before something it needs."""
    listed = list(steps)
    for place, (code, name) in enumerate(listed):
        later = listed[place + 1 :]
        if code == LAST:
            if later:
                yield f"“{name}”应是最后一步，现在后面还有{_names([other for _, other in later])}。"
        elif early := [other for step, other in later if step in BEFORE.get(code, ())]:
            yield f"“{name}”应在{_names(early)}之后。"


def _names(names: Sequence[str]) -> str:
    return "、".join(f"“{name}”" for name in names)
