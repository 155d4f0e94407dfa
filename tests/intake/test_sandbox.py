"""An unknown file is read once where it can do no harm. These tests start processes: one each."""

import pytest

from branches.intake.sandbox import try_reading
from branches.intake.uploads import RefusedUpload
from tests.intake.files import DATA, HEADER, made


def test_a_good_file_passes() -> None:
    try_reading("花名册.xlsx", (DATA / "roster-sample.xlsx").read_bytes())


def test_what_reading_finds_wrong_is_said() -> None:
    with pytest.raises(RefusedUpload, match="太大：有内容的单元格到了"):
        try_reading("a.xlsx", made(HEADER, change=lambda sheet: sheet.cell(2, 300, "远")))


def test_what_the_check_finds_wrong_starts_no_process() -> None:
    with pytest.raises(RefusedUpload, match="空的"):
        try_reading("a.xlsx", b"", memory=1)


def test_a_file_that_needs_too_much_memory_kills_only_the_child() -> None:
    with pytest.raises(RefusedUpload, match="内存或时间太多"):
        try_reading("a.xlsx", made(*([f"{n}-{m}" for m in range(40)] for n in range(500))), memory=60 * 1024 * 1024)
