"""The steps of a worker on one export: claim, renew, report, publish, give back, fail.

Every step after the claim is a compare-and-set on the fencing token: a worker that was thought dead and lives on can
change nothing any more.
"""

import datetime as dt
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q

from branches import clock
from branches.models import Account
from branches.permissions import Action, can
from branches.transitions import advance
from reporting import states
from reporting.database_time import database_now
from reporting.models import MAX_ATTEMPTS, Export
from reporting.services import pieces
from reporting.services.leases import RETRY_PAUSE, lease, tried
from reporting.services.versions import data_version

S = Export.State
NO_LONGER_ALLOWED = "申请人已没有导出这个范围的权限。"
ASKED_AGAIN = "同样的报表已重新申请，这一次不再生成。"
log = logging.getLogger(__name__)
states.declare()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on an export until the lease ends; `token` proves it."""

    export_id: int
    token: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file that was made and written under a key of its own, not offered yet."""

    key: str
    name: str
    size: int
    sha256: str
    digest: str
    note: str = ""


def _locked(export_id: int) -> Export | None:
    """Return the row, locked until the transaction ends; None when it is gone."""
    return Export.objects.select_for_update().filter(pk=export_id).first()


def next_claimable(refused: Collection[int] = ()) -> int | None:
    """Return the export that a worker may take next: one to be merged, else the oldest whose owner has a place free."""
    moment = database_now()
    ready = Q(available_at__isnull=True) | Q(available_at__lte=moment)
    open_to = Export.objects.filter(ready).exclude(pk__in=refused)
    if (drawn := open_to.drawn().order_by("pk").values_list("pk", flat=True).first()) is not None:
        return drawn
    counted = Export.objects.begun().order_by().values("owner").annotate(number=Count("pk"))
    full = counted.filter(number__gte=settings.EXPORT_RUNNING_PER_ACCOUNT)
    rows = open_to.waiting().exclude(owner__in=full.values("owner"))
    oldest = rows.order_by(F("available_at").asc(nulls_first=True), "requested_at", "pk")
    return oldest.values_list("pk", flat=True).first()


@transaction.atomic
def claim(export_id: int) -> Claim | None:
    """Take an export under a lease; None when it is not to be had (taken, ended, waiting for pieces or its turn).

    Queued exports are taken to be made or planned, drawn ones to be merged. Permission is asked again: an owner who
    lost it gets a failed export, and None is returned.
    """
    export = _locked(export_id)
    if export is None or not _to_be_had(export):
        return None
    # Locking the owner's row keeps two workers from both taking the last place of the owner's quota.
    owner = (
        Account.objects.select_for_update(of=("self",), no_key=True).select_related("person").get(pk=export.owner_id)
    )
    merging = export.state == S.DRAWING
    if not merging and Export.objects.of(owner).begun().count() >= settings.EXPORT_RUNNING_PER_ACCOUNT:
        return None
    if not can(owner, Action.EXPORT, export.unit):
        end(export, S.FAILED, error=NO_LONGER_ALLOWED)
        return None
    moment = database_now()
    begun = {} if merging else {"started_at": clock.now(), "done": 0, "total": 0, "data_version": data_version()}
    Export.objects.filter(pk=export.pk).update(
        token=F("token") + 1, attempt=F("attempt") + 1, lease_until=moment + lease(), heartbeat_at=moment, error="",
        **begun,
    )  # fmt: skip
    advance(export, S.RUNNING, by=owner, now=clock.now())
    return Claim(export.pk, export.token + 1, export.attempt + 1)


def _to_be_had(export: Export) -> bool:
    if export.available_at and export.available_at > database_now():
        return False
    return export.state == S.QUEUED or Export.objects.drawn().filter(pk=export.pk).exists()


def _held(held: Claim) -> "Export | None":
    """Return the locked row while `held` still is the right to it."""
    export = _locked(held.export_id)
    if export is None or export.state != S.RUNNING or export.token != held.token:
        return None
    return export


def held_row(held: Claim) -> "Export | None":
    """Return the locked row of a claim that holds, for whoever writes its plan."""
    return _held(held)


def renew(held: Claim) -> bool:
    """Lengthen the lease; False when the claim is lost or the owner wants it cancelled."""
    moment = database_now()
    mine = Export.objects.filter(pk=held.export_id, state=S.RUNNING, token=held.token, cancel_requested=False)
    return mine.update(lease_until=moment + lease(), heartbeat_at=moment) == 1


def look(held: Claim) -> int | None:
    """Return how many documents are done; None once the claim is lost or a cancel was asked for (a mere read)."""
    mine = Export.objects.filter(pk=held.export_id, state=S.RUNNING, token=held.token, cancel_requested=False)
    return mine.values_list("done", flat=True).first()


def report(export_id: int, token: int, *, done: int, total: int) -> bool:
    """Write how far the work is; False when the claim is lost or a cancel was asked for."""
    mine = Export.objects.filter(pk=export_id, state=S.RUNNING, token=token, cancel_requested=False)
    return mine.update(done=min(done, total), total=total) == 1


@transaction.atomic
def publish(held: Claim, outcome: Outcome) -> bool:
    """Offer a finished file, if the claim still holds; False when it does not (the file then is nobody's)."""
    export = _held(held)
    if export is None or export.cancel_requested:
        return False
    moment = clock.now()
    Export.objects.filter(pk=export.pk).update(
        file_key=outcome.key, file_name=outcome.name, file_size=outcome.size, sha256=outcome.sha256,
        data_digest=outcome.digest, finished_at=moment, done=F("total"), note=outcome.note[:300],
        expires_at=moment + dt.timedelta(hours=settings.EXPORT_TTL_HOURS),
    )  # fmt: skip
    advance(export, S.DONE, by=export.owner, now=moment)
    pieces.drop_parts(export)
    return True


@transaction.atomic
def release(held: Claim) -> str:
    """Give an export back unharmed (the worker is stopping): as it was before the claim, the attempt not counted.

    Returns the new state, "" when the claim was lost.
    """
    export = _held(held)
    return _step_back(export, attempt=F("attempt") - 1) if export is not None else ""


def _step_back(export: Export, *, reason: str = "", **changes: Any) -> str:
    """Move a locked running export to where its claim took it from: planned, else queued; returns the new state.

    No account has two alike in the queue: one that was asked for again meanwhile, of newer data, ends here.
    """
    planned = export.parts.exists()
    if not planned and Export.objects.waiting().filter(owner=export.owner_id, fingerprint=export.fingerprint).exists():
        return end(export, S.CANCELLED, error=ASKED_AGAIN)
    if not planned:
        changes |= {"done": 0, "total": 0}
    state = S.DRAWING if planned else S.QUEUED
    advance(export, state, by=None, now=clock.now(), reason=reason)
    Export.objects.filter(pk=export.pk).update(token=F("token") + 1, lease_until=None, nudged_at=None, **changes)
    return state


@transaction.atomic
def fail(held: Claim, reason: str, *, final: bool = False) -> str:
    """Record that an attempt failed; returns the state it led to, "" when the claim was lost.

    Queued again after a pause while attempts are left, unless `final` says that trying again cannot help.
    """
    export = _held(held)
    if export is None:
        return ""
    if export.cancel_requested:
        return end(export, S.CANCELLED)
    return set_back(export, reason, final=final)


def set_back(export: Export, reason: str, *, final: bool = False) -> str:
    """Let a locked running export wait for its next attempt, or fail it when there is none; returns the new state."""
    if final or export.attempt >= MAX_ATTEMPTS:
        return end(export, S.FAILED, error=reason if final else tried(reason, export.attempt))
    pause = database_now() + RETRY_PAUSE * export.attempt
    return _step_back(export, reason=reason, error=reason[:300], available_at=pause)


@transaction.atomic
def abandon(held: Claim) -> str:
    """End a running export whose owner asked for a cancel; returns the new state, "" when the claim was lost."""
    export = _held(held)
    return end(export, S.CANCELLED) if export is not None and export.cancel_requested else ""


def end(export: Export, state: str, *, error: str = "") -> str:
    """Move a locked export to a final state without a file; nobody holds a claim on it afterwards."""
    advance(export, state, by=None, now=clock.now(), reason=error)
    Export.objects.filter(pk=export.pk).update(
        token=F("token") + 1, lease_until=None, error=error[:300], finished_at=clock.now(), cancel_requested=False
    )
    pieces.drop_parts(export)
    return state
