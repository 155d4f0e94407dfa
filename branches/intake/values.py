"""Reading single cells: a value, or the reason in Chinese why there is none. Nothing is guessed."""

import datetime as dt
import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar

from branches.intake.shapes import Limits, RawCell
from branches.intake.vocabulary import Vocabulary
from branches.intake.workbook import decode_escapes
from branches.partial_dates import PartialDate

T = TypeVar("T")

FORMULA_SIGNS = "=+-@＝＋－＠"
_LINE_ENDS = "\t\n\r\u0085\u2028\u2029"
_SPACES = re.compile(r"\s+")
_DATE_FORMAT_PARTS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_FIXED_PLACES = re.compile(r"^#?,?#*0\.(0+)(?:_.?)?(?:;.*)?$")
_YEAR_MONTH_DAY = re.compile(r"^(\d{4})[-./年](\d{1,2})(?:[-./月](?:(\d{1,2})日?)?)?(?:起|至今|[-—–~]+(?:今)?)?$")
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})?$")
_PEOPLE = re.compile(r"(?:人|名|个|票|张)$")
_PHONE_BREAKS = re.compile(r"[\n\r\t、，,；;/／|]|或")
_EMAIL = re.compile(r"^[\w.+-]+@[\w-]+(\.[\w-]+)+$", re.ASCII)
_EXTENSION = re.compile(r"(?:转|分机|ext\.?)\s*\d{1,6}$", re.IGNORECASE)
_SERIAL_DAYS = range(20_000, 80_000)


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """What a cell says. `reason` is empty unless it could not be read; `doubt` asks without refusing."""

    value: T | None = None
    reason: str = ""
    code: str = ""
    doubt: str = ""

    @property
    def ok(self) -> bool:
        """True when nothing is wrong; the value may still be None for an empty cell."""
        return not self.reason


def is_han(char: str) -> bool:
    """True for a Chinese character, the rare ones of every plane and 〇 included."""
    code = ord(char)
    return (
        code == 0x3007
        or 0x2E80 <= code <= 0x2FDF
        or 0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0x20000 <= code <= 0x3FFFF
    )


def narrow(text: str) -> str:
    """Make full-width digits and Latin letters narrow; leave every other character, rare ones above all, as it is."""
    return "".join(
        chr(ord(char) - 0xFEE0) if "０" <= char <= "９" or "Ａ" <= char <= "Ｚ" or "ａ" <= char <= "ｚ" else char
        for char in text
    )


def forbidden_characters(text: str) -> str:
    """Return U+0001、U+0007 for the control, direction, zero-width or broken characters inside, or "".

    Both a character itself and its written form _x0001_ are found.
    """
    found = (
        f"U+{ord(char):04X}"
        for char in decode_escapes(text)
        if char not in _LINE_ENDS and (char == "\ufffd" or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn"})
    )
    return "、".join(dict.fromkeys(found))


def shortened(text: str, length: int) -> str:
    """Cut a long text for a message, with its whole length."""
    line = _SPACES.sub(" ", text).strip()
    return line if len(line) <= length else f"{line[:length]}…（共{len(line)}字）"


def close_up(text: str) -> str:
    """Drop white space that touches a Chinese character on either side; elsewhere keep one space."""
    pieces = _SPACES.split(text.strip())
    joined = pieces[0]
    for piece in pieces[1:]:
        gap = "" if (is_han(joined[-1]) or is_han(piece[0])) else " "
        joined += gap + piece
    return joined


def exact_decimal(value: float) -> Decimal:
    """Return the decimal a person sees for a stored number: fifteen digits, as a spreadsheet shows it."""
    return Decimal(value) if isinstance(value, int) else Decimal(format(value, ".15g"))


def _unusable(cell: RawCell) -> str:
    """Return the reason why the cell's stored value cannot be used at all, or ""."""
    if cell.data_type == "e":
        return f"单元格是错误值 {cell.value}"
    if cell.value is None and cell.formula is not None:
        return "公式没有保存计算结果，请用 Excel 或 WPS 打开后重新保存"
    if isinstance(cell.value, float) and not math.isfinite(cell.value):
        return "不是有效的数字"
    return ""


def as_text(cell: RawCell) -> str:
    """Return the value as a person would type it: no .0, no exponent; a date by its parts."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float):
        number = exact_decimal(value)
        return str(int(number)) if number == number.to_integral_value() else format(number, "f")
    if isinstance(value, dt.datetime | dt.date):
        return str(_date_by_format(value, cell.number_format))
    return str(value)


def parse_text(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:
    """Read free text; 无 and — mean empty. A leading formula sign is accepted with a doubt."""
    trouble = _unusable(cell)
    if trouble:
        return Parsed(reason=trouble, code="unusable")
    text = as_text(cell).strip()
    found = forbidden_characters(text)
    if found:
        return Parsed(reason=f"含不可见的控制字符或方向符（{found}）", code="control")
    if vocabulary.is_none(text):
        return Parsed("")
    if len(text) > limits.text_length:
        return Parsed(reason=f"内容过长（{len(text)}字，最多{limits.text_length}字）", code="too_long")
    doubt = f"以“{text[0]}”开头，像公式；按普通文字保存" if text and text[0] in FORMULA_SIGNS else ""
    return Parsed("\n".join(line.strip() for line in text.splitlines()), doubt=doubt, code="formula_text" * bool(doubt))


def parse_title(cell: RawCell, limits: Limits, length: int) -> Parsed[str]:
    """Read the name of a unit or of a person: one line, closed up, never looking like a formula. Empty gives ""."""
    trouble = _unusable(cell)
    if trouble:
        return Parsed(reason=trouble, code="unusable")
    text = narrow(as_text(cell))
    found = forbidden_characters(text)
    if found:
        return Parsed(reason=f"含不可见的控制字符或方向符（{found}）", code="control")
    name = close_up(text)
    if name and name[0] in FORMULA_SIGNS:
        shown = shortened(name, limits.shown_length)
        return Parsed(reason=f"“{shown}”以“{name[0]}”开头，是公式样文本，名称不合规", code="formula")
    if len(name) > length:
        shown = shortened(name, limits.shown_length)
        return Parsed(reason=f"“{shown}”过长，最多{length}字", code="too_long")
    return Parsed(name)


def parse_unit_name(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:  # noqa: ARG001
    """Read the name of a branch or general branch; blank gives ""."""
    return parse_title(cell, limits, limits.name_length)


def parse_written_name(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:  # noqa: ARG001
    """Read a branch's name as written, for matching: line breaks go, a space inside stays and makes it a proposal."""
    parsed = parse_title(cell, limits, limits.name_length)
    if not parsed.value:
        return parsed
    lines = (" ".join(line.split()) for line in narrow(as_text(cell)).splitlines())
    return Parsed("".join(lines))


def parse_person(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:
    """Read a person's name: 吴　勇 is 吴勇, rare characters stay. 无 and — mean empty."""
    parsed = parse_title(cell, limits, limits.person_length)
    return Parsed("") if parsed.value and vocabulary.is_none(parsed.value) else parsed


def parse_count(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[int]:
    """Read a number of people or ballots. Blank gives None, 无 and — give 0, what is no count a reason."""
    trouble = _unusable(cell)
    if trouble:
        return Parsed(reason=trouble, code="unusable")
    if cell.blank:
        return Parsed()
    if isinstance(cell.value, bool) or cell.data_type == "d":
        return Parsed(reason="不是数字，请检查单元格格式", code="not_number")
    if isinstance(cell.value, str) and vocabulary.is_none(cell.value):
        return Parsed(0)
    number = _number(cell.value)
    if number is None:
        return Parsed(reason=f"“{shortened(as_text(cell), limits.shown_length)}”不是数字", code="not_number")
    if number < 0:
        return Parsed(reason=f"为负数（{format(number, 'f')}）", code="negative")
    if number != number.to_integral_value():
        return Parsed(reason=f"不是整数（{format(number, 'f')}）", code="not_whole")
    if number > limits.count_maximum:
        return Parsed(reason=f"数字过大（{format(number, 'f')}）", code="too_large")
    return Parsed(int(number))


def _number(value: object) -> Decimal | None:
    """Return the exact number of a stored value or of text such as ２３, 15人 or 1,024; None when it is none."""
    if isinstance(value, int | float):
        return exact_decimal(value)
    if not isinstance(value, str):
        return None
    text = _PEOPLE.sub("", "".join(unicodedata.normalize("NFKC", value).split()))
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def parse_score(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[Decimal]:
    """Read a score exactly: 91.5, 88分, ８６, and the number 89.995 as 89.995. Blank gives None."""
    trouble = _unusable(cell)
    if trouble:
        return Parsed(reason=trouble, code="unusable")
    if cell.blank or (isinstance(cell.value, str) and vocabulary.is_none(cell.value)):
        return Parsed()
    value = cell.value
    if isinstance(value, str):
        for unit in vocabulary.score_units:
            value = value.strip().removesuffix(unit)
    number = None if isinstance(value, bool) else _number(value)
    if number is None:
        return Parsed(reason=f"“{shortened(as_text(cell), limits.shown_length)}”不是分数", code="not_number")
    if number < 0:
        return Parsed(reason=f"分数为负（{format(number, 'f')}）", code="negative")
    return Parsed(number)


def _date_by_format(value: dt.date, number_format: str) -> PartialDate:
    """Return a stored date to the precision its format shows: yyyy.mm knows no day."""
    pattern = _DATE_FORMAT_PARTS.sub("", number_format).casefold()
    day = value.day if "d" in pattern or "y" not in pattern else None
    return PartialDate(value.year, value.month, day)


def parse_date(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[PartialDate]:
    """Read a date known to the month or the day. Blank and 无 give None; what cannot be told apart is asked."""
    trouble = _unusable(cell)
    if trouble:
        return Parsed(reason=trouble, code="unusable")
    value = cell.value
    if cell.blank or (isinstance(value, str) and vocabulary.is_none(value)):
        return Parsed()
    if isinstance(value, dt.datetime | dt.date):
        return _checked_date(value.year, value.month, value.day, _date_by_format(value, cell.number_format))
    if isinstance(value, bool):
        return Parsed(reason="不是日期", code="not_date")
    if isinstance(value, int | float):
        return _date_of_number(value, cell.number_format)
    if not isinstance(value, str):
        return Parsed(reason="不是日期", code="not_date")
    found = forbidden_characters(value)
    if found:
        return Parsed(reason=f"含不可见的控制字符或方向符（{found}）", code="control")
    return _date_of_text(value, shortened(value, limits.shown_length))


def _date_of_text(text: str, shown: str) -> Parsed[PartialDate]:
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    match = _YEAR_MONTH_DAY.match(plain) or _COMPACT.match(plain)
    if match is None:
        return Parsed(reason=f"“{shown}”不是日期，请写成 2011.10 或 2011年10月", code="not_date")
    year, month, day = (int(part) if part else None for part in match.groups())
    return _checked_date(year or 0, month or 0, day, None, shown)


def _checked_date(
    year: int, month: int, day: int | None, known: PartialDate | None = None, shown: str = ""
) -> Parsed[PartialDate]:
    if not 1900 <= year <= 2200:
        return Parsed(reason=f"“{shown or year}”的年份不对", code="no_such_date")
    if not 1 <= month <= 12:
        return Parsed(reason=f"“{shown}”没有{month}月", code="no_such_date")
    try:
        return Parsed(known or PartialDate(year, month, day))
    except ValueError:
        return Parsed(reason=f"“{shown}”这个日期不存在", code="no_such_date")


def _date_of_number(value: float, number_format: str) -> Parsed[PartialDate]:
    """Read 2011.1 shown as 2011.10: the format decides. Without one, 2011.1 may be January or October: ask."""
    fixed = _FIXED_PLACES.match(number_format.strip())
    number = exact_decimal(value)
    text = format(number, "f")
    if number == number.to_integral_value() and not fixed:
        if _COMPACT.match(text):
            return _date_of_text(text, text)
        if int(number) in _SERIAL_DAYS:
            return Parsed(reason=f"“{text}”像日期的内部序号，请把单元格改成日期格式", code="ambiguous")
        return Parsed(reason=f"“{text}”不是年月，请写成 2011.10 或 2011年10月", code="not_date")
    if fixed and len(fixed.group(1)) >= 2:
        text = f"{number:.{len(fixed.group(1))}f}"
        return _date_of_text(text, text)
    if text.partition(".")[2] == "1":
        return Parsed(reason=f"“{text}”分不清是1月还是10月，请改写成文字", code="ambiguous")
    return _date_of_text(text, text)


def parse_gender(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:
    """Read 男 or 女; blank gives ""."""
    text = as_text(cell)
    key = "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    if not key or vocabulary.is_none(text):
        return Parsed("")
    if key in vocabulary.genders:
        return Parsed(vocabulary.genders[key])
    return Parsed(reason=f"“{shortened(text, limits.shown_length)}”不是男或女", code="gender")


def parse_category(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:
    """Read a category by its synonyms and return its code; blank gives ""."""
    parsed = parse_title(cell, limits, limits.text_length)
    if not parsed.ok or not parsed.value:
        return parsed
    code = vocabulary.category_of(parsed.value)
    if code is None:
        names = "、".join(vocabulary.category_names())
        shown = shortened(parsed.value, limits.shown_length)
        return Parsed(reason=f"“{shown}”不在类别表内（{names}及其同义写法）", code="category")
    return Parsed(code)


def parse_code(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:
    """Read an identifier, number or text: narrow, without white space; blank gives ""."""
    parsed = parse_title(cell, limits, limits.person_length)
    if not parsed.ok or not parsed.value:
        return parsed
    text = "".join(parsed.value.split())
    return Parsed("" if vocabulary.is_none(text) else text)


def parse_email(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:
    """Read an e-mail address; what is none gives a reason."""
    parsed = parse_code(cell, vocabulary, limits)
    if parsed.value and not _EMAIL.match(parsed.value):
        return Parsed(reason=f"“{shortened(parsed.value, limits.shown_length)}”不是电子邮箱地址", code="email")
    return parsed


def parse_phones(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[tuple[str, ...]]:
    """Read one or more numbers; a strange one is kept as written, with a doubt. Blank gives ()."""
    trouble = _unusable(cell)
    if trouble:
        return Parsed(reason=trouble, code="unusable")
    text = as_text(cell)
    found = forbidden_characters(text)
    if found:
        return Parsed(reason=f"含不可见的控制字符或方向符（{found}）", code="control")
    plain = unicodedata.normalize("NFKC", text)
    if not plain.strip() or vocabulary.is_none(text):
        return Parsed(())
    numbers: list[str] = []
    doubts: list[str] = []
    for part in _PHONE_BREAKS.split(plain):
        for piece in _pieces(part.strip()):
            number, doubt = _phone(piece, limits)
            if number not in numbers:
                numbers.append(number)
            if doubt:
                doubts.append(doubt)
    return Parsed(tuple(numbers), doubt="；".join(doubts), code="phone" * bool(doubts))


def _pieces(part: str) -> list[str]:
    """Divide at spaces only where the digits are too many for one number."""
    if not part:
        return []
    if sum(char.isdigit() for char in part) > 13 and not _EXTENSION.search(part):
        return part.split()
    return [part]


def _phone(piece: str, limits: Limits) -> tuple[str, str]:
    """Return (number, doubt)."""
    extension = _EXTENSION.search(piece)
    tail = "转" + re.sub(r"\D", "", extension.group()) if extension else ""
    body = piece[: extension.start()] if extension else piece
    bare = re.sub(r"[\s().·-]", "", body).replace("+", "", 1)
    if not bare.isascii() or not bare.isdigit():
        return piece.strip(), f"“{shortened(piece, limits.shown_length)}”不是电话号码"
    if len(bare) == 13 and bare.startswith("86"):
        bare = bare[2:]
    if len(bare) == 11 and bare.startswith("1"):
        return bare + tail, ""
    if bare.startswith("0") and 10 <= len(bare) <= 12:
        area = re.match(r"^\s*\(?(0\d{2,3})\s*[-)\s]", body)
        shown = f"{area.group(1)}-{bare[len(area.group(1)) :]}" if area else bare
        return shown + tail, ""
    if len(bare) == limits.local_phone_length or len(bare) in limits.short_phone_lengths:
        return bare + tail, ""
    return bare + tail, f"“{bare}”是{len(bare)}位，位数不对"
