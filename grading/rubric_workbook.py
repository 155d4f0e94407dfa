"""A rubric as an Excel workbook that comes back as it left: a sheet each for head, sections, items and options."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from grading.scoring.numbers import plain

Value = str | Decimal | None
HEAD, SECTIONS, ITEMS, OPTIONS, NOTES = "评分标准", "项目", "条目", "档次", "说明"
YES, NO = "是", "否"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its heading, the key of plain values it holds, how wide it is, and which words it takes."""

    heading: str
    key: str
    width: int = 12
    words: tuple[tuple[str, str], ...] = ()
    number: bool = False
    needed: bool = False


KINDS = (
    ("points", "打分"), ("levels", "分档"), ("deduction", "扣分"), ("bonus", "加分"), ("veto", "否决"),
    ("system", "系统填写"),
)  # fmt: skip
NOT_APPLICABLE = (("total", "按合计折算"), ("section", "在本部分内折算"), ("refused", "不允许填不适用"))
EXCEED = (("none", "各部分不超过满分"), ("section", "部分可超过，合计不超过"), ("total", "合计也可超过"))

HEAD_FIELDS = (
    Field("代码", "code", 40, needed=True),
    Field("名称", "title", 40, needed=True),
    Field("附件", "form_code", 40),
    Field("不适用的处理", "not_applicable", 40, NOT_APPLICABLE, needed=True),
    Field("加分超出满分", "exceed", 40, EXCEED, needed=True),
    Field("来源", "source", 40),
)
TABLES: dict[str, tuple[Field, ...]] = {
    SECTIONS: (
        Field("编号", "code", 10, needed=True),
        Field("项目", "name", 30, needed=True),
        Field("分值", "points", 10, number=True, needed=True),
    ),
    ITEMS: (
        Field("项目编号", "section", 10, needed=True),
        Field("编号", "code", 10, needed=True),
        Field("具体内容", "text", 50, needed=True),
        Field("分值", "points", 10, number=True, needed=True),
        Field("方式", "kind", 12, KINDS, needed=True),
        Field("最小一档", "step", 10, number=True, needed=True),
        Field("评分说明", "guidance", 50),
        Field("须附佐证", "evidence_required", 10, ((YES, YES), (NO, NO)), needed=True),
        Field("取数", "figure", 16),
    ),
    OPTIONS: (
        Field("项目编号", "section", 10, needed=True),
        Field("条目编号", "item", 10, needed=True),
        Field("名称", "label", 40, needed=True),
        Field("得分", "points", 10, number=True, needed=True),
        Field("下限（%）", "minimum", 10, number=True),
    ),
}
LINES = (
    "在“评分标准”“项目”“条目”“档次”四张表里填写；表名和第一行的标题不要改，列的先后可以调。",
    "条目的“方式”：打分、分档、扣分（扣完为止）、加分（分值是最多加多少）、否决（不打分）、系统填写（要写取数）。",
    "“档次”表：分档的写各档得分；扣分、加分的可以写每次扣几分、加几分，填表时按次数算；系统填写的写各档和下限。",
    "“项目”的分值应等于其下条目分值之和（加分、否决不算在内），各项目合计一般为 100 分。",
    "“取数”写系统指标的代码：satisfaction 满意率，training 培训率，interview_coverage 访谈覆盖率。",
    "填好后在“评分标准—从 Excel 导入”里上传：先列出与现有版本的不同，确认后存为新的草稿版本，已发布的版本不会改动。",
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_LITERAL = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_BOLD, _GREY = Font(bold=True), PatternFill("solid", fgColor="F1F3F5")


def _escaped(text: str) -> str:
    """Return text as the file format keeps every character of it."""
    return _CONTROL.sub(lambda found: f"_x{ord(found.group()):04X}_", _LITERAL.sub("_x005F_", text))


def _put(cell: Cell, value: Value) -> None:
    """Write one value; text stays text, whatever it begins with."""
    if value is None or value == "":
        return
    if isinstance(value, Decimal):
        cell.value = value
        cell.number_format = "0.##"
        return
    cell.value = _escaped(value)
    cell.data_type = "s"
    cell.number_format = "@"
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if value[:1] in "=+-@":
        cell.quotePrefix = True


def _heading(sheet: Worksheet, fields: Sequence[Field]) -> None:
    for column, field in enumerate(fields, start=1):
        cell = sheet.cell(1, column, field.heading)
        cell.font, cell.fill = _BOLD, _GREY
        sheet.column_dimensions[get_column_letter(column)].width = field.width
        if field.words:
            _drop_down(sheet, field, f"{get_column_letter(column)}2:{get_column_letter(column)}500")
    sheet.freeze_panes = "A2"


def _drop_down(sheet: Worksheet, field: Field, cells: str) -> None:
    rule = DataValidation("list", formula1=f'"{",".join(word for _, word in field.words)}"', allow_blank=True)
    rule.error, rule.errorTitle = f"请从下拉列表里选{field.heading}。", field.heading
    sheet.add_data_validation(rule)
    rule.add(cells)


def _said(field: Field, value: Any) -> Value:
    """Return a plain value as the workbook shows it."""
    if value is None:
        return None
    if field.words:
        return dict(field.words).get(str(value), str(value))
    return Decimal(plain(Decimal(str(value)))) if field.number else str(value)


def rows_of(sections: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return sections with their items and options as the rows of the three tables."""
    found: dict[str, list[dict[str, Any]]] = {SECTIONS: [], ITEMS: [], OPTIONS: []}
    for section in sections:
        found[SECTIONS].append(dict(section))
        for item in section["criteria"]:
            evidence = YES if item.get("evidence_required") else NO
            row = {"kind": "points", "step": "0.5", **item, "section": section["code"], "evidence_required": evidence}
            found[ITEMS].append(row)
            for level in item.get("levels", []):
                found[OPTIONS].append({**level, "section": section["code"], "item": item["code"]})
    return found


def write(header: Mapping[str, str], sections: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the workbook of a rubric: `header` by the keys of HEAD_FIELDS, sections as services.rubrics.items_of."""
    book = Workbook()
    head = book.active
    head.title = HEAD
    head.column_dimensions["A"].width, head.column_dimensions["B"].width = 18, 60
    for number, field in enumerate(HEAD_FIELDS, start=1):
        head.cell(number, 1, field.heading).font = _BOLD
        _put(head.cell(number, 2), _said(field, header.get(field.key, "")))
        if field.words:
            _drop_down(head, field, f"B{number}")
    for name, rows in rows_of(sections).items():
        sheet, fields = book.create_sheet(name), TABLES[name]
        _heading(sheet, fields)
        for number, row in enumerate(rows, start=2):
            for column, field in enumerate(fields, start=1):
                _put(sheet.cell(number, column), _said(field, row.get(field.key)))
    notes = book.create_sheet(NOTES)
    notes.column_dimensions["A"].width = 110
    for number, line in enumerate(LINES, start=1):
        notes.cell(number, 1, f"{number}. {line}").alignment = Alignment(wrap_text=True, vertical="top")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


TEMPLATE_HEADER = {
    "code": "my-rubric", "title": "党支部分类定级评分参考标准", "form_code": "附件2", "not_applicable": "total",
    "exceed": "none", "source": "",
}  # fmt: skip
TEMPLATE_SECTIONS: list[dict[str, Any]] = [
    {
        "code": "A", "name": "领导班子好", "points": "60",
        "criteria": [
            {"code": "A1", "text": "支委配备齐全，按期换届", "points": "20", "guidance": "示例，请改成本校的条目。"},
            {
                "code": "A2", "text": "制度健全", "points": "20", "kind": "levels",
                "levels": [
                    {"label": "健全", "points": "20"}, {"label": "比较健全", "points": "10"},
                    {"label": "不健全", "points": "0"},
                ],
            },
            {
                "code": "A3", "text": "党员大会、支委会、党课按期召开", "points": "20", "kind": "deduction",
                "levels": [{"label": "少开一次", "points": "2"}, {"label": "记录不全", "points": "1"}],
            },
        ],
    },
    {
        "code": "B", "name": "工作业绩好", "points": "40",
        "criteria": [
            {"code": "B1", "text": "完成上级部署的任务", "points": "32", "evidence_required": True},
            {
                "code": "B2", "text": "群众满意率", "points": "8", "kind": "system", "figure": "satisfaction",
                "levels": [
                    {"label": "95%以上", "points": "8", "minimum": "95"},
                    {"label": "80%以上", "points": "5", "minimum": "80"},
                    {"label": "80%以下", "points": "0"},
                ],
            },
            {
                "code": "B3", "text": "受到校级以上表彰或宣传报道", "points": "3", "kind": "bonus",
                "levels": [{"label": "每篇报道", "points": "0.5"}, {"label": "每项表彰", "points": "1"}],
            },
        ],
    },
]  # fmt: skip
