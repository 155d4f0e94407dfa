"""Forms of a campaign's words, of periods and of classes."""

from collections.abc import Mapping
from typing import Any

from django import forms

from branches.directory import names_of
from branches.forms_base import ZhForm
from branches.models import Person
from interviews.forms.plan import staff_label
from interviews.models import RosterEntry
from interviews.services.words import Kind

SENSITIVE = {
    "topics": "只记在访谈的密存部分，不统计。标了不能取消，用过的不能再标。",
    "focus": "不按人列名、不导入、不统计，只记在访谈的密存部分。标了不能取消，用过的不能再标。",
    "matters": "台账不列，数字太小时统计表连类别也不列；只有交办人和承办人看得到。标了不能取消。",
}
NAME_LENGTH = 40
ACTIVE = {
    "people": "停用以后名册导入、访谈规则不再供选择，已经在名册里的不变。",
    "sections": "停用以后没有报送的表不再有这一栏，已经写了的仍然保留；已报送的表不变。",
}
MOST_WORDS = 20


class WordForm(ZhForm):
    """One channel, topic, focus group, category or section of the report's sheet."""

    name = forms.CharField(label="名称", max_length=NAME_LENGTH)
    kind = forms.ChoiceField(label="谁的类别", choices=Person.Kind.choices, widget=forms.RadioSelect)
    face_to_face = forms.BooleanField(label="算面对面", required=False, help_text="记录访谈时先选中面对面的方式。")
    sensitive = forms.BooleanField(label="敏感", required=False)
    hint = forms.CharField(
        label="填写说明", max_length=200, required=False, help_text="印在这一栏下面，告诉填表的人写什么。"
    )
    required = forms.BooleanField(label="必填", required=False, help_text="没有填写就不能报送。")
    words = forms.CharField(
        label="同义写法", required=False, help_text="名册里的其他写法，几种用顿号隔开，导入时认得。"
    )
    active = forms.BooleanField(
        label="在用", required=False, initial=True, help_text="停用以后不再供选择，以前的记录不变。"
    )
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, sort: Kind, row: Any | None, **kwargs: Any) -> None:
        """Keep the marks this sort of word has; whose category it is stays once it is there."""
        super().__init__(*args, **kwargs)
        self.sort = sort
        for name in ("kind", "face_to_face", "sensitive", "hint", "required", "words"):
            if name not in sort.marks or (name == "kind" and row is not None):
                del self.fields[name]
        if "sensitive" in self.fields:
            self.fields["sensitive"].help_text = SENSITIVE[sort.key]
        if row is None:
            del self.fields["active"]
        elif sort.key in ACTIVE:
            self.fields["active"].help_text = ACTIVE[sort.key]

    def clean_words(self) -> list[str]:
        """Split the spellings."""
        text = self.cleaned_data["words"].replace("，", "、").replace(",", "、")
        found = list(dict.fromkeys(part.strip() for part in text.split("、") if part.strip()))
        if len(found) > MOST_WORDS or any(len(one) > 40 for one in found):
            raise forms.ValidationError(f"最多 {MOST_WORDS} 种写法，每种不超过 40 字。")
        return found

    def values(self) -> dict[str, Any]:
        """Return what a word stores."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "version"}
        return {"active": True} | given


class PeriodForm(ZhForm):
    """A period units report for."""

    name = forms.CharField(label="名称", max_length=60)
    due_on = forms.DateField(label="报送期限", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    before = forms.CharField(widget=forms.HiddenInput, required=False)


class TutorChoice(forms.ModelChoiceField):
    """Choose one of the staff by name, number and unit."""

    def __init__(self, **given: Any) -> None:
        """Begin without any; the form offers those of a reach."""
        super().__init__(queryset=RosterEntry.objects.none(), widget=forms.RadioSelect, **given)
        self.names: Mapping[int, str] = {}

    def label_from_instance(self, obj: Any) -> str:
        """Say who."""
        return staff_label(obj, self.names)


class TutorForm(ZhForm):
    """Who is the tutor of several classes."""

    tutor = TutorChoice(label="班主任（辅导员）", empty_label=None)

    def __init__(self, *args: Any, staff: Any, **kwargs: Any) -> None:
        """Offer staff."""
        super().__init__(*args, **kwargs)
        field: Any = self.fields["tutor"]
        field.queryset = staff
        field.names = names_of(staff.order_by().values_list("unit_id", flat=True).distinct())


class ClassForm(TutorForm):
    """A class: what it is called and who its tutor is."""

    name = forms.CharField(label="班级名称", max_length=60)
    tutor = TutorChoice(label="班主任（辅导员）", required=False, blank=True, empty_label="暂不指定")
    version = forms.IntegerField(widget=forms.HiddenInput)
    field_order = ("name", "tutor", "version")
