"""合并 and 拆分 of branches (健全组织): who follows whom is written down, so that two rounds can be compared."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from branches import audit
from branches.models import Account, Appointment, Branch, Succession
from branches.services import tree
from branches.services.tree import Place, TreeError


@dataclass(frozen=True, slots=True)
class Ground:
    """From which day a change holds and what it is founded on."""

    on: dt.date
    document_number: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A branch to set up by a merger or a split: its code and place."""

    code: str
    place: Place


@transaction.atomic
def merge(*, by: Account | None, branches: Sequence[Branch], into: Branch | Part, ground: Ground) -> Branch:
    """Merge branches into one of them, or into a new one; the others end on that day, their posts too.

    Raises TreeError for fewer than two branches, for nodes that are no 党支部 or have ended, and as `tree.set_up` and
    `tree.dissolve` do.
    """
    together = {branch.pk: branch for branch in branches}
    if isinstance(into, Branch):
        together.setdefault(into.pk, into)
    if len(together) < 2:
        message = "合并至少要两个党支部。"
        raise TreeError(message)
    _alive(list(together.values()))
    target = into if isinstance(into, Branch) else _found(by, into, ground)
    gone = [branch for pk, branch in together.items() if pk != target.pk]
    for branch in gone:
        _end(by, branch, ground, Succession.Kind.MERGE, [target])
    names = "、".join(branch.name_on(ground.on - dt.timedelta(days=1)) for branch in gone)
    audit.record(
        by=by,
        action="branch.merge",
        thing=target,
        branch=target,
        summary=f"{names}并入{target.name_on(ground.on)}",
        after={"from": [branch.code for branch in gone], "on": ground.on, "document": ground.document_number},
    )
    return target


@transaction.atomic
def split(*, by: Account | None, branch: Branch, parts: Sequence[Part], keeps: bool, ground: Ground) -> list[Branch]:
    """Split a branch into new ones; it goes on beside them when it `keeps`, else it ends on that day.

    Raises TreeError when nothing would be split, and as `tree.set_up` and `tree.dissolve` do.
    """
    if len(parts) + keeps < 2:
        message = "拆分后至少要有两个党支部。"
        raise TreeError(message)
    _alive([branch])
    made = [_found(by, part, ground) for part in parts]
    name = branch.name_on(ground.on - dt.timedelta(days=1))
    if keeps:
        _follow(branch, made, Succession.Kind.SPLIT, ground)
    else:
        _end(by, branch, ground, Succession.Kind.SPLIT, made)
    audit.record(
        by=by,
        action="branch.split",
        thing=branch,
        branch=branch,
        summary=f"{name}拆分出{'、'.join(part.place.name for part in parts)}",
        after={"into": [one.code for one in made], "on": ground.on, "document": ground.document_number},
    )
    return made


def _alive(branches: Sequence[Branch]) -> None:
    for branch in branches:
        if branch.level != Branch.Level.BRANCH or branch.dissolved_on is not None:
            message = "只有在册的党支部才能合并或拆分。"
            raise TreeError(message)


def _found(by: Account | None, part: Part, ground: Ground) -> Branch:
    return tree.set_up(
        by=by,
        code=part.code,
        level=Branch.Level.BRANCH,
        place=part.place,
        starts_on=ground.on,
        document_number=ground.document_number,
        reason=ground.reason,
    )


def _end(by: Account | None, branch: Branch, ground: Ground, kind: str, followers: Sequence[Branch]) -> None:
    """End a branch and its posts, and say who follows it."""
    tree.dissolve(
        by=by, branch=branch, on=ground.on, document_number=ground.document_number,
        reason=ground.reason or Succession.Kind(kind).label, followers=followers,
    )  # fmt: skip
    held = Appointment.objects.filter(branch=branch, ends_on__isnull=True)
    held.update(ends_on=ground.on, end_reason=Succession.Kind(kind).label)
    _follow(branch, followers, kind, ground)


def _follow(branch: Branch, followers: Sequence[Branch], kind: str, ground: Ground) -> None:
    Succession.objects.bulk_create(
        Succession(
            predecessor=branch,
            successor=one,
            kind=kind,
            happened_on=ground.on,
            document_number=ground.document_number,
        )
        for one in followers
    )
