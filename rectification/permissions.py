"""Who approves, verifies and decides: branches.permissions.can, plus the level above that answers for the tree."""

from typing import Any

from django.db.models import Q, QuerySet

from branches import clock
from branches.models import Account, Branch, Placement, Role
from branches.permissions import GRANTS, Action, Allowed, Denied, can, is_recused, roles
from branches.scopes import Scope
from grading.models import Round
from rectification.models import Change, Item, Plan

SECOND_PERSON = "这是您本人提出的申请，请由另一位负责同志审批。"
ABOVE = "须由上一级党组织办理。"
OWNER = "您是这一项的责任人，不能核实自己负责的项目。"
SAME_NAME = (
    "您与这一项的责任人或责任领导同名，系统分不清是不是您本人。是您本人的，请由其他同志核实；"
    "不是的，请支部或其他同志先在这一项的“责任人是哪一位”里选定，再由您核实。"
)


def rounds_within(reach: Scope) -> QuerySet[Round]:
    """Return the rounds a scope reaches: by a unit, or by the plan of a branch set up after the round was frozen."""
    rows = Round.objects.within(reach)
    if reach.everything:
        return rows
    later = Plan.objects.within(reach).set_up_later().values("round")
    return Round.objects.filter(Q(pk__in=rows.values("pk")) | Q(pk__in=later))


def superior_of(node_id: int) -> int | None:
    """Return the node above another today; None for the root and for one that has ended."""
    return Placement.objects.on(clock.today()).filter(branch_id=node_id).values_list("parent_id", flat=True).first()


def acts_above(account: Any, action: Action, node_id: int) -> bool:
    """Tell whether the account carries `action` at a node strictly above `node_id` today.

    Above the highest node there is nobody, so that another holder at that node acts for it. Above one that has ended
    is what its last superior was.
    """
    held = {grant.node_id for grant in roles(account) if action in GRANTS[Role(grant.role)]}
    if not held:
        return False
    day = clock.today()
    here = {node_id}
    placed = Placement.objects.on(day).filter(branch_id=node_id).exists()
    last = None if placed else Placement.objects.filter(branch_id=node_id).order_by("-starts_on").first()
    start = last.parent_id if last is not None and last.parent_id is not None else node_id
    above = set(Branch.objects.filter(pk__in=Scope(frozenset({start}), day).above()).values_list("pk", flat=True))
    return bool(held & (above - here)) or (above == here and node_id in held)


def acts_for(account: Any, node_id: int) -> bool:
    """Tell whether the account holds a role at the node itself; anybody else entering for it does so 代录."""
    return any(grant.node_id == node_id for grant in roles(account))


def may_edit(account: Any, plan: Plan) -> Allowed | Denied:
    """Say whether the account may draw up and change a plan while it is open."""
    return can(account, Action.DRAW_UP_PLAN, plan)


def may_submit(account: Any, plan: Plan) -> Allowed | Denied:
    """Say whether the account may hand a plan in."""
    return can(account, Action.SUBMIT_PLAN, plan)


def may_decide(account: Any, plan: Plan) -> Allowed | Denied:
    """Say whether the account may approve or return a plan's items: the level above the plan's own."""
    answer = can(account, Action.APPROVE_PLAN, plan)
    if answer and not acts_above(account, Action.APPROVE_PLAN, plan.branch_id):
        return Denied("整改提高方案" + ABOVE)
    return answer


def may_record(account: Any, item: Item) -> Allowed | Denied:
    """Say whether the account may record progress: for the branch, or for the superior that took an item over."""
    answer = can(account, Action.REPORT_PROGRESS, item)
    if answer and item.responsible_id != item.plan.branch_id:
        superior = Branch.objects.get(pk=item.responsible_id)
        if not can(account, Action.REPORT_PROGRESS, superior):
            return Denied("这一项已提请上级解决，由上级登记进展。")
    return answer


def _called(account: Account, name: str, person_id: int | None) -> bool:
    """Tell whether somebody not chosen from the register has the name of the account's holder."""
    return person_id is None and account.get_full_name() == name.strip()


def is_namesake(account: Account, item: Item) -> bool:
    """Tell whether 责任人 or 责任领导 bears the holder's name and nobody has said yet who is meant."""
    owner = _called(account, item.owner_name, item.owner_person_id)
    return owner or _called(account, item.leader, item.leader_person_id)


def is_owner(account: Account, item: Item) -> bool:
    """Tell whether the account's holder is 责任人 or 责任领导: the person chosen, else somebody of that name."""
    chosen = {item.owner_person_id, item.leader_person_id} - {None}
    return account.person_id in chosen or is_namesake(account, item)


def may_recheck(account: Account, item: Item) -> Allowed | Denied:
    """Say whether the account may look again at what was verified: of the level above, never the item's owner."""
    answer = can(account, Action.VERIFY, item)
    if not answer:
        return answer
    if not acts_above(account, Action.VERIFY, item.responsible_id):
        return Denied("核实销号" + ABOVE)
    if is_recused(account, item.responsible_id):
        return Denied("您在负责整改的党组织任职，按规定应当回避，请由其他负责人或上级核实。")
    if is_owner(account, item):
        return Denied(SAME_NAME if is_namesake(account, item) else OWNER)
    return Allowed()


def may_verify(account: Account, item: Item) -> Allowed | Denied:
    """Say whether the account may verify an item: who may look again at it, except whoever asks for 销号 now."""
    answer = may_recheck(account, item)
    if answer and item.requested_by_id is not None and item.requested_by_id == account.pk:
        return Denied("这一项的销号申请是您提交的，请由另一位同志核实。")
    return answer


def may_decide_change(account: Account, change: Change) -> Allowed | Denied:
    """Say whether the account may decide a change: the level above who answers for the item, never who asked."""
    answer = can(account, Action.APPROVE_PLAN, change)
    if answer and not acts_above(account, Action.APPROVE_PLAN, change.item.responsible_id):
        return Denied("变更" + ABOVE)
    if answer and change.requested_by_id == account.pk:
        return Denied(SECOND_PERSON)
    return answer
