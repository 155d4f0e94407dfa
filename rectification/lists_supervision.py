"""Lists of supervision: 督办单, 督导 visits, and what was sent to whom."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django_filters import ChoiceFilter, FilterSet

from branches import clock, wording
from branches.listing import ListPage
from branches.models import Placement
from branches.registries import list_page
from rectification.models import Dispatch, SupervisionNotice, Visit
from reporting.tables import Column, Table

S = SupervisionNotice.State
LATE = "late"
ALL = "all"
SHAPES = {
    S.ISSUED: "state-info",
    S.REPLIED: "state-warn",
    S.RETURNED: "state-warn",
    S.CLOSED: "state-ok",
    S.WITHDRAWN: "state-todo",
}
SENT_SHAPES = {
    Dispatch.State.SENT: "state-ok",
    Dispatch.State.FAILED: "state-bad",
    Dispatch.State.UNCERTAIN: "state-warn",
    Dispatch.State.SKIPPED: "state-todo",
}


def names_of(nodes: Iterable[int]) -> dict[int, str]:
    """Return what nodes are called today, in one query."""
    rows = Placement.objects.on(clock.today()).filter(branch__in=set(nodes))
    return dict(rows.values_list("branch", "name"))


def _name() -> Subquery:
    placed = Placement.objects.filter(branch=OuterRef("branch")).order_by("-starts_on")
    return Subquery(placed.values("name")[:1])


def notice_rows(rows: QuerySet[SupervisionNotice]) -> QuerySet[SupervisionNotice]:
    """Annotate what the list shows."""
    return rows.annotate(branch_name=_name(), number_of_items=Count("lines")).select_related(
        "campaign", "issuer", "branch"
    )


class NoticeFilter(FilterSet):
    """How far a 督办单 is."""

    state = ChoiceFilter(
        label="状态", method="by_state", empty_label="全部", choices=[*S.choices, (LATE, "逾期未回复")]
    )

    def by_state(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep those in a state, or those nobody answered in time."""
        if value == LATE:
            return rows.filter(state__in=SupervisionNotice.OWED, reply_due_on__lt=clock.today())
        return rows.filter(state=value)


def standing(notice: SupervisionNotice) -> tuple[str, str]:
    """Return the state of a 督办单 as a class and words; one not answered in time says so."""
    days = (clock.today() - notice.reply_due_on).days
    if notice.state in SupervisionNotice.OWED and days > 0:
        return "state-bad", f"逾期 {days} 天未回复"
    return SHAPES[S(notice.state)], notice.get_state_display()


def _prepared_notices(notices: Sequence[Any]) -> list[dict[str, Any]]:
    names = names_of(notice.issuer_id for notice in notices)
    found = []
    for notice in notices:
        badge, word = standing(notice)
        found.append(
            {
                "pk": notice.pk, "code": notice.code, "branch": notice.branch_name or "", "state": word,
                "issuer": names.get(notice.issuer_id, ""), "badge": badge, "items": notice.number_of_items,
                "issued": notice.issued_on, "due": notice.reply_due_on,
            }
        )  # fmt: skip
    return found


def _day(key: str) -> Any:
    return lambda row: wording.zh_short_date(row[key], clock.today())


NOTICES = list_page(
    ListPage(
        slug="supervision-notices",
        title="督办单",
        unit="份督办单",
        table=Table(
            slug="supervision-notices",
            title="督办单",
            columns=(
                Column("code", "编号", 56, align="left", row_header=True, sort_key="number",
                       href=lambda row: reverse("supervision-notice", args=[row["pk"]])),
                Column("branch", "被督办单位", 64, align="left"),
                Column("issuer", "签发单位", 50, align="left", hide_small=True),
                Column("items", "项目", 14, align="right", hide_small=True),
                Column("issued", "签发", 26, value=_day("issued"), hide_small=True, sort_key="issued"),
                Column("due", "回复期限", 26, value=_day("due"), hide_small=True, sort_key="due"),
                Column("state", "状态", 34, kind="state", badge=lambda row: row["badge"], sort_key="state"),
            ),
        ),
        sorts={
            "number": ("issuer", "number"), "issued": ("issued_at",), "due": ("reply_due_on",), "state": ("state",),
        },
        default_sort="-issued",
        filters=NoticeFilter,
        search=("code", "branch_name"),
        search_label="编号或单位",
        prepare=_prepared_notices,
        empty_title="还没有督办单",
        empty_text="整改项目逾期后，由党总支或活动办公室签发督办单，一个支部一份。",
    )
)  # fmt: skip


def visit_rows(rows: QuerySet[Visit]) -> QuerySet[Visit]:
    """Annotate what the list shows."""
    placed = Placement.objects.filter(branch=OuterRef("unit")).order_by("-starts_on")
    return rows.annotate(
        unit_name=Subquery(placed.values("name")[:1]),
        found=Count("findings"),
        left=Count("findings", filter=Q(findings__state="open")),
    )


def _prepared_visits(visits: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "pk": visit.pk, "unit": visit.unit_name or "", "held_on": visit.held_on, "visitors": visit.visitors,
            "place": visit.place, "looked_at": "、".join(visit.looked_at), "found": visit.found,
        }
        for visit in visits
    ]  # fmt: skip


VISITS = list_page(
    ListPage(
        slug="supervision-visits",
        title="督导记录",
        unit="次督导",
        table=Table(
            slug="supervision-visits",
            title="督导记录",
            columns=(
                Column("held_on", "日期", 28, value=_day("held_on"), sort_key="held_on"),
                Column("unit", "督导单位", 64, align="left", row_header=True,
                       href=lambda row: reverse("supervision-visit", args=[row["pk"]])),
                Column("visitors", "督导人员", 50, align="left", hide_small=True),
                Column("place", "地点", 36, align="left", hide_small=True),
                Column("looked_at", "查看内容", 80, align="left", hide_small=True),
                Column("found", "发现问题", 20, align="right"),
            ),
        ),
        sorts={"held_on": ("held_on",)},
        default_sort="-held_on",
        search=("unit_name", "visitors", "place"),
        search_label="单位、人员或地点",
        prepare=_prepared_visits,
        empty_title="还没有督导记录",
        empty_text="到党总支或党支部督导后在这里登记：什么时候、谁、看了什么、发现什么。",
    )
)  # fmt: skip


class DispatchFilter(FilterSet):
    """What kind of message, and what became of it; those to whom nothing went out only where they are asked for."""

    kind = ChoiceFilter(label="种类", empty_label="全部", choices=Dispatch.Kind.choices)
    state = ChoiceFilter(
        label="结果",
        empty_label="要发送的",
        choices=[*Dispatch.State.choices, (ALL, "全部")],
        method="by_state",
    )
    why = ChoiceFilter(label="没有发送的原因", empty_label="不限", choices=Dispatch.Why.choices)

    @property
    def qs(self) -> QuerySet[Any]:
        """The rows that pass; without a word about the outcome only what was to go out."""
        rows: QuerySet[Any] = super().qs
        asked = self.form.cleaned_data if self.is_bound else {}
        return rows if asked.get("state") or asked.get("why") else rows.exclude(state=Dispatch.State.SKIPPED)

    def by_state(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep messages with one outcome, or all of them."""
        return rows if value == ALL else rows.filter(state=value)


def skipped(rows: QuerySet[Dispatch]) -> list[tuple[str, str, int]]:
    """Return why nothing went out, in words, with how often: what the log does not show at first."""
    found = rows.filter(state=Dispatch.State.SKIPPED).order_by().values_list("why").annotate(number=Count("pk"))
    numbers = dict(found)
    return [(value, label, numbers[value]) for value, label in Dispatch.Why.choices if value in numbers]


def dispatch_rows(rows: QuerySet[Dispatch]) -> QuerySet[Dispatch]:
    """Annotate what the log shows."""
    return rows.annotate(
        told=Count("lines", filter=Q(lines__told=True)), reader=F("recipient__person__name")
    ).select_related("recipient__person")


def _outcome(row: Dispatch) -> str:
    if row.state == Dispatch.State.SKIPPED:
        return f"{row.get_state_display()}：{row.get_why_display()}"
    return row.get_state_display()


def _prepared_dispatches(rows: Sequence[Any]) -> list[dict[str, Any]]:
    now = clock.now()
    return [
        {
            "pk": row.pk, "reader": row.reader or row.recipient.get_full_name(), "kind": row.get_kind_display(),
            "subject": row.subject, "told": row.told, "outcome": _outcome(row),
            "badge": SENT_SHAPES.get(Dispatch.State(row.state), "state-info"),
            "at": wording.zh_moment(timezone.localtime(row.sent_at or row.created_at), now),
        }
        for row in rows
    ]  # fmt: skip


MESSAGES = list_page(
    ListPage(
        slug="supervision-log",
        title="发送记录",
        unit="条记录",
        table=Table(
            slug="supervision-log",
            title="发送记录",
            columns=(
                Column("at", "时间", 34, sort_key="at"),
                Column("reader", "收件人", 28, align="left", row_header=True, sort_key="reader",
                       href=lambda row: reverse("supervision-message", args=[row["pk"]])),
                Column("kind", "种类", 26, hide_small=True),
                Column("subject", "主题", 90, align="left", hide_small=True),
                Column("told", "告知事项", 18, align="right", hide_small=True),
                Column("outcome", "结果", 60, kind="state", badge=lambda row: row["badge"], sort_key="state"),
            ),
        ),
        sorts={"at": ("created_at",), "reader": ("reader",), "state": ("state", "why")},
        default_sort="-at",
        filters=DispatchFilter,
        search=("reader", "subject"),
        search_label="收件人或主题",
        prepare=_prepared_dispatches,
        empty_title="还没有发送记录",
        empty_text="每周一封的摘要和督办单通知，发给了谁、为什么没有发，都记在这里。",
    )
)  # fmt: skip
