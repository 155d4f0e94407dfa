"""Importing people: read, previewed, all or nothing, by whom it may be; sensitive groups never get in."""

import pytest
from django.db import DatabaseError, transaction

from branches.importers import ImportRefused
from branches.intake.plain import read_plain
from branches.intake.workbook import read_workbook
from branches.models import Person
from interviews.models import ClassGroup, FocusGroup, FocusMembership, RosterEntry, TutorLink
from interviews.people_classes import InClass, new_class_warnings
from tests.databases import guarded  # noqa: F401 - a fixture
from tests.factories.branches import AccountFactory, PersonFactory
from tests.factories.interview_plan import FocusGroupFactory, FocusMembershipFactory, RosterEntryFactory
from tests.interviews.planned import STAFF, STUDENTS, planned, staff, students, workbook
from tests.worlds import shared

MATHS = "数学与计算机科学学院"
world = shared(planned)


def reasons(steps):
    return [(problem.sheet, problem.cell, problem.reason) for problem in steps.problems()]


def full(world):
    return world.steps(
        {
            "教职工": [STAFF, *staff(MATHS, 3)],
            "学生": [STUDENTS, *students(MATHS, 4, tutor="T1", focus="新生"), *students(MATHS, 2, "2011级1班")],
        }
    )


@pytest.mark.once
def test_staff_and_students_of_one_workbook(world):
    steps = full(world)
    assert steps.plan.summary == "新增 9 人，变更 0 人，无变化 0 人。"
    outcome = steps.apply(world.office)
    assert (outcome.new, outcome.classes) == (9, 2)
    assert RosterEntry.objects.filter(unit=world.school.maths).count() == 9
    first = ClassGroup.objects.get(name="2012级1班")
    assert first.tutor.person.number == "T1"
    assert first.entries.count() == 4
    assert FocusMembership.objects.filter(group__code="freshman").count() == 4
    student = Person.objects.get(number="S20120")
    assert (student.initials, student.kind, student.unit) == ("xsj", "student", None)


@pytest.mark.once
def test_the_same_file_again_changes_nothing_and_another_only_what_differs(world):
    full(world).apply(world.office)
    again = full(world)
    assert again.plan.changes_nothing
    rows = [("S20120", "学生甲", MATHS, "2011级1班", "", "T0、T2", "学业困难")]
    moved = world.steps({"学生": [STUDENTS, *rows]})
    (line,) = moved.plan.changed
    assert [(one.label, one.before, one.after) for one in line.changes] == [
        ("班级", "2012级1班", "2011级1班"), ("重点类别", "新生", "学业困难"), ("导师", "", "T0、T2"),
    ]  # fmt: skip
    moved.apply(world.office)
    entry = RosterEntry.objects.get(person__number="S20120")
    assert entry.class_group.name == "2011级1班"
    assert set(TutorLink.objects.filter(student=entry).values_list("tutor__person__number", flat=True)) == {"T0", "T2"}
    assert full(world).plan.summary.startswith("新增 0 人，变更 1 人")


@pytest.mark.once
def test_a_complete_list_lets_others_leave_but_only_of_its_units_and_categories(world):
    full(world).apply(world.office)
    elsewhere = RosterEntryFactory(
        campaign=world.campaign, category=world.campaign.person_categories.get(code="student"),
        unit=world.school.letters,
    )  # fmt: skip
    steps = world.steps({"学生": [STUDENTS, *students(MATHS, 4, tutor="T1", focus="新生")]})
    steps.say_complete(complete=True)
    assert len(steps.plan.leaving) == 2
    steps.apply(world.office)
    assert RosterEntry.objects.filter(active=False).count() == 2
    elsewhere.refresh_from_db()
    assert elsewhere.active


@pytest.mark.once
def test_every_fault_is_named_by_sheet_and_cell_and_nothing_is_written(world):
    steps = world.steps(
        {
            "学生": [
                STUDENTS,
                ("S1", "赵一", MATHS, "1班", "", "", "新生、心理困惑"),
                ("S1", "钱二", MATHS, "1班", "T404", "", ""),
                ("", "孙三", MATHS, "1班", "", "", "高个子"),
                ("S4", "", "文史学院", "1班", "", "", ""),
                ("S-5 6", "李四", "", "1班", "", "", ""),
                (12345678901234567, "周五", MATHS, "1班", "", "", ""),
            ]
        }
    )
    said = {(cell, reason) for _, cell, reason in reasons(steps)}
    assert ("G2", "“心理困惑”属敏感类别，不进名册；请从表中删去，由访谈人在加密记录里填写") in said
    assert ("A4", "工号/学号为空") in said
    assert ("G4", "重点类别“高个子”不认识") in said
    assert ("B5", "姓名为空") in said
    assert ("A6", "工号/学号“S-5 6”只能有字母、数字和短横") in said
    assert ("C6", "单位为空") in said
    assert any(cell == "A7" and "失真" in reason for cell, reason in said)
    assert any(cell == "C5" and "没有叫“文史学院”的单位" in reason for cell, reason in said)
    with pytest.raises(ImportRefused):
        steps.apply(world.office)
    assert not RosterEntry.objects.exists()


@pytest.mark.once
def test_what_rows_say_together(world):
    steps = world.steps(
        {
            "学生": [
                STUDENTS,
                ("S1", "赵一", MATHS, "1班", "T404", "", ""),
                ("S1", "钱二", MATHS, "1班", "", "", ""),
                ("S3", "孙三", MATHS, "1班", "T405", "", ""),
            ]
        }
    )
    said = reasons(steps)
    assert ("学生", "A3", "S1 与工作表“学生”A2 重复") in said
    assert ("学生", "E4", "1班的辅导员前面写的是 T404，这里是 T405") in said
    alone = world.steps({"学生": [STUDENTS, ("S1", "赵一", MATHS, "1班", "T404", "", "")]})
    assert reasons(alone)[:1] == [("学生", "E2", "名册里没有工号为 T404 的教职工，请先导入教职工或一并导入")]


@pytest.mark.once
def test_a_doubtful_unit_is_asked_about_once_and_decided(world):
    rows = students("数学计算机科学学院", 3)
    steps = world.steps({"学生": [STUDENTS, *rows]})
    (question,) = steps.questions()
    assert question.written == "数学计算机科学学院"
    steps.decide({question.written: question.options[0]})
    decided = world.steps({"学生": [STUDENTS, *rows]})
    decided.upload.refresh_from_db()
    assert decided.upload == steps.upload  # the same file, still waiting
    assert decided.plan.summary.startswith("新增 3 人")
    assert not decided.plan.faulty


@pytest.mark.once
def test_a_general_branch_imports_its_own_people_only(world):
    steps = world.steps({"学生": [STUDENTS, *students("文学与历史学院", 2)]}, world.officer)
    assert [reason for _, _, reason in reasons(steps)] == ["“文学与历史学院”不在您的管理范围内（共 2 行）"]
    theirs = RosterEntryFactory(
        campaign=world.campaign, category=world.campaign.person_categories.get(code="student"),
        unit=world.school.letters, person__number="S9", person__name="王九",
    )  # fmt: skip
    steps = world.steps({"学生": [STUDENTS, ("S9", "王九", MATHS, "1班", "", "", "")]}, world.officer)
    assert [reason for _, _, reason in reasons(steps)] == ["S9 已在别的单位的名册里，不在您的管理范围内"]
    theirs.refresh_from_db()
    assert theirs.unit == world.school.letters


@pytest.mark.once
def test_an_account_holder_is_not_renamed_and_a_nameless_number_is_added(world):
    holder = PersonFactory(number="T7", name="林志远", unit=world.school.maths)
    AccountFactory(person=holder)
    steps = world.steps({"教职工": [STAFF, ("T7", "林志", "教师", MATHS)]})
    assert [reason for _, _, reason in reasons(steps)] == ["T7 在系统里是林志远，已有账号；确需更名请先在人员页更改"]
    secretary = PersonFactory(number=None, name="陈书记", unit=world.school.software)
    steps = world.steps({"教职工": [STAFF, ("T8", "陈书记", "管理干部", MATHS)]})
    steps.apply(world.office)
    secretary.refresh_from_db()
    assert secretary.number == "T8"
    assert RosterEntry.objects.get(person=secretary).category.code == "manager"


@pytest.mark.db
@pytest.mark.django_db(transaction=True)
def test_the_database_keeps_sensitive_groups_off_the_roster(guarded):  # noqa: F811
    sensitive = FocusGroupFactory(sensitive=True)
    entry = RosterEntryFactory(campaign=sensitive.campaign)
    with pytest.raises(DatabaseError), transaction.atomic():
        FocusMembership.objects.create(entry=entry, group=sensitive)
    plain = FocusGroupFactory(campaign=sensitive.campaign)
    member = FocusMembershipFactory(entry=entry, group=plain)
    with pytest.raises(DatabaseError), transaction.atomic():
        FocusMembership.objects.filter(pk=member.pk).update(group=sensitive)
    assert FocusGroup.objects.get(memberships__entry=entry) == plain


@pytest.mark.unit
def test_a_long_plain_list_says_what_the_full_reader_says():
    from_full = read_workbook("a.xlsx", data := workbook({"学生": [STUDENTS, ("S1", "赵一", MATHS, 3, "", 1.5, "")]}))
    assert {place: cell.value for place, cell in read_plain("a.xlsx", data).sheets[0].cells.items()} == {
        place: cell.value for place, cell in from_full.sheets[0].cells.items()
    }


@pytest.mark.once
def test_new_classes_that_may_be_slips_are_pointed_at(world):
    first = full(world)
    assert [(problem.code, problem.cell) for problem in first.problems()] == [("class_first", "D2")]
    assert "将新建班级“2012级1班”“2011级1班”" in first.problems()[0].reason
    first.apply(world.office)
    letters = "文学与历史学院"
    rows = [("S31", "学生乙", MATHS, "2099级9班", "", "", ""), ("S32", "学生丙", letters, "2012级1班", "", "", "")]
    rows += [("S33", "学生丁", MATHS, "2012级 1班级", "", "", "")]
    steps = world.steps({"学生": [STUDENTS, *rows]})
    assert [(problem.code, problem.cell, problem.level.value) for problem in steps.problems()] == [
        ("class_new", "D2", "warning"), ("class_first", "D3", "warning"), ("class_elsewhere", "D3", "warning"),
        ("class_new", "D4", "warning"),
    ]  # fmt: skip
    new, _, elsewhere, near = [problem.reason for problem in steps.problems()]
    assert new == f"将新建班级“2099级9班”（{MATHS}党总支，1 人），请核对班级写法"
    assert MATHS in elsewhere
    assert near.endswith("是不是“2012级1班”？")


def test_among_the_first_classes_of_a_unit_a_much_smaller_alike_one_is_asked_about():
    rows = [InClass((1, "2011级汉语言文学1班"), "学生", f"F{row}") for row in range(2, 42)]
    rows += [InClass((1, "2011级汉语言文1班"), "学生", "F42"), InClass((1, "2011级汉语言文学2班"), "学生", "F43")]
    found = new_class_warnings(rows, [], {1: "文学院"})
    assert [(one.code, one.cell) for one in found] == [("class_first", "F2"), ("class_new", "F42")]
    assert found[1].reason == "将新建班级“2011级汉语言文1班”（文学院，1 人），是不是“2011级汉语言文学1班”？"
