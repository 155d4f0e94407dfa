"""Writing a plan down: which pieces an export is made of, those that are there already and those still to be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from branches import clock
from branches.transitions import advance
from reporting.database_time import database_now
from reporting.models import Export, Part, Piece
from reporting.services import jobs, pieces
from reporting.services.jobs import Claim

BATCH = 500


class VanishedError(Exception):
    """A piece that was there while the plan was made has gone since: plan again."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One part of an export to be: the hash of what it shows, and what the whole says about it."""

    digest: str
    format: str
    title: str
    group: str = ""
    code: str = ""
    file_name: str = ""


def usable(digests: Sequence[str]) -> set[str]:
    """Return the digests of pieces that are there or being drawn: no facts need to be kept for them."""
    good = (Piece.State.DONE, *Piece.OPEN)
    return set(Piece.objects.filter(digest__in=digests, state__in=good).values_list("digest", flat=True))


@transaction.atomic
def write(held: Claim, drafts: Sequence[Draft], works: Mapping[str, str], *, name: str, digest: str) -> int | None:
    """Write the parts of an export and the pieces that are missing; returns how many are still to be drawn.

    `works` holds, by digest, the keys under which the facts of missing pieces were stored. With pieces to draw the
    export gives its claim up and waits for them; with none it may be merged at once under the claim it has. None when
    the claim is lost or a cancel was asked for. Raises VanishedError.
    """
    export = jobs.held_row(held)
    if export is None or export.cancel_requested:
        return None
    found = _pieces(drafts, works)
    Part.objects.filter(export=export).delete()
    Part.objects.bulk_create(
        [
            Part(
                export=export, piece_id=found[d.digest].pk, number=number, group=d.group[:200], title=d.title[:200],
                code=d.code, file_name=d.file_name[:200],
            )
            for number, d in enumerate(drafts, 1)
        ],
        batch_size=BATCH,
    )  # fmt: skip
    left = sum(found[d.digest].state in Piece.OPEN for d in drafts)
    facts = {"total": len(drafts), "done": len(drafts) - left, "file_name": name, "data_digest": digest}
    Export.objects.filter(pk=export.pk).update(**facts)
    if left:
        advance(export, Export.State.DRAWING, by=export.owner, now=clock.now())
        # The attempt that made the plan was a good one: it is not counted against the merge.
        given_up = {"lease_until": None, "attempt": F("attempt") - 1, "heartbeat_at": None, "nudged_at": database_now()}
        Export.objects.filter(pk=export.pk).update(**given_up)
    return left


def _pieces(drafts: Sequence[Draft], works: Mapping[str, str]) -> dict[str, Piece]:
    """Return the pieces of all drafts by digest, locked; missing ones are made, failed ones begin anew."""
    moment = database_now()
    digests = list({d.digest for d in drafts})
    formats = {d.digest: d.format for d in drafts}
    there = _locked(digests)
    if unknown := [digest for digest in digests if digest not in there]:
        if any(digest not in works for digest in unknown):
            raise VanishedError
        new = [Piece(digest=d, format=formats[d], work_key=works[d], used_at=moment) for d in sorted(unknown)]
        Piece.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)
        there |= _locked(unknown)
    for piece in there.values():
        if piece.state != Piece.State.FAILED:
            continue
        if piece.digest not in works:
            raise VanishedError
        fresh = {"state": Piece.State.WAITING, "attempt": 0, "work_key": works[piece.digest], "available_at": None}
        Piece.objects.filter(pk=piece.pk).update(**fresh, error="")
        piece.state = Piece.State.WAITING
    Piece.objects.filter(pk__in=[piece.pk for piece in there.values()]).update(used_at=moment)
    return there


def _locked(digests: Sequence[str]) -> dict[str, Piece]:
    rows = Piece.objects.select_for_update().filter(digest__in=digests).order_by("digest")
    return {row.digest: row for row in rows.only("pk", "digest", "state")}


@transaction.atomic
def tear_up(held: Claim) -> None:
    """Take the plan of an export away under its claim: the next attempt plans anew."""
    export = jobs.held_row(held)
    if export is not None:
        pieces.drop_parts(export)
