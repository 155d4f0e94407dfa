"""A row of a returned 附件6 and its item: which one it is, what may change, what was touched since it was given out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from branches.intake.ledger import LedgerRow
from branches.intake.matching import likeness
from branches.intake.vocabulary import heading_key
from rectification.baseline import Given, mark
from rectification.ledger import Line
from rectification.models import Item

ALIKE = 0.6
LABELS = {
    "category": "问题类别", "problem": "存在的主要问题", "goal": "整改目标", "measures": "整改措施", "owner": "责任人",
    "due": "完成时限", "long_term": "长期性项目", "progress": "进展/完成情况", "verified_on": "销号日期",
    "verifier": "销号确认人",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """A row with its item and what the item said when the file was made; `gone` when it is an item no more."""

    row: LedgerRow
    line: Line | None = None
    given: Given | None = None
    gone: bool = False


def barred(name: str, item: Item, after: Any) -> str:
    """Return why a field may not change from a file, or ""."""
    state = item.get_state_display()
    if name in ("verified_on", "verifier"):
        return "销号由上级在系统里核实登记，不从表格导入，请改回原样"
    if item.editable:
        if name == "progress":
            return "项目还没有批准，不登记进展，请清空这一格"
        if name == "due" and item.term == Item.Term.CONDITIONS:
            return "暂不具备条件的项目请在方案里改条件复核日期"
        return "存在的主要问题不能空着" if name == "problem" and not after else ""
    if item.state not in (Item.State.APPROVED, Item.State.IN_HAND, Item.State.REOPENED):
        return f"这一项{state}，不能再改，请改回原样"
    if name in ("problem", "category"):
        return "方案已经批准，问题和类别不能再改，请改回原样"
    if name == "long_term" or (name == "due" and item.long_lasting):
        return "期限类型和长期性项目的日期请在项目页申请调整，请改回原样"
    if not after:
        return f"已批准的项目{LABELS[name]}不能空着"
    return ""


def paired(rows: Sequence[LedgerRow], lines: Sequence[Line], base: Collection[Given] = ()) -> list[Pair]:
    """Return each row with its item.

    First by the problem as it was given out, then the item of the same problem, else the most alike that is left.
    """
    left = {line.item: line for line in lines}
    found: dict[int, Line] = {}
    gone: set[int] = set()
    unused = list(base)
    for place, row in enumerate(rows):
        told = next((one for one in unused if row.problem and one.marks["problem"] == mark(row.problem)), None)
        if told is not None:
            unused.remove(told)
            if told.item in left:
                found[place] = left.pop(told.item)
            else:
                gone.add(place)
    for place, row in enumerate(rows):
        key = heading_key(row.problem)
        same = next((line for line in left.values() if heading_key(line.problem) == key), None)
        if place not in found and same is not None:
            found[place] = left.pop(same.item)
            gone.discard(place)
    _most_alike(rows, found, gone, left)
    given = {one.item: one for one in base}
    return [
        Pair(row, found[place], given.get(found[place].item)) if place in found else Pair(row, gone=place in gone)
        for place, row in enumerate(rows)
    ]


def _most_alike(rows: Sequence[LedgerRow], found: dict[int, Line], gone: set[int], left: dict[int, Line]) -> None:
    scored = sorted(
        (
            (likeness(row.problem, line.problem), -abs(place - at), place, line)
            for place, row in enumerate(rows)
            if place not in found and place not in gone and row.problem
            for at, line in enumerate(left.values())
        ),
        key=lambda one: one[:2],
        reverse=True,
    )
    for score, _, place, line in scored:
        if score >= ALIKE and place not in found and line.item in left:
            found[place] = left.pop(line.item)
