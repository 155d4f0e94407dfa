"""What waits for somebody in grading, and its entry in the navigation."""

import datetime as dt
from collections.abc import Iterator

from django.urls import reverse

from branches import wording
from branches.models import Account, Branch
from branches.permissions import Action, recused_branch_ids, roles, scope
from branches.registries import HomeItem, NavItem, home, nav
from grading import board, home_ballots, home_board, home_freezing, home_guidance, home_publicity, home_spot_checks
from grading.models import Assessment, Result, Round, RoundStep, RoundUnit, Source, form_names
from grading.services.rounds import deadline, present_facts
from grading.services.survey import blanks

__all__ = [
    "home_ballots",
    "home_board",
    "home_freezing",
    "home_guidance",
    "home_spot_checks",
]  # imported so that its figures and panels register

nav(NavItem("分类定级", "rounds", Action.VIEW_GRADING, "/grading/", 30))
nav(NavItem("评分标准", "rubrics", Action.VIEW_RUBRICS, "/rubrics/", 35))


def _running(*, backfill: bool = False) -> list[Round]:
    """Return rounds under way that remind people: not those of 历史补录 campaigns, unless asked for."""
    rounds = Round.objects.running()
    if not backfill:
        rounds = rounds.filter(campaign__backfill=False)
    return list(rounds.select_related("campaign", "scale").prefetch_related("steps", "sources"))


def _step_due(round_: Round, code: str) -> dt.date | None:
    return next((step.due_on for step in round_.steps.all() if step.code == code), None)


def _older_facts(unit: RoundUnit, round_: Round) -> Iterator[HomeItem]:
    """Point out that 附件4 still prints older facts than 支部基本情况 holds."""
    if present_facts(unit) != unit.facts:
        url = reverse("unit", args=[unit.pk]) + "#h-frozen"
        title = f"{round_.dated}：{form_names(round_)['annex4'].short} 印的还是旧的基本情况"
        yield HomeItem(title, f"{unit.name}，基本情况后来改过", "去更新", url)


@home
def own_filing(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Ask a secretary or clerk for the survey and the self-assessment of their own branch.

    历史补录 reminds nobody of what is not begun, but a sheet sent back waits for somebody there too.
    """
    reach = scope(account, Action.FILL_ASSESSMENT)
    held = (grant for grant in roles(account) if grant.node_id in reach.roots)
    nodes = {grant.node_id for grant in held if grant.node.level == Branch.Level.BRANCH}
    if not nodes:
        return
    for round_ in _running(backfill=True):
        reminds = not round_.campaign.backfill
        units = RoundUnit.objects.filter(round=round_, branch__in=nodes, graded=True).select_related("round__campaign")
        for unit in units.prefetch_related("extensions", "round__steps"):
            yield from _older_facts(unit, round_)
            if not round_.is_open:
                continue
            left = blanks(unit, "branch") if reminds and unit.round.surveys_branches else []
            if left:
                url = reverse("survey", args=[unit.pk])
                detail = f"{unit.name}，还有 {len(left)} 项"
                due = deadline(unit, RoundStep.Code.SURVEY)
                yield HomeItem(f"{round_.dated}：填写调查摸底", detail, "去填写", url, due)
            if not round_.scored_by_branch:
                continue
            sheet = Assessment.objects.filter(unit=unit, source__code=Source.SELF).first()
            returned = sheet is not None and sheet.state == Assessment.State.RETURNED
            if returned or (reminds and (sheet is None or sheet.editable)):
                title = f"{round_.dated}：{'自评已退回，请修改' if returned else '填写支部自评'}"
                detail = unit.name if sheet is None else f"{unit.name}，已填 {sheet.answered} 条"
                url = reverse("self-assessment", args=[unit.pk])
                yield HomeItem(title, detail, "去填写", url, deadline(unit, Source.SELF))


@home
def superior_work(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Ask 党总支 and office for scoring, explaining differences and deciding."""
    reach = scope(account, Action.SCORE)
    if not reach:
        return
    recused = recused_branch_ids(account)
    for round_ in _running():
        if not round_.is_open:
            continue
        units = list(RoundUnit.objects.filter(round=round_, graded=True).within(reach))
        units = [unit for unit in units if unit.branch_id not in recused]
        if not units:
            continue
        total = board.build(round_, units).total
        yield from _filing_left(round_, units, total)
        if total.scored < total.units and round_.scored_by_superior:
            url = reverse("scoring-grid", args=[round_.pk])
            detail = f"已评 {total.scored} 个，还有 {total.units - total.scored} 个"
            yield HomeItem(f"{round_.dated}：党总支考评", detail, "去评分", url, _step_due(round_, Source.SUPERIOR))
        yield from _deciding_left(account, round_, total)


def _filing_left(round_: Round, units: list[RoundUnit], total: board.GroupLine) -> Iterator[HomeItem]:
    if total.filed < total.units and round_.scored_by_branch:
        url = f"{reverse('round-units', args=[round_.pk])}?own=open"
        back = f"，退回 {total.returned} 个" if total.returned else ""
        detail = f"已报 {total.filed} 个，共 {len(units)} 个{back}"
        yield HomeItem(f"{round_.dated}：催收支部自评", detail, "看未报", url, _step_due(round_, Source.SELF))


def _deciding_left(account: Account, round_: Round, total: board.GroupLine) -> Iterator[HomeItem]:
    if not scope(account, Action.DECIDE_GRADE) or round_.state not in (Round.State.SCORING, Round.State.DECIDING):
        return
    if total.decided < total.units:
        url = reverse("decide", args=[round_.pk])
        detail = f"已定 {total.decided} 个，还有 {total.units - total.decided} 个"
        yield HomeItem(f"{round_.dated}：定级", detail, "去定级", url, _step_due(round_, RoundStep.Code.DECIDE))


@home
def rounds_to_open(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Remind the office of rounds whose day has come, and of rounds that can be made final."""
    if not scope(account, Action.MANAGE_ROUND):
        return
    rounds = Round.objects.exclude(state=Round.State.FINAL).select_related("campaign")
    for round_ in rounds:
        url = reverse("round", args=[round_.pk])
        if round_.state == Round.State.PREPARING:
            soon = round_.opens_on is None or (round_.opens_on - now.date()).days <= wording.SOON_DAYS
            if soon or round_.campaign.backfill:
                title = f"{round_.dated}：核对规则，开始自评"
                yield HomeItem(title, round_.campaign.name, "去开始", url, round_.opens_on)
            continue
        units = round_.units.filter(graded=True).count()
        decided = Result.objects.filter(unit__round=round_, state=Result.State.DECIDED).count()
        if units and decided >= units:
            yield from home_publicity.settled(round_, now)
