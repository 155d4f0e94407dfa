"""The style guide in a browser: it obeys the content policy, passes axe, fits a phone, works by keyboard."""

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def address(live_server) -> str:
    return f"{live_server.url}/styleguide/"


def test_desktop_has_no_accessibility_fault(browser_page, address, axe):
    browser_page.goto(address)
    assert axe(browser_page) == []


def test_phone_has_no_accessibility_fault_and_does_not_scroll_sideways(phone_page, address, axe):
    phone_page.goto(address)
    assert axe(phone_page) == []
    assert phone_page.evaluate("document.documentElement.scrollWidth") == 390


def test_stepper_moves_by_half_points_and_sums(browser_page, address):
    browser_page.goto(address)
    field = browser_page.get_by_label("A1 自评得分")
    field.focus()
    field.press("ArrowDown")
    assert field.input_value() == "2.0"
    field.press("ArrowUp")
    field.press("ArrowUp")
    field.press("ArrowUp")
    assert field.input_value() == "3.0"
    assert browser_page.locator('[data-tally-sum="all"]').inner_text() == "3.0"
    field.fill("3.2")
    field.blur()
    assert browser_page.locator("[data-stepper-error]").first.inner_text() == "最高 3 分"
    field.fill("1.7")
    field.blur()
    assert browser_page.locator("[data-stepper-error]").first.inner_text() == "按 0.5 分一档填写"


def test_confirm_dialog_repeats_the_verb_and_gives_the_focus_back(browser_page, address):
    browser_page.goto(address)
    browser_page.get_by_role("button", name="提交自评").first.click()
    dialog = browser_page.get_by_role("dialog")
    assert dialog.get_by_role("heading").inner_text() == "提交自评？"
    assert dialog.get_by_role("button").all_inner_texts() == ["再看看", "提交自评"]
    browser_page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_confirm_dialog_asks_for_a_reason_and_sends_it(browser_page, address):
    browser_page.goto(address)
    form = browser_page.locator("form[data-confirm]")
    form.evaluate("form => { form.dataset.confirmReason = '退回原因' }")
    browser_page.get_by_role("button", name="提交自评").first.click()
    dialog = browser_page.get_by_role("dialog")
    dialog.get_by_role("button", name="提交自评").click()
    assert dialog.get_by_role("alert").inner_text() == "请填写退回原因"
    dialog.get_by_label("退回原因").fill("C4 缺制度文本")
    with browser_page.expect_request(lambda request: request.method == "POST") as sent:
        dialog.get_by_role("button", name="提交自评").click()
    assert "reason=C4" in sent.value.post_data


def focused(page) -> str:
    return page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_grid_keys(browser_page, address):
    browser_page.goto(address)
    field = browser_page.get_by_label("数学教研室党支部 领导班子好 总支得分")
    field.focus()
    field.press("=")
    assert field.input_value() == "14.5"
    field.press("Escape")
    assert field.input_value() == "13.0"
    field.press("ArrowUp")
    assert field.input_value() == "13.5"
    field.press("Escape")
    field.press("Enter")
    assert (
        browser_page.evaluate("document.activeElement.getAttribute('aria-label')")
        == "学院机关党支部 领导班子好 总支得分"
    )
    browser_page.keyboard.press("Tab")
    assert (
        browser_page.evaluate("document.activeElement.getAttribute('aria-label')")
        == "学院机关党支部 党员队伍好 总支得分"
    )


def test_grid_filter_shows_only_unscored_branches(browser_page, address):
    browser_page.goto(address)
    browser_page.get_by_role("button", name="未评 1").click()
    assert browser_page.locator(".score-grid tr[data-branch]:visible th").all_inner_texts() == ["软工2009级党支部"]


def test_errors_name_the_field_and_lead_to_it(browser_page, address):
    browser_page.goto(address)
    texts = browser_page.locator("[data-error-summary] li").all_inner_texts()
    assert texts == ["换届时间请写成 2012-03-30 的样子。", "请选择类别。"]
    browser_page.get_by_role("link", name="请选择类别。").click()
    assert browser_page.evaluate("document.activeElement.id || location.hash") in {"id_category", "#id_category"}


def test_the_skip_link_comes_first_and_leads_to_the_text(browser_page, address):
    browser_page.goto(address)
    browser_page.evaluate("document.activeElement.blur()")
    browser_page.keyboard.press("Tab")
    link = browser_page.get_by_role("link", name="跳到正文")
    link.focus()
    link.press("Enter")
    assert browser_page.evaluate("document.activeElement.id") == "main"


def test_the_menu_opens_on_a_phone_and_points_are_large_enough_to_touch(phone_page, address):
    phone_page.goto(address)
    phone_page.get_by_role("button", name="菜单").tap()
    phone_page.locator("#nav.show").wait_for()
    measure = "[...document.querySelectorAll('.stepper button, .btn-primary')].map(e => e.offsetHeight).filter(h => h)"
    sizes = phone_page.evaluate(measure)
    assert min(sizes) >= 42


def test_printing_hides_the_frame(browser_page, address):
    browser_page.goto(address)
    browser_page.emulate_media(media="print")
    assert not browser_page.locator(".topbar").is_visible()
    assert not browser_page.locator(".stickybar").is_visible()
    assert browser_page.locator("h1").is_visible()
