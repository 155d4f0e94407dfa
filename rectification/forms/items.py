"""Forms of one 整改项目: drawing it up, reporting on it, verifying it, changing it."""

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from django import forms

from branches.forms_base import ZhForm
from rectification.forms.meeting import area, day
from rectification.models import Category, Change, Dimension, Item

_BETWEEN = re.compile(r"[\s,，、;；]+")
_DAY = re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})日?")


def days_of(text: str) -> list[dt.date]:
    """Return the days somebody typed, whatever stands between them. Raises ValueError with the word that is none."""
    found = []
    for word in _BETWEEN.split(unicodedata.normalize("NFKC", text).strip()):
        match = _DAY.fullmatch(word)
        if word and not match:
            raise ValueError(word)
        if match:
            try:
                found.append(dt.date(*map(int, match.groups())))
            except ValueError:
                raise ValueError(word) from None
    return sorted(set(found))


def days_or_error(text: str) -> list[dt.date]:
    """Return the days somebody typed. Raises ValidationError with the word that is none."""
    try:
        return days_of(text)
    except ValueError as error:
        raise forms.ValidationError(f"“{error}”不是日期，请写成 2012-12-20 的样子。") from None


def person() -> forms.TextInput:
    """Return a field for a name, with those of the committee to choose from."""
    return forms.TextInput(attrs={"list": "people", "autocomplete": "off"})


class ItemForm(ZhForm):
    """One problem with what is to be done about it. Whatever is missing may wait until the plan is submitted."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    source = forms.ChoiceField(widget=forms.HiddenInput, choices=Item.Source.choices, required=False)
    source_key = forms.CharField(widget=forms.HiddenInput, max_length=80, required=False)
    problem = forms.CharField(label="存在的主要问题", max_length=1000, widget=area(3), help_text="一条只写一个问题。")
    dimension = forms.ModelChoiceField(
        label="对照“五个好”", queryset=Dimension.objects.none(), required=False, widget=forms.RadioSelect,
        empty_label=None, blank=True,
    )  # fmt: skip
    category = forms.ModelChoiceField(
        label="问题类别", queryset=Category.objects.none(), required=False, widget=forms.RadioSelect,
        empty_label=None, blank=True,
    )  # fmt: skip
    goal = forms.CharField(
        label="整改目标", max_length=1000, required=False, widget=area(2), help_text="改到什么程度。"
    )
    task = forms.CharField(label="整改任务", max_length=1000, required=False, widget=area(2))
    measures = forms.CharField(
        label="整改措施",
        max_length=2000,
        required=False,
        widget=area(4),
        help_text="写明做什么、做多少、什么时候、谁来做。",
    )  # fmt: skip
    leader = forms.CharField(label="责任领导", max_length=60, required=False, widget=person())
    owner_name = forms.CharField(
        label="责任人", max_length=60, required=False, widget=person(), help_text="不需要有账号。"
    )
    due_on = day("完成时限", required=False)
    term = forms.ChoiceField(label="期限", choices=Item.Term.choices, widget=forms.RadioSelect, required=False)
    term_reason = forms.CharField(label="为什么", max_length=300, required=False, widget=area(2))
    checkpoints = forms.CharField(
        label="检查日期",
        max_length=300,
        required=False,
        help_text="长期性项目填，如 2012-12-20、2013-06-30，每年至少一次。",
    )
    review_on = day("条件复核日期", required=False, help_text="暂不具备条件的项目填，到这一天再看条件是否具备。")
    files_required = forms.BooleanField(label="完成时要附材料", required=False)

    def __init__(self, *args: Any, campaign_id: int, **kwargs: Any) -> None:
        """Offer the categories and dimensions of the campaign."""
        super().__init__(*args, **kwargs)
        for name, model in (("dimension", Dimension), ("category", Category)):
            choice: Any = self.fields[name]
            choice.queryset = model.objects.filter(campaign=campaign_id)  # type: ignore[attr-defined]

    def clean_checkpoints(self) -> list[dt.date]:
        """Read the days."""
        return days_or_error(self.cleaned_data["checkpoints"])

    def clean_term(self) -> str:
        """A term that was not chosen is the usual one."""
        return self.cleaned_data["term"] or Item.Term.NORMAL

    def clean_source(self) -> str:
        """An item that nobody offered is of the branch's own finding."""
        return self.cleaned_data["source"] or Item.Source.OTHER

    @property
    def term_fields(self) -> list[forms.BoundField]:
        """What only 长期性 and 暂不具备条件 ask for."""
        return [self[name] for name in ("term_reason", "checkpoints", "review_on")]


def percent_field(label: str = "进度（%）") -> forms.IntegerField:
    """Return a field for a share of the work."""
    widget = forms.NumberInput(attrs={"inputmode": "numeric", "step": 5})
    return forms.IntegerField(label=label, min_value=0, max_value=100, widget=widget)


class ProgressForm(ZhForm):
    """One entry: how far, and what was done."""

    percent = percent_field()
    text = forms.CharField(label="进展", max_length=2000, widget=area(3), help_text="做了什么，一两句话即可。")


class CompletionForm(ZhForm):
    """One sentence of result suffices."""

    result = forms.CharField(label="完成情况", max_length=2000, widget=area(2), help_text="一句话说明结果。")


class VerifyForm(ZhForm):
    """What the level above found."""

    passed = forms.ChoiceField(
        label="结论", choices=[("yes", "通过，销号"), ("no", "不通过，重新整改")], widget=forms.RadioSelect
    )
    finding = forms.CharField(label="核实情况", max_length=2000, widget=area(3))
    on = day("核实日期")
    on_site = forms.BooleanField(label="现场核实", required=False)
    recheck_on = day("回弹复查日期", required=False, help_text="销号后到这一天再看有没有反弹，可不安排。")


class RecheckForm(ZhForm):
    """Whether a verified item has relapsed."""

    relapsed = forms.ChoiceField(
        label="复查结果", choices=[("no", "没有回弹"), ("yes", "出现回弹，重新整改")], widget=forms.RadioSelect
    )
    finding = forms.CharField(label="复查情况", max_length=500, widget=area(2))
    on = day("实际复查日期")
    due_on = day("重新整改的完成时限", required=False, help_text="出现回弹、原来的时限已过的要填。")


class RecheckPlanForm(ZhForm):
    """A day on which a verified item is looked at again."""

    due_on = day("复查日期")


class CheckpointForm(ZhForm):
    """What was found at a check-point of a 长期性项目."""

    finding = forms.CharField(label="检查情况", max_length=500, widget=area(2))
    on = day("实际检查日期")


#: The kinds of change a branch asks for on the page of an item, with the fields each needs.
FIELDS_OF: dict[str, tuple[str, ...]] = {
    Change.Kind.DEADLINE: ("due_on",),
    Change.Kind.GOAL: ("goal",),
    Change.Kind.PAUSE: ("paused_until",),
    Change.Kind.RESUME: (),
    Change.Kind.TERM: ("term", "term_reason", "due_on", "review_on", "checkpoints"),
    Change.Kind.ESCALATION: (),
    Change.Kind.DETAILS: ("measures", "leader", "owner_name"),
}
LABELS = {Change.Kind.DEADLINE: "调整完成时限或延期"}


class ChangeForm(ZhForm):
    """A change of an approved item: what kind, to what, and why."""

    kind = forms.ChoiceField(label="要改什么", widget=forms.RadioSelect)
    term = forms.ChoiceField(label="期限类型", choices=Item.Term.choices, required=False)
    term_reason = forms.CharField(label="为什么需要更长时间", max_length=300, required=False, widget=area(2))
    due_on = day("新的完成时限", required=False)
    review_on = day("条件复核日期", required=False)
    checkpoints = forms.CharField(
        label="检查日期", max_length=300, required=False, help_text="长期性项目填，如 2012-12-20、2013-06-30。"
    )
    goal = forms.CharField(label="新的整改目标", max_length=1000, required=False, widget=area(2))
    paused_until = day("暂停到", required=False, help_text="到这一天为止不算逾期，第二天起照原来的时限。")
    measures = forms.CharField(label="整改措施", max_length=2000, required=False, widget=area(3))
    leader = forms.CharField(label="责任领导", max_length=60, required=False)
    owner_name = forms.CharField(label="责任人", max_length=60, required=False)
    reason = forms.CharField(label="理由", max_length=500, widget=area(2))

    def __init__(self, *args: Any, kinds: Sequence[str], **kwargs: Any) -> None:
        """Offer only the kinds that make sense now."""
        super().__init__(*args, **kwargs)
        offered: Any = self.fields["kind"]
        offered.choices = [(kind, LABELS.get(Change.Kind(kind), Change.Kind(kind).label)) for kind in kinds]

    def clean_checkpoints(self) -> list[dt.date]:
        """Read the days."""
        return days_or_error(self.cleaned_data["checkpoints"])

    @property
    def rows(self) -> list[tuple[forms.BoundField, str]]:
        """Return the fields with the kinds that ask for each; none for a field that every kind asks for."""
        return [(field, " ".join(kind for kind, wanted in FIELDS_OF.items() if field.name in wanted)) for field in self]

    @property
    def new(self) -> dict[str, Any]:
        """Return the new values of the chosen kind."""
        wanted = FIELDS_OF[self.cleaned_data["kind"]]
        return {name: self.cleaned_data[name] for name in wanted}


class AnswerForm(ZhForm):
    """Consent to a change, or the reason why not; taking an item over names who owns it from then on."""

    consent = forms.ChoiceField(label="意见", choices=[("yes", "同意"), ("no", "不同意")], widget=forms.RadioSelect)
    owner_name = forms.CharField(label="上级的责任人", max_length=60, required=False, help_text="同意接手的要写明。")
    answer = forms.CharField(
        label="说明", max_length=500, required=False, widget=area(2), help_text="不同意的要说明理由。"
    )

    def __init__(self, *args: Any, takes_over: bool, **kwargs: Any) -> None:
        """Ask for an owner only where the superior takes the item over."""
        super().__init__(*args, **kwargs)
        if not takes_over:
            del self.fields["owner_name"]
