"""Evidence files: adding, citing again, dropping, refusing, downloading."""

import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from grading.models import Evidence, EvidenceUse
from tests.factories.grading import fill, opened_round
from tests.grading.pages import account, item, page, text
from tests.worlds import shared

pytestmark = pytest.mark.db
PDF = b"%PDF-1.4 minutes"


def zipped(*names):
    """Return an archive with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


MACRO = zipped("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin")


grading = shared(opened_round)


@pytest.fixture
def unit(grading):
    return grading.unit("software")


@pytest.fixture
def client(signed_in, grading):
    return signed_in(account(grading.school, "secretary"))


def send(client, unit, code="A1", name="会议记录.pdf", data=PDF):
    upload = SimpleUploadedFile(name, data)
    return client.post(page("evidence-add", unit.pk, item(unit, code).pk), {"file": upload})


def cited(unit):
    uses = EvidenceUse.objects.filter(evidence__unit=unit, evidence__removed_at=None)
    return sorted(uses.values_list("evidence__name", "criterion__code"))


def test_a_file_is_kept_and_shown_at_its_item(client, unit):
    response = send(client, unit)
    assert (response.status_code, cited(unit)) == (200, [("会议记录.pdf", "A1")])
    row = Evidence.objects.get()
    assert page("evidence-file", row.pk) in response.content.decode()
    assert "会议记录.pdf 1 KB 移除" in text(response)
    shown = client.get(page("self-assessment", unit.pk))
    files = {one.criterion.code: [file.name for file in one.files] for one in shown.context["sheet"].items}
    assert {code: names for code, names in files.items() if names} == {"A1": ["会议记录.pdf"]}


def test_one_file_is_cited_by_a_second_item_and_dropped_from_the_first(client, unit):
    send(client, unit)
    row = Evidence.objects.get()
    response = client.post(page("evidence-cite", unit.pk, item(unit, "B2").pk), {"cite": str(row.pk)})
    assert "会议记录.pdf" in text(response)
    assert cited(unit) == [("会议记录.pdf", "A1"), ("会议记录.pdf", "B2")]
    client.post(page("evidence-drop", unit.pk, item(unit, "A1").pk, row.pk))
    assert cited(unit) == [("会议记录.pdf", "B2")]
    response = client.post(page("evidence-drop", unit.pk, item(unit, "B2").pk, row.pk))
    assert (cited(unit), Evidence.objects.get().removed_at is None) == ([], False)
    assert client.get(page("evidence-file", row.pk)).status_code == 404
    assert "会议记录.pdf" not in text(response)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("脚本.html", b"<script>", "佐证材料请用 PDF、JPG、PNG、DOCX 或 XLSX 文件。"),
        ("记录.pdf", b"hello", "文件内容与扩展名 .pdf 不符，请重新导出后再上传。"),
        ("空.pdf", b"", "文件是空的。"),
        ("宏.xlsx", MACRO, "文件里有宏、嵌入对象或外部链接，请另存为普通文件后再上传。"),
    ],
)
def test_files_that_are_refused_say_why(client, unit, name, data, sentence):
    response = send(client, unit, name=name, data=data)
    assert (response.status_code, Evidence.objects.count()) == (200, 0)
    assert f'<div class="field-error" role="alert">{sentence}</div>' in response.content.decode()


def test_no_file_at_all(client, unit):
    response = client.post(page("evidence-add", unit.pk, item(unit, "A1").pk))
    assert "请选择文件。" in text(response)


def test_a_download_is_an_attachment_no_browser_runs(client, unit):
    send(client, unit)
    response = client.get(page("evidence-file", Evidence.objects.get().pk))
    assert b"".join(response.streaming_content) == PDF
    assert response["Content-Disposition"] == ("attachment; filename*=utf-8''%E4%BC%9A%E8%AE%AE%E8%AE%B0%E5%BD%95.pdf")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_file_gone_from_the_disk_is_told_and_no_fault(client, unit, caplog):
    send(client, unit)
    row = Evidence.objects.get()
    Path(row.file.path).unlink()
    answer = client.get(page("evidence-file", row.pk))
    assert answer.status_code == 410
    assert f"“{row.name}”的记录还在" in answer.content.decode()
    assert row.file.name in caplog.text


def test_files_stand_still_once_filed(client, unit):
    send(client, unit)
    fill(unit)
    row = Evidence.objects.get()
    response = client.post(page("evidence-drop", unit.pk, item(unit, "A1").pk, row.pk))
    assert "自评已提交，佐证材料不能再改；需要改时请先退回。" in text(response)
    assert cited(unit) == [("会议记录.pdf", "A1")]
    shown = client.get(page("self-assessment", unit.pk)).content.decode()
    assert "会议记录.pdf" in shown
    assert "添加佐证材料" not in shown


def test_a_file_of_another_branch_cannot_be_cited(client, grading, unit):
    send(client, unit)
    other = grading.unit("chinese")
    upload = Evidence.objects.get()
    Evidence.objects.update(unit=other)
    response = client.post(page("evidence-cite", unit.pk, item(unit, "A2").pk), {"cite": str(upload.pk)})
    assert response.status_code == 404
    assert client.get(page("evidence-file", upload.pk)).status_code == 404
