"""The account office: who has an account, codes to print, resets, roles, and everybody's own role page."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock, seats
from branches.forms.accounts import NewAccountForm, ReasonForm, RoleForm, node_choices
from branches.models import Account, ActivationCode, Branch, Placement, Role, RoleGrant
from branches.permissions import (
    Action,
    account_of,
    get_or_404,
    may_hand_out,
    may_manage,
    requires,
    roles,
    scope,
    signed_in,
)
from branches.role_texts import RECUSAL, SEPARATION, TEXTS
from branches.scopes import Scope
from branches.services import account_office, accounts

LIST = "branches/accounts/list.html"
SLIPS = "branches/accounts/slips.html"
FOUND_AT_MOST = 50


@require_safe
@requires(Action.ISSUE_CODES)
def account_list(request: HttpRequest) -> HttpResponse:
    """List accounts: all units with counts, one unit with its secretaries, or what a search found."""
    reach = request.scope  # type: ignore[attr-defined]
    context: dict[str, Any] = {"separation": SEPARATION, "may_add": bool(scope(request.user, Action.GRANT_ROLES))}
    if query := request.GET.get("q", "").strip():
        return render(request, LIST, context | {"q": query, "lines": _lines(_found(reach, query)), "mode": "found"})
    units = seats.units(reach)
    chosen = request.GET.get("unit", "")
    if not chosen and len(units) != 1:
        rest = _without_unit(reach)
        return render(request, LIST, context | {"units": units, "lines": _lines(rest), "mode": "units"})
    unit = _unit(reach, chosen) if chosen else units[0].node
    found = seats.seats(reach, unit)
    if not found and not chosen:
        raise Http404
    others = _others(reach, unit, [seat.account.pk for seat in found if seat.account])
    context |= {
        "mode": "unit", "unit": unit, "unit_name": unit.name_on(clock.today()), "seats": _worded(found),
        "lines": _lines(others), "single": not chosen, "to_open": sum(map(account_office.wants_code, found)),
    }  # fmt: skip
    return render(request, LIST, context)


def _unit(reach: Scope, chosen: str) -> Branch:
    """Return the unit named in the address; one outside the scope is not there."""
    if not chosen.isdecimal():
        raise Http404
    return get_or_404(Branch.objects.exclude(level=Branch.Level.BRANCH), reach, pk=int(chosen))


def _worded(found: list[seats.Seat]) -> list[dict[str, Any]]:
    return [{"seat": seat, "kind": seats.WORDS[seat.state][0], "words": seats.WORDS[seat.state][1]} for seat in found]


def _found(reach: Scope, query: str) -> Iterable[Account]:
    matches = (
        Q(username__icontains=query)
        | Q(display_name__icontains=query)
        | Q(person__name__icontains=query)
        | Q(person__initials__istartswith=query)
        | Q(person__number=query)
    )
    return Account.objects.within(reach).filter(matches).order_by("username")[:FOUND_AT_MOST]


def _without_unit(reach: Scope) -> Iterable[Account]:
    """Return the accounts whose roles lie at a committee, and those without a role."""
    held = RoleGrant.objects.exclude(ends_on__lte=clock.today())
    top = held.filter(node__level=Branch.Level.COMMITTEE).values("account")
    return Account.objects.within(reach).filter(Q(pk__in=top) | ~Q(pk__in=held.values("account"))).order_by("username")


def _others(reach: Scope, unit: Branch, seated: list[int]) -> Iterable[Account]:
    """Return the accounts with a role in the unit that hold none of its seats."""
    below = Placement.objects.on(clock.today()).filter(parent=unit, branch__level=Branch.Level.BRANCH).values("branch")
    held = RoleGrant.objects.exclude(ends_on__lte=clock.today()).filter(Q(node=unit) | Q(node__in=below))
    return (
        Account.objects.within(reach).filter(pk__in=held.values("account")).exclude(pk__in=seated).order_by("username")
    )


def _lines(found: Iterable[Account]) -> list[dict[str, Any]]:
    """Return accounts with their roles in words, their state and the validity of their code."""
    rows = list(
        Account.objects.filter(pk__in=[account.pk for account in found]).select_related("person").order_by("username")
    )
    keys = [row.pk for row in rows]
    held: dict[int, list[str]] = {}
    grants = list(
        RoleGrant.objects.filter(account__in=keys).exclude(ends_on__lte=clock.today()).order_by("starts_on", "pk")
    )
    names = names_of(grant.node_id for grant in grants)
    for grant in grants:
        held.setdefault(grant.account_id, []).append(f"{Role(grant.role).label}（{names.get(grant.node_id, '')}）")
    until = seats.codes_until(keys)
    return [
        {
            "account": row,
            "roles": held.get(row.pk, []),
            "kind": seats.WORDS[seats.state_of(row)][0],
            "words": seats.WORDS[seats.state_of(row)][1],
            "code_until": until.get(row.pk),
        }
        for row in rows
    ]


def names_of(nodes: Iterable[int]) -> dict[int, str]:
    """Return today's names of nodes, the short one where there is one."""
    rows = Placement.objects.on(clock.today()).filter(branch__in=set(nodes))
    return {pk: short or name for pk, short, name in rows.values_list("branch_id", "short_name", "name")}


@require_safe
@requires(Action.ISSUE_CODES)
def account_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one account: its holder, roles, codes, and what may be done with it."""
    return _account_page(request, _account(request, pk))


def _account(request: HttpRequest, pk: int) -> Account:
    return get_or_404(Account.objects.select_related("person"), request.scope, pk=pk)  # type: ignore[attr-defined]


def _account_page(
    request: HttpRequest, account: Account, form: RoleForm | None = None, status: int = 200
) -> HttpResponse:
    by = account_of(request)
    grants = list(
        RoleGrant.objects.filter(account=account).select_related("node", "granted_by__person").order_by("-pk")
    )
    names = names_of(grant.node_id for grant in grants)
    day = clock.today()
    kind, words = seats.WORDS[seats.state_of(account)]
    context = {
        "account": account,
        "unit": account.person.unit.name_on(day) if account.person and account.person.unit else "",
        "kind": kind,
        "words": words,
        "code_until": seats.codes_until([account.pk]).get(account.pk),
        "grants": [
            {
                "grant": grant,
                "node": names.get(grant.node_id) or grant.node.name_on(day),
                "over": grant.ends_on is not None and grant.ends_on <= day,
                "revocable": bool(may_hand_out(by, Role(grant.role), grant.node, to=account)),
            }
            for grant in grants
        ],
        "manage": may_manage(by, account),
        "form": form or (RoleForm(by) if by.pk != account.pk and scope(by, Action.GRANT_ROLES) else None),
        "nodes": node_choices(by),
        "separation": SEPARATION,
    }
    return render(request, "branches/accounts/account.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires(Action.GRANT_ROLES)
def account_new(request: HttpRequest) -> HttpResponse:
    """Open an account for somebody with one role; the answer shows the slip with the code, once."""
    by = account_of(request)
    form = NewAccountForm(by, request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            issued = account_office.add_account(
                by=by, newcomer=given["newcomer"], role=Role(given["role"]), node=given["node"], **form.dates()
            )
        except accounts.AccountError as error:
            form.add_error(None, str(error))
        else:
            post = Role(given["role"]).label
            slip = account_office.slip(issued, unit=given["node"].name_on(clock.today()), post=post)
            return _slips(request, [slip], "新账号的激活码", reverse("account", args=[issued.account.pk]))
    context = {"form": form, "nodes": node_choices(by), "separation": SEPARATION, "texts": TEXTS}
    return render(request, "branches/accounts/new.html", context, status=422 if form.errors else 200)


def _slips(
    request: HttpRequest,
    slips: list[account_office.Slip],
    title: str,
    back: str,
    opened: account_office.Opened | None = None,
) -> HttpResponse:
    """Show codes, once: they stand in this answer and nowhere else."""
    context = {
        "slips": slips,
        "title": title,
        "back": back,
        "opened": opened,
        "address": request.build_absolute_uri(reverse("activate")),
        # Whoever sits at the server itself prints an address nobody else can open.
        "local_only": request.get_host().rsplit(":", 1)[0] in {"localhost", "127.0.0.1", "[::1]"},
        "root": Placement.objects.on(clock.today()).filter(parent__isnull=True).first(),
    }
    return render(request, SLIPS, context)


@require_http_methods(["GET", "POST"])
@requires(Action.ISSUE_CODES)
def account_codes(request: HttpRequest) -> HttpResponse:
    """Open accounts for the secretaries of a unit and print their codes; GET says first what will happen."""
    reach = request.scope  # type: ignore[attr-defined]
    unit = _unit(reach, request.POST.get("unit") or request.GET.get("unit", ""))
    name = unit.name_on(clock.today())
    back = f"{reverse('accounts')}?{urlencode({'unit': unit.pk})}"
    if request.method == "POST":
        opened = account_office.open_unit(by=account_of(request), unit=unit)
        return _slips(request, opened.slips, f"{name}　激活码", back, opened)
    found = seats.seats(reach, unit)
    context = {
        "unit": unit,
        "unit_name": name,
        "back": back,
        "get_code": [seat for seat in found if account_office.wants_code(seat)],
        "former": [grant for seat in found for grant in seat.former],
        "vacant": [seat for seat in found if seat.state is seats.State.VACANT],
        "active": sum(seat.state is seats.State.ACTIVE for seat in found),
        "days": accounts.ACTIVATION_DAYS,
    }
    return render(request, "branches/accounts/codes.html", context)


@require_http_methods(["GET", "POST"])
@requires(Action.ISSUE_CODES)
def account_reset(request: HttpRequest, pk: int) -> HttpResponse:
    """Issue one code: for a reset with the reason, or again for an account not activated yet."""
    account = _account(request, pk)
    by = account_of(request)
    if not (answer := may_manage(by, account)):
        raise PermissionDenied(answer.reason)
    purpose = ActivationCode.Purpose.RESET if account.activated else ActivationCode.Purpose.ACTIVATE
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            issued = accounts.issue_code(by=by, account=account, purpose=purpose, reason=form.cleaned_data["reason"])
        except accounts.AccountError as error:
            form.add_error(None, str(error))
        else:
            slip = account_office.slip(issued, unit=_unit_name(account), post=purpose.label)
            return _slips(
                request, [slip], f"{account.get_full_name()}　{purpose.label}码", reverse("account", args=[pk])
            )
    context = {"form": form, "account": account, "unit": _unit_name(account), "minutes": accounts.RESET_MINUTES}
    return render(request, "branches/accounts/reset.html", context, status=422 if form.errors else 200)


def _unit_name(account: Account) -> str:
    """Return where the holder belongs, else the place of the first role."""
    day = clock.today()
    if account.person and account.person.unit:
        return account.person.unit.name_on(day)
    grant = RoleGrant.objects.on(day).filter(account=account).select_related("node").order_by("pk").first()
    return grant.node.name_on(day) if grant else ""


@require_POST
@requires(Action.ISSUE_CODES)
def account_active(request: HttpRequest, pk: int) -> HttpResponse:
    """Disable or enable an account."""
    account = _account(request, pk)
    active = request.POST.get("active") == "1"
    by = account_of(request)
    if not (answer := may_manage(by, account)):
        raise PermissionDenied(answer.reason)
    accounts.set_active(by=by, account=account, active=active)
    done = "已启用" if active else "已停用，本人的登录已全部退出"
    messages.success(request, f"{account.get_full_name()}的账号{done}。")
    return redirect("account", pk=pk)


@require_POST
@requires(Action.GRANT_ROLES)
def account_grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the account one more role."""
    account, by = _account(request, pk), account_of(request)
    form = RoleForm(by, request.POST)
    if form.is_valid():
        try:
            accounts.grant(
                by=by,
                account=account,
                role=Role(form.cleaned_data["role"]),
                node=form.cleaned_data["node"],
                **form.dates(),
            )
        except accounts.AccountError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已授予{account.get_full_name()}“{Role(form.cleaned_data['role']).label}”。")
            return redirect("account", pk=pk)
    return _account_page(request, account, form, status=422)


@require_POST
@requires(Action.GRANT_ROLES)
def account_revoke(request: HttpRequest, pk: int, grant_pk: int) -> HttpResponse:
    """Take a role back, from today on."""
    account = _account(request, pk)
    grant = account.grants.select_related("node", "account").filter(pk=grant_pk).first()
    if grant is None:
        raise Http404
    try:
        accounts.revoke(by=account_of(request), grant=grant, on=clock.today())
    except accounts.AccountError as error:
        raise PermissionDenied(str(error)) from error
    messages.success(request, f"已收回{account.get_full_name()}的“{Role(grant.role).label}”。")
    return redirect("account", pk=pk)


@require_safe
@signed_in
def my_role(request: HttpRequest) -> HttpResponse:
    """Show each role the visitor holds: where, since when, what it may do and may not, and whom to ask."""
    account = account_of(request)
    held = [
        {"grant": grant, "text": TEXTS[Role(grant.role)], "node": grant.node.name_on(clock.today())}
        for grant in roles(account)
    ]
    context = {"account": account, "held": held, "separation": SEPARATION, "recusal": RECUSAL}
    return render(request, "branches/accounts/my_role.html", context)
