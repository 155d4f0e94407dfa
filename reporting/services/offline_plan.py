"""What a returned workbook would change: field by field, against the web as it stands now. Writes nothing.

The checksum a field was given out with tells three cases apart: only the workbook changed it (taken), only the web did
(stays), both did (a person chooses).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from grading import scoring
from grading.scoring.counting import shape_problem
from reporting.offline.forms import TICK
from reporting.offline.reader import Fault, Filled, Reading
from reporting.offline.ticket import checksum
from reporting.offline.workbook import longest
from reporting.services.offline_state import FINDINGS, State, label_of

Kind = Literal["new", "same", "web", "conflict"]
MINE, THEIRS = "mine", "theirs"
POOR = "差"
SURVEY, SHEET = "调查摸底", "自评打分"
_SHEET_KINDS = frozenset({"points", "na", "remark"})


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a workbook beside the web: what stands there, what the workbook says."""

    field: str
    label: str
    part: str
    sheet: str
    cell: str
    old: str
    new: str
    kind: Kind
    choice: str = ""

    @property
    def taken(self) -> bool:
        """Whether the workbook's text is written."""
        return self.kind == "new" or (self.kind == "conflict" and self.choice == MINE)


@dataclass(slots=True)
class Plan:
    """One workbook: what it changes, what is not taken, and what stands in the way of the whole."""

    state: State | None
    refused: str = ""
    changes: list[Change] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Change]:
        """Return the changes of a kind."""
        return [change for change in self.changes if change.kind == kind]

    @property
    def conflicts(self) -> list[Change]:
        """Return the fields both sides changed."""
        return self.of("conflict")

    @property
    def only_web(self) -> list[Change]:
        """Return the fields that changed on the web and not in the workbook."""
        return self.of("web")

    @property
    def unchanged(self) -> list[Change]:
        """Return the fields in which nothing happens."""
        return self.of("same")

    @property
    def parts(self) -> list[tuple[str, str, list[Change]]]:
        """Return (id, name, changes) of what the workbook alone changed, by part of the form."""
        new = self.of("new")
        both = [
            (name, part, [change for change in new if change.part == part])
            for name, part in (("h-survey", SURVEY), ("h-sheet", SHEET))
        ]
        return [one for one in both if one[2]]

    @property
    def taken(self) -> list[Change]:
        """Return what would be written."""
        return [change for change in self.changes if change.taken]

    @property
    def undecided(self) -> list[Change]:
        """Return the conflicts nobody chose a side in."""
        return [change for change in self.of("conflict") if not change.choice]

    @property
    def ready(self) -> bool:
        """Whether it may be imported now."""
        return not self.refused and not self.undecided and bool(self.taken)

    @property
    def digest(self) -> str:
        """Name exactly what a person was shown: it changes when the web or the plan does."""
        shown = [(c.field, c.old, c.new, c.kind) for c in self.changes]
        versions = (self.state.survey_version, self.state.sheet_version) if self.state else ()
        text = json.dumps([versions, shown, [f.cell for f in self.faults], self.closed, self.refused])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def compare(reading: Reading, state: State, choices: Mapping[str, str]) -> Plan:
    """Return the plan of a workbook of this branch; `choices` by field where both sides changed."""
    plan = Plan(state)
    lost = {fault.field for fault in reading.faults if fault.field}
    touched_sheet = False
    for one in reading.filled:
        if one.field not in state.values:
            if one.changed:
                plan.faults.append(Fault(one.sheet, one.cell, "本轮已没有这一项，不收。", one.field))
            continue
        change = _change(one, state, choices.get(one.field, ""))
        if change.part == SHEET and state.sheet_closed and change.kind in {"new", "conflict"}:
            touched_sheet = True
            continue
        plan.changes.append(change)
    if touched_sheet:
        plan.closed.append(f"评分表里的改动不收：{state.sheet_closed}")
    plan.faults = [*_once(reading.faults), *plan.faults]
    _drop_wrong(plan, state, lost)
    sheets = list(dict.fromkeys(one.sheet for one in reading.filled))
    plan.faults.sort(key=lambda fault: (sheets.index(fault.sheet) if fault.sheet in sheets else -1, _place(fault.cell)))
    return plan


def _place(cell: str) -> tuple[int, int, str]:
    """Return row and column of a cell to sort by, as a person reads down a sheet."""
    column = cell.rstrip("0123456789")
    return int(cell[len(column) :] or 0), len(column), column


def _once(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults without repeating a cell: a row that was tampered with loses several fields by one cell."""
    seen: dict[tuple[str, str, str], Fault] = {}
    for fault in faults:
        seen.setdefault((fault.sheet, fault.cell, fault.text), fault)
    return list(seen.values())


def _change(one: Filled, state: State, choice: str) -> Change:
    old = state.values[one.field]
    kind: Kind = "same"
    on_web = checksum(old) != one.base
    if one.changed and one.text != old:
        kind = "conflict" if on_web else "new"
    elif on_web and one.text != old:
        kind = "web"
    part = SHEET if one.field.partition(":")[0] in _SHEET_KINDS else SURVEY
    return Change(
        one.field, label_of(one.field, state), part, one.sheet, one.cell, old, one.text, kind,
        choice if kind == "conflict" and choice in (MINE, THEIRS) else "",
    )  # fmt: skip


def effective(plan: Plan, state: State) -> dict[str, str]:
    """Return every field's text as it would stand afterwards."""
    return state.values | {change.field: change.new for change in plan.taken}


def _drop_wrong(plan: Plan, state: State, lost: set[str]) -> None:
    """Take out changes that cannot be right, naming their cells. A wrong one must not take its neighbours with it."""
    proposed = {change.field: change for change in plan.changes if change.kind in {"new", "conflict"}}
    after = state.values | {name: change.new for name, change in proposed.items()}
    wrong: dict[str, str] = {}
    for name, change in proposed.items():
        if problem := _problem(name, change.new, after, state, lost):
            wrong[name] = problem
    for name in list(wrong):  # points and 不适用 of an item are right or wrong together
        kind, _, code = name.partition(":")
        twin = {"points": f"na:{code}", "na": f"points:{code}"}.get(kind, "")
        if twin in proposed:
            wrong.setdefault(twin, wrong[name])
    plan.faults += [Fault(proposed[n].sheet, proposed[n].cell, text, n) for n, text in wrong.items()]
    plan.faults = _once(plan.faults)
    plan.changes = [change for change in plan.changes if change.field not in wrong]


def _problem(name: str, text: str, after: Mapping[str, str], state: State, lost: set[str]) -> str:
    """Return why a field cannot be taken, "" when it can."""
    kind, _, code = name.partition(":")
    if kind == "check":
        if text not in ("", *FINDINGS):
            return f"“{text[:20]}”不在选项里，请选好、一般或差。"
        if text == POOR and (not after[f"note:{code}"] or f"note:{code}" in lost):
            return "填了“差”，请写明情况。"
    if kind == "note" and not text and after[f"check:{code}"] == POOR:
        return "填了“差”，说明不能清空。"
    if kind == "target" and text not in ("", *state.grades):
        return f"“{text[:20]}”不是本轮的等级，请选{'、'.join(state.grades)}。"
    if kind in {"points", "na"}:
        return _points_problem(code, after, state, lost)
    if kind in {"note", "remark", "text"} and len(text) > longest(name):
        return f"有 {len(text)} 个字，最多 {longest(name)} 个字。"
    return ""


def _points_problem(code: str, after: Mapping[str, str], state: State, lost: set[str]) -> str:
    typed, ticked = after[f"points:{code}"], after.get(f"na:{code}") == TICK
    if f"points:{code}" in lost or f"na:{code}" in lost:
        return "同一条目还有一格没有收，这一格也不收。"
    entry = scoring.Entry(Decimal(typed) if typed else None, ticked)
    return shape_problem(state.shapes[code], entry, state.rubric.not_applicable) or ""
