"""Dates known to the month or to the day."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from branches.fields import PartialDateFormField
from branches.partial_dates import PartialDate

OCTOBER = PartialDate(2011, 10)
SIXTEENTH = PartialDate(2011, 10, 16)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-10", OCTOBER), ("2011.10", OCTOBER), ("2011/10", OCTOBER), ("2011年10月", OCTOBER),
        (" 2011年10月16日 ", SIXTEENTH), ("2011-10-16", SIXTEENTH), ("２０１１．１０．１６", SIXTEENTH),
        ("2011年3月", PartialDate(2011, 3)), ("2011.10.", OCTOBER),
    ],
)  # fmt: skip
def test_parse(text, expected):
    assert PartialDate.parse(text) == expected


@pytest.mark.parametrize("text", ["", "2011", "去年", "2011-13", "2011-02-30", "11-10", "2011-10-16-1"])
def test_parse_refuses(text):
    with pytest.raises(ValueError):
        PartialDate.parse(text)


def test_words():
    assert (str(OCTOBER), OCTOBER.zh(), OCTOBER.dotted()) == ("2011-10", "2011年10月", "2011.10")
    assert (str(SIXTEENTH), SIXTEENTH.zh(), SIXTEENTH.dotted()) == ("2011-10-16", "2011年10月16日", "2011.10.16")
    assert OCTOBER.first_day() == dt.date(2011, 10, 1)
    assert PartialDate.from_date(dt.date(2011, 10, 16)) == SIXTEENTH


def test_a_month_comes_before_its_days():
    assert sorted([SIXTEENTH, PartialDate(2011, 11), OCTOBER]) == [OCTOBER, SIXTEENTH, PartialDate(2011, 11)]
    assert OCTOBER != SIXTEENTH


partial_dates = st.dates(min_value=dt.date(1900, 1, 1)).flatmap(
    lambda day: st.sampled_from([PartialDate.from_date(day), PartialDate(day.year, day.month)])
)


@given(partial_dates, partial_dates)
def test_text_sorts_as_the_date_does_and_reads_back(one, two):
    assert PartialDate.parse(str(one)) == one == PartialDate.parse(one.zh())
    assert (str(one) < str(two)) == (one < two)


def test_form_field():
    field = PartialDateFormField(required=False)
    assert field.clean("2011.10") == OCTOBER
    assert field.clean("") is None
    with pytest.raises(ValidationError, match="2011-10"):
        field.clean("前年")
