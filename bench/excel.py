"""附件5 as a workbook, against what any writer must do and against openpyxl's fastest way.

`rows → file` begins with the facts of the branches and lays them out; `cells → file` begins with the laid-out sheet.
The floor builds byte by byte the same sheet member from ready, escaped texts, and deflates it with zlib level 6.
"""

import io
import math
import random
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from xml.sax.saxutils import unescape

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange

from bench.figures import Figure, Result, in_child, in_turns, over, peak_megabytes
from reporting.annexes import annex5
from reporting.annexes.facts import Annex5, BranchResult, RoundFacts, Source, Stamp
from reporting.tables import Sheet, lay_out, metrics, xlsx

ROWS = 5_000
STAMP = Stamp("2012年3月30日", "林婷", "17000000000")
GRADES = ("先进", "较好", "一般", "后进")
SOURCES = (
    Source("self", "支部自评", "自评", Decimal(20)),
    Source("appraisal", "群众评议", "群众", Decimal(20)),
    Source("annual", "年度考核", "年度", Decimal(20)),
    Source("superior", "党总支考评", "总支", Decimal(40)),
)
ROUND = RoundFacts(
    "清源师范学院", "清源师范学院党委", "清源师范学院党委组织部", "第一轮", GRADES, SOURCES, ("教师", "学生")
)
SURNAMES = "林陈黄郑王吴李张刘杨邱连施潘郭叶许何谢罗"
GIVEN = "静娟宇芳锋斌堃雅凤秋莹少嘉龙志思舟婷海明建华文丽强春晓"
SUBJECTS = ("数学", "汉语言文学", "计算机", "英语本科", "物理", "化学工程", "美术", "历史", "软件工程专业")
FAULTS = (
    "支委未配齐",
    "青年教师中发展党员较少",
    "群众意见反馈不及时",
    "会议记录漏记缺席人员",
    "学习以念文件为主",
    "到期未换届",
)
REASONS = ("分工不明确", "制度落实不到位", "与教学科研结合不紧", "活动经费台账不全", "流动党员联系不上", "场所不固定")


def branches(count: int) -> tuple[BranchResult, ...]:
    """Return branches in groups of eight, their names and most of their texts different from each other."""
    dice = random.Random(2012)

    def branch(number: int) -> BranchResult:
        scores = tuple(Decimal(dice.randint(6000, 9999)).scaleb(-2) for _ in SOURCES)
        exact = sum((s * w for s, w in zip(scores, (2, 2, 2, 4), strict=True)), Decimal(0)) / 10
        grade = dice.choice(GRADES)
        full, valid = dice.randint(3, 60), dice.randint(12, 90)
        name = f"{dice.choice(SUBJECTS)}{2000 + number % 12}级第{number}党支部"
        return BranchResult(
            code=f"B{number}", group=f"{dice.choice(SUBJECTS)}学院第{number // 8}党总支", name=name, short_name=name,
            category=dice.choice(("教师", "学生")), members=full + 4, full_members=full, probationary=4,
            secretary=dice.choice(SURNAMES) + "".join(dice.sample(GIVEN, dice.randint(1, 2))), scores=scores,
            composite=exact.quantize(Decimal("0.01")), exact=exact, valid=valid, satisfied=dice.randint(8, valid),
            self_grade=grade, proposed_grade=grade, decided_grade=dice.choice((grade, "")), veto_known=True,
            problem=f"{dice.choice(FAULTS)}，{dice.choice(REASONS)}" if dice.random() < 0.7 else f"第{number}条未落实",
            target=grade, remark="",
        )  # fmt: skip

    rows = [branch(number) for number in range(count)]
    return tuple(replace_group(row, rows[index - index % 8].group) for index, row in enumerate(rows))


def replace_group(row: BranchResult, group: str) -> BranchResult:
    """Return the branch under another 党总支."""
    return BranchResult(**{name: getattr(row, name) for name in row.__slots__} | {"group": group})


@cache
def facts(count: int) -> Annex5:
    """Return 附件5 of a school with this many branches."""
    return Annex5(ROUND, ROUND.office, branches(count), merged=True)


def laid(count: int) -> Sheet:
    """Lay the table out."""
    given = facts(count)
    return lay_out(annex5.table(given, STAMP), given.rows)


# The floor: what any writer must do

#: A cell as the floor has it: column, number of its format, kind of content, escaped text.
ReadyCell = tuple[str, str, str, str]
_ROW = re.compile(r'<row r="(\d+)" ht="([\d.]+)" customHeight="1">(.*?)</row>', re.DOTALL)
_CELL = re.compile(r'<c r="([A-Z]+)\d+" s="(\d+)"(.*?)(?=<c r=|$)', re.DOTALL)
_CONTENT = re.compile(
    r'/>|><v>(?P<number>.*)</v></c>| t="inlineStr"><is><t(?P<kept> xml:space="preserve")?>(?P<text>.*)</t></is></c>',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A sheet member taken apart into ready texts: what the floor puts together again."""

    head: str
    rows: list[tuple[str, str, list[ReadyCell]]]
    tail: str


def ready_cell(column: str, style: str, rest: str) -> ReadyCell:
    """Return a cell taken apart."""
    found = _CONTENT.fullmatch(rest)
    if found is None:
        raise ValueError(rest)
    if found["number"] is not None:
        return column, style, "number", found["number"]
    if found["text"] is not None:
        return column, style, "kept" if found["kept"] else "text", found["text"]
    return column, style, "blank", ""


def take_apart(member: bytes) -> Ready:
    """Return the texts of a sheet member."""
    text = member.decode()
    start, stop = text.index("<sheetData>") + len("<sheetData>"), text.index("</sheetData>")
    rows = [
        (number, height, [ready_cell(*cell) for cell in _CELL.findall(inner)])
        for number, height, inner in _ROW.findall(text, start, stop)
    ]
    return Ready(text[:start], rows, text[stop:])


def build(ready: Ready) -> bytes:
    """Put a sheet member together from ready texts, as plainly as can be."""
    out = [ready.head]
    for number, height, cells in ready.rows:
        out.append(f'<row r="{number}" ht="{height}" customHeight="1">')
        for column, style, kind, text in cells:
            if kind == "text":
                out.append(f'<c r="{column}{number}" s="{style}" t="inlineStr"><is><t>{text}</t></is></c>')
            elif kind == "number":
                out.append(f'<c r="{column}{number}" s="{style}"><v>{text}</v></c>')
            elif kind == "blank":
                out.append(f'<c r="{column}{number}" s="{style}"/>')
            else:
                kept = f' t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
                out.append(f'<c r="{column}{number}" s="{style}"{kept}')
        out.append("</row>")
    out.append(ready.tail)
    return "".join(out).encode()


def deflated(content: bytes, level: int) -> bytes:
    """Return bytes as a zip member holds them."""
    squeeze = zlib.compressobj(level, zlib.DEFLATED, -15)
    return squeeze.compress(content) + squeeze.flush()


def floor(ready: Ready, level: int = 6) -> int:
    """Build and deflate a sheet member; return its size."""
    return len(deflated(build(ready), level))


# openpyxl's fastest way: write_only, one StyleArray for each format


@dataclass(frozen=True, slots=True)
class Plain:
    """A sheet as openpyxl's user would have it: values with formats, heights, merges."""

    rows: list[tuple[float, list[tuple[object, int]]]]
    formats: list[dict[str, object]]
    merges: list[str]
    widths: tuple[float, ...]


def plain(content: bytes, ready: Ready, sheet: Sheet) -> Plain:
    """Return the values and formats of a workbook."""
    book = load_workbook(io.BytesIO(content))
    page = book.worksheets[0]
    formats: dict[int, dict[str, object]] = {}
    for row in page.iter_rows():
        for cell in row:
            formats.setdefault(
                cell.style_id,
                {
                    "font": copy(cell.font), "border": copy(cell.border), "alignment": copy(cell.alignment),
                    "number_format": cell.number_format,
                },
            )  # fmt: skip

    def value(kind: str, text: str) -> object:
        return float(text) if kind == "number" else unescape(text) if text else None

    order = {number: index for index, number in enumerate(formats)}
    rows = [
        (
            float(height),
            [(value(kind, text), order[page[f"{column}{number}"].style_id]) for column, _, kind, text in cells],
        )
        for number, height, cells in ready.rows
    ]
    merges = [str(one) for one in page.merged_cells.ranges]
    return Plain(rows, list(formats.values()), merges, sheet.widths_mm)


def by_openpyxl(given: Plain) -> int:
    """Write the same sheet with openpyxl; return the size of the file."""
    book = Workbook(write_only=True)
    page = book.create_sheet("附件5")
    styles = []
    for properties in given.formats:
        cell = WriteOnlyCell(page)
        for name, value in properties.items():
            setattr(cell, name, value)
        styles.append(cell._style)  # noqa: SLF001 - that is the trick
    for index, width in enumerate(given.widths, 1):
        page.column_dimensions[get_column_letter(index)].width = width
    page.merged_cells.ranges = {CellRange(one) for one in given.merges}
    for number, (height, cells) in enumerate(given.rows, 1):
        page.row_dimensions[number].height = height
        line = []
        for value, style in cells:
            cell = WriteOnlyCell(page, value)
            cell._style = styles[style]  # noqa: SLF001
            line.append(cell)
        page.append(line)
    out = io.BytesIO()
    book.save(out)
    return len(out.getvalue())


# Figures


def from_rows(count: int) -> int:
    """Make a file from facts, as a worker that never saw these branches."""
    metrics.wrap.cache_clear()
    return len(xlsx.render([laid(count)]))


@cache
def times() -> dict[str, float]:
    """Return the seconds of everything that is compared at 5,000 rows."""
    sheet = laid(ROWS)
    content = xlsx.render([sheet])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.read("xl/worksheets/sheet1.xml")
    ready = take_apart(member)
    if build(ready) != member:
        raise RuntimeError("the floor does not build the same bytes")
    given = plain(content, ready, sheet)
    return in_turns({
        "rows": lambda: from_rows(ROWS),
        "cells": lambda: xlsx.render([sheet]),
        "floor": lambda: floor(ready),
        "floor at our level": lambda: floor(ready, xlsx.DEFLATE),
        "openpyxl": lambda: by_openpyxl(given),
    }, collector=False)  # fmt: skip


def ratio(first: str, second: str) -> Callable[[], Result]:
    """Return what compares two of the times."""

    def measure() -> Result:
        taken = times()
        return Result(taken[first] / taken[second], how=over(taken[first], taken[second]))

    return measure


def growth() -> Result:
    """Return the exponent of the time from 500 to 50,000 rows."""
    few, many = 500, 50_000
    facts(many)
    taken = in_turns({"few": lambda: from_rows(few), "many": lambda: from_rows(many)}, collector=False)
    return Result(math.log(taken["many"] / taken["few"], many / few), how=over(taken["many"], taken["few"]))


def memory_from_rows(count: int) -> float:
    """Return the megabytes a file of so many rows takes on top of the facts."""
    facts(count)
    xlsx.render([laid(20)])
    with tempfile.TemporaryFile() as target:
        return peak_megabytes(lambda: xlsx.write([laid(count)], target))


def memory_from_cells(count: int) -> float:
    """Return the megabytes writing takes on top of the laid-out sheet."""
    sheet = laid(count)
    xlsx.render([laid(20)])
    with tempfile.TemporaryFile() as target:
        return peak_megabytes(lambda: xlsx.write([sheet], target))


FIGURES = (
    Figure("附件5 xlsx, 5,000 rows: cells → file ÷ (string build + zlib-6)", "≤ 1.4", "≤ 1.2", ratio("cells", "floor")),
    Figure("附件5 xlsx, 5,000 rows: rows → file ÷ the same", "≤ 1.4", "≤ 1.2", ratio("rows", "floor")),
    Figure("附件5 xlsx: cells → file ÷ the same with our deflate", "", "", ratio("cells", "floor at our level")),
    Figure("附件5 xlsx: openpyxl write_only, cached styles ÷ cells → file", "≥ 7", "≥ 10", ratio("openpyxl", "cells")),
    Figure("附件5 xlsx: openpyxl write_only, cached styles ÷ rows → file", "", "", ratio("openpyxl", "rows")),
    Figure("附件5 xlsx: growth exponent of rows → file, 500 → 50,000", "≤ 1.05", "", growth),
    Figure(
        "附件5 xlsx: memory of rows → file over the rows, 50,000", "≤ 25", "",
        lambda: Result(in_child(memory_from_rows, 50_000), "MB"),
    ),
    Figure(
        "附件5 xlsx: memory of cells → file over the cells, 50,000", "≤ 25", "",
        lambda: Result(in_child(memory_from_cells, 50_000), "MB"),
    ),
)  # fmt: skip
