"""Comparing a roster with the tree: what importing it would change. Nothing is written here."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from branches.importers.roster_facts import changes_between, facts_of_node, facts_of_row
from branches.importers.roster_tree import Node, Tree, load_tree
from branches.importers.shapes import AbsentEntry, BranchEntry, RosterPlan, Step, UnitEntry
from branches.intake.matching import KnownBranch, MatchResult, WantedName, match_names, name_key, nearest
from branches.intake.shapes import Problem, RosterReading, RosterRow, Severity
from branches.intake.units import unit_core
from branches.intake.vocabulary import Vocabulary
from branches.models import Branch, Category

_LIKE_UNIT = 0.75


def plan_roster(
    reading: RosterReading,
    *,
    root: Branch,
    today: dt.date,
    vocabulary: Vocabulary,
    decisions: Mapping[str, str] | None = None,
) -> RosterPlan:
    """Compare a reading with the tree below `root` and return what importing it would change.

    `decisions` are a person's answers: for a unit or branch name that resembles another one, the name that is meant, or
    the name itself when it is a new one (or its other branch keeps the old name). The names of a reading must already
    be the decided ones: pass the same decisions to `read_roster`.
    """
    tree = load_tree(root, today)
    decided = {name_key(written): meant for written, meant in (decisions or {}).items()}
    matched = _match(reading, tree, decided)
    problems = [*reading.problems, *_unit_problems(reading, tree, decided, vocabulary), *matched.problems]
    names = {category.code: category.name for category in Category.objects.all()}
    names = {category.code: category.name for category in vocabulary.categories} | names
    entries = tuple(_entry(row, matched.nodes.get(index), names) for index, row in enumerate(reading.rows))
    used = {node.branch.pk for node in matched.nodes.values()}
    absent = tuple(
        AbsentEntry(node.branch.pk, node.branch.code, node.name, node.unit)
        for node in tree.nodes.values()
        if node.branch.pk not in used
    )
    return RosterPlan(
        root_id=root.pk,
        day=min(reading.filled_in_on or today, today),
        today=today,
        reading=reading,
        decisions=dict(decisions or {}),
        units=_units(reading, tree),
        entries=entries,
        absent=absent,
        problems=tuple(problems),
        notes=_notes(reading, absent),
    )


def _notes(reading: RosterReading, absent: tuple[AbsentEntry, ...]) -> tuple[str, ...]:
    if not absent:
        return reading.notes
    return (*reading.notes, f"系统里有{len(absent)}个党支部不在文件中，导入不会改动它们；撤销请在“组织调整”办理。")


def _units(reading: RosterReading, tree: Tree) -> tuple[UnitEntry, ...]:
    rows: dict[str, list[str]] = {}
    for row in reading.rows:
        if row.general_branch:
            rows.setdefault(name_key(row.general_branch), []).append(row.general_branch)
    entries = []
    for key, names in rows.items():
        known = tree.units.get(key)
        step = Step.UNCHANGED if known else Step.NEW
        entries.append(UnitEntry(step, known.name if known else names[0], known.pk if known else None, len(names)))
    return tuple(entries)


def _unit_problems(
    reading: RosterReading, tree: Tree, decided: Mapping[str, str], vocabulary: Vocabulary
) -> list[Problem]:
    """Ask about a unit the tree does not know but that resembles one of it which the file does not name."""
    written = {name_key(row.general_branch) for row in reading.rows if row.general_branch}
    free = {unit_core(name, vocabulary): name for name in tree.unit_names() if name_key(name) not in written}
    believed = {name_key(meant) for meant in decided.values()}
    asked = {(problem.sheet, problem.cell) for problem in reading.problems}
    problems, seen = [], set()
    for row in reading.rows:
        key = name_key(row.general_branch or "")
        cell = row.cells.get("general_branch", f"A{row.row}")
        if not key or key in tree.units or key in believed or key in seen or (row.sheet, cell) in asked:
            continue
        seen.add(key)
        core = unit_core(row.general_branch or "", vocabulary)
        alike = [free[other] for other in ([core] if core in free else nearest(core, free, _LIKE_UNIT))]
        if alike:
            named = "、".join(f"“{name}”" for name in alike)
            reason = f"系统里没有“{row.general_branch}”，是否指{named}？请确认，不自动合并"
            problems.append(Problem(row.sheet, cell, Severity.ERROR, reason, "unit_unknown", tuple(alike)))
    return problems


class _Matched:
    """Which node each row means, and what stands against it."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.problems: list[Problem] = []


def _match(reading: RosterReading, tree: Tree, decided: Mapping[str, str]) -> _Matched:
    """Match by code, then by name within the unit; a similar name without a code is asked about."""
    matched = _Matched()
    taken: set[int] = set()
    names = {(name_key(node.unit), name_key(node.name)): node for node in tree.nodes.values()}
    for by_code in (True, False):
        for index, row in enumerate(reading.rows):
            if index in matched.nodes or not row.name:
                continue
            wanted = name_key(decided.get(name_key(row.name), row.name))
            node = tree.by_code(row.code) if by_code else names.get((name_key(row.general_branch or ""), wanted))
            if node is not None and node.branch.pk not in taken:
                matched.nodes[index] = node
                taken.add(node.branch.pk)
    for index, row in enumerate(reading.rows):
        known = tree.codes.get(row.code.casefold()) if row.code else None
        if index not in matched.nodes and known is not None:
            reason = f"编号 {row.code} 已被系统里的另一个党组织使用"
            matched.problems.append(_problem(row, "code", reason, "code_taken"))
    _ask_about_similar(reading, tree, matched, decided)
    return matched


def _ask_about_similar(reading: RosterReading, tree: Tree, matched: _Matched, decided: Mapping[str, str]) -> None:
    taken = {node.branch.pk for node in matched.nodes.values()}
    free = [
        KnownBranch(str(node.branch.pk), node.name, node.unit)
        for node in tree.nodes.values()
        if node.branch.pk not in taken
    ]
    open_rows = [
        row
        for index, row in enumerate(reading.rows)
        if index not in matched.nodes and row.name and not row.code and name_key(row.name) not in decided
    ]
    if not free or not open_rows:
        return
    wanted = [WantedName(row.name, row.general_branch or "") for row in open_rows]
    found: MatchResult = match_names(wanted, free)
    for position, row in enumerate(open_rows):
        alike = [proposal.name for proposal in found.proposals.get(position, ()) if proposal.likeness >= 0.85]
        if alike:
            named = "、".join(f"“{name}”" for name in alike)
            reason = f"系统里没有“{row.name}”，是否指{named}？请确认，不自动合并"
            matched.problems.append(_problem(row, "name", reason, "branch_unknown", tuple(alike)))


def _problem(row: RosterRow, field: str, reason: str, code: str, suggestions: tuple[str, ...] = ()) -> Problem:
    cell = row.cells.get(field, f"A{row.row}")
    return Problem(row.sheet, cell, Severity.ERROR, reason, code, suggestions)


def _entry(row: RosterRow, node: Node | None, categories: Mapping[str, str]) -> BranchEntry:
    if node is None:
        return BranchEntry(Step.NEW, row, None, row.code, row.general_branch or "")
    row = _with_known_parts(row, node)
    changes = changes_between(facts_of_node(node), facts_of_row(row, categories))
    step = Step.CHANGED if changes else Step.UNCHANGED
    return BranchEntry(step, row, node.branch.pk, row.code or node.branch.code, row.general_branch or "", changes)


def _with_known_parts(row: RosterRow, node: Node) -> RosterRow:
    """Keep the known 预备 where the file gives only 合计; where they are more than that, all of it is 正式."""
    if row.members is None or node.profile is None or {"formal", "probationary"} & set(row.cells):
        return row
    known = node.profile.probationary_members
    if known is None or known > row.members:
        return row
    return replace(row, formal=row.members - known, probationary=None)
