# ruff: noqa: E501 - rows stand as they are printed
"""附件6 of a real round: what is printed for each item, worked out by hand, in a number of queries that stays."""

import datetime as dt

import openpyxl
import pytest
from django.core.management import call_command

from branches import clock
from rectification import baseline, ledger
from rectification.models import Item, Plan
from reporting.annexes import annex6
from reporting.annexes.gather_annex6 import annex6_of, by_unit
from reporting.forms import wish_for
from reporting.making.kinds import BY_SLUG
from reporting.making.orders import Order
from tests.factories.ledger_world import NOW, ledger_world
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(ledger_world)


@pytest.fixture(autouse=True)
def _june(time_machine):
    time_machine.move_to(NOW, tick=False)


def told(facts):
    return [(row.name, row.problem, row.standing, row.remark) for row in facts.rows]


def test_the_school_in_the_order_of_the_annexes_without_drafts_and_ended_items(world):
    facts = annex6_of(world.round, world.grading.school.root)
    assert told(facts) == [
        ("软件工程教研室党支部", "支委未配齐，分工不明确", "verified", ""),
        ("软件工程教研室党支部", "青年教师入党积极分子少", "long_term", ""),
        ("软件工程教研室党支部", "没有固定的活动场所", "overdue", "逾期"),
        ("2010级数学党支部", "群众意见反馈不及时", "open", ""),
        ("2010级数学党支部", "党员缺席组织生活没有补课", "unverified", "待核实"),
        ("文学与历史学院党总支", "党总支例会没有记录", "open", ""),
        ("汉语言文学教研室党支部", "党建与教学结合不紧", "open", ""),
        ("汉语言文学教研室党支部", "群众意见反馈不及时。", "open", ""),
        ("图书馆直属党支部", "没有独立活动室", "awaiting_conditions", "暂不具备条件"),
        ("图书馆直属党支部", "支部书记空缺", "paused", "暂停"),
    ]
    assert annex6.sentence(facts.rows) == (
        "合计：问题 10 项，已销号 1 项，未到期 4 项，逾期 1 项，长期性项目 1 项，暂不具备条件 1 项，暂停 1 项，到期待核实 1 项"
        "（长期性项目、暂不具备条件、暂停、到期待核实不计入未到期、逾期）。"
    )


def test_a_line_says_progress_date_and_verifier(world):
    first, second, third = annex6_of(world.round, world.grading.school.software).rows
    assert (first.grade, first.target, first.progress, str(first.verified_on), first.verifier) == (
        "一般", "较好", "已增补，5月22日公布", "2012-05-28", "潘秋彬",
    )  # fmt: skip
    assert (second.long_term, second.progress, second.verified_on, second.verifier) == (
        True, "已确定培养对象2名", None, "",
    )  # fmt: skip
    assert third.progress == "房间已落实，桌椅未到位"


def test_a_branch_sees_its_draft_and_its_general_branch_does_not(world):
    school = world.grading.school
    assert [row.problem for row in annex6_of(world.round, school.history).rows] == ["组织生活次数不足"]
    assert "组织生活次数不足" not in [row.problem for row in annex6_of(world.round, school.letters).rows]


def test_one_document_for_each_general_branch_is_about_its_node(world):
    documents = by_unit(world.round, world.grading.school.root)
    assert [(one.unit, one.code, len(one.rows)) for one in documents] == [
        ("数学与计算机科学学院党总支", "SJ", 5),
        ("文学与历史学院党总支", "WX", 3),
        ("直属党支部", "DW", 2),
    ]


def test_the_number_of_queries_does_not_grow(world, django_assert_num_queries):
    school = world.grading.school

    def gather():
        return ledger.lines(round_=world.round, units=units, now=clock.now())

    units = list(world.round.units.filter(branch=school.chinese))
    with django_assert_num_queries(2):
        assert len(gather()) == 2
    units = list(world.round.units.all())
    with django_assert_num_queries(2):
        assert len(gather()) == 9


def test_the_command_writes_the_file_and_says_when_there_is_nothing(world, tmp_path):
    target = tmp_path / "附件6.xlsx"
    call_command("render", "annex6", round=world.round.pk, unit="SJ", format="xlsx", output=target, verbosity=0)
    book = openpyxl.load_workbook(target)
    assert [(page.title, page.sheet_state) for page in book] == [("附件6", "visible"), (baseline.SHEET, "veryHidden")]
    told = baseline.read([cell.value for (cell,) in book[baseline.SHEET].iter_rows(max_col=1)])
    first = world.items["verified"]
    assert [row.branch for row in told] == ["SJ001"] * 3 + ["SJ002"] * 2
    assert (told[0].item, told[0].marks["problem"]) == (first.pk, baseline.mark(first.problem))
    Item.objects.filter(plan__branch=world.grading.school.direct).update(state=Item.State.CLOSED)
    kind = BY_SLUG["annex6"]
    assert kind.gather(world.round, world.grading.school.direct)[0].rows == ()
    assert kind.available(world.round)
    Plan.objects.filter(round=world.round).exclude(items__isnull=False).delete()
    assert not kind.available(world.round.campaign.rounds.get(ordinal=2))


def test_an_export_asked_for_on_another_day_is_a_new_one(world, time_machine):
    """What is overdue depends on the day, though no row changed; 附件5 does not."""

    def asked(slug):
        order = Order(BY_SLUG[slug], world.round, world.grading.school.maths, "pdf")
        return wish_for(order, "数学与计算机科学学院党总支").fingerprint

    before = asked("annex6"), asked("annex5")
    time_machine.move_to(NOW + dt.timedelta(days=1), tick=False)
    assert asked("annex6") != before[0]
    assert asked("annex5") == before[1]
