"""放假安排: entering a year, correcting it, taking it out again."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from branches.models import AuditEntry, CalendarDay, CalendarYear, Role
from branches.services.calendar import site_calendar
from tests.factories.branches import holder, school
from tests.factories.publicity import CalendarDayFactory, CalendarYearFactory
from tests.grading.pages import page, text
from tests.worlds import shared

pytestmark = pytest.mark.once

YEAR = {"year": "2050", "document": "国办发明电〔2049〕1号", "free": "1月1日至3日 元旦", "worked": "1月8日 元旦调休"}


@shared
def tree():
    return school()


@pytest.fixture
def office(signed_in, tree):
    return signed_in(holder(Role.OFFICE, tree.root))


def test_an_empty_page_says_what_happens_without(office):
    said = text(office.get(page("calendar")))
    assert "还没有登记" in said
    assert "没有登记的年份按周一至周五计算，公示页会写明。" in said


def test_a_year_is_entered_and_shown_again(office):
    response = office.post(page("calendar"), YEAR, follow=True)
    assert "已登记2050年放假安排。" in text(response)
    assert site_calendar().days == {
        dt.date(2050, 1, 1): False, dt.date(2050, 1, 2): False, dt.date(2050, 1, 3): False, dt.date(2050, 1, 8): True,
    }  # fmt: skip
    assert site_calendar().years == frozenset({2050})
    again = office.get(f"{page('calendar')}?year=2050").context["form"].initial
    assert (again["free"], again["worked"]) == ("1月1日至1月3日 元旦", "1月8日 元旦调休")
    assert AuditEntry.objects.get(action="calendar.record").summary == "登记2050年放假安排：放假 3 天，调休上班 1 天"


def test_entering_again_replaces_what_was_there(office):
    office.post(page("calendar"), YEAR)
    office.post(page("calendar"), YEAR | {"free": "1月1日 元旦", "worked": ""})
    assert list(CalendarDay.objects.values_list("day", "working")) == [(dt.date(2050, 1, 1), False)]
    office.post(page("calendar-drop", 2050))
    assert (CalendarDay.objects.count(), CalendarYear.objects.count()) == (0, 0)
    assert "已删除2050年的登记。" in text(office.post(page("calendar-drop", 2050), follow=True))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"free": "元旦放假"}, "第 1 行“元旦放假”看不懂"),
        ({"worked": "1月2日"}, "1月2日既写了放假又写了上班。"),
        ({"document": ""}, "请填写依据。"),
        ({"year": "1234"}, "2000"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(office, given, sentence):
    response = office.post(page("calendar"), YEAR | given)
    assert response.status_code == 422
    assert sentence in text(response)
    assert "国办发明电" in response.content.decode() or "document" in given
    assert not CalendarYear.objects.exists()


def test_the_database_refuses_nonsense():
    for make in (
        lambda: CalendarYearFactory(year=1900),
        lambda: CalendarYearFactory(document=""),
        lambda: CalendarDayFactory(name=""),
        lambda: [CalendarDayFactory(day=dt.date(2050, 1, 1)) for _ in range(2)],
        lambda: [CalendarYearFactory(year=2050) for _ in range(2)],
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
