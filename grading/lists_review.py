"""The office's review as a list: last round, computed, proposed, decided, how far they lie apart, and marks."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django_filters import ChoiceFilter, FilterSet

from branches import wording
from branches.listing import ListPage
from branches.registries import list_page
from grading import review
from grading.models import Grade, Round, RoundUnit
from grading.services.ungraded import ungraded_composites
from reporting.tables import Column, Group, Table, formats
from reporting.tables.definition import Head

STATES = {"": "未测算", "computed": "未定", "proposed": "已拟定", "decided": "已定"}
BADGES = {"": "state-todo", "computed": "state-todo", "proposed": "state-info", "decided": "state-ok"}


class ReviewFilter(FilterSet):
    """党总支, 类别, what deserves a second look, and how far the decision is."""

    unit = ChoiceFilter(label="党总支", method="of_group", empty_label="全部", choices=())
    category = ChoiceFilter(label="类别", field_name="category_name", empty_label="全部", choices=())
    mark = ChoiceFilter(label="重点", method="by_mark", empty_label="全部", choices=list(review.MARKS.items()))
    state = ChoiceFilter(
        label="定级", method="by_state", empty_label="全部",
        choices=[("computed", "未定"), ("proposed", "已拟定"), ("decided", "已定")],
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the 党总支 and categories among the rows."""
        super().__init__(*args, **kwargs)
        rows = self.queryset.order_by().values_list("direct", "parent_id", "parent_name", "category_name")
        groups, categories = {}, {}
        for direct, parent_id, parent_name, category in rows.distinct():
            groups["direct" if direct else str(parent_id)] = "直属党支部" if direct else parent_name
            categories[category] = category
        self.filters["unit"].extra["choices"] = list(groups.items())
        self.filters["category"].extra["choices"] = list(categories.items())

    def of_group(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep one 党总支, or 直属党支部."""
        return rows.filter(direct=True) if value == "direct" else rows.filter(direct=False, parent_id=value)

    def by_mark(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep what carries a mark; the rows of one list belong to one round."""
        first = rows.select_related("round__campaign", "round__scale").first()
        return rows if first is None else rows.filter(pk__in=review.marked(review.build(first.round), value))

    def by_state(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep units by the state of their grade."""
        if value == "computed":
            return rows.exclude(result_state__in=["proposed", "decided"])
        return rows.filter(result_state=value)


class PlainReviewFilter(ReviewFilter):
    """The same for a round in which nobody puts a grade forward."""

    state = ChoiceFilter(
        label="定级", method="by_state", empty_label="全部", choices=[("computed", "未定"), ("decided", "已定")]
    )


def _grade(grade: Grade | None, steps: int, prefix: str) -> dict[str, str]:
    letter = wording.rank_letter(grade.rank, steps) if grade else "none"
    return {prefix: grade.label if grade else "—", f"{prefix}_badge": f"grade-{letter}"}


def prepared(units: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows; what the review says is read for the whole round at once."""
    if not units:
        return []
    round_ = units[0].round
    reviews, steps = review.build(round_), round_.scale.grades.count()
    scored = ungraded_composites(units)
    return [_row(unit, reviews[unit.pk], steps, scored.get(unit.pk)) for unit in units]


def _row(unit: Any, found: review.Reviewed, steps: int, scored: Decimal | None) -> dict[str, Any]:
    state = unit.result_state or ("computed" if found.composite is not None else "")
    return {
        "pk": unit.pk,
        "name": unit.name,
        "parent": unit.general_branch_name,
        "category": unit.category_name,
        "last": found.last or "—",
        "composite": found.composite if unit.graded else scored,
        "moved": review.steps_words(found.steps_from_last),
        "changed": review.steps_words(found.steps_from_computed),
        "marks": "、".join(_marks(found)),
        "state": ("已确认" if found.confirmed else STATES[state]) if unit.graded else "不定级",
        "state_badge": BADGES[state],
        **_grade(found.computed, steps, "computed"),
        **_grade(found.proposed, steps, "proposed"),
        **_grade(found.decided, steps, "decided"),
    }


def _marks(found: review.Reviewed) -> list[str]:
    marks = ["人工"] if found.manual else []
    marks += [f"临近{found.near}线"] if found.near else []
    marks += ["同分待定"] if found.waits_for_person else []
    marks += [flag for flag in found.flags if flag != "同分"]
    return marks + ([f"由{'、'.join(found.origins)}而来"] if found.origins else [])


REVIEW = list_page(
    ListPage(
        slug="review",
        title="对照上轮审核",
        unit="个党支部",
        table=Table(
            slug="review",
            title="党支部等级审核表",
            columns=(
                Column(
                    "name", "党支部", 60, align="left", row_header=True, sort_key="name",
                    href=lambda row: reverse("explain", args=[row["pk"]]),
                ),
                Column("parent", "所属党总支", 42, align="left", sort_key="parent", hide_small=True),
                Column("category", "类别", 16, sort_key="category", hide_small=True),
                Column("composite", "综合", 18, format=formats.DECIMAL2, sort_key="composite"),
                Group(
                    "等级",
                    (
                        Column("last", "上轮", 18),
                        Column("computed", "测算", 20, kind="grade", badge=lambda row: row["computed_badge"]),
                        Column("proposed", "拟定", 20, kind="grade", badge=lambda row: row["proposed_badge"]),
                        Column("decided", "所定", 20, kind="grade", badge=lambda row: row["decided_badge"]),
                    ),
                ),
                Group("差别", (Column("changed", "与测算", 18), Column("moved", "与上轮", 18))),
                Column("marks", "标记", 46, align="left", hide_small=True),
                Column("state", "定级", 20, kind="state", badge=lambda row: row["state_badge"], sort_key="result"),
            ),
        ),
        sorts={
            "order": ("parent_position", "parent_code", "position", "code"),
            "name": ("name",),
            "parent": ("parent_position", "parent_code", "position"),
            "category": ("category__position", "parent_position", "position"),
            "composite": ("composite",),
            "result": ("result_state",),
        },
        default_sort="order",
        filters=ReviewFilter,
        search=("name", "code", "secretary_name"),
        search_label="名称、编号或书记",
        prepare=prepared,
        empty_title="还没有参评党支部",
        empty_text="开始自评时按名册固定参评支部。",
    )
)  # fmt: skip


def review_page(round_: Round) -> ListPage:
    """Return the list for one round: composites with its decimals, no column of grades nobody puts forward."""

    def fitted(head: Head) -> Head:
        if isinstance(head, Group):
            kept = (one for one in head.columns if round_.proposes or not _is_proposed(one))
            return replace(head, columns=tuple(kept))
        return replace(head, format=formats.decimal(round_.places)) if head.key == "composite" else head

    filters = ReviewFilter if round_.proposes else PlainReviewFilter
    return replace(
        REVIEW, table=replace(REVIEW.table, columns=tuple(map(fitted, REVIEW.table.columns))), filters=filters
    )


def _is_proposed(head: Head) -> bool:
    return isinstance(head, Column) and head.key == "proposed"


def review_rows(units: QuerySet[RoundUnit]) -> QuerySet[RoundUnit]:
    """Return units with what the review reads of their round."""
    return units.select_related("round__campaign", "round__scale", "category")
