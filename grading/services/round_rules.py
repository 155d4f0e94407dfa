"""Rules of a round in preparation: changing a part of them, starting from nothing, copying another round's."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.db import transaction
from django.db.models import F, Max, ProtectedError

from branches import audit
from branches.models import Account, Branch, Campaign, Stage
from branches.registries import figures
from grading import contents, course, rules, scoring
from grading.models import (
    Grade,
    GradeScale,
    PublicityGrade,
    Round,
    RoundRubric,
    RoundStep,
    Source,
)
from grading.presets import Content, maybe
from grading.services import presets
from grading.services.errors import RefusedError, refuse

USUAL_STEPS = (RoundStep.Code.DECIDE,)  # the sources bring their own when they are entered
APART = 1000  # far enough that no old ordinal meets a new one


class StaleError(RefusedError):
    """Somebody changed the round since the form was shown."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules of a round are like: sentences that stand against using them, and doubts."""

    fatal: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = field(default=())


def rubrics_of(round_: Round) -> dict[str, scoring.RubricRule]:
    """Return the rubrics of a round as values, by the name of their category."""
    rows = round_.rubrics.select_related("category", "rubric").prefetch_related("rubric__sections__criteria__levels")
    return {row.category.name: rules.rubric_rule(row.rubric) for row in rows}


def check(entry: Content, rubrics: Mapping[str, scoring.RubricRule]) -> Checked:
    """Return what is wrong with the rules of one round, and what is doubtful."""
    found = [*scoring.check_round(contents.rules_of(entry), rubrics, figures()), *_check_course(entry)]
    return Checked(
        tuple(finding.text for finding in found if finding.fatal),
        tuple(finding.text for finding in found if not finding.fatal),
    )


def _check_course(entry: Content) -> Iterable[scoring.Finding]:
    """Check the steps: each after what it needs, days in their order, 公示 with a number of days."""
    steps = entry.get("steps", [])
    for text in course.order_problems((step["code"], step["name"]) for step in steps):
        yield scoring.Finding(text)
    dated = [(step["name"], step["due_on"]) for step in steps if step.get("due_on")]
    for (before, early), (after, late) in pairwise(dated):
        if late < early:
            yield scoring.Finding(f"“{after}”的期限早于前一步“{before}”。", fatal=False)
    public = any(step["code"] == RoundStep.Code.PUBLICITY for step in steps)
    if public and not entry.get("publicity_days"):
        yield scoring.Finding("有“公示”这一步，还没有填公示几个工作日。", fatal=False)
    if entry.get("opens_on") and entry.get("ends_on") and entry["ends_on"] < entry["opens_on"]:
        yield scoring.Finding("本轮的结束日期早于开始日期。")


@transaction.atomic
def change_rules(*, by: Account | None, round_: Round, version: int, changes: Content) -> Round:
    """Replace some parts of the rules of a round in preparation (`changes` has the keys of a preset's round).

    A change that makes the rules impossible in a way they were not before is refused; what is merely still to come
    may stay open until the round is.

    Raises:
        StaleError: somebody changed the round meanwhile.
        RefusedError: the round is open, or the rules would be impossible.
    """
    row = Round.objects.select_for_update().select_related("campaign__root", "scale").get(pk=round_.pk)
    if row.state != Round.State.PREPARING:
        refuse("本轮已经开始，规则不再改动。")
    if row.version != version:
        raise StaleError(["这一轮的规则刚被他人改过。您填的内容还在，请核对后再保存。"])
    before = contents.of_round(row)
    after = before | changes
    changed = [key for key in changes if before.get(key) != changes[key]]
    if not changed:
        return row
    refuse_new_faults(before, after, rubrics_of(row))
    try:
        _rewrite(by, row, after, frozenset(changed))
    except ProtectedError as error:
        raise RefusedError(["有一个来源已经在用，不能删除；可以改名称和权重。"]) from error
    row.version += 1
    row.save(update_fields=["version"])
    audit.record(
        by=by, action="round.rules", thing=row, branch=row.campaign.root, summary="修改本轮规则",
        before={key: before.get(key) for key in changed}, after={key: changes[key] for key in changed},
    )  # fmt: skip
    return Round.objects.select_related("campaign__root", "scale").get(pk=row.pk)


def refuse_new_faults(before: Content, after: Content, rubrics: Mapping[str, scoring.RubricRule]) -> None:
    """Raise RefusedError with the faults `after` has and `before` had not."""
    had = set(check(before, rubrics).fatal)
    if new := [text for text in check(after, rubrics).fatal if text not in had]:
        raise RefusedError(dict.fromkeys(new))


def _rewrite(by: Account | None, row: Round, entry: Content, changed: frozenset[str]) -> None:
    """Write the changed parts of a round in preparation; nothing of it has been used yet."""
    _write_single(row, entry)
    if "grades" in changed:
        content = {"code": _own_code(row), "name": row.scale.name, "grades": entry["grades"]}
        row.scale = presets.ensure_scale(by=by, content=content)
        row.save(update_fields=["scale"])
    if changed & {"grades", *contents.LIMITS}:
        _rewrite_limits(row, entry)
    if "sources" in changed:
        _rewrite_sources(row, entry["sources"])
    if "steps" in changed:
        row.steps.all().delete()
        presets.write_steps(row, entry)
    if "checks" in changed:
        row.survey_checks.all().delete()
        presets.write_checks(row, entry)
    if "problems" in changed:
        row.problem_boxes.all().delete()
        presets.write_problems(row, entry)
    if "rubrics" in changed:
        RoundRubric.objects.filter(round=row).delete()
        presets.write_rubrics(row, entry)


def _own_code(row: Round) -> str:
    """Return the code of the round's own scale: a shared one is never changed for the sake of one round."""
    return f"round-{row.pk}"


def _write_single(row: Round, entry: Content) -> None:
    """Write the single values of a round."""
    divergence = entry.get("divergence") or {}
    values: dict[str, Any] = {name: entry[name] for name in contents.SINGLE if name in entry}
    values |= {"exempt_months": entry.get("exempt_months"), "rule_name": entry.get("rule_name") or ""}
    values |= {name: _day(entry.get(name)) for name in ("opens_on", "ends_on")}
    values |= {
        "compare_first": divergence.get("first", ""), "compare_second": divergence.get("second", ""),
        "divergence_points": maybe(divergence.get("points")),
        "divergence_section": maybe(divergence.get("section_points")), "divergence_grades": divergence.get("grades"),
    }  # fmt: skip
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _rewrite_limits(row: Round, entry: Content) -> None:
    """Write lines, gates, vetoes and caps anew, and let the grades made public follow a changed scale."""
    for rows in (row.cut_offs, row.gates, row.veto_items, row.caps):
        rows.all().delete()
    grades: dict[str, Grade] = {grade.code: grade for grade in row.scale.grades.all()}
    presets.write_limits(row, entry, grades)
    for shown in PublicityGrade.objects.filter(round=row).exclude(grade__scale=row.scale).select_related("grade"):
        same = grades.get(shown.grade.code)
        if same is None:
            shown.delete()
        else:
            shown.grade = same
            shown.save(update_fields=["grade"])


def _rewrite_sources(row: Round, wanted: list[Content]) -> None:
    """Bring the sources of a round in line; one that stays keeps its row."""
    kept = {source.code: source for source in row.sources.all()}
    row.sources.exclude(code__in=[item["code"] for item in wanted]).delete()
    row.sources.update(ordinal=F("ordinal") + APART)
    for ordinal, item in enumerate(wanted, start=1):
        values = presets.source_values(item) | {"ordinal": ordinal}
        source = kept.get(item["code"])
        if source is None:
            source = Source.objects.create(round=row, code=item["code"], **values)
        else:
            Source.objects.filter(pk=source.pk).update(**values)
            for rows in (source.options, source.groups, source.annual_points):
                rows.all().delete()
        presets.write_source_rows(source, item)


# --- starting a round --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BlankCampaign:
    """What a printed notice says about the campaign itself."""

    name: str
    year: int
    starts_on: dt.date
    ends_on: dt.date
    document_number: str = ""
    backfill: bool = False


@transaction.atomic
def open_blank_campaign(*, by: Account | None, root: Branch, plan: BlankCampaign, round_name: str) -> Round:
    """Open a campaign without a preset, with one stage and one round whose rules are still to be entered.

    Raises RefusedError when the root has this campaign already, or its end precedes its start.
    """
    if plan.ends_on < plan.starts_on:
        refuse("活动的结束日期早于开始日期。")
    if Campaign.objects.filter(root=root, year=plan.year, name=plan.name).exists():
        refuse(f"{plan.year}年已有“{plan.name}”。")
    campaign = Campaign.objects.create(
        root=root, name=plan.name, year=plan.year, starts_on=plan.starts_on, ends_on=plan.ends_on,
        document_number=plan.document_number, backfill=plan.backfill,
    )  # fmt: skip
    Stage.objects.create(campaign=campaign, ordinal=1, name="分类定级", starts_on=plan.starts_on, ends_on=plan.ends_on)
    audit.record(by=by, action="campaign.open", thing=campaign, branch=root, summary=f"开展活动：{plan.name}")
    return blank_round(by=by, campaign=campaign, name=round_name)


@transaction.atomic
def blank_round(*, by: Account | None, campaign: Campaign, name: str) -> Round:
    """Create a round, in preparation, whose rules are still to be entered."""
    ordinal = _next_ordinal(campaign)
    entry: Content = {
        "ordinal": ordinal, "name": name, "deciding_level": Round.DecidingLevel.GENERAL_BRANCH,
        "opens_on": campaign.starts_on.isoformat() if ordinal == 1 else None,
        "ends_on": campaign.ends_on.isoformat(), "returns": [],
        "steps": [{"code": code.value, "name": code.label} for code in USUAL_STEPS],
    }  # fmt: skip
    scale = GradeScale.objects.create(code=f"campaign-{campaign.pk}-{entry['ordinal']}", name=f"{name}等级")
    return presets.create_round(by=by, campaign=campaign, entry=entry, scale=scale)


@transaction.atomic
def copy_round(*, by: Account | None, campaign: Campaign, source: Round, name: str) -> Round:
    """Create a round, in preparation, with the rules of another one; its dates move with the campaigns' starts.

    Within one campaign they are left open: the dates of the round before are over, and a day on which a round begins
    says whose roster it takes. Raises RefusedError when a rubric has no published version any more.
    """
    entry = contents.of_round(source) | {"ordinal": _next_ordinal(campaign), "name": name}
    if campaign == source.campaign:
        entry |= {"opens_on": None, "ends_on": None, "steps": [step | {"due_on": None} for step in entry["steps"]]}
    grades = entry.pop("grades")
    scale = source.scale
    if not grades:
        scale = GradeScale.objects.create(code=f"campaign-{campaign.pk}-{entry['ordinal']}", name=f"{name}等级")
    days = (campaign.starts_on - source.campaign.starts_on).days
    return presets.create_round(by=by, campaign=campaign, entry=entry, scale=scale, days=days)


def _next_ordinal(campaign: Campaign) -> int:
    last = campaign.rounds.aggregate(last=Max("ordinal"))["last"]
    return (last or 0) + 1
