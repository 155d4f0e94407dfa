"""Lists of reporting: the signed paper of a round, unit by unit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django_filters import ChoiceFilter, FilterSet

from branches.listing import ListPage
from branches.models import Branch
from branches.registries import list_page
from grading.models import RoundReturn, RoundUnit
from reporting.models import Scan
from reporting.paper.returns import Returned, Standing
from reporting.tables import Column, Table, formats

Level = RoundReturn.Level


def return_rows(rule: RoundReturn, found: dict[int, Returned]) -> QuerySet[Branch]:
    """Return the units that owe a form with their frozen names, how they stand, and the scan to show."""
    field = "branch" if rule.level == Level.BRANCH else "parent"
    frozen = RoundUnit.objects.filter(round=rule.round_id, **{field: OuterRef("pk")}).order_by("position", "pk")

    def pick(name: str) -> Subquery:
        return Subquery(frozen.values(name)[:1])

    chosen = [row.scan.pk for row in found.values() if row.scan is not None]
    scans = Scan.objects.filter(pk__in=chosen, form__unit=OuterRef("pk"))
    by_standing: dict[Standing, list[int]] = {}
    for pk, row in found.items():
        by_standing.setdefault(row.standing, []).append(pk)
    root_name = Value(rule.round.campaign.root.name_on(rule.round.frozen_on or rule.round.campaign.starts_on))
    return Branch.objects.filter(pk__in=found).annotate(
        unit_name=root_name if rule.level == Level.COMMITTEE else pick("name" if field == "branch" else "parent_name"),
        above=Coalesce(pick("parent_name"), Value("")) if field == "branch" else Value(""),
        place=pick("parent_position"), group_code=pick("parent_code"), kind=Value(rule.kind),
        round_pk=Value(rule.round_id), scan_pk=Subquery(scans.values("pk")[:1]),
        returned_at=Subquery(scans.values("attached_at")[:1]),
        standing=Case(
            *(When(pk__in=pks, then=Value(one.value)) for one, pks in by_standing.items()),
            default=Value(Standing.MISSING.value), output_field=TextField(),
        ),
    )  # fmt: skip


class ReturnFilter(FilterSet):
    """How the paper stands."""

    standing = ChoiceFilter(
        label="情况", field_name="standing", empty_label="全部", choices=[(one.value, one.words) for one in Standing]
    )


def prepared(units: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows; the scans are read for all at once."""
    wanted = [unit.scan_pk for unit in units if unit.scan_pk]
    rows = Scan.objects.filter(pk__in=wanted).annotate(files=Count("pages"))
    scans = {scan.pk: scan for scan in rows.select_related("form", "attached_by__person")}
    return [_row(unit, scans.get(unit.scan_pk)) for unit in units]


def _row(unit: Any, scan: Any) -> dict[str, Any]:
    standing = Standing(unit.standing)
    return {
        "address": reverse("form", args=[unit.kind, unit.round_pk, unit.pk]),
        "name": unit.unit_name,
        "above": unit.above,
        "standing": standing.words,
        "badge": f"state-{standing.shape}",
        "code": scan.form.code if scan else "",
        "files": scan.files if scan else None,
        "at": f"{timezone.localtime(scan.attached_at):%Y-%m-%d %H:%M}" if scan else "",
        "by": scan.attached_by.get_full_name() if scan and scan.attached_by else "",
    }


RETURNS = list_page(
    ListPage(
        slug="returns",
        title="盖章件",
        unit="份",
        table=Table(
            slug="returns",
            title="盖章件",
            columns=(
                Column(
                    "name", "单位", 60, align="left", row_header=True, sort_key="name",
                    href=lambda row: row["address"],
                ),
                Column("above", "上级党组织", 46, align="left", sort_key="order", hide_small=True, blank=""),
                Column("standing", "情况", 46, kind="state", badge=lambda row: row["badge"], sort_key="standing"),
                Column("code", "表单编码", 34, hide_small=True),
                Column("files", "文件数", 14, format=formats.INTEGER, hide_small=True),
                Column("at", "交回时间", 34, sort_key="at", hide_small=True),
                Column("by", "交回人", 24, hide_small=True),
            ),
        ),
        sorts={
            "order": ("place", "group_code", "position", "code"),
            "name": ("unit_name",),
            "standing": ("standing", "place", "group_code"),
            "at": ("returned_at",),
        },
        default_sort="order",
        filters=ReturnFilter,
        search=("unit_name",),
        search_label="单位名称",
        prepare=prepared,
        empty_title="没有要交回盖章件的单位",
        empty_text="开始评定后，按本轮的要求列出各单位。",
    )
)  # fmt: skip


def page_for(rule: RoundReturn) -> ListPage:
    """Return the list for a rule: branches stand with the unit above them, 党总支 have none worth a column."""
    if rule.level == Level.BRANCH:
        return RETURNS
    kept = tuple(column for column in RETURNS.table.columns if getattr(column, "key", "") != "above")
    return replace(RETURNS, table=replace(RETURNS.table, columns=kept))
