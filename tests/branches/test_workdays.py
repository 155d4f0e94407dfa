"""Working days with holidays and 调休: worked out by hand from the State Council's notices."""

import datetime as dt

import pytest

from branches.workdays import LAST_YEAR, Calendar, DaysError, end_of, read_days, working_days

pytestmark = pytest.mark.unit

SHANGHAI = dt.timezone(dt.timedelta(hours=8))
PLAIN = Calendar()


def days(*given):
    return tuple(dt.date(*one) for one in given)


def test_a_week_without_holidays():
    # 2012-10-15 is a Monday.
    found = working_days(PLAIN, dt.date(2012, 10, 15), 5)
    assert found.days == days((2012, 10, 15), (2012, 10, 16), (2012, 10, 17), (2012, 10, 18), (2012, 10, 19))
    assert (found.first, found.last, found.unknown_years) == (dt.date(2012, 10, 15), dt.date(2012, 10, 19), ())


def test_national_day_with_a_worked_saturday():
    # 2012: 9月30日至10月7日放假, 9月29日（星期六）上班.
    found = working_days(PLAIN, dt.date(2012, 9, 28), 5)
    assert found.days == days((2012, 9, 28), (2012, 9, 29), (2012, 10, 8), (2012, 10, 9), (2012, 10, 10))


def test_over_the_end_of_a_year():
    # 2013: 1月1日至3日放假, 1月5日（星期六）、6日（星期日）上班.
    found = working_days(PLAIN, dt.date(2012, 12, 31), 5)
    assert found.days == days((2012, 12, 31), (2013, 1, 4), (2013, 1, 5), (2013, 1, 6), (2013, 1, 7))


def test_the_first_day_may_stay_out():
    monday = dt.date(2012, 10, 15)
    assert working_days(PLAIN, monday, 5, counts_first_day=False).last == dt.date(2012, 10, 22)
    saturday = dt.date(2012, 10, 13)
    both = {working_days(PLAIN, saturday, 5, counts_first_day=flag).last for flag in (True, False)}
    assert both == {dt.date(2012, 10, 19)}


def test_an_unknown_year_is_counted_monday_to_friday_and_named():
    # 2051-01-02 is a Monday; nobody knows that year's holidays.
    found = working_days(PLAIN, dt.date(2050, 12, 30), 3)
    assert found.days == days((2050, 12, 30), (2051, 1, 2), (2051, 1, 3))
    assert found.unknown_years == (2050, 2051)


def test_the_last_week_of_the_last_known_year_waits_for_the_next_notice():
    last = dt.date(LAST_YEAR, 12, 28)
    assert PLAIN.is_known(dt.date(LAST_YEAR, 12, 25))
    assert not PLAIN.is_known(last)
    assert Calendar(years=frozenset({LAST_YEAR + 1})).is_known(last)
    assert working_days(PLAIN, last, 1).unknown_years == (LAST_YEAR,)


def test_what_a_site_entered_comes_first():
    entered = Calendar({dt.date(2050, 12, 30): False, dt.date(2050, 12, 31): True}, frozenset({2050, 2051}))
    found = working_days(entered, dt.date(2050, 12, 30), 2)
    assert (found.days, found.unknown_years) == (days((2050, 12, 31), (2051, 1, 2)), ())
    corrected = Calendar({dt.date(2012, 10, 15): False})
    assert working_days(corrected, dt.date(2012, 10, 15), 1).first == dt.date(2012, 10, 16)


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        working_days(PLAIN, dt.date(2012, 10, 15), 0)
    free = Calendar({dt.date(2012, 1, 1) + dt.timedelta(days=n): False for n in range(900)})
    with pytest.raises(ValueError, match="no 5 working days"):
        working_days(free, dt.date(2012, 1, 2), 5)


def test_a_day_ends_at_the_next_midnight():
    assert end_of(dt.date(2012, 12, 31), SHANGHAI) == dt.datetime(2013, 1, 1, tzinfo=SHANGHAI)


def test_days_are_read_as_people_write_them():
    text = "1月1日至3日 元旦\n\n2027-02-27 春节调休\n5月1日到5月2日：劳动节\n12/31"
    assert read_days(2027, text) == {
        dt.date(2027, 1, 1): "元旦",
        dt.date(2027, 1, 2): "元旦",
        dt.date(2027, 1, 3): "元旦",
        dt.date(2027, 2, 27): "春节调休",
        dt.date(2027, 5, 1): "劳动节",
        dt.date(2027, 5, 2): "劳动节",
        dt.date(2027, 12, 31): "",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("元旦三天", "第 1 行“元旦三天”看不懂，请写成“1月1日至3日 元旦”的样子。"),
        ("1月1日\n2月30日", "第 2 行“2月30日”没有这一天。"),
        ("1月3日至1日", "第 1 行“1月3日至1日”的起止日期不对。"),
        ("2026-01-01 元旦", "第 1 行“2026-01-01 元旦”不在2027年。"),
        ("1月1日\n1月1日至2日", "第 2 行：1月1日写了两次。"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(text, sentence):
    with pytest.raises(DaysError) as caught:
        read_days(2027, text)
    assert str(caught.value) == sentence
