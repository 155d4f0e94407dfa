"""Who proposes and who decides a grade: branches.permissions.can, plus the level the round names."""

from typing import Any

from branches.models import Branch
from branches.permissions import Action, Allowed, Denied, can, roles, scope
from grading.models import Round, RoundUnit


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
        return Denied("本轮等级由党委审定，党总支只拟定。" if not unit.direct else "直属党支部由上级党组织定级。")
    return Allowed()


def may_check_reason(account: Any, unit: RoundUnit) -> Allowed | Denied:
    """Say whether the account may tick off the reason of a large difference: only the level above the 党总支 does."""
    answer = can(account, Action.DECIDE_GRADE, unit)
    if answer and not _acts_for_committee(account, Action.DECIDE_GRADE):
        return Denied("评分理由由组织部核对。")
    return answer
