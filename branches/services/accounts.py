"""Accounts, one-time codes and role grants. No password is ever set by anybody but its holder."""

import datetime as dt
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from branches import audit, clock, names
from branches.models import Account, ActivationCode, AuditEntry, Branch, Person, Role, RoleGrant
from branches.permissions import Allowed, Denied, conflicting_roles, may_hand_out, may_manage
from branches.services import tree, words

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 17  # 31 signs each: 84 bits
ACTIVATION_DAYS = 30
RESET_MINUTES = 15
SIGN_IN = "session.begin"
FIRST_DAY = dt.date(1949, 10, 1)  # a school may backfill campaigns of any year: its root has no later beginning


class AccountError(ValueError):
    """Something an account may not do; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code in clear, shown or printed once and kept nowhere."""

    account: Account
    code: str
    expires_at: dt.datetime


def normal_username(text: str) -> str:
    """Return a login name as it is stored and compared: half-width, lower case, without spaces around it."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def _ask(answer: Allowed | Denied) -> None:
    if isinstance(answer, Denied):
        raise AccountError(answer.reason)


def code_digest(code: str) -> str:
    """Return the HMAC under which a code is stored; spaces, hyphens and letter case do not matter."""
    plain = "".join(ch for ch in code.upper() if ch.isalnum())
    return hmac.new(f"activation:{settings.SECRET_KEY}".encode(), plain.encode(), hashlib.sha256).hexdigest()


def _new_code() -> str:
    raw = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join((raw[:6], raw[6:12], raw[12:]))


def free_username(wanted: str) -> str:
    """Return `wanted`, with a number behind it when it is taken."""
    taken = {
        name.lower() for name in Account.objects.filter(username__istartswith=wanted).values_list("username", flat=True)
    }
    if wanted.lower() not in taken:
        return wanted
    number = 2
    while f"{wanted}{number}".lower() in taken:
        number += 1
    return f"{wanted}{number}"


@transaction.atomic
def open_account(
    *, by: Account | None, person: Person | None = None, username: str = "", display_name: str = ""
) -> Account:
    """Create an account without a password; the holder sets it with a code. Raises AccountError for a taken name."""
    wanted = normal_username(username) or (names.login_name(person.name) if person else "")
    if username and Account.objects.filter(username__iexact=wanted).exists():
        message = f"登录名“{wanted}”已被使用。"
        raise AccountError(message)
    account = Account(
        username=wanted if username else free_username(wanted),
        person=person,
        display_name=display_name,
        created_at=clock.now(),
    )
    account.set_unusable_password()
    account.save()
    audit.record(
        by=by, action="account.open", thing=account, branch=person.unit if person else None, summary="开立账号",
        after={"username": account.username},
    )  # fmt: skip
    return account


@transaction.atomic
def grant(
    *,
    by: Account | None,
    account: Account,
    role: Role,
    node: Branch,
    starts_on: dt.date,
    ends_on: dt.date | None = None,
) -> RoleGrant:
    """Give a role at a node; `by=None` is the system itself (demo, first run).

    Raises AccountError when `by` may not hand it out, or when it excludes a role held in the same days (三员分立).
    """
    if by is not None:
        _ask(may_hand_out(by, role, node, to=account))
    return _grant(by=by, account=account, role=role, node=node, starts_on=starts_on, ends_on=ends_on)


def _grant(
    *,
    by: Account | None,
    account: Account,
    role: Role,
    node: Branch,
    starts_on: dt.date,
    ends_on: dt.date | None = None,
) -> RoleGrant:
    Account.objects.select_for_update().get(pk=account.pk)
    meanwhile = RoleGrant.objects.filter(account=account).exclude(ends_on__lte=starts_on)
    if ends_on is not None:
        meanwhile = meanwhile.filter(starts_on__lt=ends_on)
    if problem := conflicting_roles({*map(Role, meanwhile.values_list("role", flat=True)), role}):
        raise AccountError(problem)
    row, created = RoleGrant.objects.get_or_create(
        account=account, role=role, node=node, ends_on=ends_on, defaults={"starts_on": starts_on, "granted_by": by}
    )
    if not created and row.starts_on > starts_on:
        row.starts_on = starts_on
        row.save(update_fields=["starts_on"])
        created = True
    account.__dict__.pop("_zhibu_grants", None)
    if created:
        audit.record(
            by=by, action="role.grant", thing=account, branch=node, summary=f"授予角色：{role.label}",
            after={"role": role, "node": node.code, "starts_on": starts_on, "ends_on": ends_on},
        )  # fmt: skip
    return row


@transaction.atomic
def revoke(*, by: Account | None, grant: RoleGrant, on: dt.date) -> RoleGrant:
    """End a role at a day. Raises AccountError when `by` may not take it back."""
    if by is not None:
        _ask(may_hand_out(by, Role(grant.role), grant.node, to=grant.account))
    grant.ends_on = max(on, grant.starts_on)
    grant.save(update_fields=["ends_on"])
    audit.record(
        by=by, action="role.revoke", thing=grant.account, branch=grant.node,
        summary=f"收回角色：{Role(grant.role).label}", after={"ends_on": grant.ends_on},
    )  # fmt: skip
    return grant


@transaction.atomic
def issue_code(*, by: Account | None, account: Account, purpose: str, reason: str = "") -> IssuedCode:
    """Make a one-time code for the holder; codes issued before stop working. Returned once, stored only as an HMAC.

    Raises AccountError when `by` may not manage the account, or a reset has no reason (how the identity was checked).
    """
    reason = reason.strip()
    if by is not None:
        _ask(may_manage(by, account))
    if purpose == ActivationCode.Purpose.RESET and not reason:
        message = "请写明怎样核对了本人身份。"
        raise AccountError(message)
    Account.objects.select_for_update().get(pk=account.pk)
    moment = clock.now()
    reset = purpose == ActivationCode.Purpose.RESET
    if reset:
        expires = moment + dt.timedelta(minutes=RESET_MINUTES)
    else:
        expires = (moment + dt.timedelta(days=ACTIVATION_DAYS)).replace(hour=23, minute=59, second=59, microsecond=0)
    ActivationCode.objects.filter(account=account, used_at__isnull=True, expires_at__gt=moment).update(used_at=moment)
    code = _new_code()
    row = ActivationCode.objects.create(
        account=account, purpose=purpose, digest=code_digest(code), issued_by=by, issued_at=moment,
        expires_at=expires, reason=reason,
    )  # fmt: skip
    audit.record(
        by=by, action=f"code.{purpose}", thing=account, branch=account.person.unit if account.person else None,
        summary=f"签发{row.get_purpose_display()}码", after={"reason": reason},
    )  # fmt: skip
    return IssuedCode(account, code, row.expires_at)


def find_code(code: str) -> ActivationCode | None:
    """Return the unused, unexpired code row, or None."""
    rows = ActivationCode.objects.select_related("account__person").filter(
        digest=code_digest(code), used_at__isnull=True, expires_at__gt=clock.now(), account__is_active=True
    )
    return rows.first()


@transaction.atomic
def use_code(*, code: str, password: str) -> Account:
    """Let the holder set a password with a code; the code is spent, all sessions of the account end.

    Raises AccountError for a code that is wrong, spent or expired, and ValidationError for a weak password (the code
    stays good then).
    """
    row = find_code(code)
    if row is None:
        message = "激活码无效、已使用或已过期，请向活动办公室或党总支重新领取。"
        raise AccountError(message)
    validate_password(password, row.account)
    spent = ActivationCode.objects.filter(pk=row.pk, used_at__isnull=True).update(used_at=clock.now())
    if not spent:
        message = "激活码刚刚已被使用。"
        raise AccountError(message)
    _set_password(row.account, password)
    audit.record(by=row.account, action="account.password", thing=row.account, summary="持码设置密码")
    return row.account


@transaction.atomic
def change_password(*, account: Account, password: str) -> Account:
    """Set the holder's own new password; other sessions end. Raises ValidationError for a weak one."""
    validate_password(password, account)
    _set_password(account, password)
    audit.record(by=account, action="account.password", thing=account, summary="修改密码")
    return account


def _set_password(account: Account, password: str) -> None:
    account.set_password(password)
    account.session_epoch += 1
    account.save(update_fields=["password", "session_epoch"])


@transaction.atomic
def set_active(*, by: Account, account: Account, active: bool) -> Account:
    """Disable or enable an account; disabling ends its sessions at once. Raises AccountError when `by` may not."""
    _ask(may_manage(by, account))
    account.is_active = active
    account.session_epoch += 1
    account.save(update_fields=["is_active", "session_epoch"])
    audit.record(by=by, action="account.active", thing=account, summary="启用账号" if active else "停用账号")
    return account


@transaction.atomic
def note_sign_in(*, account: Account) -> AuditEntry | None:
    """Write a sign-in into the audit trail; return the sign-in before it, for the holder to check."""
    before = AuditEntry.objects.filter(account=account, action=SIGN_IN).order_by("-pk").first()
    audit.record(by=account, action=SIGN_IN, thing=account, summary="登录")
    return before


@transaction.atomic
def note_sign_out(*, account: Account) -> AuditEntry:
    """Write a sign-out into the audit trail."""
    return audit.record(by=account, action="session.end", thing=account, summary="退出登录")


def _token_file() -> Path:
    return Path(settings.VAR_DIR) / "first-run-token"


def first_run_token() -> str:
    """Return the one-time token for making the administrator, creating it (mode 0600) while no account exists."""
    path = _token_file()
    if Account.objects.exists():
        path.unlink(missing_ok=True)
        return ""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(_new_code())
    return path.read_text().strip()


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What the first page asks for."""

    school: str
    committee: str
    code: str
    username: str
    password: str
    also_office: bool
    name: str = ""


@transaction.atomic
def first_run(*, token: str, form: FirstRun) -> Account:
    """Make the root node, the administrator and, when asked, the office role of the same person.

    Raises AccountError for a wrong token or a second run, ValidationError for a weak password.
    """
    expected = first_run_token()
    if not expected or not hmac.compare_digest(code_digest(token), code_digest(expected)):
        message = "启动口令不对。口令打印在启动服务的终端里。"
        raise AccountError(message)
    username = normal_username(form.username)
    account = Account(username=username, display_name=form.name.strip() or username, created_at=clock.now())
    validate_password(form.password, account)
    account.set_password(form.password)
    account.save()
    words.ensure_categories(by=account)
    place = tree.Place(name=form.committee, short_name=form.school, parent=None)
    root = tree.set_up(by=account, code=form.code, level=Branch.Level.COMMITTEE, place=place, starts_on=FIRST_DAY)
    for role in (Role.ADMINISTRATOR, *([Role.OFFICE, Role.RUBRIC_MAINTAINER] if form.also_office else [])):
        _grant(by=account, account=account, role=role, node=root, starts_on=clock.today())
    audit.record(by=account, action="account.first_run", thing=account, summary="首次启动，建立管理员")
    transaction.on_commit(lambda: _token_file().unlink(missing_ok=True))
    return account
