"""The list of branches of a round: filters, order, figures, and its queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches import clock
from grading.lists import prepared
from grading.models import RoundUnit
from grading.services import results, sheets
from tests.factories.grading import fill, opened_round
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
