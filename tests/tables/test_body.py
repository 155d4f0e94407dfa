"""The body of a long table: cells made when asked for, kinds of values told apart, the workbook's templates."""

import datetime as dt
import io
import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import openpyxl
import pytest

from reporting.tables import Column, Merge, Sheet, Subtotal, Table, Total, TotalCell, formats, lay_out, metrics, xlsx
from reporting.tables.cells import BodyCells, Cell
from reporting.tables.formats import Shower
from tests.tables.parity import assert_parity, assert_workbook

#: Merged columns that are not the first, one inside the other; dates; texts among numbers; a column too narrow.
AWKWARD = Table(
    slug="awkward",
    title="表",
    columns=(
        Column("number", "序号", 8, counter=True, format=formats.INTEGER),
        Column("unit", "总支", 20),
        Column("name", "名称", 30, align="left", href=lambda row: f"/branches/{row['name']}/"),
        Column("part", "学科", 20),
        Column("narrow", "数", 4, format=formats.INTEGER),
        Column("score", "得分", 14, format=formats.DECIMAL2),
        Column("rate", "率", 14, format=formats.PERCENT),
        Column("day", "日", 20, format=formats.DATE),
        Column("held", "有", 10, format=formats.TICK),
        Column("any", "杂", 16),
    ),
    merge_by=(Merge(("unit",)), Merge(("part",))),
    subtotals=(Subtotal("unit", Total((TotalCell("unit", "小计", through="name"), TotalCell("score", len)))),),
)


def _rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "unit": f"第{number // 7}总支",
            "part": f"学科{number // 3}",
            "name": f"二〇一{number % 10}级学生党支部（含研究生）{number}",
            "narrow": 7 * 10 ** (number % 6),
            "score": (Decimal("88.425"), Fraction(200, 3), 70, "免评", None)[number % 5],
            "rate": (Decimal("0.9268"), Fraction(2, 3), None)[number % 3],
            "day": (dt.date(2012, 5, 28), "2011.10", None)[number % 3],
            "held": number % 2 == 0,
            "any": ("_x0041_", 1, True, Decimal("1.50"), dt.date(2012, 1, 2), "a<b & c", "=1+1", "两  格")[number % 8],
        }
        for number in range(count)
    ]


def test_an_awkward_table_is_the_same_everywhere() -> None:
    assert_parity(lay_out(AWKWARD, _rows(40)))


def test_all_kinds_of_rows_share_no_template_by_mistake() -> None:
    assert_workbook(lay_out(AWKWARD, _rows(520)))


def test_cells_are_made_when_asked_for() -> None:
    sheet = lay_out(AWKWARD, _rows(3))
    first, second, _ = (row.cells for row in sheet.rows if row.band == "body")
    assert isinstance(first, BodyCells)
    assert [cell.text for cell in first][:4] == ["1", "第0总支", "二〇一0级学生党支部（含研究生）0", "学科0"]
    assert first[1] == Cell(2, 1, "第0总支", "第0总支", first[1].look, 3, 1, "unit", mark="（续）")
    assert first[2].href == "/branches/二〇一0级学生党支部（含研究生）0/"
    assert [cell.col for cell in second] == [0, 2, 4, 5, 6, 7, 8, 9]
    assert second[-1].text == "1"
    assert second[0:2] == tuple(second)[0:2]
    assert first == tuple(first)
    assert first != second
    assert hash(first) == hash(tuple(first))
    assert first != "cells"


def test_equal_values_of_different_types_are_told_apart() -> None:
    table = Table(slug="t", title="表", columns=(Column("a", "甲", 30), Column("b", "乙", 30, format=formats.INTEGER)))
    rows = [{"a": 1, "b": 1}, {"a": True, "b": True}, {"a": Decimal("1.0"), "b": Decimal("1.0")}]
    rows += [{"a": Decimal("1.00"), "b": Fraction(1)}]
    texts = [[cell.text for cell in row.cells] for row in lay_out(table, rows).rows if row.band == "body"]
    assert texts == [["1", "1"], ["是", "是"], ["1.0", "1"], ["1.00", "1"]]


def test_a_float_is_refused_beside_an_equal_number() -> None:
    table = Table(slug="t", title="表", columns=(Column("b", "乙", format=formats.INTEGER),))
    with pytest.raises(TypeError, match="never float"):
        lay_out(table, [{"b": 1}, {"b": 1.0}])


def test_a_shower_formats_equal_values_once() -> None:
    shower = Shower(formats.DECIMAL2)
    one, same, text = shower.column([Decimal("88.425"), Decimal("88.4250"), "免评"])
    assert one == (Decimal("88.43"), "88.43")
    assert same is one
    assert text == ("免评", "免评")


def test_a_name_said_to_fit_without_breaking_it_does_fit() -> None:
    dice = random.Random(1998)
    tried = 0
    for _ in range(3000):
        number = str(dice.randrange(10_000))
        text = "".join(dice.choice(("党", "支部", "软件工程", number, "级")) for _ in range(dice.randint(1, 12)))
        for lines, width_em in ((1, 3.0), (2, 5.5), (2, 10.05), (3, 4.2)):
            if len(text) < metrics.surely_within(lines, width_em) and metrics.SIMPLE.fullmatch(text):
                tried += 1
                assert len(metrics.wrap(text, width_em * 9.5 * metrics.MM_PER_POINT, "fang", 9.5)) <= lines, text
    assert tried > 1000
    assert not metrics.SIMPLE.fullmatch("第12345党支部"), "longer than a line may leave free"
    assert not metrics.SIMPLE.fullmatch("一，二"), "a comma never begins a line"


def test_totals_tell_words_from_figures() -> None:
    shown = {1: None, 2: "不计", 3: Decimal("99999999.5")}
    over = TotalCell("score", lambda rows: shown[len(rows)], blank="—")
    table = replace(AWKWARD, merge_by=(), subtotals=(Subtotal("unit", Total((TotalCell("unit", "计"), over))),))
    rows = [row | {"unit": f"第{'aabbbc'[number]}总支"} for number, row in enumerate(_rows(6))]
    sheet = lay_out(table, rows)
    totals = [{cell.key: cell for cell in row.cells} for row in sheet.rows if row.band == "total"]
    assert [cells["score"].text for cells in totals] == ["不计", "99999999.50", "—"]
    assert [cells["score"].value for cells in totals] == ["不计", Decimal("99999999.50"), None]
    assert [cells["score"].look.format.kind for cells in totals] == ["text", "number", "number"]
    assert totals[1]["score"].look.points < totals[0]["score"].look.points, "a figure too wide is set smaller"
    assert_parity(sheet)


def test_a_row_too_high_for_a_page_stays_in_step() -> None:
    rows = _rows(30)
    rows[11]["name"] = "很长的名称" * 900
    assert_workbook(lay_out(AWKWARD, rows))


def test_excel_gets_no_more_page_breaks_than_it_takes() -> None:
    table = Table(slug="t", title="表", columns=(Column("a", "甲", 30),), page_break_before=lambda _row, _before: True)
    sheet = lay_out(table, [{"a": number} for number in range(1100)])
    assert len(sheet.pages) == 1100
    page = openpyxl.load_workbook(io.BytesIO(xlsx.render([sheet]))).worksheets[0]
    assert [one.id for one in page.row_breaks.brk] == list(sheet.page_breaks[:1026])


def test_a_workbook_is_written_into_a_file() -> None:
    sheet: Sheet = replace(lay_out(AWKWARD, _rows(5)), code_line="表单编码 K7Q2-9XMD-4TRA")
    target = io.BytesIO()
    xlsx.write([sheet], target)
    assert target.getvalue() == xlsx.render([sheet])
