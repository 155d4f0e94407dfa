"""Signing in and out, setting a password with a code, changing it."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout, update_session_auth_hash
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock, wording
from branches.forms.accounts import ChangePasswordForm, CodeForm, NewPasswordForm, SignInForm
from branches.middleware import begin
from branches.models import Account, ActivationCode, Campaign, Placement, Role, RoleGrant
from branches.permissions import public, signed_in
from branches.role_texts import TEXTS
from branches.services import accounts, throttle

BACKEND = "branches.auth.AccountBackend"
LANDING = "/"


def _next(request: HttpRequest) -> str:
    """Return where to go after signing in; never to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return LANDING


def enter(request: HttpRequest, account: Account) -> None:
    """Begin a session under a new key, note it, and tell the holder of the sign-in before."""
    login(request, account, backend=BACKEND)
    begin(request)
    before = accounts.note_sign_in(account=account)
    if before is not None:
        place = f"，来自 {before.address}" if before.address else ""
        when = wording.zh_moment(timezone.localtime(before.at), clock.now())
        messages.info(request, f"上次登录：{when}{place}。不是您本人的话，请马上修改密码。")


@require_http_methods(["GET", "POST"])
@public
@sensitive_post_parameters("password")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for login name and password; in a demo also offer one button per role."""
    if request.method == "POST" and "role" in request.POST:
        return _enter_demo(request)
    if request.method == "GET":
        if request.user.is_authenticated:
            return redirect(_next(request))
        if not Account.objects.exists():
            return redirect("first-run")
        return _sign_in_page(request, SignInForm(), expired=request.session.pop("expired", False))
    form = SignInForm(request.POST)
    if not form.is_valid():
        return _sign_in_page(request, form, status=422)
    name = form.cleaned_data["username"]
    if until := throttle.name_locked_until(name):
        return locked_page(request, until)
    account = authenticate(request, username=name, password=form.cleaned_data["password"])
    if not isinstance(account, Account):
        form.add_error(None, "登录名或密码不对。连续输错会暂时锁定；忘记密码请向开账号的人领取重设码。")
        return _sign_in_page(request, form, status=422)
    enter(request, account)
    return redirect(_next(request))


def _sign_in_page(request: HttpRequest, form: SignInForm, *, expired: bool = False, status: int = 200) -> HttpResponse:
    newest = Campaign.objects.order_by("-year", "-pk").first()
    root = Placement.objects.on(clock.today()).filter(parent__isnull=True).first()
    context = {
        "form": form,
        "next": request.POST.get("next") or request.GET.get("next") or "",
        "expired": expired,
        "school": root.short_name or root.name if root else "",
        "campaign": newest,
        "demo_seats": demo_seats() if settings.DEMO else [],
    }
    return render(request, "branches/accounts/login.html", context, status=status)


def demo_seats() -> list[dict[str, Any]]:
    """Return one account per role of the demo: role, holder, unit, and what the role is about."""
    found = []
    day = clock.today()
    for role in Role:
        grant = _demo_grant(role)
        if grant is not None:
            found.append(
                {
                    "role": role,
                    "name": grant.account.get_full_name(),
                    "unit": grant.node.name_on(day) if grant.node.level != "committee" else "",
                    "line": TEXTS[role].line,
                }
            )
    return found


def _demo_grant(role: Role) -> RoleGrant | None:
    grants = RoleGrant.objects.on(clock.today()).filter(role=role, account__is_active=True)
    return grants.select_related("account__person", "node").order_by("pk").first()


def _enter_demo(request: HttpRequest) -> HttpResponse:
    """Sign in as the first holder of a role; a demo database only."""
    if not settings.DEMO or request.POST["role"] not in Role.values:
        raise Http404
    grant = _demo_grant(Role(request.POST["role"]))
    if grant is None:
        raise Http404
    enter(request, grant.account)
    return redirect(LANDING)


def locked_out(request: HttpRequest, _response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """Answer 429 when axes has closed this login name for this address (AXES_LOCKOUT_CALLABLE)."""
    name = accounts.normal_username((credentials or {}).get("username") or request.POST.get("username", ""))
    return locked_page(request, throttle.pair_locked_until(name, _address(request)))


def _address(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


def locked_page(request: HttpRequest, until: dt.datetime | None) -> HttpResponse:
    """Say from when on trying again makes sense."""
    context = {"until": until, "minutes": round(throttle.cool_off().total_seconds() / 60)}
    return render(request, "branches/locked_out.html", context, status=429)


@require_POST
@signed_in
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session and let the browser forget what it kept."""
    if isinstance(request.user, Account):
        accounts.note_sign_out(account=request.user)
    logout(request)
    messages.success(request, "已退出登录。")
    response = redirect("login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@require_http_methods(["GET", "POST"])
@public
@sensitive_post_parameters()
def activate(request: HttpRequest) -> HttpResponse:
    """Take a one-time code, show whose account it opens, let the holder set a password, and sign in."""
    if request.method == "GET":
        return render(request, "branches/accounts/activate.html", {"form": CodeForm()})
    address = _address(request)
    if until := throttle.codes_locked_until(address):
        return locked_page(request, until)
    row = accounts.find_code(request.POST.get("code", ""))
    if row is None:
        return _wrong_code(request, address)
    form = (
        NewPasswordForm(request.POST)
        if "password" in request.POST
        else NewPasswordForm(initial={"code": request.POST["code"]})
    )
    if form.is_bound and form.is_valid():
        try:
            account = accounts.use_code(code=form.cleaned_data["code"], password=form.cleaned_data["password"])
        except ValidationError as error:
            form.add_error("password", error)
        except accounts.AccountError:
            return _wrong_code(request, address)
        else:
            enter(request, account)
            messages.success(request, "密码已设好，下次用登录名和密码登录。")
            return redirect("my-role")
    context = {"form": form, "row": row, "account": row.account, "reset": row.purpose == ActivationCode.Purpose.RESET}
    held = RoleGrant.objects.on(clock.today()).filter(account=row.account).select_related("node")
    context["places"] = [(grant.get_role_display(), grant.node.name_on(clock.today())) for grant in held]
    return render(request, "branches/accounts/set_password.html", context, status=422 if form.errors else 200)


def _wrong_code(request: HttpRequest, address: str | None) -> HttpResponse:
    form = CodeForm(request.POST)
    if form.is_valid():
        throttle.note_wrong_code(address)
        form.add_error("code", "激活码无效、已使用或已过期。请核对后再输一次，仍不行请向开账号的人重新领取。")
    return render(request, "branches/accounts/activate.html", {"form": form}, status=422)


@require_http_methods(["GET", "POST"])
@signed_in
@sensitive_post_parameters()
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; other sessions of the account end."""
    account = request.user
    if not isinstance(account, Account):
        raise PermissionDenied
    form = ChangePasswordForm(account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.change_password(account=account, password=form.cleaned_data["password"])
        except ValidationError as error:
            form.add_error("password", error)
        else:
            update_session_auth_hash(request, account)
            messages.success(request, "密码已修改，其他地方的登录已全部退出。")
            return redirect(reverse("my-role"))
    status = 422 if form.errors else 200
    return render(request, "branches/accounts/password.html", {"form": form}, status=status)
