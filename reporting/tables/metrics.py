"""How wide and how high text is, in millimetres: the same estimate serves the workbook, the preview and the PDF.

A Chinese character is one em wide in every face of an official table; Latin letters and digits take the
widths of the packaged faces, at least as wide as those of the faces named in a workbook: no estimate is too low.
"""

import re
import unicodedata
from functools import lru_cache

from reporting.tables.cells import Cell, Face, Look
from reporting.tables.formats import DIGIT_EM

MM_PER_POINT = 25.4 / 72
LINE_HEIGHT = 1.3
#: What stays free left and right (one value for both sides together) and above and below a cell's text.
PADDING_X_MM = 1.2
PADDING_Y_MM = 1.3
#: Widths of so many tokens are remembered.
MOST_TOKENS = 20_000
#: Space before left-aligned text of forms and totals.
INDENT_MM = 2.6

_CHARS = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
# Widths of these characters in hundredths of an em.
_FANG = (
    "33 50 50 83 50 83 78 50 50 50 50 78 50 50 50 50 50 50 50 50 50 50 50 50 50 50 50 50 78 78 78 50 78 74 70 72 "
    "76 68 65 78 74 50 51 77 62 91 74 78 68 78 73 56 72 74 74 102 74 74 61 50 50 50 61 78 50 50 56 50 56 50 50 50 "
    "56 50 50 53 50 84 56 50 56 53 50 50 50 56 53 73 53 53 50 50 50 50 61 "
)
_HEI = (
    "22 32 47 56 56 92 68 28 34 34 47 56 28 35 28 39 56 56 56 56 56 56 56 56 56 56 28 28 56 56 56 47 95 61 66 64 "
    "69 59 55 69 73 29 54 65 54 81 72 74 63 74 64 60 60 72 57 88 57 53 60 34 39 34 56 56 61 56 62 51 62 55 33 56 "
    "61 28 28 55 28 93 61 61 62 62 39 47 38 61 52 80 50 52 47 34 27 34 56 "
)


def _shares(hundredths: str) -> list[float]:
    return [int(one) / 100 for one in hundredths.split()]


_LATIN: dict[Face, dict[str, float]] = {
    "fang": dict(zip(_CHARS, _shares(_FANG), strict=True)),
    "hei": dict(zip(_CHARS, _shares(_HEI), strict=True)),
}
_NEVER_FIRST = frozenset("，。、；：？！）》〉」』】〕”’…—％·,.;:?!)]}%")
_NEVER_LAST = frozenset("（《〈「『【〔“‘([{")


@lru_cache(maxsize=16384)
def _other(char: str) -> float:
    """Width of a character outside ASCII in em."""
    if unicodedata.combining(char):
        return 0.0
    return 1.0 if unicodedata.east_asian_width(char) in "WFA" or ord(char) > 0x2000 else 0.65


def char_em(char: str, face: Face) -> float:
    """Return the width of one character in em."""
    table = _LATIN["hei" if face in {"hei", "title"} else "fang"]
    return table[char] if char in table else _other(char)


def text_mm(text: str, face: Face, points: float) -> float:
    """Return the width of one line of text in millimetres."""
    return sum(char_em(char, face) for char in text) * points * MM_PER_POINT


#: What may not be divided: a Chinese character or a Latin word, with the marks that stay at it.
_TOKEN = re.compile(
    f".(?:[{re.escape(''.join(sorted(_NEVER_FIRST)))}]"
    f"|(?<=[{re.escape(''.join(sorted(_NEVER_LAST)))}])."
    "|(?<=[\x00-\x1f\x21-\x7f])[\x00-\x1f\x21-\x7f])*",
    re.DOTALL,
)


#: Texts of Chinese characters and numbers of up to four digits, as most names are; and how wide such a number may be.
SIMPLE = re.compile("[一-鿿]*(?:[0-9]{1,4}[一-鿿]+)*[0-9]{0,4}")
_SHORT_NUMBER_EM = 4 * DIGIT_EM


class _Ems(dict[str, float]):
    """Widths of tokens in em, in one face."""

    def __init__(self, face: Face) -> None:
        super().__init__()
        self.face = face

    def __missing__(self, token: str) -> float:
        if len(self) > MOST_TOKENS:
            self.clear()
        wide = self[token] = sum(char_em(char, self.face) for char in token)
        return wide


_EMS: dict[Face, _Ems] = {face: _Ems(face) for face in ("fang", "kai", "hei", "title", "song")}


def _pieces(token: str, width_em: float, face: Face) -> list[str]:
    """Cut a token that is wider than a line."""
    pieces, current, used = [], "", 0.0
    for char in token:
        wide = char_em(char, face)
        if current and used + wide > width_em:
            pieces.append(current)
            current, used = "", 0.0
        current += char
        used += wide
    return [*pieces, current]


def _may_join(above: list[str], alone: str) -> bool:
    """Tell whether the line above may give its last character to one that stands alone; （续） may."""
    return len(above) > 2 and not above[-1].isascii() and not alone.isascii() and alone[0] not in _NEVER_LAST


@lru_cache(maxsize=4096)
def wrap(text: str, width_mm: float, face: Face, points: float) -> tuple[str, ...]:
    """Break a text into the lines it takes in a width, by the rules of Chinese type-setting.

    No 。 begins a line, and no character stands alone on the last one: 学习以念文件/为主, not 学习以念文件为/主.
    """
    width_em = max(width_mm, 1.0) / (points * MM_PER_POINT)
    ems = _EMS[face]
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line: list[str] = []
        above: list[str] = []
        used = 0.0
        for token in _TOKEN.findall(paragraph):
            wide = ems[token]
            if line and used + wide > width_em:
                lines.append("".join(line))
                line, above, used = [], line, 0.0
            if wide > width_em:
                *full, token = _pieces(token, width_em, face)
                lines.extend(full)
                wide, above = ems[token], []
            line.append(token)
            used += wide
        if len(line) == 1 and _may_join(above, line[0]) and ems[above[-1]] + used <= width_em:
            lines[-1] = "".join(above[:-1])
            line.insert(0, above[-1])
        lines.append("".join(line))
    return tuple(lines)


def lines_of(text: str, look: Look, width_mm: float) -> tuple[str, ...]:
    """Return the lines of a cell's text in a cell of this width; characters of an upright cell stand one to a line."""
    if look.vertical:
        return tuple(char for char in text if not char.isspace())
    room = width_mm - PADDING_X_MM - (INDENT_MM if look.indent else 0)
    em = DIGIT_EM if text.isdecimal() else 1
    if "\n" not in text and len(text) * em * look.points * MM_PER_POINT <= room:
        return (text,)
    return wrap(text, room, look.face, look.points)


def height_of(text: str, look: Look, width_mm: float) -> float:
    """Return the least height in millimetres of a cell with this text."""
    if not text:
        return 0.0
    count = len(lines_of(text, look, width_mm))
    return count * look.points * MM_PER_POINT * LINE_HEIGHT + PADDING_Y_MM


def lines_within(height_mm: float, look: Look) -> int:
    """Return how many lines of text a height holds."""
    return int((height_mm - PADDING_Y_MM) / (look.points * MM_PER_POINT * LINE_HEIGHT))


def surely_within(lines: int, width_em: float) -> float:
    """Return a length below which a simple text surely takes no more than so many lines, without breaking it into them.

    Each line but the last leaves less room than the longest number takes.
    """
    return lines * width_em - (lines - 1) * _SHORT_NUMBER_EM


def cell_height(cell: Cell, width_mm: float) -> float:
    """Return the least height of a cell over all rows it covers."""
    return height_of(cell.text, cell.look, width_mm)


@lru_cache(maxsize=4096)
def fitting_points(text: str, face: Face, points: float, width_mm: float) -> float:
    """Return the largest size, not above `points` and not below 5, at which the text stays on one line."""
    wide = text_mm(text, face, points)
    room = width_mm - 1.0
    if wide <= room:
        return points
    return max(5.0, int(points * room / wide * 2) / 2)
