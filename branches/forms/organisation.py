"""Forms of the organisation pages."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from branches.basics import Basics, committee_words
from branches.fields import PartialDateFormField
from branches.forms_base import ZhForm, polish
from branches.models import Appointment, Branch, BranchProfile, Person
from branches.partial_dates import PartialDate

Choices = Iterable[tuple[int, str]]
MONTH = "例如 2011年10月"


def _date(label: str, **more: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, **more)


def _month(label: str, **more: Any) -> PartialDateFormField:
    more.setdefault("help_text", MONTH)
    return PartialDateFormField(label=label, required=False, **more)


def _select(label: str, choices: Choices, *, empty: str = "") -> forms.TypedChoiceField:
    options = [("", empty or "请选择"), *choices]
    message = {"invalid_choice": f"请在列表中选择{label}。"}
    return forms.TypedChoiceField(
        label=label, choices=options, coerce=int, empty_value=None, required=not empty, error_messages=message
    )


class Decision(ZhForm):
    """What a change of the organisation is founded on."""

    on = _date("生效日期")
    document_number = forms.CharField(label="文号", max_length=60, required=False, help_text="例如 清师党〔2012〕8号")
    reason = forms.CharField(label="事由", max_length=200, required=False)


class PlaceForm(Decision):
    """Rename, move or re-categorise a node."""

    name = forms.CharField(label="全称", max_length=100)
    short_name = forms.CharField(label="简称", max_length=60, required=False)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    field_order: tuple[str, ...] = (
        "name",
        "short_name",
        "parent",
        "category",
        "on",
        "document_number",
        "reason",
        "seen",
    )

    def __init__(self, *args: Any, parents: Choices, categories: Choices, branch: Branch | None, **kwargs: Any) -> None:
        """Offer the nodes it may hang under, and the categories when it is a 党支部."""
        super().__init__(*args, **kwargs)
        self.fields["parent"] = _select("上级党组织", parents)
        if branch is None or branch.level == Branch.Level.BRANCH:
            self.fields["category"] = _select("支部类别", categories)
            self.fields["category"].help_text = "决定使用哪一份评分参考标准"
        self.order_fields(self.field_order)
        polish(self)


class NewForm(PlaceForm):
    """Set up a node."""

    level = forms.ChoiceField(
        label="设立",
        choices=[(Branch.Level.BRANCH, "党支部（含直属党支部）"), (Branch.Level.GENERAL_BRANCH, "党总支")],
        widget=forms.RadioSelect,
    )
    code = forms.CharField(label="编号", max_length=40, help_text="全校不重复，名册再次导入时按编号对应")
    founded = _month("成立时间", help_text="不填则按生效日期；例如 2011年10月")
    field_order = (
        "level", "name", "short_name", "code", "parent", "category", "on", "founded", "document_number", "reason",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """A 党总支 has no category."""
        super().__init__(*args, branch=None, **kwargs)
        self.fields["category"].required = False
        self.fields.pop("seen")

    def clean_code(self) -> str:
        """Refuse a code that is taken."""
        code = str(self.cleaned_data["code"]).strip()
        if Branch.objects.filter(code__iexact=code).exists():
            raise forms.ValidationError(f"编号“{code}”已被使用，请换一个。")
        return code

    def clean(self) -> dict[str, Any]:
        """Ask for the category of a 党支部."""
        data = super().clean() or self.cleaned_data
        if data.get("level") == Branch.Level.BRANCH and not data.get("category") and "category" not in self.errors:
            self.add_error("category", "请选择支部类别，它决定使用哪一份评分参考标准。")
        return data


class DissolveForm(Decision):
    """End a node."""


class AppointForm(ZhForm):
    """Give a post to a person, or end the one before."""

    post = forms.ChoiceField(label="职务", choices=Appointment.Post.choices)
    starts = _month("任职时间", help_text="写到月或日；例如 2012年3月")
    duty = forms.CharField(label="分工", max_length=60, required=False, help_text="例如 组织委员、宣传委员")
    concurrent_post = forms.CharField(label="兼任行政职务", max_length=80, required=False, help_text="例如 教研室主任")
    on = _date("生效日期", help_text="任命书记时，原书记自这一天起离任")


class EndForm(ZhForm):
    """End a post."""

    reason = forms.CharField(label="离任原因", max_length=120)
    on = _date("离任日期", required=False)


class PersonForm(ZhForm):
    """A person's particulars, as far as the forms print them."""

    name = forms.CharField(label="姓名", max_length=60)
    kind = forms.ChoiceField(label="身份", choices=Person.Kind.choices)
    gender = forms.ChoiceField(label="性别", choices=[("", "未填"), *Person.Gender.choices], required=False)
    birth = _month("出生年月", help_text="例如 1972年8月")
    education = forms.CharField(label="学历", max_length=40, required=False)
    title = forms.CharField(label="职务/职称", max_length=80, required=False)
    number = forms.CharField(label="工号/学号", max_length=40, required=False)
    phone = forms.CharField(label="联系电话", max_length=60, required=False)
    email = forms.EmailField(label="电子邮箱", required=False, error_messages={"invalid": "电子邮箱写得不完整。"})
    initials = forms.CharField(label="拼音首字母", max_length=30, required=False, help_text="供检索；多音字姓氏可改")
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, person: Person | None = None, **kwargs: Any) -> None:
        """Know the person, so that the own number is not called taken."""
        self.person = person
        super().__init__(*args, **kwargs)

    def clean_number(self) -> str | None:
        """Refuse the number of somebody else; empty is no number."""
        number = str(self.cleaned_data["number"]).strip() or None
        taken = Person.objects.filter(number=number).exclude(pk=self.person.pk if self.person else None)
        if number and taken.exists():
            raise forms.ValidationError(f"工号/学号“{number}”已登记给别人。")
        return number

    def clean_birth(self) -> PartialDate | None:
        """A birth lies in the past."""
        return _past(self.cleaned_data["birth"], "出生年月")

    @staticmethod
    def values_of(person: Person) -> dict[str, Any]:
        """Return the stored values by field."""
        names = (name for name in PersonForm.base_fields)
        return {name: getattr(person, name) for name in names}


def _past(value: PartialDate | None, label: str) -> PartialDate | None:
    if value and value.year < 1900:
        raise forms.ValidationError(f"{label}的年份不对。")
    return value


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page: its heading, the word a phone has room for, its anchor and its fields."""

    title: str
    short: str
    anchor: str
    fields: list[BoundField]


class ProfileForm(ZhForm):
    """支部基本情况: the branch, its secretary and its profile in one form."""

    founded = _month("成立时间")
    gender = forms.ChoiceField(label="性别", choices=[("", "未填"), *Person.Gender.choices], required=False)
    birth = _month("出生年月", help_text="例如 1972年8月")
    education = forms.CharField(label="学历", max_length=40, required=False)
    title = forms.CharField(label="职务/职称", max_length=80, required=False)
    since = _month("任职时间")
    phone = forms.CharField(label="联系电话", max_length=60, required=False)
    committee = forms.CharField(
        label="支委人数及分工", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="例如 支委3人：书记张三；组织委员李四；宣传委员王五",
    )  # fmt: skip
    last_election = _month("最近换届时间")
    term_ends = _month("届满时间")
    venue = forms.CharField(label="固定活动场所", max_length=120, required=False)
    annual_funds = forms.DecimalField(
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        label="年度活动经费（元）", max_digits=12, decimal_places=2, min_value=0, required=False,
        error_messages={"min_value": "年度活动经费不能小于 0。"},
    )  # fmt: skip
    remarks = forms.CharField(label="备注", max_length=300, required=False)
    version = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)

    PERSON = ("gender", "birth", "education", "title", "phone")
    PROFILE = (
        "committee", "last_election", "term_ends", *BranchProfile.COUNTS, "venue", "annual_funds", "remarks",
    )  # fmt: skip
    SECTIONS = (
        ("支部", "支部", "branch", ("founded",)),
        ("支部书记", "书记", "secretary", ("gender", "birth", "education", "title", "since", "phone")),
        ("班子与任期", "班子", "committee", ("committee", "last_election", "term_ends")),
        ("党员队伍", "党员", "members", BranchProfile.COUNTS),
        ("阵地与经费", "阵地", "venue", ("venue", "annual_funds", "remarks")),
    )

    def __init__(self, *args: Any, basics: Basics, **kwargs: Any) -> None:
        """Prefill from the records; without a 书记 there is nobody whose particulars could be saved."""
        self.basics = basics
        kwargs.setdefault("initial", self.values_of(basics))
        super().__init__(*args, **kwargs)
        for name in BranchProfile.COUNTS:
            label = str(BranchProfile._meta.get_field(name).verbose_name)
            messages = {"min_value": f"{label}不能小于 0。", "max_value": f"{label}太大了。"}
            self.fields[name] = forms.IntegerField(
                label=label, min_value=0, max_value=99999, required=False, error_messages=messages,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            )  # fmt: skip
        if basics.secretary is None:
            for name in (*self.PERSON, "since"):
                self.fields.pop(name)
        polish(self)

    @classmethod
    def values_of(cls, basics: Basics) -> dict[str, Any]:
        """Return what the form shows for stored records; the committee is proposed from the posts while it is blank."""
        values: dict[str, Any] = {name: getattr(basics.profile, name) for name in cls.PROFILE}
        values["committee"] = values["committee"] or committee_words(basics.posts)
        values |= {"founded": basics.branch.founded, "version": basics.version}
        if basics.secretary:
            values |= {name: getattr(basics.secretary.person, name) for name in cls.PERSON}
            values["since"] = basics.secretary.starts
        return values

    def sections(self) -> list[Section]:
        """Return the parts of the page in the order of 附件4."""
        return [
            Section(title, short, anchor, [self[name] for name in names if name in self.fields])
            for title, short, anchor, names in self.SECTIONS
        ]

    def clean(self) -> dict[str, Any]:
        """Check that no part is larger than the whole, and that the term ends after the election."""
        data = super().clean() or self.cleaned_data
        full, probationary = data.get("full_members"), data.get("probationary_members")
        if full is not None and probationary is not None:
            total = full + probationary
            for name in ("women", "under_35", "staff_members", "student_members", "mobile_members"):
                if data.get(name) is not None and data[name] > total:
                    self.add_error(name, f"{self.fields[name].label}多于党员总数（{total} 人）。")
            staff, students = data.get("staff_members"), data.get("student_members")
            if staff is not None and students is not None and staff + students > total >= max(staff, students):
                self.add_error("student_members", f"教工党员与学生党员之和多于党员总数（{total} 人）。")
        elected, ends = data.get("last_election"), data.get("term_ends")
        if elected and ends and not elected < ends:
            self.add_error("term_ends", "届满时间应在最近换届时间之后。")
        return data

    def part(self, *names: str) -> dict[str, Any]:
        """Return the cleaned values of some fields, as far as the form has them."""
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


def first_day(value: PartialDate | None, otherwise: dt.date) -> dt.date:
    """Return the earliest day a date may mean, or another day when it is not given."""
    return value.first_day() if value else otherwise
