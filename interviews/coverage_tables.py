"""Coverage as tables: one definition for screen, Excel and PDF."""

from fractions import Fraction
from typing import Any

from interviews.counting import Coverage, Line
from interviews.counting import Table as Counted
from reporting.tables import LANDSCAPE, Column, Facts, Pair, Sheet, Table, formats, lay_out

HIDDEN = "＊"
DIMENSIONS = {"unit": "单位", "focus": "重点类别", "class": "班级", "interviewer": "访谈人"}
TITLES = {"unit": "按单位", "focus": "按重点类别", "class": "按班级", "interviewer": "按访谈人"}
_COUNTS = (
    ("people", "名册人数"), ("done", "一对一已谈"), ("rate", "覆盖率"), ("overdue", "逾期未谈"),
    ("extended", "座谈延伸"), ("revisited", "已回访"), ("to_revisit", "待回访"),
)  # fmt: skip


def row_of(line: Line, href: str = "") -> dict[str, Any]:
    """Return a table row; what is not shown is None."""
    share = line.rate
    return {
        "label": line.label, "people": line.people, "done": line.done,
        "rate": Fraction(*share) if share else None, "overdue": line.overdue, "extended": line.extended,
        "revisited": line.revisited, "to_revisit": line.to_revisit, "href": href,
    }  # fmt: skip


def _columns(dimension: str) -> tuple[Column, ...]:
    head = Column("label", DIMENSIONS[dimension], 62, align="left", row_header=True, href=lambda row: str(row["href"]))
    counts = (
        Column(key, label, 28, format=formats.PERCENT if key == "rate" else formats.INTEGER, blank=HIDDEN)
        for key, label in _COUNTS
    )
    return (head, *counts)


def _note(facts: Facts) -> str:
    return f"1. {HIDDEN} 为保护个人：不足 {facts.values['least']} 人的数字，以及能推算出它们的数字，都不显示。"


def _lag(facts: Facts) -> str:
    least = facts.values["least"]
    return f"4. 为保护个人，一行的数字变动满 {least} 人才更新，可能少几人，各行相加也可能与合计差几人。"


def table_of(dimension: str) -> Table:
    """Return the definition of one view."""
    return Table(
        slug=f"coverage-{dimension}",
        title=lambda facts: f"{facts.values['campaign']}访谈覆盖情况（{TITLES[dimension]}）",
        head_line=(
            Pair("单位", lambda facts: facts.values["unit"]),
            Pair("访谈对象", lambda facts: facts.values["category"]),
            Pair("统计时间", lambda facts: facts.values["counted_at"]),
        ),
        page=LANDSCAPE,
        columns=_columns(dimension),
        notes=(
            _note,
            "2. 一对一已谈按人计，谈满规定次数才算，谁谈的都算；座谈延伸单列，不计入覆盖率。",
            "3. 覆盖率＝一对一已谈人数÷名册人数。",
            _lag,
        ),
    )


def sheet_of(campaign: str, found: Coverage, category: str, counted: Counted) -> Sheet:
    """Lay one view out for Excel and PDF; the total is its last row."""
    names = dict(found.categories)
    rows = [row_of(line) for line in (*counted.lines, counted.total)]
    values = {
        "campaign": campaign, "unit": found.name, "category": names[category], "least": found.least,
        "counted_at": f"{found.counted_at:%Y-%m-%d %H:%M}",
    }  # fmt: skip
    return lay_out(table_of(counted.dimension), rows, values=values)
