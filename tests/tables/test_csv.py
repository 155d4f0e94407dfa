"""CSV for other programs."""

import csv
import io

import pytest

from reporting.tables import Column, Table, lay_out
from reporting.tables import csv as table_csv
from tests.tables.payloads import FORMULAS
from tests.tables.samples import school_sheet
from tests.tables.test_layout import ROWS, TABLE


def _read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_one_line_a_row_with_merged_values_repeated() -> None:
    assert _read(table_csv.render(lay_out(TABLE, ROWS))) == [
        ["党总支", "序号", "名称", "党员/正式", "党员/预备", "得分"],
        ["甲总支", "1", "一支部", "3", "1", "89.45"],
        ["甲总支", "2", "二支部", "4", "0", ""],
        ["乙总支", "3", "三支部", "5", "2", "70.00"],
    ]


def test_a_divided_group_has_its_plain_name() -> None:
    assert "（续）" not in table_csv.render(school_sheet()).decode()


@pytest.mark.parametrize("payload", FORMULAS)
def test_no_field_begins_like_a_formula(payload: str) -> None:
    table = Table(slug="t", title="表", columns=(Column("a", payload),))
    for line in _read(table_csv.render(lay_out(table, [{"a": payload}]))):
        assert not line[0].lstrip(" \u3000\t\r\n").startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_excel_reads_chinese() -> None:
    assert table_csv.render(lay_out(TABLE, ROWS)).startswith(b"\xef\xbb\xbf")
