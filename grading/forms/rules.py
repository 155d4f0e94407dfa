"""Tables of typed rows for the rules of a round: what a person types, kept as typed, and what it means.

A section of the editor is single values and tables, a table has rows, and a row may hold tables of its own (the
options of a source). Names in the page are paths: `sources-0-options-1-label`. Adding, moving and taking away rows
happens on what was typed; nothing is stored before a person saves.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from grading.presets import Content

MAXIMUM_ROWS = 60
_OPERATION = re.compile(r"(add|drop|up|down):([a-z_0-9-]{1,80})")
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Column:
    """One thing to fill in. `kind`: text, long, number, whole, choice, check, day, words, hidden."""

    name: str
    label: str
    kind: str = "text"
    required: bool = True
    choices: str = ""
    default: str = ""
    longest: int = 60
    hint: str = ""
    when: tuple[str, str] = ("", "")
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of columns, with tables inside each row. `when` shows a table only while a column of its row says so."""

    name: str
    title: str
    columns: tuple[Column, ...]
    tables: tuple["Table", ...] = ()
    add: str = "添加一行"
    hint: str = ""
    when: tuple[str, str] = ("", "")
    coded: str = ""
    starter: tuple[Mapping[str, str], ...] = ()
    cards: bool = False


@dataclass(slots=True)
class Row:
    """One row as typed, with what is wrong with it by column."""

    typed: dict[str, str] = field(default_factory=dict)
    tables: dict[str, list["Row"]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def blank_row(table: Table) -> Row:
    """Return an empty row with its defaults."""
    return Row(
        {column.name: column.default for column in table.columns},
        {inner.name: _starters(inner) for inner in table.tables},
    )


# --- reading what was typed --------------------------------------------------------------------------------------


def typed_row(post: Mapping[str, str], columns: Sequence[Column], tables: Sequence[Table], prefix: str) -> Row:
    """Return the values and tables that stand under `prefix` (empty, or ending in a dash)."""
    row = Row({column.name: _posted(post, column, prefix) for column in columns})
    for table in tables:
        path = f"{prefix}{table.name}"
        if f"{path}-count" not in post:  # not on the page until now
            row.tables[table.name] = _starters(table)
            continue
        row.tables[table.name] = [
            typed_row(post, table.columns, table.tables, f"{path}-{number}-")
            for number in range(_count(post, f"{path}-count"))
        ]
    return row


def _posted(post: Mapping[str, str], column: Column, prefix: str) -> str:
    """Return the text of one field; one that was not on the page has its default, a switch is off."""
    absent = "" if column.kind == "check" else column.default
    return str(post.get(f"{prefix}{column.name}", absent)).strip()


def _starters(table: Table) -> list[Row]:
    """Return the rows a table begins with."""
    return [Row(dict(start)) for start in table.starter]


def _count(post: Mapping[str, str], name: str) -> int:
    typed = str(post.get(name, ""))
    return min(int(typed), MAXIMUM_ROWS) if typed.isascii() and typed.isdigit() else 0


def operate(row: Row, tables: Sequence[Table], command: str) -> bool:
    """Add, move or take away a row by a command such as `add:sources-0-options`; False when it is none."""
    match = _OPERATION.fullmatch(command)
    if match is None:
        return False
    what, parts = match.group(1), match.group(2).split("-")
    number = int(parts.pop()) if what != "add" and parts[-1].isdigit() else None
    found = _find(row, tables, parts)
    if found is None or (what != "add" and number is None):
        return False
    table, rows = found
    if what == "add":
        if len(rows) < MAXIMUM_ROWS:
            rows.append(blank_row(table))
    elif number is not None and number < len(rows):
        _shift(rows, what, number)
    return True


def _shift(rows: list[Row], what: str, number: int) -> None:
    """Take a row away, or let it change places with its neighbour."""
    if what == "drop":
        del rows[number]
        return
    other = number - 1 if what == "up" else number + 1
    if 0 <= other < len(rows):
        rows[number], rows[other] = rows[other], rows[number]


def _find(row: Row, tables: Sequence[Table], parts: list[str]) -> tuple[Table, list[Row]] | None:
    """Return the table a path names, and its rows."""
    table = next((one for one in tables if one.name == parts[0]), None)
    if table is None:
        return None
    rows = row.tables.setdefault(table.name, [])
    if len(parts) == 1:
        return table, rows
    if not parts[1].isdigit() or int(parts[1]) >= len(rows) or len(parts) == 2:
        return None
    return _find(rows[int(parts[1])], table.tables, parts[2:])


# --- from typed text to a preset's values ------------------------------------------------------------------------


@dataclass(slots=True)
class Reading:
    """What typed rows mean, and the sentences on what could not be read, each with the id of its field."""

    content: Content = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def read(
    row: Row,
    columns: Sequence[Column],
    tables: Sequence[Table],
    choices: Mapping[str, Choices],
    where: tuple[str, str] = ("", ""),
) -> Reading:
    """Turn typed text into values; empty rows are left out, what is wrong is noted on the row as well.

    `where` is the prefix of the fields' names, and the words that say which row they stand in.
    """
    prefix, place = where
    reading = Reading()
    for column in columns:
        if not shown(column.when, row):
            continue
        try:
            value = value_of(column, row.typed.get(column.name, ""), choices)
        except ValueError as error:
            row.errors[column.name] = str(error)
            reading.faults.append((f"id_{prefix}{column.name}", f"{place}{error}"))
            continue
        if value is not False and value not in (None, "", []):
            reading.content[column.name] = value
    for table in tables:
        if shown(table.when, row):
            reading.content[table.name] = _read_rows(table, row, choices, where, reading.faults)
    return reading


def _read_rows(
    table: Table,
    row: Row,
    choices: Mapping[str, Choices],
    where: tuple[str, str],
    faults: list[tuple[str, str]],
) -> list[Content]:
    """Read the rows of one table; rows that have a code and none yet get one."""
    prefix, place = where
    entries = []
    rows = [(number, one) for number, one in enumerate(row.tables.get(table.name, [])) if not empty(one, table)]
    taken = {one.typed.get(table.coded, "") for _, one in rows}
    for number, one in rows:
        if table.coded and not one.typed.get(table.coded):
            one.typed[table.coded] = _fresh(table.name, taken)
            taken.add(one.typed[table.coded])
        inside = (f"{prefix}{table.name}-{number}-", f"{place}{table.title}第 {number + 1} 行：")
        found = read(one, table.columns, table.tables, choices, inside)
        faults += found.faults
        entries.append(found.content)
    return entries


def _fresh(name: str, taken: set[str]) -> str:
    """Return a code no other row has."""
    stem = {"vetoes": "veto"}.get(name, name.removesuffix("s"))
    return next(f"{stem}-{number}" for number in range(1, 1000) if f"{stem}-{number}" not in taken)


def empty(row: Row, table: Table) -> bool:
    """Tell whether nothing was typed or chosen in a row; switches and choices made beforehand do not count."""
    counting = (one for one in table.columns if one.kind not in ("check", "hidden") and not one.default)
    return not any(row.typed.get(column.name) for column in counting)


def shown(when: tuple[str, str], row: Row) -> bool:
    """Tell whether a column or table counts, by what another column of the same row says."""
    name, value = when
    return not name or row.typed.get(name) in value.split(",")


def value_of(column: Column, text: str, choices: Mapping[str, Choices]) -> Any:
    """Return what was typed as a preset keeps it. Raises ValueError with the sentence."""
    if not text:
        if column.required and column.kind not in ("check", "hidden"):
            raise ValueError(f"请{'选择' if column.kind == 'choice' else '填写'}{column.label}。")
        return False if column.kind == "check" else None
    if column.kind == "choice" and text not in dict(choices.get(column.choices, ())):
        raise ValueError(f"{column.label}请从列出的里面选。")
    return READERS.get(column.kind, _read_text)(column, text)


def _read_text(column: Column, text: str) -> str:
    if len(text) > column.longest:
        raise ValueError(f"{column.label}过长（{len(text)} 字，最多 {column.longest} 字）。")
    if any(unicodedata.category(sign) == "Cc" and sign not in "\r\n\t" for sign in text):
        raise ValueError(f"{column.label}里有看不见的控制字符，请重新输入。")
    return text


def _read_number(column: Column, text: str) -> str:
    typed = unicodedata.normalize("NFKC", text).replace("%", "").strip()
    if not re.fullmatch(r"\d{1,5}(\.\d{1,2})?", typed):
        raise ValueError(f"{column.label}“{text}”请填数字，最多两位小数，如 90 或 37.5。")
    try:
        number = Decimal(typed)
    except InvalidOperation as error:  # pragma: no cover - the shape was looked at above
        raise ValueError(f"{column.label}请填数字。") from error
    plain = format(number, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _read_whole(column: Column, text: str) -> int:
    typed = unicodedata.normalize("NFKC", text).strip()
    if not re.fullmatch(r"\d{1,4}", typed):
        raise ValueError(f"{column.label}“{text}”请填整数。")
    return int(typed)


def _read_day(column: Column, text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError(f"{column.label}“{text}”请写成 2012-03-30 的样子。") from error


def _read_words(column: Column, text: str) -> list[str]:
    words = [word.strip() for word in re.split(r"[,，、;；\s]+", text) if word.strip()]
    if any(len(word) > column.longest for word in words):
        raise ValueError(f"{column.label}里有一项过长。")
    return words


READERS: dict[str, Callable[[Column, str], Any]] = {
    "number": _read_number,
    "whole": _read_whole,
    "day": _read_day,
    "words": _read_words,
    "check": lambda _column, _text: True,
}


# --- from a preset's values to typed text ------------------------------------------------------------------------


def filled(entry: Content, columns: Sequence[Column], tables: Sequence[Table]) -> Row:
    """Return stored values as they would be typed."""
    row = Row({column.name: _text(entry.get(column.name)) for column in columns})
    for table in tables:
        rows = entry.get(table.name) or []
        row.tables[table.name] = [filled(one, table.columns, table.tables) for one in rows]
    return row


def _text(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    return "、".join(str(one) for one in value) if isinstance(value, list) else str(value)


# --- drawing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One field on the page."""

    id: str
    name: str
    column: Column
    value: str
    choices: Choices
    error: str

    @property
    def checked(self) -> bool:
        """Tell whether a switch is on."""
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """One row on the page: its fields, its own tables, its place."""

    path: str
    number: int
    cells: tuple[Cell, ...]
    tables: tuple["DrawnTable", ...]
    last: bool

    @property
    def visible(self) -> tuple[Cell, ...]:
        """The fields a person sees."""
        return tuple(cell for cell in self.cells if cell.column.kind != "hidden")

    @property
    def hidden(self) -> tuple[Cell, ...]:
        """Codes that only travel along."""
        return tuple(cell for cell in self.cells if cell.column.kind == "hidden")


@dataclass(frozen=True, slots=True)
class DrawnTable:
    """One table on the page."""

    path: str
    table: Table
    columns: tuple[Column, ...]
    rows: tuple[DrawnRow, ...]


def cells(row: Row, columns: Sequence[Column], prefix: str, choices: Mapping[str, Choices]) -> tuple[Cell, ...]:
    """Return the fields of a row as they are drawn."""
    return tuple(
        Cell(
            f"id_{prefix}{column.name}",
            f"{prefix}{column.name}",
            column,
            row.typed.get(column.name, ""),
            _offered(column, row.typed.get(column.name, ""), choices),
            row.errors.get(column.name, ""),
        )
        for column in columns
        if shown(column.when, row)
    )


def _offered(column: Column, value: str, choices: Mapping[str, Choices]) -> Choices:
    """Return what a field offers; a stored value that is offered no more stays visible."""
    if column.kind != "choice":
        return ()
    offered = list(choices.get(column.choices, ()))
    if value and value not in dict(offered):
        offered.append((value, f"{value}（已不可选）"))
    return offered


def drawn(row: Row, tables: Sequence[Table], prefix: str, choices: Mapping[str, Choices]) -> tuple[DrawnTable, ...]:
    """Return the tables of a row as they are drawn."""
    return tuple(_drawn_tables(row, tables, prefix, choices))


def _drawn_tables(
    row: Row, tables: Sequence[Table], prefix: str, choices: Mapping[str, Choices]
) -> Iterator[DrawnTable]:
    for table in tables:
        if not shown(table.when, row):
            continue
        path = f"{prefix}{table.name}"
        rows = row.tables.get(table.name, [])
        yield DrawnTable(
            path,
            table,
            tuple(column for column in table.columns if column.kind != "hidden"),
            tuple(
                DrawnRow(
                    f"{path}-{number}",
                    number,
                    cells(one, table.columns, f"{path}-{number}-", choices),
                    drawn(one, table.tables, f"{path}-{number}-", choices),
                    number == len(rows) - 1,
                )
                for number, one in enumerate(rows)
            ),
        )
