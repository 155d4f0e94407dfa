"""The classes of a campaign as a list: who is their tutor, which have none."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django_filters import ChoiceFilter, FilterSet

from branches.directory import names_of
from branches.listing import BulkAction, ListPage
from branches.registries import list_page
from interviews.models import ClassGroup
from reporting.tables import Column, Table, formats

TUTORS = [("none", "还没有"), ("left", "已停用"), ("some", "有")]


def with_students(rows: QuerySet[ClassGroup]) -> QuerySet[ClassGroup]:
    """Count the students who are still there."""
    counted = rows.annotate(students=Count("entries", filter=Q(entries__active=True)))
    return counted.select_related("tutor__person", "unit")


class ClassFilter(FilterSet):
    """Unit, whether there is a tutor, whether there is anybody."""

    unit = ChoiceFilter(label="单位", empty_label="全部", choices=())
    tutor = ChoiceFilter(label="班主任", method="by_tutor", empty_label="全部", choices=TUTORS)
    students = ChoiceFilter(
        label="学生", method="by_students", empty_label="全部", choices=[("some", "有"), ("none", "没有")]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the units of the caller's reach."""
        super().__init__(*args, **kwargs)
        names = names_of(self.queryset.order_by().values_list("unit", flat=True).distinct())
        self.filters["unit"].extra["choices"] = sorted(names.items(), key=lambda pair: pair[1])

    def by_tutor(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep classes without a tutor, with one who has left, or with one."""
        if value == "none":
            return rows.filter(tutor=None)
        return rows.filter(tutor__active=value == "some")

    def by_students(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep classes with students, or without."""
        return rows.filter(students__gt=0) if value == "some" else rows.filter(students=0)


def class_rows(groups: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of classes."""
    units = names_of(row.unit_id for row in groups)
    return [
        {
            "pk": row.pk,
            "campaign": row.campaign_id,
            "name": row.name,
            "unit": units.get(row.unit_id, ""),
            "students": row.students,
            "tutor": row.tutor.person.name if row.tutor else "还没有",
            "number": (row.tutor.person.number or "") if row.tutor else "",
            "state": "还没有" if not row.tutor else "在册" if row.tutor.active else "已停用",
            "badge": "state-ok" if row.tutor and row.tutor.active else "state-warn",
        }
        for row in groups
    ]


CLASSES = list_page(
    ListPage(
        slug="class-groups",
        title="班级和班主任",
        unit="个班",
        table=Table(
            slug="class-groups",
            title="班级和班主任",
            columns=(
                Column("pick", "选择", kind="select", value=lambda row: row["pk"], export=False),
                Column(
                    "name", "班级", 40, align="left", row_header=True, sort_key="name",
                    href=lambda row: reverse("class-group", args=[row["campaign"], row["pk"]]),
                ),
                Column("unit", "单位", 52, align="left", sort_key="unit", hide_small=True),
                Column("students", "在册学生", 20, format=formats.INTEGER, sort_key="students"),
                Column("tutor", "班主任（辅导员）", 30, align="left", sort_key="tutor"),
                Column("number", "工号", 24, align="left", hide_small=True),
                Column("state", "班主任状态", 22, kind="state", badge=lambda row: row["badge"], hide_small=True),
            ),
        ),
        sorts={
            "name": ("name",), "unit": ("unit__position", "unit__code", "name"), "students": ("students", "name"),
            "tutor": ("tutor__person__initials", "tutor__person__name", "name"),
        },
        default_sort="unit",
        filters=ClassFilter,
        search=("name", "tutor__person__name", "tutor__person__initials__istartswith", "tutor__person__number"),
        search_label="班级，班主任姓名、拼音首字母或工号",
        prepare=class_rows,
        empty_title="还没有班级",
        empty_text="导入有班级一列的学生名册，班级就列在这里。",
        bulk=(BulkAction("改班主任", "class-tutor"),),
    )
)  # fmt: skip
