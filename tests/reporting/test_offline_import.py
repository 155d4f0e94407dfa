"""From a returned workbook to the web: what changes, who may, what is refused, and that nothing is half written."""

import io
import zipfile

import pytest

from branches import clock
from branches.models import AuditEntry, Upload
from branches.versions import ConflictError
from grading.models import Assessment, Round, Survey
from grading.services import sheets
from grading.services import survey as surveys
from grading.services.errors import RefusedError
from reporting.offline import bundle
from reporting.offline.bundle import Limits, Sent
from reporting.offline.reader import read
from reporting.services import offline
from tests.factories.grading import fill, opened_round
from tests.grading.pages import account
from tests.reporting.offline_files import cells_of, filled

pytestmark = pytest.mark.once


@pytest.fixture
def grading():
    return opened_round()


@pytest.fixture
def unit(grading):
    return grading.unit("software")


@pytest.fixture
def secretary(grading):
    return account(grading.school, "secretary")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Read here what a child reads in the product: tests/reporting/test_offline_reader.py tries the child."""

    def read_all(sent, keys):
        found = []
        for one in sent:
            try:
                found.append(read(one.name, one.data, keys))
            except bundle.RefusedUpload as error:
                found.append(str(error))
        return found

    monkeypatch.setattr(offline, "read_all", read_all)


def given(unit):
    ((_, data),) = offline.workbooks(units=[unit])
    return data


def returned(by, unit, data, *, page_of=None):
    """Send one workbook (on the page of a branch); return its upload and plan."""
    key = offline.take(by=by, round_=unit.round, files=[Sent("表.xlsx", data)], unit=page_of)
    (upload,) = offline.batch_of(by=by, key=key)
    return upload, plan_of(by, upload)


def plan_of(by, upload):
    return offline.plans(by=by, waiting=[upload])[upload.pk]


def apply(by, upload, plan):
    return offline.apply(by=by, upload=upload, plan=plan, now=clock.now())


def survey_of(unit):
    return Survey.objects.get(unit=unit, by="branch")


def sheet_of(unit):
    return Assessment.objects.get(unit=unit, source__code="self")


def points_of(unit):
    rows = sheet_of(unit).scores.select_related("criterion")
    return {row.criterion.code: (row.points, row.not_applicable, row.remark) for row in rows}


def save_texts(unit, version=0, **texts):
    return surveys.save_survey(
        by=None, unit=unit, side="branch", version=version, findings={}, now=clock.now(), texts=texts
    )


def test_what_is_filled_in_is_written_through_the_services(unit, secretary):
    data = filled(
        given(unit), check__organisation="☑好　☐一般　☐差", check__support="差", note__support="无场所", target="较好",
        text__problems="1．活动少\n2．记录不全", text__goal="晋位", points__A1=1.5, points__A2="2", na__B1="√",
        remark__A1="缺1次",
    )  # fmt: skip
    upload, plan = returned(secretary, unit, data)
    assert (plan.refused, plan.faults, plan.closed, plan.undecided) == ("", [], [], [])
    assert [(part, len(changes)) for _, part, changes in plan.parts] == [("调查摸底", 6), ("自评打分", 4)]
    first = plan.parts[0][2][0]
    assert (first.label, first.sheet, first.cell, first.old, first.new) == (
        "组织设置是否合理", "附件4", cells_of(data)["check:organisation"][1], "", "好",
    )  # fmt: skip
    assert apply(secretary, upload, plan) == 10
    survey = survey_of(unit)
    assert (survey.problems, survey.goal, survey.target.label) == ("1．活动少\n2．记录不全", "晋位", "较好")
    found = {row.check_item.code: (row.finding, row.note) for row in survey.findings.all()}
    assert (found["organisation"], found["support"]) == (("good", ""), ("poor", "无场所"))
    assert points_of(unit) == {"A1": (1.5, False, "缺1次"), "A2": (2, False, ""), "B1": (None, True, "")}
    sheet = sheet_of(unit)
    assert (sheet.state, sheet.entered_on_behalf, sheet.saved_by) == ("draft", False, secretary)
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))[-4:]
    assert actions == ["survey.save", "assessment.create", "assessment.save", "offline.import"]
    upload.refresh_from_db()
    assert (upload.state, upload.result["taken"]) == ("done", 10)


def test_an_import_twice_is_refused(unit, secretary):
    upload, plan = returned(secretary, unit, filled(given(unit), points__A1=1))
    apply(secretary, upload, plan)
    with pytest.raises(RefusedError, match="已经导入或放弃"):
        apply(secretary, upload, plan)


def test_nothing_changed_is_nothing_to_import(unit, secretary):
    save_texts(unit, problems="有\r\n空格 ")
    _, plan = returned(secretary, unit, given(unit))
    assert (plan.taken, plan.ready, plan.refused) == ([], False, "")


def test_what_only_the_web_changed_stays_and_what_both_changed_is_asked(unit, secretary):
    save_texts(unit, problems="旧问题", goal="旧目标", measures="旧措施")
    data = filled(given(unit), text__problems="表里的问题", text__measures="表里的措施")
    save_texts(unit, 1, problems="网上的问题", goal="网上的目标")
    upload, plan = returned(secretary, unit, data)
    assert [(c.field, c.old, c.new) for c in plan.conflicts] == [("text:problems", "网上的问题", "表里的问题")]
    assert [(c.field, c.old, c.new) for c in plan.only_web] == [("text:goal", "网上的目标", "旧目标")]
    assert ([c.field for c in plan.taken], plan.ready) == (["text:measures"], False)
    with pytest.raises(RefusedError):
        apply(secretary, upload, plan)
    upload = offline.choose_sides(upload=upload, sides={"text:problems": "mine"})
    assert apply(secretary, upload, plan_of(secretary, upload)) == 2
    survey = survey_of(unit)
    assert (survey.problems, survey.goal, survey.measures) == ("表里的问题", "网上的目标", "表里的措施")


def test_choosing_the_web_keeps_it(unit, secretary):
    save_texts(unit, problems="旧")
    data = filled(given(unit), text__problems="表", text__goal="目标")
    save_texts(unit, 1, problems="网")
    upload, _ = returned(secretary, unit, data)
    upload = offline.choose_sides(upload=upload, sides={"text:problems": "theirs"})
    assert apply(secretary, upload, plan_of(secretary, upload)) == 1
    assert (survey_of(unit).problems, survey_of(unit).goal) == ("网", "目标")


def test_a_save_between_preview_and_confirm_writes_nothing(unit, secretary):
    data = filled(given(unit), text__goal="目标", points__A1=1)
    upload, plan = returned(secretary, unit, data)
    sheet = sheets.sheet_for(by=None, unit=unit, source=unit.round.sources.get(code="self"))
    entries = {"A2": sheets.ScoreInput(2)}
    sheets.save_scores(by=None, assessment=sheet, version=1, entries=entries, now=clock.now())
    with pytest.raises(ConflictError):
        apply(secretary, upload, plan)
    assert not Survey.objects.filter(unit=unit).exists()  # saved before the sheet refused: taken back with it
    upload.refresh_from_db()
    assert upload.state == "waiting"
    assert plan_of(secretary, upload).digest != plan.digest
    assert apply(secretary, upload, plan_of(secretary, upload)) == 2
    assert points_of(unit)["A2"][0] == 2


def test_wrong_values_are_named_and_the_rest_is_taken(unit, secretary):
    data = filled(
        given(unit), check__organisation="差", check__committee="很好", target="第一", points__A1=99, points__A2=0.3,
        na__A3="√", points__A3=1, remark__A4="说" * 1001, text__goal="目标",
    )  # fmt: skip
    upload, plan = returned(secretary, unit, data)
    cells = cells_of(data)
    assert {(fault.cell, fault.text) for fault in plan.faults} == {
        (cells["check:organisation"][1], "填了“差”，请写明情况。"),
        (cells["check:committee"][1], "“很好”不在选项里，请选好、一般或差。"),
        (cells["target"][1], "“第一”不是本轮的等级，请选先进、较好、一般、后进。"),
        (cells["points:A1"][1], "A1 分数不能超过 2 分。"),
        (cells["points:A2"][1], "A2 分数要按 0.5 分一档填写。"),
        (cells["points:A3"][1], "A3 填了“不适用”就不能再填分数。"),
        (cells["na:A3"][1], "A3 填了“不适用”就不能再填分数。"),
        (cells["remark:A4"][1], "有 1001 个字，最多 1000 个字。"),
    }
    assert [change.field for change in plan.taken] == ["text:goal"]
    assert apply(secretary, upload, plan) == 1


def test_a_submitted_sheet_takes_nothing_but_the_survey_does(unit, secretary):
    data = filled(given(unit), text__goal="目标", points__A1=1)
    fill(unit)
    upload, plan = returned(secretary, unit, data)
    assert plan.closed == ["评分表里的改动不收：自评已提交，不能再改；需要改时请数学与计算机科学学院党总支先退回。"]
    assert apply(secretary, upload, plan) == 1
    assert points_of(unit)["A1"][0] == 2


def test_a_party_above_enters_on_behalf(grading, unit):
    officer = account(grading.school, "officer")
    upload, plan = returned(officer, unit, filled(given(unit), points__A1=1))
    apply(officer, upload, plan)
    assert sheet_of(unit).entered_on_behalf


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("algebra", "这是“2010级数学党支部”的表，不在您能填报的范围内，整份不收。"),
        ("chinese", "不在您能填报的范围内，整份不收。"),
    ],
)
def test_another_branch_is_refused(grading, secretary, name, sentence):
    other = grading.unit(name)
    upload, plan = returned(secretary, other, filled(given(other), points__A1=1))
    assert plan.refused.endswith(sentence)
    with pytest.raises(RefusedError):
        apply(secretary, upload, plan)


def test_a_sibling_sent_on_this_branchs_page_is_refused(grading, unit):
    officer, other = account(grading.school, "officer"), grading.unit("algebra")
    _, plan = returned(officer, other, given(other), page_of=unit)
    assert plan.refused.endswith("的表，不是本支部的，整份不收。")


def test_another_round_is_refused(grading, unit, secretary):
    data = filled(given(unit), points__A1=1)
    later = Round.objects.get(campaign=unit.round.campaign, ordinal=2)
    key = offline.take(by=secretary, round_=later, files=[Sent("表.xlsx", data)])
    (upload,) = offline.batch_of(by=secretary, key=key)
    assert plan_of(secretary, upload).refused == "这是“2012年基层组织建设年第一轮”的表，不是这一轮的，整份不收。"


def test_a_closed_round_and_another_rubric_are_refused(unit, secretary, grading):
    upload, _ = returned(secretary, unit, filled(given(unit), points__A1=1))
    type(unit).objects.filter(pk=unit.pk).update(rubric=unit.round.rubrics.exclude(rubric=unit.rubric).first().rubric)
    assert plan_of(secretary, upload).refused.startswith("下载后评分标准换成了")
    type(unit).objects.filter(pk=unit.pk).update(rubric=unit.rubric)
    Round.objects.filter(pk=unit.round_id).update(state=Round.State.PREPARING)
    assert "不能再填报" in plan_of(secretary, upload).refused


def test_a_right_lost_after_the_preview_is_noticed(unit, secretary):
    upload, plan = returned(secretary, unit, filled(given(unit), points__A1=1))
    secretary.grants.all().delete()
    fresh = type(secretary).objects.get(pk=secretary.pk)
    with pytest.raises(RefusedError, match="您的角色没有这项权限。"):
        apply(fresh, upload, plan)
    assert not Assessment.objects.filter(unit=unit).exists()


def test_a_batch_takes_each_workbook_for_itself(grading, unit):
    officer, other = account(grading.school, "officer"), grading.unit("algebra")
    good = filled(given(unit), points__A1=1)
    files = [Sent("甲.xlsx", good), Sent("乙.xlsx", given(other)), Sent("丙.pdf", b"%PDF"), Sent("丁.xlsx", b"")]
    key = offline.take(by=officer, round_=unit.round, files=files)
    rows = offline.batch_of(by=officer, key=key)
    assert [(row.name, row.state) for row in rows] == [
        ("甲.xlsx", "waiting"), ("乙.xlsx", "waiting"), ("丙.pdf", "dropped"), ("丁.xlsx", "dropped"),
    ]  # fmt: skip
    assert rows[2].result["refused"] == "只收填好的离线表（.xlsx），或者装着离线表的 .zip。"
    plans = offline.plans(by=officer, waiting=rows[:2])
    assert [plans[row.pk].ready for row in rows[:2]] == [True, False]


def test_two_workbooks_of_one_branch_wait_until_one_is_dropped(grading, unit, secretary):
    data = given(unit)
    files = [Sent("一.xlsx", filled(data, points__A1=1)), Sent("二.xlsx", filled(data, points__A1=2))]
    key = offline.take(by=secretary, round_=unit.round, files=files)
    first, second = offline.batch_of(by=secretary, key=key)
    plans = offline.plans(by=secretary, waiting=[first, second])
    assert {plan.refused for plan in plans.values()} == {"同一个支部这次有 2 份，请放弃多余的，只留一份。"}
    offline.drop(by=secretary, upload=first)
    assert plan_of(secretary, second).ready


def test_too_many_or_nothing_is_refused(unit, secretary):
    files = [Sent(f"{number}.xlsx", b"x") for number in range(3)]
    with pytest.raises(bundle.RefusedUpload, match="一次最多 2 份，现在不止这些，请分几次上传。"):
        offline.take(by=secretary, round_=unit.round, files=files, limits=Limits(workbooks=2))
    with pytest.raises(bundle.RefusedUpload, match="里面没有工作簿。"):
        offline.take(by=secretary, round_=unit.round, files=[])
    assert not Upload.objects.exists()


def test_zips_may_not_hold_too_much_together(unit, secretary):
    """Each is within the limit; a few kilobytes hold what would fill the memory."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("一.xlsx", b"0" * 60_000)
    files = [Sent(f"{number}.zip", packed.getvalue()) for number in range(2)]
    with pytest.raises(bundle.RefusedUpload, match="一次上传的文件太大，请分几次上传。"):
        offline.take(by=secretary, round_=unit.round, files=files, limits=Limits(together=100_000))
    assert not Upload.objects.exists()


def test_workbooks_given_out_under_a_former_key_are_taken_while_it_is_kept(unit, secretary, settings):
    data, former = given(unit), settings.SECRET_KEY
    settings.SECRET_KEY = "a new key, long enough to be one, for this test"
    settings.SECRET_KEY_FALLBACKS = [former]
    assert returned(secretary, unit, data)[1].refused == ""
    settings.SECRET_KEY_FALLBACKS = []
    (upload,) = offline.batch_of(
        by=secretary, key=offline.take(by=secretary, round_=unit.round, files=[Sent("表.xlsx", data)])
    )
    assert upload.result["refused"].startswith("隐藏的标识不是本系统签发的")


def test_what_others_sent_is_not_seen(grading, unit, secretary):
    upload, _ = returned(secretary, unit, given(unit))
    assert offline.batch_of(by=account(grading.school, "clerk"), key=upload.choices["batch"]) == []


def test_reads_do_not_grow_with_branches(grading, django_assert_max_num_queries):
    with django_assert_max_num_queries(60):
        offline.workbooks(units=list(grading.units.values()))
