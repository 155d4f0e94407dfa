"""In Chromium: the first page, opening a unit, the slips on paper, activation on a telephone, and axe on each."""

import pytest
from django.conf import settings

from branches.models import Account, Role
from branches.services import accounts
from tests.factories import branches as f

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
GOOD = "Citong-2012-xiu"


@pytest.fixture
def token():
    accounts._token_file().unlink(missing_ok=True)
    yield accounts.first_run_token()
    accounts._token_file().unlink(missing_ok=True)


def sign_in(page, url, username, password=f.PASSWORD):
    page.goto(f"{url}/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{url}/")


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_first_run(live_server, browser_page, token, axe):
    page = browser_page
    page.goto(live_server.url + "/login/")
    assert page.url.endswith("/first-run/")
    page.goto(f"{live_server.url}/first-run/?token={token}")
    assert axe(page) == []
    for name, value in (
        ("school", "刺桐师范学院"), ("committee", "中共刺桐师范学院委员会"), ("name", "陈丽华"),
        ("username", "chenlihua"), ("password", GOOD), ("again", GOOD),
    ):  # fmt: skip
        page.fill(f"[name={name}]", value)
    page.click("text=建立并进入")
    page.wait_for_url("**/help/")
    assert page.locator(".first-steps li").count() == 3
    assert axe(page) == []


def test_from_a_printed_slip_to_a_telephone(live_server, browser_page, phone_page, axe):
    school = f.school()
    f.holder(Role.OFFICE, school.root, username="office")
    f.AppointmentFactory(branch=school.software, person=f.PersonFactory(name="林志远", unit=school.software))
    page, url = browser_page, live_server.url
    sign_in(page, url, "office")
    page.goto(f"{url}/accounts/")
    assert axe(page) == []
    page.click("text=数学与计算机科学学院党总支")
    assert axe(page) == []
    page.click("text=为书记开户并打印激活码")
    page.click("text=开户并显示激活码")
    assert axe(page) == []
    code = page.locator(".slip-code").inner_text()
    page.emulate_media(media="print")
    assert page.locator(".slip").is_visible()
    assert not page.locator(".topbar").is_visible()
    assert not page.locator(".page-head").is_visible()

    phone = phone_page
    phone.goto(f"{url}/activate/")
    assert axe(phone) == []
    phone.fill("[name=code]", code.lower().replace("-", " "))
    phone.click("text=下一步")
    assert phone.locator("h2", has_text="林志远").is_visible()
    assert axe(phone) == []
    assert fits(phone)
    phone.fill("[name=password]", GOOD)
    phone.fill("[name=again]", GOOD)
    phone.click("text=设置密码并登录")
    phone.wait_for_url("**/my-role/")
    assert axe(phone) == []
    assert fits(phone)
    assert Account.objects.get(username="linzhiyuan").check_password(GOOD)


def test_demo_button(live_server, browser_page, axe, monkeypatch):
    monkeypatch.setattr(settings, "DEMO", True)
    school = f.school()
    f.holder(Role.AUDITOR, school.root)
    page = browser_page
    page.goto(f"{live_server.url}/login/")
    assert axe(page) == []
    page.click(".roles button")
    page.wait_for_url(f"{live_server.url}/")


def test_disabling_asks_first(live_server, browser_page, axe):
    school = f.school()
    f.holder(Role.OFFICE, school.root, username="office")
    other = f.holder(Role.SECRETARY, school.software)
    page, url = browser_page, live_server.url
    sign_in(page, url, "office")
    page.goto(f"{url}/accounts/{other.pk}/")
    assert axe(page) == []
    page.click("main >> text=停用")
    assert page.locator("#confirm").is_visible()
    assert Account.objects.get(pk=other.pk).is_active
    with page.expect_navigation():
        page.click("#confirm [data-confirm-yes]")
    assert page.locator(".state", has_text="已停用").first.is_visible()
    assert not Account.objects.get(pk=other.pk).is_active
