"""Branches drawn for a spot check as a list: scores side by side, who inspects, how far it is."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django_filters import ChoiceFilter, FilterSet

from branches.listing import BulkAction, ListPage
from branches.registries import list_page
from grading.models import Assessment, Source, SpotCheck, SpotCheckInspector
from reporting.tables import Column, Table, formats

STATES = {
    "": ("未开始", "state-todo"),
    Assessment.State.DRAFT: ("评分中", "state-info"),
    Assessment.State.SUBMITTED: ("已提交", "state-ok"),
    Assessment.State.RETURNED: ("已退回", "state-warn"),
    Assessment.State.ACCEPTED: ("已接收", "state-ok"),
}


def check_rows(checks: QuerySet[SpotCheck]) -> QuerySet[SpotCheck]:
    """Annotate spot checks with the scores of the three sheets and the state of their own."""

    def of(code: str, field: str) -> Subquery:
        rows = Assessment.objects.filter(unit=OuterRef("unit"), source__code=code)
        return Subquery(rows.values(field)[:1])

    own = Assessment.objects.filter(unit=OuterRef("unit"), source=OuterRef("source"))
    return checks.select_related("unit", "draw__round__campaign", "source").annotate(
        own_points=of(Source.SELF, "earned"),
        superior_points=of(Source.SUPERIOR, "earned"),
        spot_points=Subquery(own.values("earned")[:1]),
        spot_state=Subquery(own.values("state")[:1]),
        gap=F("spot_points") - F("superior_points"),
    )


class CheckFilter(FilterSet):
    """党总支, how far the check is, and whether somebody is named."""

    parent = ChoiceFilter(label="党总支", method="of_group", empty_label="全部", choices=())
    state = ChoiceFilter(
        label="进度", method="by_state", empty_label="全部",
        choices=[("nobody", "未指派"), ("none", "未开始"), *((k, v[0]) for k, v in STATES.items() if k)],
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the 党总支 among the rows."""
        super().__init__(*args, **kwargs)
        rows = self.queryset.order_by().values_list("unit__direct", "unit__parent_id", "unit__parent_name").distinct()
        groups = {"direct" if d else str(pk): "直属党支部" if d else name for d, pk, name in rows}
        self.filters["parent"].extra["choices"] = list(groups.items())

    def of_group(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep one 党总支, or 直属党支部."""
        if value == "direct":
            return rows.filter(unit__direct=True)
        return rows.filter(unit__direct=False, unit__parent_id=value)

    def by_state(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep spot checks by how far they are."""
        if value == "nobody":
            return rows.filter(assignments__isnull=True)
        return rows.filter(spot_state__isnull=True) if value == "none" else rows.filter(spot_state=value)


def prepared(checks: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows, inspectors read for all at once."""
    named: dict[int, list[str]] = {}
    rows = SpotCheckInspector.objects.filter(spot_check__in=[check.pk for check in checks])
    for row in rows.select_related("account__person"):
        named.setdefault(row.spot_check_id, []).append(row.account.get_full_name())
    found = []
    for check in checks:
        label, badge = STATES[check.spot_state or ""]
        found.append(
            {
                "pk": check.pk,
                "unit": check.unit_id,
                "name": check.unit.name,
                "parent": check.unit.general_branch_name,
                "round": check.draw.round.dated,
                "category": check.unit.category_name,
                "own": check.own_points,
                "superior": check.superior_points,
                "spot": check.spot_points,
                "gap": check.gap,
                "inspectors": "、".join(named.get(check.pk, [])) or "未指派",
                "state": label,
                "badge": badge,
                "draw": str(check.draw),
            }
        )
    return found


_SHOWN = (
    Column(
        "name", "党支部", 56, align="left", row_header=True, sort_key="name",
        href=lambda row: reverse("inspection", args=[row["pk"]]),
    ),
    Column("parent", "所属党总支", 44, align="left", sort_key="parent", hide_small=True),
    Column("category", "类别", 16, hide_small=True),
    Column("own", "自评", 16, format=formats.DECIMAL1, sort_key="own"),
    Column("superior", "总支", 16, format=formats.DECIMAL1, sort_key="superior"),
    Column("spot", "抽查", 16, format=formats.DECIMAL1, sort_key="spot"),
    Column("gap", "抽查与总支差", 22, format=formats.DECIMAL1, sort_key="gap", hide_small=True),
)  # fmt: skip
_STATE = Column("state", "进度", 20, kind="state", badge=lambda row: row["badge"], sort_key="state")
_ROUND = Column("round", "轮次", 22)  # one person may inspect a branch in several rounds
_SORTS = {
    "order": ("unit__parent_position", "unit__parent_code", "unit__position", "unit__code"),
    "name": ("unit__name",),
    "parent": ("unit__parent_position", "unit__parent_code", "unit__position"),
    "own": ("own_points",),
    "superior": ("superior_points",),
    "spot": ("spot_points",),
    "gap": ("gap",),
    "state": ("spot_state",),
}
CHECKS = list_page(
    ListPage(
        slug="spot-checks",
        title="抽查名单",
        unit="个党支部",
        table=Table(
            slug="spot-checks",
            title="抽查名单",
            columns=(
                Column("pick", "选择", kind="select", value=lambda row: row["pk"], export=False),
                *_SHOWN,
                Column("inspectors", "抽查人", 34, align="left", hide_small=True),
                _STATE,
                Column("draw", "抽取", 18, screen=False),
            ),
        ),
        sorts=_SORTS,
        default_sort="order",
        filters=CheckFilter,
        search=("unit__name", "unit__code"),
        search_label="名称或编号",
        prepare=prepared,
        empty_title="还没有抽取",
        empty_text="先抽取要抽查的党支部，再把它们指派给抽查人。",
        bulk=(BulkAction("指派抽查人", "spot-assign"),),
    )
)
CHECKS_READ = CHECKS.for_reading(
    empty_text="活动办公室抽取以后，这里列出抽到的党支部。"
)  # what those see who read the whole school and assign nobody


def without_superior(page: ListPage) -> ListPage:
    """Return the list without the columns that compare with 党总支考评, for a round that has none."""
    kept = tuple(column for column in page.table.columns if column.key not in ("superior", "gap"))
    return replace(page, table=replace(page.table, columns=kept))


MINE = list_page(
    ListPage(
        slug="inspections",
        title="我的抽查",
        unit="个党支部",
        table=Table(slug="inspections", title="我的抽查", columns=(_SHOWN[0], _ROUND, *_SHOWN[1:], _STATE)),
        sorts=_SORTS,
        default_sort="order",
        filters=CheckFilter,
        prepare=prepared,
        empty_title="没有指派给您的党支部",
        empty_text="活动办公室指派以后，这里列出要抽查的党支部。",
    )
)
