"""Paper counts: names of tellers, and two people who enter apart, whose figures count once they agree."""

import re

import pytest
from django.db import IntegrityError, transaction

from branches import clock
from branches.models import AuditEntry, Role
from grading import importers
from grading.importers import Doubts
from grading.models import AppraisalCount, CountEntry, Source
from grading.services import paper_counts
from grading.services.errors import RefusedError
from grading.services.sources import CountInput
from tests.factories.ballots import BallotBoxFactory
from tests.factories.branches import holder
from tests.factories.grading import opened_round
from tests.factories.paper_counts import CountEntryFactory
from tests.factories.voters import VoterGroupFactory
from tests.grading.pages import page, text
from tests.grading.trees import names_answered, sample_round, workbook
from tests.worlds import shared

pytestmark = pytest.mark.once

grading = shared(opened_round)
COUNTS = {"satisfied": 18, "fairly": 7, "unsatisfied": 3}


@pytest.fixture
def unit(grading):
    return grading.unit("software")


@pytest.fixture
def source(grading):
    return grading.source("appraisal")


def given(unit, **changed):
    figures = {"issued": 30, "returned": 29, "valid": 28, "counts": COUNTS} | changed
    return CountInput(unit, **figures)


def want(source, **changed):
    Source.objects.filter(pk=source.pk).update(**changed)
    source.refresh_from_db()


@pytest.fixture
def first(grading):
    return holder(Role.OFFICE, grading.school.root)


@pytest.fixture
def second(grading):
    return holder(Role.OFFICE, grading.school.root)


@pytest.fixture
def apart(source):
    want(source, double_entry=True)


def enter(by, source, row):
    return paper_counts.enter(by=by, source=source, rows=[row], now=clock.now())


def test_without_the_option_a_count_counts_at_once(unit, source, first):
    assert enter(first, source, given(unit)).recorded == 1
    assert unit.appraisals.get().counts == COUNTS
    assert not CountEntry.objects.exists()


def test_a_round_may_want_the_names_of_tellers(unit, source, first):
    want(source, names_tellers=True)
    with pytest.raises(RefusedError, match="请写明计票人和监票人"):
        enter(first, source, given(unit, teller="张雅婷"))
    with pytest.raises(RefusedError, match="不能是同一个人"):
        enter(first, source, given(unit, teller="张雅婷", scrutineer=" 张雅婷"))
    enter(first, source, given(unit, teller="张雅婷", scrutineer="李国栋"))
    row = unit.appraisals.get()
    assert (row.teller, row.scrutineer) == ("张雅婷", "李国栋")
    # An appraisal that was not held had no tellers.
    enter(first, source, CountInput(unit, state="missing", reason="未组织"))


@pytest.mark.usefixtures("apart")
def test_two_people_agree_and_the_count_counts(unit, source, first, second):
    assert enter(first, source, given(unit, teller="张雅婷", scrutineer="李国栋")).waiting == 1
    assert not unit.appraisals.exists()
    # A choice nobody made may be left blank or be 0.
    done = enter(second, source, given(unit, counts=COUNTS | {"unknown": 0}))
    assert (done.recorded, done.waiting, done.differing) == (1, 0, ())
    row = unit.appraisals.get()
    assert (row.valid, row.teller, row.scrutineer, row.recorded_by) == (28, "张雅婷", "李国栋", second)
    with pytest.raises(RefusedError, match="要改请先退回重新计票"):
        enter(first, source, given(unit, issued=31))


@pytest.mark.usefixtures("apart")
def test_nothing_counts_until_the_figures_agree(unit, source, first, second, grading):
    enter(first, source, given(unit))
    done = enter(second, source, given(unit, counts={"satisfied": 19, "fairly": 6, "unsatisfied": 3}))
    assert (done.recorded, done.differing) == (0, (unit.name,))
    assert not unit.appraisals.exists()
    third = holder(Role.OFFICE, grading.school.root)
    with pytest.raises(RefusedError, match="已有两个人录入"):
        enter(third, source, given(unit))
    # The same person does not make two.
    enter(first, source, given(unit))
    assert not unit.appraisals.exists()
    assert enter(second, source, given(unit)).recorded == 1


@pytest.mark.usefixtures("apart")
def test_counting_anew_takes_both_entries_and_the_count_back(unit, source, first, second):
    for person in (first, second):
        enter(person, source, given(unit))
    with pytest.raises(RefusedError, match="原因"):
        paper_counts.count_anew(by=first, unit=unit, source=source, reason=" ")
    paper_counts.count_anew(by=first, unit=unit, source=source, reason="漏数一叠")
    assert not CountEntry.objects.exists()
    assert not AppraisalCount.objects.exists()
    assert AuditEntry.objects.filter(action="count.anew").count() == 1
    assert enter(second, source, given(unit, issued=31)).waiting == 1


@pytest.mark.usefixtures("apart")
def test_each_voter_group_is_entered_twice(unit, source, first, second):
    for code, name in (("members", "党员"), ("masses", "群众代表")):
        VoterGroupFactory(source=source, code=code, name=name)
    source = Source.objects.get(pk=source.pk)
    enter(first, source, given(unit, group="members"))
    enter(first, source, given(unit, group="masses"))
    assert enter(second, source, given(unit, group="members")).recorded == 1
    assert [row.group.code for row in unit.appraisals.all()] == ["members"]
    assert unit.count_entries.filter(group__code="masses").count() == 1


@pytest.mark.usefixtures("apart")
def test_a_command_is_no_second_person(unit, source):
    with pytest.raises(RefusedError, match="两个人分别录入"):
        enter(None, source, given(unit))


def test_what_a_box_counts_nobody_enters(unit, source, first):
    box = BallotBoxFactory(unit=unit, source=source)
    with pytest.raises(RefusedError, match="由评议箱统计"):
        enter(first, source, given(unit))
    type(box).objects.filter(pk=box.pk).update(state="void")
    assert enter(first, source, given(unit)).recorded == 1


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"place": 3}, "count_entry_first_or_second"),
        ({"returned": 31}, "count_entry_numbers_agree"),
        ({"valid": 29}, "count_entry_numbers_agree"),
    ],
)
@pytest.mark.db
def test_the_database_refuses_an_impossible_entry(unit, source, wrong, name):
    with transaction.atomic(), pytest.raises(IntegrityError, match=name):
        CountEntryFactory(unit=unit, source=source, **wrong)


@pytest.mark.db
def test_the_database_refuses_a_second_entry_of_one_person(unit, source, first, second):
    group = VoterGroupFactory(source=source)
    for of in (None, group):
        CountEntryFactory(unit=unit, source=source, group=of, entered_by=first)
        for wrong in ({"place": 2, "entered_by": first}, {"place": 1, "entered_by": second}):
            with transaction.atomic(), pytest.raises(IntegrityError):
                CountEntryFactory(unit=unit, source=source, group=of, **wrong)


# --- the page ----------------------------------------------------------------------------------------------------

FORM = {
    "source": "appraisal", "do": "record", "issued": "30", "returned": "29", "valid": "28", "count-satisfied": "18",
    "count-fairly": "7", "count-unsatisfied": "3",
}  # fmt: skip


def slot_of(response):
    entry = next(one for one in response.context["entries"] if one.source.code == "appraisal")
    return entry.slots[0]


@pytest.mark.usefixtures("apart")
def test_the_second_person_does_not_see_the_first_ones_figures(signed_in, unit, first, second):
    address = page("unit-sources", unit.pk)
    answer = signed_in(first).post(address, FORM | {"issued": "37"}, follow=True)
    assert "等另一个人分别录入" in text(answer)
    other = signed_in(second)
    seen = other.get(address)
    assert "请对照票纸自己数一遍再填" in text(seen)
    own = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", seen.content.decode().partition("<main")[2])
    assert "37" not in own.replace(f"/{unit.pk}/", "")
    assert [figure.value for figure in slot_of(seen).figures][:3] == ["", "", ""]
    # Once both have entered, both see both, and where they differ.
    differing = other.post(address, FORM, follow=True)
    assert "没有计入" in text(differing)
    assert [figure.said for figure in slot_of(differing).figures if figure.differs] == [("37", "30")]
    mine = signed_in(first).get(address)
    assert [figure.said for figure in slot_of(mine).figures if figure.differs] == [("37", "30")]
    agreed = signed_in(first).post(address, FORM, follow=True)
    assert "两人录入一致，已计入。" in text(agreed)
    back = signed_in(first).post(
        address, {"source": "appraisal", "do": "anew", "reason": "漏数"}, follow=True
    )  # fmt: skip
    assert "请两个人重新录入" in text(back)


sample = shared(sample_round)


def planned(sample):
    source, units = sample.source("appraisal"), list(sample.round.units.all())
    book = workbook("appraisal-counts.xlsx")
    names = names_answered(importers.plan_counts(source=source, units=units, workbook=book))
    doubts = Doubts(names, {}, void_contradictions=True)
    return importers.plan_counts(source=source, units=units, workbook=book, doubts=doubts)


def test_a_workbook_is_what_one_person_counted(sample):
    want(sample.source("appraisal"), double_entry=True)
    people = [holder(Role.OFFICE, sample.school.root) for _ in range(2)]
    outcomes = [importers.apply_counts(by=by, plan=planned(sample), now=clock.now()) for by in people]
    assert [(one.recorded, one.waiting, one.differing) for one in outcomes] == [(0, 168, ()), (168, 0, ())]
    assert AppraisalCount.objects.count() == 168
