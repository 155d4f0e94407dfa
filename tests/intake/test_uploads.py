"""What is refused before anything parses it, and what is let in."""

import io
import re
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import openpyxl
import pytest

from branches.intake.uploads import Kind, RefusedUpload, UploadLimits, check_upload
from branches.intake.workbook import read_workbook
from tests.intake.files import DATA, HEADER, made, replaced, row, saved, with_member

SHEET = "xl/worksheets/sheet1.xml"


def good() -> bytes:
    return made(HEADER, row("第一党支部"))


def xls() -> bytes:
    return (DATA / "annual-results.xls").read_bytes()


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return stream.getvalue()


def office(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("[Content_Types].xml", *names):
            archive.writestr(name, b"<x/>")
    return stream.getvalue()


def symlinked() -> bytes:
    stream = io.BytesIO(good())
    with zipfile.ZipFile(stream, "a") as archive:
        link = zipfile.ZipInfo("xl/link.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, b"/etc/passwd")
    return stream.getvalue()


def twice() -> bytes:
    stream = io.BytesIO(good())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("XL/Workbook.xml", b"<x/>")
    return stream.getvalue()


def bomb(size: int) -> bytes:
    return with_member(good(), "xl/media/picture.xml", b"\x00" * size)


def many_members() -> bytes:
    stream = io.BytesIO(good())
    with zipfile.ZipFile(stream, "a") as archive:
        for number in range(2001):
            archive.writestr(f"xl/media/{number}.png", b"")
    return stream.getvalue()


def flagged(data: bytes) -> bytes:
    """Set the encryption bit of every member."""
    out = bytearray(data)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = out.find(magic)
        while start >= 0:
            out[start + offset] |= 1
            start = out.find(magic, start + 4)
    return bytes(out)


def lying(data: bytes) -> bytes:
    """Write a wrong uncompressed size into the central directory."""
    out = bytearray(data)
    start = out.find(b"PK\x01\x02")
    struct.pack_into("<I", out, start + 24, 5)
    return bytes(out)


def bad_method(data: bytes) -> bytes:
    out = bytearray(data)
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", out, out.find(magic) + offset, 99)
    return bytes(out)


def corrupted(data: bytes) -> bytes:
    """Spoil the bytes of one sheet."""
    out = bytearray(data)
    start = out.find(SHEET.encode()) + len(SHEET) + 10
    out[start : start + 60] = b"\xff" * 60
    return bytes(out)


def full_of_cells() -> bytes:
    return replaced(good(), SHEET, lambda _: b"<worksheet>" + b"<c/>" * 900_001 + b"</worksheet>")


def renamed_stream(data: bytes, old: str, new: str) -> bytes:
    """Rename a stream in the directory of an OLE file."""
    wanted = (old + "\0").encode("utf-16-le")
    start = data.find(wanted)
    name = (new + "\0").encode("utf-16-le")
    entry = name.ljust(64, b"\0") + struct.pack("<H", len(name))
    return data[:start] + entry + data[start + 66 :]


ENTITY = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("a.xlsx", lambda: b"", "空的"),
    "text": ("a.xlsx", lambda: b"hello", "不是 Excel"),
    "csv": ("a.csv", "甲,乙".encode, "只收"),
    "csv named xls": ("a.xls", lambda: "甲,乙\n".encode("gbk"), "不是 Excel"),
    "html named xls": ("a.xls", lambda: b"<html><table></table></html>", "网页"),
    "xml spreadsheet": ("a.xls", lambda: b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "网页或 XML"),
    "pdf": ("a.xlsx", lambda: b"%PDF-1.7", "PDF"),
    "png": ("a.xlsx", lambda: b"\x89PNG\r\n\x1a\n", "不是 Excel"),
    "exe": ("a.xlsx", lambda: b"MZ" + b"\0" * 100, "不是 Excel"),
    "old biff 2": ("a.xls", lambda: b"\x09\x00\x04\x00" + b"\0" * 100, "很旧"),
    "empty zip": ("a.xlsx", lambda: b"PK\x05\x06" + b"\0" * 18, "空的或分卷"),
    "no name": ("", good, "只收"),
    "macro name": ("a.xlsm", good, ".xlsm"),
    "word name": ("a.docx", good, "只收"),
    "path in name": ("../a.xlsx", good, "文件名"),
    "control in name": ("a\n.xlsx", good, "文件名"),
    "endless name": ("a" * 300 + ".xlsx", good, "文件名"),
    "too large": ("a.xlsx", lambda: good() + b"\0" * (10 * 1024 * 1024), "文件太大"),
    "plain zip": ("a.xlsx", lambda: zipped(readme_dot_txt=b"x"), "压缩包"),
    "word": ("a.xlsx", lambda: office("word/document.xml"), "Word"),
    "slides": ("a.xlsx", lambda: office("ppt/presentation.xml"), "演示文稿"),
    "open document": ("a.xlsx", lambda: zipped(content_dot_xml=b"<x/>"), ".ods"),
    "binary workbook": ("a.xlsx", lambda: office("xl/workbook.bin"), ".xlsb"),
    "macros": ("a.xlsx", lambda: with_member(good(), "xl/vbaProject.bin", b"x"), "宏"),
    "macro sheet": ("a.xlsx", lambda: with_member(good(), "xl/macrosheets/sheet1.xml", b"<x/>"), "宏表"),
    "external link": ("a.xlsx", lambda: with_member(good(), "xl/externalLinks/externalLink1.xml", b"<x/>"), "断开链接"),
    "embedded": ("a.xlsx", lambda: with_member(good(), "xl/embeddings/oleObject1.bin", b"x"), "嵌入"),
    "activex": ("a.xlsx", lambda: with_member(good(), "xl/activeX/activeX1.bin", b"x"), "控件"),
    "custom ui": ("a.xlsx", lambda: with_member(good(), "customUI/customUI.xml", b"<x/>"), "自定义界面"),
    "traversal": ("a.xlsx", lambda: with_member(good(), "xl/../../etc/passwd", b"x"), "越界"),
    "absolute": ("a.xlsx", lambda: with_member(good(), "/etc/passwd", b"x"), "越界"),
    "drive": ("a.xlsx", lambda: with_member(good(), "C:/x.xml", b"x"), "越界"),
    "symlink": ("a.xlsx", symlinked, "符号链接"),
    "same name twice": ("a.xlsx", twice, "重名"),
    "many members": ("a.xlsx", many_members, "部件太多"),
    "bomb by ratio": ("a.xlsx", lambda: bomb(20_000_000), "压缩比"),
    "bomb by size": ("a.xlsx", lambda: bomb(1), "超过 0 MB"),
    "too many cells": ("a.xlsx", full_of_cells, "压缩比|单元格太多"),
    "doctype": ("a.xlsx", lambda: replaced(good(), SHEET, lambda _: ENTITY), "DOCTYPE"),
    "doctype utf-16": (
        "a.xlsx",
        lambda: replaced(good(), SHEET, lambda _: ENTITY.decode().encode("utf-16")),
        "UTF-8",
    ),
    "entity over a chunk": (
        "a.xlsx",
        lambda: replaced(good(), SHEET, lambda old: old + b" " * (65530 - len(old)) + b"<!ENTITY a 'b'>"),
        "DOCTYPE",
    ),
    "merged to the end": ("a.xlsx", lambda: merged("A1:XFD1048576"), "合并的单元格范围太大"),
    "linked to the end": ("a.xlsx", lambda: merged("A1:XFD1048576", "hyperlink"), "合并的单元格范围太大"),
    "range in a prefix": (
        "a.xlsx",
        lambda: replaced(
            good(), SHEET, lambda _: b"<x:worksheet xmlns:x=\"a\"><x:mergeCell  ref='&#65;1:XFD99999'/></x:worksheet>"
        ),
        "合并的单元格范围太大",
    ),
    "encrypted member": ("a.xlsx", lambda: flagged(good()), "密码"),
    "truncated": ("a.xlsx", lambda: good()[:-200], "损坏"),
    "half": ("a.xlsx", lambda: good()[: len(good()) // 2], "损坏"),
    "spoiled": ("a.xlsx", lambda: corrupted(good()), "损坏"),
    "wrong size": ("a.xlsx", lambda: lying(good()), "损坏"),
    "strange method": ("a.xlsx", lambda: bad_method(good()), "压缩方式|损坏"),
    "xls with password": ("a.xls", (DATA / "encrypted.xls").read_bytes, "密码"),
    "xlsx with password": ("a.xlsx", lambda: renamed_stream(xls(), "Workbook", "EncryptedPackage"), "密码"),
    "xls with macros": ("a.xls", lambda: renamed_stream(xls(), "Workbook", "_VBA_PROJECT_CUR"), "宏"),
    "doc named xls": ("a.xls", lambda: renamed_stream(xls(), "Workbook", "WordDocument"), "Word"),
    "ole without book": ("a.xls", lambda: renamed_stream(xls(), "Workbook", "Something"), "不是 Excel"),
    "ole magic only": ("a.xls", lambda: xls()[:8] + b"\0" * 600, "损坏"),
    "xls cut": ("a.xls", lambda: xls()[:3000], "损坏"),
}


@pytest.mark.parametrize("case", BAD)
def test_refused_before_parsing(case: str) -> None:
    name, data, reason = BAD[case]
    limits = UploadLimits(inflated=1000) if case == "bomb by size" else UploadLimits()
    with pytest.raises(RefusedUpload, match=reason):
        check_upload(name, data(), limits)


def broken_sheet() -> bytes:
    return replaced(good(), SHEET, lambda old: old[: len(old) // 2])


def no_sheets() -> bytes:
    return replaced(good(), "xl/workbook.xml", lambda _: b"<x/>")


def wide() -> bytes:
    return made(HEADER, change=lambda sheet: sheet.cell(2, 300, "远"))


def long() -> bytes:
    return made(HEADER, change=lambda sheet: sheet.cell(20_001, 1, "远"))


def sheets() -> bytes:
    book = openpyxl.Workbook()
    for _ in range(60):
        book.create_sheet()
    return saved(book)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(broken_sheet, "损坏"), (no_sheets, "损坏|没有工作表"), (wide, "太大"), (long, "太大"), (sheets, "工作表太多")],
)
def test_refused_while_reading(data: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(RefusedUpload, match=reason):
        read_workbook("a.xlsx", data())


def commented() -> bytes:
    def change(sheet):
        sheet["A2"].comment = openpyxl.comments.Comment("批注", "组织部")

    return made(HEADER, row("第一党支部"), change=change)


def formatted_far_down() -> bytes:
    def change(sheet):
        for number in range(2, 3000):
            sheet.cell(number, 1).font = openpyxl.styles.Font(bold=True)

    return made(HEADER, row("第一党支部"), change=change)


def merged(ref: str, tag: str = "mergeCell") -> bytes:
    """Return a workbook whose sheet states a range that openpyxl would unfold."""
    part = f'<{tag}s count="1"><{tag} ref="{ref}"/></{tag}s></worksheet>'.encode()
    return replaced(good(), SHEET, lambda old: old.replace(b"</worksheet>", part))


GOOD: dict[str, tuple[str, Callable[[], bytes], Kind]] = {
    **{
        f"{name}.{kind}": (f"{name}.{kind}", (DATA / f"{name}.{kind}").read_bytes, Kind(kind))
        for name in ("roster-sample", "roster-errors", "annual-results", "appraisal-counts")
        for kind in ("xlsx", "xls")
    },
    "small": ("a.xlsx", good, Kind.XLSX),
    "capital suffix": ("花名册.XLSX", good, Kind.XLSX),
    "xlsx named xls": ("a.xls", good, Kind.XLSX),
    "xls named xlsx": ("a.xlsx", xls, Kind.XLS),
    "WPS suffix": ("a.et", xls, Kind.XLS),
    "comment": ("a.xlsx", commented, Kind.XLSX),
    "picture": ("a.xlsx", lambda: with_member(good(), "xl/media/logo.png", b"\x89PNG" + b"\0" * 900), Kind.XLSX),
    "empty sheet": ("a.xlsx", made, Kind.XLSX),
    "formatted far down": ("a.xlsx", formatted_far_down, Kind.XLSX),
    "whole row merged": ("a.xlsx", lambda: merged("A9:XFD9"), Kind.XLSX),
    "printer settings": (
        "a.xlsx",
        lambda: with_member(good(), "xl/printerSettings/printerSettings1.bin", b"x"),
        Kind.XLSX,
    ),
    "no default style": (
        "a.xlsx",
        lambda: replaced(good(), "xl/styles.xml", lambda old: re.sub(rb"<cellStyles.*</cellStyles>", b"", old)),
        Kind.XLSX,
    ),
    "WPS extra part": ("a.xlsx", lambda: with_member(good(), "docProps/custom.xml", b"<x/>"), Kind.XLSX),
}


@pytest.mark.parametrize("case", GOOD)
def test_let_in_and_read(case: str) -> None:
    name, data, kind = GOOD[case]
    content = data()
    assert check_upload(name, content) is kind
    assert read_workbook(name, content).sheets


def test_cells_are_counted_before_they_are_parsed() -> None:
    with pytest.raises(RefusedUpload, match="单元格太多"):
        check_upload("a.xlsx", good(), UploadLimits(tags=50))


def test_a_bomb_costs_no_memory() -> None:
    data = bomb(60_000_000)
    tracemalloc.start()
    with pytest.raises(RefusedUpload, match="压缩比"):
        check_upload("a.xlsx", data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_there_are_enough_of_both() -> None:
    assert len(BAD) >= 40
    assert len(GOOD) >= 15


def test_the_size_written_in_the_archive_is_not_believed() -> None:
    assert zipfile.ZipFile(io.BytesIO(lying(good()))).infolist()[0].file_size == 5
    with pytest.raises(RefusedUpload):
        check_upload("a.xlsx", lying(good()))
