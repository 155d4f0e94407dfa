"""Forms of rubric maintenance: the header, and all items of a rubric on one page, each naming its section by code."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet, BaseModelFormSet

from branches.registries import figure_texts
from grading.models import Criterion, Rubric, Section

SECTIONS_PREFIX = "sections"
LEVEL = re.compile(
    r"^(?P<label>.+?)\s*[=＝]\s*(?P<points>\d+(?:\.\d+)?)\s*(?:[≥>]=?\s*(?P<minimum>\d+(?:\.\d+)?)\s*%?)?$"
)


def levels_text(criterion: Criterion) -> str:
    """Return the options of an item as they are typed: 健全=2；比较健全=1, with ≥90 where a figure decides."""
    if criterion.pk is None:
        return ""
    parts = []
    for level in criterion.levels.all():
        text = f"{level.label}={level.points.normalize():f}"
        parts.append(text if level.minimum is None else f"{text} ≥{level.minimum.normalize():f}")
    return "；".join(parts)


def parse_levels(text: str) -> list[dict[str, Any]]:
    """Return typed options as plain values. Raises ValidationError naming the option that cannot be read."""
    found = []
    for part in re.split(r"[；;\n]+", text):
        if not part.strip():
            continue
        match = LEVEL.match(part.strip())
        if match is None:
            raise ValidationError(f"“{part.strip()}”看不懂。请写成“健全=2；比较健全=1”，按指标取分的写成“≥95%=8 ≥95”。")
        found.append({"label": match["label"].strip(), "points": match["points"], "minimum": match["minimum"]})
    labels = [level["label"] for level in found]
    if len(set(labels)) != len(labels):
        raise ValidationError("两个档次名称相同。")
    return found


def _figure_choices(stored: str) -> list[tuple[str, str]]:
    """Return the figures an item can be filled from, by name; what is stored stays, known or not."""
    known = {text.code: text.name for text in figure_texts().values()}
    if stored:
        known.setdefault(stored, stored)
    return [("", "—"), *known.items()]


class RubricForm(forms.ModelForm):
    """The header of a rubric, with the number of edits the page was made from."""

    edits = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Rubric
        fields = ("code", "title", "form_code", "not_applicable", "exceed", "source", "edits")

    def clean_code(self) -> str:
        """Keep the code of an existing rubric: versions belong together by it."""
        code: str = self.cleaned_data["code"]
        if self.instance.pk and code != self.initial.get("code", code):
            raise ValidationError("代码不能改。要另立一套标准，请新建。")
        return code

    def clean_edits(self) -> int:
        """Refuse a page that somebody else has overtaken."""
        edits = self.cleaned_data.get("edits") or 1
        if self.instance.pk:
            stored = Rubric.objects.values_list("edits", flat=True).get(pk=self.instance.pk)
            if stored != edits:
                raise ValidationError("这个评分标准刚被他人修改过。请另开一页看过新内容，再把您的改动填进去。")
        return edits


class SectionForm(forms.ModelForm):
    """One section."""

    class Meta:
        model = Section
        fields = ("ordinal", "code", "name", "points")


def name_cells(form: Any, index: int | None) -> None:
    """Give each cell of a row its name for screen readers: a table of fields has no labels of its own."""
    row = "新的一行" if index is None else f"第{index + 1}行"
    for field in form.fields.values():
        field.widget.attrs["aria-label"] = f"{row}　{field.label}"


class SectionFormSet(BaseInlineFormSet):
    """The sections; they are stored by the service together with the items."""

    def add_fields(self, form: Any, index: int | None) -> None:
        """Name the cells."""
        super().add_fields(form, index)
        name_cells(form, index)

    def save(self, commit: bool = True) -> list[Any]:
        """Store nothing: `grading.services.rubrics.replace_items` does."""
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []

    def rows(self) -> list[dict[str, Any]]:
        """Return what is to be kept, in order."""
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        return sorted(kept, key=lambda row: row["ordinal"])


class CriterionForm(forms.ModelForm):
    """One item; it names its section by code, so that both can be new."""

    section_code = forms.CharField(label="项目编号", max_length=10)
    levels_text = forms.CharField(
        label="档次", required=False, widget=forms.Textarea(attrs={"rows": 2, "cols": 24}),
        help_text="分档如“健全=2；比较健全=1；不健全=0”；扣分、加分按次数的写每次几分，如“少开一次=2”；"
        "按指标取分的写成“满意率95%以上=8 ≥95”。",
    )  # fmt: skip

    class Meta:
        model = Criterion
        fields = ("ordinal", "code", "text", "points", "kind", "step", "guidance", "evidence_required", "figure")
        widgets = {
            "text": forms.Textarea(attrs={"rows": 2, "cols": 40}),
            "guidance": forms.Textarea(attrs={"rows": 2, "cols": 32}),
        }

    field_order = ("section_code", "ordinal", "code", "text", "points", "kind", "step", "levels_text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Show section and options of a stored item."""
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial.setdefault("section_code", self.instance.section.code)
            self.initial.setdefault("levels_text", levels_text(self.instance))
        self.fields["figure"].widget = forms.Select(choices=_figure_choices(self.instance.figure))

    def clean_levels_text(self) -> list[dict[str, Any]]:
        """Read the options."""
        return parse_levels(self.cleaned_data.get("levels_text") or "")

    def clean(self) -> dict[str, Any]:
        """A system-filled item names its figure; one with options has some."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind = data.get("kind")
        if kind in (Criterion.Kind.LEVELS, Criterion.Kind.SYSTEM) and not data.get("levels_text"):
            self.add_error("levels_text", "这种方式要写出各档得分。")
        if kind == Criterion.Kind.SYSTEM and not data.get("figure"):
            self.add_error("figure", "由系统填写的条目须指明取哪个数，请从列表里选。")
        points = [Decimal(level["points"]) for level in data.get("levels_text") or []]
        if kind == Criterion.Kind.LEVELS and len(set(points)) != len(points):
            self.add_error("levels_text", "两个档次分数相同。")
        return data


class CriterionFormSet(BaseModelFormSet):
    """All items of a rubric, whatever their section; stored by the service."""

    def __init__(
        self, data: Any = None, files: Any = None, *, instance: Rubric | None = None, queryset: Any = None, **given: Any
    ) -> None:  # fmt: skip
        """Take the rubric as inline form sets do."""
        self.instance = instance
        rows = Criterion.objects.select_related("section").prefetch_related("levels")
        rows = rows.filter(section__rubric=instance) if instance is not None and instance.pk else rows.none()
        given.pop("save_as_new", None)
        super().__init__(data, files, queryset=rows.order_by("section__ordinal", "ordinal"), **given)

    def add_fields(self, form: Any, index: int | None) -> None:
        """Name the cells."""
        super().add_fields(form, index)
        name_cells(form, index)

    @classmethod
    def get_default_prefix(cls) -> str:
        """Return the prefix the page's script knows."""
        return "criteria"

    def _section_codes(self) -> set[str]:
        """Return the codes of the sections on the same page."""
        total = str(self.data.get(f"{SECTIONS_PREFIX}-TOTAL_FORMS", "0"))
        places = range(int(total) if total.isdigit() else 0)
        gone = {place for place in places if self.data.get(f"{SECTIONS_PREFIX}-{place}-DELETE")}
        codes = (str(self.data.get(f"{SECTIONS_PREFIX}-{place}-code", "")) for place in places if place not in gone)
        return {code.strip() for code in codes if code.strip()}

    def clean(self) -> None:
        """Every item stands in a section of the page, and no code or place is used twice."""
        known, codes, places = self._section_codes(), set(), set()
        for form in self.forms:
            data = getattr(form, "cleaned_data", None)
            if not data or data.get("DELETE"):
                continue
            section = data.get("section_code", "").strip()
            if section and section not in known:
                form.add_error("section_code", f"上面没有编号为 {section} 的项目。")
            if data.get("code") in codes:
                form.add_error("code", f"条目编号 {data['code']} 重复。")
            if (section, data.get("ordinal")) in places:
                form.add_error("ordinal", "同一项目里序号重复。")
            codes.add(data.get("code"))
            places.add((section, data.get("ordinal")))

    def validate_unique(self) -> None:
        """Leave uniqueness to `clean`: rows are written anew, and an exchange of two codes is no clash."""

    def save(self, commit: bool = True) -> list[Any]:
        """Store nothing: `grading.services.rubrics.replace_items` does."""
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []

    def rows(self) -> list[dict[str, Any]]:
        """Return what is to be kept, in order."""
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        return sorted(kept, key=lambda row: row["ordinal"])


def sections_of(sections: SectionFormSet, criteria: CriterionFormSet) -> list[dict[str, Any]]:
    """Return both form sets as `grading.services.rubrics.replace_items` takes them."""
    items: dict[str, list[dict[str, Any]]] = {}
    for row in criteria.rows():
        entry = {name: row[name] for name in CriterionForm.Meta.fields if name != "ordinal"}
        items.setdefault(row["section_code"].strip(), []).append(entry | {"levels": row["levels_text"]})
    return [
        {"code": row["code"], "name": row["name"], "points": row["points"], "criteria": items.get(row["code"], [])}
        for row in sections.rows()
    ]
