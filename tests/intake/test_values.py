"""Single cells: an exact value, or the reason why there is none."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branches.intake import values
from branches.intake.shapes import Limits, RawCell
from branches.partial_dates import PartialDate
from tests.intake.files import words

LIMITS = Limits()


def cell(value: Any, number_format: str = "General", **other: Any) -> RawCell:
    kind = "d" if isinstance(value, dt.datetime) else "s" if isinstance(value, str) else "n"
    return RawCell(value, number_format, other.get("kind", kind), "A1", other.get("formula"))


def parse(name: str, value: Any, number_format: str = "General", **other: Any) -> values.Parsed[Any]:
    return getattr(values, f"parse_{name}")(cell(value, number_format, **other), words(), LIMITS)


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        ("2011.10", "@", "2011-10"),
        ("2011年10月", "General", "2011-10"),
        ("2011-9", "General", "2011-09"),
        ("2011/10/16", "General", "2011-10-16"),
        ("２０１１/１０/１６", "General", "2011-10-16"),
        ("２０１１．１０", "General", "2011-10"),
        (" 2011 年 10 月 16 日 ", "General", "2011-10-16"),
        ("2011.9至今", "General", "2011-09"),
        ("2011.1", "@", "2011-01"),
        ("201110", "@", "2011-10"),
        ("20111016", "@", "2011-10-16"),
        (201110, "General", "2011-10"),
        (2011.1, "0.00", "2011-10"),
        (2010.1, "0.00_ ", "2010-10"),
        (2011.06, "0.00", "2011-06"),
        (2011.11, "General", "2011-11"),
        (2011.9, "General", "2011-09"),
        (dt.datetime(2011, 10, 7), "yyyy.mm", "2011-10"),
        (dt.datetime(2011, 10, 7), 'yyyy"年"m"月"', "2011-10"),
        (dt.datetime(2011, 10, 7), 'yyyy"年"m"月"d"日"', "2011-10-07"),
        (dt.datetime(2011, 10, 7), "yyyy-mm-dd", "2011-10-07"),
        (dt.datetime(2011, 10, 7), "[$-804]yyyy/m", "2011-10"),
        (dt.datetime(2011, 10, 7), "General", "2011-10-07"),
    ],
)
def test_dates_keep_their_precision(value: Any, number_format: str, expected: str) -> None:
    parsed = parse("date", value, number_format)
    assert (parsed.reason, str(parsed.value)) == ("", expected)


@pytest.mark.parametrize("value", [None, "", "  ", "无", "—"])
def test_no_date(value: Any) -> None:
    assert parse("date", value) == values.Parsed()


@pytest.mark.parametrize(
    ("value", "number_format", "code", "says"),
    [
        ("2011.13", "@", "no_such_date", "没有13月"),
        ("2011年2月30日", "General", "no_such_date", "不存在"),
        ("2011.0", "General", "no_such_date", "没有0月"),
        (2011.1, "General", "ambiguous", "1月还是10月"),
        (2011.1, "0.0", "ambiguous", "1月还是10月"),
        (2011, "General", "not_date", "不是年月"),
        (40_817, "General", "ambiguous", "内部序号"),
        ("前年", "General", "not_date", "不是日期"),
        ("11.10", "General", "not_date", "不是日期"),
        ("2009.9-2011.9", "General", "not_date", "不是日期"),
        ("1789.7", "General", "no_such_date", "年份"),
        (True, "General", "not_date", "不是日期"),
        ("2011\u200b.10", "General", "control", "U+200B"),
    ],
)
def test_dates_that_are_none(value: Any, number_format: str, code: str, says: str) -> None:
    parsed = parse("date", value, number_format)
    assert (parsed.value, parsed.code) == (None, code)
    assert says in parsed.reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (16, 16), (16.0, 16), ("２３", 23), (" 15 人", 15), ("1,024", 1024), ("无", 0), ("—", 0), ("-", 0), ("０", 0),
        ("7.0", 7), (None, None), ("  ", None),
    ],
)  # fmt: skip
def test_counts(value: Any, expected: int | None) -> None:
    assert parse("count", value) == values.Parsed(expected)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (-3, "negative"), ("－3", "negative"), (2.5, "not_whole"), ("约20", "not_number"), ("20+", "not_number"),
        (True, "not_number"), (1e9, "too_large"), ("1.7E+10", "not_number"), ("12\u200b", "not_number"),
    ],
)  # fmt: skip
def test_counts_that_are_none(value: Any, code: str) -> None:
    assert (parse("count", value).value, parse("count", value).code) == (None, code)


def test_a_formula_that_was_never_calculated_and_an_error_value() -> None:
    assert parse("count", None, formula="=A1").code == "unusable"
    assert "#REF!" in parse("count", "#REF!", kind="e").reason
    assert parse("count", 5, formula="=A1").value == 5
    assert parse("count", dt.datetime(2011, 1, 1)).code == "not_number"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (17000009554, ("17000009554",)),
        (17000009554.0, ("17000009554",)),
        ("170 0000 4370", ("17000004370",)),
        ("170-0000-0386", ("17000000386",)),
        ("１７０００００１８１２", ("17000001812",)),
        ("0595-22904230\n17000004230", ("0595-22904230", "17000004230")),
        ("（0595）22904230", ("0595-22904230",)),
        ("17000004230、17000004231", ("17000004230", "17000004231")),
        ("17000004230 17000004231", ("17000004230", "17000004231")),
        ("17000004230/17000004230", ("17000004230",)),
        ("+86 17000004230", ("17000004230",)),
        ("0595-22904230转8012", ("0595-22904230转8012",)),
        ("22904230", ("22904230",)),
        ("60123", ("60123",)),
        ("无", ()),
        (None, ()),
    ],
)
def test_phones(value: Any, expected: tuple[str, ...]) -> None:
    assert parse("phones", value) == values.Parsed(expected)


@pytest.mark.parametrize("value", ["1700000", 1700000, "170000012345", "不详", "1.7E+10"])
def test_strange_phones_are_kept_with_a_doubt(value: Any) -> None:
    parsed = parse("phones", value)
    assert parsed.ok
    assert parsed.doubt
    assert parsed.value == (str(value),)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("吴\u3000勇", "吴勇"), ("林\u3000镕", "林镕"), ("李䶮", "李䶮"), ("苏\u3000㛃", "苏㛃"),
        ("庄\u3000𠅤", "庄𠅤"), ("张䶮然", "张䶮然"), (" 郭喆宁 ", "郭喆宁"), ("Ａｎｎａ　Ｌｉ", "Anna Li"),
        ("阿卜杜·买买提", "阿卜杜·买买提"),
        ("\uf900", "\uf900"), ("無\U000e0100", "無\U000e0100"), (None, ""), ("无", ""),
    ],
)  # fmt: skip
def test_people_keep_their_rare_characters(written: Any, name: str) -> None:
    assert parse("person", written) == values.Parsed(name)


@pytest.mark.parametrize("sign", list("=+-@＝＋－＠"))
def test_no_name_looks_like_a_formula(sign: str) -> None:
    assert parse("person", f"{sign}SUM(A1)").code == "formula"
    assert parse("unit_name", f"{sign}SUM(A1)").code == "formula"
    text = parse("text", f"{sign}SUM(A1)")
    assert (text.value, text.code, text.reason) == (f"{sign}SUM(A1)", "formula_text", "")


@pytest.mark.parametrize(
    "character",
    ["\x01", "\x07", "\x00", "\x7f", "\x9b", "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2066", "\u2069",
     "\u2060", "\ufeff", "\u00ad", "\ufffd", "\uffff", "\U000e0041"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["person", "unit_name", "text", "code", "phones"])
def test_invisible_characters_are_refused(name: str, character: str) -> None:
    parsed = parse(name, f"王{character}健")
    assert parsed.code == "control"
    assert f"U+{ord(character):04X}" in parsed.reason


def test_half_a_character_is_refused() -> None:
    assert parse("person", "王\ud840健").code == "control"


def test_control_characters_in_their_written_form() -> None:
    assert values.forbidden_characters("王_x0001__x0007_健") == "U+0001、U+0007"
    assert values.forbidden_characters("第一行\r\n第二行\t") == ""


def test_long_names_are_cut_in_messages() -> None:
    parsed = parse("unit_name", "长" * 227)
    assert parsed.code == "too_long"
    assert "（共227字）" in parsed.reason
    assert len(parsed.reason) < 60


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("数学与计算机\n科学学院党总支", "数学与计算机科学学院党总支"),
        ("工商信息学院党总支 ", "工商信息学院党总支"),
        ("体育学院 理论教研室党支部", "体育学院理论教研室党支部"),
        ("２００９级学生党支部", "2009级学生党支部"),
        ("MBA 中心 Alumni Office 党支部", "MBA中心Alumni Office党支部"),
        ("机关（第一）党支部", "机关（第一）党支部"),
    ],
)
def test_names_of_units(written: str, name: str) -> None:
    assert parse("unit_name", written) == values.Parsed(name)


def test_a_written_name_keeps_its_inner_space_for_matching() -> None:
    assert parse("written_name", " 体育学院  理论教研室\n党支部 ").value == "体育学院 理论教研室党支部"


SYNONYMS = {
    "teacher": "教师 教工 教职工 教师党支部 教工支部 教师\u3000 教\u3000师",
    "student": "学生 本科生 本科 大学生 研究生 学生党支部 学\u3000生",
    "administration": "机关 行政机关 机关教辅 机关党支部",
    "retired": "离退休 退休 老干部 离退休教工 离退休党支部",
    "joint": "师生联合 师生联合党支部",
}


@pytest.mark.parametrize(
    ("code", "written"), [(code, text) for code, texts in SYNONYMS.items() for text in texts.split(" ")]
)
def test_categories_by_their_synonyms(code: str, written: str) -> None:
    assert parse("category", written).value == code


def test_a_category_that_is_none() -> None:
    parsed = parse("category", "统战")
    assert parsed.code == "category"
    assert "统战" in parsed.reason
    assert "教师、学生、机关、离退休" in parsed.reason


@pytest.mark.parametrize(("written", "read"), [("男", "男"), (" 女 ", "女"), ("Ｆ", "女"), ("", ""), (None, "")])
def test_genders(written: Any, read: str) -> None:
    assert parse("gender", written).value == read
    assert parse("gender", "不详").code == "gender"


@pytest.mark.parametrize(
    ("written", "score"),
    [
        ("91.5", "91.5"), ("88分", "88"), ("８６", "86"), (89.995, "89.995"), (83.64, "83.64"), (104, "104"),
        (0.1 + 0.2, "0.3"), ("100", "100"),
    ],
)  # fmt: skip
def test_scores_are_exact(written: Any, score: str) -> None:
    assert parse("score", written).value == Decimal(score)


@pytest.mark.parametrize("written", ["优秀", "-1", True, "9O"])
def test_scores_that_are_none(written: Any) -> None:
    assert parse("score", written).value is None
    assert not parse("score", written).ok


@pytest.mark.parametrize(("written", "code"), [("QY001", "QY001"), (" ＱＹ 001 ", "QY001"), (12, "12"), (None, "")])
def test_codes(written: Any, code: str) -> None:
    assert parse("code", written).value == code


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.none(), st.booleans(), st.datetimes()))
def test_no_value_breaks_a_parser(value: Any) -> None:
    names = ("date", "count", "score", "phones", "person", "unit_name", "text", "category", "gender", "code")
    for name in names:
        parsed = parse(name, value)
        assert parsed.ok or parsed.code


@given(st.integers(1900, 2200), st.integers(1, 12))
def test_every_month_reads_back(year: int, month: int) -> None:
    date = PartialDate(year, month)
    for text in (date.dotted(), date.zh(), str(date), f"{year}/{month}", f"{year}{month:02d}"):
        assert parse("date", text).value == date
    assert parse("date", float(f"{year}.{month:02d}"), "0.00").value == date


@given(st.integers(0, 99_999))
def test_every_count_reads_back(number: int) -> None:
    wide = str(number).translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    for value in (number, float(number), str(number), wide, f"{number:,}"):
        assert parse("count", value).value == number


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["count", "date"])
def test_what_is_no_finite_number_is_said_so(name: str, value: float) -> None:
    assert parse(name, value).reason == "不是有效的数字"
