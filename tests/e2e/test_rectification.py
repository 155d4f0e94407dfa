"""整改提高 from a grade to 销号: the 书记 on a telephone, the 党总支 and the office on their screens, a year going by.

The plan of five items is drawn up from 附件4 and lost points by taps, discussed and handed in; one item comes back; one
is verified at the second attempt; one is late once the clock is moved, gets its 督办单 and stands in 附件6.
"""

import datetime as dt
import io
import re
from typing import Any

import pytest
from django.urls import reverse
from pypdf import PdfReader

from branches import clock
from branches.models import Role
from grading.models import Result
from rectification.models import Item, Plan, SupervisionNotice
from reporting.making.kinds import BY_SLUG
from reporting.making.orders import Order, stamp_for
from reporting.making.rendering import make_bytes
from tests.e2e.test_ballots import _sign_in as sign_in
from tests.factories import branches as f
from tests.factories import grading as g
from tests.factories.grading import Grading, fill, opened_round

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
SECRETARY, OFFICER, OFFICE = "shuji", "zongzhi", "bangongshi"
PROBLEMS = ("支委未配齐", "会议记录漏记请假人员", "没有固定活动场所")
MEASURES = ("每月学习1次，由宣传委员负责", "6月底前补选1名组织委员，由书记负责", "每次会后3天内由组织委员补记")
LATE_AFTER = dt.timedelta(days=320)  # the campaign's items are due 278 days after it begins


def _graded() -> Grading:
    """A branch with its grade, its 附件4, and points lost in A1."""
    made = opened_round(backfill=False, starts_on=clock.today() - dt.timedelta(days=30))
    unit = made.unit("software")
    grade = unit.round.scale.grades.get(label="较好")
    numbered = "\n".join(f"{number}．{text}。" for number, text in enumerate(PROBLEMS, 1))
    g.SurveyFactory(unit=unit, problems=numbered, target=unit.round.scale.grades.first(), goal="年内达到先进")
    fill(unit, lose=1)
    g.ResultFactory(
        unit=unit, state=Result.State.DECIDED, computed_grade=grade, decided_grade=grade, decided_at=clock.now(),
        body="总支委员会",
    )  # fmt: skip
    secretary = f.holder(Role.SECRETARY, made.school.software, username=SECRETARY)
    f.AppointmentFactory(branch=made.school.software, person=secretary.person)
    f.holder(Role.GENERAL_BRANCH_OFFICER, made.school.maths, username=OFFICER)
    f.holder(Role.OFFICE, made.school.root, username=OFFICE)
    return made


def _sent(page: Any, button: str) -> None:
    """Press a button, answer its dialog where there is one, wait for the next page."""
    page.get_by_role("button", name=button, exact=True).first.click()
    dialog = page.locator("dialog#confirm[open]")
    if dialog.count():
        with page.expect_navigation():
            page.locator("[data-confirm-yes]").click()
    else:
        page.wait_for_load_state()


def _fits(page: Any, axe: Any) -> None:
    """Nothing sticks out on the telephone, and nothing shuts anybody out."""
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert axe(page) == []


def _take(page: Any, text: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=f"列入：{text}").click()


def _complete(page: Any, dimension: str, category: str, measures: str, button: str) -> None:
    """Fill what an item still lacks: two taps for where it belongs, goal, measures, owner."""
    page.locator("label", has_text=dimension).click()
    page.locator("label", has_text=category).click()
    page.locator("[name=goal]").fill("年内做到、有记录可查")
    page.locator("[name=measures]").fill(measures)
    page.locator("[name=owner_name]").fill("李小红")
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def _draw_up(page: Any, address: str, axe: Any) -> str:
    """As the 书记 on a telephone: five items, four of them by one tap. Return the plan's address."""
    page.locator("main").get_by_role("link", name=re.compile("去制定")).first.click()
    _sent(page, "开始制定方案")
    plan_url = str(page.url)
    for problem in PROBLEMS:
        _take(page, problem)
    page.get_by_text("失分的条目").click()
    _take(page, "支委配备齐全，按期换届，每名委员有明确分工")
    page.get_by_role("link", name="自己写一条").click()
    assert page.locator("[name=leader]").input_value() != "", "the 书记 leads unless somebody else is named"
    page.locator("[name=problem]").fill("学习以念文件为主")
    _complete(page, "党员队伍好", "抓规范建制度", MEASURES[0], "保存")
    assert "还缺" in page.locator("main").inner_text()
    _fits(page, axe)
    page.get_by_role("link", name=PROBLEMS[0]).click()
    _fits(page, axe)
    for number in range(4):
        _complete(page, "领导班子好", "抓书记强班子", MEASURES[number % 3], "保存，填下一项" if number < 3 else "保存")
    page.goto(plan_url)
    return plan_url


def _meet(page: Any, axe: Any) -> None:
    """Record the 党员大会: excused members by name, the numbers counted."""
    page.get_by_role("link", name="记录党员大会").first.click()
    page.locator("[name=held_on]").fill(str(clock.today()))
    page.locator("[name=place]").fill("办公楼301")
    page.locator("[name=recorder]").fill("李小红")
    page.locator("[name=should_attend]").fill("12")
    page.locator("[name=present]").fill("11")
    page.locator("[name=absence-name-0]").fill("张伟")
    page.locator("[name=absence-reason-0]").fill("出差")
    page.locator("[name=opinions]").fill("同意方案，会议记录的时限要提前。")
    _fits(page, axe)
    _sent(page, "保存会议记录")


def _decide(page: Any, plan_url: str, returned: str = "") -> str:
    """As the 党总支: consent to everything, or return one item with the reason."""
    page.goto(f"{plan_url}approve/")
    for line in page.locator(".approve-item").all():
        back = bool(returned) and returned in line.inner_text()
        line.get_by_text("退回" if back else "同意", exact=True).click()
        if back:
            line.locator("input.form-control").fill("请写明补选几名、什么时候完成")
    _sent(page, "完成审批")
    return str(page.locator("main").inner_text())


def _report(page: Any, item_url: str, result: str) -> None:
    page.goto(item_url)
    page.locator("[name=percent]").fill("60")
    page.locator("[name=text]").fill("已开会安排")
    _sent(page, "登记进展")
    page.locator("[name=result]").fill(result)
    _sent(page, "申请销号")
    assert "待核实" in page.locator("main").inner_text()


def _verify(page: Any, item_url: str, finding: str, *, passed: bool) -> str:
    page.goto(item_url)
    page.get_by_text("通过，销号" if passed else "不通过，重新整改", exact=True).click()
    page.locator("[name=finding]").fill(finding)
    page.get_by_text("现场核实", exact=True).click()
    _sent(page, "登记核实")
    return str(page.locator("main").inner_text())


def _urge(page: Any, address: str, branch: str) -> str:
    """As the office: issue a 督办单 to the branch that is late; return its number."""
    page.goto(address + reverse("supervision-notice-new"))
    page.get_by_text(branch, exact=True).click()
    _sent(page, "签发督办单")
    heading = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("link", name="预览、打印 PDF").click()
    assert branch in page.locator("main").inner_text()
    return str(heading).removeprefix("督办单").strip()


def _paper(made: Grading, kind: str, node: Any, one: int = 0) -> str:
    """Return what a document says, as PDF."""
    content, _ = make_bytes(Order(BY_SLUG[kind], made.round, node, "pdf", one=one), stamp_for())
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).replace("\n", "")


def test_from_a_grade_to_verification_and_supervision(
    live_server: Any, phone_page: Any, new_context: Any, axe: Any, time_machine: Any
) -> None:
    made, address = _graded(), live_server.url
    phone, officer = phone_page, new_context().new_page()
    sign_in(phone, address, SECRETARY)
    plan_url = _draw_up(phone, address, axe)
    _meet(phone, axe)
    _sent(phone, "提交方案")
    assert "回执号" in phone.locator("main").inner_text()

    sign_in(officer, address, OFFICER)
    officer.goto(f"{plan_url}approve/")
    assert axe(officer) == []
    assert "已退回" in _decide(officer, plan_url, returned=PROBLEMS[1])
    phone.goto(plan_url)
    phone.get_by_role("link", name=PROBLEMS[1]).click()
    phone.locator("[name=measures]").fill("6月底前由组织委员补记5次会议")
    _sent(phone, "保存")
    _sent(phone, "提交方案")
    assert "已批准" in _decide(officer, plan_url)
    plan = Plan.objects.get()
    assert plan.items.filter(state=Item.State.APPROVED).count() == 5
    assert (plan.state, plan.receipts.count()) == ("approved", 2)

    item = plan.items.get(problem=PROBLEMS[0])
    item_url = address + reverse("item", args=[item.pk])
    _report(phone, item_url, "已补选1名")
    assert "重新整改" in _verify(officer, item_url, "只有1名，还缺1名", passed=False)
    _fits(phone, axe)
    _report(phone, item_url, "已补选2名")
    assert "已销号" in _verify(officer, item_url, "已补选2名，已备案", passed=True)
    assert axe(officer) == []

    time_machine.move_to(clock.now() + LATE_AFTER)
    office = new_context().new_page()
    sign_in(office, address, OFFICE)
    code = _urge(office, address, made.unit("software").name)
    office.goto(address + reverse("annex-preview", args=["annex6", made.round.pk, made.school.maths.pk]))
    assert PROBLEMS[2] in office.locator("main").inner_text()
    _check_papers(made, code)


def _check_papers(made: Grading, code: str) -> None:
    """The 督办单 names its number and what is late; 附件6 counts 5 problems: 1 verified, 4 late."""
    said = _paper(made, "notice", made.school.software, one=SupervisionNotice.objects.get().pk)
    assert code in said
    assert PROBLEMS[2] in said
    ledger = re.sub(r"\s", "", _paper(made, "annex6", made.school.maths))
    assert "问题5项" in ledger
    assert "已销号1项" in ledger
    assert "逾期4项" in ledger
