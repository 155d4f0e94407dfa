"""两访两创 as its people do it: a tutor's ten talks on a telephone, one a hard case, network and session cut.

The office sees coverage move and not a word of what was said; a reader named by the tutor opens one talk, with a trace;
the unit's coverage comes out as Excel and PDF. Nothing said is kept in the browser.
"""

import datetime as dt
import io
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from pypdf import PdfReader

from branches import clock, names
from branches.models import Role
from interviews.models import ClassGroup, FollowUp, Interview, PersonCategory, Reading, VisitRule
from interviews.services import planning
from tests.factories import branches as f
from tests.factories import interview_plan

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
NAMES = (
    "陈志强 林丽华 黄文彬 张晓燕 吴建国 李雅婷 王思远 郑雨欣 蔡子轩 刘梓涵 杨俊杰 许惠玲 谢永福 庄金水 郭天佑 苏月娥"
)
INITIALS = [names.initials(name) for name in NAMES.split()]
HARD = "近来常失眠，情绪低落，父亲住院。约定再谈。"
# Everything a page can keep in a browser.
KEPT = """async () => [Object.keys(localStorage), Object.keys(sessionStorage), await caches.keys(),
  await indexedDB.databases(), await navigator.serviceWorker.getRegistrations()]"""


@dataclass
class Class:
    """A class of sixteen, its tutor, who looks on and who is named a reader."""

    campaign: Any
    unit: Any
    office: Any
    tutor: Any
    reader: Any


def _class() -> Class:
    school = f.school()
    campaign = f.CampaignFactory(root=school.root)
    office = f.holder(Role.OFFICE, school.root, username="office")
    tutor = f.holder(Role.INTERVIEWER, school.maths, username="tutor")
    reader = f.holder(Role.ORGANISER, school.maths, username="reader")
    planning.set_up(by=office, campaign=campaign, now=clock.now())
    group = ClassGroup.objects.create(campaign=campaign, unit=school.maths, name="2010级数学1班")
    student = PersonCategory.objects.get(campaign=campaign, code="student")
    rule = VisitRule.objects.get(campaign=campaign, visited=student)
    for number, (name, initials) in enumerate(zip(NAMES.split(), INITIALS, strict=True)):
        person = f.PersonFactory(name=name, initials=initials, number=f"2010{number:04d}", kind="student")
        entry = interview_plan.RosterEntryFactory(
            campaign=campaign, unit=school.maths, category=student, kind="student", person=person, class_group=group
        )
        interview_plan.AssignmentFactory(
            campaign=campaign, rule=rule, entry=entry, interviewer=tutor.person,
            due_on=clock.today() + dt.timedelta(days=30),
        )  # fmt: skip
    return Class(campaign, school.maths, office, tutor, reader)


def _sign_in(page: Any, address: str, username: str) -> None:
    page.goto(f"{address}/login/")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(f.PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(f"{address}/")


def _choose(page: Any, initials: str) -> None:
    page.locator("#talk-q").fill(initials)
    page.locator("#talk-q").press("Enter")


def _note(page: Any, initials: str, text: str) -> None:
    """Record one talk: who, what, 记下. Everything else stays from the talk before."""
    _choose(page, initials)
    page.locator("#text").fill(text)
    page.get_by_role("button", name="记下", exact=True).click()


def _recorded(page: Any, number: int) -> None:
    page.get_by_text(f"本页已记 {number} 次").wait_for(timeout=15_000)


def _first_talk(page: Any, address: str, axe: Any) -> None:
    """From the landing page to the entry page, and the first talk with its taps."""
    page.get_by_role("link", name=re.compile("去记录")).click()
    page.get_by_role("link", name="记录访谈").click()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="记下", exact=True).click()
    page.get_by_text("请选择访谈对象。").wait_for()
    page.get_by_text("请选择告知。").wait_for()
    page.get_by_label("学习", exact=True).check()
    page.get_by_label("已告知", exact=True).check()
    _note(page, INITIALS[0], "课程跟得上，想参加数学建模。")
    _recorded(page, 1)
    assert page.locator("#text").input_value() == ""
    assert page.locator("[name=topics]:checked").count() == 1
    _again_same_day(page)


def _again_same_day(page: Any) -> None:
    """A second talk with the same person on the same day is asked about; "no" keeps what was typed."""
    _choose(page, INITIALS[0])
    assert page.locator("[data-talk-state]").inner_text() == "和陈志强"
    page.locator("#text").fill("又谈了一次？")
    page.get_by_role("button", name="记下", exact=True).click()
    asked = page.locator("#confirm")
    asked.get_by_text("当天已经记过和").wait_for()
    asked.locator("[data-confirm-no]").click()
    assert page.locator("#text").input_value() == "又谈了一次？"
    page.locator("#text").fill("")
    page.locator("[data-drop]").click()
    assert Interview.objects.count() == 1


def _hard_case(page: Any) -> None:
    _choose(page, INITIALS[4])
    page.get_by_label(re.compile("^心理困惑")).check()
    page.locator("#problems").fill("家庭临时困难，想申请补助。")
    page.get_by_label("两周内", exact=True).check()
    page.locator("#text").fill(HARD)
    page.get_by_role("button", name="记下", exact=True).click()
    _recorded(page, 5)


def _without_network(page: Any) -> None:
    """Two talks while the network is away: they wait in the page and go out by themselves, once."""
    page.context.set_offline(True)
    _note(page, INITIALS[5], "实习联系好了。")
    page.get_by_text("网络断开，联网后自动送出").first.wait_for()
    _note(page, INITIALS[6], "想转专业。")
    page.get_by_role("heading", name="还没有送出 2 条").wait_for()
    with page.expect_event("dialog") as asked:
        page.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    assert Interview.objects.count() == 5
    page.context.set_offline(False)
    _recorded(page, 7)
    assert page.locator("[data-outbox]").is_hidden()


def _answer_lost(page: Any) -> None:
    """The server takes a talk and its answer is lost on the way: it is sent again and is one record."""
    lost: list[int] = []

    def swallow(route: Any) -> None:
        if lost or route.request.method != "POST":
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/interviews/new/", swallow)
    _note(page, INITIALS[7], "担任学习委员，工作顺利。")
    _recorded(page, 8)
    page.unroute("**/interviews/new/")
    assert (lost, Interview.objects.count()) == ([200], 8)


def _signed_out(page: Any, address: str) -> None:
    """The session ends while writing: the text stays, and goes out after signing in in another tab."""
    Session.objects.all().delete()
    _note(page, INITIALS[8], "打算考研。")
    page.get_by_text("登录已过期，重新登录后自动送出").first.wait_for()
    assert Interview.objects.count() == 8
    other = page.context.new_page()
    _sign_in(other, address, "tutor")
    other.close()
    page.bring_to_front()
    page.get_by_role("button", name="现在再送").click()
    _recorded(page, 9)


def _revisit(page: Any, address: str) -> None:
    page.goto(address + reverse("follow-ups"))
    page.get_by_role("link", name="记录回访").click()
    page.get_by_text("记下这次访谈，回访就算完成").wait_for()
    page.get_by_label("已告知", exact=True).check()
    page.locator("#text").fill("睡眠好转，补助已到账。")
    page.get_by_role("button", name="记下", exact=True).click()
    _recorded(page, 1)
    assert FollowUp.objects.get().state == "done"


def _name_reader(page: Any, address: str, made: Class, axe: Any) -> str:
    hard = Interview.objects.get(follow_ups__isnull=False)
    url = address + reverse("interview", args=[hard.pk])
    page.goto(url)
    assert HARD not in page.content()
    page.get_by_text("指定一位读者").tap()
    page.locator(f"[name=account][value='{made.reader.pk}']").check()
    page.locator("[name=reason]").fill("学院共同关心")
    page.locator("[name=until]").fill((clock.today() + dt.timedelta(days=7)).isoformat())
    page.get_by_role("button", name="指定", exact=True).tap()
    page.get_by_text("查看会留下记录").wait_for()
    assert axe(page) == []
    return url


def _read(page: Any, address: str, axe: Any) -> None:
    """The named reader finds the talk among what waits, opens it, sees the text."""
    page.context.clear_cookies()
    _sign_in(page, address, "reader")
    page.get_by_role("link", name=re.compile("去查看.*指定您查看一次访谈")).click()
    assert HARD not in page.content()
    page.get_by_role("button", name="打开内容").click()
    page.get_by_text(HARD).wait_for()
    assert "心理困惑" in page.locator("main").inner_text()
    assert axe(page) == []
    closed = page.url
    page.get_by_role("link", name="指定我看的访谈").click()
    page.go_back()  # the closed page, not a question whether to send the form again
    page.get_by_role("button", name="打开内容").wait_for()
    assert (page.url, HARD in page.content()) == (closed, False)


def _file(page: Any, button: str) -> bytes:
    with page.expect_download() as started:
        page.get_by_role("button", name=button).click()
    return Path(started.value.path()).read_bytes()


def _office_looks(page: Any, address: str, made: Class, spoken: list[str]) -> None:
    """Coverage of the unit moved from 0 to 9 of 16; files hold it too; what was said is nowhere."""
    url = address + reverse("coverage-unit", args=[made.campaign.pk, made.unit.pk])
    page.goto(url)
    page.get_by_role("button", name="重新统计").click()
    row = page.locator("tbody tr", has_text="2010级数学1班").first.inner_text()
    assert row.split()[1:3] == ["16", "9"]
    book = openpyxl.load_workbook(io.BytesIO(_file(page, "导出 Excel")))
    cells = [str(cell.value) for line in book.active.iter_rows() for cell in line if cell.value is not None]
    text = "".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(_file(page, "导出 PDF"))).pages)
    assert "2010级数学1班" in cells
    assert "2010级数学1班" in text
    for place in (page.content(), text, " ".join(cells)):
        assert not [said for said in spoken if said in place]
    for name in ("interviews", "matter-summary", "matters", "visit-plan-start"):
        page.goto(address + reverse(name))
        assert not [said for said in spoken if said in page.content()]
    for talk in Interview.objects.values_list("pk", flat=True)[:3]:
        assert page.goto(address + reverse("interview", args=[talk])).status == 403


def test_a_tutor_records_ten_talks_on_a_telephone(
    live_server: Any, browser_page: Any, phone_page: Any, axe: Any
) -> None:
    made, address, phone = _class(), live_server.url, phone_page
    _sign_in(browser_page, address, "office")
    browser_page.goto(address + reverse("coverage-unit", args=[made.campaign.pk, made.unit.pk]))
    assert browser_page.locator("tbody tr", has_text="2010级数学1班").first.inner_text().split()[1] == "16"

    _sign_in(phone, address, "tutor")
    began = time.monotonic()
    _first_talk(phone, address, axe)
    for number in (1, 2, 3):
        _note(phone, INITIALS[number], f"第{number + 1}位同学谈了近况。")
        _recorded(phone, number + 1)
    _hard_case(phone)
    _without_network(phone)
    _answer_lost(phone)
    _signed_out(phone, address)
    for initials in INITIALS[9:12]:
        _choose(phone, initials)
    assert phone.locator("[name=mode][value=group]").is_checked()
    phone.locator("#text").fill("座谈学风。")
    phone.get_by_role("button", name="记下", exact=True).click()
    _recorded(phone, 10)
    assert time.monotonic() - began < 600
    assert axe(phone) == []
    assert phone.evaluate(KEPT) == [[], [], [], [], []]
    assert Interview.objects.filter(one_to_one=True).count() == 9
    assert Interview.objects.get(one_to_one=False).heads == 3

    url = _name_reader(phone, address, made, axe)
    _read(browser_page, address, axe)
    phone.goto(url)
    assert f"{made.reader.get_full_name()}　" in phone.locator("section", has_text="谁看过").first.inner_text()
    assert list(Reading.objects.values_list("by__username", flat=True)) == ["reader"]
    _revisit(phone, address)
    browser_page.context.clear_cookies()
    _sign_in(browser_page, address, "office")
    _office_looks(browser_page, address, made, [HARD, "数学建模", "想转专业", "补助"])
