"""Template side of grading: looking a figure up, a cap in words."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from django import template

from grading.models import Cap, Gate, Round, Source, form_names
from grading.scoring.derivation import CapOutcome
from grading.scoring.explain import CAP_STATES
from grading.scoring.numbers import percent, round_half_up
from grading.scoring.rules import SOURCE_FIGURE, line_text

register = template.Library()


@register.filter
def at(counts: Mapping[str, Any], key: str) -> Any:
    """Return what a mapping holds under a key, 0 when nothing."""
    return counts.get(key, 0)


@register.filter
def cap_words(cap: CapOutcome) -> str:
    """Return how a cap stands: 先进最多 3 个，现在 4 个，超出名额."""
    side = "最多" if cap.side == "at_most" else "至少"
    label = cap.grade.label if cap.group else f"全校{cap.grade.label}"
    return f"{label}{side} {cap.allowed} 个，测算 {cap.counted} 个，{CAP_STATES.get(cap.state, cap.state)}"


@register.filter
def gate_line(gate: Gate) -> str:
    """Return the line of a gate as people write it: 90%, or 60 分（百分制） where it asks for the score of a source."""
    said = line_text(gate.figure, gate.minimum)
    return f"{said}（百分制）" if gate.figure.startswith(SOURCE_FIGURE) else said


@register.filter
def form_name(round_: Round, kind: str) -> str:
    """Return what the round's notice calls a form in a sentence: 附件4, else its title."""
    return form_names(round_)[kind].short


@register.filter
def tie_names(cap: Cap, sources: Iterable[Source]) -> list[str]:
    """Return the names of the sources that break a tie, in their order."""
    names = {source.code: source.name for source in sources}
    return [names[code] for code in cap.tie_breaks if code in names]


@register.filter
def exact2(value: Fraction | None) -> str:
    """Return an exact figure with two decimals, half up; a dash without one."""
    return "—" if value is None else format(round_half_up(value, 2), "f").replace("-", "−")


@register.filter
def share_percent(value: Fraction | None) -> str:
    """Write an exact share as a percentage with two places, only to be shown."""
    return "" if value is None else percent(value)
