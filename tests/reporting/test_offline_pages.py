"""The pages of 附件4 offline: taking away, sending back, looking, confirming; the child process reads for real here."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from branches import clock, drafts
from branches.models import AuditEntry, Upload
from grading.models import Assessment, Survey
from grading.services import survey as surveys
from reporting.services.versions import data_version
from tests.factories.grading import fill, opened_round
from tests.grading.pages import account, page, text
from tests.reporting.offline_files import filled

pytestmark = pytest.mark.db


@pytest.fixture
def grading():
    return opened_round()


@pytest.fixture
def unit(grading):
    return grading.unit("software")


def fetched(client, unit):
    response = client.post(page("offline-file", unit.pk))
    return b"".join(response.streaming_content)


def send(client, url, *files):
    return client.post(url, {"workbooks": [SimpleUploadedFile(name, data) for name, data in files]})


def test_a_secretary_takes_it_away_sends_it_back_and_confirms(signed_in, grading, unit):
    secretary = account(grading.school, "secretary")
    client = signed_in(secretary)
    assert page("offline-unit", unit.pk) in client.get(page("self-assessment", unit.pk)).content.decode()
    given = client.post(page("offline-file", unit.pk))
    assert "filename*=utf-8''%E9%99%84%E4%BB%B64" in given["Content-Disposition"]
    data = b"".join(given.streaming_content)
    taken = send(client, page("offline-unit", unit.pk), ("表.xlsx", filled(data, points__A1=1.5, text__goal="晋位")))
    shown = client.get(taken["Location"])
    assert [c.new for _, _, changes in shown.context["plan"].parts for c in changes] == ["晋位", "1.5"]
    assert not Survey.objects.exists()  # nothing is written by looking
    waiting = client.get(page("offline-unit", unit.pk)).context["waiting"]
    assert [one.name for one in waiting] == ["表.xlsx"]
    drafts.save(account=secretary, form="self", key=str(unit.pk), sequence=1, base_version=0, data={"a": "b"})
    assert "还有没保存的草稿" in text(client.get(taken["Location"]))
    done = client.post(taken["Location"], {"do": "import", "seen": shown.context["plan"].digest})
    assert done["Location"] == taken["Location"]
    assert Survey.objects.get(unit=unit).goal == "晋位"
    assert drafts.load(account=secretary, form="self", key=str(unit.pk)) is not None
    after = client.get(taken["Location"])
    assert page("self-assessment", unit.pk) in after.content.decode()
    assert "核对并提交自评" in text(after)
    assert Assessment.objects.get(unit=unit).state == "draft"  # sending back is not submitting


def test_taking_a_workbook_away_is_on_record_and_changes_no_data(signed_in, grading, unit):
    secretary = account(grading.school, "secretary")
    before = data_version()
    client = signed_in(secretary)
    assert client.get(page("offline-file", unit.pk)).status_code == 405  # a link followed by a machine notes nobody
    fetched(client, unit)
    entry = AuditEntry.objects.get(action="offline.downloaded")
    assert (entry.account, entry.branch_id) == (secretary, unit.branch_id)
    assert entry.summary == f"下载离线表（定级表和评分表）：{grading.round.name}"
    assert data_version() == before


def test_what_changed_meanwhile_is_shown_before_anything_is_written(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    data = filled(fetched(client, unit), text__goal="表里的目标")
    url = send(client, page("offline-unit", unit.pk), ("表.xlsx", data))["Location"]
    seen = client.get(url).context["plan"].digest
    surveys.save_survey(
        by=None, unit=unit, side="branch", version=0, findings={}, now=clock.now(), texts={"goal": "网上的目标"}
    )
    answer = client.post(url, {"do": "import", "seen": seen})
    assert (answer.status_code, answer.context["again"][:10]) == (409, "您看过之后内容又有变")
    digest = answer.context["plan"].digest
    undecided = client.post(url, {"do": "import", "seen": digest})
    assert undecided.status_code == 422
    assert Survey.objects.get(unit=unit).goal == "网上的目标"
    client.post(url, {"do": "import", "seen": digest, "side-text:goal": "mine"})
    assert Survey.objects.get(unit=unit).goal == "表里的目标"


def test_a_workbook_may_be_given_up(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    data = filled(fetched(client, unit), points__A1=1)
    url = send(client, page("offline-unit", unit.pk), ("表.xlsx", data))["Location"]
    assert client.post(url, {"do": "drop"})["Location"] == page("offline-unit", unit.pk)
    assert "已放弃 没有导入，也没有写入任何内容。" in text(client.get(url))
    assert not Assessment.objects.exists()


def test_an_officer_sends_a_zip_and_imports_what_can_be(signed_in, grading, unit):
    client, other = signed_in(account(grading.school, "officer")), grading.unit("algebra")
    bundle = client.post(page("offline-files", unit.round_id, unit.group))
    with zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))) as archive:
        books = {name: archive.read(name) for name in archive.namelist()}
    assert len(books) == 2
    noted = AuditEntry.objects.filter(action="offline.downloaded", account__isnull=False)
    assert set(noted.values_list("branch", flat=True)) == {unit.branch_id, other.branch_id}
    mine = next(data for name, data in books.items() if unit.name in name)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("收/甲.xlsx", filled(mine, points__A1=1))
        archive.writestr("收/乙.xlsx", next(data for name, data in books.items() if other.name in name))
        archive.writestr("收/../丙.xlsx", b"x")
    url = send(client, page("offline-round", unit.round_id), ("总支.zip", out.getvalue()))["Location"]
    shown = client.get(url)
    rows = {row.upload.name: row for row in shown.context["rows"]}
    assert {name: (row.ready, row.refused) for name, row in rows.items()} == {
        "甲.xlsx": (True, ""), "乙.xlsx": (False, ""), "丙.xlsx": (False, "压缩包里的路径越界，不安全，已拒收。"),
    }  # fmt: skip
    key = rows["甲.xlsx"].upload.key
    stale = client.post(url, {"workbook": [key], f"seen-{key}": "old"}, follow=True)
    assert "您看过之后内容又有变化" in text(stale)
    assert not Assessment.objects.exists()
    client.post(url, {"workbook": [key], f"seen-{key}": rows["甲.xlsx"].plan.digest})
    assert Assessment.objects.get(unit=unit).entered_on_behalf
    after = client.get(url)
    assert (after.context["done"], after.context["ready"]) == (1, 0)


def test_what_cannot_be_read_is_said_on_the_form(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    nothing = client.post(page("offline-unit", unit.pk), {})
    assert (nothing.status_code, "请选择离线表的文件。" in text(nothing)) == (422, True)
    broken = send(client, page("offline-unit", unit.pk), ("坏.zip", b"PK\x03\x04 nothing"))
    assert (broken.status_code, "“坏.zip”已损坏" in text(broken)) == (422, True)
    refused = send(client, page("offline-unit", unit.pk), ("表.pdf", b"%PDF"))
    assert "只收填好的离线表（.xlsx）" in text(client.get(refused["Location"]))
    assert not Upload.objects.filter(state="waiting").exists()


def test_two_hundred_and_one_files_are_too_many(signed_in, grading, unit):
    client = signed_in(account(grading.school, "officer"))
    many = [(f"{number}.xlsx", b"x") for number in range(201)]
    answer = send(client, page("offline-round", unit.round_id), *many)
    assert (answer.status_code, "选了 201 个文件，一次最多 200 份。" in text(answer)) == (422, True)


def test_a_branch_of_another_party_is_not_there(signed_in, grading):
    client = signed_in(account(grading.school, "officer"))
    assert client.get(page("offline-unit", grading.unit("chinese").pk)).status_code == 404
    assert client.post(page("offline-files", grading.round.pk, grading.unit("chinese").group)).status_code == 404


def test_a_sheet_handed_in_is_said_before_it_is_taken_away(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    assert "评分表现在不收" not in text(client.get(page("offline-unit", unit.pk)))
    fill(unit)
    assert "评分表现在不收" in text(client.get(page("offline-unit", unit.pk)))


def test_of_two_of_one_branch_each_says_what_it_holds_and_how_to_leave_it_out(signed_in, grading, unit):
    client = signed_in(account(grading.school, "officer"))
    blank = fetched(client, unit)
    files = [("甲.xlsx", filled(blank, points__A1=1)), ("乙.xlsx", filled(blank, points__A1=1.5))]
    url = send(client, page("offline-round", unit.round_id), *files)["Location"]
    first = client.get(url).context["rows"][0].upload
    shown = text(client.get(page("offline-workbook", first.key)))
    assert "同一个支部这次有 2 份" in shown
    assert "自评打分" in shown
    client.post(url, {"drop": first.key})
    assert "已放弃" in text(client.get(url))
    assert client.get(url).context["refused"] == 0
