"""The roster through the browser's eyes: upload, mapping, preview, import, template, export."""

import io
from pathlib import Path

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from branches import clock, directory
from branches.intake.vocabulary import heading_key
from branches.lists import blank_rows, roster_table
from branches.models import Appointment, AuditEntry, Branch, BranchProfile, HeaderWord, Role, Upload
from branches.permissions import Action, scope
from branches.services import uploads
from reporting.tables import lay_out, xlsx
from tests.factories.branches import BranchFactory, UploadFactory, holder
from tests.tables.parity import assert_parity

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def root():
    return BranchFactory(code="DW", level=Branch.Level.COMMITTEE, name="中共清源师范学院委员会", starts_on="1949-10-01")


@pytest.fixture
def office(root, signed_in):
    client = signed_in(holder(Role.OFFICE, root))
    client.account = Upload._meta.get_field("account").related_model.objects.get()
    return client


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


STRANGE = workbook(
    ["院系", "支部全名", "支部类别", "编号", "负责人", "党员总数", "正式党员", "预备党员"],
    ["数学学院党总支", "数学系教工党支部", "教师", "M1", "林志远", 10, 8, 2],
    ["数学学院党总支", "统计系教工党支部", "教师", "M2", "陈丽华", 12, 12, 0],
)
SMALL = workbook(
    ["党支部花名册"],
    [
        "所属党总支",
        "党支部名称",
        "支部类别",
        "书记姓名",
        "任职时间",
        "正式党员",
        "预备党员",
        "流动党员",
        "联系电话",
        "编号",
    ],
    ["图书馆党总支", "采编部党支部", "教工", "林志远", "2011.10", 8, 2, 0, "17000001111", "QY001"],
    ["图书馆党总支", "流通部党支部", "教工", "李䶮", "2010年9月", 6, 0, 1, "17000002222", "QY002"],
    ["文学院党总支", "文学系教工党支部", "教师", "吴　勇", "2009-3", 12, 1, 0, "17000003333", "QY003"],
    ["直属党支部", "校医院党支部", "机关", "苏㛃", "2012年1月", 15, 0, 0, "17000004444", "QY004"],
)


def send(client, name, content):
    return client.post(reverse("roster-import"), {"file": SimpleUploadedFile(name, content)})


def sample(name="roster-sample.xlsx"):
    return (DATA / name).read_bytes()


def step(upload, name):
    return reverse("roster-step", args=[upload.key, name])


def start(client, name="roster-sample.xlsx"):
    """Upload one of the real files, or the small one."""
    send(client, name, SMALL if name == "small.xlsx" else sample(name))
    return Upload.objects.latest("pk")


def run(client, upload):
    page = client.get(step(upload, "preview"))
    return client.post(step(upload, "preview"), {"fingerprint": page.context["fingerprint"]})


def posted(page):
    """Return what the mapping page would post unchanged."""
    data = {}
    for sheet in page.context["sheets"]:
        if sheet.used:
            data[f"use-{sheet.number}"] = "1"
        data |= {f"first-{sheet.number}": sheet.first, f"last-{sheet.number}": sheet.last}
        data |= {f"col-{sheet.number}-{column.number}": column.field for column in sheet.columns}
    return data


def test_the_real_roster_walks_through_all_steps(office):
    response = send(office, "roster-sample.xlsx", sample())
    upload = Upload.objects.get()
    assert response.url == step(upload, "mapping")
    page = office.get(step(upload, "mapping"))
    (sheet,) = page.context["sheets"]
    assert (sheet.name, sheet.used, sheet.first, sheet.last, sheet.rows) == ("党支部花名册", True, 3, 4, 168)
    assert [column.letter for column in sheet.columns if column.hidden] == ["N"]
    assert office.post(step(upload, "mapping"), posted(page)).url == step(upload, "preview")
    preview = office.get(step(upload, "preview"))
    total, numbers = preview.context["total"]
    assert (total.branches, total.formal, total.probationary, total.members, total.mobile) == (
        168,
        2473,
        1334,
        3807,
        172,
    )
    assert dict(zip(preview.context["categories"], numbers, strict=True)) == {
        "教师": 63, "学生": 78, "机关": 21, "离退休": 6,
    }  # fmt: skip
    assert preview.context["errors"] == 0
    assert [cell for cell, _, _ in preview.context["comments"]] == ["C45"]
    assert Branch.objects.count() == 1
    assert run(office, upload).url == step(upload, "result")
    assert Branch.objects.filter(level=Branch.Level.BRANCH).count() == 168
    result = office.get(step(upload, "result"))
    assert (result.context["result"]["new"], result.context["result"]["new_units"]) == (168, 20)
    assert reverse("account-codes") in result.content.decode()


def test_the_same_file_again_changes_nothing(office):
    run(office, start(office))
    before = AuditEntry.objects.count()
    upload = start(office)
    page = office.get(step(upload, "preview"))
    assert page.context["plan"].changes_nothing
    assert "没有变化" in page.content.decode()
    assert len(page.context["plan"].unchanged) == 168
    assert AuditEntry.objects.count() == before


def test_the_file_with_errors_lists_them_by_cell_and_writes_nothing(office):
    upload = start(office, "roster-errors.xlsx")
    mapping = office.get(step(upload, "mapping"))
    office.post(step(upload, "mapping"), posted(mapping) | {"remember": "1"})
    page = office.get(step(upload, "preview"))
    assert (page.context["errors"], page.context["warnings"]) == (21, 4)
    found = [(problem.level.value, problem.cell) for problem in page.context["problems"]]
    assert found[:3] == [("error", "C8"), ("error", "D10"), ("error", "J12")]
    assert [level for level, _ in found] == ["error"] * 21 + ["warning"] * 4
    only = office.get(step(upload, "preview"), {"level": "warning"})
    assert len(only.context["problems"]) == 4
    assert "导入 " not in page.content.decode().split('class="stickybar"')[1]
    run(office, upload)
    assert Branch.objects.count() == 1
    assert HeaderWord.objects.count() == 0


def test_a_recognised_sheet_without_its_columns_can_be_left_out(office):
    upload = start(office, "roster-errors.xlsx")
    data = posted(office.get(step(upload, "mapping")))
    data.pop("use-2")
    office.post(step(upload, "mapping"), data)
    page = office.get(step(upload, "preview"))
    assert {problem.sheet for problem in page.context["problems"]} == {"党支部花名册"}


def test_a_similar_name_is_asked_about_and_the_answer_kept(office):
    upload = start(office, "roster-errors.xlsx")
    questions = office.get(step(upload, "preview")).context["questions"]
    asked = {question.written: question.options for question in questions}
    assert asked["体育党总支"] == ("体育学院党总支",)
    answer = {"decide": "1", "written": ["体育党总支"], "meant": ["体育学院党总支"]}
    office.post(step(upload, "preview"), answer)
    page = office.get(step(upload, "preview"))
    assert page.context["errors"] == 20
    assert page.context["decisions"] == {"体育党总支": "体育学院党总支"}
    office.post(step(upload, "preview"), {"decide": "1", "written": ["体育党总支"], "meant": [""]})
    assert office.get(step(upload, "preview")).context["errors"] == 21


def test_a_corrected_mapping_is_used_and_its_words_are_remembered(office):
    send(office, "strange.xlsx", STRANGE)
    upload = Upload.objects.get()
    page = office.get(step(upload, "mapping"))
    data = posted(page) | {"use-0": "1", "col-0-1": "general_branch", "col-0-2": "name", "col-0-5": "secretary_name"}
    assert office.post(step(upload, "mapping"), data | {"remember": "1"}).url == step(upload, "preview")
    taught = {heading_key(word.word): word.field for word in HeaderWord.objects.filter(table="roster")}
    assert taught["院系"] == "general_branch"
    assert taught["负责人"] == "secretary_name"
    assert office.get(step(upload, "preview")).context["errors"] == 0
    run(office, upload)
    assert Appointment.objects.get(branch__code="M2").person.name == "陈丽华"
    send(office, "strange-again.xlsx", STRANGE)
    again = Upload.objects.latest("pk")
    (sheet,) = office.get(step(again, "mapping")).context["sheets"]
    assert {column.field for column in sheet.columns} >= {"general_branch", "name", "secretary_name"}


def test_two_columns_of_one_meaning_are_refused_with_their_letters(office):
    send(office, "strange.xlsx", STRANGE)
    upload = Upload.objects.get()
    data = posted(office.get(step(upload, "mapping"))) | {"use-0": "1", "col-0-1": "name", "col-0-2": "name"}
    response = office.post(step(upload, "mapping"), data)
    assert response.status_code == 422
    assert "“党支部名称”对应了 A、B 两列，请只留一列。" in response.content.decode()


def test_other_header_rows_are_read_anew(office):
    upload = start(office)
    page = office.get(step(upload, "mapping"))
    data = posted(page) | {"first-0": "4", "last-0": "4", "reread": "1"}
    (sheet,) = office.post(step(upload, "mapping"), data).context["sheets"]
    assert (sheet.first, sheet.last) == (4, 4)
    bad = office.post(step(upload, "mapping"), data | {"first-0": "9", "last-0": "x"})
    assert "的表头行请写第几行到第几行" in bad.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("名册.xlsx", b"hello", "这不是 Excel 或 WPS 工作簿"),
        ("名册.docx", b"PK\x03\x04", ""),
        ("名册.xlsx", b"", "这个文件是空的"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(office, name, content, said):
    response = send(office, name, content)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Upload.objects.count() == 0


def test_a_preview_that_is_no_longer_true_is_shown_again(root, office):
    upload = start(office, "small.xlsx")
    page = office.get(step(upload, "preview"))
    BranchFactory(
        code="ZZ900", level=Branch.Level.GENERAL_BRANCH, name="文学与传播学院党总支", parent=Branch.objects.get()
    )
    response = office.post(step(upload, "preview"), {"fingerprint": page.context["fingerprint"]}, follow=True)
    assert "预览之后数据有了变化，请再核对一次" in response.content.decode()
    assert Branch.objects.filter(level=Branch.Level.BRANCH).count() == 0


def test_an_import_runs_once(office):
    upload = start(office, "small.xlsx")
    page = office.get(step(upload, "preview"))
    data = {"fingerprint": page.context["fingerprint"]}
    office.post(step(upload, "preview"), data)
    second = office.post(step(upload, "preview"), data)
    assert second.url == step(upload, "result")
    assert AuditEntry.objects.filter(action="roster.import").count() == 1


def test_a_dropped_import_writes_nothing(office):
    upload = start(office, "small.xlsx")
    assert office.post(step(upload, "preview"), {"drop": "1"}).url == reverse("roster-import")
    upload.refresh_from_db()
    assert (upload.state, Branch.objects.count()) == (Upload.State.DROPPED, 1)


def test_the_same_waiting_file_is_taken_up_again(office):
    assert start(office, "small.xlsx").pk == start(office, "small.xlsx").pk
    assert [upload.name for upload in office.get(reverse("roster-import")).context["waiting"]] == ["small.xlsx"]


def test_an_upload_belongs_to_its_account_and_is_purged(root, office, signed_in):
    upload = start(office, "small.xlsx")
    assert default_storage.exists(upload.path)
    stranger = signed_in(holder(Role.OFFICE, root))
    assert stranger.get(step(upload, "mapping")).status_code == 404
    Upload.objects.update(created_at="2012-01-01T00:00:00+08:00")
    assert uploads.purge() == 1
    assert not default_storage.exists(upload.path)


def test_a_purged_file_is_told_in_words(office):
    upload = UploadFactory(account=office.account)
    response = office.get(step(upload, "mapping"), follow=True)
    assert "这份文件已超过保存期限，请重新上传。" in response.content.decode()


def exported(client):
    response = client.post(reverse("roster-export"))
    assert response.status_code == 200
    return response.content


def test_an_export_imports_back_unchanged(office):
    run(office, start(office))
    branch = Branch.objects.get(code="QY003")
    BranchProfile.objects.filter(branch=branch).update(
        committee="支委3人：书记、组织委员、宣传委员",
        venue="理工楼305",
        last_election="2011-10",
        term_ends="2014-10-16",
    )
    Branch.objects.filter(pk=branch.pk).update(founded="2005-09")
    send(office, "党支部花名册.xlsx", exported(office))
    page = office.get(step(Upload.objects.latest("pk"), "preview"))
    changed = [(entry.row.name, entry.changes) for entry in page.context["plan"].changed]
    assert changed == []
    assert page.context["plan"].changes_nothing
    assert (page.context["errors"], page.context["warnings"]) == (0, 0)


def test_an_edited_export_shows_exactly_the_edits(office):
    run(office, start(office, "small.xlsx"))
    book = openpyxl.load_workbook(io.BytesIO(exported(office)))
    sheet = book.active
    cell = next(cell for row in sheet.iter_rows() for cell in row if cell.value == "编号")
    line = next(row for row in sheet.iter_rows() if row[cell.column - 1].value == "QY003")
    phone = next(other for row in sheet.iter_rows() for other in row if other.value == "联系电话")
    line[phone.column - 1].value = "0595-22801234"
    out = io.BytesIO()
    book.save(out)
    send(office, "改.xlsx", out.getvalue())
    plan = office.get(step(Upload.objects.latest("pk"), "preview")).context["plan"]
    assert [(entry.code, [change.label for change in entry.changes]) for entry in plan.changed] == [
        ("QY003", ["联系电话"])
    ]


def test_a_general_branch_exports_its_own_rows(office, signed_in):
    run(office, start(office, "small.xlsx"))
    unit = Branch.objects.as_of(clock.today()).get(name="图书馆党总支")
    client = signed_in(holder(Role.GENERAL_BRANCH_OFFICER, unit))
    sheet = openpyxl.load_workbook(io.BytesIO(exported(client))).active
    codes = [row[22].value for row in sheet.iter_rows(min_row=5) if str(row[22].value or "").startswith("QY")]
    assert codes == ["QY001", "QY002"]


def test_the_template_is_an_empty_roster_with_the_importers_words(office):
    response = office.get(reverse("roster-template"))
    assert "attachment" in response["Content-Disposition"]
    send(office, "模板.xlsx", response.content)
    (sheet,) = office.get(step(Upload.objects.get(), "mapping")).context["sheets"]
    assert {column.field for column in sheet.columns} == {"index", *blank_rows(1)[0]}
    assert sheet.rows == 0


def test_the_roster_is_the_same_everywhere(office, root):
    run(office, start(office, "small.xlsx"))
    rows = directory.roster_rows(clock.today(), scope(office.account, Action.EXPORT))[:3]
    sheet = lay_out(roster_table(), rows, values={"school": "清源师范学院", "day": "2012年3月20日"})
    assert_parity(sheet)
    assert xlsx.render([sheet])[:2] == b"PK"
