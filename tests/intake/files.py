"""Test workbooks: the office's files of tests/data, and small ones made on the spot."""

import io
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from branches.intake.roster import read_roster
from branches.intake.shapes import Grid, RosterReading, Workbook
from branches.intake.vocabulary import Vocabulary, load_vocabulary
from branches.intake.workbook import read_workbook

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests" / "data"


@lru_cache
def words() -> Vocabulary:
    return load_vocabulary(ROOT / "presets" / "words.toml")


@lru_cache
def office_file(name: str) -> Workbook:
    return read_workbook(name, (DATA / name).read_bytes())


@lru_cache
def sample() -> RosterReading:
    return read_roster(office_file("roster-sample.xlsx"), words())


def saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def made(*rows: list[Any], title: str = "花名册", change: Callable[[Worksheet], None] | None = None) -> bytes:
    """Return an .xlsx of one sheet with these rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if change:
        change(sheet)
    return saved(book)


def read(data: bytes, name: str = "测试.xlsx", **options: Any) -> RosterReading:
    return read_roster(read_workbook(name, data), words(), **options)


def grid(*rows: list[Any], change: Callable[[Worksheet], None] | None = None) -> Grid:
    return read_workbook("测试.xlsx", made(*rows, change=change)).sheets[0]


def with_member(data: bytes, name: str, content: bytes) -> bytes:
    """Return the ZIP with one more member."""
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def replaced(data: bytes, name: str, edit: Callable[[bytes], bytes]) -> bytes:
    """Return the ZIP with one member rewritten."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member.filename, edit(content) if member.filename == name else content)
    return stream.getvalue()


HEADER = ["所属党总支", "党支部名称", "支部类别", "书记姓名", "正式党员数", "预备党员数", "编号"]


def row(name: str, unit: str = "体育学院党总支", category: str = "教师", **other: Any) -> list[Any]:
    values = {"secretary": "吴勇", "formal": 10, "probationary": 1, "code": ""} | other
    return [unit, name, category, values["secretary"], values["formal"], values["probationary"], values["code"]]
