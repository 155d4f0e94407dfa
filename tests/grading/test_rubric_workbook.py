"""A rubric out to Excel and back: identical rows; faults by sheet and cell; what differs between two versions."""

import io

import openpyxl
import pytest

from branches.intake.workbook import read_workbook
from grading import importers_rubric, rubric_diff, rubric_workbook
from grading.models import Rubric
from grading.services import presets, rubrics
from grading.services.errors import RefusedError
from tests.factories.grading import PRESET_2012
from tests.factories.kinds import KINDS, rubric_of_all_kinds

db = [pytest.mark.db, pytest.mark.once]
unit = pytest.mark.unit
HEAD = {
    "code": "kinds", "title": "评分标准", "form_code": "附件2", "not_applicable": "total", "exceed": "none",
    "source": "",
}  # fmt: skip


def back(data):
    return importers_rubric.read(read_workbook("标准.xlsx", data))


def changed(data, sheet, cell, value):
    book = openpyxl.load_workbook(io.BytesIO(data))
    book[sheet][cell] = value
    out = io.BytesIO()
    book.save(out)
    return back(out.getvalue())


def faults(reading):
    return [(problem.sheet, problem.cell, problem.reason) for problem in reading.errors]


@pytest.mark.db
@pytest.mark.once
def test_every_shipped_rubric_comes_back_identical():
    for folder in sorted(PRESET_2012.parent.iterdir()):
        if folder.is_dir():
            presets.load_preset(by=None, path=folder)
    rubric_of_all_kinds()
    checked = 0
    for row in Rubric.objects.all():
        data = rubric_workbook.write(rubrics.header_of(row), rubrics.items_of(row))
        reading = back(data)
        assert faults(reading) == []
        assert reading.header == rubrics.header_of(row)
        assert reading.sections == rubrics.items_of(row)
        checked += 1
    assert checked >= 10


@pytest.mark.db
@pytest.mark.once
def test_text_keeps_every_character():
    odd = [
        {
            "code": "A", "name": "=SUM(1)", "points": "0.25",
            "criteria": [
                {
                    "code": "01", "text": " 前后有空格 ", "points": "0.25", "step": "0.25",
                    "guidance": "第一行\r\n第二行\n_x0041_ 不是 A\t制表", "kind": "levels",
                    "levels": [{"label": "+1", "points": "0.25"}, {"label": "12", "points": "0"}],
                },
            ],
        }
    ]  # fmt: skip
    row = rubrics.import_version(by=None, header=HEAD, sections=odd)
    assert back(rubric_workbook.write(rubrics.header_of(row), rubrics.items_of(row))).sections == rubrics.items_of(row)


@pytest.mark.db
@pytest.mark.once
def test_an_import_is_the_next_draft_and_the_same_twice_is_refused():
    row = rubric_of_all_kinds()
    data = rubric_workbook.write(rubrics.header_of(row), rubrics.items_of(row))
    reading = back(data)
    with pytest.raises(RefusedError, match="完全相同"):
        rubrics.import_version(by=None, header=reading.header, sections=reading.sections)
    reading = changed(data, "条目", "C2", "支委分工明确，人人有责")
    fresh = rubrics.import_version(by=None, header=reading.header, sections=reading.sections)
    assert (fresh.version, fresh.state) == (2, "draft")
    assert rubrics.items_of(fresh)[0]["criteria"][0]["text"] == "支委分工明确，人人有责"
    assert rubrics.items_of(Rubric.objects.get(code="kinds", version=1)) == rubrics.items_of(row)


@unit
def test_the_template_can_be_imported_as_it_is():
    reading = back(rubric_workbook.write(rubric_workbook.TEMPLATE_HEADER, rubric_workbook.TEMPLATE_SECTIONS))
    assert faults(reading) == []
    assert [len(section["criteria"]) for section in reading.sections] == [3, 3]


@unit
@pytest.mark.parametrize(
    ("sheet", "cell", "value", "fault"),
    [
        ("条目", "D2", "十分", ("条目", "D2", "“十分”不是分数，请填 0 以上、最多两位小数的数字。")),
        ("条目", "D2", 0.125, ("条目", "D2", "“0.125”不是分数，请填 0 以上、最多两位小数的数字。")),
        ("条目", "D2", -1, ("条目", "D2", "“-1”不是分数，请填 0 以上、最多两位小数的数字。")),
        ("条目", "D2", "=1+1", ("条目", "D2", "“分值”是公式，请改成数值或文字。")),
        (
            "条目", "E2", "打星",
            ("条目", "E2", "“打星”不认识，方式请填 打分、分档、扣分、加分、否决、系统填写。"),
        ),
        ("条目", "A2", "Z", ("条目", "A2", "“项目”表里没有编号为 Z 的项目。")),
        ("条目", "C2", None, ("条目", "C2", "“具体内容”没有填。")),
        ("条目", "C2", "长" * 201, ("条目", "C2", "“具体内容”有 201 个字，最多 200 个字。")),
        ("条目", "B3", "A1", ("条目", "B3", "条目编号 A1 重复。")),
        ("条目", "I6", None, ("条目", "I6", "由系统填写的条目须写明取数。")),
        ("项目", "A3", "A", ("项目", "A3", "项目编号 A 重复。")),
        ("项目", "B1", "部分", ("项目", "B1", "不认识“部分”这一列，请照模板的标题。")),
        ("档次", "B2", "Q9", ("档次", "B2", "“条目”表里没有项目 A 的条目 Q9。")),
        ("档次", "E7", 120, ("档次", "E7", "下限是百分数，应在 0 至 100 之间。")),
        ("评分标准", "B1", "评分 标准", ("评分标准", "B1", "代码只能用英文字母、数字和连字符。")),
    ],
)  # fmt: skip
def test_faults_are_named_by_sheet_and_cell(sheet, cell, value, fault):
    data = rubric_workbook.write(HEAD, KINDS)
    assert fault in faults(changed(data, sheet, cell, value))


@unit
def test_a_missing_sheet_is_named():
    book = openpyxl.load_workbook(io.BytesIO(rubric_workbook.write(HEAD, KINDS)))
    del book["档次"]
    out = io.BytesIO()
    book.save(out)
    assert faults(back(out.getvalue())) == [
        ("档次", "—", "缺少工作表“档次”。请用“下载模板”得到的工作簿填写。"),
    ]


def item(code, text, points="5", **more):
    return {"code": code, "text": text, "points": points, **more}


def section(*items, name="领导班子好", points="15"):
    return {"code": "A", "name": name, "points": points, "criteria": list(items)}


@unit
def test_what_differs_is_told_item_by_item():
    old = [section(item("A1", "支委齐全"), item("A2", "按期换届"), item("A3", "分工明确"))]
    new = [
        section(item("A1", "支委配备齐全", "6"), item("A3", "分工明确"), item("A4", "谈心谈话", "4"), points="15")
    ]  # fmt: skip
    found = rubric_diff.compare((HEAD, old), ({**HEAD, "exceed": "total"}, new))
    assert [(one.fate.value, (one.after or one.before)["code"]) for one in found.items] == [
        ("changed", "A1"), ("removed", "A2"), ("same", "A3"), ("added", "A4"),
    ]  # fmt: skip
    first = found.items[0]
    assert (first.old_points, first.new_points, first.points_differ) == ("5", "6", True)
    assert [(change.label, change.before, change.after) for change in first.changes] == [
        ("具体内容", "支委齐全", "支委配备齐全"), ("分值", "5", "6"),
    ]  # fmt: skip
    assert [(piece.text, piece.changed) for piece in first.new_text] == [
        ("支委", False),
        ("配备", True),
        ("齐全", False),
    ]
    assert [(change.label, change.after) for change in found.head] == [("加分超出满分", "合计也可超过")]
    assert found.counts == [("新增", 1), ("删除", 1), ("修改", 1)]
    assert (found.old_total, found.new_total, found.empty) == ("15", "15", False)


@unit
def test_a_renumbered_item_is_one_item():
    found = rubric_diff.compare((HEAD, [section(item("A1", "支委齐全"))]), (HEAD, [section(item("A2", "支委齐全"))]))
    assert [(one.fate.value, one.changes) for one in found.items] == [
        ("changed", (rubric_diff.Change("编号", "A1", "A2"),)),
    ]


@unit
def test_numbers_written_differently_are_the_same():
    found = rubric_diff.compare(
        (HEAD, [section(item("A1", "支委", "5.00"))]), (HEAD, [section(item("A1", "支委", "5"))])
    )
    assert found.empty
