"""Forms of planning: rules, the set size, who takes over, one person of the roster."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.db.models import Q

from branches.directory import names_of
from branches.forms.roster import WorkbookForm
from branches.forms_base import ZhForm
from branches.models import Branch, Campaign, Person
from branches.scopes import Scope
from interviews.models import ClassGroup, FocusGroup, PersonCategory, RosterEntry, VisitRule


class PeopleForm(WorkbookForm):
    """The workbook with people."""

    plain = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Say what is wanted here."""
        super().__init__(*args, **kwargs)
        self.fields["file"].label = "人员名册"
        self.fields["file"].help_text = "Excel（.xlsx、.xls）或 WPS 表格（.et），不超过 20 MB、6 万行"


class UnitChoice(forms.ModelChoiceField):
    """Choose a unit by its name of today."""

    def __init__(self, **given: Any) -> None:
        """Begin without any; the form offers those of a reach."""
        super().__init__(queryset=Branch.objects.none(), **given)
        self.names: dict[int, str] = {}

    def offer(self, reach: Scope) -> None:
        """Offer the general branches and direct branches of a reach."""
        rows = Branch.objects.within(reach).exclude(level=Branch.Level.COMMITTEE).order_by("position", "code")
        self.queryset = rows
        self.names = names_of(rows.values_list("pk", flat=True))

    def label_from_instance(self, obj: Any) -> str:
        """Say the name."""
        return self.names.get(obj.pk, str(obj))


class SettingsForm(ZhForm):
    """The set size."""

    least_count = forms.IntegerField(
        label="最小显示人数", min_value=2, max_value=50,
        help_text="统计表里不足这个人数的数字不显示，用减法也推不出来。通常是 5。",
    )  # fmt: skip
    version = forms.IntegerField(widget=forms.HiddenInput)


class RuleForm(ZhForm):
    """One rule, with how often each focus group is visited."""

    name = forms.CharField(label="名称", max_length=60)
    visitors = forms.ModelChoiceField(label="访谈人", queryset=PersonCategory.objects.none(), empty_label="请选择")
    visited = forms.ModelChoiceField(label="访谈对象", queryset=PersonCategory.objects.none(), empty_label="请选择")
    basis = forms.ChoiceField(label="分配办法", choices=VisitRule.Basis.choices, widget=forms.RadioSelect)
    share_out = forms.BooleanField(label="没有班主任、导师的，由本单位访谈人平均分担", required=False, initial=True)
    unit = UnitChoice(label="适用单位", required=False, empty_label="全部单位")
    due_on = forms.DateField(label="完成期限", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    times = forms.IntegerField(label="至少谈几次", min_value=1, max_value=12, initial=1)
    active = forms.BooleanField(label="启用", required=False, initial=True)
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, campaign: Campaign, reach: Scope, **kwargs: Any) -> None:
        """Offer the campaign's categories and groups, and the units of a reach."""
        super().__init__(*args, **kwargs)
        chosen = [pk for name in ("visitors", "visited") if (pk := self.initial.get(name))]
        categories = PersonCategory.objects.filter(Q(active=True) | Q(pk__in=chosen), campaign=campaign)
        self.choice("visitors").queryset = categories.filter(kind=Person.Kind.STAFF)
        self.choice("visited").queryset = categories
        unit = self.fields["unit"]
        if isinstance(unit, UnitChoice):
            unit.offer(reach)
        self.groups = list(FocusGroup.objects.filter(campaign=campaign, sensitive=False, active=True))
        for group in self.groups:
            times = forms.IntegerField(label=f"{group.name}：次数", min_value=1, max_value=12, required=False)
            due = forms.DateField(
                label=f"{group.name}：期限", required=False,
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            )  # fmt: skip
            self.fields[f"times_{group.pk}"], self.fields[f"due_{group.pk}"] = times, due

    def choice(self, name: str) -> Any:
        """Return a choice field."""
        return self.fields[name]

    def pairs(self) -> list[tuple[FocusGroup, Any, Any]]:
        """Return each focus group with its two bound fields."""
        return [(group, self[f"times_{group.pk}"], self[f"due_{group.pk}"]) for group in self.groups]

    def frequencies(self) -> list[tuple[FocusGroup, int, dt.date | None]]:
        """Return the frequencies given."""
        given = self.cleaned_data
        return [
            (group, given[f"times_{group.pk}"], given[f"due_{group.pk}"])
            for group in self.groups
            if given.get(f"times_{group.pk}")
        ]

    def values(self) -> dict[str, Any]:
        """Return what a rule stores."""
        names = ("name", "visitors", "visited", "basis", "share_out", "unit", "due_on", "times", "active")
        return {name: self.cleaned_data[name] for name in names}


def staff_label(entry: Any, units: Mapping[int, str]) -> str:
    """Say who somebody of the staff is: name, number or category, unit."""
    known = (entry.person.number or entry.category.name, units.get(entry.unit_id, ""))
    return f"{entry.person.name}（{'，'.join(part for part in known if part)}）"


class StaffChoice(forms.ModelMultipleChoiceField):
    """Choose staff by name, number and unit."""

    names: ClassVar[Mapping[int, str]] = {}

    def label_from_instance(self, obj: Any) -> str:
        """Say who."""
        return staff_label(obj, self.names)


class TakersForm(ZhForm):
    """Who takes over."""

    takers = StaffChoice(
        label="由谁访谈", queryset=RosterEntry.objects.none(),
        widget=forms.CheckboxSelectMultiple, help_text="可以勾选几个人，平均分配。",
    )  # fmt: skip

    def __init__(self, *args: Any, staff: Any, **kwargs: Any) -> None:
        """Offer staff."""
        super().__init__(*args, **kwargs)
        field: Any = self.fields["takers"]
        field.queryset = staff
        field.names = names_of(staff.order_by().values_list("unit_id", flat=True).distinct())


class EntryForm(ZhForm):
    """One person: class, focus groups, tutors, still there."""

    class_group = forms.ModelChoiceField(
        label="班级", queryset=ClassGroup.objects.none(), required=False, empty_label="未编班"
    )
    focus = forms.ModelMultipleChoiceField(
        label="重点类别", queryset=FocusGroup.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    tutors = forms.CharField(label="导师工号", required=False, help_text="几位导师用顿号隔开。")
    active = forms.BooleanField(label="在册", required=False, help_text="去掉以后不再分配，也不计入覆盖率。")
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, entry: RosterEntry, **kwargs: Any) -> None:
        """Offer what fits the person."""
        super().__init__(*args, **kwargs)
        self.entry = entry
        groups: Any = self.fields["focus"]
        offered = FocusGroup.objects.filter(campaign=entry.campaign_id, kind=entry.kind, sensitive=False)
        groups.queryset = offered.filter(Q(active=True) | Q(pk__in=entry.focus.values("group")))
        if entry.kind == Person.Kind.STUDENT:
            classes: Any = self.fields["class_group"]
            classes.queryset = ClassGroup.objects.filter(campaign=entry.campaign_id, unit=entry.unit_id)
        else:
            del self.fields["class_group"], self.fields["tutors"]

    def clean_tutors(self) -> list[RosterEntry]:
        """Turn numbers into staff of the roster."""
        numbers = [
            part for part in self.cleaned_data["tutors"].replace("，", "、").replace(",", "、").split("、") if part
        ]
        rows = RosterEntry.objects.filter(
            campaign=self.entry.campaign_id, kind=Person.Kind.STAFF, person__number__in=[one.strip() for one in numbers]
        ).select_related("person")
        found = {row.person.number: row for row in rows}
        missing = [one for one in numbers if one not in found]
        if missing:
            raise forms.ValidationError(f"名册里没有工号为 {'、'.join(missing)} 的教职工。")
        return list(found.values())
