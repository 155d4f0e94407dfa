"""The steps of a worker on one piece: claim, renew, publish, give back, fail; and what becomes of pieces nobody wants.

Every write is one compare-and-set on the fencing token. Pieces leave no audit trail: what matters to people is the
export they belong to.
"""

import datetime as dt
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from reporting.database_time import database_now
from reporting.models import MAX_ATTEMPTS, Export, Part, Piece, PieceQuerySet
from reporting.services.leases import RETRY_PAUSE, STALLED, lease, tried

S = Piece.State
LOST = "lost:"
TURNS = 5
RUN = 8
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldPiece:
    """The right to draw a piece until the lease ends; `token` proves it."""

    piece_id: int
    token: int
    attempt: int
    work_key: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A piece that was drawn and written under a key of its own, not offered yet."""

    key: str
    size: int
    sha256: str
    pages: int


def delete_files(keys: Iterable[str]) -> None:
    """Delete stored files; what cannot be deleted is left to the sweep."""
    for key in filter(None, keys):
        try:
            default_storage.delete(key)
        except OSError:
            log.exception("cannot delete %s", key)


def claim_run(limit: int = RUN) -> list[HeldPiece]:
    """Take the next few pieces under leases; [] when there is none to be had.

    One that was tried before is taken alone: what broke off a run is not counted against its neighbours twice.
    All are of one export, the one of those that wait that was served longest ago: a long export holds up no short one.
    """
    moment = database_now()
    turns = Export.objects.drawing().filter(parts__piece__in=Piece.objects.ready(moment)).distinct()
    for export_id in turns.order_by(F("heartbeat_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:TURNS]:
        if taken := _take(export_id, moment, limit):
            return taken
    return []


@transaction.atomic
def _take(export_id: int, moment: dt.datetime, limit: int) -> list[HeldPiece]:
    wanted = Part.objects.filter(export=export_id).values("piece")
    free = _free_to_lock().filter(pk__in=wanted).ready(moment).order_by("attempt", "pk")
    rows = list(free.only("token", "attempt", "work_key")[:limit])
    rows = [row for row in rows if not row.attempt] or rows[:1]
    if rows:
        changes = {"token": F("token") + 1, "attempt": F("attempt") + 1, "lease_until": moment + lease()}
        Piece.objects.filter(pk__in=[row.pk for row in rows]).update(state=S.DRAWING, **changes)
        Export.objects.filter(pk=export_id).update(heartbeat_at=moment)
    return [HeldPiece(row.pk, row.token + 1, row.attempt + 1, row.work_key) for row in rows]


def _free_to_lock() -> PieceQuerySet:
    """Return pieces to be locked, those left out that somebody else has locked."""
    return Piece.objects.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)


def _mine(held: HeldPiece) -> PieceQuerySet:
    return Piece.objects.filter(pk=held.piece_id, state=S.DRAWING, token=held.token)


def renew(run: Iterable[HeldPiece]) -> bool:
    """Lengthen the leases of a run; False when the claim on one of them is lost."""
    until = database_now() + lease()
    kept = [_mine(held).update(lease_until=until) for held in run]
    return all(kept)


def look(held: HeldPiece) -> bool:
    """Return whether the claim holds and anybody still wants the piece (a mere read)."""
    return bool(_mine(held).filter(parts__isnull=False).exists())


@transaction.atomic
def publish(made: Sequence[tuple[HeldPiece, Drawn]]) -> list[HeldPiece]:
    """Offer drawn pieces to their exports, as far as the claims still hold; returns those that were lost.

    They are locked in the order in which a plan locks them: in another the two would wait for each other.
    """
    drawn_ones = Piece.objects.select_for_update().filter(pk__in=[held.piece_id for held, _ in made])
    list(drawn_ones.order_by("digest").values_list("pk", flat=True))
    lost = [held for held, drawn in made if not _publish(held, drawn)]
    count_done([held.piece_id for held, _ in made])
    done = [held.work_key for held, _ in made if held not in lost]
    transaction.on_commit(lambda: delete_files(done))
    return lost


def _publish(held: HeldPiece, drawn: Drawn) -> int:
    return _mine(held).update(
        state=S.DONE, file_key=drawn.key, file_size=drawn.size, sha256=drawn.sha256, pages=drawn.pages,
        lease_until=None, work_key="", error="",
    )  # fmt: skip


def release(held: HeldPiece) -> bool:
    """Give a piece back unharmed (the worker is stopping): the attempt is not counted."""
    return bool(_mine(held).update(state=S.WAITING, attempt=F("attempt") - 1, token=F("token") + 1, lease_until=None))


def fail(held: HeldPiece, reason: str, *, final: bool = False) -> str:
    """Record that an attempt failed; returns the state it led to, "" when the claim was lost."""
    return _set_back(_mine(held), held.attempt, held.piece_id, held.work_key, reason, final=final)


def _set_back(mine: PieceQuerySet, attempt: int, pk: int, work_key: str, reason: str, *, final: bool = False) -> str:
    """Let a piece wait for its next attempt, or fail it when there is none; returns the new state."""
    if final or attempt >= MAX_ATTEMPTS:
        error = reason if final else tried(reason, attempt)
        if not mine.update(state=S.FAILED, token=F("token") + 1, lease_until=None, work_key="", error=error[:300]):
            return ""
        delete_files([work_key])
        count_done([pk])
        return S.FAILED
    pause = database_now() + RETRY_PAUSE * attempt
    waits = mine.update(state=S.WAITING, token=F("token") + 1, lease_until=None, available_at=pause, error=reason[:300])
    return S.WAITING if waits else ""


def reap() -> int:
    """Let pieces wait again whose lease has ended (or fail them, their attempts used up); returns how many."""
    overdue = Piece.objects.drawing().filter(lease_until__lt=database_now())
    count = 0
    for row in overdue.only("pk", "token", "attempt", "work_key"):
        mine = Piece.objects.filter(pk=row.pk, state=S.DRAWING, token=row.token, lease_until__lt=database_now())
        count += bool(_set_back(mine, row.attempt, row.pk, row.work_key, STALLED))
    return count


def count_done(settled_ids: Collection[int]) -> None:
    """Write into the exports of settled pieces how many of their pieces are settled."""
    settled = Part.objects.filter(export=OuterRef("pk")).exclude(piece__state__in=Piece.OPEN).order_by()
    number = settled.values("export").annotate(number=Count("pk")).values("number")
    exports = Export.objects.drawing().filter(pk__in=Part.objects.filter(piece__in=settled_ids).values("export"))
    exports.update(done=Coalesce(Subquery(number), 0))


def waiting() -> int:
    """Return how many pieces could be drawn now."""
    return Piece.objects.ready(database_now()).filter(parts__export__state=Export.State.DRAWING).distinct().count()


def drop_parts(export: Export) -> None:
    """Take an export's parts away; pieces that nobody else waits for go with them."""
    Part.objects.filter(export=export).delete()
    forget(Piece.objects.unwanted().filter(state=S.WAITING))


@transaction.atomic
def forget(rows: PieceQuerySet) -> int:
    """Delete those of some pieces that nobody wants, their files after the commit; returns how many.

    A plan that is just written locks the pieces it uses, so none is deleted under its hands. Pieces somebody holds are
    left to `expire`: waiting for them while holding their export would be a deadlock with who claims a run of it.
    """
    found = list(rows.values_list("pk", flat=True))
    idle = _free_to_lock().filter(pk__in=found).order_by("digest")
    locked = list(idle.values_list("pk", flat=True))
    free = Piece.objects.unwanted().filter(pk__in=locked).exclude(state=S.DRAWING)
    keys = [key for pair in free.values_list("work_key", "file_key") for key in pair]
    count, _ = free.delete()
    transaction.on_commit(lambda: delete_files(keys))
    return count


@transaction.atomic
def set_aside(pieces: Iterable[Piece]) -> None:
    """Keep finished pieces whose file is gone or spoilt from being used again."""
    for piece in pieces:
        Piece.objects.filter(pk=piece.pk).update(digest=f"{LOST}{piece.pk}", used_at=_past())


def _past() -> dt.datetime:
    return database_now() - dt.timedelta(hours=settings.PIECE_TTL_HOURS + 1)


def expire(limit: int = 500) -> int:
    """Delete settled pieces that nobody used for their time; returns how many."""
    old = Q(used_at__lt=database_now() - dt.timedelta(hours=settings.PIECE_TTL_HOURS))
    due = Piece.objects.unwanted().filter(old | Q(state=S.WAITING)).exclude(state=S.DRAWING)
    return forget(due.order_by("pk")[:limit])
