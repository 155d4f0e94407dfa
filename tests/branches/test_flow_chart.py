"""The flow chart: heights are shares of the whole, streams leave and arrive without a gap."""

from branches.charts import Share
from branches.flow_chart import BAR, GAP, HEIGHT, flow


def test_bars_and_ribbons_add_up():
    left = [Share("先进", 1, "a"), Share("较好", 3, "b")]
    right = [Share("先进", 2, "a"), Share("较好", 2, "b")]
    chart = flow(left, right, {(0, 0): (1, "level"), (1, 0): (1, "up"), (1, 1): (2, "level")})
    unit = (HEIGHT - GAP) / 4
    assert [bar.height for bar in chart.bars] == [unit, 3 * unit, 2 * unit, 2 * unit]
    assert [(bar.label, bar.count, bar.anchor) for bar in chart.bars[:2]] == [("先进", 1, "end"), ("较好", 3, "end")]
    assert chart.bars[1].y == unit + GAP
    assert BAR == 14
    assert [(ribbon.way, ribbon.count) for ribbon in chart.ribbons] == [("level", 1), ("up", 1), ("level", 2)]
    assert chart.ribbons[0].path.startswith("M84 0.0C")
    assert chart.ribbons[1].path.startswith(f"M84 {unit + GAP}C")
    assert chart.spoken == "先进 → 先进 1，较好 → 先进 1，较好 → 较好 2"


def test_nothing_to_compare_draws_no_ribbon():
    assert flow([Share("先进", 0, "a")], [Share("先进", 0, "a")], {(0, 0): (0, "level")}).ribbons == []
