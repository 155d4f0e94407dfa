"""Definitions of tables and forms: what an annex or a list is, said once. docs/tables.md shows how to write one.

A definition holds no data and knows no database. `layout.lay_out(table, rows)` and `forms.lay_out_form(form, values)`
turn it into one `cells.Sheet`; html.py, xlsx.py, pdf.py and csv.py draw only that.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from reporting.tables.formats import DASH, TEXT, Format

Align = Literal["left", "center", "right"]
ListKind = Literal["", "text", "num", "state", "grade", "links", "select", "progress"]


@dataclass(frozen=True)
class Facts:
    """What a text of a definition may depend on: the rows of the table and the values given beside them."""

    rows: Sequence[Any] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


#: A fixed text, or a function of the facts.
Text = str | Callable[[Facts], str]


def resolve(text: Text, facts: Facts) -> str:
    """Return the text, computed from the facts where it is a function."""
    return text if isinstance(text, str) else text(facts)


@dataclass(frozen=True)
class Page:
    """Paper: size, orientation and margins in millimetres."""

    size: Literal["A4", "A3"] = "A4"
    orientation: Literal["portrait", "landscape"] = "portrait"
    top: float = 25
    right: float = 20
    bottom: float = 22
    left: float = 25

    @property
    def width_mm(self) -> float:
        """Width of the sheet of paper."""
        short, long = (210.0, 297.0) if self.size == "A4" else (297.0, 420.0)
        return short if self.orientation == "portrait" else long

    @property
    def height_mm(self) -> float:
        """Height of the sheet of paper."""
        short, long = (210.0, 297.0) if self.size == "A4" else (297.0, 420.0)
        return long if self.orientation == "portrait" else short

    @property
    def body_width_mm(self) -> float:
        """Width between the margins."""
        return self.width_mm - self.left - self.right

    @property
    def body_height_mm(self) -> float:
        """Height between the margins."""
        return self.height_mm - self.top - self.bottom


PORTRAIT = Page()
LANDSCAPE = Page(orientation="landscape", top=20, right=14, bottom=19, left=14)


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        key: name of the column; also the attribute or mapping key read from a row, unless `value` is given.
        header: words of the head; a newline breaks the line.
        width_mm: width on paper and in Excel.
        align: in the body, on paper. Lists align numbers right by themselves.
        format: one of formats.py.
        blank: what an empty cell shows (None or ""): "—" unless said otherwise.
        value: reads the value from a row, instead of `key`.
        counter: the cell is the row's running number.
        row_header: names the row; `<th scope="row">` in a list.
        label: the body's cells are headings, set in 黑体 on paper (the sections of 附件2).
        kind: how a list on screen draws it ("" = by format): text, num, state, grade, links (tuple of Link), select (a
            check box with the value), progress (a pair done, all).
        badge: class of a state or grade for a row, such as "state-ok" or "grade-a".
        href: address a cell links to on screen; "" for none.
        sort_key: name in ?sort=; "" when the list cannot be sorted by it.
        hide_small: dropped on a phone.
        screen, export: whether lists show it, and whether files hold it.
    """

    key: str
    header: str
    width_mm: float = 20
    align: Align = "center"
    format: Format = TEXT
    blank: str = DASH
    value: Callable[[Any], Any] | None = None
    counter: bool = False
    row_header: bool = False
    label: bool = False
    kind: ListKind = ""
    badge: Callable[[Any], str] | None = None
    href: Callable[[Any], str] | None = None
    sort_key: str = ""
    hide_small: bool = False
    screen: bool = True
    export: bool = True

    def read(self, row: Any, number: int = 0) -> Any:
        """Return the raw value of a row. Raises KeyError or AttributeError when the row lacks the key."""
        if self.counter:
            return number
        if self.value is not None:
            return self.value(row)
        return row[self.key] if isinstance(row, Mapping) else getattr(row, self.key)


@dataclass(frozen=True)
class Group:
    """A heading over several columns; groups may stand in groups, to any depth."""

    header: str
    columns: tuple["Column | Group", ...]


Head = Column | Group


@dataclass(frozen=True)
class Link:
    """A link in a list cell of kind links."""

    text: str
    href: str


@dataclass(frozen=True)
class Pair:
    """One label with its value on the line above the frame, such as 填报单位（盖章）.

    `new_line` starts a new line. A value too long for its line never loses a character: the line is set smaller, then
    the pair gets a line of its own.
    """

    label: str
    value: Text = ""
    new_line: bool = False


@dataclass(frozen=True)
class Merge:
    """Merge columns down over neighbouring rows that agree in `by`.

    Args:
        columns: keys of the columns to merge.
        by: key whose value is compared (a column key, or anything `key` can read); "" = the first of `columns`.
        across_pages: "split" divides the merge at a page end and repeats the text with （续）; "keep" moves the whole
            group to the next page, unless it is longer than a page.
    """

    columns: tuple[str, ...]
    by: str = ""
    across_pages: Literal["split", "keep"] = "split"


@dataclass(frozen=True)
class TotalCell:
    """One cell of a subtotal or total row, from column `key` through column `through`.

    Args:
        value: a fixed text or a function of the rows added up; compute from the rows, never from rounded cells.
        format: None takes the column's.
    """

    key: str
    value: str | Callable[[Sequence[Any]], Any]
    through: str = ""
    format: Format | None = None
    align: Align = "center"
    blank: str = ""


@dataclass(frozen=True)
class Total:
    """A subtotal or total row; columns no cell names stay empty."""

    cells: tuple[TotalCell, ...]
    min_height_mm: float = 8


@dataclass(frozen=True)
class Subtotal:
    """A total row after each group of rows that agree in `by`; it never leaves the last row of its group."""

    by: str
    total: Total


@dataclass(frozen=True)
class Block:
    """A small table under the frame, such as 类别×等级.

    Args:
        rows: all rows, the head first, as a function of the facts.
        widths_mm: wished widths; they snap to the columns of the table above.
    """

    rows: Callable[[Facts], Sequence[Sequence[Any]]]
    widths_mm: tuple[float, ...]
    header_rows: int = 1
    total_rows: int = 0
    format: Format = TEXT
    min_height_mm: float = 7


@dataclass(frozen=True)
class Signature:
    """One signature under the table: label, and on request a date line to fill by hand below it."""

    label: str
    dated: bool = False


CellKind = Literal["label", "value", "sign"]


@dataclass(frozen=True)
class FormCell:
    """One cell of a form. Use the makers below (`label`, `value`, `choices`, …) rather than this class.

    Args:
        kind: label (黑体), value (仿宋) or sign (signature line).
        span: columns of the grid it covers.
        rows: rows it covers.
        text: fixed text, or a function of the facts.
        key: name of the value it shows, "" for a fixed text.
        options: the choices, drawn as ☐/☑; `multiple` allows more than one.
        vertical: characters stand below each other.
        open_top, open_bottom: no line there (an opinion and its signature).
        editable: the cell a secretary fills in when the form is an offline workbook.
    """

    kind: CellKind
    span: int
    rows: int = 1
    text: Text = ""
    key: str = ""
    format: Format = TEXT
    align: Align = "center"
    valign: Literal["top", "middle", "bottom"] = "middle"
    blank: str = DASH
    options: tuple[str, ...] = ()
    multiple: bool = False
    vertical: bool = False
    open_top: bool = False
    open_bottom: bool = False
    editable: bool = False
    size: float = 0


@dataclass(frozen=True)
class FormRow:
    """A row of a form.

    Args:
        cells: from left to right; columns still covered from above are skipped, together they fill the grid.
        min_height_mm: never lower; grows with its text.
        page_break_before: starts a new page.
        keep_with_next: never the last row of a page.
    """

    cells: tuple[FormCell, ...]
    min_height_mm: float = 8
    page_break_before: bool = False
    keep_with_next: bool = False


def label(text: Text, span: int, rows: int = 1, *, size: float = 0) -> FormCell:
    """Return a heading cell in 黑体."""
    return FormCell("label", span, rows, text=text, size=size)


def vertical_label(text: str, span: int, rows: int) -> FormCell:
    """Return a heading whose characters stand below each other."""
    return FormCell("label", span, rows, text=text, vertical=True)


def value(
    key: str,
    span: int,
    rows: int = 1,
    *,
    format: Format = TEXT,  # noqa: A002 - the word of the trade, as in Column
    align: Align = "center",
    blank: str = DASH,
    editable: bool = False,
    size: float = 0,
) -> FormCell:
    """Return a cell that shows values[key]."""
    return FormCell("value", span, rows, key=key, format=format, align=align, blank=blank, editable=editable, size=size)


def text(content: Text, span: int, rows: int = 1, *, align: Align = "left") -> FormCell:
    """Return a cell in the body type with a fixed or computed text."""
    return FormCell("value", span, rows, text=content, align=align, blank="")


def choices(
    key: str,
    options: Sequence[str],
    span: int,
    *,
    align: Align = "center",
    multiple: bool = False,
    editable: bool = False,
) -> FormCell:
    """Return a cell with all options, ☑ at values[key] (or at each of them when `multiple`), ☐ at the others."""
    return FormCell(
        "value", span, key=key, options=tuple(options), align=align, multiple=multiple, editable=editable, blank=""
    )


def opinion(
    heading: Text, key: str, *, signature: str, span: int, heading_span: int, text_mm: float = 20, sign_mm: float = 14
) -> tuple[FormRow, FormRow]:
    """Return the two rows of an opinion box: its text, and below without a line between them the signature line.

    Args:
        heading: the label at the left, over both rows.
        key: the opinion's text in the values; empty stays blank for the pen.
        signature: such as 支部书记（签字）：　　　　年　　月　　日
        span: columns of the text.
        heading_span: columns of the label.
        text_mm: least height of the text.
        sign_mm: least height of the signature line.
    """
    upper = FormRow(
        (
            FormCell("label", heading_span, 2, text=heading),
            FormCell("value", span, key=key, align="left", blank="", open_bottom=True),
        ),
        min_height_mm=text_mm,
        keep_with_next=True,
    )
    lower = FormRow((FormCell("sign", span, text=signature, align="right", open_top=True),), min_height_mm=sign_mm)
    return upper, lower


@dataclass(frozen=True)
class Table:
    """A table of rows: an annex, or a list of the product.

    Args:
        slug: short Latin name, used for files, classes and permissions.
        title: printed title; also caption and bookmark.
        columns: columns and groups of columns.
        code: 附件5, printed above the title; "" for none.
        page: paper.
        head_line: pairs above the frame.
        merge_by: vertical merges, outer first.
        subtotals: outer first; `total` closes the frame.
        page_break_before: (row, row before) → must this row begin a page.
        tail: rows of form cells inside the frame, after the total (一票否决情形); their spans count table columns.
        footer: sentences under the frame; `blocks` small tables after them; then `signatures`, then `notes`.
        sheet_name: tab in Excel; "" takes code or title.
        row_height_mm: least height of a body row; `body_pt`, `header_pt` sizes of type.
        freeze: columns that stay when Excel scrolls sideways.
        row_class: class of a row in a list on screen.
        empty: sentence of a list without rows.
    """

    slug: str
    title: Text
    columns: tuple[Head, ...]
    code: str = ""
    page: Page = LANDSCAPE
    head_line: tuple[Pair, ...] = ()
    merge_by: tuple[Merge, ...] = ()
    subtotals: tuple[Subtotal, ...] = ()
    total: Total | None = None
    page_break_before: Callable[[Any, Any], bool] | None = None
    tail: tuple[FormRow, ...] = ()
    footer: tuple[Text, ...] = ()
    blocks: tuple[Block, ...] = ()
    signatures: tuple[Signature, ...] = ()
    notes: tuple[Text, ...] = ()
    sheet_name: str = ""
    row_height_mm: float = 8
    body_pt: float = 10
    header_pt: float = 10
    freeze: int = 0
    row_class: Callable[[Any], str] | None = None
    empty: str = "没有符合条件的记录。"

    def leaves(self) -> tuple[Column, ...]:
        """Return the columns from left to right, without their groups."""
        return tuple(_leaves(self.columns))

    def column(self, key: str) -> Column:
        """Return a column by its key. Raises KeyError when there is none."""
        for column in self.leaves():
            if column.key == key:
                return column
        raise KeyError(f"{self.slug}: no column {key}")


def _leaves(columns: Sequence[Head]) -> Iterator[Column]:
    for column in columns:
        if isinstance(column, Group):
            yield from _leaves(column.columns)
        else:
            yield column


@dataclass(frozen=True)
class Form:
    """A fixed layout on a grid of narrow columns, such as 附件4.

    Args:
        slug, title, code, page, head_line, notes, signatures, sheet_name: as in Table.
        rows: the rows of the frame.
        grid: number of equal columns, or `widths_mm` to give each its own.
        body_pt: size of type in the cells.
    """

    slug: str
    title: Text
    rows: tuple[FormRow, ...]
    code: str = ""
    page: Page = PORTRAIT
    grid: int = 24
    widths_mm: tuple[float, ...] = ()
    head_line: tuple[Pair, ...] = ()
    footer: tuple[Text, ...] = ()
    signatures: tuple[Signature, ...] = ()
    notes: tuple[Text, ...] = ()
    sheet_name: str = ""
    body_pt: float = 10.5
    label_pt: float = 10.5

    def widths(self) -> tuple[float, ...]:
        """Return the widths of the grid's columns in millimetres."""
        return self.widths_mm or (self.page.body_width_mm / self.grid,) * self.grid
