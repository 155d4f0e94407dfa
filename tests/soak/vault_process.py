"""A process of its own that rotates, seals or erases without end until it is killed: `python -m … ACT DIRECTORY`."""

import datetime as dt
import secrets
import sys
from pathlib import Path

from interviews.vault import copies, rotation
from interviews.vault.journal import Journal
from interviews.vault.keks import Keks
from interviews.vault.store import Vault


def vault_in(directory: Path) -> Vault:
    """Return the vault of a directory."""
    return Vault(directory / "vault", Keks(directory / "keys"), Journal(directory / "journal"))


def rotate(vault: Vault, directory: Path) -> None:
    """Rotate, with a backup before the old key goes."""
    rotation.rotate(vault, before_destroying=lambda: copies.write(vault, directory / "copies", dt.datetime.now(dt.UTC)))
    sys.stdout.write("rotated\n")
    sys.stdout.flush()


def seal(vault: Vault, _directory: Path) -> None:
    """Make a key for a new record, and say so once it is kept."""
    record = secrets.token_hex(16)
    (key,) = vault.issue([record]).values()
    sys.stdout.write(f"{record} {key.hex()}\n")
    sys.stdout.flush()


def erase(vault: Vault, directory: Path) -> None:
    """Erase a record the test offers."""
    offered = directory / "offered"
    if offered.exists() and (record := offered.read_text()):
        vault.journal.add([record], "request", dt.datetime.now(dt.UTC))
        vault.destroy([record])
        offered.unlink(missing_ok=True)


if __name__ == "__main__":
    _act, _directory = {"rotate": rotate, "seal": seal, "erase": erase}[sys.argv[1]], Path(sys.argv[2])
    while True:
        _act(vault_in(_directory), _directory)
