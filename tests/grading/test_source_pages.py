"""Importing the office's own workbooks in the browser's way, and recording one branch by hand."""

import io
from decimal import Decimal as D  # noqa: N817

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from branches.models import Role, Upload
from grading.models import AnnualResult, AppraisalCount, Assessment, Criterion, Exemption, Round, RoundUnit, Source
from tests.factories.branches import holder
from tests.factories.grading import opened_round
from tests.factories.voters import VoterGroupFactory
from tests.grading.pages import account, page, recused_officer, text
from tests.grading.trees import DATA, names_answered, sample_round
from tests.worlds import shared

pytestmark = pytest.mark.db

sample = shared(sample_round)


def send(client, round_, source, name):
    """Upload a workbook and return the address of its preview."""
    upload = SimpleUploadedFile(name, (DATA / name).read_bytes())
    response = client.post(page("sources", round_.pk), {"source": source, "file": upload})
    assert response.status_code == 302
    return response["Location"]


def posted_names(plan):
    """Return posted answers to every question of a name, as the office gives them."""
    return {f"name-{position}": key for position, key in names_answered(plan).items()}


def test_annual_results_of_the_office(signed_in, sample):
    client = signed_in(holder(Role.OFFICE, sample.school.root))
    address = send(client, sample.round, "annual", "annual-results.xlsx")
    preview = client.get(address)
    plan = preview.context["plan"]
    assert (len(plan.open_questions), len(plan.missing), plan.ready) == (5, 2, False)
    asked = {entry["key"]: entry["problem"].reason for entry in preview.context["asked"]}
    assert len(asked) == 2
    assert "还有问题要确认" in text(preview)
    refused = client.post(address, {"do": "import"})
    assert (refused.status_code, AnnualResult.objects.count()) == (422, 0)
    idle = client.post(address, {"do": "check"} | {f"answer-{key}": "score" for key in asked})
    assert [entry["answer"] for entry in idle.context["asked"]] == ["score"]
    assert idle.context["chosen"].keys().isdisjoint(entry["key"] for entry in idle.context["asked"])
    answers = {f"answer-{key}": "score" if "84" in reason else "leave_out" for key, reason in asked.items()}
    checked = client.post(address, {"do": "check"} | posted_names(plan) | answers)
    assert (checked.context["plan"].ready, checked.context["counts"]["免计"]) == (True, 3)
    kept = {"do": "import"} | {f"name-{k}": v for k, v in checked.context["settled"].items()}
    kept |= {f"answer-{k}": v for k, v in checked.context["chosen"].items()}
    response = client.post(address, kept, follow=True)
    assert "年度考核：录入 162 个，免计 3 个，没有变化 0 个，表里没有的 2 个。" in text(response)
    assert (AnnualResult.objects.count(), Exemption.objects.count()) == (162, 3)
    assert AnnualResult.objects.filter(score=D("89.995")).count() == 1
    assert Upload.objects.get().state == Upload.State.DONE
    assert client.get(address).status_code == 404


def test_ballot_counts_of_the_office(signed_in, sample):
    client = signed_in(holder(Role.OFFICE, sample.school.root))
    address = send(client, sample.round, "appraisal", "appraisal-counts.xlsx")
    preview = client.get(address)
    plan = preview.context["plan"]
    assert [problem.cell for problem in plan.errors] == ["E17", "G52:J52", "F136"]
    assert bool(preview.context["voidable"]) is True
    answers = posted_names(plan)
    checked = client.post(address, {"do": "check"} | answers)
    assert checked.context["plan"].ready is False
    checked = client.post(address, {"do": "check", "void": "1"} | answers)
    assert checked.context["plan"].ready is True
    assert checked.context["void"] is True
    response = client.post(address, {"do": "import", "void": "1"} | answers, follow=True)
    assert "群众评议：录入 168 个，免计 0 个，没有变化 0 个，表里没有的 0 个。" in text(response)
    states = AppraisalCount.State
    assert AppraisalCount.objects.filter(state=states.VOID).count() == 3
    board = client.get(page("round", sample.round.pk)).context["board"]
    assert board.total.sources["appraisal"] == 168


def test_a_file_that_is_no_workbook_is_named(signed_in):
    grading = opened_round()
    client = signed_in(account(grading.school, "office"))
    upload = SimpleUploadedFile("票数.xlsx", b"hello")
    response = client.post(page("sources", grading.round.pk), {"source": "annual", "file": upload})
    assert response.status_code == 422
    assert response.context["form"].errors["file"]
    assert not Upload.objects.exists()
    response = client.post(page("sources", grading.round.pk), {"source": "annual"})
    assert response.status_code == 422


def test_a_workbook_belongs_to_whoever_sent_it(signed_in, sample):
    first = signed_in(holder(Role.OFFICE, sample.school.root))
    address = send(first, sample.round, "annual", "annual-results.xlsx")
    assert signed_in(holder(Role.OFFICE, sample.school.root)).get(address).status_code == 404


# --- by hand -----------------------------------------------------------------------------------------------------


grading = shared(opened_round)


@pytest.fixture
def unit(grading):
    return grading.unit("software")


@pytest.fixture
def officer(signed_in, grading):
    return signed_in(account(grading.school, "officer"))


# --- points of sheets --------------------------------------------------------------------------------------------


def template(client, round_, code):
    """Return the workbook to fill in for a source, and its sheet."""
    response = client.get(page("source-template", round_.pk, code))
    assert response.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    return book, book.active


def sent(client, round_, code, book):
    """Upload a filled template and return the address of its preview."""
    out = io.BytesIO()
    book.save(out)
    file = SimpleUploadedFile("得分.xlsx", out.getvalue())
    response = client.post(page("sources", round_.pk), {"source": code, "file": file})
    assert response.status_code == 302
    return response["Location"]


def fill_row(sheet, row, rubric, change=None):
    """Fill a row of the template with full marks, nothing off for a deduction, but for what `change` says."""
    full = {item.code: item.points for section in rubric.sections.all() for item in section.criteria.all()}
    for cell in sheet[1][2:-1]:
        sheet.cell(row, cell.column, (change or {}).get(cell.value, full[cell.value]))


def test_points_of_sheets_are_imported_for_the_branches(officer, grading, unit):
    Criterion.objects.filter(section__rubric=unit.rubric_id).update(evidence_required=False)
    book, sheet = template(officer, grading.round, "self")
    names = {one.title: [row[1].value for row in one.iter_rows(min_row=2)] for one in book}
    assert names == {  # a sheet for each 评分标准, the officer's own 党总支 alone
        "支部自评 教师党支部": [grading.unit("software").name], "支部自评 学生党支部": [grading.unit("algebra").name],
    }  # fmt: skip
    assert "（2 分）" in sheet["C1"].comment.text
    fill_row(sheet, 2, unit.rubric, {"A1": 9})
    address = sent(officer, grading.round, "self", book)
    shown = officer.get(address)
    assert [(one.cell, one.reason) for one in shown.context["plan"].errors] == [
        ("C2", f"{unit.name}：A1 分数不能超过 2 分")
    ]
    assert "错误请在表里改好再上传" in text(shown)  # nothing to answer, so the only way on is another file
    assert ("改好表重新上传" in text(shown), "按答复重新核对" in text(shown)) == (True, False)
    sheet["C2"] = 1
    address = sent(officer, grading.round, "self", book)
    shown = officer.get(address)
    assert "99 分（填了" in text(shown)
    assert "导入 1 个支部" in text(shown)
    assert "支部自评：录入 1 个" in text(officer.post(address, {"do": "import"}, follow=True))
    filed = Assessment.objects.get(unit=unit, source__code="self")
    assert (filed.state, filed.earned, filed.entered_on_behalf) == ("submitted", 99, True)
    assert filed.receipts.exists()


def test_a_table_of_other_headings_is_led_to_the_workbook_to_fill_in(officer, grading):
    book = openpyxl.Workbook()
    book.active.append(["单位", "得票"])
    book.active.append(["软件工程教研室党支部", 12])
    shown = text(officer.get(sent(officer, grading.round, "appraisal", book)))
    assert "请下载群众评议录入表，照它的表头（党总支、党支部名称、发出票数、" in shown
    assert "手工指定" not in shown  # this page has no such choice
    assert "按作废处理" not in shown  # nothing was read that could be void, or be missing
    assert "表里没有" not in shown


def test_an_unknown_heading_is_no_contradiction_of_a_row(officer, grading):
    source = grading.source("annual")
    source.name = "学校考核组考评"
    source.save()
    book = openpyxl.Workbook()
    book.active.append(["党支部名称", "考核组意见（满分120）"])
    book.active.append(["软件工程教研室党支部", 110])
    response = officer.get(sent(officer, grading.round, "annual", book))
    assert response.context["asked"] == []
    assert response.context["answerable"] is False
    shown = text(response)
    assert (
        "没有认出学校考核组考评的表头：请下载学校考核组考评录入表，照它的表头（党总支、党支部名称、考核结果、" in shown
    )
    assert page("source-template", grading.round.pk, "annual") in response.content.decode()
    assert "互相矛盾" not in shown
    book.active["B1"] = "考核组评分（满分120）"
    book.active["B2"] = 91
    assert officer.get(sent(officer, grading.round, "annual", book)).context["plan"].errors == ()


def test_a_branch_without_a_grade_is_in_the_workbook_and_others_are_refused_with_the_reason(
    officer, signed_in, grading, unit
):
    RoundUnit.objects.filter(pk=unit.pk).update(graded=False, not_graded_reason="不满 12 个月，不定级。")
    book, sheet = template(officer, grading.round, "annual")
    names = [row[1].value for row in sheet.iter_rows(min_row=2)]
    assert unit.name in names
    sheet.cell(2 + names.index(unit.name), 4, 91)
    foreign = RoundUnit.objects.filter(round=grading.round).exclude(name__in=names).first()
    sheet.append([foreign.general_branch_name, foreign.name, None, 80])
    sheet.append(["甲党总支", "图书馆读者服务联合党支部", None, 80])
    for row in range(sheet.max_row, 1, -1):
        if sheet.cell(row, 4).value is None:
            sheet.delete_rows(row)
    address = sent(officer, grading.round, "annual", book)
    shown = text(officer.get(address))
    assert "本轮不定级，只记得分" in shown
    assert shown.count("不在本轮的参评名单里，或不在您的管理范围内") == 2  # the officer may not learn which of both
    assert "录入 1 个" in text(officer.post(address, {"do": "import"}, follow=True))
    assert unit.annual_results.get().score == 91
    office = signed_in(account(grading.school, "office"))
    assert text(office.get(sent(office, grading.round, "annual", book))).count("不在本轮的参评名单里") == 1


def test_who_stands_aside_is_told_so(signed_in, grading, unit):
    recused = signed_in(recused_officer(grading.school))
    book, sheet = template(recused, grading.round, "superior")
    sheet.cell(2, 2, unit.name)
    shown = text(recused.get(sent(recused, grading.round, "superior", book)))
    assert ("没有要录入的" in shown, "导入 0 个支部" in shown) == (True, False)
    assert "您在这个支部任书记或支委，应当回避" in shown
    assert "不在本轮的参评名单里" not in shown


def test_the_office_enters_what_a_team_of_the_school_gave_every_branch(signed_in, grading):
    Source.objects.filter(pk=grading.source("superior").pk).update(name="学校考核组考评")
    office = signed_in(account(grading.school, "office"))
    book, _ = template(office, grading.round, "superior")
    names = {row[1].value for sheet in book for row in sheet.iter_rows(min_row=2)}
    assert names == set(grading.round.units.values_list("name", flat=True))
    for sheet in book:
        for row in range(2, sheet.max_row + 1):
            unit = grading.round.units.get(name=sheet.cell(row, 2).value)
            fill_row(sheet, row, unit.rubric)
    address = sent(office, grading.round, "superior", book)
    draft = Round.objects.get(state=Round.State.PREPARING)
    advised = text(office.get(page("rule-editor", draft.pk, "sources")))
    assert "学校考核组给每个支部都按评分标准打分的，成员各自登录打分就选“学校抽查”" in advised
    assert f"学校考核组考评：录入 {len(names)} 个" in text(office.post(address, {"do": "import"}, follow=True))


def test_nobody_imports_points_beyond_their_rights(signed_in, grading, unit):
    organiser = signed_in(account(grading.school, "organiser"))  # prepares, and hands nothing in for a branch
    offered = [one.code for one in organiser.get(page("sources", grading.round.pk)).context["sources"]]
    assert offered == ["appraisal", "annual", "superior"]
    assert organiser.get(page("source-template", grading.round.pk, "self")).status_code == 404
    recused = signed_in(recused_officer(grading.school))
    _, sheet = template(recused, grading.round, "superior")
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == [grading.unit("algebra").name]


def test_rows_of_voter_classes_are_counted_as_branches_and_small_classes_told(officer, grading, unit):
    source = grading.source("appraisal")
    for code, name in (("members", "党员"), ("masses", "群众")):
        VoterGroupFactory(source=source, code=code, name=name, ordinal=len(code), weight=50)
    book, sheet = template(officer, grading.round, "appraisal")
    assert sheet["C1"].value == "评议人员"
    for row, number in ((2, 20), (3, 4)):
        for column, figure in enumerate((number, number, number, number), start=4):
            sheet.cell(row, column, figure)
    sheet.delete_rows(4, 2)
    shown = text(officer.get(sent(officer, grading.round, "appraisal", book)))
    assert "导入 1 个支部（2 行）" in shown
    assert shown.count("与本支部其他类合在一起计") == 1
    sheet.delete_cols(3)
    told = officer.get(sent(officer, grading.round, "appraisal", book)).context["plan"].errors
    assert told[0].reason == "没有写评议人员：请加一列，表头写“评议人员”，逐行写明群众、党员"


BALLOTS = {
    "source": "appraisal", "do": "record", "issued": "30", "returned": "２9", "valid": "28", "count-satisfied": "18",
    "count-fairly": "7", "count-unsatisfied": "3", "teller": "张雅婷", "scrutineer": "李国栋",
}  # fmt: skip


def errors(response):
    return [fault.text for fault in response.context["errors"]]


def test_ballots_by_hand(officer, unit):
    response = officer.post(page("unit-sources", unit.pk), BALLOTS)
    assert response["Location"] == page("unit", unit.pk)
    row = unit.appraisals.get()
    assert (row.issued, row.returned, row.valid, row.teller) == (30, 29, 28, "张雅婷")
    assert row.counts == {"satisfied": 18, "fairly": 7, "unsatisfied": 3, "unknown": 0}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"valid": "27"}, "各项之和 28 张，与有效票 27 张不符"),
        ({"issued": "二十"}, "发出“二十”不是整数。"),
        ({"returned": ""}, "发出、收回、有效票数都要填。"),
        ({"count-fairly": "-1"}, "基本满意“-1”不是整数。"),
    ],
)
def test_wrong_ballots_stay_in_their_fields(officer, unit, given, sentence):
    response = officer.post(page("unit-sources", unit.pk), BALLOTS | given)
    assert response.status_code == 422
    assert sentence in errors(response)[0]
    entry = next(one for one in response.context["entries"] if one.source.code == "appraisal")
    (slot,) = entry.slots
    shown = {figure.name: figure.value for figure in slot.figures}
    assert {key: shown[key] for key in given} == given
    assert shown["count-satisfied"] == "18"
    assert not unit.appraisals.exists()


def test_a_yearly_result_by_hand(officer, unit):
    address = page("unit-sources", unit.pk)
    officer.post(address, {"source": "annual", "do": "record", "score": "８9.995"})
    row = unit.annual_results.get()
    assert (row.label, row.score) == ("", D("89.995"))
    officer.post(address, {"source": "annual", "do": "record", "label": "优秀"})
    row = unit.annual_results.get()
    assert (row.label, row.score, row.version) == ("优秀", None, 2)
    for typed in ("九十", "NaN"):
        response = officer.post(address, {"source": "annual", "do": "record", "score": typed})
        assert errors(response) == ["得分请填数字，如 91.5。"]
    assert unit.annual_results.get().label == "优秀"


def test_a_round_hundred_stays_a_hundred_in_its_field(officer, unit):
    address = page("unit-sources", unit.pk)
    officer.post(address, {"source": "annual", "do": "record", "score": "100"})
    assert 'name="score" value="100"' in officer.get(address).content.decode()


def test_setting_a_source_aside_needs_a_reason(officer, unit):
    address = page("unit-sources", unit.pk)
    response = officer.post(address, {"source": "annual", "do": "exempt", "reason": " "})
    assert errors(response) == ["免计须写明理由。"]
    officer.post(address, {"source": "annual", "do": "exempt", "reason": "离退休不参加考核"})
    assert unit.exemptions.get().reason == "离退休不参加考核"
    assert "已免计：离退休不参加考核" in text(officer.get(address))


def test_a_branch_records_nothing(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    assert client.get(page("unit-sources", unit.pk)).status_code == 403
    assert client.post(page("unit-sources", unit.pk), BALLOTS).status_code == 403
    assert client.get(page("sources", grading.round.pk)).status_code == 403
