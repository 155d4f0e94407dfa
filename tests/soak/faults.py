"""Faults built into a worker process of a test, never into the product.

Documents: what a branch is called decides what happens while its document is laid out (`ON_PURPOSE`).
Negative controls: ZHIBU_FAULTS names safeguards to take out, and the assertions must notice.
"""

import contextlib
import ctypes
import os
import resource
import time
from dataclasses import replace

from django.apps import AppConfig
from django.db import connection, transaction

SLOW_SECONDS = 2.0
BLOCK = 64 * 1024 * 1024


def segfault():
    """Read address 0."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


def abort():
    """End as a failed assertion in C ends."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()


def hog():
    """Take memory until there is none."""
    taken = []
    while True:
        taken.append(bytearray(BLOCK))


def spin():
    """Never come back."""
    while True:
        pass


def fail():
    """Raise what nobody expects."""
    raise ValueError("on purpose")


ON_PURPOSE = {
    "段错误": segfault,
    "中止": abort,
    "吃内存": hog,
    "死循环": spin,
    "报错": fail,
    "慢": lambda: time.sleep(SLOW_SECONDS),
}


def sabotaged(kind):
    """Return a kind of export whose documents come to grief where the name of what they are about says so."""

    def lay(facts, stamp):
        for word, act in ON_PURPOSE.items():
            if word in kind.name(facts):
                act()
        return kind.lay(facts, stamp)

    return replace(kind, lay=lay)


# --- Safeguards to take out -----------------------------------------------------------------------------------------


def without_reaper():
    """Nobody looks for leases that ended."""
    from reporting.services import upkeep

    upkeep.reap = lambda: 0


def without_poller():
    """Nobody announces rows whose message was lost."""
    from reporting.services import upkeep

    upkeep.announce_waiting = lambda: ""


def without_fence():
    """A worker that lost its claim may publish: neither its token nor the state is compared."""
    from reporting.models import Export, Piece
    from reporting.services import jobs, pieces

    def held(claim):
        Export.objects.filter(pk=claim.export_id).update(state=Export.State.RUNNING, lease_until=jobs.database_now())
        return jobs._locked(claim.export_id)

    jobs._held = held
    pieces._mine = lambda claim: Piece.objects.filter(pk=claim.piece_id)
    jobs.renew = lambda _held: True
    jobs.look = lambda _held: 0
    jobs.report = lambda *_args, **_more: True


def without_claim():
    """A claim does not ask whether the row was finished already."""
    from reporting.models import Export
    from reporting.services import jobs

    claim = jobs.claim

    def careless(export_id):
        done = Export.objects.filter(pk=export_id, state=Export.State.DONE)
        done.update(state=Export.State.QUEUED, attempt=0, available_at=None)
        return claim(export_id)

    jobs.claim = careless


def without_short_transactions():
    """Drawing happens inside a transaction that has written: everybody who saves waits for the end of the export."""
    from reporting.making.kinds import BY_SLUG

    @contextlib.contextmanager
    def writing():
        with transaction.atomic():
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute("LOCK TABLE grading_assessment IN EXCLUSIVE MODE")
            yield

    for slug, kind in list(BY_SLUG.items()):

        def lay(facts, stamp, inner=kind.lay):
            with writing():
                time.sleep(SLOW_SECONDS * 2)
                return inner(facts, stamp)

        BY_SLUG[slug] = replace(kind, lay=lay)


def with_slow_merge():
    """Putting the pieces together takes its time, so that it can be interrupted."""
    from reporting.making import finishing

    finish = finishing.finish

    def slowly(*args, **more):
        time.sleep(SLOW_SECONDS)
        return finish(*args, **more)

    finishing.finish = slowly


CONTROLS = {
    "no-reaper": without_reaper,
    "no-poller": without_poller,
    "no-fence": without_fence,
    "no-claim": without_claim,
    "long-transactions": without_short_transactions,
    "slow-merge": with_slow_merge,
}


def install(names: str) -> None:
    """Build the document faults in, and take the named safeguards out."""
    from reporting.making.kinds import BY_SLUG

    for slug, kind in list(BY_SLUG.items()):
        BY_SLUG[slug] = sabotaged(kind)
    for name in filter(None, names.split(",")):
        CONTROLS[name]()


class Faults(AppConfig):
    """Installs the faults once every app is there."""

    name = "tests.soak"
    label = "soak"

    def ready(self) -> None:
        install(os.environ.get("ZHIBU_FAULTS", ""))
