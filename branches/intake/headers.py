"""Finding a table on a sheet: the header by its words, at any place and depth, and the rows that are data."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from branches.intake.shapes import Grid, Heading, MappingChoice, RawCell, TableMapping, column_letter
from branches.intake.vocabulary import TableWords, Vocabulary, heading_key, heading_keys

SEARCH_ROWS = 60
MAXIMUM_DEPTH = 4
_AFTER_NOTE_WORD = re.compile(r"^[\s:：.．、,，;；)）\d]|^$")


class HeadingMatcher:
    """Says which field a heading path means, and how surely (3 by its group, 2 by its own words, 1 by a bare leaf)."""

    def __init__(self, words: TableWords) -> None:
        """Index the words of one table."""
        self._groups = {heading_key(w): group for group, all_words in words.groups.items() for w in all_words}
        self._neutral = words.neutral
        self._whole: dict[str, str] = {}
        self._grouped: dict[tuple[str, str], str] = {}
        bare: dict[str, set[str]] = {}
        for field in words.fields.values():
            for word in (field.label, *field.words):
                self._whole.setdefault(heading_key(word), field.name)
            for leaf in field.leaf:
                self._grouped[field.group, heading_key(leaf)] = field.name
                bare.setdefault(heading_key(leaf), set()).add(field.name)
        for field in words.fields.values():
            for leaf, outer in itertools.product(field.leaf, words.groups.get(field.group, ())):
                self._whole.setdefault(heading_key(outer + leaf), field.name)
                self._whole.setdefault(heading_key(leaf + outer), field.name)
        self._bare = {leaf: names.pop() for leaf, names in bare.items() if len(names) == 1}

    def match(self, path: tuple[str, ...]) -> tuple[str, int] | None:
        """Return (field, sureness) for a path from the outer to the inner heading, or None."""
        if not path:
            return None
        outers = [key for text in path[:-1] for key in heading_keys(text)]
        for last in heading_keys(path[-1]):
            found = self._match_leaf(last, outers)
            if found is not None:
                return found
        joined = self._whole.get(heading_key("".join(path)))
        return (joined, 2) if joined else None

    def _match_leaf(self, last: str, outers: list[str]) -> tuple[str, int] | None:
        for outer in reversed(outers):
            group = self._groups.get(outer)
            if group is not None and (group, last) in self._grouped:
                return self._grouped[group, last], 3
        strange = any(outer not in self._groups and outer not in self._neutral for outer in outers)
        if last in self._whole:
            return self._whole[last], 1 if strange else 2
        if last in self._bare and not strange and not any(outer in self._groups for outer in outers):
            return self._bare[last], 1
        return None


@dataclass(frozen=True)
class _Header:
    rows: tuple[int, ...]
    headings: tuple[Heading, ...]
    score: tuple[int, int, int]
    notes: tuple[str, ...]

    @property
    def columns(self) -> dict[str, int]:
        return {heading.field: heading.column for heading in self.headings if heading.field is not None}


def cell_text(cell: RawCell) -> str:
    """Return the value as text with white space trimmed; dates and numbers as Python writes them."""
    return "" if cell.value is None else str(cell.value).strip()


def heading_path(grid: Grid, rows: tuple[int, ...], column: int) -> tuple[str, ...]:
    """Return the headings over a column from the outer to the inner level, reading merged ranges as one heading."""
    path: list[str] = []
    seen: set[tuple[int, int]] = set()
    for row in rows:
        merge = grid.merge_at(row, column)
        if merge and (merge.top < rows[0] or merge.bottom > rows[-1]):
            continue  # belongs to a higher or deeper header than these rows
        place = (merge.top, merge.left) if merge else (row, column)
        text = cell_text(grid.cell(*place))
        if not text and merge is None and row != rows[-1]:
            text = _outer_from_left(grid, row, rows[-1], column)
        if text and place not in seen:
            path.append(" ".join(text.split()))
        seen.add(place)
    return tuple(path)


def _outer_from_left(grid: Grid, row: int, lowest: int, column: int) -> str:
    """Return the heading that an unmerged outer cell to the left extends over this column, or ""."""
    while column >= 1 and cell_text(grid.shown(lowest, column)):
        text = cell_text(grid.shown(row, column))
        if text:
            return text if grid.merge_at(row, column) is None else ""
        column -= 1
    return ""


def _read_header(grid: Grid, rows: tuple[int, ...], matcher: HeadingMatcher, last_column: int) -> _Header:
    best: dict[str, tuple[int, int]] = {}
    paths: list[tuple[int, tuple[str, ...], tuple[str, int] | None]] = []
    for column in range(1, last_column + 1):
        path = heading_path(grid, rows, column)
        if not path:
            continue
        found = matcher.match(path)
        paths.append((column, path, found))
        if found and (found[0] not in best or found[1] > best[found[0]][0]):
            best[found[0]] = (found[1], column)
    headings, notes = [], []
    for column, path, found in paths:
        chosen = found is not None and best[found[0]][1] == column
        headings.append(
            Heading(column, path, found[0] if found and chosen else None, column in grid.hidden_columns),
        )
        if found and not chosen:
            used = column_letter(best[found[0]][1])
            notes.append(f"{column_letter(column)}列“{'/'.join(path)}”与{used}列含义相同，只用了{used}列。")
    sureness = sum(strength for strength, _ in best.values())
    return _Header(rows, tuple(headings), (len(best), sureness, -len(rows)), tuple(notes))


def find_header(grid: Grid, words: TableWords) -> _Header | None:
    """Return the rows whose words fit the table best, or None when none fits at all."""
    matcher, last_row, last_column = HeadingMatcher(words), grid.last_row, grid.last_column
    best: _Header | None = None
    for first in range(1, min(last_row, SEARCH_ROWS) + 1):
        if not any(cell_text(grid.cell(first, column)) for column in range(1, last_column + 1)):
            continue
        for depth in range(1, min(MAXIMUM_DEPTH, last_row - first + 1) + 1):
            found = _read_header(grid, tuple(range(first, first + depth)), matcher, last_column)
            if found.score[0] and (best is None or found.score > best.score):
                best = found
    return best


def looks_like(columns: Mapping[str, int], words: TableWords) -> bool:
    """True when the columns found make the sheet a table of this kind, complete or not."""
    return words.identity in columns and sum(sign in columns for sign in words.signs) >= words.minimum_signs


def missing_columns(columns: Mapping[str, int], words: TableWords) -> tuple[str, ...]:
    """Return the labels of required columns that were not found."""
    missing = [words.fields[name].label for name in words.required if name not in columns]
    if words.one_of and not any(name in columns for name in words.one_of):
        missing.append("或".join(words.fields[name].label for name in words.one_of))
    return tuple(missing)


def find_table(grid: Grid, vocabulary: Vocabulary, table: str) -> TableMapping | None:
    """Find a table of the named kind: its header, columns, data rows and total row. None when no heading fits."""
    words = vocabulary.tables[table]
    header = find_header(grid, words)
    if header is None:
        return None
    return _bounded(grid, vocabulary, words, header)


def apply_mapping(grid: Grid, vocabulary: Vocabulary, table: str, choice: MappingChoice) -> TableMapping:
    """Read the table by the header rows and columns a person chose.

    Raises ValueError when the choice names no header row, a column twice or a field the table does not have.
    """
    words = vocabulary.tables[table]
    rows = tuple(sorted(choice.header_rows))
    unknown = set(choice.columns) - set(words.fields)
    if not rows or rows[0] < 1 or rows[-1] - rows[0] >= SEARCH_ROWS:
        raise ValueError("请指出表头所在的行。")
    if unknown or len(set(choice.columns.values())) != len(choice.columns):
        raise ValueError("一列只能对应一个字段，且字段须在列表中。")
    by_column = {column: name for name, column in choice.columns.items()}
    headings = []
    for column in range(1, max(grid.last_column, *by_column, 1) + 1):
        path = heading_path(grid, rows, column)
        if path or column in by_column:
            headings.append(Heading(column, path, by_column.get(column), column in grid.hidden_columns))
    return _bounded(grid, vocabulary, words, _Header(rows, tuple(headings), (0, 0, 0), ()))


def _bounded(grid: Grid, vocabulary: Vocabulary, words: TableWords, header: _Header) -> TableMapping:
    """Walk down from the header to where the data ends."""
    columns, first = header.columns, header.rows[-1] + 1
    data: list[int] = []
    total_row: int | None = None
    for row in range(first, grid.last_row + 1):
        kind = _row_kind(grid, vocabulary, words, header, row)
        if kind == "data":
            data.append(row)
        elif kind == "total" and not data and total_row is None:
            total_row = row  # some offices put the totals first
        elif kind == "total":
            total_row = row
            break
        elif kind == "end":
            break
    first, last = (data[0], data[-1]) if data else (first, first - 1)
    return TableMapping(
        sheet=grid.name,
        header_rows=header.rows,
        columns=columns,
        headings=header.headings,
        first_row=first,
        last_row=last,
        total_row=total_row,
        skipped_rows=frozenset(range(first, last + 1)) - frozenset(data),
        notes=(*_hidden_notes(grid, header, data), *header.notes),
    )


def _hidden_notes(grid: Grid, header: _Header, data: list[int]) -> list[str]:
    notes = [
        f"{column_letter(heading.column)}列“{heading.text}”是隐藏列，照常读取。"
        for heading in header.headings
        if heading.hidden and heading.field is not None
    ]
    hidden = [row for row in data if row in grid.hidden_rows]
    if hidden:
        notes.append(f"有{len(hidden)}行被隐藏（第{hidden[0]}行等），照常读取。")
    return notes


def _row_kind(grid: Grid, vocabulary: Vocabulary, words: TableWords, header: _Header, row: int) -> str:
    """Return data, blank, total, subtotal, header or end."""
    columns = header.columns
    used = [column for name, column in columns.items() if name != "index"]
    filled = [column for column in range(1, grid.last_column + 1) if not grid.cell(row, column).blank]
    if not filled:
        return "blank"
    mark = _end_mark(grid, vocabulary, row, filled, columns.get(words.identity, 1))
    if mark:
        return mark
    if not any(column in used for column in filled):
        return "blank"  # only a row number, or something beside the table
    if _repeats_header(grid, header, row, filled):
        return "header"
    return "data"


def _end_mark(grid: Grid, vocabulary: Vocabulary, row: int, filled: list[int], identity: int) -> str:
    """Return total, subtotal or end when the row's first words say so and no branch is named beside them."""
    named = identity in filled and (grid.merge_at(row, identity) or None) is None
    for column in filled:
        text = cell_text(grid.cell(row, column))
        key = "".join(text.split())
        if column > max(identity, filled[0]):
            break
        if named and column != identity and filled[0] != column:
            continue
        if key.startswith(vocabulary.subtotal):
            return "subtotal"
        if key.startswith(vocabulary.total) and len(key) <= 20:
            return "total"
        if column == filled[0] and _is_note(vocabulary, key) and not (named and identity != column):
            return "end"
    return ""


def _is_note(vocabulary: Vocabulary, text: str) -> bool:
    for word in vocabulary.note_words:
        if text.startswith(word) and _AFTER_NOTE_WORD.match(text.removeprefix(word)):
            return True
    return any(word in text and re.search(f"{word}[^，。]{{0,8}}[:：]", text) for word in vocabulary.signatures)


def _repeats_header(grid: Grid, header: _Header, row: int, filled: list[int]) -> bool:
    """True when the row repeats the headings, as on the second printed page."""
    inner = {heading.column: heading.path for heading in header.headings if heading.path}
    same = sum(
        heading_key(cell_text(grid.cell(row, column))) in {heading_key(text) for text in inner.get(column, ())}
        for column in filled
    )
    return same >= 2 and same * 2 > len(filled)
