"""Permission in one place: what each role may do, where, and why not.

`GRANTS` says which actions a role carries; a RoleGrant says where. Views, exports, jobs, downloads and the admin site
all ask `can` or `scope`. A thing outside the scope of VIEW does not exist for that account (404); a thing it sees but
may not act on answers 403 with the reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, Protocol, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from branches import clock
from branches.models import Account, Appointment, Branch, Campaign, Placement, Role, RoleGrant
from branches.scopes import NOTHING, Scope


class Action(StrEnum):
    """Everything somebody can be allowed to do."""

    VIEW_HOME = "view_home"
    VIEW_BRANCHES = "view_branches"
    EDIT_PROFILE = "edit_profile"
    MANAGE_TREE = "manage_tree"
    ISSUE_CODES = "issue_codes"
    GRANT_ROLES = "grant_roles"
    VIEW_CAMPAIGN = "view_campaign"
    MANAGE_CAMPAIGN = "manage_campaign"
    VIEW_GRADING = "view_grading"
    MANAGE_ROUND = "manage_round"
    FILL_ASSESSMENT = "fill_assessment"
    SUBMIT_ASSESSMENT = "submit_assessment"
    RETURN_ASSESSMENT = "return_assessment"
    RECORD_SOURCES = "record_sources"
    MANAGE_BALLOT = "manage_ballot"
    SCORE = "score"
    INSPECT = "inspect"
    PROPOSE_GRADE = "propose_grade"
    DECIDE_GRADE = "decide_grade"
    VERIFY = "verify"
    FILE_OBJECTION = "file_objection"
    ANSWER_OBJECTION = "answer_objection"
    CORRECT_RESULT = "correct_result"
    APPROVE_CORRECTION = "approve_correction"
    EXPORT = "export"
    RETURN_SCAN = "return_scan"
    VIEW_AUDIT = "view_audit"
    MANAGE_QUEUE = "manage_queue"
    RUN_OPS = "run_ops"
    USE_ADMIN_SITE = "use_admin_site"
    MAINTAIN_RUBRICS = "maintain_rubrics"
    VIEW_RUBRICS = "view_rubrics"
    DRAFT_GUIDANCE = "draft_guidance"
    PUBLISH_GUIDANCE = "publish_guidance"
    VIEW_INTERVIEWS = "view_interviews"
    RECORD_INTERVIEW = "record_interview"
    READ_INTERVIEW = "read_interview"
    MANAGE_INTERVIEWS = "manage_interviews"
    VIEW_COVERAGE = "view_coverage"
    REPORT_INTERVIEWS = "report_interviews"
    HANDLE_MATTER = "handle_matter"
    RECEIVE_EMERGENCY = "receive_emergency"
    VIEW_RECTIFICATION = "view_rectification"
    DRAW_UP_PLAN = "draw_up_plan"
    SUBMIT_PLAN = "submit_plan"
    APPROVE_PLAN = "approve_plan"
    REPORT_PROGRESS = "report_progress"
    SUPERVISE = "supervise"
    MANAGE_RECTIFICATION = "manage_rectification"


A = Action
_EVERYBODY = {A.VIEW_HOME, A.VIEW_CAMPAIGN, A.FILE_OBJECTION}
_READ = _EVERYBODY | {A.VIEW_BRANCHES, A.VIEW_GRADING, A.VIEW_RECTIFICATION, A.EXPORT}
_FILL = {A.EDIT_PROFILE, A.FILL_ASSESSMENT, A.RETURN_SCAN, A.DRAW_UP_PLAN, A.REPORT_PROGRESS}
_PREPARE = {A.SCORE, A.RECORD_SOURCES, A.MANAGE_BALLOT, A.DRAFT_GUIDANCE}
# Talks (两访两创). READ_INTERVIEW opens the page; which texts it shows is decided record by record: one's own, and
# those one was named a reader of. Office, administrator and auditor hold it through no role of theirs.
# VIEW_INTERVIEWS opens the landing page, which offers what else an account may do.
_TALK = {A.VIEW_INTERVIEWS, A.RECORD_INTERVIEW, A.READ_INTERVIEW, A.HANDLE_MATTER, A.RECEIVE_EMERGENCY}
_PLAN_TALKS = {
    A.VIEW_INTERVIEWS, A.MANAGE_INTERVIEWS, A.VIEW_COVERAGE, A.REPORT_INTERVIEWS, A.HANDLE_MATTER, A.RECEIVE_EMERGENCY,
}  # fmt: skip
_OFFICER = _PREPARE | {
    A.SUBMIT_ASSESSMENT, A.RETURN_ASSESSMENT, A.PROPOSE_GRADE, A.DECIDE_GRADE, A.VERIFY, A.ISSUE_CODES,
    A.PUBLISH_GUIDANCE, A.SUBMIT_PLAN, A.APPROVE_PLAN, A.SUPERVISE,
}  # fmt: skip

GRANTS: dict[Role, frozenset[Action]] = {
    Role.OFFICE: frozenset(
        _READ
        | _FILL
        | _OFFICER
        | _PLAN_TALKS
        | {
            A.MANAGE_TREE,
            A.MANAGE_CAMPAIGN,
            A.MANAGE_ROUND,
            A.VIEW_RUBRICS,
            A.ANSWER_OBJECTION,
            A.CORRECT_RESULT,
            A.APPROVE_CORRECTION,
            A.MANAGE_QUEUE,
            A.RUN_OPS,
            A.VIEW_AUDIT,
            A.GRANT_ROLES,
            A.MANAGE_RECTIFICATION,
        }
    ),
    Role.GENERAL_BRANCH_OFFICER: frozenset(_READ | _FILL | _OFFICER | _PLAN_TALKS | _TALK | {A.GRANT_ROLES}),
    Role.ORGANISER: frozenset(_READ | _FILL | _PREPARE | _TALK | {A.VIEW_COVERAGE, A.REPORT_INTERVIEWS}),
    Role.SECRETARY: frozenset(
        _READ | _FILL | _TALK | {A.SUBMIT_ASSESSMENT, A.SUBMIT_PLAN, A.VIEW_COVERAGE, A.REPORT_INTERVIEWS}
    ),
    Role.CLERK: frozenset(_READ | _FILL | {A.VIEW_INTERVIEWS, A.HANDLE_MATTER}),
    Role.SCHOOL_LEADER: frozenset(_READ | _TALK | {A.VIEW_COVERAGE}),
    Role.INSPECTOR: frozenset(_EVERYBODY | {A.VIEW_BRANCHES, A.VIEW_GRADING, A.INSPECT}),
    Role.INTERVIEWER: frozenset(_EVERYBODY | _TALK),
    Role.AUDITOR: frozenset(_READ | {A.VIEW_AUDIT, A.VIEW_RUBRICS, A.VIEW_INTERVIEWS, A.VIEW_COVERAGE}),
    Role.RUBRIC_MAINTAINER: frozenset(_EVERYBODY | {A.USE_ADMIN_SITE, A.MAINTAIN_RUBRICS, A.VIEW_RUBRICS}),
    Role.ADMINISTRATOR: frozenset(
        _EVERYBODY | {A.VIEW_BRANCHES, A.ISSUE_CODES, A.GRANT_ROLES, A.RUN_OPS, A.USE_ADMIN_SITE}
    ),
}

HANDS_OUT: dict[Role, frozenset[Role]] = {
    Role.ADMINISTRATOR: frozenset(Role),
    Role.OFFICE: frozenset(
        {
            Role.GENERAL_BRANCH_OFFICER,
            Role.ORGANISER,
            Role.SECRETARY,
            Role.CLERK,
            Role.SCHOOL_LEADER,
            Role.INSPECTOR,
            Role.INTERVIEWER,
        }
    ),
    Role.GENERAL_BRANCH_OFFICER: frozenset({Role.ORGANISER, Role.SECRETARY, Role.CLERK}),
}

WITHOUT_BRANCH = frozenset(_EVERYBODY | {A.INSPECT})
RECUSABLE = frozenset(
    {
        A.SCORE,
        A.MANAGE_BALLOT,
        A.INSPECT,
        A.PROPOSE_GRADE,
        A.DECIDE_GRADE,
        A.VERIFY,
        A.ANSWER_OBJECTION,
        A.APPROVE_PLAN,
        A.SUPERVISE,
    }
)
EXCLUSIVE_ROLES = (frozenset({Role.ADMINISTRATOR, Role.AUDITOR}), frozenset({Role.OFFICE, Role.AUDITOR}))


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes."""

    reason: str = ""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Denied:
    """No, with a sentence for the person; `hidden` means that the thing must not even seem to exist."""

    reason: str
    hidden: bool = False

    def __bool__(self) -> bool:
        return False


class HasBranch(Protocol):
    """Anything that belongs to a node of the tree."""

    permission_branch_id: int


def _grants(account: Account) -> list[RoleGrant]:
    """Return today's grants of an account, read once per account object and day."""
    day = clock.today()
    cached = getattr(account, "_zhibu_grants", None)
    if cached is None or cached[0] != day:
        rows = list(RoleGrant.objects.on(day).filter(account=account, account__is_active=True).select_related("node"))
        cached = (day, rows)
        account._zhibu_grants = cached  # type: ignore[attr-defined]  # noqa: SLF001
    return cached[1]


def roles(account: Account) -> list[RoleGrant]:
    """Return the grants in force today, for the role page and the head of the page."""
    return _grants(account)


def _is_root(node: Branch, day: Any) -> bool:
    if node.level != Branch.Level.COMMITTEE:
        return False
    return Placement.objects.on(day).filter(branch=node, parent__isnull=True).exists()


def scope(account: Any, action: Action) -> Scope:
    """Return the part of the tree `account` reaches with `action` today; an empty scope for an anonymous user."""
    return _reach(account, lambda grant: action in GRANTS[Role(grant.role)] and not _names_no_branch(grant, action))


def _names_no_branch(grant: RoleGrant, action: Action) -> bool:
    """Tell whether a grant only says that somebody is an inspector: which branches are assigned one by one."""
    above = grant.role == Role.INSPECTOR and grant.node.level != Branch.Level.BRANCH
    return above and action not in WITHOUT_BRANCH


def hand_out_scope(account: Any, role: Role) -> Scope:
    """Return the part of the tree where `account` may give `role` to somebody else, or take it back."""
    return _reach(account, lambda grant: role in HANDS_OUT.get(Role(grant.role), ()))


def _reach(account: Any, counts: Callable[[RoleGrant], bool]) -> Scope:
    if not getattr(account, "is_authenticated", False) or not account.is_active:
        return NOTHING
    day = clock.today()
    counted = [grant for grant in _grants(account) if counts(grant)]
    nodes = {grant.node_id: grant.node for grant in counted}
    own = {grant.node_id for grant in counted if grant.role != Role.INSPECTOR}
    cache: dict[Any, bool] = account.__dict__.setdefault("_zhibu_roots", {})
    for pk, node in nodes.items():
        if (pk, day) not in cache:
            cache[pk, day] = _is_root(node, day)
    lent = frozenset(nodes.keys() - own)
    everything = any(cache[pk, day] for pk in nodes)
    return Scope(frozenset(nodes), day, everything, lent, account.pk if lent else None)


def branch_id_of(obj: Any) -> int | None:
    """Return the node an object belongs to: itself, its campaign's root, or its `permission_branch_id`."""
    if isinstance(obj, Branch):
        return obj.pk
    if isinstance(obj, Campaign):
        return obj.root_id
    return getattr(obj, "permission_branch_id", None) or getattr(obj, "branch_id", None)


def is_recused(account: Account, branch_id: int) -> bool:
    """Return whether the account's holder is 书记 or 支委 of that branch today (回避)."""
    if account.person_id is None:
        return False
    held = Appointment.objects.on(clock.today()).filter(person_id=account.person_id, branch_id=branch_id)
    return held.exists()


def recused_branch_ids(account: Account) -> set[int]:
    """Return all branches for which the account must stand aside."""
    if account.person_id is None:
        return set()
    held = Appointment.objects.on(clock.today()).filter(person_id=account.person_id)
    return set(held.values_list("branch_id", flat=True))


def can(account: Any, action: Action, obj: Any = None) -> Allowed | Denied:
    """Say whether `account` may do `action` (to `obj`), with the reason when not."""
    reach = scope(account, action)
    if not reach:
        return Denied("您的角色没有这项权限。")
    if obj is None:
        return Allowed()
    branch_id = branch_id_of(obj)
    if branch_id is None:
        return Denied("没有找到。", hidden=True)
    if not _reaches(reach, branch_id):
        seen = any(_reaches(scope(account, a), branch_id) for a in (A.VIEW_BRANCHES, A.VIEW_GRADING))
        return Denied("这个党支部不在您的管理范围内。", hidden=not seen)
    if action in RECUSABLE and is_recused(account, branch_id):
        return Denied("您在该党支部任书记或支委，按规定应当回避，请由其他负责人或上级办理。")
    return Allowed()


def may_hand_out(account: Account, role: Role, node: Branch, *, to: Account | None = None) -> Allowed | Denied:
    """Say whether `account` may give (or take back) `role` at `node`; nobody changes the roles of their own account."""
    if to is not None and to.pk == account.pk:
        return Denied("不能变更自己账号的角色，请由另一位有权的同事办理。")
    reach = hand_out_scope(account, role)
    if not reach:
        return Denied(f"您不能授予或收回“{role.label}”，请由系统管理员办理。")
    if not _reaches(reach, node.pk):
        return Denied("这个党组织不在您的管理范围内。")
    return Allowed()


def may_manage(account: Account, other: Account) -> Allowed | Denied:
    """Say whether `account` may issue codes for `other`, disable or enable it.

    Only who could hand out every role that `other` holds may: a code is a key to all of them.
    """
    if other.pk == account.pk:
        return Denied("这是您自己的账号：密码请在“修改密码”里改，停用请由另一位有权的同事办理。")
    held = RoleGrant.objects.filter(account=other).exclude(ends_on__lte=clock.today()).select_related("node")
    for grant in held:
        if not may_hand_out(account, Role(grant.role), grant.node):
            return Denied(f"该账号还担任“{Role(grant.role).label}”，须由有权管理这一角色的上级或系统管理员办理。")
    reach = scope(account, A.ISSUE_CODES)
    unit_id = other.person.unit_id if other.person else None
    if held or reach.everything or (unit_id and _reaches(reach, unit_id)):
        return Allowed()
    return Denied("这个账号不在您的管理范围内。", hidden=True)


def _reaches(reach: Scope, branch_id: int) -> bool:
    if reach.everything or branch_id in reach.roots:
        return True
    return bool(reach) and Branch.objects.within(reach).filter(pk=branch_id).exists()


def enforce(request: HttpRequest, action: Action, obj: Any = None) -> None:
    """Raise Http404 when `obj` must stay hidden, PermissionDenied (403, with the reason) when it is seen but barred."""
    answer = can(request.user, action, obj)
    if answer:
        return
    if answer.hidden:  # type: ignore[union-attr]
        raise Http404
    raise PermissionDenied(answer.reason)


M = TypeVar("M", bound=models.Model)


def get_or_404(queryset: "models.QuerySet[M]", reach: Scope, **lookup: Any) -> M:
    """Return the one row within `reach`, else raise Http404; the queryset must have `.within(scope)`."""
    found: list[M] = list(queryset.within(reach).filter(**lookup).order_by()[:1])  # type: ignore[attr-defined]
    if not found:
        raise Http404
    return found[0]


View = Callable[..., HttpResponseBase]


def requires(action: Action) -> Callable[[View], View]:
    """Declare the action a view needs; 403 without it. The view finds its reach in `request.scope`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            reach = scope(request.user, action)
            if not reach:
                message = "您的角色没有这项权限。"
                raise PermissionDenied(message)
            request.scope = reach  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        wrapped.zhibu_action = action  # type: ignore[attr-defined]
        return wrapped

    return decorate


def signed_in(view: View) -> View:
    """Declare a view that any signed-in account may use on its own things (password, drafts, sign-out)."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    wrapped.zhibu_action = "signed_in"  # type: ignore[attr-defined]
    return wrapped


def public(view: View) -> View:
    """Declare a view that needs no account."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    wrapped.zhibu_action = "public"  # type: ignore[attr-defined]
    wrapped.login_required = False  # type: ignore[attr-defined]
    return wrapped


def account_of(request: HttpRequest) -> Account:
    """Return the signed-in account of a request that a decorator here has let through."""
    if not isinstance(request.user, Account):
        raise PermissionDenied
    return request.user


def conflicting_roles(held: Iterable[Role]) -> str:
    """Return a sentence when roles that exclude each other meet in one account, else ''."""
    held = set(held)
    for pair in EXCLUSIVE_ROLES:
        if pair <= held:
            names = "、".join(sorted(role.label for role in pair))
            return f"{names}不能由同一账号担任。"
    return ""
