"""The list of branches of a round: filters, order, figures, and its queries."""

from decimal import Decimal as D  # noqa: N817

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches import clock
from grading.lists import prepared, unit_rows
from grading.lists_review import prepared as reviewed_rows
from grading.models import Result, Round, RoundUnit
from grading.services import results, sheets, sources
from grading.services.errors import RefusedError
from tests.factories.grading import RoundStepFactory, fill, opened_round
from tests.grading.pages import account, page, text
from tests.worlds import shared

pytestmark = pytest.mark.db


grading = shared(opened_round)


@pytest.fixture
def office(signed_in, grading):
    return signed_in(account(grading.school, "office"))


def names(response):
    return [unit.name for unit in response.context["list"].rows]


def test_branches_stand_in_the_order_of_the_annexes(office, grading):
    response = office.get(page("round-units", grading.round.pk))
    assert names(response) == [
        "软件工程教研室党支部", "2010级数学党支部", "汉语言文学教研室党支部", "2010级历史学党支部", "图书馆直属党支部",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"unit": "direct"}, ["图书馆直属党支部"]),
        ({"own": "submitted"}, ["软件工程教研室党支部"]),
        ({"own": "returned"}, ["2010级历史学党支部"]),
        ({"own": "open"}, ["2010级数学党支部", "汉语言文学教研室党支部", "2010级历史学党支部", "图书馆直属党支部"]),
        ({"own": "none", "unit": "direct"}, ["图书馆直属党支部"]),
        ({"q": "SJ002"}, ["2010级数学党支部"]),
        ({"result": "decided"}, []),
    ],
)
def test_filters(office, grading, query, expected):
    fill(grading.unit("software"))
    sheet = fill(grading.unit("history"))
    sheets.return_sheet(by=None, assessment=sheet, reason="补材料", now=clock.now())
    assert names(office.get(page("round-units", grading.round.pk), query)) == expected


def test_a_row_says_how_far_a_branch_is(office, grading):
    unit = grading.unit("software")
    fill(unit, lose=3)
    fill(unit, "superior", lose=5)
    results.compute_round(by=None, round_=grading.round, now=clock.now())
    response = office.get(page("round-units", grading.round.pk))
    row = prepared(list(response.context["list"].rows))[0]
    assert (row["own_state"], row["own"], row["superior"], row["result"]) == ("已提交", 97, 95, "已测算")
    assert page("unit", unit.pk) in response.content.decode()


def test_the_list_shows_what_the_deciding_page_shows_before_anything_was_stored(office, grading):
    """Composites by hand: software loses 4 points, algebra 1; 96×20%+100×20%+85×20%+96×40% = 94.6; 99 gives 96.4."""
    for name, lose in (("software", 4), ("algebra", 1)):
        unit = grading.unit(name)
        fill(unit, lose=lose)
        fill(unit, "superior", lose=lose)
        counts = sources.CountInput(unit, 20, 20, 20, {"satisfied": 20})
        sources.record_counts(by=None, source=grading.source("appraisal"), rows=[counts], now=clock.now())
        rows = [sources.AnnualInput(unit, label="良好")]
        sources.record_annual(by=None, source=grading.source("annual"), rows=rows, now=clock.now())
    for sort, first in (("composite", "SJ001"), ("-composite", "SJ002")):
        shown = list(office.get(page("round-units", grading.round.pk), {"sort": sort, "unit": grading.school.maths.pk})
                     .context["list"].rows)  # fmt: skip
        assert shown[0].code == first
    found = {row["code"]: row for row in prepared(shown)}
    said = [(found[code]["composite"], found[code]["grade"], found[code]["result"]) for code in ("SJ001", "SJ002")]
    assert said == [(D("94.60"), "先进", "已测算"), (D("96.40"), "先进", "已测算")]
    assert "综合 94.60 分" in text(office.get(page("unit", grading.unit("software").pk)))
    reviewed = {row["name"]: (row["composite"], row["state"]) for row in reviewed_rows(shown)}
    assert reviewed["软件工程教研室党支部"] == (D("94.60"), "未定")
    shares = office.get(page("round", grading.round.pk)).context["total_shares"]
    assert [(share.label, share.count) for share in shares if share.count] == [("先进", 2)]
    assert not Result.objects.exists()


def test_the_list_shows_newer_figures_than_were_stored_but_never_changes_a_chosen_grade(grading):
    unit = grading.unit("software")
    results.compute_round(by=None, round_=grading.round, now=clock.now())
    Result.objects.filter(unit=unit).update(composite=88)
    listed = unit_rows(RoundUnit.objects.select_related("round__scale"))
    (row,) = prepared([listed.get(pk=unit.pk)])
    assert (row["composite"], row["result"]) == (None, "已测算")
    grade = grading.round.scale.grades.get(rank=2)
    Result.objects.filter(unit=unit).update(state="proposed", proposed_grade=grade)
    assert prepared([listed.get(pk=unit.pk)])[0]["composite"] == 88


def test_where_nobody_proposes_no_list_asks_for_proposals_and_none_is_taken(office, grading):
    Round.objects.filter(pk=grading.round.pk).update(deciding_level="committee")
    for name in ("round-units", "review"):
        assert "已拟定" not in text(office.get(page(name, grading.round.pk)))
    round_ = Round.objects.get(pk=grading.round.pk)
    choices = {grading.unit("software").pk: results.Choice("advanced")}
    with pytest.raises(RefusedError, match="本轮的步骤里没有拟定"):
        results.propose_grades(by=None, round_=round_, choices=choices, now=clock.now())
    RoundStepFactory(round=round_, ordinal=90, code="propose", name="党总支拟定")
    for name in ("round-units", "review"):
        assert '<option value="proposed">已拟定</option>' in office.get(page(name, round_.pk)).content.decode()


def test_a_party_lists_its_own(signed_in, grading):
    client = signed_in(account(grading.school, "officer"))
    assert names(client.get(page("round-units", grading.round.pk))) == ["软件工程教研室党支部", "2010级数学党支部"]


def test_one_row_and_three_rows_cost_the_same(office, grading, django_assert_num_queries):
    address = page("round-units", grading.round.pk)
    keep = list(RoundUnit.objects.filter(round=grading.round).values_list("pk", flat=True)[:3])
    fill(RoundUnit.objects.select_related("round__campaign", "rubric", "branch").get(pk=keep[0]))
    RoundUnit.objects.filter(round=grading.round).exclude(pk__in=keep).delete()
    office.get(address)
    with CaptureQueriesContext(connection) as three:
        assert len(names(office.get(address))) == 3
    RoundUnit.objects.exclude(pk=keep[0]).delete()
    with django_assert_num_queries(len(three)):
        assert len(names(office.get(address))) == 1


def test_the_list_as_a_file(office, grading):
    response = office.post(page("round-units", grading.round.pk), {"format": "csv"})
    body = b"".join(response) if response.streaming else response.content
    assert "软件工程教研室党支部" in body.decode("utf-8-sig")
    assert "参评党支部" in text(office.get(page("round-units", grading.round.pk)))
