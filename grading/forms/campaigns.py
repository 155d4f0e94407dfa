"""The form that opens a campaign from a preset."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms

from branches.forms.campaigns import CampaignDatesForm, DeadlineSlot, StageSlot
from branches.forms_base import polish
from branches.models import Branch
from branches.services.campaigns import Span
from grading.models import Preset
from grading.services.campaigns import Opening
from grading.services.presets import moved, shifted

PER_STAGE = 100


def first_day(preset: Preset) -> dt.date:
    """Return the day on which the preset's own campaign began."""
    return dt.date.fromisoformat(preset.content["campaign"]["starts_on"])


def span_of(preset: Preset, start: dt.date) -> Span:
    """Return the campaign's dates when it starts on `start`."""
    days = (start - first_day(preset)).days
    return Span(start, moved(preset.content["campaign"]["ends_on"], days))


def slots_of_preset(preset: Preset, start: dt.date) -> list[StageSlot]:
    """Return the stages of a preset, every date moved so that the campaign starts on `start`."""
    days = (start - first_day(preset)).days
    slots = []
    for ordinal, stage in enumerate(preset.content["stages"], start=1):
        deadlines = tuple(
            DeadlineSlot(
                ordinal * PER_STAGE + number,
                item["name"],
                Branch.Level(item["level"]).label,
                shifted(item.get("due_on"), days),
            )
            for number, item in enumerate(stage.get("deliverables", []), start=1)
        )
        first, last = moved(stage["starts_on"], days), moved(stage["ends_on"], days)
        when = "" if days else stage.get("when", "")
        slots.append(StageSlot(ordinal, ordinal, stage["name"], first, last, when, deadlines))
    return slots


class OpenCampaignForm(CampaignDatesForm):
    """Name, year, document and all dates of a new campaign."""

    root = forms.TypedChoiceField(label="开展范围", coerce=int)
    name = forms.CharField(label="活动名称", max_length=100)
    year = forms.IntegerField(label="年度", min_value=1949, max_value=2200)
    document_number = forms.CharField(label="通知文号", max_length=80, required=False)
    backfill = forms.BooleanField(
        label="历史补录：不催办，不计逾期", required=False, help_text="结束日期已过的活动一律作为历史补录。"
    )

    def __init__(
        self, *args: Any, preset: Preset, start: dt.date, roots: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        """Offer the preset's own names and dates, moved to `start`."""
        entry = preset.content["campaign"]
        name = str(entry["name"]).replace(str(entry["year"]), str(start.year))
        initial = {
            "name": name,
            "year": start.year,
            "document_number": entry.get("document_number", "") if start == first_day(preset) else "",
            "root": roots[0][0] if roots else None,
        }
        super().__init__(
            *args, slots=slots_of_preset(preset, start), span=span_of(preset, start), initial=initial, **kwargs
        )
        self.fields["root"].choices = list(roots)  # type: ignore[attr-defined]
        polish(self)

    def opening(self) -> Opening:
        """Return what was decided; only for a valid form."""
        given, dates = self.cleaned_data, self.dates()
        return Opening(
            name=given["name"],
            year=given["year"],
            document_number=given["document_number"],
            span=dates.campaign,
            stages=dates.stages,
            deliverables={divmod(key, PER_STAGE): due for key, due in dates.deliverables.items()},
            backfill=given["backfill"],
        )
