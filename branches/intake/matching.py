"""Matching written names with known branches: equal names match, similar ones are proposed, nothing merges silently."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

from branches.intake.marks import MarksRow
from branches.intake.shapes import AnnualRow, AppraisalRow
from branches.intake.values import is_han

MINIMUM_LIKENESS = 0.7
ABBREVIATION_LIKENESS = 0.95  # a name that only leaves characters out, in order
ACROSS_UNITS = 0.9  # how like a branch of another unit must be
_NUMERALS = re.compile(r"\d+|[一二三四五六七八九十]+|[甲乙丙丁戊己庚辛]")
WITHIN = 0.15  # proposals this far behind the best are not worth showing
MAXIMUM_PROPOSALS = 3
MAXIMUM_COMPARISONS = 50_000  # beyond it only branches of the same unit are compared


@dataclass(frozen=True, slots=True)
class KnownBranch:
    """A branch of the tree (or of a reading): `key` is the caller's, `unit_name` its 党总支, "" for a direct branch."""

    key: str
    name: str
    unit_name: str = ""
    aliases: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class WantedName:
    """A branch as a file names it. `unit_name` None: the file does not say; "": directly under the committee."""

    name: str
    unit_name: str | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A known branch that a written name may mean, with how alike they are (0 to 1)."""

    key: str
    name: str
    likeness: float


@dataclass(frozen=True)
class MatchResult:
    """The answer, by the position of each wanted name. `missing` are known branches that nothing names or may name."""

    exact: dict[int, str] = field(default_factory=dict)
    proposals: dict[int, tuple[Proposal, ...]] = field(default_factory=dict)
    unknown: tuple[int, ...] = ()
    duplicates: dict[int, int] = field(default_factory=dict)  # a second naming -> the first of the same branch
    missing: tuple[KnownBranch, ...] = ()

    def resolved(self, answers: dict[int, str | None]) -> dict[int, str]:
        """Return position -> key after a person's answers (None: none of the proposals).

        Raises ValueError when an answer names a key that was not proposed or is taken.
        """
        keys = dict(self.exact)
        taken = set(self.exact.values())
        for position, key in answers.items():
            if key is None:
                continue
            if key not in {proposal.key for proposal in self.proposals.get(position, ())} or key in taken:
                raise ValueError("所选支部不在候选之列，或已被另一行对应。")
            keys[position] = key
            taken.add(key)
        return keys


@lru_cache(maxsize=20_000)
def name_key(name: str) -> str:
    """Return what two equal names share: trimmed, line breaks dropped, digits, letters and brackets narrow.

    Spaces inside stay: a name that differs by one is proposed, not merged.
    """
    lines = [line.strip() for line in name.strip().splitlines()]
    return "".join(char if is_han(char) else unicodedata.normalize("NFKC", char) for char in "".join(lines)).casefold()


def likeness(one: str, other: str, floor: float = 0) -> float:
    """Return how alike two names are; one that only leaves characters of the other out counts as an abbreviation.

    What cannot reach `floor` is 0 at once: comparing whole schools stays quick.
    """
    one, other = "".join(one.split()), "".join(other.split())
    if one == other:
        return 1.0
    if numbered_apart(one, other):
        return 0.0
    shorter, longer = sorted((one, other), key=len)
    short_form = 0.0
    if len(shorter) >= 4 and is_abbreviation(shorter, longer):
        short_form = ABBREVIATION_LIKENESS - 0.2 * (1 - len(shorter) / len(longer))
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < floor:
        return short_form
    return max(short_form, matcher.ratio())


def numbered_apart(one: str, other: str) -> bool:
    """True when the names differ in a number: 第一 and 第二 are never the same branch; 09级 and 2009级 may be."""
    runs, others = _NUMERALS.findall(one), _NUMERALS.findall(other)
    if len(runs) != len(others):
        return False
    return any(not (a.endswith(b) or b.endswith(a)) for a, b in zip(runs, others, strict=True))


def is_abbreviation(short: str, long: str) -> bool:
    """True when `short` is `long` with characters left out and the same first character."""
    if not short or not long or short[0] != long[0]:
        return False
    rest = iter(long)
    return all(char in rest for char in short)


def wanted_names(rows: Iterable[AnnualRow | AppraisalRow | MarksRow]) -> list[WantedName]:
    """Return the names of a reading's rows for `match_names`, in order."""
    return [WantedName(row.name, "" if row.direct else row.general_branch) for row in rows]


def match_names(wanted: Sequence[WantedName], known: Iterable[KnownBranch]) -> MatchResult:
    """Match written names with known branches.

    A code that agrees decides. Else the name (or an alias) must be equal and unique within the unit, or unique in the
    whole tree when the unit is not stated or not known. Everything else is proposed or unknown.
    """
    branches = list(known)
    exact: dict[int, str] = {}
    first_of: dict[str, int] = {}
    duplicates: dict[int, int] = {}
    open_positions: list[int] = []
    index = _Index(branches)
    for position, want in enumerate(wanted):
        branch = index.exact(want)
        if branch is None:
            open_positions.append(position)
        elif branch.key in first_of:
            duplicates[position] = first_of[branch.key]
        else:
            exact[position] = branch.key
            first_of[branch.key] = position
    free = [branch for branch in branches if branch.key not in first_of]
    proposals, unknown = _propose(wanted, open_positions, free, index)
    possible = {found[0].key for found in proposals.values()}
    missing = tuple(branch for branch in free if branch.key not in possible)
    return MatchResult(exact, proposals, tuple(unknown), duplicates, missing)


class _Index:
    """Known branches by code, by unit and name, and by name alone."""

    def __init__(self, branches: list[KnownBranch]) -> None:
        self.by_code = {branch.code: branch for branch in branches if branch.code}
        self.units = {name_key(branch.unit_name) for branch in branches}
        self._by_name: dict[str, list[KnownBranch]] = {}
        for branch in branches:
            for name in dict.fromkeys(name_key(text) for text in (branch.name, *branch.aliases) if text):
                self._by_name.setdefault(name, []).append(branch)

    def exact(self, want: WantedName) -> KnownBranch | None:
        """Return the one branch that bears the name, or None."""
        if want.code and want.code in self.by_code:
            return self.by_code[want.code]
        found = self._by_name.get(name_key(want.name), [])
        if want.unit_name is not None and name_key(want.unit_name) in self.units:
            unit = name_key(want.unit_name)
            found = [branch for branch in found if name_key(branch.unit_name) == unit]
        return found[0] if len(found) == 1 else None


def _propose(
    wanted: Sequence[WantedName], positions: list[int], free: list[KnownBranch], index: _Index
) -> tuple[dict[int, tuple[Proposal, ...]], list[int]]:
    by_unit: dict[str, list[KnownBranch]] = {}
    for branch in free:
        by_unit.setdefault(name_key(branch.unit_name), []).append(branch)
    everywhere = len(positions) * len(free) <= MAXIMUM_COMPARISONS
    proposals: dict[int, tuple[Proposal, ...]] = {}
    unknown: list[int] = []
    for position in positions:
        want = wanted[position]
        found: tuple[Proposal, ...] = ()
        if want.unit_name is not None and name_key(want.unit_name) in index.units:
            found = _best(want.name, by_unit.get(name_key(want.unit_name), []), MINIMUM_LIKENESS)
        if not found and everywhere:
            found = _best(want.name, free, MINIMUM_LIKENESS if want.unit_name is None else ACROSS_UNITS)
        if found:
            proposals[position] = found
        else:
            unknown.append(position)
    return proposals, unknown


def _best(name: str, branches: list[KnownBranch], floor: float) -> tuple[Proposal, ...]:
    scored: list[Proposal] = []
    key = name_key(name)
    for branch in branches:
        best = max(likeness(key, name_key(text), floor) for text in (branch.name, *branch.aliases))
        if best >= floor:
            scored.append(Proposal(branch.key, branch.name, round(best, 3)))
    scored.sort(key=lambda proposal: (-proposal.likeness, proposal.name))
    kept = [proposal for proposal in scored if proposal.likeness >= scored[0].likeness - WITHIN]
    return tuple(kept[:MAXIMUM_PROPOSALS])


def nearest(name: str, others: Iterable[str], floor: float = MINIMUM_LIKENESS) -> tuple[str, ...]:
    """Return the most alike of other names, best first, for a message."""
    scored = sorted(((likeness(name, other), other) for other in others if other != name), reverse=True)
    return tuple(other for score, other in scored[:MAXIMUM_PROPOSALS] if score >= floor)
