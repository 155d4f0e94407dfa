"""Keys of talks: rotation, sealing and erasing at once, each killed with kill -9 at random moments.

The negative control, a vault without its lock, is in tests/interviews/test_vault.py: it needs no killing.
"""

import random
import subprocess
import sys
import time

import pytest

from interviews.vault import rotation, store
from interviews.vault.faults import KeyErased, KeyLost
from tests.conftest import ROOT
from tests.soak.arena import seed
from tests.soak.vault_process import vault_in

pytestmark = [pytest.mark.soak]
RECORDS, KILLS = 300, 60


class Busy:
    """One process that does one thing without end; its lines are kept however it ends."""

    def __init__(self, act, directory):
        self.act, self.directory, self.path = act, directory, directory / f"{act}.out"
        self.process = None

    def start(self):
        with self.path.open("ab") as out:
            command = [sys.executable, "-m", "tests.soak.vault_process", self.act, str(self.directory)]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=out)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def lines(self):
        return [line.split() for line in self.path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def opened(vault, keys, erased):
    """Return how many records do not open as they should; `erased` were so before this look began."""
    wrong = 0
    for record, key in keys.items():
        try:
            wrong += vault.key(record) != key or record in erased
        except KeyErased:
            wrong += record not in vault.journal.records()
        except KeyLost:
            wrong += 1
    return wrong


def test_nothing_is_lost_and_nothing_comes_back(tmp_path, injected):
    vault, chance = vault_in(tmp_path), random.Random(seed())
    store.found(vault)
    keys = vault.issue([f"{number:032x}" for number in range(1, RECORDS + 1)])
    busy = {act: Busy(act, tmp_path) for act in ("rotate", "seal", "erase")}
    for one in busy.values():
        one.start()
    wrong = 0
    for _ in range(KILLS):
        if not (tmp_path / "offered").exists():
            (tmp_path / "offered").write_text(chance.choice(sorted(keys)))
        time.sleep(chance.uniform(0.1, 1.2))
        victim = chance.choice(sorted(busy))
        busy[victim].kill()
        sealed = {record: bytes.fromhex(key) for record, key in busy["seal"].lines()}
        wrong += opened(vault, keys | sealed, set(vault.journal.records()))
        busy[victim].start()
    for one in busy.values():
        one.kill()
    rotations = len(busy["rotate"].lines())
    done = rotation.rotate(vault)
    sealed = {record: bytes.fromhex(key) for record, key in busy["seal"].lines()}
    erased = set(vault.journal.records())
    wrong += opened(vault, keys | sealed, erased)
    assert vault.keks.ids() == [done.key]
    assert set(store.wrapped_under(vault)) == {done.key}
    assert not set(vault.records()) & erased
    said = f"{rotations} rotations, {len(sealed)} sealed, {len(erased)} erased: {wrong} wrong"
    injected(f"{KILLS} kill -9 among rotating, sealing and erasing of {RECORDS} records", said)
    assert wrong == 0
    assert rotations > 0
    assert sealed
    assert erased
