"""Offline workbooks for tests: one of invented facts, and filling in cells by field as a spreadsheet program does."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl

from reporting.offline import ticket as tickets
from reporting.offline.forms import Check, Item, OfflineFacts
from reporting.offline.ticket import Ticket
from reporting.offline.workbook import build
from tests.reporting import samples

KEY = b"a key of tests"
MADE = Path(__file__).resolve().parent.parent / "data" / "offline"
TICKET = Ticket(
    school="清源师范学院", round=1, round_name="2012年第一轮", unit=7, code="SJ02", name="计算机系教工党支部", rubric=2,
    rubric_title="教师党支部分类定级评分参考标准 第1版", survey_version=3, sheet_version=4, made_on="2012年3月20日",
)  # fmt: skip
CODES = ("organisation", "committee", "systems", "direction", "activities", "role", "support")
ITEMS = (
    Item("A1", "支委配备齐全，按期换届，每名委员有明确分工", Decimal(2), Decimal("0.5"), guidance="缺一名扣0.5分"),
    Item("A2", "支委带头学理论", Decimal(3), Decimal(1), levels=(("健全", Decimal(3)), ("基本健全", Decimal("1.5")))),
    Item("B1", "党员身份意识强，主动为师生服务", Decimal(3), Decimal("0.25")),
    Item("B2", "参学率", Decimal(3), Decimal("0.5"), system=True),
)


def facts(**values: str) -> OfflineFacts:
    """Return the facts of an invented branch; `values` replaces fields, colons written as two underscores."""
    checks = tuple(Check(code, text) for code, text in zip(CODES, samples.ROUND.checks, strict=True))
    given = {f"{kind}:{code}": "" for code in CODES for kind in ("check", "note")}
    given |= {"check:organisation": "好", "check:support": "差", "note:support": "无固定场所", "target": "较好"}
    given |= {"text:problems": "1．活动少。\n2．记录不全。", "text:goal": "", "text:measures": "每月一次"}
    for item in ITEMS:
        if not item.system:
            given |= {f"points:{item.code}": "", f"na:{item.code}": "", f"remark:{item.code}": ""}
    given |= {"points:A1": "1.5", "remark:A1": "缺一名"}
    given |= {name.replace("__", ":"): value for name, value in values.items()}
    return OfflineFacts(
        samples.FORM, samples.scoring_sheet(), samples.STAMP, checks, ITEMS, not_applicable=True, values=given
    )


def workbook(given: OfflineFacts | None = None, ticket: Ticket = TICKET, key: bytes = KEY) -> bytes:
    """Return a workbook of these facts."""
    return build(given or facts(), ticket, key)


def cells_of(data: bytes) -> dict[str, tuple[str, str]]:
    """Return sheet and cell of every field, read from the hidden sheet without checking it."""
    return _places(openpyxl.load_workbook(io.BytesIO(data), read_only=True))


def _places(book: openpyxl.Workbook) -> dict[str, tuple[str, str]]:
    lines = [str(row[0]) for row in book[tickets.SHEET].iter_rows(values_only=True)]
    places = {}
    for line in lines[2:-1]:
        sheet, row, _, _, opened = json.loads(line)
        places |= {field: (sheet, tickets.cell_name(row, column)) for column, field, _ in opened}
    return places


def filled(data: bytes, cells: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """Return the workbook with fields typed in (colons as two underscores), and other cells by "sheet!A1"."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    places = _places(book)
    for name, value in fields.items():
        sheet, cell = places[name.replace("__", ":")]
        book[sheet][cell] = value
    for place, value in (cells or {}).items():
        sheet, _, cell = place.partition("!")
        book[sheet][cell] = value
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    """Return a workbook as bytes."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
