"""Loading presets into rows, and opening campaigns and rounds from them. A changed preset becomes a new version."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from branches import audit, clock
from branches.models import Account, Branch, Campaign, Category, Deliverable, Stage, Target
from branches.services.words import ensure_categories
from grading import presets, rules, scoring
from grading.models import (
    AnnualPoints,
    AppraisalOption,
    Cap,
    CutOff,
    Gate,
    Grade,
    GradeScale,
    Preset,
    ProblemBox,
    Round,
    RoundForm,
    RoundReturn,
    RoundRubric,
    RoundStep,
    Rubric,
    Source,
    SpotCheckRule,
    SurveyCheck,
    VetoItem,
    VoterGroup,
    form_names,
)
from grading.presets import Content, PresetFile, amount, maybe
from grading.services import publicity
from grading.services.errors import RefusedError, refuse
from grading.services.rubrics import publish, write_items


@dataclass(slots=True)
class Loaded:
    """What loading did: new versions, what was there already, and doubtful rules."""

    new: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@transaction.atomic
def load_preset(*, by: Account | None, path: Path, now: dt.datetime | None = None) -> Loaded:
    """Load a preset file or a directory of them; loading the same again changes nothing.

    Raises PresetError with every impossible rule; then nothing is loaded.
    """
    return load_files(by=by, files=presets.read_path(path), now=now or clock.now())


@transaction.atomic
def load_files(*, by: Account | None, files: list[PresetFile], now: dt.datetime) -> Loaded:
    """Load presets that were read before. Raises PresetError with every impossible rule."""
    known = {row.code: rules.rubric_rule(row) for row in Rubric.objects.with_items().order_by("version")}
    loaded = Loaded(warnings=presets.check(files, known))
    ensure_categories(by=by)
    for file in files:
        title, is_new = _load_rubric(by, file, now) if file.kind == "rubric" else _load_campaign(by, file, now)
        (loaded.new if is_new else loaded.unchanged).append(title)
    return loaded


def _load_rubric(by: Account | None, file: PresetFile, now: dt.datetime) -> tuple[str, bool]:
    """Store a rubric file as the next version of its code, unless that version is there."""
    last = Rubric.objects.filter(code=file.code).order_by("-version").first()
    same = Rubric.objects.filter(code=file.code, preset_digest=file.digest).first()
    if same is not None:
        return str(same), False
    content = file.content
    rubric = Rubric.objects.create(
        code=file.code,
        version=last.version + 1 if last else 1,
        title=content["title"],
        form_code=content.get("form_code", ""),
        not_applicable=content.get("not_applicable", "total"),
        exceed=content.get("exceed", "none"),
        source=content.get("source", ""),
        preset_digest=file.digest,
    )
    write_items(rubric, content["sections"])
    audit.record(by=by, action="rubric.load", thing=rubric, summary=f"载入评分标准：{rubric}")
    if content.get("publish", False):
        rubric = publish(by=by, rubric=rubric, now=now)
    return str(rubric), True


def _load_campaign(by: Account | None, file: PresetFile, now: dt.datetime) -> tuple[str, bool]:
    """Store a campaign file as the next version of its preset, with the scales it needs."""
    for scale in file.content["scales"]:
        ensure_scale(by=by, content=scale)
    same = Preset.objects.filter(code=file.code, digest=file.digest).first()
    if same is not None:
        return str(same), False
    last = Preset.objects.filter(code=file.code).aggregate(last=Max("version"))["last"] or 0
    preset = Preset.objects.create(
        code=file.code,
        version=last + 1,
        title=file.content["title"],
        content=file.content,
        digest=file.digest,
        loaded_at=now,
    )
    audit.record(by=by, action="preset.load", thing=preset, summary=f"载入预设：{preset}")
    return str(preset), True


@transaction.atomic
def ensure_scale(*, by: Account | None, content: Content) -> GradeScale:
    """Return the scale a preset describes, stored as a new version when its grades differ from the last one."""
    wanted = [(grade["code"], grade["label"]) for grade in content["grades"]]
    for scale in GradeScale.objects.filter(code=content["code"]).order_by("-version"):
        if list(scale.grades.order_by("rank").values_list("code", "label")) == wanted:
            return scale
    last = GradeScale.objects.filter(code=content["code"]).aggregate(last=Max("version"))["last"] or 0
    scale = GradeScale.objects.create(code=content["code"], version=last + 1, name=content["name"])
    Grade.objects.bulk_create(
        [Grade(scale=scale, rank=rank, code=code, label=label) for rank, (code, label) in enumerate(wanted, 1)]
    )
    audit.record(by=by, action="scale.load", thing=scale, summary=f"载入等级表：{scale}")
    return scale


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a person may change when opening a campaign from a preset; None keeps the preset's own."""

    name: str | None = None
    year: int | None = None
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    document_number: str | None = None
    backfill: bool = False


def moved(text: str, days: int) -> dt.date:
    """Return a date of a preset moved by some days."""
    return dt.date.fromisoformat(text) + dt.timedelta(days=days)


def shifted(text: str | None, days: int) -> dt.date | None:
    """Return a date that may be left out, moved by some days."""
    return moved(text, days) if text else None


@transaction.atomic
def open_campaign(
    *, by: Account | None, preset: Preset, root: Branch, plan: CampaignPlan | None = None, with_rounds: bool = True
) -> Campaign:
    """Open a campaign with its stages, deliverables, targets and (in preparation) its rounds.

    A new start moves every date of the preset by as many days; each may be adjusted later.

    Raises:
        RefusedError: the root has this campaign already, or its end precedes its start.
    """
    wishes = plan or CampaignPlan()
    content = preset.content
    entry = content["campaign"]
    begin = dt.date.fromisoformat(entry["starts_on"])
    start = wishes.starts_on or begin
    days = (start - begin).days
    end = wishes.ends_on or shifted(entry["ends_on"], days) or start
    year = wishes.year or start.year
    name = wishes.name or str(entry["name"]).replace(str(entry["year"]), str(year))
    if end < start:
        refuse("活动的结束日期早于开始日期。")
    if Campaign.objects.filter(root=root, year=year, name=name).exists():
        raise RefusedError([f"{year}年已有“{name}”。"])
    campaign = Campaign.objects.create(
        name=name, short_name=entry.get("short_name", ""), year=year, root=root, theme=entry.get("theme", ""),
        document_number=wishes.document_number or entry.get("document_number", ""), preset_code=preset.code,
        preset_version=str(preset.version), preset=content, starts_on=start, ends_on=end, backfill=wishes.backfill,
    )  # fmt: skip
    _write_stages(campaign, content, days)
    audit.record(by=by, action="campaign.open", thing=campaign, branch=root, summary=f"开展活动：{name}")
    if with_rounds:
        for ordinal in sorted(round_["ordinal"] for round_ in content["rounds"]):
            create_round_from_preset(by=by, campaign=campaign, ordinal=ordinal)
    return campaign


def _write_stages(campaign: Campaign, content: Content, days: int) -> None:
    """Write stages, deliverables and targets."""
    for ordinal, entry in enumerate(content["stages"], start=1):
        stage = Stage.objects.create(
            campaign=campaign, ordinal=ordinal, name=entry["name"], starts_on=moved(entry["starts_on"], days),
            ends_on=moved(entry["ends_on"], days), when=entry.get("when", "") if days == 0 else "",
            responsible=entry.get("responsible", ""), tasks=entry.get("tasks", ""),
        )  # fmt: skip
        Deliverable.objects.bulk_create(
            [
                Deliverable(
                    stage=stage, ordinal=number, name=item["name"], level=item["level"], kind=item["kind"],
                    due_on=shifted(item.get("due_on"), days),
                )
                for number, item in enumerate(entry.get("deliverables", []), start=1)
            ]
        )  # fmt: skip
    Target.objects.bulk_create(
        [
            Target(
                campaign=campaign, code=item["code"], name=item["name"], value=maybe(item.get("value")),
                unit=item.get("unit", ""), definition=item.get("definition", ""),
            )
            for item in content.get("targets", [])
        ]
    )  # fmt: skip


@transaction.atomic
def create_round_from_preset(*, by: Account | None, campaign: Campaign, ordinal: int) -> Round:
    """Create a round of a campaign, in preparation, from the campaign's own copy of its preset.

    Dates move with the campaign's start. Categories map to the newest published version of the rubric named.

    Raises:
        RefusedError: the preset has no such round, the round exists, or a rubric has no published version.
    """
    content = campaign.preset
    if ordinal not in {entry["ordinal"] for entry in content.get("rounds", [])}:
        raise RefusedError([f"这次活动的预设里没有第 {ordinal} 轮。"])
    if Round.objects.filter(campaign=campaign, ordinal=ordinal).exists():
        raise RefusedError([f"这次活动已有第 {ordinal} 轮。"])
    entry = presets.complete_round(content, ordinal)
    days = (campaign.starts_on - dt.date.fromisoformat(content["campaign"]["starts_on"])).days
    scale_entry = next(scale for scale in content["scales"] if scale["code"] == entry["scale"])
    scale = ensure_scale(by=by, content=scale_entry)
    return create_round(by=by, campaign=campaign, entry=entry, scale=scale, days=days)


@transaction.atomic
def create_round(*, by: Account | None, campaign: Campaign, entry: Content, scale: GradeScale, days: int = 0) -> Round:
    """Create a round, in preparation, with the rules of `entry`; its dates are moved by `days`.

    Raises RefusedError when a rubric has no published version.
    """
    round_ = _write_round(campaign, entry, scale, days)
    _write_sources(round_, entry)
    write_limits(round_, entry, {grade.code: grade for grade in scale.grades.all()})
    write_rubrics(round_, entry)
    publicity.write_plan(round_=round_, entry=entry.get("publicity", {}))
    if "spot_check" in entry:
        SpotCheckRule.objects.create(round=round_, **entry["spot_check"])
    audit.record(by=by, action="round.create", thing=round_, branch=campaign.root, summary=f"建立轮次：{round_.name}")
    return round_


def _write_round(campaign: Campaign, entry: Content, scale: GradeScale, days: int) -> Round:
    """Write the round itself with its steps and checks."""
    divergence = entry.get("divergence", {})
    round_ = Round.objects.create(
        campaign=campaign, ordinal=entry["ordinal"], name=entry["name"], rule_name=entry.get("rule_name", ""),
        scale=scale, deciding_level=entry["deciding_level"], places=entry.get("places", 2),
        missing=entry.get("missing", "exempt"),
        exempt_months=entry.get("exempt_months"), publicity_days=entry.get("publicity_days", 0),
        opens_on=shifted(entry.get("opens_on"), days), ends_on=shifted(entry.get("ends_on"), days),
        compare_first=divergence.get("first", ""), compare_second=divergence.get("second", ""),
        divergence_points=maybe(divergence.get("points")), divergence_section=maybe(divergence.get("section_points")),
        divergence_grades=divergence.get("grades"), preset_code=campaign.preset_code,
        preset_version=campaign.preset_version,
    )  # fmt: skip
    write_steps(round_, entry, days)
    write_checks(round_, entry)
    write_problems(round_, entry)
    write_forms(round_, entry.get("forms", []))
    _write_returns(round_, entry.get("returns", presets.RETURNS))
    return round_


def write_forms(round_: Round, forms: Iterable[Content]) -> None:
    """Write what the notice calls the forms of a round that has no names for them."""
    RoundForm.objects.bulk_create(
        RoundForm(round=round_, kind=item["kind"], number=item.get("number", ""), title=item["title"]) for item in forms
    )


def _write_returns(round_: Round, returns: Iterable[Content]) -> None:
    """Write which forms come back stamped, called as the round calls them where nothing else is said."""
    labels = {kind: name.label for kind, name in form_names(round_).items()}
    RoundReturn.objects.bulk_create(
        RoundReturn(round=round_, ordinal=number, **{"name": labels.get(item["kind"], item["kind"]), **item})
        for number, item in enumerate(returns, start=1)
    )


def write_steps(round_: Round, entry: Content, days: int = 0) -> None:
    """Write the steps of a round, their dates moved by some days."""
    RoundStep.objects.bulk_create(
        [
            RoundStep(
                round=round_, ordinal=number, code=step["code"], name=step["name"],
                due_on=shifted(step.get("due_on"), days),
            )
            for number, step in enumerate(entry.get("steps", []), start=1)
        ]
    )  # fmt: skip


def write_checks(round_: Round, entry: Content) -> None:
    """Write what the 调查摸底 of a round looks at."""
    SurveyCheck.objects.bulk_create(
        [
            SurveyCheck(round=round_, ordinal=number, code=item["code"], text=item["text"])
            for number, item in enumerate(entry.get("checks", []), start=1)
        ]
    )


def write_problems(round_: Round, entry: Content) -> None:
    """Write the problems voters may tick on a ballot."""
    ProblemBox.objects.bulk_create(
        [
            ProblemBox(round=round_, ordinal=number, code=item["code"], text=item["text"])
            for number, item in enumerate(entry.get("problems", []), start=1)
        ]
    )


def _write_sources(round_: Round, entry: Content) -> None:
    """Write the sources with ballot options, voter groups and annual points."""
    for ordinal, item in enumerate(entry.get("sources", []), start=1):
        source = Source.objects.create(round=round_, ordinal=ordinal, code=item["code"], **source_values(item))
        write_source_rows(source, item)


def source_values(item: Content) -> dict[str, Any]:
    """Return the fields of a source as a preset describes it."""
    return {
        "name": item["name"], "short_name": item.get("short_name", ""), "kind": item["kind"],
        "weight": amount(item["weight"]), "entry": item.get("entry", "items"),
        "minimum_ballots": item.get("minimum_ballots", 0), "allow_over": item.get("allow_over", False),
        "full_marks": amount(item.get("full_marks", 100)), "rate_name": item.get("rate_name") or Source.USUAL_RATE,
        "double_entry": item.get("double_entry", False), "names_tellers": item.get("names_tellers", False),
    }  # fmt: skip


def write_source_rows(source: Source, item: Content) -> None:
    """Write the options, voter groups and annual points of a source that has none."""
    AppraisalOption.objects.bulk_create(
        AppraisalOption(
            source=source, ordinal=number, code=option["code"], label=option["label"],
            points=maybe(option.get("points")), satisfied=option.get("satisfied", False),
        )
        for number, option in enumerate(item.get("options", []), start=1)
    )  # fmt: skip
    VoterGroup.objects.bulk_create(
        VoterGroup(
            source=source, ordinal=number, code=group["code"], name=group["name"], weight=amount(group["weight"])
        )
        for number, group in enumerate(item.get("groups", []), start=1)
    )
    AnnualPoints.objects.bulk_create(
        AnnualPoints(
            source=source, ordinal=number, label=row["label"], points=amount(row["points"]),
            low=maybe(row.get("low")), high=maybe(row.get("high")), synonyms=row.get("synonyms", []),
        )
        for number, row in enumerate(item.get("annual_points", []), start=1)
    )  # fmt: skip


def write_limits(round_: Round, entry: Content, grades: dict[str, Grade]) -> None:
    """Write lines, gates, vetoes and caps."""
    CutOff.objects.bulk_create(
        [
            CutOff(round=round_, grade=grades[cut["grade"]], minimum=amount(cut["minimum"]))
            for cut in entry.get("cut_offs", [])
        ]
    )
    Gate.objects.bulk_create(
        [
            Gate(
                round=round_, ordinal=number, figure=gate["figure"], name=gate["name"], minimum=amount(gate["minimum"]),
                best=grades[gate["best"]] if gate.get("best") else None,
                bars_promotion=gate.get("bars_promotion", False),
            )
            for number, gate in enumerate(entry.get("gates", []), start=1)
        ]
    )  # fmt: skip
    VetoItem.objects.bulk_create(
        [
            VetoItem(
                round=round_, ordinal=number, code=veto["code"], text=veto["text"],
                effect=veto.get("effect", "force"), grade=grades[veto["grade"]], months=veto.get("months"),
            )
            for number, veto in enumerate(entry.get("vetoes", []), start=1)
        ]
    )  # fmt: skip
    Cap.objects.bulk_create([_cap(round_, number, cap, grades) for number, cap in enumerate(entry.get("caps", []), 1)])


def _cap(round_: Round, number: int, cap: dict[str, Any], grades: dict[str, Grade]) -> Cap:
    """Return one cap row, its defaults those of the arithmetic."""
    rule = scoring.CapRule(cap["grade"], amount(cap["value"]))
    return Cap(
        round=round_, ordinal=number, grade=grades[cap["grade"]], value=rule.value,
        side=cap.get("side", rule.side), measure=cap.get("measure", rule.measure),
        extent=cap.get("extent", rule.scope), rounding=cap.get("rounding", rule.rounding),
        mode=cap.get("mode", rule.mode), tie_breaks=cap.get("tie_breaks", []),
    )  # fmt: skip


def write_rubrics(round_: Round, entry: Content) -> None:
    """Map categories to the newest published versions."""
    categories = {category.code: category for category in Category.objects.all()}
    missing = []
    for code, wanted in entry.get("rubrics", {}).items():
        rubric = Rubric.objects.published().filter(code=wanted).order_by("-version").first()
        if rubric is None:
            missing.append(f"评分标准 {wanted} 还没有发布的版本。")
        elif code in categories:
            RoundRubric.objects.create(round=round_, category=categories[code], rubric=rubric)
    if missing:
        raise RefusedError(dict.fromkeys(missing))
