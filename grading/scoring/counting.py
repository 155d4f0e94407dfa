"""How one item is entered: as points, as one of its levels, or as events that are counted (每篇 0.5 分 × 3 篇).

What is stored is always the same figure: points earned, or for a 扣分 item the amount taken off. A 党总支's 细则
changes only how that figure comes about; it never changes what an item is worth, so the arithmetic of sheets knows
nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from grading.scoring.numbers import ZERO, plain
from grading.scoring.rules import CriterionKind, CriterionRule, LevelRule, NotApplicable
from grading.scoring.sheet import Entry, entry_problem

MOST_EVENTS = 999


class RefineMode(StrEnum):
    """What a 细则 does to the way an item is entered."""

    TEXT = "text"
    LEVELS = "levels"
    DEDUCTIONS = "deductions"


@dataclass(frozen=True, slots=True)
class Refinement:
    """A 细则 for one item."""

    mode: RefineMode
    options: tuple[LevelRule, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryShape:
    """How an item is entered: ``choices`` are the only points allowed, ``events`` are counted.

    ``from_full``: the item starts at its full points and every event takes some off, though it is no 扣分 item.
    """

    criterion: CriterionRule
    choices: tuple[LevelRule, ...] = ()
    events: tuple[LevelRule, ...] = ()
    from_full: bool = False

    @property
    def takes_off(self) -> bool:
        """Whether an event takes points off."""
        return self.from_full or self.criterion.kind is CriterionKind.DEDUCTION


def allowed_modes(criterion: CriterionRule) -> tuple[RefineMode, ...]:
    """Return what a 细则 may do with an item: points fixed by the rubric itself are never touched."""
    if criterion.kind is CriterionKind.POINTS:
        return (RefineMode.TEXT, RefineMode.LEVELS, RefineMode.DEDUCTIONS)
    if criterion.kind is CriterionKind.DEDUCTION and criterion.points > 0 and not criterion.levels:
        return (RefineMode.TEXT, RefineMode.DEDUCTIONS)
    return (RefineMode.TEXT,)


def entry_shape(criterion: CriterionRule, refinement: Refinement | None = None) -> EntryShape:
    """Return how an item is entered, with the 细则 in force if there is one."""
    if refinement is not None and refinement.options and refinement.mode in allowed_modes(criterion):
        if refinement.mode is RefineMode.LEVELS:
            return EntryShape(criterion, choices=refinement.options)
        if refinement.mode is RefineMode.DEDUCTIONS:
            from_full = criterion.kind is CriterionKind.POINTS
            return EntryShape(criterion, events=refinement.options, from_full=from_full)
    if criterion.kind is CriterionKind.LEVELS:
        return EntryShape(criterion, choices=criterion.levels)
    if criterion.kind in (CriterionKind.DEDUCTION, CriterionKind.BONUS):
        return EntryShape(criterion, events=criterion.levels)
    return EntryShape(criterion)


def event_total(shape: EntryShape, numbers: Mapping[str, int]) -> Decimal:
    """Return what the events come to before any limit."""
    return sum((event.points * numbers.get(event.label, 0) for event in shape.events), ZERO)


def counted_points(shape: EntryShape, numbers: Mapping[str, int]) -> Decimal:
    """Return the figure that is stored for counted events: 扣完为止, and a bonus up to its cap.

    A 扣分 item without points of its own takes off its whole section, so nothing limits it here.
    """
    total = event_total(shape, numbers)
    if shape.from_full:
        return max(shape.criterion.points - total, ZERO)
    if shape.criterion.kind is CriterionKind.DEDUCTION and shape.criterion.points == 0:
        return total
    return min(total, shape.criterion.points)


def count_problem(shape: EntryShape, numbers: Mapping[str, int]) -> str | None:
    """Return a sentence when counted events cannot be right for their item, else None."""
    known = {event.label for event in shape.events}
    for label, number in numbers.items():
        if label not in known:
            return f"{shape.criterion.code} 没有“{label}”这一项。"
        if not 0 <= number <= MOST_EVENTS:
            return f"{shape.criterion.code} “{label}”的次数应在 0 至 {MOST_EVENTS} 之间。"
    return None


def shape_problem(shape: EntryShape, entry: Entry, rule: NotApplicable) -> str | None:
    """Return a sentence when an entry cannot be right for its item as it is entered here, else None."""
    found = entry_problem(shape.criterion, entry, rule)
    if shape.criterion.kind is CriterionKind.POINTS and shape.choices and entry.points is not None and not found:
        allowed = [level.points for level in shape.choices]
        if entry.points not in allowed:
            return f"{shape.criterion.code} 按党总支细则只能选 {'、'.join(plain(points) for points in allowed)} 分。"
    return found


def refinement_problems(criterion: CriterionRule, refinement: Refinement) -> tuple[str, ...]:
    """Return what is wrong with a 细则: nothing in it may change what the item is worth."""
    found: list[str] = []
    options, full = refinement.options, plain(criterion.points)
    if refinement.mode not in allowed_modes(criterion):
        return (f"{criterion.code} 的分值由评分标准定死，细则只能写说明。",)
    if refinement.mode is RefineMode.TEXT:
        return (f"{criterion.code} 只作说明时不写分数。",) if options else ()
    if not options:
        return (f"{criterion.code} 请写出{'各档得分' if refinement.mode is RefineMode.LEVELS else '各项扣分'}。",)
    labels = [option.label for option in options]
    found += [f"{criterion.code} “{label}”写了两次。" for label in dict.fromkeys(labels) if labels.count(label) > 1]
    points = [option.points for option in options]
    if any(value > criterion.points for value in points):
        found.append(f"{criterion.code} 满分 {full} 分，细则里不能有超过 {full} 分的。")
    if refinement.mode is RefineMode.LEVELS:
        if any(value < 0 for value in points):
            found.append(f"{criterion.code} 各档得分不能小于 0。")
        if max(points) < criterion.points:
            found.append(f"{criterion.code} 最高一档应是满分 {full} 分：细则不改变分值。")
        if len(set(points)) != len(points):
            found.append(f"{criterion.code} 有两个档次分数相同。")
    elif any(value <= 0 for value in points):
        found.append(f"{criterion.code} 每项扣分应大于 0。")
    return tuple(found)
