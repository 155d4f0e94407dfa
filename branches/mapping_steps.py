"""One uploaded workbook on its way in: the sheets recognised in it, and the mapping a person corrected."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from branches.importers import site_vocabulary
from branches.intake.headers import HeadingMatcher, apply_mapping, cell_text, find_header, find_table, looks_like
from branches.intake.shapes import Grid, MappingChoice, TableMapping, Workbook, column_letter
from branches.intake.sheets import select_sheets
from branches.intake.vocabulary import TableWords, Vocabulary
from branches.intake.workbook import read_workbook
from branches.models import Upload
from branches.services import uploads

SAMPLES = 3


class ChoiceError(ValueError):
    """A mapping that cannot be; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column of a sheet on the mapping page."""

    number: int
    letter: str
    heading: str
    hidden: bool
    field: str  # what it is read as, "" for nothing
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetView:
    """One sheet on the mapping page; `number` counts from 0 in the order of the tabs."""

    number: int
    name: str
    used: bool
    reason: str
    first: int
    last: int
    columns: tuple[ColumnView, ...]
    rows: int
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()


class MappingSteps:
    """Reads one upload again at every step; it holds no state of its own but the upload's `choices`.

    `table` names the words (presets/words.toml) by which its sheets are recognised.
    """

    table = ""

    def __init__(self, upload: Upload) -> None:
        """Keep the row; the workbook is read when first asked for."""
        self.upload = upload

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the product with those this site has taught."""
        return site_vocabulary()

    @property
    def words(self) -> TableWords:
        """The words of the table."""
        return self.vocabulary.tables[self.table]

    @cached_property
    def workbook(self) -> Workbook:
        """The stored workbook. Raises RefusedUpload, or FileNotFoundError once it was purged."""
        return read_workbook(self.upload.name, uploads.read(upload=self.upload))

    @property
    def decisions(self) -> dict[str, str]:
        """What a person said about doubtful names."""
        return dict(self.upload.choices.get("decisions", {}))

    @property
    def chosen(self) -> dict[str, MappingChoice] | None:
        """The mapping a person corrected, or None while the recognised one stands."""
        sheets = self.upload.choices.get("sheets")
        if not sheets:
            return None
        return {name: MappingChoice(tuple(one["rows"]), dict(one["columns"])) for name, one in sheets.items()}

    # --- the mapping page --------------------------------------------------------------------------------------------

    def sheets(self, rows: Mapping[str, tuple[int, ...]] | None = None) -> list[SheetView]:
        """Return the sheets that hold anything; `rows` are header rows by sheet that a person asks to read anew."""
        selection = select_sheets(self.workbook, self.vocabulary, self.table, self.chosen)
        used = {grid.name: table for grid, table in selection.tables}
        if self.chosen is None:
            used |= self._tables()
        reasons = {sheet.name: sheet.reason for sheet in selection.skipped}
        reasons |= {p.sheet: p.reason for p in selection.problems if p.sheet not in reasons}
        views = []
        for number, grid in enumerate(self.workbook.sheets):
            if grid.empty:
                continue
            asked = (rows or {}).get(grid.name)
            mapping = self._asked(grid, asked) if asked else used.get(grid.name) or self._guess(grid)
            taken = bool(asked) or grid.name in used
            views.append(self._view(number, grid, mapping, used=taken, reason=reasons.get(grid.name, "")))
        return views

    def _asked(self, grid: Grid, rows: tuple[int, ...]) -> TableMapping:
        """Read other header rows and recognise their words."""
        bare = apply_mapping(grid, self.vocabulary, self.table, MappingChoice(rows, {}))
        matcher = HeadingMatcher(self.words)
        best: dict[str, tuple[int, int]] = {}
        for heading in bare.headings:
            found = matcher.match(heading.path)
            if found and (found[0] not in best or found[1] > best[found[0]][0]):
                best[found[0]] = (found[1], heading.column)
        columns = {name: column for name, (_, column) in best.items()}
        return apply_mapping(grid, self.vocabulary, self.table, MappingChoice(rows, columns))

    def _guess(self, grid: Grid) -> TableMapping:
        """Propose a header for a sheet that was not recognised: by its words, else its fullest row of the first ten."""
        if find_header(grid, self.words) is not None:
            found = find_table(grid, self.vocabulary, self.table)
            if found is not None:
                return found
        counts = {row: sum(not grid.cell(row, c).blank for c in range(1, grid.last_column + 1)) for row in range(1, 11)}
        row = max(counts, key=lambda number: (counts[number], -number))
        return apply_mapping(grid, self.vocabulary, self.table, MappingChoice((row,), {}))

    def _view(self, number: int, grid: Grid, mapping: TableMapping, *, used: bool, reason: str) -> SheetView:
        fields = {column: name for name, column in mapping.columns.items()}
        shown = mapping.data_rows()[:SAMPLES]
        columns = tuple(
            ColumnView(
                number=heading.column,
                letter=column_letter(heading.column),
                heading=heading.text,
                hidden=heading.hidden,
                field=fields.get(heading.column, ""),
                samples=tuple(cell_text(grid.shown(row, heading.column)).removesuffix(" 00:00:00") for row in shown),
            )
            for heading in mapping.headings
        )
        missing = [self.words.fields[name].label for name in self.words.required if name not in mapping.columns]
        first, last = mapping.header_rows[0], mapping.header_rows[-1]
        return SheetView(
            number,
            grid.name,
            used,
            reason,
            first,
            last,
            columns,
            len(mapping.data_rows()),
            tuple(missing),
            mapping.notes,
        )

    def header_rows(self, data: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """Return the header rows posted for each sheet that is to be read. Raises ChoiceError."""
        found = {}
        for number, grid in enumerate(self.workbook.sheets):
            if f"use-{number}" not in data:
                continue
            first, last = str(data.get(f"first-{number}", "")), str(data.get(f"last-{number}", ""))
            if not first.isdigit() or not last.isdigit() or not 1 <= int(first) <= int(last) <= grid.last_row:
                raise ChoiceError(f"工作表“{grid.name}”的表头行请写第几行到第几行，例如 3 到 4。")
            if int(last) - int(first) > 5:
                raise ChoiceError(f"工作表“{grid.name}”的表头最多 6 行。")
            found[grid.name] = tuple(range(int(first), int(last) + 1))
        return found

    def posted(self, data: Mapping[str, Any]) -> dict[str, MappingChoice]:
        """Return the mapping posted from the page. Raises ChoiceError."""
        rows, choices = self.header_rows(data), {}
        for number, grid in enumerate(self.workbook.sheets):
            if grid.name in rows:
                choices[grid.name] = MappingChoice(rows[grid.name], self._columns(data, number, grid))
        if not choices:
            raise ChoiceError("请至少选取一张工作表。")
        return choices

    def _columns(self, data: Mapping[str, Any], number: int, grid: Grid) -> dict[str, int]:
        columns: dict[str, int] = {}
        for column in range(1, grid.last_column + 1):
            name = str(data.get(f"col-{number}-{column}", ""))
            if not name or name not in self.words.fields:
                continue
            if name in columns:
                label = self.words.fields[name].label
                both = f"{column_letter(columns[name])}、{column_letter(column)}"
                raise ChoiceError(f"工作表“{grid.name}”的“{label}”对应了 {both} 两列，请只留一列。")
            columns[name] = column
        return columns

    def _tables(self) -> dict[str, TableMapping]:
        """Return the sheets recognised as such tables, complete or not."""
        filled = (grid for grid in self.workbook.sheets if not grid.empty)
        found = ((grid.name, find_table(grid, self.vocabulary, self.table)) for grid in filled)
        return {name: table for name, table in found if table and looks_like(table.columns, self.words)}

    def recognised(self) -> dict[str, MappingChoice]:
        """Return the mapping the system finds by itself."""
        return {name: table.choice() for name, table in self._tables().items()}

    def taught(self, choices: Mapping[str, MappingChoice]) -> dict[str, str]:
        """Return heading → field for the columns a person named otherwise than the words did."""
        own, lessons = self.recognised(), {}
        for name, choice in choices.items():
            table = apply_mapping(self.workbook.sheet(name), self.vocabulary, self.table, choice)
            known = own[name].columns if name in own else {}
            for heading in table.headings:
                if heading.field and heading.path and known.get(heading.field) != heading.column:
                    lessons[heading.text] = heading.field
        return lessons

    def keep(self, choices: Mapping[str, MappingChoice]) -> None:
        """Remember the mapping with the upload; one equal to the recognised one is not a correction."""
        stored, plain = _as_json(choices), _as_json(self.recognised())
        rest = {key: value for key, value in self.upload.choices.items() if key != "sheets"}
        uploads.choose(upload=self.upload, choices=rest if stored == plain else {**rest, "sheets": stored})

    def decide(self, answers: Mapping[str, str]) -> None:
        """Remember what a person said about doubtful names; an empty answer takes an earlier one back."""
        decisions = {**self.decisions, **answers}
        kept = {written: meant for written, meant in decisions.items() if meant}
        uploads.choose(upload=self.upload, choices={**self.upload.choices, "decisions": kept})


def _as_json(choices: Mapping[str, MappingChoice]) -> dict[str, Any]:
    return {name: {"rows": list(one.header_rows), "columns": dict(one.columns)} for name, one in choices.items()}
