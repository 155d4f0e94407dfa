"""What the grading pages do in a real browser: files by themselves, the dock's sum, deciding, phones."""

import pytest
from django.urls import reverse

from branches.models import Role
from grading.models import Assessment, Evidence, EvidenceUse, Result, Round
from tests.factories import grading as make
from tests.factories.branches import AccountFactory
from tests.worlds import shared

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


graded = shared(make.opened_round)


@pytest.fixture
def secretary(graded):
    return AccountFactory(role=Role.SECRETARY, node=graded.school.software)


@pytest.fixture
def officer(graded):
    return AccountFactory(role=Role.GENERAL_BRANCH_OFFICER, node=graded.school.maths)


def attach(page, number, name, data=b"%PDF-1.4 minutes"):
    page.locator(".files input[type=file]").nth(number).set_input_files(
        {"name": name, "mimeType": "application/pdf", "buffer": data}
    )
    return page.locator(".files").nth(number)


def test_files_travel_by_themselves_and_serve_a_second_item(browser_page, browse_as, graded, secretary):
    unit = graded.unit("software")
    browse_as(browser_page, secretary, reverse("self-assessment", args=[unit.pk]))
    box = attach(browser_page, 0, "会议记录.pdf")
    box.get_by_role("link", name="会议记录.pdf").wait_for()
    refused = attach(browser_page, 1, "记录.pdf", b"hello")
    refused.get_by_text("文件内容与扩展名 .pdf 不符").wait_for()
    refused.locator("select").select_option(label="会议记录.pdf")
    refused.get_by_role("link", name="会议记录.pdf").wait_for()
    assert (Evidence.objects.count(), EvidenceUse.objects.count()) == (1, 2)
    box.get_by_role("button", name="移除 会议记录.pdf").click()
    box.get_by_role("link").wait_for(state="detached")
    assert EvidenceUse.objects.count() == 1
    assert not Assessment.objects.filter(unit=unit).exists()
    browser_page.reload()
    assert browser_page.get_by_role("button", name="恢复草稿").count() == 0


def test_a_sheet_is_handed_in_on_a_phone(phone_page, browse_as, graded, secretary, axe):
    unit = graded.unit("software")
    browse_as(phone_page, secretary, reverse("self-assessment", args=[unit.pk]))
    for field in phone_page.locator("input[data-tally-in]").all():
        field.fill(field.get_attribute("data-max"))
    assert phone_page.locator('[data-tally-sum="all"]').last.inner_text() == "100.0"
    phone_page.get_by_role("button", name="提交支部自评").click()
    phone_page.locator("dialog[open]").get_by_role("button", name="提交支部自评").click()
    phone_page.wait_for_url(f"**{reverse('unit', args=[unit.pk])}")
    assert Assessment.objects.get(unit=unit).state == "submitted"
    phone_page.goto(phone_page.url + "self/")
    assert phone_page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert axe(phone_page) == []


def test_the_dock_counts_along(browser_page, browse_as, graded, officer):
    unit = graded.unit("software")
    make.fill(unit)
    browse_as(browser_page, officer, reverse("scoring-grid", args=[graded.round.pk]))
    browser_page.locator(f"#row-{unit.pk} input").first.focus()
    cell = browser_page.locator("#dock input.cell").first
    cell.wait_for()
    cell.fill("1.5")
    cell.press("Enter")
    total = browser_page.locator("[id^=dock-cell]")
    total.get_by_text("1.5").wait_for()
    assert total.inner_text().split() == ["1.5", "未评完"]
    assert browser_page.locator(f"#total-{unit.pk}").inner_text() == "1.5"


def test_a_grade_changed_by_hand_asks_why_and_is_taken_back_on_its_row(browser_page, browse_as, graded, officer, axe):
    unit = graded.unit("software")
    Round.objects.filter(pk=graded.round.pk).update(state="scoring", missing="renormalise")
    for source in ("self", "superior"):
        make.fill(unit, source, lose=4)
    browse_as(browser_page, officer, reverse("decide", args=[graded.round.pk]))
    browser_page.locator(f"select[name=grade-{unit.pk}]").select_option(label="较好")
    decide = browser_page.get_by_role("button", name="定级所选支部")
    decide.click()
    dialog = browser_page.locator("dialog[open]")
    dialog.get_by_role("button", name="定级").click()
    browser_page.get_by_text("须写明理由。").wait_for()
    assert axe(browser_page) == []
    browser_page.locator(f"input[name=reason-{unit.pk}]").fill("书记刚换届")
    decide.click()
    dialog.get_by_role("button", name="定级").click()
    browser_page.get_by_text("已定级 1 个党支部。").wait_for()
    browser_page.get_by_role("button", name=f"撤回 {unit.name}").click()
    dialog.get_by_role("button", name="撤回").click()
    dialog.get_by_text("请填写撤回的理由").wait_for()
    dialog.locator("#confirm-reason").fill("补材料")
    dialog.get_by_role("button", name="撤回").click()
    browser_page.get_by_text("已撤回，可以修改评分后重新定级。").wait_for()
    assert Result.objects.get(unit=unit).state == "computed"


@pytest.mark.parametrize("name", ["round", "decide", "scoring-grid", "visit", "sources", "round-rules"])
def test_pages_of_a_round_fit_a_phone(phone_page, browse_as, graded, axe, name):
    office = AccountFactory(role=Role.OFFICE, node=graded.school.root)
    browse_as(phone_page, office, reverse(name, args=[graded.round.pk]))
    assert phone_page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert axe(phone_page) == []


@pytest.mark.parametrize("name", ["unit", "explain", "veto-review", "unit-sources", "survey"])
def test_pages_of_a_branch_fit_a_phone(phone_page, browse_as, graded, axe, name):
    office = AccountFactory(role=Role.OFFICE, node=graded.school.root)
    browse_as(phone_page, office, reverse(name, args=[graded.unit("software").pk]))
    assert phone_page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert axe(phone_page) == []
