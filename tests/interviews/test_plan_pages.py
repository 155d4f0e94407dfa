"""Pages of planning as a person meets them: the import step by step, tasks in bulk, coverage, reports."""

import datetime as dt
import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pypdf import PdfReader

from branches import clock
from branches.permissions import Action, scope
from interviews import figures_kept
from interviews.home import reports_due
from interviews.models import Assignment, ProgressReport, ReportPeriod, ReportSection, RosterEntry, VisitRule
from interviews.report_sheet import REPORT
from interviews.services import assignments
from tests.interviews.planned import STAFF, STUDENTS, planned, staff, students, workbook
from tests.worlds import shared

pytestmark = pytest.mark.once
MATHS = "数学与计算机科学学院"


@shared
def world():
    """Two teachers and twelve students of maths, assigned."""
    made = planned()
    sheets = {"教职工": [STAFF, *staff(MATHS, 2)], "学生": [STUDENTS, *students(MATHS, 12)]}
    made.steps(sheets).apply(made.office)
    assignments.run_rules(
        by=made.office, campaign=made.campaign, reach=scope(made.office, Action.MANAGE_INTERVIEWS), now=clock.now()
    )
    figures_kept.forget()
    return made


def url(world, name, *more):
    return reverse(name, args=[world.campaign.pk, *more])


def test_the_import_from_file_to_result(world, signed_in):
    client = signed_in(world.office)
    content = workbook({"学生": [STUDENTS, *students(MATHS, 3, "2011级1班")]})
    sent = client.post(url(world, "people-import"), {"file": SimpleUploadedFile("名册.xlsx", content)})
    assert "mapping" in sent["Location"]
    page = client.get(sent["Location"]).content.decode()
    assert "核对表头" in page
    posted = {"use-0": "1", "first-0": "1", "last-0": "1"}
    posted |= {f"col-0-{at}": name for at, name in enumerate(("number", "name", "unit", "class_group"), start=1)}
    preview = client.post(sent["Location"], posted)["Location"]
    page = client.get(preview)
    assert "新增 3 人，变更 0 人，无变化 0 人。" in page.content.decode()
    stale = client.post(preview, {"fingerprint": "x"}, follow=True)
    assert "请再核对一次" in stale.content.decode()
    assert RosterEntry.objects.count() == 14
    unsure = client.post(preview, {"fingerprint": page.context["fingerprint"]}, follow=True)
    assert "请核对后勾选确认" in unsure.content.decode()
    done = client.post(preview, {"fingerprint": page.context["fingerprint"], "new_classes": "1"}, follow=True)
    assert "导入结果" in done.content.decode()
    assert RosterEntry.objects.count() == 17
    assert client.post(preview, {"fingerprint": "x"}, follow=True).status_code == 200
    assert RosterEntry.objects.count() == 17


def test_a_file_that_is_no_workbook_is_refused_with_the_reason(world, signed_in):
    sent = signed_in(world.office).post(url(world, "people-import"), {"file": SimpleUploadedFile("a.xlsx", b"x")})
    assert sent.status_code == 422
    assert "不是 Excel 或 WPS 工作簿" in sent.content.decode()


def test_tasks_are_handed_over_in_bulk_and_given_back(world, signed_in):
    client = signed_in(world.office)
    rule = VisitRule.objects.get(campaign=world.campaign, visited__code="student")
    picked = [str(pk) for pk in Assignment.objects.filter(rule=rule).values_list("pk", flat=True)[:3]]
    asked = client.post(reverse("visit-hand-over"), {"pick": picked})
    assert "指定访谈人" in asked.content.decode()
    taker = RosterEntry.objects.get(person__number="T1")
    empty = client.post(reverse("visit-hand-over"), {"pick": picked, "confirmed": "1"})
    assert empty.status_code == 422
    client.post(reverse("visit-hand-over"), {"pick": picked, "confirmed": "1", "takers": [taker.pk]})
    moved = Assignment.objects.filter(pk__in=picked)
    assert {(row.interviewer_id, row.origin) for row in moved} == {(taker.person_id, "hand")}
    client.post(reverse("visit-back"), {"pick": picked})
    assert not Assignment.objects.filter(origin="hand").exists()


def test_nobody_is_offered_to_visit_himself(world, signed_in):
    himself = RosterEntry.objects.get(person__number="T1")
    row = Assignment.objects.filter(interviewer=himself.person).first()
    Assignment.objects.filter(pk=row.pk).update(entry=himself)
    page = signed_in(world.office).post(reverse("visit-hand-over"), {"pick": [str(row.pk)]})
    offered = set(page.context["form"].fields["takers"].queryset)
    assert himself not in offered
    assert offered


def test_who_alone_gives_people_away_is_not_offered_them(world, signed_in):
    client, tasks = signed_in(world.office), {}
    for row in Assignment.objects.select_related("interviewer"):
        tasks.setdefault(row.interviewer, []).append(str(row.pk))
    (one, his), (other, hers) = sorted(tasks.items(), key=lambda pair: pair[0].pk)

    def offered(*picked):
        page = client.post(reverse("visit-hand-over"), {"pick": picked})
        return {entry.person for entry in page.context["form"].fields["takers"].queryset}

    assert offered(*his[:2]) == {other}
    assert offered(his[0], hers[0]) == {one, other}


def test_nothing_picked_is_said(world, signed_in):
    said = signed_in(world.office).post(reverse("visit-hand-over"), {}, follow=True)
    assert "请先选中要调整的人。" in said.content.decode()


def asked(client, place):
    with CaptureQueriesContext(connection) as queries:
        assert client.get(place).status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", ["people-roster", "visit-assignments", "visit-without"])
def test_lists_ask_as_much_for_three_rows_as_for_one(world, signed_in, name):
    client, numbers = signed_in(world.office), []
    client.get(url(world, name))
    for number in (3, 1):
        kept = list(RosterEntry.objects.filter(kind="student").values_list("pk", flat=True)[:number])
        wanted = [] if name == "visit-without" else kept
        Assignment.objects.exclude(entry__in=wanted).delete()
        RosterEntry.objects.exclude(pk__in=kept).filter(kind="student").delete()
        numbers.append(asked(client, url(world, name)))
    assert numbers[0] == numbers[1]


def test_coverage_as_page_workbook_and_pdf(world, signed_in):
    client, place = signed_in(world.office), url(world, "coverage-unit", world.school.maths.pk)
    page = client.get(place).content.decode()
    assert "2012级1班" in page
    assert asked(client, place) <= 16
    book = openpyxl.load_workbook(io.BytesIO(client.post(place, {"format": "xlsx"}).content))
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "2012级1班" in cells
    assert 12 in cells
    pdf = client.post(place, {"format": "pdf"})
    assert "2012级1班" in "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf.content)).pages)


def test_a_general_branch_is_led_to_its_own_unit(world, signed_in):
    answer = signed_in(world.officer).get(url(world, "coverage"))
    assert answer["Location"] == url(world, "coverage-unit", world.school.maths.pk)


def test_a_report_keeps_what_was_typed_when_it_cannot_be_handed_in(world, signed_in):
    client = signed_in(world.officer)
    period = ReportPeriod.objects.filter(campaign=world.campaign).first()
    place = url(world, "visit-report", period.pk, world.school.maths.pk)
    sections = list(ReportSection.objects.filter(campaign=world.campaign))
    first = {f"text-{sections[0].pk}": "书记亲自抓。", "submit": "1", "version": "0"}
    answer = client.post(place, first)
    assert answer.status_code == 422
    assert "书记亲自抓。" in answer.content.decode()
    assert "“进展情况”还没有填写。" in answer.content.decode()
    full = {f"text-{one.pk}": f"{one.name}写好了。" for one in sections} | {"version": "1", "submit": "1"}
    assert client.post(place, full)["Location"] == place
    assert ProgressReport.objects.get().state == "submitted"
    pdf = client.post(place, {"format": "pdf"})
    assert "组织领导写好了" in "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf.content)).pages)
    office = signed_in(world.office)
    back = reverse("visit-report-return", args=[world.campaign.pk, period.pk, world.school.maths.pk])
    office.post(back, {"version": str(ProgressReport.objects.get().version), "reason": "请补充"})
    assert ProgressReport.objects.get().state == "returned"


def test_the_landing_page_shows_the_coverage_one_answers_for(world, signed_in):
    school = signed_in(world.office).get(reverse("interviews"))
    shown = {stat.label: (stat.value, stat.base, stat.url) for stat in school.context["stats"]}
    page = url(world, "coverage")
    assert shown == {
        "教师一对一覆盖率": ("＊", "人数太少，不显示", f"{page}?category=teacher"),
        "学生一对一覆盖率": ("0.0%", "0 / 12 人", f"{page}?category=student"),
    }
    assert "记录访谈" not in school.content.decode()


# --- reports: drafts, two people at once, reminders -----------------------------------------------------------------


@pytest.fixture
def sheet(world):
    """Return the first period, the address of the unit's report, and what fills every section."""
    period = ReportPeriod.objects.filter(campaign=world.campaign).order_by("due_on").first()
    sections = ReportSection.objects.filter(campaign=world.campaign)
    full = {f"text-{one.pk}": f"{one.name}写好了。" for one in sections}
    return period, url(world, "visit-report", period.pk, world.school.maths.pk), full


def test_a_draft_of_a_report_is_offered_until_it_is_saved(world, signed_in, sheet):
    period, place, full = sheet
    client = signed_in(world.officer)
    page = client.get(place).content.decode()
    address = reverse("draft", args=["visit-report", f"{period.pk}-{world.school.maths.pk}"])
    assert f'data-draft-url="{address}"' in page
    typed = {"sequence": 1, "base_version": 0, "data": {next(iter(full)): "刚写到一半"}}
    assert client.post(address, typed, content_type="application/json").json()["taken"] is True
    assert "data-draft-data" in client.get(place).content.decode()
    assert client.post(place, full | {"version": "0", "save": "1"}).status_code == 302
    assert "data-draft-data" not in client.get(place).content.decode()


def test_two_who_write_one_report_see_both_texts(world, signed_in, sheet):
    _period, place, full = sheet
    client, name = signed_in(world.officer), next(iter(full))
    client.post(place, full | {"version": "0", "save": "1", name: "甲写的"})
    answer = client.post(place, full | {"version": "0", "save": "1", name: "乙写的"})
    page = answer.content.decode()
    assert (answer.status_code, "甲写的" in page, "乙写的" in page) == (409, True, True)
    assert ProgressReport.objects.get().texts.get(section_id=name.removeprefix("text-")).text == "甲写的"
    chosen = client.post(place, full | {"version": "1", "save": "1", name: "乙写的"})
    assert chosen.status_code == 302
    assert ProgressReport.objects.get().texts.get(section_id=name.removeprefix("text-")).text == "乙写的"


def test_what_keeps_a_report_from_being_handed_in_leads_to_its_field(world, signed_in, sheet):
    _period, place, full = sheet
    name = next(iter(full))
    page = signed_in(world.officer).post(place, full | {"version": "0", "submit": "1", name: ""}).content.decode()
    assert f'<a href="#id_{name}">“组织领导”还没有填写。</a>' in page
    assert 'data-confirm="报送后不能再改' in page


def titles(account, at):
    return [item.title for item in reports_due(account, at)]


def test_a_unit_is_reminded_of_a_report_that_is_due_or_sent_back(world, signed_in, sheet):
    period, place, full = sheet
    day = lambda days: dt.datetime.combine(period.due_on + dt.timedelta(days=days), dt.time(9), tzinfo=dt.UTC)
    due = f"报送{period.name}进展情况报告表"
    assert [titles(world.officer, day(days)) for days in (-15, -14, 5)] == [[], [due], [due]]
    assert titles(world.office, day(0)) == []
    signed_in(world.officer).post(place, full | {"version": "0", "submit": "1"})
    assert titles(world.officer, day(0)) == []
    report = ProgressReport.objects.get()
    back = reverse("visit-report-return", args=[world.campaign.pk, period.pk, world.school.maths.pk])
    signed_in(world.office).post(back, {"version": str(report.version), "reason": "请写清解决了哪一件"})
    (item,) = reports_due(world.officer, day(-60))
    assert (item.title, item.detail) == (f"{period.name}报告表已退回，请修改", "请写清解决了哪一件")


def test_a_report_is_printed_upright():
    assert REPORT.page.orientation == "portrait"
    assert REPORT.page.body_width_mm == 28 + 137
