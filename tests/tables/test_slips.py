"""Slips to cut: one page holds 21, each stack begins on a new one, and nothing of them stays in the typesetter."""

import io

import pytest
from django.conf import settings
from pypdf import PdfReader

from reporting.tables import slips
from reporting.tables.pdf import drawing
from reporting.tables.slips import Line, Slip
from reporting.tables.xlsx import Properties

DARK = ((True, False), (False, True))


def made(count, stack="甲支部", text="QWER"):
    return [Slip(stack, (Line("甲支部", "hei", 9), Line(f"{text}{n:02d}", across=True)), DARK) for n in range(count)]


def pages_of(content):
    return PdfReader(io.BytesIO(content)).pages


def test_a_page_holds_21_and_a_stack_begins_a_new_one():
    content = slips.render(made(22) + made(1, "乙支部"), Properties(title="评议码"), font_dirs=settings.FONT_DIRS)
    pages = pages_of(content)
    assert [page.extract_text().count("QWER") for page in pages] == [21, 1, 1]
    # Each stack is numbered from 1 and named at the foot, so that it can be handed on by itself.
    assert ["— 1 —" in page.extract_text() for page in pages] == [True, False, True]
    assert "乙支部" in pages[2].extract_text()
    assert [round(float(one)) for one in pages[0].mediabox] == [0, 0, 595, 842]


def test_the_lines_of_slips_are_forgotten():
    slips.render(made(1, text="CANARY"), Properties(), font_dirs=settings.FONT_DIRS)
    with drawing(settings.FONT_DIRS) as setter:
        assert not any("CANARY" in text for text, _, _ in setter._runs)
        # The control: an ordinary line is remembered.
        setter.run("CANARY", "hei", 9)
        assert any("CANARY" in text for text, _, _ in setter._runs)
        setter.forget()


def test_a_long_name_is_broken_then_set_smaller():
    assert slips._fitted(Line("甲" * 10, "hei", 9, most=2), 20) == (9, ("甲" * 6, "甲" * 4))
    points, lines = slips._fitted(Line("甲" * 16, "hei", 9, most=2), 20)
    assert (points, [len(line) for line in lines]) == (7.0, [8, 8])


def test_without_slips_there_is_no_document():
    with pytest.raises(ValueError, match="needs a slip"):
        slips.render([], Properties())
