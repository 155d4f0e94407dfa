"""Faults of the jobs in short; `make soak` repeats them at length, at random, on both brokers (tests/soak/)."""

import errno
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection

from branches import clock
from branches.models import Role
from branches.transitions import advance
from reporting import scratch
from reporting.making import storing
from reporting.models import Export
from reporting.services import jobs, requests, upkeep
from reporting.workers import renderer, runner
from reporting.workers import supervisor as worker
from reporting.workers.queue import nudge
from tests.factories.branches import holder, school
from tests.factories.reporting import ExportFactory
from tests.soak import verdicts
from tests.soak.arena import ask, ended, fresh, until, working, world
from tests.soak.conftest import broker, clean, environment, servers

__all__ = ["broker", "clean", "environment", "servers"]
S = Export.State


# --- A worker that dies, messages that get lost or come ten times ---------------------------------------------------


@pytest.mark.queue
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_a_document_and_a_broker_that_forgets_lose_nothing(environment, broker, tmp_path):
    place = world(1, "慢")
    asked = [ask(place, place.office(), unit) for unit in (place.bad["慢"], *place.branches)]
    with working(environment, tmp_path, lease=6) as running:
        until(lambda: Export.objects.running().exists(), 60)
        running.kill("worker", random.Random(1))
        broker.flush()
        for _ in range(10):
            nudge(asked[1].pk)
        until(lambda: ended(asked), 90)
    assert verdicts.everything(fresh(asked)) == []


# --- Documents that crash -------------------------------------------------------------------------------------------


@pytest.mark.queue
@pytest.mark.django_db(transaction=True)
def test_documents_that_crash_fail_readably_and_the_next_one_is_made(environment, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name in environment:
            monkeypatch.setenv(name, environment[name])
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.soak.settings")
    monkeypatch.setattr(requests, "nudge_soon", lambda _pk: "")
    monkeypatch.setattr(runner, "nudge", lambda _pk: "")
    runner.nursery.stop()
    place = world(1, "段错误", "中止", "报错")
    owner = place.office()
    try:
        for word, sentence in (
            ("段错误", "生成程序意外退出。"), ("中止", "生成程序意外退出。"), ("报错", "生成时出错（ValueError）"),
        ):  # fmt: skip
            export = ask(place, owner, place.bad[word])
            runner.run(export.pk)
            export.refresh_from_db()
            assert (export.state, export.attempt) == (S.QUEUED, 1)
            assert export.error.startswith(sentence)
        assert runner.run(ask(place, place.office(), place.branches[0]).pk) == S.DONE
    finally:
        runner.nursery.stop()


# --- A full disk ----------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_told_whoever_refuses_it(number):
    report = renderer.explain(OSError(number, os.strerror(number)))
    assert (report.reason, report.final) == (storing.FULL, False)


@pytest.mark.unit
def test_exports_leave_room_for_the_database(settings, tmp_path, monkeypatch):
    free = 150 * 2**20
    monkeypatch.setattr(storing.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free})())
    settings.EXPORT_RESERVE_MB = 100
    storing.require_room(50 * 2**20)
    with pytest.raises(OSError, match="No space left") as refused:
        storing.require_room(50 * 2**20 + 1)
    assert refused.value.errno == errno.ENOSPC


@pytest.mark.unit
def test_what_killed_processes_left_is_swept_from_the_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    living, dead = f"zhibu-warm-{os.getpid()}-x", f"zhibu-warm-{ended_process()}-x"
    old = ["zhibu-merge-a", "other-c", dead, living, f"{living}/zhibu-merge-d"]
    long_ago = time.time() - scratch.LOOSE_SECONDS - 60
    for name in [*old, "zhibu-render-b"]:
        (tmp_path / name).mkdir()
    for name in reversed(old):
        os.utime(tmp_path / name, (long_ago, long_ago))
    assert scratch.sweep() == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["other-c", living, "zhibu-render-b"])
    assert list((tmp_path / living).iterdir()) == []


@pytest.mark.unit
def test_a_process_has_a_folder_of_its_own_that_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch.own()
    assert Path(tempfile.gettempdir()).parent == tmp_path
    scratch.drop(os.getpid(), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def ended_process() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.once
def test_a_sweep_goes_on_when_another_host_sweeps_at_the_same_time(clean, monkeypatch):
    gone, stray = (default_storage.save(f"exports/201203/{n}.xlsx", ContentFile(b"x")) for n in "ab")
    long_ago = time.time() - upkeep.STRAY_AFTER.total_seconds() - 60
    os.utime(default_storage.path(stray), (long_ago, long_ago))
    listed = set(upkeep._stored())
    default_storage.delete(gone)
    monkeypatch.setattr(upkeep, "_stored", lambda folder="exports": listed if folder == "exports" else set())
    assert upkeep.sweep() == (1, 0)
    assert not default_storage.exists(stray)


# --- The assertions themselves: each finds what it is there for -----------------------------------------------------


@pytest.fixture
def published(clean):
    """An export with a sound file."""
    tree = school()
    export = ExportFactory(owner=holder(Role.OFFICE, tree.root), unit=tree.root)
    held = jobs.claim(export.pk)
    source = next(Path(__file__).parent.parent.joinpath("data").glob("roster-sample.xlsx"))
    stored = storing.store_file(source, upkeep.FOLDER, ".xlsx")
    jobs.publish(held, jobs.Outcome(stored.key, "附件5.xlsx", stored.size, stored.sha256, "2" * 64))
    return fresh([export])[0]


@pytest.mark.once
def test_a_sound_export_passes(published):
    assert verdicts.everything([published]) == []


@pytest.mark.once
def test_a_partial_file_and_a_changed_one_are_found(published):
    path = Path(default_storage.path(published.file_key))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "不完整" in verdicts.unsound([published])[0]
    path.write_bytes(content[:-1] + b"?")
    assert "不完整" in verdicts.unsound([published])[0]
    path.unlink()
    assert "不完整" in verdicts.unsound([published])[0]


@pytest.mark.once
@pytest.mark.parametrize("name", ["a.xlsx", "a.pdf", "a.zip"])
def test_files_that_do_not_open_are_found(name):
    assert verdicts.opens(name, b"PK\x03\x04 half a file") != ""


@pytest.mark.once
def test_a_second_publication_and_a_leftover_file_are_found(published, monkeypatch):
    default_storage.save("exports/201203/second.xlsx", ContentFile(b"x"))
    monkeypatch.setattr(upkeep, "sweep", lambda: (0, 0))
    assert len(verdicts.unknown()) == 1
    Export.objects.filter(pk=published.pk).update(state=S.RUNNING, lease_until=clock.now())
    advance(Export.objects.get(pk=published.pk), S.DONE, by=None, now=clock.now())
    assert verdicts.twice([published]) == [f"{published.pk} was published 2 times"]


@pytest.mark.once
def test_a_stuck_export_and_a_failed_one_are_found(published):
    published.state = S.RUNNING
    assert len(verdicts.unfinished([published])) == 1
    published.state = S.FAILED
    assert (verdicts.unfinished([published]), len(verdicts.lost([published]))) == ([], 1)


# --- A host that froze ----------------------------------------------------------------------------------------------


@pytest.mark.db
def test_a_client_that_went_silent_in_a_transaction_loses_its_locks():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no other hosts")
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)


@pytest.mark.once
@pytest.mark.parametrize("fault", [OperationalError("server closed"), InterfaceError("connection already closed")])
def test_upkeep_survives_a_database_that_goes_away(fault, monkeypatch):
    closed = []
    monkeypatch.setattr(worker.connection, "close", lambda: closed.append(fault))

    def reap() -> None:
        raise fault

    worker.Chore(1.0, reap).turn(5.0)
    assert closed == [fault]
