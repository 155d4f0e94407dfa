"""One export from claim to file in a real child process, and every way in which a child can end."""

import datetime as dt
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import types
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pikepdf
import pytest
from django.core.files.storage import default_storage

from branches.models import Role, RoleGrant
from reporting.forms import wish_for
from reporting.making import orders, planning, storing
from reporting.making.finishing import index
from reporting.making.kinds import BY_SLUG
from reporting.making.orders import NothingToShowError, Order
from reporting.models import Export, FormVersion, Piece
from reporting.services import jobs, pieces, requests
from reporting.workers import nursery, processes, renderer, runner
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


def ask(world, by, kind="annex5", unit="maths", form="xlsx", **more) -> Export:
    order = Order(BY_SLUG[kind], world.round, getattr(world.school, unit), form, **more)
    return requests.request_export(by=by, wish=wish_for(order, unit)).export


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
    assert export.file_name == "附件5 党支部分类定级汇总表（数学与计算机科学学院党总支，2012年第一轮）.xlsx"
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
            "001 附件4 党支部调查摸底与分类定级表（软件工程教研室党支部，2012年第一轮）.pdf",
            "002 附件4 党支部调查摸底与分类定级表（2010级数学党支部，2012年第一轮）.pdf",
        ]
        assert bundle.read(bundle.namelist()[1]).startswith(b"%PDF-")
    assert (export.done, export.total) == (2, 2)
    assert export.file_name.endswith("每个党支部一份PDF，2012年第一轮）.zip")


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


def test_a_cancel_ends_the_child_within_seconds(world, office, monkeypatch, caplog):
    children(monkeypatch, "import time; time.sleep(60)")
    export = ask(world, office)

    def cancel_once() -> bool:
        export.refresh_from_db()
        if not export.cancel_requested and export.state == S.RUNNING:
            requests.cancel(by=office, export=export)
        return False

    assert runner.run(export.pk, stopping=cancel_once) == S.CANCELLED
    assert "已取消" in caplog.text
    assert "内存不足" not in caplog.text  # which is what a child killed by somebody else died of


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


# --- Many documents -------------------------------------------------------------------------------------------------


def test_forms_are_bound_with_bookmarks_by_general_branch_and_numbered_each(world, office):
    export = ask(world, office, kind="annex4", unit="root", form="pdf", merged=True)
    assert (export.format, export.scope_summary) == (Export.Format.PDF, "root，合订，第一轮")
    assert runner.run(export.pk) == S.DONE
    export.refresh_from_db()
    assert (export.done, export.total, export.attempt, export.parts.count()) == (5, 5, 1, 0)
    with default_storage.open(export.file_key) as file, pikepdf.open(file) as bound, bound.open_outline() as outline:
        marks = [(item.title, [child.title for child in item.children]) for item in outline.root]
        pages = len(bound.pages)
    assert marks == [
        ("数学与计算机科学学院党总支", ["软件工程教研室党支部", "2010级数学党支部"]),
        ("文学与历史学院党总支", ["汉语言文学教研室党支部", "2010级历史学党支部"]),
        ("直属党支部", ["图书馆直属党支部"]),
    ]
    assert pages == 10


def test_a_zip_carries_an_index_with_names_codes_and_pages(world, office):
    export = ask(world, office, kind="annex4", form="xlsx")
    runner.run(export.pk)
    export.refresh_from_db()
    with default_storage.open(export.file_key) as file, zipfile.ZipFile(file) as bundle:
        rows = list(openpyxl.load_workbook(io.BytesIO(bundle.read("目录.xlsx"))).active.values)
        form = openpyxl.load_workbook(io.BytesIO(bundle.read(bundle.namelist()[1]))).active
    listed = [row for row in rows if row[0] in (1, 2)]
    codes = list(FormVersion.objects.order_by("pk").values_list("code", flat=True))
    assert [row[1:4] + row[5:7] for row in listed] == [
        ("数学与计算机科学学院党总支", "软件工程教研室党支部",
         "001 附件4 党支部调查摸底与分类定级表（软件工程教研室党支部，2012年第一轮）.xlsx", 2, "—"),
        ("数学与计算机科学学院党总支", "2010级数学党支部",
         "002 附件4 党支部调查摸底与分类定级表（2010级数学党支部，2012年第一轮）.xlsx", 2, "—"),
    ]  # fmt: skip
    assert [row[4] for row in listed] == codes
    assert codes[0] in form.oddFooter.center.text


def test_the_index_of_the_general_branches_names_them_once(world):
    heads = [column.header for column in index(Order(BY_SLUG["annex5"], world.round, world.school.root, "pdf")).columns]
    assert heads.count("党总支") == 1


def test_the_same_forms_again_are_not_drawn_again(world, office, monkeypatch):
    runner.run(ask(world, office, kind="annex4", form="pdf").pk)
    drawn = set(Piece.objects.values_list("pk", "token", "state"))
    assert {state for _, _, state in drawn} == {Piece.State.DONE}
    other = ask(world, holder(Role.OFFICE, world.school.root), kind="annex4", form="pdf")
    assert runner.run(other.pk) == S.DONE
    assert set(Piece.objects.values_list("pk", "token", "state")) == drawn
    other.refresh_from_db()
    assert (other.done, other.total, other.attempt) == (2, 2, 1)


def spoilt(monkeypatch, word: str) -> set[str]:
    """Draw in this process, where documents about `word` always fail; returns the words, for taking it out again."""
    words = {word}

    def lay(facts, stamp):
        if any(word in facts.result.name for word in words):
            raise ValueError("on purpose")
        return inner(facts, stamp)

    inner = BY_SLUG["annex4"].lay
    monkeypatch.setitem(BY_SLUG, "annex4", replace(BY_SLUG["annex4"], lay=lay))
    monkeypatch.setattr(runner.Bench, "do", lambda _self, task, _watch: renderer.do(json.loads(task)))
    monkeypatch.setattr(pieces, "RETRY_PAUSE", dt.timedelta())
    monkeypatch.setattr(renderer.connections, "close_all", lambda: None)
    return words


WHY = "生成时出错（ValueError），请重试；仍不行请联系系统管理员。（已尝试 3 次）"


def test_a_form_that_always_fails_leaves_the_zip_with_the_others_and_is_named(world, office, monkeypatch):
    spoilt(monkeypatch, "软件工程")
    export = ask(world, office, kind="annex4", unit="root", form="pdf")
    assert runner.run(export.pk) == S.DONE
    export.refresh_from_db()
    assert export.note == f"缺 1 份：软件工程教研室党支部：{WHY}"
    with default_storage.open(export.file_key) as file, zipfile.ZipFile(file) as bundle:
        assert len(bundle.namelist()) == 1 + 4
        rows = list(openpyxl.load_workbook(io.BytesIO(bundle.read("目录.xlsx"))).active.values)
    (missing,) = [row for row in rows if row[2] == "软件工程教研室党支部"]
    assert (missing[3], missing[5], missing[6]) == ("—", "—", f"未能生成：{WHY}")


def test_a_form_that_always_fails_fails_the_bound_file_with_its_name_and_a_retry_draws_only_it(
    world, office, monkeypatch
):
    words = spoilt(monkeypatch, "软件工程")
    export = ask(world, office, kind="annex4", unit="root", form="pdf", merged=True)
    assert runner.run(export.pk) == S.FAILED
    export.refresh_from_db()
    assert export.error == f"没有生成，因为缺 1 份：软件工程教研室党支部：{WHY}"
    assert Piece.objects.filter(state=Piece.State.DONE).count() == 4
    words.clear()
    requests.retry(by=office, export=export)
    assert runner.run(export.pk) == S.DONE
    assert sorted(Piece.objects.values_list("token", flat=True)) == [1, 1, 1, 1, 7]


def test_a_spoilt_piece_is_drawn_anew(world, office, monkeypatch):
    runner.run(ask(world, office, kind="annex4", form="xlsx").pk)
    lost, cut = Piece.objects.order_by("pk")
    default_storage.delete(lost.file_key)
    Path(default_storage.path(cut.file_key)).write_bytes(b"half")
    monkeypatch.setattr(jobs, "RETRY_PAUSE", dt.timedelta())
    export = ask(world, holder(Role.OFFICE, world.school.root), kind="annex4", form="xlsx")
    assert runner.run(export.pk) in (S.DONE, S.QUEUED)
    runner.run(export.pk)
    export.refresh_from_db()
    assert (export.state, export.note) == (S.DONE, "")
    assert Piece.objects.filter(digest__startswith=pieces.LOST).count() == 2


def test_a_cancel_while_pieces_are_drawn_ends_it(world, office, monkeypatch):
    children(monkeypatch, "import time; time.sleep(60)")
    export = ask(world, office, kind="annex4", form="pdf")
    made = planning.plan(orders.order_of(export), orders.stamp_for(office), office)
    held = jobs.claim(export.pk)
    assert renderer.write_plan(Export.objects.get(pk=export.pk), held.token, made) == 2

    def cancel_once() -> bool:
        export.refresh_from_db()
        if export.state == S.DRAWING and Piece.objects.drawing().exists():
            requests.cancel(by=office, export=export)
        return False

    assert runner.run(export.pk, stopping=cancel_once) == ""
    export.refresh_from_db()
    assert export.state == S.CANCELLED
    assert {piece.attempt for piece in Piece.objects.all()} <= {0}


def test_a_full_disk_is_said_so_and_leaves_nothing_behind(world, office, monkeypatch):
    before = set(files())
    monkeypatch.setattr(storing.shutil, "disk_usage", lambda _path: types.SimpleNamespace(free=100))
    export = ask(world, office)
    held = jobs.claim(export.pk)
    report = renderer.do({"export": export.pk, "token": held.token})
    assert (report.reason, report.final) == (storing.FULL, False)
    monkeypatch.undo()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(default_storage._wrapped), "save", full)
    with pytest.raises(OSError, match="No space"):
        storing.store_bytes(b"x", "pieces", ".pdf")
    monkeypatch.undo()
    assert set(files()) == before
