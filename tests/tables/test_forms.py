"""Forms: the grid is filled exactly, choices are boxes, opinions have a signature line."""

from decimal import Decimal

import pytest

from reporting.tables import Form, FormRow, choices, formats, label, lay_out_form, opinion, value, vertical_label
from reporting.tables.forms import choice_text
from tests.tables.samples import survey_sheet


def _form(*rows: FormRow) -> Form:
    return Form(slug="f", title="表", rows=rows, grid=6)


def test_cells_skip_what_is_covered_from_above() -> None:
    form = _form(
        FormRow((vertical_label("摸底", 1, 2), label("甲", 2), value("a", 3))),
        FormRow((label("乙", 2), value("b", 3, format=formats.DECIMAL1))),
    )
    sheet = lay_out_form(form, {"a": "x", "b": Decimal("1.25")})
    assert [(c.row, c.col, c.rowspan, c.colspan, c.text) for c in sheet.cells if c.row] == [
        (1, 0, 2, 1, "摸底"),
        (1, 1, 1, 2, "甲"),
        (1, 3, 1, 3, "x"),
        (2, 1, 1, 2, "乙"),
        (2, 3, 1, 3, "1.3"),
    ]
    assert sheet.rows[1].keep_with_next


@pytest.mark.parametrize(
    "rows",
    [
        (FormRow((label("甲", 5),)),),
        (FormRow((label("甲", 4), label("乙", 3))),),
        (FormRow((label("甲", 3, 2), label("乙", 3))),),
        (FormRow((label("甲", 3, 2), label("乙", 3))), FormRow((label("丙", 4),))),
    ],
)
def test_a_row_that_does_not_fill_the_grid_is_an_error(rows: tuple[FormRow, ...]) -> None:
    with pytest.raises(ValueError, match="row"):
        lay_out_form(_form(*rows), {})


def test_choices_are_boxes() -> None:
    cell = choices("kind", ("教师", "学生", "机关"), 20)
    assert choice_text(cell, "学生", 100, 10) == "☐教师　　☑学生　　☐机关"
    assert choice_text(cell, None, 44, 10) == "☐教师　☐学生　☐机关"
    assert choice_text(cell, None, 40, 10) == "☐教师　☐学生\n☐机关", "an option stays with its box"
    several = choices("veto", ("甲", "乙"), 20, multiple=True)
    assert choice_text(several, ["甲", "乙"], 60, 10) == "☑甲　　☑乙"


@pytest.mark.parametrize("chosen", ["别的", ["教师", "学生"]])
def test_a_choice_must_be_one_of_the_options(chosen: object) -> None:
    with pytest.raises(ValueError, match="kind"):
        choice_text(choices("kind", ("教师", "学生"), 20), chosen, 100, 10)


def test_an_opinion_has_no_line_above_its_signature() -> None:
    sheet = lay_out_form(
        _form(*opinion("意见", "text", signature="书记（签字）：", span=4, heading_span=2)), {"text": None}
    )
    heading, body, sign = (cell for cell in sheet.cells if cell.row)
    assert (heading.rowspan, body.text, sign.text) == (2, "", "书记（签字）：")
    assert body.look.open_bottom
    assert sign.look.open_top
    assert sheet.rows[1].height_mm == 20
    assert sheet.rows[2].height_mm == 14


def test_a_page_may_begin_with_a_row() -> None:
    sheet = survey_sheet()
    assert sheet.pages == ((0, 20), (20, 27))
    assert sheet.rows[20].cells[0].text.startswith("晋位升级")


def test_missing_values_are_an_error() -> None:
    with pytest.raises(KeyError):
        lay_out_form(_form(FormRow((value("a", 6),))), {})
