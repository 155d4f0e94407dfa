"""Opening a campaign from a preset with the dates a person has looked over."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from branches import clock
from branches.models import Account, Branch, Campaign
from branches.services.campaigns import Dates, Span, reschedule
from grading.models import Preset
from grading.services.presets import CampaignPlan, open_campaign


@dataclass(frozen=True, slots=True)
class Opening:
    """What the person decided: names, and dates by ordinals; a deliverable is (stage ordinal, its ordinal)."""

    name: str
    year: int
    document_number: str
    span: Span
    stages: Mapping[int, Span]
    deliverables: Mapping[tuple[int, int], dt.date | None]
    backfill: bool = False


@transaction.atomic
def open_from_preset(*, preset: Preset, root: Branch, opening: Opening, by: Account) -> Campaign:
    """Open a campaign; one that has ended already opens as 历史补录.

    Raises:
        RefusedError: the root has this campaign already, or a rubric has no published version.
        DatesRefused: dates do not fit together; the sentence names the stage.
    """
    past = opening.span.last < clock.today()
    plan = CampaignPlan(
        name=opening.name,
        year=opening.year,
        starts_on=opening.span.first,
        ends_on=opening.span.last,
        document_number=opening.document_number,
        backfill=opening.backfill or past,
    )
    campaign = open_campaign(by=by, preset=preset, root=root, plan=plan)
    stages = {stage.ordinal: stage for stage in campaign.stages.prefetch_related("deliverables")}
    dates = Dates(
        opening.span,
        {stages[ordinal].pk: span for ordinal, span in opening.stages.items()},
        {
            one.pk: opening.deliverables[stage.ordinal, one.ordinal]
            for stage in stages.values()
            for one in stage.deliverables.all()
            if (stage.ordinal, one.ordinal) in opening.deliverables
        },
    )
    return reschedule(campaign=campaign, version=campaign.version, dates=dates, by=by)
