"""The items of a rubric as a filled sheet prints them, with the points both sides gave."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from grading import scoring
from grading.models import Criterion
from reporting.annexes import facts as f


def sheet_title(title: str) -> str:
    """Return the title of a filled sheet, ending in 评分表 where the rubric ends in 评分参考标准."""
    for tail in ("评分参考标准", "评分标准", "参考标准", "标准", "评分表"):
        if title.endswith(tail):
            return f"{title.removesuffix(tail)}评分表"
    return f"{title}评分表"


def full_marks(rubric: Any) -> Decimal:
    """Return the points of all sections together."""
    return sum((section.points for section in rubric.sections.all()), Decimal(0))


def items(rubric: Any, sides: dict[str, scoring.SheetScore | None], remarks: dict[str, str]) -> Iterable[f.Item]:
    """Yield the items of a rubric with the points both sides gave."""
    scored = {side: {s.code: s for s in sheet.sections} if sheet else {} for side, sheet in sides.items()}
    for section in rubric.sections.all():
        both = {side: by_code.get(section.code) for side, by_code in scored.items()}
        earned = {side: one.earned if one else None for side, one in both.items()}
        shown = f.Section(section.name, section.points, earned["own"], earned["superior"])
        points = {side: {c.code: c for c in one.criteria} if one else {} for side, one in both.items()}
        for item in section.criteria.all():
            if item.kind == Criterion.Kind.VETO:
                continue
            own, superior = points["own"].get(item.code), points["superior"].get(item.code)
            bonus = item.kind == Criterion.Kind.BONUS
            text = f"{item.text}（至多加 {scoring.plain(item.points)} 分）" if bonus else item.text
            yield f.Item(
                shown, item.code, text, None if bonus else item.points, own.earned if own else None,
                superior.earned if superior else None, bool(own and own.not_applicable),
                bool(superior and superior.not_applicable), remarks.get(item.code, ""),
            )  # fmt: skip
