"""What differs between two versions of a rubric: items added, removed, changed, renumbered, with both sides' words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

from grading.rubric_workbook import EXCEED, KINDS, NOT_APPLICABLE
from grading.scoring.numbers import plain

Plain = Mapping[str, Any]


class Fate(StrEnum):
    """What became of an item."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"

    @property
    def zh(self) -> str:
        """Say it to a person."""
        return {"added": "新增", "removed": "删除", "changed": "修改", "same": "没有变化"}[self]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: kept, only on the old side, or only on the new one."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ItemDiff:
    """One item on both sides; a side that lacks it is None."""

    fate: Fate
    section: str
    before: Plain | None
    after: Plain | None
    changes: tuple[Change, ...] = ()
    old_text: tuple[Piece, ...] = ()
    new_text: tuple[Piece, ...] = ()

    @property
    def old_points(self) -> str:
        """The points of the old side."""
        return points(self.before)

    @property
    def new_points(self) -> str:
        """The points of the new side."""
        return points(self.after)

    @property
    def points_differ(self) -> bool:
        """Whether both sides have points and they differ."""
        return self.before is not None and self.after is not None and self.old_points != self.new_points


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything that differs. `head` and `sections` are fields of the rubric itself and of its sections."""

    head: tuple[Change, ...]
    sections: tuple[Change, ...]
    items: tuple[ItemDiff, ...]
    old_total: str
    new_total: str

    def of(self, fate: Fate) -> tuple[ItemDiff, ...]:
        """Return the items with one fate."""
        return tuple(item for item in self.items if item.fate is fate)

    @property
    def differing(self) -> tuple[ItemDiff, ...]:
        """Return the items that differ."""
        return tuple(item for item in self.items if item.fate is not Fate.SAME)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """Return how many items were added, removed, changed."""
        return [(fate.zh, len(self.of(fate))) for fate in (Fate.ADDED, Fate.REMOVED, Fate.CHANGED)]

    @property
    def empty(self) -> bool:
        """True when both sides say the same."""
        return not (self.head or self.sections or self.differing)


def points(item: Plain | None) -> str:
    """Return the points of an item as people write them."""
    return "" if item is None else plain(Decimal(str(item["points"])))


def kind_word(item: Plain) -> str:
    """Return how an item is scored, in words."""
    return dict(KINDS)[str(item.get("kind", "points"))]


def options_said(item: Plain) -> str:
    """Return levels, events or bands in one line."""
    parts = []
    for level in item.get("levels") or []:
        minimum = level.get("minimum")
        floor = "" if minimum in (None, "") else f"（{plain(Decimal(str(minimum)))}%起）"
        parts.append(f"{level['label']} {plain(Decimal(str(level['points'])))} 分{floor}")
    return "；".join(parts)


def _fields(item: Plain) -> dict[str, str]:
    """Return the fields of an item that can differ, in words."""
    return {
        "编号": str(item["code"]),
        "具体内容": str(item["text"]),
        "分值": points(item),
        "方式": kind_word(item),
        "最小一档": plain(Decimal(str(item.get("step", "0.5")))),
        "档次和次数": options_said(item),
        "评分说明": str(item.get("guidance") or ""),
        "须附佐证": "是" if item.get("evidence_required") else "否",
        "取数": str(item.get("figure") or ""),
    }


def pieces(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Return both texts in stretches, those that differ marked."""
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if a != b:
            left.append(Piece(old[a:b], tag != "equal"))
        if c != d:
            right.append(Piece(new[c:d], tag != "equal"))
    return tuple(left), tuple(right)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(
        Change(name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    )


def _flat(sections: Iterable[Plain]) -> list[tuple[str, Plain]]:
    return [(str(section["name"]), item) for section in sections for item in section["criteria"]]


def _pairs(old: Sequence[tuple[str, Plain]], new: Sequence[tuple[str, Plain]]) -> dict[int, int]:
    """Return which old item each new one continues, by position: the same code first, then the same text."""
    found: dict[int, int] = {}
    for key in ("code", "text"):
        taken = set(found.values())
        free = {str(item[key]): place for place, (_, item) in reversed(list(enumerate(old))) if place not in taken}
        for place, (_, item) in enumerate(new):
            if place not in found and (match := free.pop(str(item[key]), None)) is not None:
                found[place] = match
    return found


def _item(section: str, before: tuple[str, Plain], after: tuple[str, Plain]) -> ItemDiff:
    old_fields, new_fields = _fields(before[1]), _fields(after[1])
    if before[0] != after[0]:
        old_fields, new_fields = {"项目": before[0], **old_fields}, {"项目": after[0], **new_fields}
    changes = _changes(old_fields, new_fields)
    left, right = pieces(str(before[1]["text"]), str(after[1]["text"]))
    return ItemDiff(Fate.CHANGED if changes else Fate.SAME, section, before[1], after[1], changes, left, right)


def _items(old: Sequence[tuple[str, Plain]], new: Sequence[tuple[str, Plain]]) -> tuple[ItemDiff, ...]:
    """Return all items in the order of the new side, removed ones where they stood."""
    pairs = _pairs(old, new)
    continued = set(pairs.values())
    found: list[ItemDiff] = []
    next_old = 0
    for place, after in enumerate(new):
        match = pairs.get(place)
        if match is None:
            found.append(ItemDiff(Fate.ADDED, after[0], None, after[1]))
            continue
        found += [_gone(one) for one in _between(old, next_old, match, continued)]
        next_old = max(next_old, match + 1)
        found.append(_item(after[0], old[match], after))
    found += [_gone(one) for one in _between(old, next_old, len(old), continued)]
    return tuple(found)


def _between(old: Sequence[tuple[str, Plain]], first: int, last: int, continued: set[int]) -> list[tuple[str, Plain]]:
    return [old[place] for place in range(first, last) if place not in continued]


def _gone(one: tuple[str, Plain]) -> ItemDiff:
    return ItemDiff(Fate.REMOVED, one[0], one[1], None)


def _head(header: Plain) -> dict[str, str]:
    return {
        "名称": str(header.get("title", "")),
        "附件": str(header.get("form_code", "")),
        "不适用的处理": dict(NOT_APPLICABLE).get(str(header.get("not_applicable")), ""),
        "加分超出满分": dict(EXCEED).get(str(header.get("exceed")), ""),
    }


def _section_fields(sections: Iterable[Plain]) -> dict[str, str]:
    return {f"项目 {one['code']}": f"{one['name']}（{points(one)} 分）" for one in sections}


def _total(sections: Iterable[Plain]) -> str:
    return plain(sum((Decimal(str(section["points"])) for section in sections), Decimal(0)))


def compare(old: tuple[Plain, Sequence[Plain]], new: tuple[Plain, Sequence[Plain]]) -> Diff:
    """Return what differs between two rubrics, each given as its header and its sections as plain values."""
    return Diff(
        head=_changes(_head(old[0]), _head(new[0])),
        sections=_changes(_section_fields(old[1]), _section_fields(new[1])),
        items=_items(_flat(old[1]), _flat(new[1])),
        old_total=_total(old[1]),
        new_total=_total(new[1]),
    )
