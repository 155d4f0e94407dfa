"""In Chromium: the roster in steps, the basics on a telephone with a draft and a conflict, axe on each page."""

from pathlib import Path

import pytest
from django.urls import reverse

from branches.models import Branch, BranchProfile, Role
from tests.factories import branches as f

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
DATA = Path(__file__).parents[1] / "data"


def sign_in(page, url, username):
    page.goto(f"{url}/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", f.PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{url}/")


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_roster_in_steps(live_server, browser_page, axe):
    root = f.BranchFactory(code="DW", level=Branch.Level.COMMITTEE, name="中共清源师范学院委员会")
    f.holder(Role.OFFICE, root, username="office")
    page = browser_page
    sign_in(page, live_server.url, "office")
    page.goto(live_server.url + reverse("branches"))
    assert axe(page) == []
    page.click("main .empty >> text=导入名册")
    assert axe(page) == []
    page.set_input_files("input[type=file]", DATA / "roster-errors.xlsx")
    page.click("text=读取文件")
    assert axe(page) == []
    page.click("text=下一步：预览")
    assert page.inner_text("main .notice b") == "有 21 处错误，还不能导入"
    assert axe(page) == []
    page.click("text=上传改好的文件")
    page.set_input_files("input[type=file]", DATA / "roster-sample.xlsx")
    assert page.inner_text("[data-drop-said]") == "已选择 roster-sample.xlsx"
    page.click("text=读取文件")
    page.click("text=下一步：预览")
    page.click("text=导入 168 个党支部")
    page.wait_for_url("**/result/", timeout=60000)
    assert axe(page) == []
    page.goto(f"{live_server.url}{reverse('branches')}?q=李䶮")
    assert page.locator("tbody tr").count() == 1
    for name in ("branches", "branch-tree", "people"):
        page.goto(live_server.url + reverse(name))
        assert axe(page) == [], name


def test_the_basics_on_a_telephone(live_server, browser_page, phone_page, axe):
    school = f.school()
    f.holder(Role.SECRETARY, school.software, username="secretary")
    f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths, username="officer")
    f.AppointmentFactory(branch=school.software)
    address = live_server.url + reverse("branch-profile", args=[school.software.pk])
    phone, desk = phone_page, browser_page
    sign_in(phone, live_server.url, "secretary")
    sign_in(desk, live_server.url, "officer")
    phone.goto(address)
    desk.goto(address)
    assert fits(phone)
    assert axe(phone) == []
    phone.fill("#id_full_members", "18")
    phone.fill("#id_probationary_members", "2")
    assert phone.inner_text("[data-member-total]") == "20"
    phone.locator(".state", has_text="已自动保存").first.wait_for(timeout=8000)
    phone.goto(address)
    phone.click("text=恢复草稿")
    assert phone.input_value("#id_full_members") == "18"
    desk.fill("#id_venue", "理工楼305")
    desk.click(".stickybar button:has-text('保存')")
    desk.wait_for_selector(".toast-line")
    phone.click("text=确认无误")
    phone.wait_for_selector("text=保存所选内容")
    assert fits(phone)
    assert axe(phone) == []
    phone.click("text=保存所选内容")
    phone.wait_for_url(live_server.url + reverse("branch", args=[school.software.pk]))
    profile = BranchProfile.objects.get(branch=school.software)
    assert (profile.full_members, profile.venue) == (18, "理工楼305")
    assert profile.confirmed_at is not None
    assert axe(phone) == []
