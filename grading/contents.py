"""A round's rules as a preset writes them, read from rows: what the editor shows, copies take over and files keep."""

import datetime as dt
from decimal import Decimal
from typing import Any

from branches.models import Campaign
from grading import presets, scoring
from grading.models import GradeScale, PublicityPlan, Round, Source, SpotCheckRule
from grading.presets import Content

SINGLE = ("name", "rule_name", "deciding_level", "places", "missing", "publicity_days", "exempt_months")
PLAN_TEXTS = ("title", "body", "receiver", "phone", "email", "address", "signature")
FULL = 100
OWN = ("kind", "code", "title", "campaign", "stages", "targets", "scales", "rounds")
LIMITS = ("cut_offs", "gates", "caps", "vetoes")


def _text(value: Decimal | None) -> str | None:
    """Return an amount as a preset keeps it: text without zeros at the end."""
    return None if value is None else scoring.plain(value)


def _kept(entry: dict[str, Any]) -> Content:
    """Drop what says nothing: empty texts, no value, switches that are off."""
    return {key: value for key, value in entry.items() if value is not False and value not in (None, "", [])}


def _day(value: Any) -> str | None:
    return value.isoformat() if value else None


def of_round(round_: Round) -> Content:
    """Return everything a round fixes, its grades under `grades`."""
    entry: Content = {"ordinal": round_.ordinal}
    entry |= {name: getattr(round_, name) for name in SINGLE}
    entry |= {"opens_on": _day(round_.opens_on), "ends_on": _day(round_.ends_on)}
    entry = {key: value for key, value in entry.items() if value not in (None, "")}
    entry["grades"] = [{"code": grade.code, "label": grade.label} for grade in round_.scale.grades.order_by("rank")]
    entry["steps"] = [
        _kept({"code": step.code, "name": step.name, "due_on": _day(step.due_on)}) for step in round_.steps.all()
    ]
    entry["checks"] = [{"code": item.code, "text": item.text} for item in round_.survey_checks.all()]
    entry["problems"] = [{"code": item.code, "text": item.text} for item in round_.problem_boxes.all()]
    entry["forms"] = [_kept({"kind": one.kind, "number": one.number, "title": one.title}) for one in round_.forms.all()]
    entry["returns"] = [{"kind": one.kind, "level": one.level, "name": one.name} for one in round_.returns.all()]
    rubrics = round_.rubrics.select_related("category", "rubric")
    entry["rubrics"] = {row.category.code: row.rubric.code for row in rubrics}
    entry["divergence"] = _divergence(round_)
    entry["publicity"] = _publicity(round_)
    if rule := SpotCheckRule.objects.filter(round=round_).first():
        entry["spot_check"] = {"effect": rule.effect, "absent": rule.absent}
    rows = round_.sources.prefetch_related("options", "groups", "annual_points")
    entry["sources"] = [_source(source) for source in rows]
    return entry | _limits(round_)


def _divergence(round_: Round) -> Content:
    """Return when a difference between two sources wants a reason; empty when the round compares none."""
    if not round_.compare_first or not round_.compare_second:
        return {}
    return _kept(
        {
            "first": round_.compare_first,
            "second": round_.compare_second,
            "points": _text(round_.divergence_points),
            "section_points": _text(round_.divergence_section),
            "grades": round_.divergence_grades,
        }
    )


def _publicity(round_: Round) -> Content:
    """Return which grades a round makes public and what its notice says; empty while nobody said anything."""
    entry = _kept({"grades": [row.grade.code for row in round_.publicity_grades.select_related("grade")]})
    plan = PublicityPlan.objects.filter(round=round_).first()
    if plan is None:
        return entry
    texts = {name: getattr(plan, name) for name in PLAN_TEXTS}
    return entry | _kept(texts) | ({} if plan.counts_first_day else {"counts_first_day": False})


def _source(source: Source) -> Content:
    """Return one source with its options, voter groups and conversions."""
    entry = _kept(
        {
            "code": source.code,
            "name": source.name,
            "short_name": source.short_name,
            "kind": source.kind,
            "weight": _text(source.weight),
            "entry": source.entry if source.kind == Source.Kind.SHEET else "",
            "minimum_ballots": source.minimum_ballots or None,
            "allow_over": source.allow_over,
            "full_marks": None if source.full_marks == FULL else _text(source.full_marks),
            "rate_name": "" if source.rate_name == Source.USUAL_RATE else source.rate_name,
            "double_entry": source.double_entry,
            "names_tellers": source.names_tellers,
        }
    )
    options = [
        _kept({"code": one.code, "label": one.label, "points": _text(one.points), "satisfied": one.satisfied})
        for one in source.options.all()
    ]
    groups = [{"code": one.code, "name": one.name, "weight": _text(one.weight)} for one in source.groups.all()]
    words = [
        _kept(
            {"label": one.label, "points": _text(one.points), "low": _text(one.low), "high": _text(one.high),
             "synonyms": list(one.synonyms)}
        )
        for one in source.annual_points.all()
    ]  # fmt: skip
    return entry | _kept({"options": options, "groups": groups, "annual_points": words})


def _limits(round_: Round) -> Content:
    """Return lines, gates, vetoes and caps."""
    return {
        "cut_offs": [
            {"grade": row.grade.code, "minimum": _text(row.minimum)}
            for row in round_.cut_offs.select_related("grade").order_by("grade__rank")
        ],
        "gates": [
            _kept(
                {"figure": row.figure, "name": row.name, "minimum": _text(row.minimum),
                 "best": row.best.code if row.best else None, "bars_promotion": row.bars_promotion}
            )
            for row in round_.gates.select_related("best")
        ],
        "caps": [
            _kept(
                {"grade": row.grade.code, "side": row.side, "measure": row.measure, "value": _text(row.value),
                 "extent": row.extent, "rounding": row.rounding, "mode": row.mode, "tie_breaks": list(row.tie_breaks)}
            )
            for row in round_.caps.select_related("grade")
        ],
        "vetoes": [
            _kept(
                {"code": row.code, "text": row.text, "effect": row.effect, "grade": row.grade.code,
                 "months": row.months}
            )
            for row in round_.veto_items.select_related("grade")
        ],
    }  # fmt: skip


def as_preset(entry: Content) -> Content:
    """Return the rules of one round in the shape of a preset, so that they can be read as values."""
    round_ = {key: value for key, value in entry.items() if key != "grades" and value not in ({}, None)}
    scale = {"code": "own", "name": "等级", "grades": entry["grades"]}
    return {"scales": [scale], "rounds": [round_ | {"ordinal": 1, "scale": "own"}]}


def rules_of(entry: Content) -> scoring.RoundRules:
    """Return the rules of one round as the arithmetic sees them."""
    return presets.round_value(as_preset(entry), 1)


def campaign_content(round_: Round) -> Content:
    """Return a whole preset that opens this round again: campaign, stages, scale, the round itself."""
    campaign = round_.campaign
    entry = of_round(round_)
    code = f"{campaign.preset_code or 'own'}-{campaign.year}-{round_.ordinal}"
    scale = {"code": round_.scale.code, "name": round_.scale.name, "grades": entry.pop("grades")}
    kept = {key: value for key, value in entry.items() if value != {}}
    return {
        "kind": "campaign",
        "code": code,
        "title": f"{campaign.name} {round_.name}",
        "campaign": _kept(
            {"name": campaign.name, "short_name": campaign.short_name, "year": campaign.year, "theme": campaign.theme,
             "document_number": campaign.document_number, "starts_on": _day(campaign.starts_on),
             "ends_on": _day(campaign.ends_on)}
        ),
        "stages": _stages(campaign),
        "scales": [scale],
        "rounds": [kept | {"ordinal": 1, "scale": round_.scale.code}],
    }  # fmt: skip


def of_campaign(campaign: Campaign) -> Content:
    """Return a whole preset that opens this campaign again with all its rounds, as they stand now.

    Theme and document number are a notice's own and stay behind; so does who leads the campaign.
    """
    rounds: list[Content] = []
    scales: dict[str, GradeScale] = {}
    for round_ in campaign.rounds.select_related("scale", "campaign").order_by("ordinal"):
        entry = of_round(round_)
        known = scales.get(round_.scale.code, round_.scale)
        code = round_.scale.code if known == round_.scale else f"{round_.scale.code}-{round_.scale.version}"
        scales[code] = round_.scale
        entry.pop("grades")
        rounds.append({key: value for key, value in entry.items() if value != {}} | {"scale": code})
    return _others(campaign) | {
        "campaign": _kept(
            {"name": campaign.name, "short_name": campaign.short_name, "year": campaign.year,
             "starts_on": _day(campaign.starts_on), "ends_on": _day(campaign.ends_on)}
        ),
        "stages": _stages(campaign),
        "targets": [
            _kept({"code": one.code, "name": one.name, "value": _text(one.value), "unit": one.unit,
                   "definition": one.definition})
            for one in campaign.targets.all()
        ],
        "scales": [
            {"code": code, "name": scale.name,
             "grades": [{"code": one.code, "label": one.label} for one in scale.grades.order_by("rank")]}
            for code, scale in scales.items()
        ],
        "rounds": rounds,
    }  # fmt: skip


def _others(campaign: Campaign) -> Content:
    """Return what a campaign's preset says for other parts of the product, its days moved as the campaign's were."""
    begin = campaign.preset.get("campaign", {}).get("starts_on")
    days = (campaign.starts_on - dt.date.fromisoformat(begin)).days if begin else 0
    entry: Content = _moved(campaign.preset, days)
    return {key: value for key, value in entry.items() if key not in OWN}


def _moved(value: Any, days: int, *, day: bool = False) -> Any:
    """Return a value of a preset with the days in it (texts under keys that end in _on) moved."""
    if isinstance(value, dict):
        return {key: _moved(one, days, day=key.endswith("_on")) for key, one in value.items()}
    if isinstance(value, list):
        return [_moved(one, days) for one in value]
    return (dt.date.fromisoformat(value) + dt.timedelta(days=days)).isoformat() if day and value else value


def _stages(campaign: Campaign) -> list[Content]:
    """Return the stages of a campaign with what is to be handed in."""
    return [
        _kept(
            {"name": stage.name, "starts_on": _day(stage.starts_on), "ends_on": _day(stage.ends_on),
             "when": stage.when, "responsible": stage.responsible, "tasks": stage.tasks,
             "deliverables": [
                 _kept({"name": one.name, "level": one.level, "kind": one.kind, "due_on": _day(one.due_on)})
                 for one in stage.deliverables.all()
             ]}
        )
        for stage in campaign.stages.prefetch_related("deliverables")
    ]  # fmt: skip
