"""Nothing typed is lost: drafts of a form and cells of the scoring grid, in a real browser."""

from decimal import Decimal

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse

from branches.models import Draft, Role
from grading.models import Score
from tests.factories import grading as make
from tests.factories.branches import AccountFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def graded():
    opened = make.opened_round()
    make.fill(opened.unit("algebra"), lose=8)
    return opened


@pytest.fixture
def secretary(graded):
    return AccountFactory(role=Role.SECRETARY, node=graded.school.software)


def sheet_address(graded):
    return reverse("self-assessment", args=[graded.unit("software").pk])


def first_field(page):
    return page.locator(".crit input[inputmode=decimal]").first


def saved_state(page, words):
    page.locator(".state", has_text=words).first.wait_for(timeout=8000)


def test_typing_saves_a_draft_and_another_visit_offers_it(browser_page, browse_as, graded, secretary):
    browse_as(browser_page, secretary, sheet_address(graded))
    first_field(browser_page).fill("1.5")
    browser_page.keyboard.press("Tab")
    saved_state(browser_page, "已自动保存")
    assert Draft.objects.get().data[first_field(browser_page).get_attribute("name")] == "1.5"
    browser_page.reload()
    assert first_field(browser_page).input_value() == ""
    browser_page.get_by_role("button", name="恢复草稿").click()
    assert first_field(browser_page).input_value() == "1.5"
    assert browser_page.locator('[data-tally-sum="all"]').first.inner_text() == "1.5"


def test_an_expired_login_keeps_the_text_and_sends_it_after_signing_in_again(
    browser_page, browse_as, graded, secretary
):
    browse_as(browser_page, secretary, sheet_address(graded))
    Session.objects.all().delete()
    first_field(browser_page).fill("2.0")
    browser_page.keyboard.press("Tab")
    saved_state(browser_page, "登录已过期")
    assert browser_page.locator("#signin-notice").is_visible()
    assert first_field(browser_page).input_value() == "2.0"
    other = browser_page.context.new_page()
    browse_as(other, secretary, "/")
    browser_page.evaluate("window.dispatchEvent(new Event('focus'))")
    saved_state(browser_page, "已自动保存")
    assert not browser_page.locator("#signin-notice").is_visible()
    assert Draft.objects.count() == 1


def test_a_lost_network_keeps_the_text_and_sends_it_later(browser_page, browse_as, graded, secretary):
    browse_as(browser_page, secretary, sheet_address(graded))
    browser_page.context.set_offline(True)
    first_field(browser_page).fill("2.0")
    browser_page.keyboard.press("Tab")
    saved_state(browser_page, "未保存，网络断开")
    browser_page.context.set_offline(False)
    saved_state(browser_page, "已自动保存")
    assert Draft.objects.count() == 1


def test_two_windows_cannot_overwrite_each_other_unseen(browser_page, browse_as, graded, secretary):
    browse_as(browser_page, secretary, sheet_address(graded))
    Draft.objects.create(
        account=secretary,
        form="self",
        key=str(graded.unit("software").pk),
        sequence=99,
        data={},
        updated_at="2012-04-01T00:00Z",
    )
    first_field(browser_page).fill("2.0")
    browser_page.keyboard.press("Tab")
    saved_state(browser_page, "另一个窗口")


@pytest.fixture
def grid(browser_page, browse_as, graded):
    officer = AccountFactory(role=Role.GENERAL_BRANCH_OFFICER, node=graded.school.maths)
    browse_as(browser_page, officer, reverse("scoring-grid", args=[graded.round.pk]))
    return browser_page


def open_dock(page, graded):
    row = page.locator(f"#row-{graded.unit('algebra').pk}")
    row.locator("input").first.focus()
    page.locator("#dock input.cell").first.wait_for()
    return page.locator("#dock input.cell")


def test_grid_dock_saves_each_item_as_it_is_left(grid, graded):
    cells = open_dock(grid, graded)
    assert cells.first.input_value() == ""
    grid.keyboard.press("Enter")
    grid.keyboard.type("1.5")
    grid.keyboard.press("Enter")
    saved_state(grid, "已自动保存")
    score = Score.objects.get(assessment__source__code="superior")
    assert score.points == Decimal("1.5")
    assert grid.evaluate("document.activeElement === document.querySelectorAll('#dock input.cell')[1]")


def test_grid_copies_the_self_score_and_refuses_too_much(grid, graded):
    cells = open_dock(grid, graded)
    cells.nth(1).focus()
    own = cells.nth(1).get_attribute("data-self")
    grid.keyboard.press("=")
    assert cells.nth(1).input_value() == own
    saved_state(grid, "已自动保存")
    cells.nth(1).fill("99")
    grid.keyboard.press("Tab")
    saved_state(grid, "最高")
    assert Score.objects.get(assessment__source__code="superior").points == Decimal(own)


def test_grid_shows_what_somebody_else_saved_first(grid, graded):
    cells = open_dock(grid, graded)
    cells.first.focus()
    grid.keyboard.press("ArrowUp")
    saved_state(grid, "已自动保存")
    Score.objects.update(points=Decimal("0.5"))
    cells.first.fill("2.0")
    grid.keyboard.press("Tab")
    grid.locator(".toast-line.is-bad", has_text="您填的是 2.0").wait_for()
    assert cells.first.input_value() == "0.5"


@pytest.mark.parametrize("name", ["scoring-grid", "self-assessment"])
def test_entry_pages_have_no_accessibility_fault_on_a_phone(phone_page, browse_as, graded, axe, name):
    account = AccountFactory(role=Role.OFFICE, node=graded.school.root)
    pk = graded.round.pk if name == "scoring-grid" else graded.unit("software").pk
    browse_as(phone_page, account, reverse(name, args=[pk]))
    assert axe(phone_page) == []
    assert phone_page.evaluate("document.documentElement.scrollWidth") == 390
