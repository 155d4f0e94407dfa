"""Rules, assignments, coverage, the figure and reports, with figures worked out by hand."""

import datetime as dt
from fractions import Fraction
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction

from branches import clock
from branches.models import AuditEntry
from branches.permissions import Action, scope
from branches.registries import TreeChange, tell_tree_change
from branches.transitions import BlockedError
from branches.versions import ConflictError
from interviews import counting, figures_kept
from interviews.figures import interview_coverage
from interviews.models import (
    Assignment,
    FocusGroup,
    FollowUp,
    Notice,
    PersonCategory,
    ProgressReport,
    ReportPeriod,
    ReportSection,
    RosterEntry,
    VisitRule,
)
from interviews.report_sheet import said, sheet_of
from interviews.run_plan import plan_run
from interviews.services import assignments, planning, reports
from interviews.services.errors import RefusedError
from tests.factories.branches import PersonFactory
from tests.factories.interview_matters import FollowUpFactory
from tests.factories.interview_plan import (
    AssignmentFactory,
    ClassGroupFactory,
    FocusMembershipFactory,
    ProgressReportFactory,
    RosterEntryFactory,
    VisitRuleFactory,
    VisitSettingsFactory,
)
from tests.factories.interviews import InterviewFactory, InterviewSubjectFactory
from tests.interviews.planned import planned
from tests.tables.parity import assert_parity
from tests.worlds import shared

pytestmark = pytest.mark.once


@shared
def world():
    """Maths: three teachers, class A of 10 led by the first, class B of 10 led by nobody; letters: 6 students."""
    made = planned()
    student = PersonCategory.objects.get(campaign=made.campaign, code="student")
    teacher = PersonCategory.objects.get(campaign=made.campaign, code="teacher")
    made.rule = VisitRule.objects.get(campaign=made.campaign, visited=student)

    def enter(category, unit, group=None):
        return RosterEntryFactory(campaign=made.campaign, category=category, unit=unit, class_group=group)

    made.teachers = [enter(teacher, made.school.maths) for _ in range(3)]
    made.a = ClassGroupFactory(campaign=made.campaign, unit=made.school.maths, name="A班", tutor=made.teachers[0])
    made.b = ClassGroupFactory(campaign=made.campaign, unit=made.school.maths, name="B班")
    made.students = [enter(student, made.school.maths, made.a if n < 10 else made.b) for n in range(20)]
    made.letters = [enter(student, made.school.letters) for _ in range(6)]
    return made


def everything(world):
    return scope(world.office, Action.MANAGE_INTERVIEWS)


def run(world):
    return assignments.run_rules(by=world.office, campaign=world.campaign, reach=everything(world), now=clock.now())


def talk(world, *entries, alone=True, unit=None):
    row = InterviewFactory(
        campaign=world.campaign, unit=unit or entries[0].unit, one_to_one=alone, heads=len(entries),
        interviewer=world.office, notice=Notice.objects.current(world.campaign),
    )  # fmt: skip
    for entry in entries:
        InterviewSubjectFactory(interview=row, entry=entry)
    return row


def counts(world):
    rows = Assignment.objects.filter(rule=world.rule).values_list("interviewer", flat=True)
    people = [entry.person_id for entry in world.teachers]
    return [list(rows).count(one) for one in people]


# --- assigning -------------------------------------------------------------------------------------------------------


def test_a_class_goes_to_its_tutor_and_the_rest_evens_out(world):
    plan = run(world)
    assert counts(world) == [10, 5, 5]
    assert [(one.rule.name, one.unit, one.count, one.why.value) for one in plan.without] == [
        ("管理干部访谈教师", world.school.maths.pk, 3, "no_interviewer"),
        ("教师访谈学生", world.school.letters.pk, 6, "no_interviewer"),
    ]
    again = run(world)
    assert again.changes_nothing


def test_a_focus_group_is_visited_more_often_and_sooner(world):
    group = FocusGroup.objects.get(campaign=world.campaign, code="study")
    FocusMembershipFactory(entry=world.students[0], group=group)
    frequency = world.rule.frequencies.get(group=group)
    frequency.due_on = dt.date(2012, 9, 1)
    frequency.save()
    run(world)
    rows = Assignment.objects.filter(rule=world.rule).order_by("-required", "pk")
    assert [(row.entry_id, row.required, row.due_on) for row in rows[:2]] == [
        (world.students[0].pk, 2, dt.date(2012, 9, 1)), (world.students[1].pk, 1, world.rule.due_on),
    ]  # fmt: skip


def test_running_again_keeps_what_was_talked_and_what_was_given_by_hand(world):
    run(world)
    second, third = world.teachers[1], world.teachers[2]
    talked, given = world.students[0], world.students[1]
    talk(world, talked)
    picked = list(Assignment.objects.filter(rule=world.rule, entry=given).select_related("entry"))
    assignments.hand_over(by=world.office, campaign=world.campaign, picked=picked, takers=[third], now=clock.now())
    world.a.tutor = second
    world.a.save()
    run(world)
    taken = dict(Assignment.objects.filter(rule=world.rule).values_list("entry", "interviewer"))
    assert taken[talked.pk] == world.teachers[0].person_id
    assert taken[given.pk] == third.person_id
    assert all(taken[one.pk] == second.person_id for one in world.students[2:10])


def test_who_leaves_the_roster_is_no_task_unless_talked_with(world):
    run(world)
    talk(world, world.students[0])
    RosterEntry.objects.filter(pk__in=[world.students[0].pk, world.students[1].pk]).update(active=False)
    run(world)
    left = set(Assignment.objects.filter(rule=world.rule).values_list("entry", flat=True))
    assert world.students[0].pk in left
    assert world.students[1].pk not in left


def test_a_general_branch_assigns_its_own_people_and_touches_nobody_else(world):
    run(world)
    elsewhere = AssignmentFactory(
        campaign=world.campaign, rule=world.rule, entry=world.letters[0], interviewer=PersonFactory()
    )
    RosterEntry.objects.filter(pk=world.teachers[2].pk).update(active=False)
    reach = scope(world.officer, Action.MANAGE_INTERVIEWS)
    assignments.run_rules(by=world.officer, campaign=world.campaign, reach=reach, now=clock.now())
    assert counts(world) == [10, 10, 0]
    assert Assignment.objects.filter(pk=elsewhere.pk).exists()


def test_giving_people_by_hand_is_even_and_asks_for_staff(world):
    count = assignments.give(
        by=world.office, campaign=world.campaign, rule=world.rule, entries=world.letters, takers=world.teachers[:2],
        now=clock.now(),
    )  # fmt: skip
    assert (count, counts(world)) == (6, [3, 3, 0])
    for takers in ([], [world.students[0]]):
        with pytest.raises(RefusedError):
            assignments.give(
                by=world.office, campaign=world.campaign, rule=world.rule, entries=world.letters, takers=takers,
                now=clock.now(),
            )  # fmt: skip
    assert AuditEntry.objects.filter(action="interviews.assign.hand").count() == 1


def test_reading_for_a_run_asks_as_much_for_many_as_for_few(world, django_assert_num_queries):
    reach = everything(world)
    with django_assert_num_queries(8):
        plan_run(world.campaign, reach, clock.now())
    RosterEntryFactory.create_batch(
        5, campaign=world.campaign, category=world.students[0].category, unit=world.school.maths
    )
    with django_assert_num_queries(8):
        plan_run(world.campaign, reach, clock.now())


def test_people_of_a_unit_that_ended_follow_it(world):
    heir = world.school.direct
    ClassGroupFactory(campaign=world.campaign, unit=heir, name="A班")
    tell_tree_change(
        TreeChange(world.office, world.school.maths, clock.today(), TreeChange.ENDED, (heir, world.school.letters))
    )
    assert RosterEntry.objects.filter(unit=heir).count() == 23
    world.a.refresh_from_db()
    assert (world.a.unit, world.a.name) == (heir, "A班（SJ）")


# --- rules -----------------------------------------------------------------------------------------------------------


def values(world, **more):
    categories = {row.code: row for row in PersonCategory.objects.filter(campaign=world.campaign)}
    return {
        "name": "新规则", "visitors": categories["manager"], "visited": categories["teacher"], "basis": "unit",
        "share_out": True, "unit": None, "due_on": dt.date(2012, 10, 1), "times": 1, "active": True, **more,
    }  # fmt: skip


def save(world, rule=None, version=0, **more):
    return planning.save_rule(
        by=world.office, campaign=world.campaign, rule=rule, version=version, values=values(world, **more),
        frequencies=[],
    )  # fmt: skip


def test_a_rule_is_saved_changed_and_removed_while_unused(world):
    rule = save(world)
    fresh = save(world, rule, 1, times=2)
    assert (fresh.times, fresh.version) == (2, 2)
    with pytest.raises(ConflictError):
        save(world, rule, 1, times=3)
    planning.remove_rule(by=world.office, rule=fresh)
    run(world)
    with pytest.raises(RefusedError, match="已经分配了任务"):
        planning.remove_rule(by=world.office, rule=world.rule)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"visited": "visitors"}, "visited"),
        ({"basis": "class"}, "basis"),
        ({"due_on": dt.date(2013, 1, 1)}, "due_on"),
        ({"name": "教师访谈学生"}, "name"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_its_field(world, wrong, field):
    given = {key: values(world)["visitors"] if value == "visitors" else value for key, value in wrong.items()}
    with pytest.raises(RefusedError) as refused:
        save(world, **given)
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    "make",
    [
        lambda world: VisitRuleFactory(campaign=world.campaign, times=0),
        lambda world: VisitRuleFactory(campaign=world.campaign, basis="whim"),
        lambda world: VisitRuleFactory(
            campaign=world.campaign, visitors=world.rule.visited, visited=world.rule.visited
        ),
        lambda world: AssignmentFactory(rule=world.rule, entry=world.students[0], required=0),
        lambda world: [AssignmentFactory(rule=world.rule, entry=world.students[0]) for _ in range(2)],
        lambda world: RosterEntryFactory(campaign=world.campaign, person=world.students[0].person),
        lambda world: RosterEntry.objects.filter(pk=world.teachers[0].pk).update(class_group=world.a),
        lambda world: world.campaign.visit_settings.__class__.objects.update(least_count=1),
        lambda world: ProgressReportFactory(period__campaign=world.campaign, state="submitted"),
        lambda world: ProgressReportFactory(period__campaign=world.campaign, state="returned"),
    ],
)
def test_the_database_refuses_what_is_wrong(world, make):
    with pytest.raises(IntegrityError), transaction.atomic():
        make(world)


# --- coverage --------------------------------------------------------------------------------------------------------


def measured(world, unit=None):
    found = counting.count(world.campaign, clock.now())[unit.pk if unit else None]
    return found.tables["student"]


def numbers(line):
    return (line.people, line.done, line.overdue, line.extended, line.revisited, line.to_revisit)


def test_people_are_counted_once_and_groups_beside_them(world, time_machine):
    time_machine.move_to(dt.datetime(2012, 5, 2, 4, tzinfo=dt.UTC))
    run(world)
    for entry in world.students[:5]:
        talk(world, entry)
    talk(world, world.students[0])  # a second time: still one person
    talk(world, *world.students[10:15], alone=False)
    withdrawn = talk(world, world.students[6])
    withdrawn.state = "withdrawn"
    withdrawn.save()
    tables = measured(world, world.school.maths)
    lines = {line.label: numbers(line) for line in tables["class"].lines}
    assert lines == {"A班": (10, 5, 0, 0, 0, 0), "B班": (10, 0, 0, 5, 0, 0)}
    assert numbers(tables["class"].total) == (20, 5, 0, 5, 0, 0)
    assert tables["class"].total.rate == (5, 20)
    whole = measured(world)["unit"]
    assert [(line.label, line.done) for line in whole.lines] == [
        ("数学与计算机科学学院党总支", 5), ("文学与历史学院党总支", 0),
    ]  # fmt: skip


def test_small_counts_and_what_gives_them_away_are_not_shown(world, time_machine):
    time_machine.move_to(dt.datetime(2012, 5, 2, 4, tzinfo=dt.UTC))
    run(world)
    for entry in world.students[:8]:  # class A: 8 of 10, so 2 are left; B: 0 of 10
        talk(world, entry)
    tables = measured(world, world.school.maths)
    assert {line.label: line.done for line in tables["class"].lines} == {"A班": None, "B班": None}
    assert tables["class"].total.done == 8
    VisitSettingsFactory._meta.model.objects.filter(campaign=world.campaign).update(least_count=2)
    tables = measured(world, world.school.maths)
    assert {line.label: line.done for line in tables["class"].lines} == {"A班": 8, "B班": 0}


def test_late_ones_revisits_and_a_second_talk_wanted(world, time_machine):
    time_machine.move_to(dt.datetime(2012, 11, 1, 4, tzinfo=dt.UTC))
    VisitRule.objects.filter(pk=world.rule.pk).update(due_on=dt.date(2012, 10, 1), times=2)
    run(world)
    for entry in world.students[:5]:
        talk(world, entry)
        talk(world, entry)
    once = talk(world, world.students[5])
    for entry in world.students[:5]:
        FollowUpFactory(interview=once, entry=entry, account=world.office)
    later = talk(world, *world.students[10:15], alone=False)
    for entry in world.students[5:10]:
        row = FollowUpFactory(interview=once, entry=entry, account=world.office)
        FollowUp.objects.filter(pk=row.pk).update(state="done", done_by=later)
    (first, second) = sorted(measured(world, world.school.maths)["class"].lines, key=lambda line: line.label)
    assert numbers(first) == (10, 5, 5, 0, 5, 5)
    assert (second.done, second.overdue) == (0, 10)


def test_counting_asks_as_much_for_many_talks_as_for_few(world, django_assert_num_queries):
    run(world)
    with django_assert_num_queries(13):
        counting.count(world.campaign, clock.now())
    for entry in world.students[:6]:
        talk(world, entry)
    with django_assert_num_queries(13):
        counting.count(world.campaign, clock.now())


def test_figures_are_kept_until_something_changes(world, django_assert_num_queries):
    run(world)
    figures_kept.forget()
    first = figures_kept.coverage(world.campaign, None, clock.now())
    with django_assert_num_queries(6):
        assert figures_kept.coverage(world.campaign, None, clock.now()) is first
    figures_kept.publish(world.campaign, clock.now())
    shown = figures_kept.coverage(world.campaign, None, clock.now())
    assert (shown.tables, shown.categories) == (first.tables, first.categories)
    with django_assert_num_queries(1):
        assert figures_kept.coverage(world.campaign, None, clock.now()) is shown


def test_the_figure_for_rubrics(world):
    run(world)
    figures_kept.forget()
    for entry in world.students[:6]:
        talk(world, entry)
    for entry in world.teachers:
        RosterEntry.objects.filter(pk=entry.pk).update(active=False)
    VisitRule.objects.filter(campaign=world.campaign).exclude(pk=world.rule.pk).update(active=False)
    units = [
        SimpleNamespace(pk=1, branch_id=world.school.software.pk),
        SimpleNamespace(pk=2, branch_id=world.school.chinese.pk),
        SimpleNamespace(pk=3, branch_id=world.school.direct.pk),
    ]
    found = interview_coverage(SimpleNamespace(campaign=world.campaign), units)
    assert found == {1: Fraction(6, 20), 2: Fraction(0), 3: None}


# --- reports ---------------------------------------------------------------------------------------------------------


def written(world, texts=None):
    period = ReportPeriod.objects.filter(campaign=world.campaign).first()
    sections = ReportSection.objects.filter(campaign=world.campaign, required=True)
    return reports.save_report(
        by=world.officer, period=period, unit=world.school.maths, version=0, written_by="王芳",
        texts={one.pk: "已部署。" for one in sections} if texts is None else texts,
    )  # fmt: skip


def test_a_report_is_written_handed_in_sent_back_and_handed_in_again(world):
    run(world)
    figures_kept.forget()
    report = written(world)
    handed = reports.submit_report(by=world.officer, report=report, version=1, now=clock.now())
    assert handed.figures["categories"][-1]["people"] == 20
    with pytest.raises(RefusedError, match="已经报送"):
        written(world)
    with pytest.raises(RefusedError):
        reports.return_report(by=world.office, report=handed, version=2, reason=" ", now=clock.now())
    back = reports.return_report(by=world.office, report=handed, version=2, reason="请补充成效", now=clock.now())
    assert (back.state, back.return_reason) == ("returned", "请补充成效")
    again = reports.submit_report(by=world.officer, report=back, version=3, now=clock.now())
    assert (again.state, again.return_reason) == ("submitted", "")


def test_a_report_with_an_empty_section_is_kept_but_not_handed_in(world):
    report = written(world, {})
    with pytest.raises(BlockedError) as blocked:
        reports.submit_report(by=world.officer, report=report, version=1, now=clock.now())
    assert "“组织领导”还没有填写。" in blocked.value.blockers
    assert ProgressReport.objects.get().state == "draft"


def test_the_sheet_is_the_same_in_excel_and_pdf():
    line = {
        "name": "学生", "people": 20, "done": 13, "overdue": 7, "extended": None, "revisited": 0, "to_revisit": None,
    }  # fmt: skip
    assert said(line) == (
        "名册 20 人，一对一已谈 13 人，覆盖率 65.0%；逾期未谈 7 人；座谈延伸 ＊ 人；已回访 0 人，待回访 ＊ 人。"
    )
    values = {"period": "第一阶段", "unit": "数学学院党总支", "day": "2012年6月30日", "written_by": "王芳"}
    figures = {"categories": [line], "least": 5}
    assert_parity(sheet_of(values, figures, [("组织领导", "书记负责，分管领导抓落实。"), ("成效和做法", "")]))
