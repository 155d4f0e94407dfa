"""The words of the interface, against hand-written sentences."""

import datetime as dt
from decimal import Decimal

import pytest

from branches import wording

TODAY = dt.date(2012, 10, 18)
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "text", "level"),
    [
        (40, "11月27日前", ""),
        (15, "11月2日前", ""),
        (14, "还剩 14 天", ""),
        (4, "还剩 4 天", ""),
        (3, "还剩 3 天", "soon"),
        (1, "还剩 1 天", "soon"),
        (0, "今天截止", "soon"),
        (-1, "逾期 1 天", "late"),
        (-30, "逾期 30 天", "late"),
        (80, "2013年1月6日前", ""),
    ],
)
def test_deadlines(days, text, level):
    assert wording.due_words(TODAY + days * DAY, TODAY) == wording.Due(text, level)


def test_an_instant_at_midnight_belongs_to_the_day_before():
    assert wording.due_words(dt.datetime(2012, 10, 19), TODAY).text == "今天截止"
    assert wording.due_words(dt.datetime(2012, 10, 19, 12), TODAY).text == "还剩 1 天"


def test_dates():
    assert wording.zh_date(dt.date(2012, 3, 30)) == "2012年3月30日"
    assert wording.zh_date(None) == "—"
    assert wording.zh_short_date(dt.date(2012, 10, 2), TODAY) == "10月2日"
    assert wording.zh_short_date(dt.date(2011, 10, 2), TODAY) == "2011年10月2日"
    assert wording.zh_weekday(TODAY) == "星期四"
    now = dt.datetime(2012, 10, 18, 15, 7)
    assert wording.zh_moment(dt.datetime(2012, 10, 18, 9, 5), now) == "今天 09:05"
    assert wording.zh_moment(dt.datetime(2012, 9, 1, 9, 5), now) == "9月1日 09:05"
    assert wording.zh_moment(None, now) == "—"


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ((2012, 9, 17), (2012, 9, 28), "9月17日至28日"),
        ((2012, 4, 1), (2012, 5, 31), "4月1日至5月31日"),
        ((2012, 4, 1), (2012, 4, 1), "4月1日"),
        ((2011, 4, 1), (2011, 5, 31), "2011年4月1日至5月31日"),
        ((2012, 12, 1), (2013, 1, 31), "12月1日至2013年1月31日"),
        ((2011, 12, 1), (2012, 1, 31), "2011年12月1日至2012年1月31日"),
        (None, (2012, 3, 29), "3月29日前"),
        ((2012, 6, 1), None, "6月1日起"),
        (None, None, "—"),
    ],
)
def test_ranges(first, last, text):
    assert wording.zh_range(first and dt.date(*first), last and dt.date(*last), TODAY) == text


def test_figures_round_half_up_and_missing_is_a_dash():
    assert wording.score2(Decimal("92.2149")) == "92.21"
    assert wording.score2(Decimal("92.215")) == "92.22"
    assert wording.score1(Decimal("2.50")) == "2.5"
    assert wording.score1(Decimal("0.25")) == "0.25"
    assert wording.score1(Decimal("0.055")) == "0.06"
    assert wording.score1(Decimal(-3)) == "−3.0"
    assert wording.score1(None) == "—"
    assert wording.score1(0) == "0.0"
    assert wording.signed1(Decimal("1.5")) == "+1.5"
    assert wording.signed1(Decimal("-1.5")) == "−1.5"
    assert wording.pct1(Decimal(30)) == "30.0%"
    assert wording.pct1(wording.share(1, 3)) == "33.3%"
    assert wording.pct1(wording.share(1, 0)) == "—"
    assert [wording.points(Decimal(p)) for p in ("15.00", "2.50", "0.5", "100")] == ["15", "2.5", "0.5", "100"]


def test_two_character_names_are_spaced():
    assert wording.spaced_name("柯虹") == "柯　虹"
    assert wording.spaced_name("林志远") == "林志远"
    assert wording.spaced_name("Li") == "Li"


def test_badges_follow_the_rank_on_scales_of_any_length():
    assert [wording.rank_letter(rank, 4) for rank in range(1, 5)] == ["a", "b", "c", "d"]
    assert [wording.rank_letter(rank, 5) for rank in range(1, 6)] == ["a", "b", "bc", "c", "d"]
    assert [wording.rank_letter(rank, 3) for rank in range(1, 4)] == ["a", "b", "d"]
    assert [wording.rank_letter(rank, 7) for rank in (1, 4, 7)] == ["a", "bc", "d"]
    with pytest.raises(ValueError, match="rank 5"):
        wording.rank_letter(5, 4)


def test_file_sizes():
    assert [wording.file_size(size) for size in (100, 88_000, 1_500_000)] == ["1 KB", "86 KB", "1.4 MB"]
