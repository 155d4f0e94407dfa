"""Coverage as rows: what was last shown of each line, and the tables made of it and of a new count."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from interviews.counting import Coverage, Line, Table
from interviews.over_time import Counts, Family, lags, settle

Key = tuple[str, int, str, int]  # category, unit (0: all), view, line
Tables = Mapping[int | None, Coverage]
Known = dict[str, dict[Key, Counts]]  # by block
FIELDS = {
    "people": ("people",),
    "talks": ("done", "overdue"),
    "extended": ("extended",),
    "revisits": ("revisited", "to_revisit"),
}
ALL = tuple(name for names in FIELDS.values() for name in names)


def _key(code: str, unit: int | None, dimension: str, line: Line) -> Key:
    """Name a line; the total of a unit's page is the unit's line of the whole."""
    if dimension == "total":
        return (code, 0, "unit", unit) if unit else (code, 0, "total", 0)
    return (code, unit or 0, dimension, line.key)


def _lines(tables: Tables) -> Iterator[tuple[Key, Line]]:
    for unit, found in tables.items():
        for code, views in found.tables.items():
            for dimension, table in views.items():
                yield from ((_key(code, unit, dimension, line), line) for line in table.lines)
                yield _key(code, unit, "total", table.total), table.total


def _counts(line: Line, block: str) -> Counts | None:
    values = [getattr(line, name) for name in FIELDS[block]]
    if line.people is None or None in values:
        return None
    return tuple(values) if block == "people" else (*values, line.people - sum(values))


def _families(tables: Tables) -> list[Family[Key]]:
    """Return which lines make up which: units the whole, classes and lists of interviewers a unit, and focus groups."""
    found: list[Family[Key]] = []
    units: dict[str, list[Key]] = defaultdict(list)
    focus: dict[tuple[str, int], list[Key]] = defaultdict(list)
    for unit, page in tables.items():
        for code, views in page.tables.items():
            whole = _key(code, unit, "total", next(iter(views.values())).total)
            if unit:
                units[code].append(whole)
            for dimension, table in views.items():
                keys = [_key(code, unit, dimension, line) for line in table.lines]
                if dimension == "focus":
                    found += [(whole, [key]) for key in keys]
                    for key in keys if unit else ():
                        focus[code, key[3]].append(key)
                elif unit:
                    found.append((whole, keys))
    tops: list[Family[Key]] = [((code, 0, "total", 0), keys) for code, keys in units.items()]
    return tops + [((code, 0, "focus", group), keys) for (code, group), keys in focus.items()] + found


def _all_counts(tables: Tables) -> Known:
    found: Known = {block: {} for block in FIELDS}
    for key, line in _lines(tables):
        for block in FIELDS:
            if (counts := _counts(line, block)) is not None:
                found[block][key] = counts
    return found


def steadied(known: Known, tables: Tables, unhidden: Tables) -> tuple[dict[int | None, Coverage], Known]:
    """Return the tables that may be shown after what is `known`, and what is known after them.

    `tables` hold what may be shown by itself, `unhidden` everything, to see how far a line lags behind.
    """
    least = tables[None].least
    families, new, true = _families(tables), _all_counts(tables), _all_counts(unhidden)
    chosen: Known = {}
    for block in FIELDS:
        before, current = _still(known.get(block, {}), least), new[block]
        if block == "people":
            settled = settle(before, current, families, least)
            chosen[block] = {
                key: counts for key, counts in settled.items() if not lags(counts, true[block][key], least)
            }
            continue
        people = chosen["people"]
        current = {key: before[key] for key in people if key in before} | _of(people, current)
        settled = settle(before, current, families, least)
        chosen[block] = {  # counts of another number of people are not shown beside it
            key: counts
            for key, counts in settled.items()
            if sum(counts) == people[key][0] and not lags(counts, true[block][key], least)
        }
    shown = {unit: _page(unit, page, chosen) for unit, page in tables.items()}
    return shown, {block: known.get(block, {}) | chosen[block] for block in FIELDS}


def _still(known: Mapping[Key, Counts], least: int) -> dict[Key, Counts]:
    """Return what was known and may be shown with the set size of today."""
    return {key: counts for key, counts in known.items() if not any(0 < one < least for one in counts)}


def _of(people: Mapping[Key, Counts], counted: Mapping[Key, Counts]) -> dict[Key, Counts]:
    """Return counts as parts of the people that are shown, whose number may lag behind."""
    found = {}
    for key, counts in counted.items():
        if key not in people:
            continue
        rest = people[key][0] - sum(counts[:-1])
        if rest >= 0:
            found[key] = (*counts[:-1], rest)
    return found


def _page(unit: int | None, page: Coverage, chosen: Known) -> Coverage:
    def line(key: Key, counted: Line) -> Line:
        values: dict[str, Any] = {}
        for block, names in FIELDS.items():
            counts = chosen[block].get(key)
            values |= dict(zip(names, counts or (None,) * len(names), strict=False))
        return replace(counted, **values)

    tables = {
        code: {
            dimension: replace(
                table,
                lines=tuple(line(_key(code, unit, dimension, one), one) for one in table.lines),
                total=line(_key(code, unit, "total", table.total), table.total),
            )
            for dimension, table in views.items()
        }
        for code, views in page.tables.items()
    }
    return replace(page, tables=tables)


# --- as JSON -------------------------------------------------------------------------------------------------------


def dump_known(known: Known) -> list[Any]:
    """Return what is known as JSON."""
    return [[block, *key, *counts] for block, lines in known.items() for key, counts in lines.items()]


def load_known(rows: list[Any]) -> Known:
    """Return what was dumped."""
    found: Known = {block: {} for block in FIELDS}
    for block, code, unit, dimension, key, *counts in rows:
        found[block][code, unit, dimension, key] = tuple(counts)
    return found


def _dump_line(line: Line) -> list[Any]:
    return [line.key, line.label, *(getattr(line, name) for name in ALL)]


def dump_tables(tables: Tables) -> list[Any]:
    """Return tables as JSON."""
    return [
        [
            unit, page.name, page.least, page.categories,
            {
                code: {
                    dimension: [[_dump_line(line) for line in table.lines], _dump_line(table.total)]
                    for dimension, table in views.items()
                }
                for code, views in page.tables.items()
            },
        ]
        for unit, page in tables.items()
    ]  # fmt: skip


def load_tables(rows: list[Any], counted_at: dt.datetime) -> dict[int | None, Coverage]:
    """Return what was dumped."""

    def line(key: int, label: str, *values: int | None) -> Line:
        return Line(key=key, label=label, **dict(zip(ALL, values, strict=True)))

    found: dict[int | None, Coverage] = {}
    for unit, name, least, categories, views_of in rows:
        tables = {
            code: {
                dimension: Table(dimension, tuple(line(*one) for one in lines), line(*total))
                for dimension, (lines, total) in views.items()
            }
            for code, views in views_of.items()
        }
        found[unit] = Coverage(name, tuple((code, said) for code, said in categories), tables, counted_at, least)
    return found
