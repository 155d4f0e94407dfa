"""Sealing, keys, journal, rotation and backups of keys, on directories of their own."""

import datetime as dt
import itertools
import stat
import threading
from contextlib import nullcontext

import pytest

from interviews.vault import copies, disk, rotation, sealing, store
from interviews.vault.faults import KeyErased, KeyLost, Tampered, VaultError
from interviews.vault.journal import Journal
from interviews.vault.keks import Keks
from interviews.vault.sealing import Place
from interviews.vault.store import Vault

NOW = dt.datetime(2012, 6, 1, 8, tzinfo=dt.UTC)
A, B, C = "a1" * 16, "a2" * 16, "c3" * 16  # A and B differ, and lie in parts of their own
HERE = Place(campaign=1, record=A, kind="interview", field="text", version=1)


@pytest.fixture
def vault(tmp_path):
    made = Vault(tmp_path / "vault", Keks(tmp_path / "keys"), Journal(tmp_path / "journal"))
    store.found(made)
    return made


def files(directory):
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.name != ".lock")


# --- Sealing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "谈", "谈话" * 400, "字" * 20000])
def test_what_is_sealed_opens_in_its_place(text):
    key = sealing.new_key()
    sealed = sealing.seal(key, HERE, text)
    assert sealing.unseal(key, HERE, sealed) == text
    assert text == "" or text.encode() not in sealed
    assert sealing.seal(key, HERE, text) != sealed


def test_lengths_are_a_few_sizes():
    sizes = [len(sealing.seal(bytes(32), HERE, "字" * count)) - 40 for count in (0, 80, 90, 340, 341, 5459, 5462)]
    assert sizes == [256, 256, 1024, 1024, 4096, 16384, 32768]


@pytest.mark.parametrize(
    "there",
    [
        Place(2, A, "interview", "text", 1), Place(1, B, "interview", "text", 1), Place(1, A, "matter", "text", 1),
        Place(1, A, "interview", "problems", 1), Place(1, A, "interview", "text", 2),
    ],
)  # fmt: skip
def test_a_ciphertext_opens_nowhere_else(there):
    key = sealing.new_key()
    sealed = sealing.seal(key, HERE, "正文")
    with pytest.raises(Tampered):
        sealing.unseal(key, there, sealed)


def test_a_changed_or_cut_ciphertext_does_not_open():
    key = sealing.new_key()
    sealed = sealing.seal(key, HERE, "正文")
    for position in range(0, len(sealed), 7):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Tampered):
            sealing.unseal(key, HERE, bytes(changed))
    for cut in (0, 10, 24, 40, len(sealed) - 1):
        with pytest.raises(Tampered):
            sealing.unseal(key, HERE, sealed[:cut])


def test_digests_say_nothing_without_the_key():
    first, second = sealing.new_key(), sealing.new_key()
    assert sealing.digest(first, HERE, "是") == sealing.digest(first, HERE, "是")
    assert sealing.digest(first, HERE, "是") != sealing.digest(second, HERE, "是")
    assert sealing.digest(first, HERE, "是") != sealing.digest(first, HERE, "否")


# --- Keys -----------------------------------------------------------------------------------------------------------


def test_keys_lie_wrapped_for_this_user_only(vault):
    keys = vault.issue([A, B])
    assert {name: vault.key(name) for name in (A, B)} == keys
    for path in files(vault.directory) + files(vault.keks.directory):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not any(key in path.read_bytes() or key.hex().encode() in path.read_bytes() for key in keys.values())
    assert vault.open_to_others() == []
    (vault.directory / "a1").chmod(0o755)
    assert vault.open_to_others() == ["a1"]


def test_swapped_key_files_do_not_open(vault):
    vault.issue([A, B])
    one, other = vault.directory / "a1" / A, vault.directory / "a2" / B
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    with pytest.raises(KeyLost, match="放错了记录"):
        vault.key(A)
    one.write_bytes(first)
    vault.key(A)


def test_a_record_has_one_key_ever(vault):
    vault.issue([A])
    with pytest.raises(KeyLost):
        vault.issue([A])
    vault.journal.add([B], "request", NOW)
    with pytest.raises(KeyLost):
        vault.issue([B])


def test_a_lost_master_key_is_not_made_anew_where_something_is_sealed(vault, tmp_path):
    vault.issue([A])
    vault.keks.destroy(vault.keks.active())
    with pytest.raises(KeyLost, match="没有访谈主密钥"):
        vault.issue([B])
    with pytest.raises(KeyLost, match="恢复主密钥副本"):
        store.found(vault)
    empty = Vault(tmp_path / "new", vault.keks, vault.journal)
    assert (store.found(empty), store.found(empty)) == (True, False)


def test_a_damaged_master_key_says_so(vault):
    (path,) = files(vault.keks.directory)
    path.write_bytes(path.read_bytes().replace(b" ", b" f", 1))
    with pytest.raises(KeyLost, match="损坏"):
        vault.issue([A])


@pytest.mark.parametrize("name", ["", "../x", "A1" * 16, "a" * 31])
def test_odd_record_names_reach_no_file(vault, name):
    with pytest.raises(KeyLost):
        vault.key(name)


# --- Journal --------------------------------------------------------------------------------------------------------


def test_an_erased_record_is_never_opened_again_whatever_comes_back(vault):
    vault.issue([A, B])
    kept = vault.line(A)
    vault.journal.add([A], "request", NOW)
    assert vault.destroy([A]) == 1
    assert vault.put_back([(A, kept)]) == 0
    (vault.directory / "a1" / A).write_bytes(kept)
    with pytest.raises(KeyErased):
        vault.key(A)
    assert vault.destroy([A, A]) == 1
    vault.key(B)
    (vault.journal.path).unlink()  # without the journal what comes back opens again: that is why it lies apart
    (vault.directory / "a1" / A).write_bytes(kept)
    vault.key(A)


def test_the_journal_outlives_a_line_torn_by_a_kill(vault):
    vault.journal.add([A], "request", NOW)
    with vault.journal.path.open("ab") as stream:
        stream.write(b"2012-06-01T08:00:00+00:00 " + B[:9].encode())
    assert vault.journal.records() == {A}
    vault.journal.add([C], "retention", NOW)
    assert [(entry.record, entry.cause) for entry in vault.journal.entries()] == [(A, "request"), (C, "retention")]
    assert vault.journal.records() == {A, C}


def test_only_numbers_of_records_are_written(vault):
    for odd in ("", A[:8] + "-" + A[8:], A.upper()):
        with pytest.raises(ValueError, match="not the number of a record"):
            vault.journal.add([A, odd], "request", NOW)
    assert vault.journal.records() == frozenset()


def test_a_changed_line_is_not_believed(vault):
    vault.journal.add([A], "request", NOW)
    vault.journal.path.write_text(vault.journal.path.read_text().replace(A, B))
    assert list(vault.journal.entries()) == []


# --- Rotation -------------------------------------------------------------------------------------------------------


def test_after_a_rotation_the_old_key_is_useless(vault):
    keys, old = vault.issue([A, B, C]), vault.keks.active()
    (path,) = files(vault.keks.directory)
    stolen, before = path.read_bytes(), {name: vault.line(name) for name in keys}
    done = rotation.rotate(vault)
    assert (done.rewrapped, done.destroyed) == (3, (old,))
    assert store.wrapped_under(vault) == {done.key: 3}
    assert {name: vault.key(name) for name in keys} == keys
    vault.keks.destroy(done.key)
    path.write_bytes(stolen)
    for record, key in keys.items():
        with pytest.raises(KeyLost):
            vault.key(record)
        forged = old.encode() + b" " + vault.line(record).split()[1]
        with pytest.raises(KeyLost):
            vault.keks.unwrap(record, forged)
        assert vault.keks.unwrap(record, before[record]) == key  # what was wrapped under it before it still opens


class Killed(Exception):
    """Stands for kill -9."""


def _dying(monkeypatch, step):
    """Let the step-th act on the disk be the last one."""
    left = itertools.count(step, -1)

    def wrap(act):
        def done(*given, **named):
            if next(left) == 0:
                raise Killed
            return act(*given, **named)

        return done

    for name in ("stage", "write", "sync", "shred"):
        monkeypatch.setattr(disk, name, wrap(getattr(disk, name)))


@pytest.mark.parametrize("step", range(12))
def test_a_rotation_killed_anywhere_goes_on(vault, monkeypatch, step):
    keys, first = vault.issue([A, B, C]), vault.keks.active()
    with monkeypatch.context() as patch:
        _dying(patch, step)
        try:
            rotation.rotate(vault)
        except Killed:
            killed = True
        else:
            killed = False
    assert {name: vault.key(name) for name in keys} == keys
    done = rotation.rotate(vault)
    assert {name: vault.key(name) for name in keys} == keys
    assert vault.keks.ids() == [done.key]
    assert done.key != first
    assert len(files(vault.directory)) == 3
    assert killed == (step < 11)


def _rotating_while_sealing(monkeypatch, act):
    """Let `act` happen between a writer's wrapping of a new key and its keeping it."""
    wrap = Keks.wrap

    def between(self, name, record, key):
        line = wrap(self, name, record, key)
        if record == B:
            monkeypatch.setattr(Keks, "wrap", wrap)
            act()
        return line

    monkeypatch.setattr(Keks, "wrap", between)


def test_a_rotation_waits_for_whoever_is_sealing(vault, monkeypatch):
    turning = threading.Thread(target=rotation.rotate, args=(vault,))

    def begin():
        turning.start()
        turning.join(0.1)
        assert turning.is_alive()

    _rotating_while_sealing(monkeypatch, begin)
    keys = vault.issue([B])
    turning.join()
    assert vault.key(B) == keys[B]
    assert len(vault.keks.ids()) == 1


def test_without_the_lock_what_is_sealed_meanwhile_is_lost(vault, monkeypatch):
    monkeypatch.setattr(disk, "locked", lambda *_, **__: nullcontext())
    _rotating_while_sealing(monkeypatch, lambda: rotation.rotate(vault))
    vault.issue([B])
    with pytest.raises(KeyLost):
        vault.key(B)


def test_an_old_key_that_is_still_needed_stays(vault):
    vault.issue([A, B])
    (vault.directory / "a1" / A).write_bytes(vault.line(B))  # cannot be unwrapped
    with pytest.raises(KeyLost):
        rotation.rotate(vault)
    assert len(vault.keks.ids()) == 2
    vault.key(B)


def test_a_rotation_takes_no_erased_key_along(vault):
    vault.issue([A, B])
    vault.journal.add([A], "request", NOW)  # killed before the key was destroyed
    assert rotation.rotate(vault).rewrapped == 1
    assert not vault.holds(A)


# --- Backups of keys ------------------------------------------------------------------------------------------------


def test_a_backup_brings_keys_back_but_none_erased_since(vault, tmp_path):
    keys = vault.issue([A, B, C])
    path = copies.write(vault, tmp_path / "copies", NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    vault.journal.add([A], "request", NOW)
    vault.destroy([A, B])
    assert copies.restore(vault, path) == 1
    assert (vault.key(B), vault.holds(A)) == (keys[B], False)


def test_a_damaged_backup_is_refused(vault, tmp_path):
    vault.issue([A])
    path = copies.write(vault, tmp_path / "copies", NOW)
    whole = path.read_bytes()
    for changed in (whole[:-1], whole[:40], whole.replace(b"a1", b"a2", 1), b""):
        path.write_bytes(changed)
        with pytest.raises(VaultError):
            list(copies.read(path))


def test_a_backup_is_named_in_local_time_with_its_zone_and_older_names_are_read_as_utc(vault, tmp_path):
    local = dt.datetime(2012, 4, 6, 0, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    path = copies.write(vault, tmp_path, local)
    assert path.name == "vault-20120406-000030-000000+0800.keys"
    old = tmp_path / "vault-20120405-160031-000000.keys"
    old.write_bytes(b"")
    assert [copies.made_at(one) - local for one in copies.all_of(tmp_path)] == [dt.timedelta(), dt.timedelta(seconds=1)]
    assert copies.all_of(tmp_path) == [path, old]


def test_old_backups_are_shredded(vault, tmp_path):
    for days in range(4):
        copies.write(vault, tmp_path, NOW + dt.timedelta(days=days))
    assert copies.prune(tmp_path, before=NOW + dt.timedelta(days=2)) == 2
    assert [copies.made_at(path) for path in copies.all_of(tmp_path)] == [NOW + dt.timedelta(days=n) for n in (2, 3)]
