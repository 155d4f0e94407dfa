"""Reading returned workbooks: what is typed comes back, what was moved or changed is named by sheet and cell."""

import datetime as dt
import io
from dataclasses import replace

import openpyxl
import pytest

from branches.intake.uploads import RefusedUpload
from reporting.offline import sandbox
from reporting.offline.bundle import Sent
from reporting.offline.reader import Fault, choice_of, points_of, read, reading_of, tick_of
from tests.reporting import offline_files as files
from tests.reporting.offline_files import MADE


@pytest.fixture(scope="module")
def blank():
    return files.workbook()


def reading(data, key=files.KEY):
    return read("表.xlsx", data, [key])


def changed(result):
    return {one.field: one.text for one in result.filled if one.changed}


def test_an_untouched_workbook_changes_nothing(blank):
    result = reading(blank)
    assert (changed(result), result.faults, result.ticket) == ({}, (), files.TICKET)
    assert {one.field: one.text for one in result.filled} == files.facts().values


def test_what_is_typed_comes_back_by_field(blank):
    data = files.filled(
        blank, check__committee="☐好　☑一般　☐差", check__systems="差", note__systems="未上墙 ", target="先进",
        text__goal="第二次评定\n达到先进  \n\n", points__A1=2, points__A2="1.5", points__B1="２．２５", na__B1="√",
        remark__B1="=SUM(1,2)会议",
    )  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet, cell = files.cells_of(blank)["remark:B1"]
    book[sheet][cell].data_type = "s"  # typed as text, although it looks like a formula
    assert changed(reading(files.saved(book))) == {
        "check:committee": "一般", "check:systems": "差", "note:systems": "未上墙", "target": "先进",
        "text:goal": "第二次评定\n达到先进", "points:A1": "2", "points:A2": "1.5", "points:B1": "2.25", "na:B1": "√",
        "remark:B1": "=SUM(1,2)会议",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8.5, "8.5"),
        ("8.5", "8.5"),
        (" ８．５ ", "8.5"),
        ("8.50分", "8.5"),
        ("", ""),
        (None, ""),
        (0, "0"),
        ("−1", "-1"),
    ],
)
def test_points_in_every_spelling(value, text):
    assert points_of(value) == text


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("两分", "“两分”不是数字，请填分数，如 2.5。"),
        ("nan", "“nan”不是数字，请填分数，如 2.5。"),
        ("1e3", "“1e3”不是数字，请填分数，如 2.5。"),
        (dt.date(2012, 5, 1), "填成了日期或时间，请填分数，如 2.5。"),
    ],
)
def test_what_is_no_number_says_so(value, sentence):
    with pytest.raises(ValueError) as caught:
        points_of(value)
    assert str(caught.value) == sentence


def test_boxes_in_every_hand():
    texts = ("☑好　☐一般", "☐好　☒一般", "□好 √一般 □差", "一般", "☐好　☐一般", "☑好　☑差")
    assert [choice_of(text) for text in texts] == ["好", "一般", "一般", "一般", "", "好、差"]
    assert [tick_of(text) for text in ("√", "是", " ", "否", 1.0)] == ["√", "√", "", "", "√"]


def test_a_wrong_cell_is_named_and_the_others_stay(blank):
    data = files.filled(blank, points__A1="两分", points__B1=1, na__A2="也许")
    result = reading(data)
    places = files.cells_of(blank)
    assert result.faults == (
        Fault("附件2", places["points:A1"][1], "“两分”不是数字，请填分数，如 2.5。", "points:A1"),
        Fault("附件2", places["na:A2"][1], "“也许”看不懂：不适用的打“√”，适用的留空。", "na:A2"),
    )
    assert changed(result) == {"points:B1": "1"}


def test_a_formula_is_refused_by_its_cell(blank):
    data = files.filled(blank, points__A1="=1+1", points__B1=1)
    result = reading(data)
    assert [(one.cell, one.text) for one in result.faults] == [
        (files.cells_of(blank)["points:A1"][1], "填的是公式，请改填结果。")
    ]
    assert changed(result) == {"points:B1": "1"}


def test_a_row_tampered_with_is_refused_and_the_rest_is_kept(blank):
    row = files.cells_of(blank)["points:A1"][1][1:]
    data = files.filled(blank, {f"附件2!D{row}": 20}, points__A1=2, points__B1=1)
    result = reading(data)
    assert {(one.cell, one.text) for one in result.faults} == {(f"D{row}", "锁定的内容被改过，这一行不收。")}
    assert {one.field for one in result.faults} == {"points:A1", "na:A1", "remark:A1"}
    assert changed(result) == {"points:B1": "1"}


def test_a_name_changed_on_the_form_is_named(blank):
    result = reading(files.filled(blank, {"附件4!E4": "别的党支部"}))
    assert [(one.sheet, one.cell, one.text) for one in result.faults] == [
        ("附件4", "E4", "锁定的内容被改过，改动不收。")
    ]


def test_what_is_written_outside_is_named(blank):
    result = reading(files.filled(blank, {"附件2!K3": "请领导过目"}))
    assert [(one.sheet, one.cell, one.text) for one in result.faults] == [("附件2", "K3", "表格以外写的内容不会导入。")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda book: book["附件4"].insert_rows(10), "“附件4”第 10 行起多了 1 行，整份不收。"),
        (lambda book: book["附件4"].delete_rows(10, 2), "“附件4”第 10 行起少了 2 行，整份不收。"),
        (lambda book: book["附件2"].insert_cols(1), "“附件2”从 A1 起与下载时不一致"),
        (lambda book: book.remove(book["附件2"]), "缺少工作表“附件2”（可能被删除或改了名），整份不收。"),
        (lambda book: setattr(book["附件2"], "title", "评分"), "缺少工作表“附件2”（可能被删除或改了名），整份不收。"),
        (lambda book: book.remove(book["_zhibu"]), "不是本系统下载的离线表，或者隐藏的标识已被删除。"),
    ],
)
def test_a_changed_structure_is_refused_as_a_whole(blank, change, sentence):
    book = openpyxl.load_workbook(io.BytesIO(blank))
    change(book)
    with pytest.raises(RefusedUpload) as caught:
        reading(files.saved(book))
    assert str(caught.value).startswith(sentence)


def test_a_hidden_sheet_pointed_at_another_branch_is_refused(blank):
    book = openpyxl.load_workbook(io.BytesIO(blank))
    page = book["_zhibu"]
    assert '"unit":7' in page["A2"].value
    page["A2"] = page["A2"].value.replace('"unit":7', '"unit":8')
    with pytest.raises(RefusedUpload, match="隐藏的标识不是本系统签发的（表上写的学校是“清源师范学院”）"):
        reading(files.saved(book))


def test_another_school_is_named():
    foreign = files.workbook(ticket=replace(files.TICKET, school="别处大学"), key=b"theirs")
    with pytest.raises(RefusedUpload, match="表上写的学校是“别处大学”"):
        reading(foreign)


def test_a_retired_key_still_reads(blank):
    assert read("表.xlsx", blank, [b"new", files.KEY]).ticket.unit == 7


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("表.xlsm", b"PK\x03\x04", "带宏的工作簿"),
        ("表.docx", b"PK\x03\x04", "只收填好的离线表（.xlsx）"),
        ("表.xlsx", b"", "文件是空的。"),
        ("表.xlsx", b"%PDF-1.4", "这是 PDF 文件，不是工作簿。"),
        ("../表.xlsx", b"PK\x03\x04", "文件名不合规"),
        ("表.xls", (MADE.parent / "roster-sample.xls").read_bytes(), "这是 .xls 或 .et 格式。"),
        ("表.xls", (MADE.parent / "encrypted.xls").read_bytes(), "文件设了密码。"),
        ("表.xlsx", (MADE.parent / "roster-sample.xlsx").read_bytes(), "不是本系统下载的离线表"),
    ],
)
def test_what_is_no_offline_workbook_is_refused(name, data, sentence):
    with pytest.raises(RefusedUpload) as caught:
        read(name, data, [files.KEY])
    assert sentence in str(caught.value)


def test_a_reading_survives_json(blank):
    result = reading(files.filled(blank, points__A1="两分"))
    assert reading_of(result.plain()) == result


def test_files_of_libreoffice_are_read():
    """Opened, filled and saved by LibreOffice: tests/data/offline/README.md says how."""
    result = reading((MADE / "returned-libreoffice.xlsx").read_bytes())
    assert result.faults == ()
    assert changed(result) == {
        "check:committee": "一般", "note:committee": "拟于5月增补", "text:goal": "第二次评定达到先进\n并保持",
        "points:A1": "2", "points:A2": "1.5", "points:B1": "2.25", "remark:B1": "服务记录8次",
    }  # fmt: skip


def test_a_file_through_ods_and_back_is_read():
    result = reading((MADE / "returned-by-ods.xlsx").read_bytes())
    assert (changed(result)["points:A1"], result.faults) == ("2", ())


def test_many_are_read_in_one_process_which_may_die(blank):
    good, bad = Sent("一.xlsx", blank), Sent("二.xlsx", b"%PDF")
    first, second, third = sandbox.read_all([good, bad, good], [files.KEY])
    assert (first.ticket, second, third.ticket) == (files.TICKET, "这是 PDF 文件，不是工作簿。", files.TICKET)


def test_a_file_that_kills_the_reader_is_refused_and_the_next_ones_read(blank, monkeypatch):
    def ask(rest, keys, memory, seconds):
        return [reading(one.data) for one in rest] if rest[0].name != "炸.xlsx" else []

    monkeypatch.setattr(sandbox, "_ask", ask)
    answers = sandbox.read_all([Sent("炸.xlsx", b""), Sent("好.xlsx", blank)], [files.KEY])
    assert answers[0] == sandbox.TOO_MUCH
    assert answers[1].ticket == files.TICKET


def test_a_batch_of_files_that_kill_the_reader_is_given_up_after_a_few(monkeypatch):
    begun = []
    monkeypatch.setattr(sandbox, "_ask", lambda rest, *_: begun.append(rest) or [])
    answers = sandbox.read_all([Sent(f"炸{number}.xlsx", b"") for number in range(200)], [files.KEY])
    assert answers == [sandbox.TOO_MUCH] * 5 + [sandbox.NOT_READ] * 195
    assert len(begun) == 5


def test_a_cell_at_the_end_of_the_world_is_refused_without_harm(blank):
    bomb = Sent("远.xlsx", files.filled(blank, {"附件4!XFD1048576": "远"}))
    refused, good = sandbox.read_all([bomb, Sent("好.xlsx", blank)], [files.KEY])
    assert isinstance(refused, str)
    assert good.ticket == files.TICKET
