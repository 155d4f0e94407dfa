"""My list, my talks, follow-ups, problems and the year's problems by unit and category as lists."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django_filters import ChoiceFilter, FilterSet

from branches import clock, wording
from branches.listing import BulkAction, ListPage
from branches.registries import list_page
from interviews.coverage_tables import HIDDEN
from interviews.matter_figures import Kept
from interviews.mine import DONE, DUE, LATE, REVISIT, progress
from interviews.models import FollowUp, Matter
from reporting.tables import Column, Link, Table, formats

MATTER_STATES = {
    Matter.State.RELEASED: "state-todo",
    Matter.State.IN_HAND: "state-info",
    Matter.State.RETURNED: "state-warn",
    Matter.State.ANSWERED: "state-info",
    Matter.State.TOLD: "state-ok",
    Matter.State.WITHDRAWN: "state-todo",
}
FOLLOW_STATES = {
    FollowUp.State.PLANNED: "state-info",
    FollowUp.State.DONE: "state-ok",
    FollowUp.State.DROPPED: "state-todo",
}


class MineFilter(FilterSet):
    """How far it is, and the class."""

    standing = ChoiceFilter(
        label="进度", empty_label="全部", field_name="standing",
        choices=[(LATE, "逾期未访"), (DUE, "未访"), (REVISIT, "待回访"), (DONE, "已访")],
    )  # fmt: skip
    group = ChoiceFilter(label="班级", field_name="class_group", empty_label="全部", choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the classes of one's own list."""
        super().__init__(*args, **kwargs)
        rows = self.queryset.order_by().exclude(class_group=None).values_list("class_group", "class_group__name")
        self.filters["group"].extra["choices"] = sorted(set(rows.distinct()), key=lambda pair: pair[1])


def mine_rows(entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of my list."""
    found = []
    for row in entries:
        label, kind = progress(row)
        due = row.revisit_on if row.standing == REVISIT else (None if row.standing == DONE else row.due_on)
        url = reverse("interview-new")
        found.append(
            {
                "pk": row.pk,
                "name": row.person.name,
                "number": row.person.number or "",
                "group": row.class_group.name if row.class_group else row.category.name,
                "state": label,
                "badge": f"state-{kind}",
                "times": f"{row.spoken} / {row.required}",
                "group_talks": row.group_talks,
                "last": row.last_on,
                "due": due,
                "open": (Link("记一次", f"{url}?person={row.pk}"),),
            }
        )
    return found


MINE = list_page(
    ListPage(
        slug="my-interviewees",
        title="我的名单",
        unit="人",
        table=Table(
            slug="my-interviewees",
            title="我的名单",
            columns=(
                Column("pick", "选择", kind="select", value=lambda row: row["pk"], export=False),
                Column("name", "姓名", 24, align="left", row_header=True, sort_key="name"),
                Column("state", "进度", 22, kind="state", badge=lambda row: row["badge"], sort_key="rank"),
                Column("group", "班级", 34, align="left", sort_key="group"),
                Column("number", "学号/工号", 30, align="left", sort_key="number"),
                Column("times", "一对一", 16),
                Column("group_talks", "座谈", 12),
                Column("last", "最近一次", 24, format=formats.DATE, sort_key="last"),
                Column("due", "期限", 24, format=formats.DATE, sort_key="due"),
                Column("open", "办理", 18, kind="links", export=False),
            ),
        ),
        sorts={
            "rank": ("rank", "due_on", "class_group__name", "person__number"),
            "name": ("person__initials", "person__name"),
            "group": ("class_group__name", "person__number"),
            "number": ("person__number",),
            "last": ("last_on",),
            "due": ("due_on",),
        },
        default_sort="rank",
        filters=MineFilter,
        search=("person__name", "person__initials__istartswith", "person__number", "class_group__name"),
        search_label="姓名、拼音首字母、学号或班级",
        prepare=mine_rows,
        empty_title="名单里还没有人",
        empty_text="活动办公室或党总支分配以后，这里列出您要访谈的人。",
        bulk=(BulkAction("一起记录", "interview-pick"),),
        export=False,
    )
)


def talk_rows(talks: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of one's own talks; the people of all talks are prefetched."""
    found = []
    for row in talks:
        names = [subject.entry.person.name for subject in row.subjects.all()]
        shown = "、".join(names[:3]) + (f"等 {len(names)} 人" if len(names) > 3 else "")
        found.append(
            {
                "pk": row.pk,
                "who": shown or "—",
                "held_on": row.held_on,
                "channel": row.channel.name,
                "mode": "一对一" if row.one_to_one else "座谈（延伸）",
                "state": "正文已清除" if row.record.erased_at else row.get_state_display(),
            }
        )
    return found


TALKS = list_page(
    ListPage(
        slug="my-interviews",
        title="我记录的访谈",
        unit="次",
        table=Table(
            slug="my-interviews",
            title="我记录的访谈",
            columns=(
                Column(
                    "who", "访谈对象", 46, align="left", row_header=True,
                    href=lambda row: reverse("interview", args=[row["pk"]]),
                ),
                Column("held_on", "日期", 26, format=formats.DATE, sort_key="held"),
                Column("channel", "方式", 20, sort_key="channel"),
                Column("mode", "形式", 24, sort_key="mode", hide_small=True),
                Column("state", "状态", 24, hide_small=True),
            ),
        ),
        sorts={"held": ("held_on", "recorded_at"), "channel": ("channel__position",), "mode": ("one_to_one",)},
        default_sort="-held",
        search=(
            "subjects__entry__person__name", "subjects__entry__person__initials__istartswith",
            "subjects__entry__person__number",
        ),
        search_label="姓名、拼音首字母或学号",
        search_hint="正文加密，不能搜索",
        prepare=talk_rows,
        empty_title="还没有记录访谈",
        empty_text="从“我的名单”选人，谈完就记，一分钟以内。",
        export=False,
    )
)  # fmt: skip


class FollowFilter(FilterSet):
    """Whether it is still to be done."""

    state = ChoiceFilter(label="状态", empty_label="全部", choices=FollowUp.State.choices)


def follow_rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of follow-ups."""
    today = clock.today()
    found = []
    for row in rows:
        planned = row.state == FollowUp.State.PLANNED
        late = planned and row.due_on < today
        links = (Link("记录回访", f"{reverse('interview-new')}?follow_up={row.pk}"),) if planned else ()
        talk = row.done_by_id or row.interview_id
        found.append(
            {
                "pk": row.pk,
                "name": row.entry.person.name,
                "talk": reverse("interview", args=[talk]),
                "group": row.entry.class_group.name if row.entry.class_group else row.entry.category.name,
                "due_on": row.due_on,
                "state": "逾期" if late else row.get_state_display(),
                "badge": "state-bad" if late else FOLLOW_STATES[FollowUp.State(row.state)],
                "first": row.interview.held_on,
                "open": links,
            }
        )
    return found


FOLLOW_UPS = list_page(
    ListPage(
        slug="follow-ups",
        title="回访",
        unit="次",
        table=Table(
            slug="follow-ups",
            title="回访",
            columns=(
                Column(
                    "name", "对象", 26, align="left", row_header=True, href=lambda row: row["talk"], sort_key="name"
                ),
                Column("group", "班级", 34, align="left", hide_small=True),
                Column("first", "起因的访谈", 26, format=formats.DATE, hide_small=True),
                Column("due_on", "期限", 26, format=formats.DATE, sort_key="due"),
                Column("state", "状态", 20, kind="state", badge=lambda row: row["badge"]),
                Column("open", "办理", 22, kind="links", export=False),
            ),
        ),
        sorts={"due": ("due_on",), "name": ("entry__person__initials", "entry__person__name")},
        default_sort="due",
        filters=FollowFilter,
        search=("entry__person__name", "entry__person__initials__istartswith", "entry__person__number"),
        search_label="姓名、拼音首字母或学号",
        prepare=follow_rows,
        empty_title="没有安排回访",
        empty_text="记录访谈时选一个回访期限，到期会在工作台提醒。",
        export=False,
    )
)


class LedgerFilter(FilterSet):
    """State and result."""

    state = ChoiceFilter(label="状态", empty_label="全部", choices=Matter.State.choices)
    outcome = ChoiceFilter(label="结果", empty_label="全部", choices=Matter.Outcome.choices)


class MatterFilter(FilterSet):
    """State, category and result."""

    state = ChoiceFilter(label="状态", empty_label="全部", choices=Matter.State.choices)
    category = ChoiceFilter(label="类别", field_name="category", empty_label="全部", choices=())
    outcome = ChoiceFilter(label="结果", empty_label="全部", choices=Matter.Outcome.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the categories among the rows."""
        super().__init__(*args, **kwargs)
        rows = self.queryset.order_by().values_list("category", "category__name").distinct()
        self.filters["category"].extra["choices"] = list(rows)


def matter_rows(matters: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of matters, never with a text of theirs."""
    today = clock.today()
    found = []
    for row in matters:
        late = row.state in Matter.PENDING and row.due_on < today
        found.append(
            {
                "pk": row.pk,
                "number": f"第 {row.number} 号",
                "category": row.category.name,
                "unit": row.unit_name,
                "owner": row.owner.get_full_name(),
                "released": row.released_at.astimezone(clock.now().tzinfo).date(),
                "due_on": row.due_on,
                "state": f"{row.get_state_display()}，逾期" if late else row.get_state_display(),
                "badge": "state-bad" if late else MATTER_STATES[Matter.State(row.state)],
                "outcome": row.get_outcome_display() or "—",
            }
        )
    return found


def _matter_table(slug: str, title: str, *, own: bool) -> Table:
    """Return the table of one's own problems, or the ledger.

    The ledger has neither unit nor category, or small counts would show, and no numbers, whose gaps would tell how
    many problems of sensitive categories there are.
    """

    def href(row: Any) -> str:
        return reverse("matter", args=[row["pk"]]) if own else ""

    number = Column("number", "编号", 20, align="left", row_header=True, sort_key="number", href=href)
    about = (
        Column("category", "类别", 26, align="left", sort_key="category"),
        Column("unit", "单位", 44, align="left", hide_small=True),
    )

    return Table(
        slug=slug,
        title=title,
        columns=(
            *((number, *about) if own else ()),
            Column("owner", "承办人", 24, align="left", row_header=not own, hide_small=own),
            Column("released", "交办日期", 26, format=formats.DATE, sort_key="released", hide_small=True),
            Column("due_on", "期限", 26, format=formats.DATE, sort_key="due"),
            Column("state", "状态", 28, kind="state", badge=lambda row: row["badge"], sort_key="state"),
            Column("outcome", "结果", 24, hide_small=True),
        ),
    )


_MATTER_SORTS = {
    "number": ("number",),
    "category": ("category__ordinal",),
    "released": ("released_at",),
    "due": ("due_on",),
    "state": ("state",),
}
MY_MATTERS = list_page(
    ListPage(
        slug="my-matters",
        title="交办和承办的问题",
        unit="个问题",
        table=_matter_table("my-matters", "交办和承办的问题", own=True),
        sorts=_MATTER_SORTS,
        default_sort="due",
        filters=MatterFilter,
        prepare=matter_rows,
        empty_title="没有交办或承办的问题",
        empty_text="访谈中反映的实际问题，可以另写一段交给承办人；交给您办的也列在这里。",
        export=False,
    )
)
ALL_MATTERS = list_page(
    ListPage(
        slug="matters",
        title="实际问题台账",
        unit="个问题",
        table=_matter_table("matters", "实际问题台账", own=False),
        sorts={key: fields for key, fields in _MATTER_SORTS.items() if key not in {"category", "number"}},
        default_sort="-released",
        filters=LedgerFilter,
        prepare=matter_rows,
        empty_title="还没有反映的问题",
        empty_text="访谈人交办以后，这里看承办人、期限和结果；内容只有交办人和承办人能看。",
    )
)


def summary_rows(rows: Sequence[Any], keep: Kept | None = None) -> list[dict[str, Any]]:
    """Return the year's figures of each unit and category that `keep` allows; the share is of what has been raised."""
    found = []
    for row in rows:
        group = (row.unit_id, row.category_id)
        figures = {
            name: getattr(row, name) if keep is None or keep.shows(group, name) else None
            for name in ("raised", "solved", "pending", "late", "unsolved", "told")
        }
        share = None if figures["solved"] is None else wording.share(row.solved, row.raised)
        named = {"pk": row.pk, "unit_name": row.unit_name, "category_name": row.category.name}
        found.append(named | {"share": share} | figures)
    return found


SUMMARY = list_page(
    ListPage(
        slug="matter-summary",
        title="全年实际问题",
        unit="行",
        table=Table(
            slug="matter-summary",
            title="全年实际问题",
            columns=(
                Column("unit_name", "单位", 56, align="left", row_header=True, sort_key="unit"),
                Column("category_name", "类别", 30, align="left", sort_key="category"),
                Column("raised", "反映", 16, format=formats.INTEGER, blank=HIDDEN),
                Column("solved", "已解决", 18, format=formats.INTEGER, blank=HIDDEN),
                Column("pending", "待办", 16, format=formats.INTEGER, blank=HIDDEN),
                Column("late", "其中逾期", 20, format=formats.INTEGER, blank=HIDDEN),
                Column("unsolved", "暂不能解决", 24, format=formats.INTEGER, blank=HIDDEN),
                Column("told", "已反馈本人", 24, format=formats.INTEGER, blank=HIDDEN),
                Column("share", "解决率%", 20, format=formats.DECIMAL1, blank=HIDDEN),
            ),
        ),
        sorts={
            "unit": ("unit_position", "unit_name", "category__ordinal"),
            "category": ("category__ordinal", "unit_position"),
        },
        default_sort="unit",
        prepare=summary_rows,
        empty_title="今年还没有反映的问题",
        empty_text="访谈人交办以后，这里按单位和类别看反映、解决和待办。",
    )
)
