"""The round on the landing page: those above see progress and shares, a branch sees itself."""

import pytest

from branches import clock
from branches.models import Role
from branches.registries import panels_for, stats_for
from grading.models import Result
from tests.factories import grading as make
from tests.factories.branches import AccountFactory
from tests.worlds import shared

pytestmark = pytest.mark.django_db


@shared
def graded():
    opened = make.opened_round()
    make.fill(opened.unit("algebra"), lose=8)
    return opened


def figures(account):
    return {stat.label: (stat.value, stat.base) for stat in stats_for(account, clock.now())}


def panels(account):
    return {panel.slug: panel for panel in panels_for(account, clock.now())}


def test_the_office_sees_the_whole_school(graded):
    office = AccountFactory(role=Role.OFFICE, node=graded.school.root)
    assert figures(office)["已自评"] == ("1", "/ 5")
    board = panels(office)["round-board"]
    assert board.aside == "自评 1/5，考评 0/5，定级 0/5"
    lines = {row["line"].name: (row["line"].filed, row["line"].units) for row in board.context["rows"]}
    assert lines["数学与计算机科学学院党总支"] == (1, 2)
    assert sum(units for _, units in lines.values()) == 5


def test_a_general_branch_sees_only_its_own(graded):
    officer = AccountFactory(role=Role.GENERAL_BRANCH_OFFICER, node=graded.school.letters)
    assert figures(officer)["已自评"] == ("0", "/ 2")
    assert [row["line"].name for row in panels(officer)["round-board"].context["rows"]] == ["文学与历史学院党总支"]


def test_a_branch_sees_itself(signed_in, graded):
    unit = graded.unit("software")
    secretary = AccountFactory(role=Role.SECRETARY, node=graded.school.software)
    assert set(panels(secretary)) == {f"own-{unit.pk}", f"branch-{unit.branch_id}"}
    assert "已自评" not in figures(secretary)
    html = signed_in(secretary).get("/").content.decode()
    assert f"/grading/units/{unit.pk}/self/" in html


def proposed(unit, grade):
    make.ResultFactory(unit=unit, state="proposed", computed_grade=grade, proposed_grade=grade)


def test_a_grade_that_inputs_give_no_more_is_not_counted(graded):
    """Computed once, before a source was taken back: lists show none, and neither does the landing page."""
    make.ResultFactory(unit=graded.unit("algebra"), computed_grade=graded.round.scale.grades.get(rank=1))
    office = AccountFactory(role=Role.OFFICE, node=graded.school.root)
    assert "先进占比" not in figures(office)
    assert "round-grades" not in panels(office)


def test_shares_count_the_current_result_of_each_branch(signed_in, graded):
    grades = list(graded.round.scale.grades.order_by("rank"))
    proposed(graded.unit("algebra"), grades[0])
    proposed(graded.unit("chinese"), grades[1])
    office = AccountFactory(role=Role.OFFICE, node=graded.school.root)
    assert Result.objects.current().count() == 2
    assert figures(office)["先进占比"] == ("20.0%", "1 / 5")  # of all that are to be graded, as on the summary form
    html = signed_in(office).get("/").content.decode()
    assert 'aria-label="先进 1，较好 1"' in html


def test_shares_leave_out_who_gets_no_grade(graded):
    grades = list(graded.round.scale.grades.order_by("rank"))
    proposed(graded.unit("algebra"), grades[0])
    graded.round.units.filter(pk=graded.unit("software").pk).update(graded=False, not_graded_reason="成立不满一年。")
    assert figures(AccountFactory(role=Role.OFFICE, node=graded.school.root))["先进占比"] == ("25.0%", "1 / 4")


def test_people_without_grading_see_no_round(graded):
    interviewer = AccountFactory(role=Role.INTERVIEWER, node=graded.school.maths)
    assert panels(interviewer) == {}
    assert figures(interviewer) == {}


def test_the_landing_page_asks_no_more_for_more_branches(signed_in, graded, django_assert_max_num_queries):
    client = signed_in(AccountFactory(role=Role.OFFICE, node=graded.school.root))
    client.get("/")
    with django_assert_max_num_queries(86):
        client.get("/")
