"""The pages: asking, watching, downloading, previewing; the office's queue."""

import datetime as dt
import hashlib
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from branches import audit, clock
from branches.models import AuditEntry, Role
from branches.registries import home_items
from reporting import desk
from reporting.database_time import database_now
from reporting.models import Export, WorkerHeartbeat
from reporting.services import requests
from reporting.services.versions import data_version
from tests.factories.branches import holder
from tests.factories.grading import opened_round
from tests.factories.reporting import ExportFactory, PartFactory, WorkerHeartbeatFactory
from tests.worlds import shared

S = Export.State
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(settings, tmp_path, monkeypatch):
    here = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": here}
    monkeypatch.setattr(requests, "nudge_soon", lambda _pk: "")


world = shared(opened_round)


@pytest.fixture
def office(world, signed_in):
    account = holder(Role.OFFICE, world.school.root)
    account.client = signed_in(account)
    return account


def filed(owner, unit, content: bytes = b"%PDF-1.7 x", **given) -> Export:
    key = default_storage.save("exports/201203/x.pdf", ContentFile(content))
    name = "附件5 党支部分类定级汇总表（全校，第一轮）.pdf"
    return ExportFactory(
        owner=owner,
        unit=unit,
        state=S.DONE,
        file_key=key,
        file_name=name,
        file_size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        **given,
    )


def ask(office, world, **given):
    data = {"kind": "annex5", "round": world.round.pk, "unit": world.school.maths.pk, "format": "pdf"} | given
    return office.client.post(reverse("export-request"), data)


def test_asking_twice_gives_one_export_and_says_so(office, world):
    assert ask(office, world).status_code == 302
    page = office.client.get(reverse("exports")).content.decode()
    assert "已开始生成：附件5 党支部分类定级汇总表。" in page
    assert "数学与计算机科学学院党总支，第一轮" in page
    ask(office, world)
    assert "同样的报表已在生成，不再重复。" in office.client.get(reverse("exports")).content.decode()
    assert Export.objects.count() == 1


def test_a_form_that_lacks_something_keeps_what_was_chosen(office, world):
    answer = ask(office, world, format="docx")
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not Export.objects.exists()


def test_a_general_branch_with_a_branch_chosen_asks_for_that_branch(office, world):
    ask(office, world, kind="annex4", branch=world.school.algebra.pk)
    export = Export.objects.get()
    assert (export.unit, export.format, export.scope_summary) == (
        world.school.algebra,
        "pdf",
        "2010级数学党支部，第一轮",
    )


def test_all_branches_of_the_school_come_as_a_zip(office, world):
    ask(office, world, kind="annex4", unit=world.school.root.pk, format="xlsx")
    export = Export.objects.get()
    assert (export.format, export.params["inner"]) == ("zip", "xlsx")
    assert desk.format_of(export) == "Excel 压缩包"
    assert "每个党支部一份" in export.scope_summary


def test_the_form_keeps_what_was_asked_for_last(office, world):
    answer = ask(office, world, kind="annex4", unit=world.school.letters.pk, format="merged")
    page = office.client.get(answer.url).content.decode()
    assert f'<option value="{world.school.letters.pk}" selected>' in page
    assert 'value="merged" id="id_format_0" required checked' in page


def test_the_whole_school_is_offered_though_no_branch_hangs_on_it_directly(office, world):
    world.round.units.filter(direct=True).delete()
    shown = office.client.get(reverse("exports"), {"kind": "annex5", "round": world.round.pk}).content.decode()
    assert f'<option value="{world.school.root.pk}"' in shown
    assert "全校" in shown
    assert ask(office, world, unit=world.school.root.pk).status_code == 302
    assert Export.objects.get().unit == world.school.root


def test_a_direct_branch_is_asked_for_by_itself(office, world):
    assert ask(office, world, kind="annex4", unit="direct").status_code == 422
    ask(office, world, kind="annex4", unit="direct", branch=world.school.direct.pk)
    assert Export.objects.get().unit == world.school.direct
    asked = {"kind": "annex4", "round": world.round.pk, "unit": "direct"}
    shown = office.client.get(reverse("export-form"), asked).content.decode()
    assert reverse("annex-preview", args=["annex4", world.round.pk, world.school.direct.pk]) in shown


def test_a_secretary_is_offered_the_own_forms_only(world, signed_in):
    client = signed_in(holder(Role.SECRETARY, world.school.software))
    page = client.get(reverse("exports")).content.decode()
    assert "软件工程教研室党支部" in page
    assert "2010级数学党支部" not in page
    assert "附件5" not in page
    preview = reverse("annex-preview", args=["annex4", world.round.pk, world.school.software.pk])
    assert preview in page


def test_the_form_follows_what_is_chosen(office, world):
    given = {"kind": "annex4", "round": world.round.pk, "unit": world.school.letters.pk, "format": "pdf"}
    form = office.client.get(reverse("export-form"), given).content.decode()
    assert "汉语言文学教研室党支部" in form
    assert "（2 份）" in form
    whole = office.client.get(reverse("export-form"), given | {"kind": "annex5", "unit": world.school.root.pk})
    assert "每个党总支各一份" in whole.content.decode()


def test_rows_poll_only_while_something_can_change(office, world):
    done = filed(office, world.school.root)
    rows = office.client.get(reverse("export-rows")).content.decode()
    assert "hx-trigger" not in rows
    assert "1 KB" in rows
    assert reverse("export-download", args=[done.pk]) in rows
    ExportFactory(owner=office, unit=world.school.root, state=S.RUNNING, done=3, total=8)
    rows = office.client.get(reverse("export-rows")).content.decode()
    assert 'hx-trigger="every 2s"' in rows
    assert '<progress value="3" max="8"' in rows
    assert "正在生成 3/8" in rows


def test_a_failed_export_says_why_and_can_be_tried_again(office, world):
    failed = ExportFactory(
        owner=office, unit=world.school.root, state=S.FAILED, error="内存不足，没能生成。", finished_at=clock.now()
    )
    page = office.client.get(reverse("exports")).content.decode()
    assert "内存不足，没能生成。" in page
    assert [item.title for item in home_items(office, clock.now()) if "未能生成" in item.title] == [
        "附件5 党支部分类定级汇总表未能生成"
    ]
    office.client.post(reverse("export-retry", args=[failed.pk]), headers={"HX-Request": "true"})
    failed.refresh_from_db()
    assert failed.state == S.QUEUED


def test_a_download_is_an_attachment_with_a_chinese_name_that_runs_nothing(office, world):
    export = filed(office, world.school.root)
    answer = office.client.get(reverse("export-download", args=[export.pk]))
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert unquote(answer["Content-Disposition"].partition("''")[2]) == export.file_name
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "no-store"
    assert b"".join(answer.streaming_content) == b"%PDF-1.7 x"


def test_a_file_of_which_one_byte_changed_is_not_handed_out_and_can_be_made_again(office, world):
    export = filed(office, world.school.root)
    Path(default_storage.path(export.file_key)).write_bytes(b"%PDF-1.7 y")
    answer = office.client.get(reverse("export-download", args=[export.pk]))
    page = answer.content.decode()
    assert answer.status_code == 410
    assert "文件已损坏" in page
    assert reverse("export-again", args=[export.pk]) in page
    assert not AuditEntry.objects.filter(action="export.downloaded").exists()
    requests.drop_damaged(export)
    export.refresh_from_db()
    assert (export.state, export.file_key) == (S.EXPIRED, "")
    sound = filed(office, world.school.root)
    requests.drop_damaged(sound)
    sound.refresh_from_db()
    assert sound.state == S.DONE


def test_somebody_elses_file_does_not_exist(office, world):
    other = filed(holder(Role.OFFICE, world.school.root), world.school.root)
    assert office.client.get(reverse("export-download", args=[other.pk])).status_code == 404


def test_an_expired_file_leads_back_with_a_sentence(office, world):
    export = filed(office, world.school.root, expires_at=clock.now() - dt.timedelta(minutes=1))
    answer = office.client.get(reverse("export-download", args=[export.pk]), follow=True)
    assert "这个文件已过期或尚未生成，请重新生成。" in answer.content.decode()


@pytest.mark.parametrize(
    ("about", "told"), [("software", True), ("maths", True), ("root", True), ("letters", False), ("chinese", False)]
)
def test_a_file_says_when_what_it_shows_changed_since(office, world, about, told):
    """A file about 数学党总支 shows its branches, itself and what the school decided, and nothing of another 党总支."""
    filed(office, world.school.maths, data_version=data_version())
    audit.record(
        by=office, action="test.write", thing=world.school.software, branch=getattr(world.school, about), summary="改了"
    )
    assert ("生成后数据有变动" in office.client.get(reverse("export-rows")).content.decode()) == told


def test_the_preview_shows_the_cells_of_the_paper(office, world):
    page = office.client.get(reverse("annex-preview", args=["annex5", world.round.pk, world.school.root.pk]))
    text = page.content.decode()
    assert "刺桐师范学院党支部分类定级汇总表" in text
    assert "A4 横向，共 3 页" in text
    assert "style=" not in text.partition("<main")[2]
    assert f'<style nonce="{page.wsgi_request.csp_nonce}"' in text


def test_several_documents_have_no_preview(office, world):
    several = reverse("annex-preview", args=["annex4", world.round.pk, world.school.maths.pk])
    assert office.client.get(several).status_code == 404
    assert office.client.get(reverse("annex-preview", args=["annex9", world.round.pk, 1])).status_code == 404


def test_what_is_previewed_can_be_asked_for(office, world):
    office.client.post(
        reverse("annex-export", args=["annex4", world.round.pk, world.school.software.pk]), {"format": "xlsx"}
    )
    export = Export.objects.get()
    assert (export.kind, export.format, export.unit) == ("annex4", "xlsx", world.school.software)


def test_the_queue_shows_everybodys_exports_and_whether_anybody_works(office, world):
    ExportFactory(owner=holder(Role.SCHOOL_LEADER, world.school.root), unit=world.school.maths)
    page = office.client.get(reverse("export-queue")).content.decode()
    assert "后台没有运行" in page
    WorkerHeartbeatFactory(broker_error="Connection refused", seen_at=database_now())
    page = office.client.get(reverse("export-queue-rows")).content.decode()
    assert "后台没有运行" not in page
    assert "消息服务连不上" in page


def test_stopping_needs_a_reason(office, world):
    row = ExportFactory(owner=holder(Role.SCHOOL_LEADER, world.school.root), unit=world.school.maths)
    url = reverse("export-queue-stop", args=[row.pk])
    office.client.post(url, {"reason": " "})
    row.refresh_from_db()
    assert row.state == S.QUEUED
    office.client.post(url, {"reason": "系统维护"})
    row.refresh_from_db()
    assert (row.state, row.error) == (S.FAILED, "由活动办公室停止：系统维护")


@pytest.mark.parametrize("name", ["exports", "export-queue"])
def test_queries_do_not_grow_with_rows(office, world, name):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            office.client.get(reverse(name))
        return len(queries)

    filed(office, world.school.root)
    count()
    one = count()
    for _ in range(2):
        filed(office, world.school.root)
    assert count() == one


def test_how_long_it_may_take_is_told_by_the_pace_so_far():
    now = clock.now()
    row = Export(state=S.RUNNING, done=2, total=8, started_at=now - dt.timedelta(seconds=10))
    assert desk.seconds_left(row, now) == 30
    assert desk.line(row, now).note == "约还需 30 秒"
    row.total = 80
    assert desk.line(row, now).note == "约还需 6 分钟"
    row.done = 0
    assert desk.seconds_left(row, now) is None
    assert desk.line(Export(state=S.RUNNING, cancel_requested=True), now).words == "正在取消"


def test_the_command_renders_without_the_queue(world, tmp_path, capsys):
    target = tmp_path / "annex5.xlsx"
    call_command("render", "annex5", round=world.round.pk, unit="SJ", format="xlsx", output=target)
    assert openpyxl.load_workbook(target).active["A2"].value == "刺桐师范学院党支部分类定级汇总表"
    assert "附件5 党支部分类定级汇总表（数学与计算机科学学院党总支，2012年第一轮）.xlsx" in capsys.readouterr().out
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"unit": "none"}, "没有编号为 none 的党组织。"),
        ({"round": 999}, "没有编号为 999 的轮次。"),
        ({"unit": "SJ001"}, "附件5 党支部分类定级汇总表不能按党支部导出。"),
    ],
)
def test_the_command_says_what_is_wrong(world, tmp_path, given, said):
    options = {"round": world.round.pk, "unit": "SJ", "format": "pdf", "output": tmp_path / "x.pdf"} | given
    with pytest.raises(CommandError, match=said):
        call_command("render", "annex5", **options)


@pytest.mark.unit
def test_words_of_many_documents_and_of_workers():
    now = clock.now()
    drawing = desk.line(Export(state=S.DRAWING, done=2, total=8, started_at=now), now)
    assert (drawing.words, drawing.counted, drawing.live) == ("正在生成 2/8", True, True)
    assert desk.line(Export(state=S.RUNNING, done=8, total=8), now).words == "正在合并"
    lacking = desk.line(Export(state=S.DONE, note="缺 1 份：甲：坏了", file_size=90_000), now)
    assert (lacking.shape, lacking.note) == ("warn", "缺 1 份：甲：坏了 · 88 KB")
    worker = WorkerHeartbeat(name="host:7", heavy=2, light=1, restarts=1, seen_at=now - dt.timedelta(seconds=4))
    line = desk.worker_line(worker, now)
    assert (line.shape, line.words, line.seen) == ("ok", "正常", "4 秒前")
    assert line.does == "生成进程 2 个，轻任务进程 1 个，重新启动过 1 次"
    silent = desk.worker_line(worker, now + dt.timedelta(minutes=3))
    assert (silent.shape, silent.words, silent.seen) == ("bad", "没有心跳", "3 分钟前")


def test_the_queue_shows_pieces_and_workers(office, world):
    export = ExportFactory(owner=office, unit=world.school.root, state=S.DRAWING, done=1, total=3)
    PartFactory(export=export, number=1)
    WorkerHeartbeatFactory(name="host:7", heavy=2)
    WorkerHeartbeatFactory(name="host:8", heavy=4, seen_at=database_now() - dt.timedelta(minutes=5))
    page = office.client.get(reverse("export-queue-rows")).content.decode()
    assert "正在生成 1/3" in page
    assert "<dt>待生成的份数</dt><dd>1</dd>" in page
    assert "<dt>生成进程</dt><dd>2</dd>" in page, "silent workers draw nothing"
    assert page.count("没有心跳") == 1
    assert 'hx-trigger="every 3s"' in page


def test_many_documents_come_bound_or_zipped_and_a_single_one_as_a_file(office, world):
    unit, root = world.school.letters.pk, world.school.root.pk

    def formats(**given):
        form = office.client.get(reverse("export-form"), {"round": world.round.pk} | given).content.decode()
        return [value for value in ("merged", "pdf", "xlsx") if f'value="{value}"' in form]

    assert formats(kind="annex4", unit=unit) == ["merged", "pdf", "xlsx"]
    assert formats(kind="annex4", unit=unit, branch=world.school.chinese.pk) == ["pdf", "xlsx"]
    assert formats(kind="annex5", unit=root) == ["pdf", "xlsx"]
    assert formats(kind="annex5", unit=root, each="on") == ["merged", "pdf", "xlsx"]
    office.client.post(
        reverse("export-request"), {"kind": "annex4", "round": world.round.pk, "unit": unit, "format": "merged"}
    )
    export = Export.objects.get()
    assert (export.format, export.params["merged"], export.params["inner"]) == ("pdf", True, "pdf")
    assert export.scope_summary == "文学与历史学院党总支，合订，第一轮"
