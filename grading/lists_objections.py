"""The office's list of objections: where each stands. Neither texts nor names are in it, so no export carries them."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django_filters import ChoiceFilter, FilterSet

from branches import clock, wording
from branches.listing import ListPage
from branches.registries import list_page
from grading.models import Objection
from reporting.tables import Column, Table

SHAPES = {"open": "state-info", "upheld": "state-warn", "not_upheld": "state-ok"}


class ObjectionFilter(FilterSet):
    """How far it is, and how it came."""

    state = ChoiceFilter(label="状态", empty_label="全部", choices=Objection.State.choices)
    outcome = ChoiceFilter(label="结论", empty_label="全部", choices=Objection.Outcome.choices)
    channel = ChoiceFilter(label="途径", empty_label="全部", choices=Objection.Channel.choices)


def prepared(rows: Sequence[Objection]) -> list[dict[str, Any]]:
    """Return table rows."""
    now = clock.now()
    return [
        {
            "pk": row.pk,
            "number": f"第 {row.number} 号",
            "unit": row.unit.name,
            "parent": row.unit.general_branch_name,
            "channel": row.get_channel_display(),
            "received": wording.zh_moment(timezone.localtime(row.received_at), now),
            "state": row.get_outcome_display() if row.outcome else row.get_state_display(),
            "badge": SHAPES[row.outcome or row.state],
            "body": row.body if row.state == Objection.State.ANSWERED else "",
            "answered": wording.zh_moment(timezone.localtime(row.answered_at), now) if row.answered_at else "",
        }
        for row in rows
    ]


OBJECTIONS = list_page(
    ListPage(
        slug="objections",
        title="异议",
        unit="件异议",
        table=Table(
            slug="objections",
            title="公示期间的异议",
            columns=(
                Column(
                    "number", "编号", 20, row_header=True, sort_key="number",
                    href=lambda row: reverse("objection", args=[row["pk"]]),
                ),
                Column("unit", "党支部", 60, align="left", sort_key="unit"),
                Column("parent", "所属党总支", 46, align="left", hide_small=True),
                Column("channel", "途径", 22, hide_small=True, sort_key="channel"),
                Column("received", "收到时间", 32, sort_key="received", hide_small=True),
                Column("state", "状态", 22, kind="state", badge=lambda row: row["badge"], sort_key="state"),
                Column("body", "答复机构", 34, align="left", hide_small=True),
                Column("answered", "答复时间", 32, hide_small=True, sort_key="answered"),
            ),
        ),
        sorts={
            "number": ("number",),
            "unit": ("unit__name",),
            "channel": ("channel",),
            "received": ("received_at",),
            "state": ("state", "outcome"),
            "answered": ("answered_at",),
        },
        default_sort="-number",
        filters=ObjectionFilter,
        search=("unit__name", "unit__code"),
        search_label="党支部",
        prepare=prepared,
        empty_title="还没有异议",
        empty_text="公示期间登录提交的异议会列在这里；电话、来信、来访收到的请在这里登记。",
    )
)  # fmt: skip
