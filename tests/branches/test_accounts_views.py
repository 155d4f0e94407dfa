"""Pages of the account office, activation, passwords, roles, help and the first run."""

import re

import pytest
from django.test import Client

from branches.models import Account, ActivationCode, Branch, Role, RoleGrant
from branches.services import accounts, throttle
from tests.factories import branches as f
from tests.worlds import shared

pytestmark = pytest.mark.db
GOOD = "Citong-2012-xiu"


@shared
def school():
    made = f.school()
    for branch, name in ((made.software, "林志远"), (made.algebra, "郑海燕"), (made.chinese, "苏静怡")):
        f.AppointmentFactory(branch=branch, person=f.PersonFactory(name=name, unit=branch))
    return made


@pytest.fixture
def office(school):
    return f.holder(Role.OFFICE, school.root, username="office")


@pytest.fixture
def officer(school):
    return f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths, username="officer")


def text_of(answer):
    return answer.content.decode()


# --- activation --------------------------------------------------------------------------------------------------


def test_from_the_slip_to_the_role_page(client, school, office, signed_in):
    page = signed_in(office).post("/accounts/codes/", {"unit": school.maths.pk})
    slip = page.context["slips"][0]
    assert slip.code in text_of(page)
    assert page.headers["Cache-Control"] == "no-store"
    phone = Client()
    shown = phone.post("/activate/", {"code": slip.code.lower().replace("-", " ")})
    assert "林志远" in text_of(shown)
    assert "软件工程教研室党支部" in text_of(shown)
    assert "linzhiyuan" in text_of(shown)
    weak = phone.post("/activate/", {"code": slip.code, "password": "Dangwei2012", "again": "Dangwei2012"})
    assert weak.status_code == 422
    differs = phone.post("/activate/", {"code": slip.code, "password": GOOD, "again": GOOD + "x"})
    assert "两次输入的密码不一样" in text_of(differs)
    done = phone.post("/activate/", {"code": slip.code, "password": GOOD, "again": GOOD}, follow=True)
    assert done.redirect_chain == [("/my-role/", 302)]
    assert "提交本支部" in text_of(done)
    again = Client().post("/activate/", {"code": slip.code, "password": GOOD + "y", "again": GOOD + "y"})
    assert again.status_code == 422
    assert Account.objects.get(username="linzhiyuan").check_password(GOOD)


def test_wrong_codes_are_counted_by_address(monkeypatch):
    monkeypatch.setattr(throttle, "CODE_LIMIT", 3)
    issued = accounts.issue_code(by=None, account=f.AccountFactory(password=None), purpose="activate")
    client, other = Client(), Client(REMOTE_ADDR="10.0.0.9")
    for _ in range(3):
        answer = client.post("/activate/", {"code": "ABCDEF-ABCDEF-ABCDE"})
        assert answer.status_code == 422
        assert "激活码无效" in text_of(answer)
    assert client.post("/activate/", {"code": issued.code}).status_code == 429
    assert other.post("/activate/", {"code": issued.code}).status_code == 200


def test_a_lock_for_codes_ends(client, time_machine):
    time_machine.move_to("2026-03-30T04:00:00+00:00")
    for _ in range(throttle.CODE_LIMIT):
        throttle.note_wrong_code("127.0.0.1")
    assert client.post("/activate/", {"code": "A"}).status_code == 429
    time_machine.shift(throttle.cool_off().total_seconds() + 1)
    assert client.post("/activate/", {"code": "A"}).status_code == 422


def test_an_empty_code_is_asked_for(client):
    answer = client.post("/activate/", {"code": ""})
    assert "请填写激活码" in text_of(answer)
    assert client.get("/activate/").status_code == 200


# --- password and role pages -------------------------------------------------------------------------------------


def test_changing_the_own_password(signed_in):
    account = f.AccountFactory()
    client, elsewhere = signed_in(account), Client()
    elsewhere.post("/login/", {"username": account.username, "password": f.PASSWORD})
    wrong = client.post("/password/", {"present": "no", "password": GOOD, "again": GOOD})
    assert "现在的密码不对" in text_of(wrong)
    weak = client.post("/password/", {"present": f.PASSWORD, "password": "short", "again": "short"})
    assert "至少要 10 个字符" in text_of(weak)
    done = client.post("/password/", {"present": f.PASSWORD, "password": GOOD, "again": GOOD}, follow=True)
    assert "密码已修改" in text_of(done)
    assert client.get("/my-role/").status_code == 200
    assert elsewhere.get("/my-role/").status_code == 302


def test_my_role_names_place_and_limits(signed_in, school):
    account = f.holder(Role.SECRETARY, school.software)
    f.RoleGrantFactory(account=account, role=Role.INSPECTOR, node=school.chinese)
    text = text_of(signed_in(account).get("/my-role/"))
    for words in ("支部书记", "软件工程教研室党支部", "抽查组", "汉语言文学教研室党支部", "回避", "三员分立"):
        assert words in text
    assert "没有角色" in text_of(signed_in(f.AccountFactory()).get("/my-role/"))


@pytest.mark.parametrize("role", list(Role))
def test_help_fits_every_role(signed_in, school, role):
    text = text_of(signed_in(f.holder(role, school.root)).get("/help/"))
    assert f"{role.label}先做什么" in text
    assert ("从这里开始" in text) is (role is Role.OFFICE)


# --- lists -------------------------------------------------------------------------------------------------------


def test_the_office_sees_units_an_officer_the_own_one(school, office, officer, signed_in):
    text = text_of(signed_in(office).get("/accounts/"))
    assert "数学与计算机科学学院党总支" in text
    assert "直属党支部" in text
    assert "office" in text
    text = text_of(signed_in(officer).get("/accounts/"))
    assert "林志远" in text
    assert "苏静怡" not in text
    assert "文学与历史学院" not in text


@pytest.mark.parametrize("wanted", ["letters", "root", "chinese", "x", "999999"])
def test_a_foreign_unit_is_not_there(school, officer, signed_in, wanted):
    unit = getattr(school, wanted).pk if hasattr(school, wanted) else wanted
    client = signed_in(officer)
    assert client.get(f"/accounts/?unit={unit}").status_code == 404
    assert client.get(f"/accounts/codes/?unit={unit}").status_code == 404
    assert client.post("/accounts/codes/", {"unit": unit}).status_code == 404
    assert not ActivationCode.objects.exists()


@pytest.mark.parametrize("query", ["林志远", "lzy", "linzhi", "T1"])
def test_search(school, office, signed_in, query):
    person = school.software.appointments.get().person
    person.number = "T1"
    person.save()
    account = accounts.open_account(by=None, person=person)
    f.RoleGrantFactory(account=account, node=school.software)
    answer = signed_in(office).get("/accounts/", {"q": query})
    assert [line["account"] for line in answer.context["lines"]] == [account]


def test_search_finds_nothing_foreign(school, officer, signed_in):
    f.holder(Role.SECRETARY, school.chinese, username="hidden")
    answer = signed_in(officer).get("/accounts/", {"q": "hidden"})
    assert "没有找到" in text_of(answer)


def test_the_unit_page_tells_the_state_of_each(school, office, signed_in):
    client = signed_in(office)
    client.post("/accounts/codes/", {"unit": school.maths.pk})
    f.AccountFactory(person=school.chinese.appointments.get().person)
    text = re.sub(r"<[^>]+>", " ", text_of(client.get(f"/accounts/?unit={school.maths.pk}")))
    assert "未激活" in text
    assert "激活码有效至" in text
    assert "未设书记" in text
    text = text_of(client.get(f"/accounts/?unit={school.letters.pk}"))
    assert "已启用" in text
    assert "还没有授予角色" in text


def test_the_preview_of_codes_writes_nothing(school, office, signed_in):
    before = Account.objects.count()
    text = text_of(signed_in(office).get(f"/accounts/codes/?unit={school.maths.pk}"))
    assert "给 2 位书记签发激活码" in text
    assert "1 个党组织还没有书记" in text
    assert (Account.objects.count(), ActivationCode.objects.count()) == (before, 0)


def test_a_page_of_codes_cannot_be_called_up_again(school, office, signed_in):
    client = signed_in(office)
    codes = [slip.code for slip in client.post("/accounts/codes/", {"unit": school.maths.pk}).context["slips"]]
    for url in (f"/accounts/codes/?unit={school.maths.pk}", f"/accounts/?unit={school.maths.pk}", "/accounts/"):
        assert not any(code in text_of(client.get(url)) for code in codes)


# --- one account -------------------------------------------------------------------------------------------------


def test_a_reset_asks_for_the_reason_and_shows_the_code_once(school, office, signed_in):
    account = f.holder(Role.SECRETARY, school.software)
    client, url = signed_in(office), f"/accounts/{account.pk}/reset/"
    assert "怎样核对" in text_of(client.get(url))
    assert client.post(url, {"reason": ""}).status_code == 422
    slip = client.post(url, {"reason": "持工作证"}).context["slips"][0]
    assert accounts.find_code(slip.code).account == account
    assert Account.objects.get(pk=account.pk).check_password(f.PASSWORD)


def test_what_is_above_is_seen_but_not_touched(school, office, signed_in):
    administrator = f.holder(Role.ADMINISTRATOR, school.root)
    client = signed_in(office)
    assert "只能查看" in text_of(client.get(f"/accounts/{administrator.pk}/"))
    assert client.get(f"/accounts/{administrator.pk}/reset/").status_code == 403
    assert client.post(f"/accounts/{administrator.pk}/reset/", {"reason": "电话"}).status_code == 403
    assert client.post(f"/accounts/{administrator.pk}/active/", {"active": "0"}).status_code == 403
    assert client.post(f"/accounts/{administrator.pk}/roles/{administrator.grants.get().pk}/revoke/").status_code == 403
    assert client.post(f"/accounts/{office.pk}/active/", {"active": "0"}).status_code == 403
    assert not ActivationCode.objects.exists()


def test_disable_and_enable(school, officer, signed_in):
    account = f.holder(Role.SECRETARY, school.software)
    client, url = signed_in(officer), f"/accounts/{account.pk}/active/"
    for value, active in (("0", False), ("1", True)):
        client.post(url, {"active": value})
        assert Account.objects.get(pk=account.pk).is_active is active


def test_grant_and_revoke(school, officer, signed_in):
    account = f.holder(Role.CLERK, school.software)
    client, url = signed_in(officer), f"/accounts/{account.pk}/roles/"
    data = {"role": "clerk", "node": "SJ002　2010级数学党支部", "starts_on": "2012-04-01", "ends_on": ""}
    assert client.post(url, data).headers["Location"] == f"/accounts/{account.pk}/"
    grant = RoleGrant.objects.get(account=account, node=school.algebra)
    client.post(f"/accounts/{account.pk}/roles/{grant.pk}/revoke/")
    assert RoleGrant.objects.get(pk=grant.pk).ends_on is not None
    foreign = f.holder(Role.CLERK, school.chinese)
    other = foreign.grants.get()
    assert client.post(f"/accounts/{account.pk}/roles/{other.pk}/revoke/").status_code == 404
    assert client.post(f"/accounts/{foreign.pk}/roles/{other.pk}/revoke/").status_code == 404


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"node": "WX001"}, "没有找到"),
        ({"node": "SJ"}, "范围应是党支部"),
        ({"role": "auditor"}, "角色请在列表中选择。"),
        ({"role": ""}, "请选择角色"),
        ({"ends_on": "2012-03-01"}, "截止日期应晚于起始日期"),
        ({"starts_on": "明天"}, "起始日期请写成"),
    ],
)
def test_a_role_that_cannot_be_granted_says_why_and_keeps_what_was_typed(school, officer, signed_in, change, words):
    account = f.holder(Role.CLERK, school.software)
    data = {"role": "clerk", "node": "SJ002", "starts_on": "2012-04-01", "ends_on": ""} | change
    answer = signed_in(officer).post(f"/accounts/{account.pk}/roles/", data)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert f'value="{data["node"]}"' in text_of(answer)
    assert account.grants.count() == 1


NEW = {
    "name": "何立群",
    "number": "",
    "username": "",
    "role": "organiser",
    "node": "SJ",
    "starts_on": "2012-04-01",
    "ends_on": "",
}


def test_a_new_account(school, officer, signed_in):
    answer = signed_in(officer).post("/accounts/new/", NEW)
    slip = answer.context["slips"][0]
    assert (slip.unit, slip.name, slip.post, slip.username) == (
        "数学与计算机科学学院党总支",
        "何立群",
        "组织员",
        "heliqun",
    )
    assert accounts.find_code(slip.code).account.username == "heliqun"


def test_a_new_account_for_somebody_of_the_register(school, office, signed_in):
    person = f.PersonFactory(name="何立群", number="G7", unit=school.software)
    signed_in(office).post("/accounts/new/", NEW | {"number": "G7", "username": "He7"})
    assert Account.objects.get(username="he7").person == person


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "林志远"}, "已有账号 linzhiyuan"),
        ({"name": "郑海燕"}, "名册中有 2 位郑海燕"),
        ({"number": "G7"}, "不是何立群的"),
        ({"username": "OFFICER"}, "“officer”已被使用"),
        ({"name": ""}, "请填写姓名"),
        ({"role": "school_leader"}, "角色请在列表中选择。"),
    ],
)
def test_a_new_account_refused(school, officer, signed_in, change, words):
    accounts.open_account(by=None, person=school.software.appointments.get().person)
    f.PersonFactory(name="郑海燕", unit=school.maths)
    f.PersonFactory(name="别人", number="G7")
    answer = signed_in(officer).post("/accounts/new/", NEW | change)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not RoleGrant.objects.filter(role=Role.ORGANISER).exists()


# --- first run ---------------------------------------------------------------------------------------------------


@pytest.fixture
def token():
    accounts._token_file().unlink(missing_ok=True)
    yield accounts.first_run_token()
    accounts._token_file().unlink(missing_ok=True)


def first_run(right, **change):
    given = {
        "token": right, "school": "刺桐师范学院", "committee": "中共刺桐师范学院委员会", "code": "dw", "name": "陈丽华",
        "username": "chenlihua", "password": GOOD, "again": GOOD, "also_office": "on",
    }  # fmt: skip
    return given | change


def test_an_empty_installation_leads_to_the_first_page(client, token):
    assert client.get("/", follow=True).redirect_chain[-1] == ("/first-run/", 302)
    assert token in text_of(client.get(f"/first-run/?token={token}"))
    done = client.post("/first-run/", first_run(token), follow=True)
    assert done.redirect_chain == [("/help/", 302)]
    assert "从这里开始" in text_of(done)
    assert Branch.objects.get().code == "DW"
    assert client.get("/first-run/").headers["Location"] == "/login/"
    assert Client().post("/first-run/", first_run(token, username="second")).headers["Location"] == "/login/"
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"token": "WRONG"}, "启动口令不对"),
        ({"password": "short", "again": "short"}, "至少要 10 个字符"),
        ({"again": "other"}, "两次输入的密码不一样"),
        ({"code": "党委"}, "只能用字母"),
        ({"school": ""}, "请填写学校名称"),
    ],
)
def test_a_wrong_first_page_makes_nothing_and_keeps_what_was_typed(client, token, change, words):
    answer = client.post("/first-run/", first_run(token, **change))
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert 'value="中共刺桐师范学院委员会"' in text_of(answer)
    assert not Account.objects.exists()
    assert GOOD not in text_of(answer)
