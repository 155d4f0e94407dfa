"""Judging the names in the column of the general branch: which are units, which are slips to be asked about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from branches.intake.matching import is_abbreviation, name_key, nearest
from branches.intake.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class UnitMention:
    """One row's unit and branch as written."""

    unit: str
    branch: str


@dataclass(frozen=True, slots=True)
class UnitDoubt:
    """Why a unit's name is not believed, and what it may mean."""

    reason: str
    code: str
    suggestions: tuple[str, ...] = ()


def unit_core(name: str, vocabulary: Vocabulary) -> str:
    """Return the name without 党总支 or its like: 体育学院党总支 -> 体育学院."""
    key = name_key(name)
    for suffix in sorted(vocabulary.general_suffixes, key=len, reverse=True):
        if key.endswith(suffix) and key != suffix:
            return key.removesuffix(suffix)
    return key


def is_branch_name(name: str, vocabulary: Vocabulary) -> bool:
    """True when the text names a 党支部 rather than a 党总支."""
    key = name_key(name)
    return key.endswith(vocabulary.branch_suffixes) and not key.endswith(vocabulary.general_suffixes)


def judge_units(mentions: Sequence[UnitMention], known: Sequence[str], vocabulary: Vocabulary) -> dict[str, UnitDoubt]:
    """Return the doubtful unit names with the reason; names that may stand are not in the answer.

    A name is believed when the tree knows it, or when branches speak for it: several stand under it and none of their
    own names begins with another unit's. A name that is another's with characters left out, or the common tail of
    several, and that nothing speaks for, is asked about.
    """
    known_keys = {name_key(name) for name in known}
    rows: dict[str, list[str]] = {}
    for mention in mentions:
        rows.setdefault(mention.unit, []).append(mention.branch)
    cores = {unit: unit_core(unit, vocabulary) for unit in (*rows, *known) if not is_branch_name(unit, vocabulary)}
    doubts: dict[str, UnitDoubt] = {}
    for unit, branches in rows.items():
        if name_key(unit) in known_keys:
            continue
        doubt = _doubt(unit, branches, cores, rows, vocabulary)
        if doubt is not None:
            doubts[unit] = doubt
    return doubts


def _doubt(
    unit: str, branches: list[str], cores: Mapping[str, str], rows: Mapping[str, list[str]], vocabulary: Vocabulary
) -> UnitDoubt | None:
    if is_branch_name(unit, vocabulary):
        return UnitDoubt("所属党总支写的是党支部的名称，上级不能是党支部（指向自身或循环）", "unit_is_branch")
    core, weight = cores[unit], len(branches)
    twins = [other for other in cores if other != unit and cores[other] == core]
    if twins and weight < max(len(rows.get(other, ())) or weight + 1 for other in twins):
        return _single(unit, twins[0])
    similar = [other for other in cores if other != unit and cores[other] != core and _may_mean(core, cores[other])]
    spoken = [_speaks_for(branch, cores) for branch in branches]
    elsewhere = [other for other in spoken if other is not None and cores[other] != core]
    if not similar or (len(elsewhere) < len(branches) and (weight > 1 or any(spoken))):
        return None
    if len(similar) > 1:
        named = [other for other in dict.fromkeys(elsewhere) if other in similar]
        if len(named) == 1:
            similar = named
    if len(similar) == 1:
        return _single(unit, similar[0])
    shown = "、".join(f"“{other}”" for other in similar[:3])
    return UnitDoubt(f"“{unit}”同时像{len(similar)}个党总支（{shown}等），指向不明", "unit_ambiguous", tuple(similar))


def _single(unit: str, other: str) -> UnitDoubt:
    return UnitDoubt(f"“{unit}”不是已知的党总支，是否指“{other}”？请确认", "unit_unknown", (other,))


def _may_mean(core: str, other: str) -> bool:
    """True when the core is another's with characters left out, or a piece of it."""
    if len(core) > len(other):
        return False
    return core in other or is_abbreviation(core, other)


def _speaks_for(branch: str, cores: Mapping[str, str]) -> str | None:
    """Return the unit with the longest core that the branch's own name begins with, or None."""
    key = name_key(branch)
    fitting = [unit for unit, core in cores.items() if core and key.startswith(core)]
    return max(fitting, key=lambda unit: len(cores[unit]), default=None)


def unit_suggestions(unit: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return known units that a new name resembles closely enough to ask."""
    return nearest(name_key(unit), [name_key(name) for name in known])
