"""Accounts, codes, roles and the first run: what the services do and refuse."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from branches import clock
from branches.models import Account, ActivationCode, AuditDetail, AuditEntry, Branch, Role, RoleGrant
from branches.services import accounts
from branches.services.accounts import AccountError, FirstRun
from tests.factories import branches as f

pytestmark = pytest.mark.db
GOOD = "Citong-2012-xiu"
RESET, ACTIVATE = ActivationCode.Purpose.RESET, ActivationCode.Purpose.ACTIVATE
MORNING = dt.datetime(2012, 4, 1, 1, 0, tzinfo=dt.UTC)  # 9:00 in Shanghai


def issue(account, purpose=ACTIVATE, **more):
    return accounts.issue_code(by=None, account=account, purpose=purpose, **more)


# --- opening -----------------------------------------------------------------------------------------------------


def test_login_names_come_from_the_name_and_never_clash():
    opened = [accounts.open_account(by=None, person=f.PersonFactory(name="吴勇")) for _ in range(3)]
    assert [account.username for account in opened] == ["wuyong", "wuyong2", "wuyong3"]
    assert not any(account.activated for account in opened)


@pytest.mark.parametrize("typed", ["WuYong", " wuyong ", "ＷＵＹＯＮＧ"])
def test_a_login_name_has_one_form(typed):
    accounts.open_account(by=None, username=typed)
    assert Account.objects.get().username == "wuyong"
    with pytest.raises(AccountError, match="“wuyong”已被使用"):
        accounts.open_account(by=None, username="WUYONG")


# --- codes -------------------------------------------------------------------------------------------------------


def test_a_code_is_stored_as_a_digest_only():
    issued = issue(f.AccountFactory(password=None))
    plain = issued.code.replace("-", "")
    assert len(plain) == 17
    assert set(plain) <= set(accounts.ALPHABET)
    row = ActivationCode.objects.get()
    assert row.digest == accounts.code_digest(issued.code)
    kept = [str(list(model.objects.values())) for model in (ActivationCode, AuditEntry, AuditDetail)]
    assert not any(plain in text or issued.code in text for text in kept)


@pytest.mark.parametrize("spelling", [str.lower, lambda c: c.replace("-", ""), lambda c: f" {c.replace('-', ' ')} "])
def test_hyphens_spaces_and_case_do_not_matter(spelling):
    issued = issue(f.AccountFactory(password=None))
    assert accounts.find_code(spelling(issued.code)).account == issued.account


def test_a_code_sets_a_password_once():
    issued = issue(account := f.AccountFactory(password=None))
    accounts.use_code(code=issued.code, password=GOOD)
    account.refresh_from_db()
    assert account.check_password(GOOD)
    assert account.session_epoch == 1
    with pytest.raises(AccountError, match="无效、已使用或已过期"):
        accounts.use_code(code=issued.code, password="Another-2012-x")
    account.refresh_from_db()
    assert account.check_password(GOOD)


def test_a_weak_password_does_not_spend_the_code():
    issued = issue(f.AccountFactory(password=None))
    for weak in ("short", "1234567890", "Dangwei@2012", "alllowercase"):
        with pytest.raises(ValidationError):
            accounts.use_code(code=issued.code, password=weak)
    assert accounts.use_code(code=issued.code, password=GOOD).activated


def test_issuing_again_makes_the_old_code_useless():
    account = f.AccountFactory(password=None)
    old, new = issue(account), issue(account)
    assert accounts.find_code(old.code) is None
    assert accounts.find_code(new.code).account == account


def test_codes_expire(time_machine):
    time_machine.move_to(MORNING, tick=False)
    activation = issue(f.AccountFactory(password=None))
    reset = issue(f.AccountFactory(), RESET, reason="持工作证")
    assert f"{activation.expires_at.astimezone(clock.now().tzinfo):%Y-%m-%d %H:%M}" == "2012-05-01 23:59"
    for minutes, found in ((14, True), (15, False)):
        time_machine.move_to(MORNING + dt.timedelta(minutes=minutes), tick=False)
        assert bool(accounts.find_code(reset.code)) is found
    for moment, found in (
        (dt.datetime(2012, 5, 1, 15, 58, tzinfo=dt.UTC), True),
        (dt.datetime(2012, 5, 1, 16, tzinfo=dt.UTC), False),
    ):
        time_machine.move_to(moment, tick=False)
        assert bool(accounts.find_code(activation.code)) is found


def test_a_disabled_account_cannot_use_its_code():
    issued = issue(account := f.AccountFactory(password=None))
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert accounts.find_code(issued.code) is None


def test_a_reset_needs_the_way_identity_was_checked():
    account = f.AccountFactory()
    with pytest.raises(AccountError, match="核对了本人身份"):
        issue(account, RESET, reason="  ")
    issue(account, RESET, reason="持工作证到办公室")
    assert ActivationCode.objects.get().reason == "持工作证到办公室"
    assert AuditEntry.objects.get(action="code.reset").detail.after == {"reason": "持工作证到办公室"}


def test_only_who_holds_all_the_roles_in_hand_issues_a_code():
    school = f.school()
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    for other in (f.holder(Role.SECRETARY, school.chinese), f.holder(Role.OFFICE, school.root), officer):
        with pytest.raises(AccountError):
            accounts.issue_code(by=officer, account=other, purpose=RESET, reason="电话")
        with pytest.raises(AccountError):
            accounts.set_active(by=officer, account=other, active=False)
    assert not ActivationCode.objects.exists()


# --- passwords and state -----------------------------------------------------------------------------------------


def test_changing_the_password_ends_other_sessions_and_keeps_no_secret():
    account = f.AccountFactory()
    before = account.get_session_auth_hash()
    accounts.change_password(account=account, password=GOOD)
    assert account.get_session_auth_hash() != before
    assert not any(GOOD in str(row) for row in AuditDetail.objects.values())


def test_disabling_ends_sessions_and_keeps_roles():
    school = f.school()
    account, office = f.holder(Role.SECRETARY, school.software), f.holder(Role.OFFICE, school.root)
    accounts.set_active(by=office, account=account, active=False)
    account.refresh_from_db()
    assert (account.is_active, account.session_epoch, account.grants.count()) == (False, 1, 1)
    accounts.set_active(by=office, account=account, active=True)
    assert Account.objects.get(pk=account.pk).is_active


# --- roles -------------------------------------------------------------------------------------------------------


def test_granting_is_bounded_by_what_the_granter_may_hand_out():
    school = f.school()
    office, target = f.holder(Role.OFFICE, school.root), f.AccountFactory()
    given = {"by": office, "account": target, "starts_on": f.LONG_AGO}
    accounts.grant(**given, role=Role.ORGANISER, node=school.maths)
    for role in (Role.ADMINISTRATOR, Role.AUDITOR, Role.OFFICE, Role.RUBRIC_MAINTAINER):
        with pytest.raises(AccountError, match="系统管理员"):
            accounts.grant(**given, role=role, node=school.root)
    with pytest.raises(AccountError, match="自己账号"):
        accounts.grant(**(given | {"account": office}), role=Role.CLERK, node=school.software)
    assert [grant.role for grant in target.grants.all()] == ["organiser"]


@pytest.mark.parametrize(("one", "two"), [(Role.ADMINISTRATOR, Role.AUDITOR), (Role.OFFICE, Role.AUDITOR)])
def test_the_three_officers_stay_apart_whatever_the_order_of_days(one, two):
    school = f.school()
    may, june = dt.date(2012, 5, 1), dt.date(2012, 6, 1)
    for first, second, starts, again in ((one, two, may, may), (two, one, may, june), (two, one, june, may)):
        account = f.AccountFactory()
        accounts.grant(by=None, account=account, role=first, node=school.root, starts_on=starts)
        with pytest.raises(AccountError, match="不能由同一账号担任"):
            accounts.grant(by=None, account=account, role=second, node=school.root, starts_on=again)
    accounts.grant(by=None, account=account, role=one, node=school.root, starts_on=may, ends_on=june)


def test_granting_twice_leaves_one_row_and_one_entry():
    school, account = f.school(), f.AccountFactory()
    given = {"by": None, "account": account, "role": Role.CLERK, "node": school.software}
    accounts.grant(**given, starts_on=dt.date(2012, 5, 1))
    accounts.grant(**given, starts_on=dt.date(2012, 5, 2))
    assert AuditEntry.objects.filter(action="role.grant").count() == 1
    accounts.grant(**given, starts_on=dt.date(2012, 4, 1))
    assert RoleGrant.objects.get().starts_on == dt.date(2012, 4, 1)


def test_revoking():
    school = f.school()
    officer, other = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths), f.holder(Role.CLERK, school.software)
    foreign = f.holder(Role.CLERK, school.chinese)
    day = dt.date(2012, 5, 1)
    accounts.revoke(by=officer, grant=other.grants.get(), on=day)
    assert not RoleGrant.objects.on(day).filter(account=other).exists()
    assert RoleGrant.objects.on(dt.date(2012, 4, 30)).filter(account=other).exists()
    for grant in (foreign.grants.get(), officer.grants.get()):
        with pytest.raises(AccountError):
            accounts.revoke(by=officer, grant=grant, on=day)


# --- first run ---------------------------------------------------------------------------------------------------

ASKED = FirstRun("刺桐师范学院", "中共刺桐师范学院委员会", "DW", "ChenLihua", GOOD, also_office=True, name="陈丽华")


@pytest.fixture
def token():
    accounts._token_file().unlink(missing_ok=True)
    yield accounts.first_run_token()
    accounts._token_file().unlink(missing_ok=True)


def test_the_token_lies_in_a_private_file(token):
    assert accounts._token_file().stat().st_mode & 0o777 == 0o600
    assert accounts.first_run_token() == token


def test_first_run_makes_root_and_administrator(token, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        account = accounts.first_run(token=token.lower(), form=ASKED)
    assert (account.username, str(account), account.check_password(GOOD)) == ("chenlihua", "陈丽华", True)
    assert {grant.role for grant in account.grants.all()} == {"administrator", "office", "rubric_maintainer"}
    root = Branch.objects.get()
    assert (root.code, root.name_on(clock.today())) == ("DW", "中共刺桐师范学院委员会")
    assert not accounts._token_file().exists()
    assert accounts.first_run_token() == ""
    with pytest.raises(AccountError, match="启动口令不对"):
        accounts.first_run(token=token, form=ASKED)


def test_an_administrator_may_do_without_the_office(token):
    form = FirstRun("学校", "党委", "DW", "admin1", GOOD, also_office=False)
    account = accounts.first_run(token=token, form=form)
    assert [grant.role for grant in account.grants.all()] == ["administrator"]
    assert str(account) == "admin1"


def test_a_wrong_token_or_a_weak_password_makes_nothing(token):
    with pytest.raises(AccountError, match="启动口令不对"):
        accounts.first_run(token="ABCDEF-ABCDEF-ABCDE", form=ASKED)
    with pytest.raises(ValidationError):
        accounts.first_run(token=token, form=FirstRun("学校", "党委", "DW", "chen", "Dangwei2012", also_office=True))
    assert not Account.objects.exists()
    assert not Branch.objects.exists()


def test_a_lone_administrator_gets_a_code_on_the_server(capsys):
    account = f.AccountFactory(username="admin1")
    call_command("access_code", "ADMIN1")
    code = capsys.readouterr().out.splitlines()[0].rpartition("：")[2]
    assert accounts.find_code(code).account == account
    with pytest.raises(CommandError, match="没有启用中的账号"):
        call_command("access_code", "nobody")
