"""What two looks at figures may differ by: each line changes by nobody or by the set size at least. Pure, no Django.

A line of a table is known by its counts, which divide its people; they add up to its people. New counts take the place
of those last shown only where every one of them is as it was or differs by `least` at least. What a whole less its
parts changes by is looked at likewise: then the parts that changed least stay as they were. What is not to be shown now
stays as it was known: that it had become a small count would be told otherwise. A line that lags far behind is hidden.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
Counts = tuple[int, ...]
Family = tuple[K, Sequence[K]]  # a whole, and parts of it that share nobody


def is_far(changes: Counts, least: int) -> bool:
    """Tell whether every change is none at all, or of as many as the set size.

    Where people came or left the last count, of all the others, says nothing that the number of people does not.
    """
    looked_at = changes if len(changes) == 1 or not sum(changes) else changes[:-1]
    return all(not one or abs(one) >= least for one in looked_at)


def lags(shown: Counts, true: Counts, least: int) -> bool:
    """Tell whether what is shown lags so far behind that it misleads: by twice the set size."""
    return any(abs(one) >= 2 * least for one in _less(true, shown)[: max(1, len(true) - 1)])


def _less(after: Counts, before: Counts) -> Counts:
    return tuple(a - b for a, b in zip(after, before, strict=True))


def settle(
    known: Mapping[K, Counts], new: Mapping[K, Counts], families: Sequence[Family[K]], least: int
) -> dict[K, Counts]:
    """Return what is shown of `new` where `known` was shown before."""
    chosen = {
        key: counts if key not in known or is_far(_less(counts, known[key]), least) else known[key]
        for key, counts in new.items()
    }
    changed = True
    while changed:
        changed = False
        for whole, parts in families:
            while (back := _too_near(known, chosen, whole, parts, least)) is not None:
                chosen[back] = known[back]
                changed = True
    return chosen


def _too_near(
    known: Mapping[K, Counts], chosen: Mapping[K, Counts], whole: K, parts: Sequence[K], least: int
) -> K | None:
    """Return the part to be shown as it was, because what the whole leaves of its parts changes by too few; or None."""
    if whole not in known or whole not in chosen:
        return None
    rest = _less(chosen[whole], known[whole])
    moved: list[tuple[int, K]] = []
    for part in parts:
        if part in known and part in chosen and chosen[part] != known[part]:
            change = _less(chosen[part], known[part])
            rest = _less(rest, change)
            moved.append((max(map(abs, change)), part))
    return None if is_far(rest, least) or not moved else min(moved, key=lambda pair: pair[0])[1]
