"""One export from claim to file in a real child process, and every way in which a child can end."""

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import zipfile

import openpyxl
import pytest
from django.core.files.storage import default_storage

from branches.models import Role, RoleGrant
from reporting import nursery, processes, renderer, runner
from reporting.forms import wish_for
from reporting.kinds import BY_SLUG
from reporting.models import Export
from reporting.orders import NothingToShowError, Order
from reporting.services import jobs, requests
from tests.factories.branches import holder
from tests.factories.grading import opened_round

S = Export.State
pytestmark = [pytest.mark.queue, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(process_environment, monkeypatch):
    for name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, process_environment[name])
    monkeypatch.setattr(requests, "nudge_soon", lambda _pk: "")
    monkeypatch.setattr(runner, "nudge", lambda _pk: "")
    return opened_round()


@pytest.fixture
def office(world):
    return holder(Role.OFFICE, world.school.root)


def ask(world, by, kind="annex5", unit="maths", form="xlsx") -> Export:
    node = getattr(world.school, unit)
    return requests.request_export(by=by, wish=wish_for(Order(BY_SLUG[kind], world.round, node, form), unit)).export


def children(monkeypatch, script: str) -> None:
    """Let every child be a small program instead of the renderer."""

    def start():
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        command = [sys.executable, "-c", script]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        tasks, answers = os.dup(process.stdin.fileno()), os.dup(process.stdout.fileno())

        def end() -> int:
            with process:
                return process.wait()

        return nursery.Child(process.pid, tasks, answers, errors, end)

    monkeypatch.setattr(runner.nursery, "child", start)


def test_an_export_becomes_a_file_that_excel_reads(world, office):
    export = ask(world, office)
    assert runner.run(export.pk) == S.DONE
    export.refresh_from_db()
    with default_storage.open(export.file_key) as file:
        content = file.read()
    assert hashlib.sha256(content).hexdigest() == export.sha256
    assert len(content) == export.file_size
    assert export.file_name == "附件5 党支部分类定级汇总表（数学与计算机科学学院党总支，第一轮）.xlsx"
    assert openpyxl.load_workbook(io.BytesIO(content)).active["A2"].value == "刺桐师范学院党支部分类定级汇总表"
    assert (export.done, export.total, export.attempt, len(export.data_digest)) == (1, 1, 1, 64)


def test_one_form_for_each_branch_comes_as_a_zip_with_chinese_names(world, office):
    export = ask(world, office, kind="annex4", form="pdf")
    assert export.format == Export.Format.ZIP
    assert runner.run(export.pk) == S.DONE
    export.refresh_from_db()
    with default_storage.open(export.file_key) as file, zipfile.ZipFile(file) as bundle:
        assert bundle.namelist() == [
            "目录.xlsx",
            "001 附件4 党支部调查摸底与分类定级表（软件工程教研室党支部，第一轮）.pdf",
            "002 附件4 党支部调查摸底与分类定级表（2010级数学党支部，第一轮）.pdf",
        ]
        assert bundle.read(bundle.namelist()[1]).startswith(b"%PDF-")
    assert (export.done, export.total) == (2, 2)


def test_ten_deliveries_of_one_message_make_one_file(world, office):
    export = ask(world, office)
    before = set(files())
    assert [runner.run(export.pk) for _ in range(10)] == [S.DONE, *[""] * 9]
    assert len(set(files()) - before) == 1


def files() -> list[str]:
    found = []
    folders = default_storage.listdir("exports")[0] if default_storage.exists("exports") else []
    for folder in folders:
        found += [f"exports/{folder}/{name}" for name in default_storage.listdir(f"exports/{folder}")[1]]
    return found


def test_a_killed_child_is_tried_again_and_fails_readably_in_the_end(world, office, monkeypatch):
    children(monkeypatch, "import os; os.kill(os.getpid(), 9)")
    export = ask(world, office)
    for expected in (S.QUEUED, S.QUEUED, S.FAILED):
        assert runner.run(export.pk) == expected
        Export.objects.update(available_at=None)
    export.refresh_from_db()
    assert export.error == "生成程序被系统终止，可能是内存不足。（已尝试 3 次）"
    assert not export.file_key


def test_a_child_that_hangs_is_ended_at_the_time_limit(world, office, monkeypatch, settings):
    settings.EXPORT_TIME_LIMIT_SECONDS = 1
    children(monkeypatch, "import time; time.sleep(60)")
    export = ask(world, office)
    assert runner.run(export.pk) == S.QUEUED
    export.refresh_from_db()
    assert export.error == "1 分钟没有进展，已停止。"


def test_a_worker_that_stops_gives_the_export_back(world, office, monkeypatch):
    children(monkeypatch, "import time; time.sleep(60)")
    export = ask(world, office)
    assert runner.run(export.pk, stopping=lambda: True) == S.QUEUED
    export.refresh_from_db()
    assert (export.attempt, export.error) == (0, "")


def test_a_cancel_ends_the_child_within_seconds(world, office, monkeypatch):
    children(monkeypatch, "import time; time.sleep(60)")
    export = ask(world, office)

    def cancel_once() -> bool:
        export.refresh_from_db()
        if not export.cancel_requested and export.state == S.RUNNING:
            requests.cancel(by=office, export=export)
        return False

    assert runner.run(export.pk, stopping=cancel_once) == S.CANCELLED


def test_a_file_made_after_the_claim_was_lost_is_thrown_away(world, office, monkeypatch):
    export = ask(world, office)
    key = default_storage.save("exports/201203/late.xlsx", io.BytesIO(b"late"))
    line = processes.as_line(
        processes.Report(ok=True, key=key, name="n.xlsx", size=4, sha256="1" * 64, digest="2" * 64)
    )
    monkeypatch.setattr(runner, "go_on", lambda *_: None)
    children(monkeypatch, f"print({line!r})")
    monkeypatch.setattr(jobs, "_held", lambda _held: None)
    assert runner.run(export.pk) == ""
    assert not default_storage.exists(key)


def test_the_child_asks_permission_again(world):
    leader = holder(Role.SCHOOL_LEADER, world.school.root)
    export = ask(world, leader)
    held = jobs.claim(export.pk)
    RoleGrant.objects.filter(account=leader).delete()
    export = Export.objects.select_related("owner__person", "unit").get(pk=export.pk)
    report = renderer.make(export, held.token)
    assert (report.ok, report.final, report.reason) == (False, True, jobs.NO_LONGER_ALLOWED)
    assert runner.settle(held, report, "") == S.FAILED


def test_progress_ends_the_work_once_the_claim_is_lost(world, office):
    export = ask(world, office)
    held = jobs.claim(export.pk)
    export.refresh_from_db()
    with pytest.raises(renderer.GaveUpError):
        renderer.make(export, held.token - 1)


@pytest.mark.parametrize(
    ("error", "reason", "final"),
    [
        (NothingToShowError("第一轮里没有支部。"), "第一轮里没有支部。", True),
        (KeyError("annex9"), "所申请的报表或轮次已不存在。", True),
        (MemoryError(), "内存不足，没能生成。", False),
        (OSError(28, "No space"), "服务器磁盘已满，请联系系统管理员清理后重试。", False),
        (ValueError("x"), "生成时出错（ValueError），请重试；仍不行请联系系统管理员。", False),
    ],
)
def test_faults_are_told_in_a_sentence(error, reason, final):
    report = renderer.explain(error)
    assert (report.reason, report.final) == (reason, final)


def test_a_child_without_a_report_is_judged_by_how_it_died():
    assert processes.report_of_death(-9).reason == "生成程序被系统终止，可能是内存不足。"
    assert processes.report_of_death(-24).reason == "生成时间过长，已停止。"
    assert processes.report_of_death(1).reason == "生成程序意外退出。"
    assert processes.read_report('{"ok": true, "key": "k"}').key == "k"


def test_one_turn_goes_on_with_whatever_waits(world, office):
    first, second = ask(world, office), ask(world, office, unit="letters")
    third = ask(world, holder(Role.SCHOOL_LEADER, world.school.root), kind="annex4")
    assert runner.run(first.pk) == S.DONE
    assert {row.state for row in Export.objects.filter(pk__in=[second.pk, third.pk])} == {S.DONE}
