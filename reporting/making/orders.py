"""Orders: which annex of which round for which unit; their facts, stamp and file name. Knows no renderer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from branches import clock
from branches.models import Branch
from branches.wording import zh_date
from grading.models import Round
from reporting.annexes.facts import Stamp
from reporting.database_time import snapshot
from reporting.making.kinds import Kind, named
from reporting.models import Export

_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]')


class NothingToShowError(Exception):
    """There is no branch to make the document of; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to make: an annex of a round for a unit, its format, and whether one document for each is wanted.

    Several documents come as a zip of files, or `merged` into one PDF with bookmarks.
    """

    kind: Kind
    round: Round
    unit: Branch
    format: str
    each: bool = False
    merged: bool = False
    one: int = 0

    @property
    def bundled(self) -> bool:
        """Tell whether several documents are wanted; `one` names a single one of a unit that has several."""
        return not self.one and self.kind.bundled(self.unit, each=self.each)

    def gather(self) -> Sequence[Any]:
        """Gather the facts of its documents."""
        if self.one:
            return self.kind.one(self.round, self.unit, self.one) if self.kind.one else ()
        return (self.kind.pieces if self.bundled else self.kind.gather)(self.round, self.unit)


def order_of(export: Export) -> Order:
    """Return what an export row asks for. Raises KeyError or Round.DoesNotExist when it names what is not there."""
    round_ = Round.objects.select_related("campaign__root", "scale").get(pk=export.params["round"])
    inner = export.params.get("inner") or export.format
    chosen = {name: bool(export.params.get(name)) for name in ("each", "merged")}
    return Order(named(round_)[export.kind], round_, export.unit, inner, **chosen, one=int(export.params.get("one", 0)))


def stamp_for(account: Any = None) -> Stamp:
    """Return today's stamp with the name and telephone of who hands in."""
    person = getattr(account, "person", None)
    name = account.get_full_name() if account is not None else ""
    return Stamp(zh_date(clock.today()), name, person.phone if person else "")


def file_name(order: Order, about: str, suffix: str) -> str:
    """Return a Chinese file name without anything a file system refuses, short enough for all of them."""
    stem = f"{order.kind.label}（{about}，{order.round.dated}）"
    stem = _UNSAFE.sub("_", stem).strip(" .")
    return f"{stem[:80]}.{suffix}"


def facts_for(order: Order) -> Sequence[Any]:
    """Gather the facts of every document of an order from one state of the database.

    Raises NothingToShowError when the round holds no branch of that unit.
    """
    with snapshot():
        facts = order.gather()
        name = order.unit.name_on(order.round.frozen_on or clock.today())
    if not facts or not getattr(facts[0], "rows", True):
        raise NothingToShowError(f"{order.round.name}里没有{name}的{order.kind.lacking}，没有可导出的内容。")
    return facts
