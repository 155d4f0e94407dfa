"""The samples agree in every rendering."""

from tests.tables.parity import assert_parity
from tests.tables.samples import school_sheet, survey_sheet


def test_a_school_table_over_several_pages_is_the_same_everywhere() -> None:
    assert_parity(school_sheet())


def test_a_form_is_the_same_everywhere() -> None:
    assert_parity(survey_sheet())
