"""Values and what cells show, by hand."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from branches.partial_dates import PartialDate
from reporting.tables import formats
from reporting.tables.formats import clean_text, display, half_up, spaced_name


@pytest.mark.parametrize(
    ("number", "places", "result"),
    [
        (Decimal("88.425"), 2, "88.43"),
        (Decimal("88.424999"), 2, "88.42"),
        (Decimal("-0.005"), 2, "-0.01"),
        (Fraction(1, 3), 2, "0.33"),
        (Fraction(2, 3), 1, "0.7"),
        (Fraction(1, 8), 2, "0.13"),
        (Fraction(-1, 8), 2, "-0.13"),
        (7, 1, "7.0"),
    ],
)
def test_rounding_is_half_up(number: Decimal, places: int, result: str) -> None:
    assert str(half_up(number, places)) == result


@pytest.mark.parametrize(
    ("value", "form", "typed", "text"),
    [
        (Decimal("89.5"), formats.DECIMAL2, Decimal("89.50"), "89.50"),
        (Decimal("2.25"), formats.DECIMAL1, Decimal("2.3"), "2.3"),
        (32, formats.INTEGER, 32, "32"),
        (0, formats.INTEGER, 0, "0"),
        (Fraction(38, 41), formats.PERCENT, Decimal("0.927"), "92.7%"),
        (Fraction(1, 16), formats.PERCENT, Decimal("0.063"), "6.3%"),
        (dt.date(2012, 5, 28), formats.DATE, dt.date(2012, 5, 28), "2012.5.28"),
        (dt.date(2012, 3, 30), formats.DATE_ZH, dt.date(2012, 3, 30), "2012年3月30日"),
        (PartialDate(2011, 10), formats.DATE, "2011.10", "2011.10"),
        (PartialDate(1984, 7), formats.DATE_ZH, "1984年7月", "1984年7月"),
        (PartialDate(2011, 10, 16), formats.DATE, dt.date(2011, 10, 16), "2011.10.16"),
        ("免评", formats.DECIMAL2, "免评", "免评"),
        ("柯虹", formats.NAME, "柯　虹", "柯　虹"),
        (True, formats.TICK, "√", "√"),
        (False, formats.TICK, None, "—"),
        (True, formats.TEXT, "是", "是"),
        (False, formats.INTEGER, "否", "否"),
        (None, formats.DECIMAL2, None, "—"),
        ("", formats.TEXT, None, "—"),
        ("  ", formats.TEXT, None, "—"),
        ("a\r\nb\tc", formats.TEXT, "a\nb c", "a\nb c"),
    ],
)
def test_display(value: object, form: formats.Format, typed: object, text: str) -> None:
    assert display(value, form) == (typed, text)


def test_a_blank_may_be_said_otherwise() -> None:
    assert display(None, formats.TEXT, "无") == (None, "无")


def test_no_float_reaches_a_table() -> None:
    with pytest.raises(TypeError, match="never float"):
        display(0.1, formats.DECIMAL2)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("柯虹", "柯　虹"),
        (" 柯虹 ", "柯　虹"),
        ("欧阳喆", "欧阳喆"),
        ("Al", "Al"),
        ("柯　虹", "柯　虹"),
        ("林\U00020164", "林　\U00020164"),
    ],
)
def test_two_characters_stand_apart(name: str, result: str) -> None:
    assert spaced_name(name) == result


def test_what_no_file_can_hold_is_taken_out() -> None:
    assert clean_text("a\x00b\x1fc\x7f\u202ed\ufeffe\ud800f\U00020164") == "abcdef\U00020164"
