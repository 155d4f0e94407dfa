"""A round from opening to final: what services write, and what they refuse."""

import datetime as dt
import io
import zipfile
from decimal import Decimal as D  # noqa: N817

import pytest
import time_machine
from PIL import Image

from branches import clock
from branches.models import AuditEntry, BranchProfile, Role
from branches.services import tree as tree_services
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from grading.models import Assessment, Round, RoundUnit, Rubric, Score, Survey
from grading.services import evidence, results, round_rules, rounds, rubrics, sheets, sources, survey
from grading.services.errors import RefusedError
from tests.factories.branches import AppointmentFactory, BranchFactory, CategoryFactory, PersonFactory, holder, school
from tests.factories.grading import campaign, fill, opened_round
from tests.grading.steps import all_in, ballots, now
from tests.worlds import shared

pytestmark = pytest.mark.db
PDF = b"%PDF-1.4 minutes"


def office(*members):
    """An office file with these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    return made.getvalue()


def photo():
    """A small photograph that says where it was taken."""
    made = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Camera of Quanzhou"
    Image.new("RGB", (40, 20), "red").save(made, "JPEG", exif=exif)
    return made.getvalue()


grading = shared(opened_round)
scoring_round = shared(all_in)


# --- opening -----------------------------------------------------------------------------------------------------


def test_opening_freezes_names_parents_and_facts():
    place = school()
    BranchProfile.objects.filter(branch=place.software).update(full_members=18, probationary_members=2)
    AppointmentFactory(branch=place.software, person=PersonFactory(name="黄志远"))
    grading = opened_round(place)
    unit = grading.unit("software")
    assert (unit.name, unit.parent_name, unit.direct) == ("软件工程教研室党支部", "数学与计算机科学学院党总支", False)
    assert unit.secretary_name == "黄志远"
    assert (unit.facts["total_members"], unit.facts["women"], unit.facts["founded"]) == (20, None, "2005-09")
    direct = grading.unit("direct")
    assert (direct.direct, direct.general_branch_name, direct.group) == (True, "直属党支部", "direct")
    tree_services.move(
        by=None,
        branch=place.software,
        place=tree_services.Place(name="软件学院党支部", parent=place.letters, category=place.teachers),
        from_day=clock.today(),
    )
    unit.refresh_from_db()
    assert (unit.name, unit.parent_id) == ("软件工程教研室党支部", place.maths.pk)


def test_a_further_round_takes_the_roster_of_the_day_it_opens(grading):
    first = grading.round
    dates = {"starts_on": dt.date(2012, 3, 1), "backfill": False}
    type(first.campaign).objects.filter(pk=first.campaign_id).update(**dates)
    later = dt.date(2012, 9, 3)
    again = round_rules.copy_round(by=None, campaign=first.campaign, source=first, name="再次评定")
    again = Round.objects.select_related("campaign").get(pk=again.pk)
    assert rounds.freeze_day(again, later) == later
    Round.objects.filter(pk=again.pk).update(opens_on=dt.date(2012, 6, 1))
    again.refresh_from_db()
    assert rounds.freeze_day(again, later) == dt.date(2012, 6, 1)  # a planned day counts
    first.campaign.refresh_from_db()
    Round.objects.filter(pk=first.pk).update(opens_on=None)
    first.refresh_from_db()
    assert rounds.freeze_day(first, later) == dt.date(2012, 3, 1)


def test_a_round_does_not_open_while_a_category_has_no_published_rubric():
    place = school()
    opened = campaign(place.root)
    BranchFactory(name="机关党支部", parent=place.root, category=CategoryFactory(code="other", name="其他"))
    round_ = opened.rounds.get(ordinal=1)
    draft = rubrics.copy_to_new_version(by=None, rubric=Rubric.objects.get(code="student-2012"))
    round_.rubrics.filter(category=place.students).update(rubric=draft)
    round_.sources.filter(code="superior").update(weight=30)
    with pytest.raises(BlockedError) as caught:
        rounds.open_round(by=None, round_=round_, now=now())
    assert [text.split("（")[0] for text in caught.value.blockers] == [
        "各来源权重合计 90%，应为 100%",
        "“学生党支部”类使用的《学生党支部分类定级评分参考标准 第2版》还没有发布。",
        "“其他”类有 1 个支部，还没有指定评分标准。",
    ]
    round_.refresh_from_db()
    assert (round_.state, round_.opened_at, round_.units.count()) == (Round.State.PREPARING, None, 0)


def test_a_round_opens_once(grading):
    with pytest.raises(IllegalMoveError):
        rounds.open_round(by=None, round_=grading.round, now=now())
    assert RoundUnit.objects.count() == 5


def test_facts_follow_the_profile_until_the_round_is_final(grading):
    unit = grading.unit("software")
    BranchProfile.objects.filter(branch=unit.branch).update(women=8)
    assert rounds.refresh_facts(by=None, unit=unit).facts["women"] == 8


# --- self-assessment ---------------------------------------------------------------------------------------------


def self_sheet(grading, name="software", by=None):
    return sheets.sheet_for(by=by, unit=grading.unit(name), source=grading.source("self"))


def test_saving_some_points_keeps_the_rest_and_the_running_sum(grading):
    sheet = self_sheet(grading)
    entries = {"A1": sheets.ScoreInput(D("1.5"), remark="换届材料齐全"), "A2": sheets.ScoreInput(D(2))}
    sheet = sheets.save_scores(by=None, assessment=sheet, version=1, entries=entries, now=now())
    more = {"A1": sheets.ScoreInput(D(2)), "A3": sheets.ScoreInput(None, not_applicable=True)}
    sheet = sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries=more, now=now())
    assert (sheet.version, sheet.partial, sheet.earned, sheet.answered) == (3, D("4.00"), None, 3)
    assert sheet.scores.get(criterion__code="A1").remark == "换届材料齐全"


def test_wrong_points_are_named_by_item_and_nothing_is_stored(grading):
    sheet = self_sheet(grading)
    entries = {"A1": sheets.ScoreInput(D(9)), "A2": sheets.ScoreInput(D(1)), "Z9": sheets.ScoreInput(D(1))}
    with pytest.raises(RefusedError) as caught:
        sheets.save_scores(by=None, assessment=sheet, version=1, entries=entries, now=now())
    assert caught.value.fields == {"Z9": "评分标准里没有 Z9。", "A1": "A1 分数不能超过 2 分。"}
    assert Score.objects.count() == 0


def test_two_people_saving_at_once_both_texts_survive(grading):
    sheet = self_sheet(grading)
    mine = {"A1": sheets.ScoreInput(D(1), remark="我的")}
    sheets.save_scores(by=None, assessment=sheet, version=1, entries={"A1": sheets.ScoreInput(D(2))}, now=now())
    with pytest.raises(ConflictError) as caught:
        sheets.save_scores(by=None, assessment=sheet, version=1, entries=mine, now=now())
    assert caught.value.mine["entries"]["A1"] == {"points": "1", "not_applicable": False, "remark": "我的"}
    assert Score.objects.get(criterion__code="A1").points == 2


def test_submitting_needs_every_item_and_the_evidence_it_asks_for(grading):
    unit = grading.unit("software")
    sheet = self_sheet(grading)
    with pytest.raises(BlockedError, match="还有 27 项没有打分：A1、A2、A3、A4、A5等 27 个。"):
        sheets.submit(by=None, assessment=sheet, now=now())
    criterion = unit.rubric.sections.first().criteria.first()
    type(criterion).objects.filter(pk=criterion.pk).update(evidence_required=True)
    with pytest.raises(BlockedError, match="A1 须附佐证材料。"):
        fill(unit)
    evidence.add_evidence(by=None, unit=unit, name="记录.pdf", data=PDF, criteria=[criterion], now=now())
    assert fill(unit).state == Assessment.State.SUBMITTED


def test_submit_return_resubmit_accept(grading):
    sheet = fill(grading.unit("software"), lose=3)
    assert (sheet.state, sheet.earned, sheet.late) == (Assessment.State.SUBMITTED, D("97.00"), False)
    entries = {"A1": sheets.ScoreInput(D(1))}
    with pytest.raises(RefusedError, match="自评已提交，不能再改"):
        sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries=entries, now=now())
    with pytest.raises(IllegalMoveError, match="须写明理由"):
        sheets.return_sheet(by=None, assessment=sheet, reason=" ", now=now())
    sheet = sheets.return_sheet(by=None, assessment=sheet, reason="C2 请附会议记录", now=now())
    entries = {"A1": sheets.ScoreInput(D(1))}
    sheet = sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries=entries, now=now())
    sheet = sheets.submit(by=None, assessment=sheet, now=now())
    assert sheets.accept(by=None, assessments=[sheet], now=now())[0].state == Assessment.State.ACCEPTED


def test_a_submission_answers_to_the_version_on_the_page(grading):
    sheet = self_sheet(grading)
    with pytest.raises(ConflictError):
        sheets.submit(by=None, assessment=sheet, now=now(), version=99)


@pytest.mark.parametrize(
    ("moment", "extended", "late"),
    [
        ("2012-03-29 23:59:59", False, False),
        ("2012-03-30 00:00:00", False, True),
        ("2012-03-30 00:00:00", True, False),
        ("2012-04-03 00:00:00", True, True),
    ],
)
def test_late_is_after_the_last_second_of_the_last_day(moment, extended, late):
    shanghai = dt.timezone(dt.timedelta(hours=8))
    at = dt.datetime.fromisoformat(moment).replace(tzinfo=shanghai)
    with time_machine.travel(at, tick=False):
        grading = opened_round(backfill=False)
        unit = grading.unit("software")
        if extended:
            step = grading.round.steps.get(code="self")
            rounds.extend(by=None, unit=unit, step=step, until=dt.date(2012, 4, 2), reason="书记出差", now=now())
            unit = RoundUnit.objects.get(pk=unit.pk)
        assert fill(unit).late is late


def test_a_superior_entering_for_a_branch_is_marked(grading):
    unit = grading.unit("software")
    organiser = holder(Role.ORGANISER, grading.school.maths)
    secretary = holder(Role.SECRETARY, unit.branch)
    for account, marked in ((organiser, True), (secretary, False)):
        sheet = sheets.sheet_for(by=account, unit=unit, source=grading.source("self"))
        entries = {"A1": sheets.ScoreInput(D(1))}
        sheet = sheets.save_scores(by=account, assessment=sheet, version=sheet.version, entries=entries, now=now())
        assert sheet.entered_on_behalf is marked


def test_every_write_leaves_its_audit_entry(grading):
    before = AuditEntry.objects.count()
    fill(grading.unit("software"))
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)[before:])
    assert actions == ["assessment.create", "assessment.save", "grading.assessment.submitted"]


# --- superior scoring --------------------------------------------------------------------------------------------


def test_a_superiors_sheet_counts_while_it_is_complete(grading):
    unit = grading.unit("software")
    sheet = fill(unit, "superior", lose=5)
    assert (sheet.state, sheet.earned) == (Assessment.State.SUBMITTED, D("95.00"))
    entries = {"A1": sheets.ScoreInput(D(1))}
    sheet = sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries=entries, now=now())
    assert sheet.state == Assessment.State.SUBMITTED
    entries = {"A1": sheets.ScoreInput(None)}
    sheet = sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries=entries, now=now())
    assert (sheet.state, sheet.earned) == (Assessment.State.DRAFT, None)


def test_a_source_may_be_scored_by_section(grading):
    grading.round.sources.filter(code="superior").update(entry="sections")
    unit = RoundUnit.objects.get(pk=grading.unit("software").pk)
    sheet = sheets.sheet_for(by=None, unit=unit, source=grading.source("superior"))
    entries = {"A": sheets.ScoreInput(D(16))}
    with pytest.raises(RefusedError) as caught:
        sheets.save_scores(by=None, assessment=sheet, version=1, entries=entries, now=now())
    assert caught.value.fields == {"A": "A 分数应在 0 至 15 分之间。"}
    points = {"A": 14, "B": 24, "C": 18, "D": 22, "E": 12}
    entries = {code: sheets.ScoreInput(D(value)) for code, value in points.items()}
    sheet = sheets.save_scores(by=None, assessment=sheet, version=1, entries=entries, now=now())
    assert (sheet.state, sheet.earned) == (Assessment.State.SUBMITTED, D(90))


# --- survey, evidence, sources -----------------------------------------------------------------------------------


def test_both_sides_of_the_survey(grading):
    unit = grading.unit("software")
    given = {"organisation": survey.FindingInput("good"), "role": survey.FindingInput("poor", "作用不明显")}
    saved = survey.save_survey(
        by=None, unit=unit, side="branch", version=0, findings=given, now=now(), texts={"problems": "活动少"}
    )
    assert (saved.version, saved.problems, len(survey.blanks(unit, "branch"))) == (1, "活动少", 5)
    saved = survey.save_survey(
        by=None, unit=unit, side="branch", version=1, findings={}, now=now(), texts={"goal": "晋位较好"}
    )
    assert (saved.version, saved.problems, saved.goal) == (2, "活动少", "晋位较好")
    with pytest.raises(ConflictError):
        survey.save_survey(by=None, unit=unit, side="branch", version=1, findings={}, now=now())
    bad = {"role": survey.FindingInput("poor")}
    with pytest.raises(RefusedError, match="填了“差”，请写明情况"):
        survey.save_survey(by=None, unit=unit, side="branch", version=2, findings=bad, now=now())
    units = [grading.unit("software"), grading.unit("algebra")]
    survey.record_visit(by=None, units=units, findings=given, now=now(), method="座谈")
    survey.record_visit(by=None, units=units, findings={"role": survey.FindingInput("good")}, now=now())
    assert Survey.objects.filter(by="superior").count() == 2
    assert Survey.objects.filter(by="superior", version=2).count() == 2


def test_one_file_serves_several_items_and_removal_keeps_the_row(grading):
    unit = grading.unit("software")
    first, second, third = unit.rubric.sections.first().criteria.all()[:3]
    row = evidence.add_evidence(by=None, unit=unit, name=r"C:\会议\记录.pdf", data=PDF, criteria=[first], now=now())
    again = evidence.add_evidence(by=None, unit=unit, name="b.pdf", data=PDF, criteria=[second], now=now())
    assert (again.pk, row.name) == (row.pk, "记录.pdf")
    assert list(row.criteria.values_list("code", flat=True).order_by("code")) == ["A1", "A2"]
    evidence.cite(by=None, evidence=row, criteria=[third])
    assert list(row.criteria.values_list("code", flat=True)) == ["A3"]
    evidence.remove_evidence(by=None, evidence=row, now=now())
    assert unit.evidence.present().count() == 0
    assert unit.evidence.count() == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.exe", b"MZ", "请用 PDF"),
        ("a.pdf", b"", "空的"),
        ("a.pdf", b"hello", "内容与扩展名 .pdf 不符"),
        ("a.docx", office("word/vbaProject.bin"), "宏"),
        ("a.xlsx", office("xl/embeddings/a.bin"), "嵌入对象"),
        ("a.docx", b"PK\x03\x04 nothing", "已损坏"),
        ("a.png", b"\x89PNG\r\n\x1a\n nothing", "图片打不开"),
        ("a.svg", b"<svg/>", "请用 PDF"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * (10 * 1024 * 1024), "文件太大"),
    ],
)
def test_files_we_do_not_keep(grading, name, data, words):
    with pytest.raises(RefusedError, match=words):
        evidence.add_evidence(by=None, unit=grading.unit("software"), name=name, data=data, criteria=[], now=now())


def test_pictures_lose_their_hidden_particulars(grading):
    unit = grading.unit("software")
    assert b"Quanzhou" in photo()
    row = evidence.add_evidence(by=None, unit=unit, name="会场.jpg", data=photo(), criteria=[], now=now())
    with row.file.open() as stored:
        data = stored.read()
    assert b"Quanzhou" not in data
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (40, 20)
    assert (row.size, row.content_type) == (len(data), "image/jpeg")


def test_office_files_are_kept_as_they_are(grading):
    data = office("word/document.xml")
    row = evidence.add_evidence(
        by=None, unit=grading.unit("software"), name="记录.docx", data=data, criteria=[], now=now()
    )
    assert row.size == len(data)


def test_evidence_stands_still_once_filed(grading):
    unit = grading.unit("software")
    fill(unit)
    with pytest.raises(RefusedError, match="佐证材料不能再改"):
        evidence.add_evidence(by=None, unit=unit, name="a.pdf", data=PDF, criteria=[], now=now())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"issued": 18}, "该次测评作废，重新组织"),
        ({"valid": 19}, "各项之和 20 张，与有效票 19 张不符"),
        ({"returned": None}, "发出、收回、有效票数都要填"),
        ({"state": "missing"}, "请写明原因"),
        ({"counts": {"joy": 20}}, "没有选项 joy"),
    ],
)
def test_counts_that_contradict_each_other_are_refused(grading, given, words):
    unit = grading.unit("software")
    with pytest.raises(RefusedError, match=words):
        sources.record_counts(by=None, source=grading.source("appraisal"), rows=[ballots(unit, 20, **given)], now=now())
    assert unit.appraisals.count() == 0


def test_annual_results_replace_each_other_and_end_an_exemption(grading):
    unit, source = grading.unit("software"), grading.source("annual")
    sources.exempt(by=None, unit=unit, source=source, reason="离退休不参加考核", now=now())
    sources.record_annual(by=None, source=source, rows=[sources.AnnualInput(unit, label="优")], now=now())
    rows = [sources.AnnualInput(unit, score=D("89.995"))]
    row = sources.record_annual(by=None, source=source, rows=rows, now=now())[0]
    assert (row.version, row.label, row.score, unit.exemptions.count()) == (2, "", D("89.995"), 0)
    with pytest.raises(RefusedError, match="没有对应的分数"):
        sources.record_annual(by=None, source=source, rows=[sources.AnnualInput(unit, label="甲等")], now=now())


def test_vetoes_are_reviewed_with_their_grounds(grading):
    unit = grading.unit("software")
    with pytest.raises(RefusedError, match="请写明依据：材料造假"):
        sources.review_vetoes(by=None, unit=unit, found={"fraud": " "}, now=now())
    sources.review_vetoes(by=None, unit=unit, found={"fraud": "督查通报"}, now=now())
    assert results.derive(grading.round)[unit.pk].grade.label == "后进"
    sources.review_vetoes(by=None, unit=unit, found={}, now=now())
    assert (unit.vetoes.count(), results.derive(grading.round)[unit.pk].grade) == (0, None)


# --- round settings ----------------------------------------------------------------------------------------------


def test_due_dates_may_move_and_extensions_need_a_reason(grading):
    round_, unit = grading.round, grading.unit("software")
    due = {"self": dt.date(2012, 4, 5)}
    rounds.set_due_dates(by=None, round_=round_, version=1, due=due)
    assert round_.steps.get(code="self").due_on == dt.date(2012, 4, 5)
    with pytest.raises(RefusedError, match="没有这个步骤"):
        rounds.set_due_dates(by=None, round_=round_, version=2, due={"party": None})
    step = round_.steps.get(code="self")
    with pytest.raises(RefusedError, match="延期须写明理由"):
        rounds.extend(by=None, unit=unit, step=step, until=dt.date(2012, 4, 9), reason="", now=now())
    with pytest.raises(RefusedError, match="要晚于原定的 2012年4月5日"):
        rounds.extend(by=None, unit=unit, step=step, until=dt.date(2012, 4, 5), reason="忙", now=now())


def test_moving_back_wants_a_reason(scoring_round):
    with pytest.raises(IllegalMoveError, match="退回自评须写明理由"):
        rounds.move_round(by=None, round_=scoring_round.round, to="self", now=now())
    back = rounds.move_round(by=None, round_=scoring_round.round, to="self", now=now(), reason="两个支部补报")
    assert back.state == Round.State.SELF
