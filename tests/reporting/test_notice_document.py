"""督办单 on paper: what it says, its reply slip, and which of several is printed."""

import datetime as dt

import pytest

from grading.models import Round
from rectification.services import notices
from reporting.annexes import gather_notice
from reporting.annexes.facts import Stamp
from reporting.annexes.notice import NoticeLine
from reporting.making.kinds import BY_SLUG
from reporting.making.orders import Order, facts_for
from tests.rectification.supervision_world import LATER, answer, at, noticed_world
from tests.worlds import shared

pytestmark = pytest.mark.once
w = shared(noticed_world)
KIND = BY_SLUG["notice"]


def words(sheet):
    return [cell.text for row in sheet.rows for cell in row.cells if cell.text]


def test_what_a_notice_says(w):
    (facts,) = gather_notice.latest(w.round, w.school.software)
    assert (facts.school, facts.code, facts.issuer) == (
        "刺桐师范学院", "数学与计算机科学学院督〔2013〕1号", "数学与计算机科学学院党总支",
    )  # fmt: skip
    assert (facts.issued, facts.reply_due, facts.replied) == ("2013年1月7日", "2013年1月14日", "2013年1月10日")
    assert facts.lines[2] == NoticeLine(3, "会议记录漏记请假人员", "李小红", "2012年11月30日", 38, "已补齐3")


def test_notice_and_slip_are_two_sheets_with_every_item(w):
    (facts,) = gather_notice.latest(w.round, w.school.software)
    first, second = KIND.lay(facts, Stamp(on="2013年2月1日"))
    assert (len(first.pages), len(second.pages)) == (1, 1)
    assert "支委会一年没有换届" in words(first)
    assert "请逐项查明原因。" in words(first)
    assert {"已补齐1", "已补齐2", "已补齐3", "已逐项落实。"} <= set(words(second))
    assert not any("2013年2月1日" in text for text in (*words(first), *words(second)))


def test_before_there_is_a_reply_the_slip_is_blank_for_the_pen(w):
    notice = w.issue(branch=w.school.algebra)
    (facts,) = gather_notice.one(w.round, w.school.algebra, notice.pk)
    assert (facts.reply, facts.reply_by, [line.answer for line in facts.lines]) == ("", "", [""])
    notices.withdraw(by=w.officer, notice=notice, version=1, reason="填错", now=LATER)
    assert gather_notice.one(w.round, w.school.algebra, notice.pk) == []


def test_the_office_signs_as_the_leading_groups_office(w):
    notice = w.issue(by=w.office, branch=w.school.algebra)
    (facts,) = gather_notice.one(w.round, w.school.algebra, notice.pk)
    assert (facts.issuer, facts.code) == ("基层组织建设年领导小组办公室", "刺桐师范学院督〔2013〕1号")


def test_an_earlier_one_is_printed_by_its_key_and_never_another_branchs(w):
    first = w.school.software.notices.get()
    notices.close(by=w.officer, notice=first, version=first.version, now=LATER)
    second = w.issue(now=at("2013-01-21 09:00"), due=dt.date(2013, 1, 28))
    assert [one.code[-2:] for one in gather_notice.latest(w.round, w.school.software)] == ["2号"]
    order = Order(KIND, w.round, w.school.software, "pdf", one=first.pk)
    assert [facts.code[-2:] for facts in facts_for(order)] == ["1号"]
    assert gather_notice.one(w.round, w.school.algebra, second.pk) == []
    assert [one.code[-2:] for one in gather_notice.below(w.round, w.school.maths)] == ["1号", "2号"]
    assert gather_notice.below(w.round, w.school.letters) == []
    assert not order.bundled
    assert answer(first).text


def test_a_round_without_any_offers_none(w):
    assert gather_notice.issued(w.round)
    assert not gather_notice.issued(Round(campaign=w.campaign, pk=0))
