"""Keys of sealed texts as an operator meets them: rotation, short-lived backups, and whether all is well."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from branches import audit
from branches.models import Account, Branch
from interviews.models import SealedRecord
from interviews.services import attested, erasure, vaults
from interviews.vault import copies, disk, rotation
from interviews.vault.faults import VaultError
from interviews.vault.rotation import Rotated

NO_JOURNAL = (
    "注意：删除登记是空的。原来清除过正文的，备份里的会重新打得开：请把删除登记（INTERVIEW_JOURNAL_DIR）的最新副本放回来，"
    "再运行 manage.py interview_keys replay。"
)


@dataclass(frozen=True, slots=True)
class Copied:
    """A backup of the wrapped keys, and how many old ones were shredded for it."""

    path: Path
    keys: int
    shredded: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back from a backup of the wrapped keys, and what the journal took away again."""

    keys: int
    replayed: erasure.Replayed


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """What is wrong with keys, journal and retention; all empty or zero when nothing is."""

    keyless: int  # records whose texts nobody can open any more
    broken: str  # why a record's key cannot be unwrapped
    readable: Sequence[str]  # directories and files other users of the machine can read
    copied: bool  # keys lie where the backup of the database takes them along, or all in one place
    unjournalled: int  # rows that say erased, of which the journal knows nothing
    unreplayed: int  # erasures the database does not know of
    expired: int  # records kept beyond their retention date
    unfinished: bool  # a rotation was interrupted
    unknown: int  # keys of records this database does not know
    sealed: int  # records with texts
    key_days: int | None  # age of the master key
    copy_days: int | None  # age of the newest backup of the wrapped keys
    forged: int  # owners and readers whom the product did not write
    stale: int  # backups of wrapped keys that are older than they may be


def rotate(*, by: Account | None, now: dt.datetime) -> Rotated:
    """Rotate the master key, or finish a rotation; backups under the old key go with it. Raises VaultError."""
    vault = vaults.ready()
    directory = settings.INTERVIEW_VAULT_BACKUP_DIR
    done = rotation.rotate(vault, before_destroying=lambda: copies.write(vault, directory, now))
    copies.prune(directory, before=now)
    root = Branch.objects.order_by("pk").first()
    if root is not None:
        said = f"更换访谈主密钥，重新包裹 {done.rewrapped} 条记录的密钥，销毁旧主密钥 {len(done.destroyed)} 把"
        audit.record(by=by, action="keys.rotate", thing=root, summary=said)
    return done


def back_up(*, now: dt.datetime) -> Copied:
    """Write a backup of the wrapped keys and shred those that are too old."""
    directory, vault = settings.INTERVIEW_VAULT_BACKUP_DIR, vaults.vault()
    path = copies.write(vault, directory, now)
    shredded = copies.prune(directory, before=now - dt.timedelta(days=settings.INTERVIEW_VAULT_BACKUP_DAYS))
    return Copied(path, sum(1 for _ in copies.read(path)), shredded)


def restore(*, path: Path, now: dt.datetime) -> Restored:
    """Put wrapped keys back from a backup and replay the journal. Raises VaultError."""
    put = copies.restore(vaults.vault(), path)
    return Restored(put, erasure.replay(now=now))


def journalled() -> bool:
    """Tell whether the journal knows of any erasure."""
    return bool(vaults.vault().journal.records())


def health(*, backed_up: Path, now: dt.datetime, day: dt.date) -> KeyHealth:
    """Look at keys, journal and backups beside the rows; `backed_up` is what the backup of the database takes along."""
    vault = vaults.vault()
    held, erased = set(vault.records()), vault.journal.records()
    live = {pk.hex for pk in SealedRecord.objects.filter(erased_at__isnull=True).values_list("pk", flat=True)}
    gone = {pk.hex for pk in SealedRecord.objects.filter(erased_at__isnull=False).values_list("pk", flat=True)}
    keks, backups = vault.keks.ids(), copies.all_of(settings.INTERVIEW_VAULT_BACKUP_DIR)
    oldest = now - dt.timedelta(days=settings.INTERVIEW_VAULT_BACKUP_DAYS + 1)
    return KeyHealth(
        keyless=len(live - held - erased),
        broken=_broken((live & held) - erased),
        readable=_readable(),
        copied=vault.inside([backed_up]) or _together(),
        unjournalled=len(gone - erased),
        unreplayed=len(live & erased),
        expired=SealedRecord.objects.expired(day).count(),
        unfinished=len(keks) > 1,
        unknown=len(held - live - gone),
        sealed=len(live),
        key_days=_age(vault.keks.made_at(keks[-1]), now) if keks else None,
        copy_days=_age(copies.made_at(backups[-1]), now) if backups else None,
        forged=attested.forged(now),
        stale=sum(copies.made_at(path) < oldest for path in backups),
    )


def _broken(records: set[str]) -> str:
    """Try a few keys: a wrong master key shows at once."""
    for name in sorted(records)[:3]:
        try:
            vaults.vault().key(name)
        except VaultError as fault:
            return str(fault)
    return ""


def _readable() -> list[str]:
    found = vaults.vault().open_to_others()
    for directory in (settings.INTERVIEW_KEY_DIR, settings.INTERVIEW_JOURNAL_DIR, settings.INTERVIEW_VAULT_BACKUP_DIR):
        found += disk.open_to_others(directory)
    return found


def _together() -> bool:
    """Tell whether master keys or journal lie within what is backed up or moved with the wrapped keys."""
    apart = [Path(settings.INTERVIEW_KEY_DIR).resolve(), Path(settings.INTERVIEW_JOURNAL_DIR).resolve()]
    moved = [Path(settings.INTERVIEW_VAULT_DIR).resolve(), Path(settings.INTERVIEW_VAULT_BACKUP_DIR).resolve()]
    return any(one == other or other in one.parents for one in apart for other in moved)


def _age(moment: dt.datetime, now: dt.datetime) -> int:
    return max((now - moment).days, 0)
