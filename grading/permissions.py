"""Who proposes and who decides a grade: branches.permissions.can, plus the level the round names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from branches.models import Branch
from branches.permissions import Action, Allowed, Denied, can, recused_branch_ids, roles, scope
from grading.models import Correction, Objection, Round, RoundUnit, SpotCheck


def holds_branch(account: Any, unit: RoundUnit) -> bool:
    """Tell whether the account acts for the branch itself; anybody else entering its sheet does so 代录."""
    return any(grant.node_id == unit.branch_id for grant in roles(account))


def _acts_for_committee(account: Any, action: Action) -> bool:
    """Tell whether the account holds `action` at a committee (活动办公室)."""
    reach = scope(account, action)
    if reach.everything:
        return True
    return Branch.objects.filter(pk__in=reach.roots, level=Branch.Level.COMMITTEE).exists()


def may_propose(account: Any, unit: RoundUnit) -> Allowed | Denied:
    """Say whether the account may propose this branch's grade; for 直属党支部 the level above acts."""
    answer = can(account, Action.PROPOSE_GRADE, unit)
    if answer and unit.direct and not _acts_for_committee(account, Action.PROPOSE_GRADE):
        return Denied("直属党支部由上级党组织拟定等级。")
    return answer


def may_decide(account: Any, unit: RoundUnit) -> Allowed | Denied:
    """Say whether the account may decide this branch's grade at the level the round names."""
    answer = can(account, Action.DECIDE_GRADE, unit)
    if not answer:
        return answer
    above = unit.direct or unit.round.deciding_level == Round.DecidingLevel.COMMITTEE
    if above and not _acts_for_committee(account, Action.DECIDE_GRADE):
        if unit.direct:
            return Denied("直属党支部由上级党组织定级。")
        return Denied("本轮等级由党委审定，党总支只拟定。" if unit.round.proposes else "本轮等级由党委审定。")
    return Allowed()


def may_check_reason(account: Any, unit: RoundUnit) -> Allowed | Denied:
    """Say whether the account may tick off the reason of a large difference: only the level above the 党总支 does."""
    answer = can(account, Action.DECIDE_GRADE, unit)
    if answer and not _acts_for_committee(account, Action.DECIDE_GRADE):
        return Denied("评分理由由活动办公室核对。")
    return answer


def may_answer(account: Any, objection: Objection) -> Allowed | Denied:
    """Say whether the account may read and answer an objection: nobody does for their own branch, or their own."""
    answer = can(account, Action.ANSWER_OBJECTION, objection)
    if answer and objection.filed_by_id == account.pk:
        return Denied("这是您本人提出的异议，请由其他同志办理。")
    return answer


def may_approve(account: Any, correction: Correction) -> Allowed | Denied:
    """Say whether the account may approve a correction: never the one who proposed it."""
    answer = can(account, Action.APPROVE_CORRECTION, correction)
    if answer and correction.proposed_by_id == account.pk:
        return Denied("更正须由另一位同志复核，提出人不能复核自己的更正。")
    return answer


def may_confirm(account: Any) -> Allowed | Denied:
    """Say whether the account may confirm for the school what a 党总支 decided: only at a committee."""
    if _acts_for_committee(account, Action.DECIDE_GRADE):
        return Allowed()
    return Denied("等级由学校确认，党总支不办理。")


def may_inspect(account: Any, task: SpotCheck) -> Allowed | Denied:
    """Say whether the account may score this spot check: it was told to, and holds no office in the branch."""
    answer = can(account, Action.INSPECT, task.unit)
    if not answer:
        return answer
    if not task.active or not task.assignments.filter(account=account).exists():
        return Denied("这个党支部没有指派给您抽查。")
    return answer


def may_decide_all(account: Any, round_: Round, units: Sequence[RoundUnit]) -> tuple[list[RoundUnit], list[RoundUnit]]:
    """Return the units within reach whose grade the account may decide for the school, and those it stands aside for.

    A few queries for any number of units; at a committee only.
    """
    if not may_confirm(account):
        return [], []
    rows = RoundUnit.objects.filter(round=round_).within(scope(account, Action.DECIDE_GRADE))
    reach = set(rows.values_list("pk", flat=True))
    aside = recused_branch_ids(account)
    reached = [unit for unit in units if unit.pk in reach]
    return [u for u in reached if u.branch_id not in aside], [u for u in reached if u.branch_id in aside]


@dataclass(frozen=True, slots=True)
class GradeRights:
    """Who may decide, propose and tick off reasons, asked branch by branch."""

    decide: Callable[[RoundUnit], Allowed | Denied]
    propose: Callable[[RoundUnit], Allowed | Denied]
    check: Callable[[RoundUnit], Allowed | Denied]


def grade_rights(account: Any) -> GradeRights:
    """Return what `account` may do with grades, each branch asked on its own."""
    return GradeRights(partial(may_decide, account), partial(may_propose, account), partial(may_check_reason, account))


def school_rights(account: Any, round_: Round, units: Sequence[RoundUnit]) -> GradeRights:
    """Return the same for all branches of a round at a committee, found in a few queries for any number of them."""
    chosen, aside = may_decide_all(account, round_, units)
    free, recused = {unit.pk for unit in chosen}, {unit.pk for unit in aside}
    proposes = can(account, Action.PROPOSE_GRADE)

    def decide(unit: RoundUnit) -> Allowed | Denied:
        if unit.pk in free:
            return Allowed()
        return Denied("您在该党支部任书记或支委，按规定应当回避。" if unit.pk in recused else "不在您的管理范围内。")

    return GradeRights(decide, lambda unit: decide(unit) if proposes else proposes, decide)
