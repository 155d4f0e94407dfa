"""Lists of grading: the branches of a round with what each has handed in and what grade it has."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Case, DecimalField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.urls import reverse
from django_filters import ChoiceFilter, FilterSet

from branches import clock, wording
from branches.listing import ListPage
from branches.registries import list_page
from grading import lists_objections, lists_review, lists_spot_checks
from grading.board import HANDED_IN
from grading.models import Assessment, Grade, Result, Round, RoundUnit, Source
from grading.services.results import derive, standing
from grading.services.ungraded import score_ungraded, ungraded_composites
from reporting.tables import Column, Table, formats

# the modules are imported so that their lists register
__all__ = ["UNITS", "lists_objections", "lists_review", "lists_spot_checks", "prepared", "unit_rows", "units_page"]
OF_BRANCH, OF_SUPERIOR = frozenset({"own_state", "own"}), frozenset({"superior"})

SHAPES = {
    "": "state-todo",
    Assessment.State.DRAFT: "state-info",
    Assessment.State.SUBMITTED: "state-ok",
    Assessment.State.RETURNED: "state-warn",
    Assessment.State.ACCEPTED: "state-ok",
}
RESULTS = {"": "未测算", **dict(Result.State.choices)}


def unit_rows(units: QuerySet[RoundUnit]) -> QuerySet[RoundUnit]:
    """Annotate units with the state of both sheets and the result that counts now."""

    def sheet(code: str, field: str) -> Subquery:
        rows = Assessment.objects.filter(unit=OuterRef("pk"), source__code=code)
        return Subquery(rows.values(field)[:1])

    newest = Result.objects.filter(unit=OuterRef("pk")).order_by("-version")

    def result(field: str) -> Subquery:
        return Subquery(newest.values(field)[:1])

    return units.annotate(
        own_state=sheet(Source.SELF, "state"),
        own_points=sheet(Source.SELF, "earned"),
        own_late=sheet(Source.SELF, "late"),
        superior_points=sheet(Source.SUPERIOR, "earned"),
        result_state=result("state"),
        composite=result("composite"),
        manual=result("manual"),
        result_version=result("version"),
    )


class UnitFilter(FilterSet):
    """党总支, 类别, how far the self-assessment and the decision are."""

    unit = ChoiceFilter(label="党总支", method="of_group", empty_label="全部", choices=())
    category = ChoiceFilter(label="类别", field_name="category_name", empty_label="全部", choices=())
    own = ChoiceFilter(
        label="自评", method="by_own", empty_label="全部",
        choices=[("open", "未报"), ("none", "未开始"), *Assessment.State.choices, ("late", "逾期提交")],
    )  # fmt: skip
    result = ChoiceFilter(
        label="定级", method="by_result", empty_label="全部",
        choices=[("none", "未定"), ("proposed", "已拟定"), ("decided", "已定"), ("manual", "人工调整")],
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

    def by_own(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep units by the state of their self-assessment."""
        if value == "open":
            return rows.filter(Q(own_state__isnull=True) | ~Q(own_state__in=HANDED_IN))
        if value == "none":
            return rows.filter(own_state__isnull=True)
        return rows.filter(own_late=True) if value == "late" else rows.filter(own_state=value)

    def by_result(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep units by the state of their grade."""
        if value == "none":
            return rows.exclude(result_state__in=[Result.State.PROPOSED, Result.State.DECIDED])
        return rows.filter(manual=True) if value == "manual" else rows.filter(result_state=value)


class PlainUnitFilter(UnitFilter):
    """The same for a round in which nobody puts a grade forward."""

    result = ChoiceFilter(
        label="定级", method="by_result", empty_label="全部",
        choices=[("none", "未定"), ("decided", "已定"), ("manual", "人工调整")],
    )  # fmt: skip


def as_it_stands(rows: QuerySet[RoundUnit], round_: Round, sort: str) -> QuerySet[RoundUnit]:
    """Put composites as inputs stand now in the place of stored ones nobody chose on, where the list sorts by them."""
    if sort.removeprefix("-") != "composite" or round_.state in (Round.State.PREPARING, Round.State.FINAL):
        return rows
    chosen = Q(result_state__in=(Result.State.PROPOSED, Result.State.DECIDED))
    cases = [When(chosen, then=F("stored_composite"))]
    left_out = score_ungraded(round_, list(round_.units.filter(graded=False)))
    cases += [
        When(pk=pk, then=Value(found.composite.rounded))
        for pk, found in (derive(round_) | left_out).items()
        if found.composite.rounded is not None
    ]
    field = DecimalField(max_digits=10, decimal_places=6)
    return rows.annotate(stored_composite=F("composite")).annotate(composite=Case(*cases, output_field=field))


def prepared(units: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows: words and badges, grades of all read or reckoned at once."""
    rounds = {unit.round_id: unit.round for unit in units}
    now = clock.now()
    found: dict[int, Result] = {}
    for pk, round_ in rounds.items():
        found |= standing(round_, [unit for unit in units if unit.round_id == pk], now=now)
    steps = {pk: round_.scale.grades.count() for pk, round_ in rounds.items()}
    states, scored = dict(Assessment.State.choices), ungraded_composites(units)
    rows = []
    for unit in units:
        result = found.get(unit.pk)
        grade = result.grade if result else None
        shown = result is not None and (result.pk is not None or result.composite is not None)
        rows.append(
            {
                "pk": unit.pk,
                "code": unit.code,
                "name": unit.name,
                "parent": unit.general_branch_name,
                "category": unit.category_name,
                "secretary": unit.secretary_name,
                "own_state": states.get(unit.own_state or "", "未开始") + ("（逾期）" if unit.own_late else ""),
                "own_badge": SHAPES[unit.own_state or ""],
                "own": unit.own_points,
                "superior": unit.superior_points,
                "composite": result.composite if result else scored.get(unit.pk),
                "grade": ((grade.label if grade else "未评") + _mark(unit)) if unit.graded else "不定级",
                "grade_badge": _badge(grade, steps[unit.round_id]),
                "result": RESULTS[result.state if result and shown else ""] if unit.graded else "不定级",
            }
        )
    return rows


def _mark(unit: Any) -> str:
    """Return the mark behind a grade: 更正 stands before 人工."""
    return "（更正）" if (unit.result_version or 1) > 1 else "（人工）" if unit.manual else ""


def _badge(grade: Grade | None, steps: int) -> str:
    return f"grade-{wording.rank_letter(grade.rank, steps)}" if grade else "grade-none"


UNITS = list_page(
    ListPage(
        slug="round-units",
        title="参评党支部",
        unit="个党支部",
        table=Table(
            slug="round-units",
            title="参评党支部",
            columns=(
                Column("code", "编号", 20, sort_key="code", hide_small=True),
                Column(
                    "name", "党支部", 60, align="left", row_header=True, sort_key="name",
                    href=lambda row: reverse("unit", args=[row["pk"]]),
                ),
                Column("parent", "所属党总支", 46, align="left", sort_key="parent", hide_small=True),
                Column("category", "类别", 16, sort_key="category", hide_small=True),
                Column("secretary", "书记", 20, hide_small=True),
                Column("own_state", "自评", 24, kind="state", badge=lambda row: row["own_badge"], sort_key="own_state"),
                Column("own", "自评得分", 18, format=formats.DECIMAL1, sort_key="own", hide_small=True),
                Column("superior", "总支得分", 18, format=formats.DECIMAL1, sort_key="superior", hide_small=True),
                Column("composite", "综合", 18, format=formats.DECIMAL2, sort_key="composite"),
                Column("grade", "等级", 20, kind="grade", badge=lambda row: row["grade_badge"]),
                Column("result", "定级", 18, hide_small=True, sort_key="result"),
            ),
        ),
        sorts={
            "order": ("parent_position", "parent_code", "position", "code"),
            "code": ("code",),
            "name": ("name",),
            "parent": ("parent_position", "parent_code", "position"),
            "category": ("category__position", "parent_position", "position"),
            "own_state": ("own_state",),
            "own": ("own_points",),
            "superior": ("superior_points",),
            "composite": ("composite",),
            "result": ("result_state",),
        },
        default_sort="order",
        filters=UnitFilter,
        search=("name", "code", "secretary_name"),
        search_label="名称、编号或书记",
        prepare=prepared,
        empty_title="还没有参评党支部",
        empty_text="开始自评时按名册固定参评支部。",
    )
)  # fmt: skip


def units_page(round_: Round) -> ListPage:
    """Return the list for one round: without the sheets and steps it has not, composites with its decimals."""
    absent = (frozenset() if round_.scored_by_branch else OF_BRANCH) | (
        frozenset() if round_.scored_by_superior else OF_SUPERIOR
    )
    columns = (
        replace(column, format=formats.decimal(round_.places))
        if isinstance(column, Column) and column.key == "composite"
        else column
        for column in UNITS.table.columns
        if not (isinstance(column, Column) and column.key in absent)
    )
    filters = UnitFilter if round_.proposes else PlainUnitFilter
    return replace(UNITS, table=replace(UNITS.table, columns=tuple(columns)), filters=filters)
