"""群众评议 from an empty box to counts: the office on its screen, three voters on a telephone, the worker's closing.

Eight codes are printed; six votes pass the floor, three of them are measured and looked at on the phone, three are cast
without script on the narrowest one.
"""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from pypdf import PdfReader

from branches.models import Role
from grading.models import ProblemBox
from tests.factories import branches as f
from tests.factories.grading import opened_round
from tests.grading.ballot_boxes import worked

pytestmark = [pytest.mark.e2e_pg, pytest.mark.django_db(transaction=True)]
CODE = re.compile(r"([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\s+([0-9A-Z]{4}-[0-9A-Z]{4})")
LEAST_TEXT, LEAST_TARGET = 20, 48
# Every text a voter can see with its size, and every target with its height.
SIZES = """() => {
  const seen = (e) => e.getClientRects().length && getComputedStyle(e).visibility === "visible";
  const texts = [...document.querySelectorAll("main, main *")].filter((e) => seen(e) &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
  const targets = [...document.querySelectorAll("main a, main button, main input:not([type=hidden]), main label")]
    .filter((e) => seen(e) && !(e.type === "checkbox") && !(e.tagName === "LABEL" && e.htmlFor));
  return {
    texts: texts.map((e) => parseFloat(getComputedStyle(e).fontSize)),
    targets: targets.map((e) => e.getBoundingClientRect().height),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""


def _sign_in(page: Any, address: str, username: str) -> None:
    page.goto(f"{address}/login/")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(f.PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(f"{address}/")


def _measured(page: Any) -> None:
    """Measure the page a voter sees."""
    sizes = page.evaluate(SIZES)
    assert min(sizes["texts"]) >= LEAST_TEXT
    assert min(sizes["targets"], default=LEAST_TARGET) >= LEAST_TARGET
    assert sizes["wide"] <= 0


def _confirmed(page: Any, verb: str) -> None:
    """Press a button, answer its dialog, wait for the next page."""
    page.get_by_role("button", name=verb).click()
    with page.expect_navigation():
        page.locator("[data-confirm-yes]").click()


def _make_box(page: Any, list_url: str, branch: str) -> None:
    """Make a box of eight codes for one branch; the copies of its key are shown."""
    page.goto(list_url)
    page.get_by_role("link", name=re.compile("个支部设箱")).click()
    page.locator("[name=first_keeper]").fill("张保管")
    page.locator("[name=second_keeper]").fill("李保管")
    page.locator("[name=all-]").fill("8")
    for other in page.locator("tbody input[type=checkbox]").all():
        other.set_checked(branch in (other.get_attribute("aria-label") or ""))
    page.get_by_role("button", name="设箱并显示密钥保管件").click()
    page.get_by_text("只显示这一次").wait_for()
    assert page.locator(".copy-text").count() == 2
    page.get_by_role("link", name="印好了").click()


def _print_codes(page: Any, into: Path) -> list[str]:
    """Print the codes and return them as they stand on the paper."""
    page.get_by_role("button", name="印制评议码").click()
    with page.expect_download() as started:
        page.locator("[data-confirm-yes]").click()
    started.value.save_as(into / "codes.pdf")
    page.get_by_text("已印 8 张").wait_for(timeout=8000)
    (sheet,) = PdfReader(io.BytesIO((into / "codes.pdf").read_bytes())).pages
    return ["-".join(found) for found in CODE.findall(sheet.extract_text())]


def _vote(page: Any, address: str, code: str, choice: str, axe: Any) -> None:
    """Vote as a person with a phone: scan, tap three times."""
    page.goto(f"{address}/b/#{code}")
    assert page.locator("[name=code]").input_value() == code
    assert page.url == f"{address}/b/"
    for tap in ("开始评议", choice, "确认投票"):
        _measured(page)
        assert axe(page) == []
        with page.expect_navigation():
            page.get_by_role("button", name=tap, exact=True).click()
    page.get_by_text("您的票已收到").wait_for()
    _measured(page)
    assert axe(page) == []
    assert choice not in page.locator("main").inner_text()
    assert code not in page.content()


def _vote_without_script(browser: Any, address: str, code: str, choice: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 640}, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{address}/b/")
    page.locator("[name=code]").fill(code.lower())
    for tap in ("开始评议", choice, "确认投票"):
        page.get_by_role("button", name=tap, exact=True).click()
    page.get_by_text("您的票已收到").wait_for()
    context.close()


def test_a_branch_is_appraised_by_phone(
    live_server: Any, browser_page: Any, phone_page: Any, browser: Any, axe: Any, tmp_path: Path, caplog: Any
) -> None:
    grading = opened_round()
    ProblemBox.objects.create(round=grading.round, ordinal=1, code="study", text="组织生活不正常")
    f.holder(Role.OFFICE, grading.school.root, username="office")
    unit, address, office = grading.unit("software"), live_server.url, browser_page
    _sign_in(office, address, "office")
    _make_box(office, address + reverse("ballots", args=[grading.round.pk]), unit.name)
    assert axe(office) == []
    codes = _print_codes(office, tmp_path)
    assert len(set(codes)) == 8
    _confirmed(office, "开始评议")
    office.get_by_text("开始评议 1 个支部").wait_for()

    for code, choice in zip(codes, ("满意", "基本满意", "不了解"), strict=False):
        _vote(phone_page, address, code, choice, axe)
    for code in codes[3:6]:
        _vote_without_script(browser, address, code, "满意")

    office.get_by_role("link", name=unit.short_name or unit.name).click()
    office.get_by_role("heading", name="结束评议").wait_for()
    assert axe(office) == []
    office.locator("[name='withheld-']").fill("1")
    _confirmed(office, "结束评议并开箱")
    office.get_by_text("正在开箱统计").first.wait_for()
    worked()
    office.get_by_role("heading", name="评议结果").wait_for()
    # 4 满意 and 1 基本满意 of 6: 5/6; 不了解 is a valid ballot.
    assert "满意率 83.3%" in office.locator("main").inner_text()
    assert axe(office) == []
    # 8 printed, 1 never handed out, 6 back: the branch's page has the counts, and nobody can type others over them.
    office.goto(address + reverse("unit", args=[unit.pk]))
    assert "发出 7，收回 6，有效 6 票" in office.locator("main").inner_text()
    office.goto(address + reverse("unit-sources", args=[unit.pk]))
    assert "票数由评议箱统计" in office.locator("main").inner_text()
    assert not any(code in caplog.text for code in codes)
