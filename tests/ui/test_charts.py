"""The geometry of the small charts, by hand-worked figures."""

import datetime as dt
import itertools
from decimal import Decimal

import pytest

from branches import charts

D = Decimal


def test_shares_lie_side_by_side_and_zero_is_left_out():
    shares = [charts.Share("先进", 1, "a"), charts.Share("较好", 0, "b"), charts.Share("后进", 3, "d")]
    drawn = charts.segments(shares)
    assert [(part.letter, part.x, part.width, part.middle, part.shows_count) for part in drawn] == [
        ("a", D(0), D("25.00"), D("12.50"), True),
        ("d", D("25.00"), D("75.00"), D("62.50"), True),
    ]
    assert charts.spoken(shares) == "先进 1，后进 3"
    assert charts.segments([]) == []


def test_timeline_spans_whole_months_and_marks_today():
    stages = [
        charts.StageSpan(1, "动员", dt.date(2011, 4, 11), dt.date(2011, 4, 20), "done", "完成"),
        charts.StageSpan(2, "定级", dt.date(2011, 5, 1), dt.date(2011, 5, 31), "now", "进行中"),
    ]
    drawn = charts.timeline(stages, dt.date(2011, 5, 1))
    assert drawn is not None
    assert [(month.label, month.x) for month in drawn.months] == [("4", D(0)), ("5月", D("49.18"))]
    assert [(bar.x, bar.width) for bar in drawn.bars] == [(D("16.39"), D("16.40")), (D("49.18"), D("50.82"))]
    assert (drawn.today, drawn.today_label, drawn.today_anchor) == (D("49.18"), "今天 5月1日", "middle")


def test_today_outside_the_timeline_is_not_drawn():
    stage = charts.StageSpan(1, "动员", dt.date(2011, 4, 1), dt.date(2011, 4, 30), "done", "完成")
    drawn = charts.timeline([stage], dt.date(2012, 1, 1))
    assert drawn is not None
    assert drawn.today is None
    assert charts.timeline([], dt.date(2012, 1, 1)) is None


def test_scale_places_cuts_and_keeps_neighbours_apart():
    bands = [charts.Band("先进", D(90), "a"), charts.Band("一般", D(60), "c"), charts.Band("后进", D(0), "d")]
    marks = [charts.Mark("自评", D("91")), charts.Mark("群众", D("90"))]
    drawn = charts.scale(bands, D("75.00"), marks, full=D(100))
    assert [(band.label, band.x, band.width, band.cut) for band in drawn.bands] == [
        ("后进", D(0), D(20), ""),
        ("一般", D(20), D(60), "60"),
        ("先进", D(80), D(20), "90"),
    ]
    assert drawn.pin is not None
    assert (drawn.pin.x, drawn.pin.text) == (D(50), "75.00")
    assert [(mark.label, mark.x, mark.row) for mark in drawn.sources] == [("群众", D(80), 0), ("自评", D(82), 1)]
    assert drawn.spoken == "综合 75.00，自评 91.00，群众 90.00"
    assert drawn.ends == "50 至 100 分"


def test_labels_of_marks_close_together_stand_in_rows_of_their_own():
    """Four names of 4, 4, 5 and 2 letters of 3.8 % each, within six percent of one another, need a row each."""
    marks = [charts.Mark(name, value) for name, value in (
        ("支部自评", D("91")), ("群众评议", D("92")), ("党总支考评", D("93")), ("抽查", D("60")), ("考核", D("100")),
    )]  # fmt: skip
    drawn = charts.scale([charts.Band("好", D(0), "a")], D("90"), marks, full=D(100))
    placed = {mark.label: (mark.x, mark.row, mark.anchor, mark.left) for mark in drawn.sources}
    assert placed == {
        "抽查": (D(60), 0, "middle", D("56.2")),
        "支部自评": (D(91), 0, "middle", D("83.4")),
        "群众评议": (D(92), 1, "middle", D("84.4")),
        "党总支考评": (D(93), 2, "end", D(74)),
        "考核": (D(100), 3, "end", D("92.4")),
    }
    rows: dict[int, list[charts.PlacedMark]] = {}
    for mark in drawn.sources:
        rows.setdefault(mark.row, []).append(mark)
    for row in rows.values():
        assert all(left.left + left.width < right.left for left, right in itertools.pairwise(row))
    assert drawn.height == 78 + 4 * 13


def test_a_burn_down_steps_down_the_day_after():
    """Of four items two are due on 10 April and two on 30 April; one was done on the 15th."""
    due = {dt.date(2012, 4, 10): 2, dt.date(2012, 4, 30): 2}
    drawn = charts.burn_down(due, {dt.date(2012, 4, 15): 1}, first=dt.date(2012, 4, 2), today=dt.date(2012, 4, 21))
    assert drawn is not None
    assert drawn.planned == "0,0 333,0 333,100 1000,100 1000,200"
    assert drawn.actual == "0,0 500,0 500,50 700,50"
    assert (drawn.total, drawn.left, drawn.should, drawn.today) == (4, 3, 2, D("66.67"))
    assert [(month.label, month.x) for month in drawn.months] == [("4月", D(0))]
    assert drawn.spoken == "限期完成的 4 项，已销号 1 项，还剩 3 项；按时限今天应剩 2 项"


def test_a_burn_down_of_nothing_is_none():
    day = dt.date(2012, 4, 10)
    assert charts.burn_down({}, {}, first=day, today=day) is None


@pytest.mark.parametrize(
    ("today", "done", "place", "months"),
    [
        (dt.date(2012, 5, 11), {}, D("65.57"), ["4月", "5月"]),  # 40 of 61 days
        (dt.date(2012, 5, 11), {dt.date(2012, 4, 9): 1}, None, ["4月"]),  # all done: nothing to follow
        (dt.date(2013, 4, 12), {}, None, ["4月"]),  # a year and two days after
    ],
)
def test_a_burn_down_goes_on_to_today_while_something_is_left(today, done, place, months):
    day = dt.date(2012, 4, 10)
    late = charts.burn_down({day: 1}, done, first=day, today=today)
    assert late is not None
    assert (late.today, late.should, [month.label for month in late.months]) == (place, 0, months)
