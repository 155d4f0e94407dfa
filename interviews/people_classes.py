"""Classes that a list of people would create: each is pointed at, and what looks like a slip more closely. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from branches.intake.matching import nearest
from branches.intake.shapes import Problem, Severity

Class = tuple[int, str]  # unit, name
NEAR = 0.85
FEW = 5  # a new class with a fifth of another's people may be a slip of that one's name
SAID = 5
MOST_COMPARED = 20_000


@dataclass(frozen=True, slots=True)
class InClass:
    """A row that puts somebody into a new class, and the cell that says so."""

    group: Class
    sheet: str
    cell: str


def new_class_warnings(rows: Sequence[InClass], known: Collection[Class], units: Mapping[int, str]) -> list[Problem]:
    """Return a warning for every new class, at the first cell that names it; `known` classes exist already.

    The first classes of a unit are told in one warning; of these only what looks like a slip is told by itself too.
    """
    first: dict[Class, InClass] = {}
    for row in rows:
        first.setdefault(row.group, row)
    sizes, having = Counter(row.group for row in rows), {unit for unit, _ in known}
    near, elsewhere = _near(sizes, known), _elsewhere({*known, *first}, units)
    begun: set[int] = set()
    found: list[Problem] = []
    for (unit, name), row in first.items():
        place, meant = units.get(unit, ""), near.get((unit, name), ())
        if unit not in having | begun:
            begun.add(unit)
            names = [called for of, called in first if of == unit]
            more = f"等 {len(names)} 个" if len(names) > SAID else ""
            found.append(
                _warning(row, f"{place}还没有班级，将新建班级“{'”“'.join(names[:SAID])}”{more}", "class_first")
            )
        if unit in having or meant:
            asked = f"是不是“{'”“'.join(meant)}”？" if meant else "请核对班级写法"
            found.append(_warning(row, f"将新建班级“{name}”（{place}，{sizes[unit, name]} 人），{asked}", "class_new"))
        if others := [other for other in elsewhere.get(name, []) if other != place]:
            found.append(_warning(row, f"“{name}”在{'、'.join(others)}也有，请核对单位和班级", "class_elsewhere"))
    return found


def _warning(row: InClass, reason: str, code: str) -> Problem:
    return Problem(row.sheet, row.cell, Severity.WARNING, reason, code)


def _elsewhere(classes: Collection[Class], units: Mapping[int, str]) -> dict[str, list[str]]:
    """Return the units that have a class of each name."""
    found: dict[str, list[str]] = {}
    for unit, name in sorted(classes):
        if units.get(unit):
            found.setdefault(name, []).append(units[unit])
    return found


def _near(sizes: Mapping[Class, int], known: Collection[Class]) -> dict[Class, tuple[str, ...]]:
    """Return the names of the same unit each new class may have meant: existing ones, and much larger new ones."""
    existing: dict[int, list[str]] = {}
    coming: dict[int, list[tuple[str, int]]] = {}
    for unit, name in known:
        existing.setdefault(unit, []).append(name)
    for (unit, name), size in sizes.items():
        coming.setdefault(unit, []).append((name, size))
    if sum(len(existing.get(unit, ())) + len(coming[unit]) for unit, _ in sizes) > MOST_COMPARED:
        return {}
    return {
        (unit, name): nearest(
            name, [*existing.get(unit, ()), *(one for one, many in coming[unit] if many >= FEW * size)], NEAR
        )
        for (unit, name), size in sizes.items()
    }
