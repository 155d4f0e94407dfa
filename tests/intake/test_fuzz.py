"""Whatever stands in the cells or the bytes: an answer or a refusal in Chinese, never a crash."""

import contextlib
import datetime as dt

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from branches.intake.annual import AnnualRules, read_annual
from branches.intake.appraisal import read_appraisal
from branches.intake.roster import read_roster
from branches.intake.shapes import Grid, Merge, RawCell, Workbook, cell_ref
from branches.intake.uploads import RefusedUpload
from branches.intake.workbook import read_workbook
from tests.intake.files import DATA, HEADER, made, row, words

HEADINGS = [label for name in ("roster", "annual", "appraisal") for f in words().tables[name].fields.values()
            for label in (*f.path, *f.words[:2])]  # fmt: skip
TEXTS = [
    "体育学院党总支",
    "体育党总支",
    "第一党支部",
    "直属党支部",
    "合计",
    "说明：",
    "教师",
    "2011.10",
    "约20",
    "=1",
    "无",
    "\x01",
    " ",
]
VALUES = st.one_of(
    st.none(), st.sampled_from(HEADINGS), st.sampled_from(TEXTS), st.integers(-5, 20_000_000_000),
    st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.dates(dt.date(1900, 1, 1)).map(
        lambda day: dt.datetime(day.year, day.month, day.day)), st.text(max_size=12),
)  # fmt: skip
FORMATS = st.sampled_from(["General", "0.00", "@", "yyyy.mm", 'yyyy"年"m"月"', "0", ""])


@st.composite
def workbooks(draw: st.DrawFn) -> Workbook:
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    cells = {}
    for line in range(1, height + 1):
        for column in range(1, width + 1):
            value = draw(VALUES)
            formula = draw(st.sampled_from([None, None, None, "=A1"]))
            if value is not None or formula:
                kind = "s" if isinstance(value, str) else "d" if isinstance(value, dt.datetime) else "n"
                cells[line, column] = RawCell(value, draw(FORMATS), kind, cell_ref(line, column), formula)
    merges = [
        Merge(top, left, min(top + 1, height), min(left + 2, width))
        for top, left in draw(st.lists(st.tuples(st.integers(1, height), st.integers(1, width)), max_size=3))
    ]
    hidden = frozenset(draw(st.sets(st.integers(1, width), max_size=2)))
    return Workbook("随机.xlsx", (Grid("表", cells, tuple(merges), hidden),))


@given(workbooks())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_cells_give_an_answer(workbook: Workbook) -> None:
    read_annual(workbook, words(), rules=AnnualRules({}, None))
    read_appraisal(workbook, words(), floor=5)
    found = read_roster(workbook, words())
    assert found.rows or found.problems
    assert all(problem.cell and problem.reason for problem in found.problems)


SMALL = made(HEADER, row("第一党支部"), row("第二党支部"))
OLD = (DATA / "roster-errors.xls").read_bytes()


@given(st.sampled_from([SMALL, OLD]), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_spoiled_bytes_are_read_or_refused(data: bytes, spoils: list[tuple[float, int]]) -> None:
    spoiled = bytearray(data)
    for place, value in spoils:
        spoiled[int(place * len(spoiled))] = value
    with contextlib.suppress(RefusedUpload):
        read_roster(read_workbook("a.xls", bytes(spoiled)), words())


@given(st.sampled_from([SMALL, OLD]), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_cut_files_are_refused(data: bytes, part: float) -> None:
    cut = data[: int(part * (len(data) - 2))]
    with contextlib.suppress(RefusedUpload):
        read_workbook("a.xls", cut)
