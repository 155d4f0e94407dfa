"""In Chromium: the form follows the choices, rows move by themselves, the preview prints as it looks."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from branches.models import Role
from reporting.models import Export
from reporting.services import jobs, requests
from tests.branches.test_organisation_browser import fits, sign_in
from tests.factories.branches import holder
from tests.factories.grading import opened_round

S = Export.State
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(requests, "nudge_soon", lambda _pk: None)
    return opened_round()


def finish(export: Export, held: jobs.Claim) -> None:
    content = b"%PDF-1.7 content"
    key = default_storage.save("exports/201203/x.pdf", ContentFile(content))
    sha256 = hashlib.sha256(content).hexdigest()
    jobs.publish(held, jobs.Outcome(key, "附件5 汇总表（全校）.pdf", len(content), sha256, "2" * 64))


def test_an_export_from_choice_to_file(live_server, browser_page, axe, world):
    holder(Role.OFFICE, world.school.root, username="office")
    page = browser_page
    sign_in(page, live_server.url, "office")
    page.goto(live_server.url + reverse("exports"))
    assert axe(page) == []
    page.select_option("[name=kind]", "annex4")
    page.wait_for_selector("[name=unit] option:text('直属党支部')", state="attached")
    page.select_option("[name=unit]", label="数学与计算机科学学院党总支")
    page.wait_for_selector("[name=branch] option:text('软件工程教研室党支部')", state="attached")
    assert page.is_visible("text=PDF，合订成一个文件，按党总支和党支部加书签")
    page.check("[name=format][value=pdf]")
    page.select_option("[name=branch]", label="软件工程教研室党支部")
    page.wait_for_selector("text=先预览")
    assert page.is_checked("[name=format][value=pdf]"), "what was chosen stays"
    page.click("text=开始生成")
    page.wait_for_selector("text=排队中")
    export = Export.objects.get()
    assert (export.unit, export.format) == (world.school.software, "pdf")
    held = jobs.claim(export.pk)
    jobs.report(export.pk, held.token, done=1, total=4)
    page.wait_for_selector("text=正在生成 1/4")
    assert page.locator("#export-rows progress").get_attribute("value") == "1"
    assert axe(page) == []
    finish(export, held)
    with page.expect_download() as download:
        page.click("text=下载")
    assert download.value.suggested_filename == "附件5 汇总表（全校）.pdf"
    assert page.locator("#export-rows[hx-get]").count() == 0, "nothing moves any more, so nothing is asked"
    page.goto(live_server.url + reverse("export-queue"))
    assert axe(page) == []


def test_a_cancel_and_a_failure_are_seen_without_reloading(live_server, browser_page, world):
    office = holder(Role.OFFICE, world.school.root, username="office")
    page = browser_page
    sign_in(page, live_server.url, "office")
    page.goto(live_server.url + reverse("exports"))
    page.click("text=开始生成")
    page.click("#export-rows >> text=取消")
    page.wait_for_selector("#export-rows >> text=已取消")
    page.click("#export-rows >> text=重新生成")
    page.wait_for_selector("text=排队中")
    export = Export.objects.of(office).waiting().get()
    jobs.fail(jobs.claim(export.pk), "服务器磁盘已满，请联系系统管理员清理后重试。", final=True)
    page.wait_for_selector("text=服务器磁盘已满，请联系系统管理员清理后重试。")
    page.click("#export-rows >> button:text('重试')")
    page.wait_for_selector("text=排队中")


def test_the_preview_on_paper_and_on_a_telephone(live_server, browser_page, phone_page, axe, world, tmp_path):
    holder(Role.SECRETARY, world.school.software, username="secretary")
    url = live_server.url + reverse("annex-preview", args=["annex4", world.round.pk, world.school.software.pk])
    sign_in(browser_page, live_server.url, "secretary")
    browser_page.goto(url)
    assert browser_page.inner_text(".zt h2") == "刺桐师范学院党支部调查摸底与分类定级表"
    assert axe(browser_page) == []
    browser_page.emulate_media(media="print")
    assert not browser_page.is_visible("h1")
    assert browser_page.is_visible(".zt h2")
    assert browser_page.locator(".zt-folio").all_inner_texts() == ["— 1 —", "— 2 —"]
    assert browser_page.is_visible(".zt-page:last-child .zt-folio")
    assert browser_page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 2
    sign_in(phone_page, live_server.url, "secretary")
    phone_page.goto(url)
    assert fits(phone_page)
    assert axe(phone_page) == []
    phone_page.goto(live_server.url + reverse("exports"))
    assert fits(phone_page)
    assert axe(phone_page) == []
