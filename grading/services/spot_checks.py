"""抽查: drawing branches, naming inspectors, and what a spot check means in a round."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from branches import audit
from branches.models import Account, Role, RoleGrant
from branches.permissions import is_recused
from branches.services.accounts import AccountError, grant, revoke
from grading import draws, scoring
from grading.models import (
    Assessment,
    Result,
    Round,
    RoundUnit,
    Source,
    SpotCheck,
    SpotCheckDraw,
    SpotCheckInspector,
    SpotCheckRule,
)
from grading.services.errors import RefusedError, refuse
from grading.services.results import derive
from grading.spot_inputs import rule_of

Method = SpotCheckDraw.Method


@dataclass(frozen=True, slots=True)
class DrawPlan:
    """What a draw shall be: method, seed, quota, a note, and the branches picked by hand (by unit id)."""

    method: str
    quota: draws.Quota
    seed: str = ""
    reason: str = ""
    picked: tuple[int, ...] = ()


def spot_source(round_: Round) -> Source | None:
    """Return the source of a round that spot checks fill, or None."""
    return round_.sources.filter(code=Source.SPOT_CHECK).first()


def group_name(unit: RoundUnit) -> str:
    """Return the 党总支 as the record of a draw names it."""
    return unit.general_branch_name if unit.direct else f"{unit.parent_code} {unit.parent_name}"


def candidates(round_: Round, source: Source) -> tuple[list[RoundUnit], list[draws.Candidate]]:
    """Return the branches that may be drawn now (graded, not drawn before) and the list a draw works on."""
    taken = SpotCheck.objects.active().filter(source=source).values("unit_id")
    units = list(round_.units.filter(graded=True).exclude(pk__in=taken))
    derived = derive(round_)
    found = []
    for unit in units:
        own, superior = (derived[unit.pk].source(code) for code in (Source.SELF, Source.SUPERIOR))
        scores = [source.score for source in (own, superior) if source is not None and source.score is not None]
        difference = abs(scores[1] - scores[0]) if len(scores) == 2 else None
        found.append(draws.Candidate(unit.code, group_name(unit), difference))
    return units, found


@transaction.atomic
def draw(*, by: Account | None, round_: Round, plan: DrawPlan, now: dt.datetime) -> SpotCheckDraw:
    """Draw branches and keep the list, the seed and the quota with what came out.

    Raises RefusedError when the round is not open, has no such source, the plan is incomplete, or nothing is drawn.
    """
    row = Round.objects.select_for_update().select_related("campaign__root").get(pk=round_.pk)
    source = _open_source(row)
    units, listed = candidates(row, source)
    codes = _drawn(units, listed, plan)
    data = draws.to_data(listed)
    record = SpotCheckDraw.objects.create(
        round=row, source=source, ordinal=row.draws.count() + 1, method=plan.method, seed=plan.seed.strip(),
        measure=_measure(plan), value=plan.quota.value if plan.method != Method.HAND else len(codes),
        extent="group" if plan.quota.per_group else "round", rounding=str(plan.quota.rounding), population=data,
        digest=draws.digest(data), reason=plan.reason.strip(), drawn_by=by, drawn_at=now,
    )  # fmt: skip
    by_code = {unit.code: unit for unit in units}
    SpotCheck.objects.bulk_create(
        SpotCheck(draw=record, source=source, unit=by_code[code], place=place)
        for place, code in enumerate(codes, start=1)
    )
    audit.record(
        by=by, action="spot_check.draw", thing=record, branch=row.campaign.root,
        summary=f"{record.get_method_display()} {len(codes)} 个党支部抽查",
        after={"seed": record.seed, "digest": record.digest, "drawn": list(codes)},
    )  # fmt: skip
    return record


def _measure(plan: DrawPlan) -> str:
    by_share = plan.quota.share and plan.method != Method.HAND
    return str(SpotCheckDraw.Measure.SHARE if by_share else SpotCheckDraw.Measure.NUMBER)


def _open_source(round_: Round) -> Source:
    """Return the source to draw for, refusing a round that is not open."""
    source = spot_source(round_)
    if source is None:
        raise RefusedError(["本轮没有“学校抽查”这个来源，请先在规则里加上。"])
    if not round_.is_open:
        refuse(f"本轮现在是“{round_.get_state_display()}”，不能抽取。")
    return source


def _drawn(units: Sequence[RoundUnit], listed: Sequence[draws.Candidate], plan: DrawPlan) -> tuple[str, ...]:
    """Return the codes drawn, refusing a plan that lacks something."""
    if plan.method == Method.HAND:
        if not plan.reason.strip():
            refuse("人工指定须写明理由。")
        codes = tuple(unit.code for unit in units if unit.pk in set(plan.picked))
    else:
        if not plan.seed.strip():
            refuse("请填写随机种子。")
        if plan.quota.value <= 0 or (plan.quota.share and plan.quota.value > 100):
            refuse("抽取的比例应大于 0、不超过 100；个数应大于 0。")
        by_difference = plan.method == Method.DIFFERENCE
        codes = draws.draw(listed, plan.quota, plan.seed.strip(), by_difference=by_difference)
    if not codes:
        refuse("按这个办法一个党支部也抽不到：可能都已抽过，或还没有自评和考评两个得分。")
    return codes


def repeat(record: SpotCheckDraw) -> tuple[str, ...]:
    """Draw again from what the record keeps; by hand there is nothing to repeat."""
    if record.method == Method.HAND:
        return ()
    quota = draws.Quota(
        record.value, record.measure == SpotCheckDraw.Measure.SHARE, record.extent == SpotCheckDraw.Extent.GROUP,
        scoring.Rounding(record.rounding),
    )  # fmt: skip
    listed = draws.from_data(record.population)
    return draws.draw(listed, quota, record.seed, by_difference=record.method == Method.DIFFERENCE)


@transaction.atomic
def void_draw(*, by: Account | None, record: SpotCheckDraw, reason: str, now: dt.datetime) -> SpotCheckDraw:
    """Void a draw with a reason; it stays on record. Raises RefusedError without one or once somebody has scored."""
    row = SpotCheckDraw.objects.select_for_update().select_related("round__campaign__root").get(pk=record.pk)
    if row.voided_at is not None:
        refuse("这次抽取已经作废。")
    if not reason.strip():
        refuse("作废须写明理由。")
    if not row.round.is_open:
        refuse(f"本轮现在是“{row.round.get_state_display()}”，不能作废。")
    units = row.checks.values("unit_id")
    begun = Assessment.objects.filter(source=row.source_id, unit__in=units, answered__gt=0)
    if names := list(begun.values_list("unit__name", flat=True)):
        refuse(f"已有 {len(names)} 个党支部开始抽查评分（{'、'.join(names[:3])}），不能作废。")
    for task in row.checks.prefetch_related("assignments"):
        for assignment in task.assignments.all():
            _take_back(by, assignment, now)
    row.checks.update(active=False)
    row.voided_by, row.voided_at, row.void_reason = by, now, reason.strip()
    row.save(update_fields=["voided_by", "voided_at", "void_reason"])
    audit.record(
        by=by, action="spot_check.void", thing=row, branch=row.round.campaign.root, summary="作废一次抽取",
        after={"reason": row.void_reason},
    )  # fmt: skip
    return row


def pool(day: dt.date) -> list[Account]:
    """Return the accounts that hold the inspector's role on a day, by name."""
    held = RoleGrant.objects.on(day).filter(role=Role.INSPECTOR).values("account")
    rows = Account.objects.filter(pk__in=held, is_active=True).select_related("person")
    return sorted(rows, key=lambda account: account.get_full_name())


def _why_not(account: Account, task: SpotCheck) -> str:
    if is_recused(account, task.unit.branch_id):
        return f"{account.get_full_name()}在{task.unit.name}任书记或支委，应当回避。"
    return ""


def _locked(checks: Iterable[SpotCheck]) -> list[SpotCheck]:
    """Lock the tasks to be changed, refusing those of a void draw or of a round that is closed."""
    keys = [task.pk for task in checks]
    rows = SpotCheck.objects.select_for_update(of=("self",)).filter(pk__in=keys, active=True)
    found = list(rows.select_related("unit__branch", "unit__round", "source"))
    if not found:
        refuse("请先选要指派的党支部。")
    if closed := [task for task in found if not task.unit.round.is_open]:
        refuse(f"本轮现在是“{closed[0].unit.round.get_state_display()}”，不能再改指派。")
    return found


@transaction.atomic
def assign(*, by: Account, checks: Iterable[SpotCheck], accounts: Collection[Account], now: dt.datetime) -> int:
    """Name inspectors for every one of these branches; who is named already stays. Returns how many were added.

    Raises RefusedError for recusal, or when `by` may not hand out the inspector's role.
    """
    tasks = _locked(checks)
    if not accounts:
        refuse("请先选抽查人。")
    problems = [text for task in tasks for account in accounts if (text := _why_not(account, task))]
    if problems:
        raise RefusedError(problems)
    return sum(_name(by, task, account, now) for task in tasks for account in accounts)


@transaction.atomic
def share_out(
    *, by: Account, checks: Iterable[SpotCheck], accounts: Collection[Account], now: dt.datetime
) -> Mapping[int, int]:
    """Share branches out evenly, one inspector each, around recusals; returns how many each account got.

    Raises RefusedError when a branch has nobody who may inspect it.
    """
    tasks = _locked(checks)
    if not accounts:
        refuse("请先选抽查人。")
    given = dict.fromkeys((account.pk for account in accounts), 0)
    for task in tasks:
        free = [account for account in accounts if not _why_not(account, task)]
        if not free:
            refuse(f"所选的人都要回避{task.unit.name}，请另选一人。")
        chosen = min(free, key=lambda account: (given[account.pk], account.pk))
        given[chosen.pk] += _name(by, task, chosen, now)
    return given


def _name(by: Account, task: SpotCheck, account: Account, now: dt.datetime) -> int:
    """Name one inspector, with a grant that lets the account see this branch; 0 when it was named before."""
    if SpotCheckInspector.objects.filter(spot_check=task, account=account).exists():
        return 0
    branch = task.unit.branch
    held = RoleGrant.objects.on(now.date()).filter(account=account, role=Role.INSPECTOR, node=branch).exists()
    made = None
    if not held:
        try:
            made = grant(by=by, account=account, role=Role.INSPECTOR, node=branch, starts_on=now.date())
        except AccountError as error:
            raise RefusedError([f"{account.get_full_name()}：{error}"]) from error
    SpotCheckInspector.objects.create(spot_check=task, account=account, grant=made, assigned_by=by, assigned_at=now)
    _audit(by, task, f"指派{account.get_full_name()}抽查", {"account": account.username})
    return 1


@transaction.atomic
def unassign(*, by: Account, task: SpotCheck, account: Account, now: dt.datetime) -> None:
    """Take an assignment back, and with it the reach it gave. Raises RefusedError once the sheet is handed in."""
    row = _locked([task])[0]
    if _sheets(row).filter(state__in=[Assessment.State.SUBMITTED, Assessment.State.ACCEPTED]).exists():
        refuse("抽查评分已提交，不能再改指派；需要改时请先退回。")
    assignment = SpotCheckInspector.objects.filter(spot_check=row, account=account).first()
    if assignment is None:
        raise RefusedError(["没有这项指派。"])
    _take_back(by, assignment, now)
    _audit(by, row, f"取消{account.get_full_name()}的抽查指派", {"account": account.username})


def _take_back(by: Account | None, assignment: SpotCheckInspector, now: dt.datetime) -> None:
    """Delete an assignment; end the grant made for it."""
    made = assignment.grant
    assignment.delete()
    if made is not None and made.ends_on is None:
        revoke(by=by, grant=made, on=now.date())


def _sheets(task: SpotCheck) -> Any:
    return Assessment.objects.filter(unit=task.unit_id, source=task.source_id)


def _audit(by: Account | None, task: SpotCheck, summary: str, after: dict[str, Any]) -> None:
    audit.record(
        by=by, action="spot_check.assign", thing=task, branch=task.unit.branch, summary=summary, after=after
    )  # fmt: skip


@transaction.atomic
def set_rule(*, by: Account | None, round_: Round, effect: str, absent: str) -> SpotCheckRule:
    """Say what a spot check means in a round; the round's rules get a new version.

    Raises RefusedError for an unknown word, a round past deciding, or once a grade is proposed or decided.
    """
    row = Round.objects.select_for_update().select_related("campaign__root").get(pk=round_.pk)
    if effect not in SpotCheckRule.Effect.values or absent not in SpotCheckRule.Absent.values:
        refuse("没有这个选项。")
    if row.state in (Round.State.PUBLICITY, Round.State.FINAL):
        refuse(f"本轮现在是“{row.get_state_display()}”，规则不再改。")
    if Result.objects.filter(unit__round=row).exclude(state=Result.State.COMPUTED).exists():
        refuse("已有支部的等级拟定或定了，请先撤回再改规则。")
    rule = rule_of(row)
    before = {"effect": rule.effect, "absent": rule.absent}
    after = {"effect": effect, "absent": absent}
    if before == after and rule.pk:
        return rule
    rule.effect, rule.absent = effect, absent
    rule.save()
    row.version += 1
    row.save(update_fields=["version"])
    audit.record(
        by=by, action="round.spot_check_rule", thing=row, branch=row.campaign.root, summary="设定抽查规则",
        before=before, after=after,
    )  # fmt: skip
    return rule
