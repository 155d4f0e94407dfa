"""Forms of a campaign: all its dates on one page, for opening one from a preset and for adjusting it later."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from branches.forms_base import ZhForm, polish
from branches.models import Campaign, CampaignMember
from branches.services.campaigns import Dates, Member, Span, faults


def day_field(label: str, *, required: bool = True) -> forms.DateField:
    """Return a date field with the browser's calendar."""
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


def people_field(label: str, example: str = "") -> forms.CharField:
    """Return a text field for people, one a line."""
    hint = f"每行一人：姓名　职务{example}"
    return forms.CharField(label=label, required=False, help_text=hint, widget=forms.Textarea(attrs={"rows": 6}))


@dataclass(frozen=True, slots=True)
class DeadlineSlot:
    """A deliverable whose deadline the form asks for."""

    key: int
    name: str
    level: str
    due: dt.date | None


@dataclass(frozen=True, slots=True)
class StageSlot:
    """A stage whose dates the form asks for; `key` is its primary key, or its ordinal while it is not stored."""

    key: int
    ordinal: int
    name: str
    first: dt.date | None
    last: dt.date | None
    when: str = ""
    deadlines: tuple[DeadlineSlot, ...] = ()


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage with its bound fields, as the template draws it."""

    slot: StageSlot
    first: BoundField
    last: BoundField
    deadlines: list[tuple[DeadlineSlot, BoundField]]


class CampaignDatesForm(ZhForm):
    """Start and end of a campaign, of each stage, and the deadlines of deliverables."""

    version = forms.IntegerField(widget=forms.HiddenInput, initial=1)

    def __init__(self, *args: Any, slots: Sequence[StageSlot], span: Span | None = None, **kwargs: Any) -> None:
        """Ask for the dates of `slots`; `span` is what the campaign's own dates start with."""
        super().__init__(*args, **kwargs)
        self.slots = slots
        self.fields["starts_on"] = day_field("活动开始日期")
        self.fields["ends_on"] = day_field("活动结束日期")
        if span:
            self.initial.update(starts_on=span.first, ends_on=span.last)
        for slot in slots:
            self._ask(f"stage_{slot.key}_first", f"“{slot.name}”开始日期", slot.first)
            self._ask(f"stage_{slot.key}_last", f"“{slot.name}”结束日期", slot.last)
            for one in slot.deadlines:
                self._ask(f"due_{one.key}", f"“{one.name}”截止日期", one.due, required=False)
        polish(self)

    def _ask(self, name: str, label: str, initial: dt.date | None, *, required: bool = True) -> None:
        self.fields[name] = day_field(label, required=required)
        self.initial.setdefault(name, initial)

    def clean(self) -> dict[str, Any]:
        """Check that stages lie within the campaign and end after they begin."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            for fault in faults(self.dates(), {slot.key: slot.name for slot in self.slots}):
                self.add_error(None, fault)
        return cleaned

    def dates(self) -> Dates:
        """Return what was typed; only after the single fields are valid."""
        given = self.cleaned_data
        spans = {s.key: Span(given[f"stage_{s.key}_first"], given[f"stage_{s.key}_last"]) for s in self.slots}
        deadlines = {one.key: given[f"due_{one.key}"] for slot in self.slots for one in slot.deadlines}
        return Dates(Span(given["starts_on"], given["ends_on"]), spans, deadlines)

    def rows(self) -> Iterator[StageRow]:
        """Yield the stages with their fields."""
        for slot in self.slots:
            deadlines = [(one, self[f"due_{one.key}"]) for one in slot.deadlines]
            yield StageRow(slot, self[f"stage_{slot.key}_first"], self[f"stage_{slot.key}_last"], deadlines)


def slots_of(campaign: Campaign) -> list[StageSlot]:
    """Return the stages of a stored campaign as the form asks for them."""
    return [
        StageSlot(
            stage.pk, stage.ordinal, stage.name, stage.starts_on, stage.ends_on, stage.when,
            tuple(DeadlineSlot(d.pk, d.name, d.get_level_display(), d.due_on) for d in stage.deliverables.all()),
        )
        for stage in campaign.stages.prefetch_related("deliverables")
    ]  # fmt: skip


class MembersForm(ZhForm):
    """The leading group and its office, one person a line: 姓名 职务."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    leading = people_field("领导小组", "，例如 郭少华　组长")
    office = people_field("领导小组办公室")

    def clean(self) -> dict[str, Any]:
        """Split the lines into people; each needs a name and a duty."""
        cleaned: dict[str, Any] = super().clean() or {}
        self.people: list[Member] = []
        for group in CampaignMember.Group:
            for number, line in enumerate(cleaned.get(group.value, "").splitlines(), start=1):
                if line.strip():
                    self._read(group, number, line)
        return cleaned

    def _read(self, group: CampaignMember.Group, number: int, line: str) -> None:
        name, _, duty = line.replace("　", " ").strip().partition(" ")
        if not duty.strip():
            self.add_error(group.value, f"{group.label}第 {number} 行“{line.strip()}”缺职务，请写成“姓名　职务”。")
        elif len(name) > 60 or len(duty.strip()) > 60:
            self.add_error(group.value, f"{group.label}第 {number} 行太长，姓名和职务各不超过 60 字。")
        else:
            self.people.append(Member(group.value, name, duty.strip()))

    @staticmethod
    def lines(campaign: Campaign) -> dict[str, Any]:
        """Return the stored people as the form's initial text."""
        people = list(campaign.members.all())
        text = {
            group.value: "\n".join(f"{one.name}　{one.duty}" for one in people if one.group == group)
            for group in CampaignMember.Group
        }
        return text | {"version": campaign.version}
