"""附件2/3 as a blank form: what a rubric looks like printed, before anything is filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from grading.models import Criterion, Rubric
from grading.scoring.numbers import plain
from reporting.tables import (
    Column,
    FormRow,
    Merge,
    Page,
    Pair,
    Sheet,
    Signature,
    Subtotal,
    Table,
    Total,
    TotalCell,
    choices,
    formats,
    label,
    lay_out,
)

PAPER = Page(top=25, right=18, bottom=22, left=24)
COLUMNS = 7
NO_VETO = "无上述情形"


@dataclass(frozen=True, slots=True)
class Line:
    """One item as it prints; a bonus has no points, as they do not belong to those of its section."""

    section: str
    section_points: Decimal
    code: str
    text: str
    points: Decimal | None
    own: None = None
    superior: None = None
    remark: str = ""


def how_said(item: Criterion) -> str:
    """Return how an item is scored, in one line of words."""
    levels = list(item.levels.all())
    if item.kind == Criterion.Kind.DEDUCTION:
        each = "；".join(f"{level.label}扣 {plain(level.points)} 分" for level in levels)
        limit = "扣完为止" if item.points else "从本部分扣"
        return f"{each}；{limit}" if each else limit
    if item.kind == Criterion.Kind.BONUS:
        each = "；".join(f"{level.label}加 {plain(level.points)} 分" for level in levels)
        return "；".join(part for part in (each, f"至多加 {plain(item.points)} 分") if part)
    options = "；".join(f"{level.label} {plain(level.points)} 分" for level in levels)
    return f"由系统填写：{options}" if item.kind == Criterion.Kind.SYSTEM else options


def lines(rubric: Rubric) -> list[Line]:
    """Return the items of a rubric in order, each with how it is scored; 否决 items stand below the table."""
    found = []
    for section in rubric.sections.prefetch_related("criteria__levels"):
        points = formats.display(section.points, formats.DECIMAL1)[1].removesuffix(".0")
        for item in section.criteria.all():
            if item.kind == Criterion.Kind.VETO:
                continue
            text = "\n".join(part for part in (item.text, how_said(item)) if part)
            own_points = None if item.kind == Criterion.Kind.BONUS else item.points
            found.append(Line(f"{section.name}\n（{points}分）", section.points, item.code, text, own_points))
    return found


def _points(rows: Sequence[Line]) -> Decimal:
    """Return the points of a section from its first row."""
    return rows[0].section_points


def _whole(rows: Sequence[Line]) -> Decimal:
    """Return the sum of all sections."""
    return sum({row.section: row.section_points for row in rows}.values(), Decimal(0))


def _veto_rows(rubric: Rubric) -> tuple[FormRow, ...]:
    """Return the row of 一票否决情形 where the rubric names any."""
    rows = Criterion.objects.filter(section__rubric=rubric, kind=Criterion.Kind.VETO)
    texts = [row.text for row in rows.order_by("section__ordinal", "ordinal")]
    if not texts:
        return ()
    boxes = choices("vetoes", (*texts, NO_VETO), COLUMNS - 1, align="left", multiple=True)
    return (FormRow((label("一票否决\n情　　形", 1, size=10.5), boxes), 15),)


def blank_sheet(rubric: Rubric) -> Sheet:
    """Lay a rubric out as the form a branch would be given."""
    form, rows = formats.DECIMAL1, lines(rubric)
    whole = all(row.points is None or row.points == row.points.to_integral_value() for row in rows)
    table = Table(
        slug="blank_scoring_sheet",
        code=rubric.form_code,
        title=rubric.title,
        page=PAPER,
        head_line=(
            Pair("党支部名称", ""), Pair("填报时间", ""),
            Pair("所属党总支", "", new_line=True), Pair("评分主体", "☐自评　☐考评"),
        ),
        columns=(
            Column("section", "项目", 20),
            Column("code", "序号", 10),
            Column("text", "具体内容", 81, align="left", row_header=True),
            Column("points", "分值", 12, format=formats.INTEGER if whole else form, blank="加分"),
            Column("own", "自评\n得分", 13.5, format=form, blank=""),
            Column("superior", "考评\n得分", 13.5, format=form, blank=""),
            Column("remark", "备注", 18, align="left", blank=""),
        ),
        merge_by=(Merge(("section",), across_pages="keep"),),
        subtotals=(
            Subtotal("section", Total((TotalCell("code", "小　计", through="text"), TotalCell("points", _points)))),
        ),
        total=Total((TotalCell("section", "合　　计", through="text"), TotalCell("points", _whole)), min_height_mm=9),
        tail=_veto_rows(rubric),
        signatures=(Signature("支部书记（签字）：", dated=True), Signature("考评组长（签字）：", dated=True)),
        sheet_name=rubric.form_code or "评分表",
        row_height_mm=8.5,
        body_pt=10.5,
        header_pt=11,
    )  # fmt: skip
    return lay_out(table, rows, {"vetoes": ()} if table.tail else {})
