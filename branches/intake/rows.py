"""Reading the fields of a table's rows and noting what is wrong with single cells."""

from collections.abc import Callable, Mapping, Sequence

from branches.intake.shapes import Grid, Limits, Problem, RawCell, Severity, TableMapping, Workbook, cell_ref
from branches.intake.values import Parsed, T
from branches.intake.vocabulary import Vocabulary


class TableReader:
    """Reads the rows of one sheet; `problems` grows while it does.

    `own` are fields that every row must state itself, merged ranges or not; `spoken` are their names in messages.
    """

    def __init__(
        self,
        grid: Grid,
        mapping: TableMapping,
        vocabulary: Vocabulary,
        limits: Limits,
        *,
        own: Sequence[str],
        spoken: Mapping[str, str],
    ) -> None:
        """Prepare to read one sheet."""
        self.grid, self.mapping, self.vocabulary, self.limits = grid, mapping, vocabulary, limits
        self._own, self._spoken = frozenset(own), spoken
        self.problems: list[Problem] = []

    def add(self, row: int, name: str, reason: str, code: str, level: Severity = Severity.ERROR) -> None:
        """Note a problem at a field's cell."""
        self.problems.append(Problem(self.grid.name, self.mapping.at(row, name), level, reason, code))

    def cell(self, row: int, name: str) -> RawCell:
        """Return the field's cell; inside a merged range its top left one, unless every row must state the field."""
        column = self.mapping.columns.get(name)
        if column is None:
            return RawCell(None, "General", "n", cell_ref(row, 1))
        return self.grid.cell(row, column) if name in self._own else self.grid.shown(row, column)

    def read(self, row: int, name: str, parse: Callable[[RawCell, Vocabulary, Limits], Parsed[T]]) -> Parsed[T]:
        """Parse a field's cell and note what is wrong with it."""
        parsed = parse(self.cell(row, name), self.vocabulary, self.limits)
        label = self._spoken.get(name, "")
        longest = self.limits.field_lengths.get(name)
        if longest is not None and _length(parsed.value) > longest:
            self.add(row, name, f"{label}过长（{_length(parsed.value)}字，最多{longest}字）", "too_long")
            return Parsed()
        if parsed.reason:
            colon = "：" if parsed.reason.startswith(("单元格", "公式")) else ""
            self.add(row, name, f"{label}{colon}{parsed.reason}", parsed.code)
        elif parsed.doubt:
            self.add(row, name, f"{label}{parsed.doubt}", parsed.code, Severity.WARNING)
        return parsed

    def references(self, row: int) -> dict[str, str]:
        """Return the reference of each field's cell in the row."""
        return {name: self.mapping.at(row, name) for name in self.mapping.columns}


def _length(value: object) -> int:
    """Return how long a value is when stored: texts as they are, several telephone numbers with a mark between."""
    if isinstance(value, tuple):
        return len("、".join(value))
    return len(value) if isinstance(value, str) else 0


def in_order(problems: Sequence[Problem], workbook: Workbook) -> tuple[Problem, ...]:
    """Sort by sheet, row and column, as a person walks through the file."""
    sheets = {grid.name: index for index, grid in enumerate(workbook.sheets)}

    def place(problem: Problem) -> tuple[int, int, int, str]:
        corner = problem.cell.partition(":")[0]
        letters = corner.rstrip("0123456789")
        return sheets.get(problem.sheet, 0), int(corner[len(letters) :] or 0), len(letters), letters

    return tuple(sorted(problems, key=place))
