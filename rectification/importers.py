"""附件6 that comes back as a workbook: say what it would change, item by item and field by field, then do all of it.

A plan writes nothing. An item is found by its branch and problem. A cell nobody touched since the file was given out
(baseline.py) changes nothing; where the system went on too, a person chooses. What a branch may change itself is saved,
progress is written down, what needs the consent of the level above becomes a request; anything else is an error.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from branches import audit
from branches.importers import site_vocabulary
from branches.intake.ledger import LedgerReading, LedgerRow, read_ledger
from branches.intake.matching import KnownBranch, MatchResult, WantedName, match_names, nearest
from branches.intake.shapes import Limits, Problem, Severity, Workbook
from branches.intake.values import close_up, narrow
from branches.intake.vocabulary import Vocabulary
from branches.models import Account
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from branches.wording import without_unit, zh_date
from grading.models import Round, RoundUnit
from grading.services.errors import RefusedError
from rectification import baseline, ledger
from rectification.baseline import Given, mark
from rectification.ledger import Line
from rectification.models import DIRECT, Category, Change, Item, Plan, Progress
from rectification.pairing import LABELS, Pair, barred, paired
from rectification.returned import Entry, Fate, FieldChange, LedgerPlan, Outcome, Way
from rectification.services import changes, items, plans, progress
from rectification.services.settings import ensure_rules

LIMITS = Limits(person_length=60, text_length=4000)
REASON = "按交回的整改汇总表修改"


@dataclass
class _Known:
    """What the file is compared with."""

    units: list[RoundUnit]
    lines: dict[int, list[Line]] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    base: dict[str, list[Given]] = field(default_factory=dict)  # by code of the branch, as the file was given out
    earlier: dict[tuple[int, str], set[str]] = field(default_factory=dict)  # what an older print of an item said


def _earlier(items_: Iterable[int]) -> dict[tuple[int, str], set[str]]:
    """Return by item and field what 附件6 said before: a file printed then carries it without anybody's doing."""
    found: dict[tuple[int, str], set[str]] = {}
    done = Change.objects.filter(item__in=items_, state__in=[Change.State.APPROVED, Change.State.RECORDED])
    for item, old in done.values_list("item_id", "old"):
        for name, stored in FIELDS.items():
            if stored in old:
                found.setdefault((item, name), set()).add(str(old[stored] or ""))
    for item, text in Progress.objects.filter(item__in=items_).values_list("item_id", "text"):
        found.setdefault((item, "progress"), {""}).add(text)
    return found


def _known(round_: Round, units: Sequence[RoundUnit], nodes: Sequence[int], now: dt.datetime) -> _Known:
    found = _Known(list(units))
    rows = Plan.objects.filter(round=round_, branch__in=[*nodes, *(unit.branch_id for unit in units)])
    found.plans = {plan.branch_id: plan for plan in rows.select_related("campaign", "branch", "unit", "under")}
    found.names = {unit.branch_id: unit.name for unit in units} | {pk: p.name for pk, p in found.plans.items()}
    found.codes = {unit.branch_id: unit.code for unit in units}
    found.codes |= {pk: p.branch.code for pk, p in found.plans.items() if pk not in found.codes}
    told = ledger.lines(round_=round_, units=found.units, nodes=nodes, now=now, drafts=True)
    by_plan = {plan.pk: pk for pk, plan in found.plans.items()}
    for line in told:
        found.lines.setdefault(by_plan[line.plan], []).append(line)
    found.items = Item.objects.select_related("plan__campaign", "plan__branch").in_bulk([line.item for line in told])
    found.earlier = _earlier(found.items)
    return found


def _nodes(known: _Known) -> list[KnownBranch]:
    """Return the branches, also those set up later, and 党总支 with a plan of their own, as names are matched."""
    own = {unit.branch_id for unit in known.units}
    found = [
        KnownBranch(
            key=str(unit.branch_id), name=unit.name, unit_name="" if unit.direct else unit.parent_name, code=unit.code,
            aliases=tuple({unit.short_name, without_unit(unit.name, unit.general_branch_name)} - {"", unit.name}),
        )
        for unit in known.units
    ]  # fmt: skip
    return found + [_node(plan) for pk, plan in known.plans.items() if pk not in own]


def _node(plan: Plan) -> KnownBranch:
    """Return who has a plan without being a unit of the round."""
    key = str(plan.branch_id)
    if plan.under is None:
        return KnownBranch(key, plan.name, plan.name)
    short = without_unit(plan.name, plan.group_name)
    return KnownBranch(
        key=key, name=plan.name, unit_name="" if plan.group_key == DIRECT else plan.under_name, code=plan.branch.code,
        aliases=tuple({short} - {"", plan.name}),
    )  # fmt: skip


def plan_ledger(
    *, round_: Round, units: Sequence[RoundUnit], nodes: Sequence[int] = (), workbook: Workbook, now: dt.datetime,
    vocabulary: Vocabulary | None = None,
) -> LedgerPlan:  # fmt: skip
    """Say what a returned 附件6 would change for branches (`units`) and nodes a person may act for."""
    words = vocabulary or site_vocabulary()
    named = Category.objects.filter(campaign=round_.campaign_id).values_list("name", flat=True)
    reading = read_ledger(
        workbook, words, categories={name: name for name in named}, limits=LIMITS
    )  # fmt: skip
    known = _known(round_, units, nodes, now)
    for given in _given_out(workbook):
        known.base.setdefault(given.branch, []).append(given)
    matched, problems = _match(reading, known)
    comparer = _Comparer(words, known)
    entries: list[Entry] = []
    for node, rows in matched.items():
        entries += comparer.branch(node, rows)
    entries.sort(key=lambda entry: reading.rows.index(entry.row))
    taken = {entry.line.item for entry in entries if entry.line is not None}
    missing = tuple(line for node in matched for line in known.lines.get(node, ()) if line.item not in taken)
    found = (*reading.problems, *problems, *comparer.problems)
    notes = (*reading.notes, *comparer.notes())
    return LedgerPlan(round_, workbook.name, tuple(entries), missing, found, notes, known=not comparer.unknown)


def _given_out(workbook: Workbook) -> tuple[Given, ...]:
    """Return what the file said when it was given out; nothing for one typed by hand."""
    for grid in workbook.sheets:
        if grid.name.startswith(baseline.SHEET):
            texts = [str(grid.cell(row, 1).value or "") for row in range(1, grid.last_row + 1)]
            return baseline.read(texts) or ()
    return ()


def _match(reading: LedgerReading, known: _Known) -> tuple[dict[int, list[LedgerRow]], list[Problem]]:
    """Return the rows of each node, and an error for each name that is none; what resembles one is named."""
    nodes = _nodes(known)
    wanted = {(row.general_branch, row.direct, row.name) for row in reading.rows if row.name}
    keys: dict[tuple[str | None, bool, str], str] = {}
    for unit, direct, name in wanted:
        found: MatchResult = match_names([WantedName(name, "" if direct else unit)], nodes)
        if 0 in found.exact:
            keys[unit, direct, name] = found.exact[0]
    rows: dict[int, list[LedgerRow]] = {}
    problems = []
    for row in reading.rows:
        key = keys.get((row.general_branch, row.direct, row.name))
        if key is not None:
            rows.setdefault(int(key), []).append(row)
        elif row.name:
            near = nearest(row.name, [one.name for one in nodes])
            hint = f"，是不是“{near[0]}”？" if near else "。"
            text = f"没有“{row.name}”这个党组织，或不在您的办理范围内{hint}"
            problems.append(_problem(row, "name", text, "unknown"))
    return rows, problems


def _problem(row: LedgerRow, name: str, text: str, code: str, level: Severity = Severity.ERROR) -> Problem:
    return Problem(row.sheet, row.cells.get(name, f"A{row.row}"), level, text, code)


class _Comparer:
    """Compares the rows of a branch with its items; `problems` grows while it does."""

    def __init__(self, words: Vocabulary, known: _Known) -> None:
        self.words, self.known = words, known
        self.problems: list[Problem] = []
        self.kept = 0
        self.unknown = 0

    def branch(self, node: int, rows: Sequence[LedgerRow]) -> Iterator[Entry]:
        """Yield the entries of one branch."""
        base = self.known.base.get(self.known.codes.get(node, ""), ())
        name = self.known.names[node]
        for pair in paired(rows, self.known.lines.get(node, ()), base):
            row, line = pair.row, pair.line
            if pair.gone:
                text = "这一项在表下载以后已从方案中删去、终止或转出，不再新增；确实还要整改请另写一行或在方案里增加"
                self._add(row, "problem", text, "gone", Severity.WARNING)
                yield Entry(row, name, Fate.SAME, node)
                continue
            if line is None:
                yield self._new(node, name, row)
                continue
            changes_ = tuple(self._changes(pair, line, self.known.items[line.item]))
            yield Entry(row, name, Fate.CHANGED if changes_ else Fate.SAME, node, line, changes_)

    def notes(self) -> list[str]:
        """Say what was kept without anybody's doing."""
        return [f"这份表下载以后系统里又改过 {self.kept} 格，表里没有动，按系统里的保留。"] if self.kept else []

    def _add(self, row: LedgerRow, name: str, text: str, code: str, level: Severity = Severity.ERROR) -> None:
        self.problems.append(_problem(row, name, text, code, level))

    def _new(self, node: int, name: str, row: LedgerRow) -> Entry:
        plan = self.known.plans.get(node)
        if plan is not None and plan.state in (Plan.State.SUBMITTED, Plan.State.CLOSED):
            self._add(row, "problem", f"{name}的方案{plan.get_state_display()}，现在不能增加项目", "closed")
        for field_name in ("verified_on", "verifier"):
            if getattr(row, field_name):
                self._add(row, field_name, "新增的项目还没有批准，不能销号，请清空这一格", "not_yet")
        if row.progress:
            self._add(row, "progress", "新增的项目还没有批准，进展不导入", "not_yet", Severity.WARNING)
        if row.long_term:
            self._add(row, "long_term", "长期性项目还要写明理由和检查点，提交前请补齐", "reason", Severity.WARNING)
        return Entry(row, name, Fate.NEW, node)

    def _plain(self, name: str, value: Any) -> Any:
        """Return a stored value as it would be read back from its cell."""
        if not isinstance(value, str):
            return value
        text = close_up(narrow(value)) if name in ("owner", "verifier") and value else value
        text = "\n".join(line.strip() for line in text.strip().splitlines())
        return "" if self.words.is_none(text) else text

    def _changes(self, pair: Pair, line: Line, item: Item) -> Iterator[FieldChange]:
        """Yield the fields that differ and may change; note an error for those that may not."""
        row, marks = pair.row, pair.given.marks if pair.given else None
        self.unknown += marks is None
        for name in LABELS:
            before, after = self._plain(name, getattr(line, name)), getattr(row, name)
            if name == "category":
                before, after = before or None, after or None
            if before == after or name not in row.cells:
                continue
            if marks is None and self._stands(name, row, item, after):
                continue
            if marks is not None and self._untouched(marks[name], after):
                self.kept += 1
                continue
            way = self._way(name, row, item, after)
            if way is not None:
                conflict = marks is not None and not self._untouched(marks[name], before)
                yield FieldChange(name, before, after, way, row.cells[name], f"{line.item}-{name}", conflict)

    def _untouched(self, given: str, value: Any) -> bool:
        """Tell whether a value is the one given out; 无 is read as an empty cell."""
        return given == mark(value) or (not value and given in {mark(word) for word in self.words.none})

    def _stands(self, name: str, row: LedgerRow, item: Item, after: Any) -> bool:
        """Tell whether the system's value stands because the cell only seems older; say so at the cell."""
        if self._older(name, item, after):
            text = f"这张表打印以后系统里的{LABELS[name]}已经改过，按系统里的保留；确实要改回请在项目页办理"
        elif item.state == Item.State.VERIFIED:
            on = f"已于{zh_date(item.verified_on)}" if item.verified_on else "已"
            text = f"这一项{on}销号，这一格与系统里的不同，已跳过，按系统里的保留"
        else:
            return False
        self._add(row, name, text, "older", Severity.WARNING)
        return True

    def _older(self, name: str, item: Item, after: Any) -> bool:
        """Tell whether a cell says what the item said earlier, so that the file is older than the system."""
        if item.editable:
            return False
        if name in ("verified_on", "verifier"):
            return item.state == Item.State.VERIFIED and not after
        return str(after or "") in {str(self._plain(name, one)) for one in self.known.earlier.get((item.pk, name), ())}

    def _way(self, name: str, row: LedgerRow, item: Item, after: Any) -> Way | None:
        """Return how a field of an item may change; None with an error where it may not."""
        reason = barred(name, item, after)
        if reason:
            self._add(row, name, reason, "barred")
            return None
        if item.editable:
            return Way.SAVED
        if name == "progress":
            return Way.PROGRESS
        return Way.RECORDED if name in ("measures", "owner") else Way.REQUESTED


@transaction.atomic
def apply_ledger(*, by: Account, plan: LedgerPlan, now: dt.datetime, taken: Collection[str] = ()) -> Outcome:
    """Do all a plan says, or nothing; of the conflicts those `taken` (their keys).

    Raises RefusedError with a sentence for each cell that stands against it.
    """
    if plan.errors:
        raise RefusedError([problem.zh() for problem in plan.errors])
    plan = plan.chosen(taken)
    if not plan.touched:
        raise RefusedError(["没有勾选要用表里内容的格子，什么也没有写入；按系统里的保留就放弃这份文件。"])
    ensure_rules(by=by, campaign=plan.round.campaign, now=now)
    writer = _Writer(by, plan.round, now)
    for entry in plan.touched:
        writer.write(entry)
    if writer.refusals:
        raise RefusedError(writer.refusals)
    audit.record(
        by=by, action="annex6.import", thing=plan.round, branch=plan.round.campaign.root,
        summary=f"导入整改汇总表“{plan.file_name}”",
        after={"new": len(plan.of(Fate.NEW)), "changed": len(plan.of(Fate.CHANGED)), "requests": writer.requests},
    )  # fmt: skip
    return Outcome(len(plan.of(Fate.NEW)), len(plan.of(Fate.CHANGED)), len(plan.of(Fate.SAME)), writer.requests)


class _Writer:
    """Writes entries through the services of the pages; what they refuse is gathered with its cell."""

    def __init__(self, by: Account, round_: Round, now: dt.datetime) -> None:
        self.by, self.round, self.now = by, round_, now
        self.refusals: list[str] = []
        self.requests = 0
        known = Category.objects.filter(campaign=round_.campaign_id)
        self.categories: Mapping[str, Category] = {category.name: category for category in known}

    def write(self, entry: Entry) -> None:
        """Write one entry."""
        try:
            if entry.line is None:
                self._add(entry)
            else:
                self._change(
                    entry, Item.objects.select_related("plan__branch", "plan__campaign").get(pk=entry.line.item)
                )
        except (RefusedError, BlockedError, IllegalMoveError, ConflictError) as error:
            where = f"工作表“{entry.row.sheet}”第{entry.row.row}行（{entry.name}）"
            sentences = getattr(error, "sentences", None) or getattr(error, "blockers", None) or [str(error)]
            self.refusals += [f"{where}：{sentence}" for sentence in sentences]

    def _add(self, entry: Entry) -> None:
        unit = RoundUnit.objects.filter(round=self.round, branch=entry.node).select_related("round__campaign").first()
        plan = Plan.objects.filter(round=self.round, branch=entry.node).first()
        if plan is None and unit is not None:
            plan = plans.start(by=self.by, unit=unit, now=self.now)
        if plan is None:
            raise RefusedError(["这个党组织还没有方案，请先起草。"])
        row = entry.row
        values = {
            "problem": row.problem, "goal": row.goal, "measures": row.measures, "owner_name": row.owner,
            "due_on": row.due, "category": self.categories.get(row.category or ""),
            "term": Item.Term.LONG_TERM if row.long_term else Item.Term.NORMAL,
        }  # fmt: skip
        items.save_item(by=self.by, plan=plan, item=None, version=0, values=values, now=self.now)

    def _change(self, entry: Entry, item: Item) -> None:
        given = {way: {c.name: c.after for c in entry.changes if c.way is way} for way in Way}
        if given[Way.SAVED]:
            values = self._values(given[Way.SAVED], item)
            items.save_item(
                by=self.by, plan=item.plan, item=item, version=item.version, values=values, now=self.now
            )  # fmt: skip
        if given[Way.RECORDED]:
            new = {FIELDS[name]: value for name, value in given[Way.RECORDED].items()}
            changes.request(by=self.by, item=item, kind=Change.Kind.DETAILS, new=new, reason=REASON, now=self.now)
        for name, value in given[Way.REQUESTED].items():
            kind = Change.Kind.GOAL if name == "goal" else Change.Kind.DEADLINE
            changes.request(by=self.by, item=item, kind=kind, new={FIELDS[name]: value}, reason=REASON, now=self.now)
            self.requests += 1
        for value in given[Way.PROGRESS].values():
            progress.add_progress(by=self.by, item=item, percent=item.percent, text=value, now=self.now)

    def _values(self, given: Mapping[str, Any], item: Item) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name == "category":
                values["category"] = self.categories.get(value or "")
            elif name == "long_term":
                values["term"] = Item.Term.LONG_TERM if value else Item.Term.NORMAL
            else:
                values[FIELDS[name]] = value
        return values


FIELDS = {"problem": "problem", "goal": "goal", "measures": "measures", "owner": "owner_name", "due": "due_on"}
