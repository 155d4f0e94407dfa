"""Words of talks and tutors of classes as the office changes them: what is in use stays, who changed it is kept."""

import datetime as dt
import io
from importlib import import_module

import openpyxl
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from branches import clock
from branches.models import AuditEntry
from branches.permissions import Action, scope
from branches.versions import ConflictError
from interviews.models import (
    Channel,
    ClassGroup,
    FocusGroup,
    MatterCategory,
    PersonCategory,
    ProgressReport,
    ReportPeriod,
    ReportSection,
    RosterEntry,
    Topic,
)
from interviews.people_plan import known
from interviews.services import classes, reports, words
from interviews.services.errors import RefusedError
from interviews.services.words import KINDS
from interviews.views.shared import choices
from tests.factories import branches, interview_matters, interview_plan
from tests.interviews import follow, talks
from tests.interviews.planned import STAFF, STUDENTS, planned, staff, students
from tests.worlds import shared

pytestmark = pytest.mark.once
MATHS = "数学与计算机科学学院"


@shared
def world():
    """Two teachers and students in two classes of maths."""
    made = planned()
    people = [*students(MATHS, 3, "2011级1班", tutor="T0"), *students(MATHS, 2, "2012级2班")]
    made.steps({"教职工": [STAFF, *staff(MATHS, 2)], "学生": [STUDENTS, *people]}).apply(made.office)
    return made


@shared
def followed():
    """A talk about 学习 with a problem handed on, and the category of that."""
    made = follow.world()
    talk = talks.recorded(made.base)
    matter = follow.released(made, interview=talk)
    return made.base, talk, matter.category


def save(world, sort, row=None, version=1, **values):
    base = {name: getattr(row, name) for name in ("name", *KINDS[sort].marks)} if row else {}
    if sort == "focus" and row is None:
        base = {"kind": "student", "words": []}
    if sort == "people" and row is None:
        base = {"kind": "staff", "words": []}
    if "sensitive" in KINDS[sort].marks and row is None:
        base["sensitive"] = False
    given = base | {"active": True} | values
    return words.save_word(
        by=world.office, campaign=world.campaign, kind=KINDS[sort], row=row, version=version, values=given
    )


@pytest.mark.parametrize(
    ("sort", "model"),
    [("channels", Channel), ("topics", Topic), ("matters", MatterCategory), ("people", PersonCategory),
     ("sections", ReportSection)],
)  # fmt: skip
def test_a_new_word_comes_last_and_may_go_again(world, sort, model):
    row = save(world, sort, name="新加的")
    assert words.rows_of(KINDS[sort], world.campaign)[-1] == row
    assert save(world, sort, name="又一个").code != row.code
    with pytest.raises(RefusedError, match="已有同名的"):
        save(world, sort, name="新加的")
    words.remove_word(by=world.office, campaign=world.campaign, kind=KINDS[sort], row=row)
    assert not model.objects.filter(pk=row.pk).exists()
    said = AuditEntry.objects.filter(action__startswith="interviews.word").values_list("action", flat=True)
    assert set(said) == {"interviews.word", "interviews.word.remove"}


def test_order_changes_by_one_place_and_not_beyond_the_ends(world):
    kind = KINDS["matters"]
    before = [row.name for row in words.rows_of(kind, world.campaign)]
    first, second = words.rows_of(kind, world.campaign)[:2]
    words.move_word(by=world.office, campaign=world.campaign, kind=kind, row=second, up=True)
    assert [row.name for row in words.rows_of(kind, world.campaign)] == [before[1], before[0], *before[2:]]
    words.move_word(by=world.office, campaign=world.campaign, kind=kind, row=second, up=True)
    words.move_word(by=world.office, campaign=world.campaign, kind=kind, row=first, up=True)
    assert [row.name for row in words.rows_of(kind, world.campaign)] == before


def test_what_is_in_use_is_neither_deleted_nor_made_sensitive_but_retired(followed):
    made, talk, category = followed
    for sort, row in (("channels", talk.channel), ("topics", made.study), ("matters", category)):
        interview_plan.ChannelFactory(campaign=made.campaign, code="phone")
        with pytest.raises(RefusedError, match="不能删除"):
            words.remove_word(by=made.office, campaign=made.campaign, kind=KINDS[sort], row=row)
        assert save(made, sort, row, active=False).active is False
    with pytest.raises(RefusedError, match="不能再标为敏感"):
        save(made, "topics", made.study, 2, sensitive=True)


def test_a_problem_category_in_use_becomes_sensitive_and_stays_so(followed):
    made, _, category = followed
    row = save(made, "matters", category, sensitive=True)
    unused = save(made, "matters", name="没用过", sensitive=True)  # the answer does not tell which is in use
    for one in (row, unused):
        with pytest.raises(RefusedError, match="不能取消"):
            save(made, "matters", one, one.version, sensitive=False)
        with pytest.raises(RefusedError, match="可能用过"):
            words.remove_word(by=made.office, campaign=made.campaign, kind=KINDS["matters"], row=one)


def test_a_sensitive_word_may_be_in_sealed_texts_so_it_neither_goes_nor_opens(world):
    for sort, model in (("topics", Topic), ("focus", FocusGroup)):
        row = model.objects.filter(campaign=world.campaign, sensitive=True).first()
        with pytest.raises(RefusedError, match="可能用过"):
            words.remove_word(by=world.office, campaign=world.campaign, kind=KINDS[sort], row=row)
        with pytest.raises(RefusedError, match="不能取消"):
            save(world, sort, row, sensitive=False)


def test_a_focus_group_a_rule_counts_on_is_not_retired(world):
    row = FocusGroup.objects.get(campaign=world.campaign, code="study")
    with pytest.raises(RefusedError, match="教师访谈学生"):
        save(world, "focus", row, active=False)


def test_a_category_of_people_a_rule_names_is_not_retired_and_one_in_the_roster_not_deleted(world):
    row = PersonCategory.objects.get(campaign=world.campaign, code="teacher")
    with pytest.raises(RefusedError, match="教师访谈学生"):
        save(world, "people", row, active=False)
    with pytest.raises(RefusedError, match="不能删除"):
        words.remove_word(by=world.office, campaign=world.campaign, kind=KINDS["people"], row=row)
    save(world, "people", PersonCategory.objects.get(campaign=world.campaign, code="staff"), active=False)
    named = [one.code for one in known(world.campaign, scope(world.office, Action.MANAGE_INTERVIEWS)).categories]
    assert named == ["manager", "teacher", "student"]


def test_the_last_word_in_use_is_not_retired(world):
    last = Channel.objects.filter(campaign=world.campaign).first()
    Channel.objects.filter(campaign=world.campaign).exclude(pk=last.pk).update(active=False)
    with pytest.raises(RefusedError, match="至少要留一项在用"):
        save(world, "channels", last, active=False)


def test_two_people_changing_one_word_meet_a_conflict(world):
    row = Topic.objects.filter(campaign=world.campaign, sensitive=False).first()
    save(world, "topics", row, name="先改的")
    with pytest.raises(ConflictError):
        save(world, "topics", row, name="后改的")


def test_retired_words_are_not_offered_but_stay_where_they_were_chosen(world):
    phone = Channel.objects.get(campaign=world.campaign, code="phone")
    save(world, "channels", phone, active=False)
    officer = FocusGroup.objects.get(campaign=world.campaign, code="officer")
    save(world, "focus", officer, active=False)
    offered = choices(world.campaign, QueryDict(), {"student"})
    assert "电话" not in [name for _, name, _, _ in offered["channels"]]
    assert "学生干部" not in [name for _, name, _, _ in offered["groups"]]
    again = choices(world.campaign, QueryDict(f"channel={phone.pk}&groups={officer.pk}"), {"student"})
    assert ("电话", True) in [(name, chosen) for _, name, chosen, _ in again["channels"]]
    assert "学生干部" in [name for _, name, _, _ in again["groups"]]
    reach = scope(world.office, Action.MANAGE_INTERVIEWS)
    assert "officer" not in [word.code for word in known(world.campaign, reach).focus]
    assert "distress" in [word.code for word in known(world.campaign, reach).focus]  # still known, to be refused


def test_the_pages_add_change_move_and_say_what_is_wrong(world, signed_in):
    client = signed_in(world.office)
    args = [world.campaign.pk, "focus"]
    empty = client.post(reverse("visit-word-new", args=args), {"name": "", "kind": "student"})
    assert empty.status_code == 422
    assert "请填写名称" in empty.content.decode()
    given = {"name": "少数民族学生", "kind": "student", "words": "少民，少数民族、少民", "version": "0"}
    assert client.post(reverse("visit-word-new", args=args), given).status_code == 302
    row = FocusGroup.objects.get(campaign=world.campaign, name="少数民族学生")
    assert (row.words, row.sensitive, row.active) == (["少民", "少数民族"], False, True)
    page = reverse("visit-word", args=[*args, row.pk])
    assert "少民、少数民族" in client.get(page).content.decode()
    assert client.post(page, {"name": "民族学生", "words": "", "version": "1"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.active, row.kind) == ("民族学生", False, "student")
    listed = client.get(reverse("visit-words", args=[world.campaign.pk])).content.decode()
    assert "民族学生" in listed
    assert client.get(reverse("visit-word-new", args=[world.campaign.pk, "others"])).status_code == 404
    assert client.post(reverse("visit-word-remove", args=[*args, row.pk])).status_code == 302
    assert not FocusGroup.objects.filter(pk=row.pk).exists()


def test_periods_of_reports_are_added_moved_and_removed_while_nobody_has_written(world, signed_in):
    client, campaign = signed_in(world.office), world.campaign
    day = campaign.ends_on.isoformat()
    new = reverse("visit-period-new", args=[campaign.pk])
    early = (campaign.starts_on - dt.timedelta(days=1)).isoformat()
    assert "期限应在活动期间" in client.post(new, {"name": "第四阶段", "due_on": early}).content.decode()
    assert client.post(new, {"name": "第四阶段", "due_on": day}).status_code == 302
    row = ReportPeriod.objects.get(campaign=campaign, name="第四阶段")
    assert row.ordinal == 4
    page = reverse("visit-period", args=[campaign.pk, row.pk])
    before = client.get(page).context["form"].initial["before"]
    assert client.post(page, {"name": "补报", "due_on": day, "before": before}).status_code == 302
    assert "刚被他人修改过" in client.post(page, {"name": "再改", "due_on": day, "before": before}).content.decode()
    assert "补报" in client.get(reverse("visit-words", args=[campaign.pk])).content.decode()
    report = interview_plan.ProgressReportFactory(period=row, unit=world.school.maths)
    gone = reverse("visit-period-remove", args=[campaign.pk, row.pk])
    assert "不能删除" in client.post(gone, follow=True).content.decode()
    report.delete()
    client.post(gone)
    assert not ReportPeriod.objects.filter(pk=row.pk).exists()


# --- the sheet units hand in --------------------------------------------------------------------------------------


def section(world, code):
    return ReportSection.objects.get(campaign=world.campaign, code=code)


@pytest.fixture
def sheet(world):
    """Return the address of the report of maths for the first period, and the names of its fields by section."""
    period = ReportPeriod.objects.filter(campaign=world.campaign).first()
    fields = {row.code: f"text-{row.pk}" for row in ReportSection.objects.filter(campaign=world.campaign)}
    return reverse("visit-report", args=[world.campaign.pk, period.pk, world.school.maths.pk]), fields


def headings(client, place):
    return [one.name for one in client.get(place).context["form"].sections]


def test_sections_of_the_sheet_change_and_what_was_handed_in_stays_as_it_was(world, signed_in, sheet):
    place, fields = sheet
    office = signed_in(world.office)
    add = reverse("visit-word-new", args=[world.campaign.pk, "sections"])
    given = {"name": "典型事例", "hint": "一件就够。", "required": "on", "version": "0"}
    assert office.post(add, given).status_code == 302
    save(world, "sections", section(world, "coverage"), active=False)
    unit = signed_in(world.officer)
    shown = headings(unit, place)
    assert (shown[-1], "宣传报道" in shown) == ("典型事例", False)
    assert "一件就够。" in unit.get(place).content.decode()
    own = ReportSection.objects.get(campaign=world.campaign, name="典型事例")
    full = {name: "写好了。" for code, name in fields.items() if code != "coverage"} | {"version": "0", "submit": "1"}
    refused = unit.post(place, full)
    assert (refused.status_code, "“典型事例”还没有填写。" in refused.content.decode()) == (422, True)
    assert unit.post(place, full | {"version": "1", f"text-{own.pk}": "有。"}).status_code == 302
    handed = headings(unit, place)
    save(world, "sections", section(world, "leadership"), name="组织和领导")
    save(world, "sections", own, own.version, active=False)
    assert headings(unit, place) == handed
    assert handed[0] == "组织领导"
    report = ProgressReport.objects.get()
    reports.return_report(by=world.office, report=report, version=report.version, reason="请补充", now=clock.now())
    again = headings(unit, place)
    assert (again[0], again[-1]) == ("组织和领导", "典型事例")  # a retired section with a text stays


def printed(client, place):
    """Return the cells of a sheet as the page hands it out."""
    book = openpyxl.load_workbook(io.BytesIO(client.post(place, {"format": "xlsx"}).content))
    return "\n".join(str(cell) for row in book.active.iter_rows(values_only=True) for cell in row if cell)


def test_a_printed_sheet_says_on_which_day_it_was_handed_in_here_and_that_a_draft_was_not(world, signed_in, sheet):
    place, fields = sheet
    unit, today = signed_in(world.officer), clock.today()
    draft = f"{today.year}年{today.month}月{today.day}日（还没有报送）"
    assert draft in printed(unit, place)
    assert (
        unit.post(place, dict.fromkeys(fields.values(), "写好了。") | {"version": "0", "submit": "1"}).status_code
        == 302
    )
    night = dt.datetime(2012, 5, 31, 16, 30, tzinfo=dt.UTC)  # half past midnight here
    ProgressReport.objects.update(submitted_at=night)
    assert "填报时间：2012年6月1日" in printed(unit, place)
    assert "还没有报送" not in printed(unit, place)
    report = ProgressReport.objects.get()
    reports.return_report(by=world.office, report=report, version=report.version, reason="请补充", now=clock.now())
    assert draft in printed(unit, place)


def test_what_is_typed_while_a_section_goes_is_kept_or_said(world, signed_in, sheet):
    place, fields = sheet
    unit = signed_in(world.officer)
    gone, retired = section(world, "rules"), section(world, "coverage")
    words.remove_word(by=world.office, campaign=world.campaign, kind=KINDS["sections"], row=gone)
    save(world, "sections", retired, active=False)
    typed = {"version": "0", "save": "1", fields["rules"]: "建了三项制度。", fields["coverage"]: "校报两篇。"}
    answer = unit.post(place, typed)
    assert (answer.status_code, "没有保存，请抄到别的栏目：建了三项制度。" in answer.content.decode()) == (422, True)
    assert "校报两篇。" in answer.content.decode()
    del typed[fields["rules"]]
    assert unit.post(place, typed).status_code == 302
    assert "宣传报道" in headings(unit, place)
    with pytest.raises(RefusedError, match="不能删除"):
        words.remove_word(by=world.office, campaign=world.campaign, kind=KINDS["sections"], row=retired)


def test_the_database_keeps_two_sections_of_one_name_apart(world):
    with pytest.raises(IntegrityError), transaction.atomic():
        interview_plan.ReportSectionFactory(campaign=world.campaign, name="组织领导")


def test_categories_from_before_there_was_a_mark_get_that_of_the_preset_unless_changed(db):
    first, second, third = (branches.CampaignFactory() for _ in range(3))

    def category(campaign, **given):
        return interview_matters.MatterCategoryFactory(campaign=campaign, **given)

    old = category(first, code="hardship", name="生活困难")
    other = category(first, code="teaching", name="教学")
    saved = category(second, code="hardship", name="生活困难", version=2)
    renamed = category(third, code="hardship", name="住宿")
    import_module("interviews.migrations.0007_sensitive_categories").mark(apps, None)
    marked = {row.pk: row.sensitive for row in MatterCategory.objects.filter(campaign__in=[first, second, third])}
    assert marked == {old.pk: True, other.pk: False, saved.pk: False, renamed.pk: False}


def test_tutors_change_one_by_one_and_in_bulk(world, signed_in):
    client = signed_in(world.officer)
    first, second = ClassGroup.objects.filter(campaign=world.campaign).order_by("name")
    teacher = RosterEntry.objects.get(person__number="T1")
    listed = client.get(reverse("class-groups", args=[world.campaign.pk])).content.decode()
    assert "1 个有学生的班还没有班主任" in listed
    only = client.get(reverse("class-groups", args=[world.campaign.pk]), {"tutor": "none"}).content.decode()
    assert second.name in only
    assert first.name not in only
    page = reverse("class-group", args=[world.campaign.pk, first.pk])
    assert client.post(page, {"name": first.name, "tutor": "", "version": "1"}).status_code == 302
    assert client.post(page, {"name": first.name, "tutor": teacher.pk, "version": "1"}).status_code == 422  # stale
    first.refresh_from_db()
    assert first.tutor is None
    picked = {"pick": [first.pk, second.pk]}
    assert "选中的班级" in client.post(reverse("class-tutor"), picked).content.decode()
    nobody = client.post(reverse("class-tutor"), picked | {"confirmed": "1"})
    assert nobody.status_code == 422
    done = client.post(reverse("class-tutor"), picked | {"confirmed": "1", "tutor": teacher.pk})
    assert done.status_code == 302
    assert set(ClassGroup.objects.filter(campaign=world.campaign).values_list("tutor", flat=True)) == {teacher.pk}
    assert AuditEntry.objects.filter(action="interviews.class").count() == 3


def test_only_a_class_without_people_is_removed_and_only_staff_are_tutors(world):
    group = ClassGroup.objects.filter(campaign=world.campaign).first()
    with pytest.raises(RefusedError, match="名册里还有人"):
        classes.remove_class(by=world.office, group=group)
    student = RosterEntry.objects.filter(kind="student").first()
    with pytest.raises(RefusedError, match="教职工"):
        classes.set_tutor(by=world.office, campaign=world.campaign, groups=[group], tutor=student)
    empty = ClassGroup.objects.create(campaign=world.campaign, unit=group.unit, name="写错的班")
    with pytest.raises(RefusedError, match="同名"):
        classes.save_class(by=world.office, group=empty, version=1, name=group.name, tutor=None)
    classes.remove_class(by=world.office, group=empty)
    assert not ClassGroup.objects.filter(name="写错的班").exists()


def test_the_list_of_classes_asks_as_much_for_three_as_for_one(world, signed_in):
    client, place, numbers = signed_in(world.office), reverse("class-groups", args=[world.campaign.pk]), []
    client.get(place)
    unit = ClassGroup.objects.first().unit
    for names in ((), ("一班", "二班")):
        for name in names:
            interview_plan.ClassGroupFactory(campaign=world.campaign, unit=unit, name=name)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(place).status_code == 200
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]
