"""One place for state: transition tables and `advance` (design.md idea 2)."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import models, transaction

from branches import audit
from branches.models import Account, Branch, TransitionLog
from branches.permissions import branch_id_of
from branches.registries import blockers


@dataclass(frozen=True, slots=True)
class Transition:
    """A legal move: its verb, and whether it needs a reason or a deciding body."""

    to: str
    verb: str
    needs_reason: bool = False
    needs_decision: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The body that decided (支委会, 总支委员会, 党委会), when it met, and the document number."""

    body: str
    met_on: dt.date | None = None
    document_number: str = ""


class IllegalMoveError(Exception):
    """The transition table does not know this move; the message is a Chinese sentence."""


class BlockedError(Exception):
    """Gates stand in the way; `.blockers` are sentences a person can act on."""

    def __init__(self, blockers: list[str]) -> None:
        """Keep the sentences."""
        super().__init__("；".join(blockers))
        self.blockers = blockers


Table = dict[str, tuple[Transition, ...]]
_tables: dict[type[models.Model], Table] = {}
T = TypeVar("T", bound=models.Model)


def register(model: type[models.Model], table: Table) -> None:
    """Declare the transition table of a model that has a `state` field."""
    _tables[model] = table


def moves(thing: models.Model) -> tuple[Transition, ...]:
    """Return the moves the table allows from the present state."""
    return _tables[type(thing)].get(thing.state, ())  # type: ignore[attr-defined]


def _find(thing: models.Model, to: str) -> Transition:
    for transition_ in moves(thing):
        if transition_.to == to:
            return transition_
    name = thing._meta.verbose_name
    message = f"{name}现在是“{_label(thing, thing.state)}”，不能改为“{_label(thing, to)}”。"  # type: ignore[attr-defined]
    raise IllegalMoveError(message)


def _label(thing: models.Model, state: str) -> str:
    choices = dict(thing._meta.get_field("state").flatchoices)  # type: ignore[union-attr]
    return str(choices.get(state, state))


def _log(
    row: Any, before: str, *, by: Account | None, now: dt.datetime, reason: str, decision: Decision | None
) -> None:
    """Write the move into the log, with the deciding body where there is one."""
    TransitionLog.objects.create(
        thing=row._meta.label_lower,
        thing_id=row.pk,
        from_state=before,
        to_state=row.state,
        at=now,
        by=by,
        reason=reason,
        body=decision.body if decision else "",
        met_on=decision.met_on if decision else None,
        document_number=decision.document_number if decision else "",
    )


@transaction.atomic
def advance(
    thing: T,
    to: str,
    *,
    by: Account | None,
    now: dt.datetime,
    reason: str = "",
    decision: Decision | None = None,
    held: bool = False,
) -> T:
    """Move `thing` to state `to`; lock the row, ask the gates, write state, log and audit. Returns the fresh row.

    `held` says that the caller's transaction has the row's lock and has read it, and what the gates look at, since.

    Raises IllegalMoveError when the table does not know the move, or a needed reason or body is missing, and
    BlockedError with the gates' sentences.
    """
    row: Any = thing if held else type(thing)._base_manager.select_for_update().get(pk=thing.pk)
    move = _find(row, to)
    if move.needs_reason and not reason.strip():
        message = f"{move.verb}须写明理由。"
        raise IllegalMoveError(message)
    if move.needs_decision and (decision is None or not decision.body):
        message = f"{move.verb}须写明决定机构。"
        raise IllegalMoveError(message)
    if found := blockers(row, to, now):
        raise BlockedError(found)
    before, row.state = row.state, to
    row.save(update_fields=["state"])
    _log(row, before, by=by, now=now, reason=reason.strip(), decision=decision)
    branch_id = branch_id_of(row)
    audit.record(
        by=by,
        action=f"{row._meta.label_lower}.{to}",
        thing=row,
        branch=Branch.objects.filter(pk=branch_id).first() if branch_id else None,
        summary=f"{row._meta.verbose_name}：{move.verb}",
        before={"state": before},
        after={"state": to, "reason": reason.strip()},
    )
    thing.state = to  # type: ignore[attr-defined]
    result: T = row
    return result


def history(thing: models.Model) -> models.QuerySet[TransitionLog]:
    """Return the log of a thing, newest first."""
    return TransitionLog.objects.filter(thing=thing._meta.label_lower, thing_id=thing.pk).select_related("by__person")
