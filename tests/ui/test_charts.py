"""The geometry of the small charts, by hand-worked figures."""

import datetime as dt
from decimal import Decimal

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
