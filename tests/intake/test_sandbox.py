"""An unknown file is read once where it can do no harm. These tests start processes: one each."""

import pytest

from branches.intake.sandbox import try_reading
from branches.intake.uploads import RefusedUpload
from tests.intake.files import DATA, HEADER, made, replaced


def test_a_good_file_passes() -> None:
    try_reading("花名册.xlsx", (DATA / "roster-sample.xlsx").read_bytes())


def test_what_reading_finds_wrong_is_said() -> None:
    with pytest.raises(RefusedUpload, match="太大：有内容的单元格到了"):
        try_reading("a.xlsx", made(HEADER, change=lambda sheet: sheet.cell(2, 300, "远")))


def test_what_the_check_finds_wrong_starts_no_process() -> None:
    with pytest.raises(RefusedUpload, match="空的"):
        try_reading("a.xlsx", b"", memory=1)


def many_cells() -> bytes:
    """Return a workbook of 100,000 small cells, written as text because openpyxl would take seconds."""
    lines = "".join(
        f'<row r="{n}">{"".join(f"<c><v>{n}</v></c>" for _ in range(50))}</row>' for n in range(1, 2001)
    )  # fmt: skip
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    sheet = head + lines.encode() + b"</sheetData></worksheet>"
    return replaced(made(HEADER), "xl/worksheets/sheet1.xml", lambda _: sheet)


def test_a_file_that_needs_too_much_memory_kills_only_the_child() -> None:
    with pytest.raises(RefusedUpload, match="内存或时间太多"):
        try_reading("a.xlsx", many_cells(), memory=60 * 1024 * 1024)
