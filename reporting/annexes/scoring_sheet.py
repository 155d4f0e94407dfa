"""附件2/3 评分表 filled in: 自评 and 考评 side by side, sub-totals by section, veto list, two signatures."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from reporting.annexes.facts import DIRECT, Item, Section, Stamp
from reporting.annexes.facts import Sheet as SheetFacts
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
    text,
)

PAPER = Page(top=25, right=18, bottom=22, left=24)
NO_VETO = "无上述情形"
EXCLUDED = "不适用"
COLUMNS = 7
Side = str


def _points_format(items: Sequence[Item]) -> formats.Format:
    """Return whole numbers for 分值 unless an item has a fraction."""
    whole = all(item.points is None or item.points == item.points.to_integral_value() for item in items)
    return formats.INTEGER if whole else formats.DECIMAL1


def _shown(item: Item, side: Side) -> Decimal | str | None:
    return EXCLUDED if getattr(item, f"{side}_excluded") else getattr(item, side)


def _of_section(side: Side) -> Callable[[Sequence[Item]], Decimal | None]:
    return lambda items: getattr(items[0].section, side)


def _subtotal() -> Total:
    return Total((
        TotalCell("code", "小　计", through="text"),
        TotalCell("points", _of_section("points")),
        TotalCell("own", _of_section("own"), format=formats.DECIMAL1, blank=formats.DASH),
        TotalCell("superior", _of_section("superior"), format=formats.DECIMAL1, blank=formats.DASH),
    ))  # fmt: skip


def _total(whole: Section) -> Total:
    return Total((
        TotalCell("section", "合　　计", through="text"),
        TotalCell("points", lambda _: whole.points),
        TotalCell("own", lambda _: whole.own, format=formats.DECIMAL1, blank=formats.DASH),
        TotalCell("superior", lambda _: whole.superior, format=formats.DECIMAL1, blank=formats.DASH),
    ), min_height_mm=9)  # fmt: skip


def _section(item: Item) -> str:
    points = formats.display(item.section.points, formats.DECIMAL1)[1].removesuffix(".0")
    return f"{item.section.name}\n（{points}分）"


def table(facts: SheetFacts, stamp: Stamp) -> Table:
    """Return the definition of a filled scoring sheet."""
    form = _points_format(facts.items)
    boxes = [name for name, filed in (("自评", facts.own_filed), ("考评", facts.superior_filed)) if filed]
    subject = "　".join(("☑" if name in boxes else "☐") + name for name in ("自评", "考评"))
    return Table(
        slug="scoring_sheet",
        code=facts.form_code,
        title=f"{facts.round.school}{facts.title}",
        page=PAPER,
        head_line=(
            Pair("党支部名称", facts.name), Pair("填报时间", stamp.on),
            Pair("所属党总支", DIRECT if facts.direct else facts.parent, new_line=True), Pair("评分主体", subject),
        ),
        columns=(
            Column("section", "项目", 20, value=_section, label=True),
            Column("code", "序号", 10),
            Column("text", "具体内容", 81, align="left", row_header=True),
            Column("points", "分值", 12, format=form, blank="加分"),
            Column("own", "自评\n得分", 13.5, format=formats.DECIMAL1, value=partial(_shown, side="own")),
            Column("superior", "考评\n得分", 13.5, format=formats.DECIMAL1, value=partial(_shown, side="superior")),
            Column("remark", "备注", 18, blank=""),
        ),
        merge_by=(Merge(("section",), across_pages="keep"),),
        subtotals=(Subtotal("section", _subtotal()),),
        total=_total(facts.total),
        tail=_tail(facts),
        signatures=(Signature("支部书记（签字）：", dated=True), Signature("考评组长（签字）：", dated=True)),
        sheet_name=facts.form_code or "评分表",
        row_height_mm=8.5,
        body_pt=10.5,
        header_pt=11,
    )  # fmt: skip


def _tail(facts: SheetFacts) -> tuple[FormRow, ...]:
    """Return the rows after the total: the veto list with boxes, and the comment."""
    boxes, rest = (*facts.round.vetoes, NO_VETO), COLUMNS - 1
    return (
        FormRow(
            (label("一票否决\n情　　形", 1, size=10.5), choices("vetoes", boxes, rest, align="left", multiple=True)), 15
        ),
        FormRow((label("评分说明", 1, size=10.5), text(facts.comment or "无", rest)), 11),
    )


def values(facts: SheetFacts) -> dict[str, Any]:
    """Return the ticked boxes: the vetoes found, or 无上述情形 once somebody went through the list."""
    ticked = facts.vetoed or ((NO_VETO,) if facts.veto_reviewed else ())
    return {"vetoes": ticked}


def sheets(facts: SheetFacts, stamp: Stamp) -> list[Sheet]:
    """Lay a scoring sheet out."""
    return [lay_out(table(facts, stamp), facts.items, values(facts))]
