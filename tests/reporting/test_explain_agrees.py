"""“等级怎么来的” shows the figures of 附件4, 附件5 and the filled 附件2 of the round, before and after deciding."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.urls import reverse

from branches import clock
from branches.models import Role
from branches.transitions import Decision
from grading.models import AppraisalCount, Round, Source
from grading.services import results, sheets
from grading.services import spot_checks as service
from reporting.annexes import annex4, annex5, gather
from reporting.annexes.facts import Stamp
from reporting.tables import html
from tests.factories.branches import holder, school
from tests.factories.grading import (
    AnnualResultFactory,
    AppraisalCountFactory,
    ExemptionFactory,
    SourceFactory,
    VetoFindingFactory,
    fill,
    opened_round,
)
from tests.grading.pages import text
from tests.worlds import shared

STAMP = Stamp(on="2012年4月10日")


@shared
def world():
    """software: 自评 93, 考评 91, 年度 优秀 = 95, votes 18 7 3 of 28: 18.6 + 124/7 + 19 + 36.4 = 91.714… → 91.71.

    满意率 25/28 = 89.2857… %, below 90 %: 先进 by its score, 较好 by the gate.
    """
    made = opened_round(school())
    unit = made.unit("software")
    fill(unit, lose=7)
    fill(unit, "superior", lose=9)
    AnnualResultFactory(unit=unit, source=made.source("annual"))
    AppraisalCountFactory(unit=unit, source=made.source("appraisal"))
    Round.objects.filter(pk=made.round.pk).update(state=Round.State.SCORING)
    made.round = Round.objects.select_related("campaign", "scale").get(pk=made.round.pk)
    return made


@pytest.fixture
def leader(signed_in, world):
    return signed_in(holder(Role.SCHOOL_LEADER, world.school.root))


def explained(client, world):
    return client.get(reverse("explain", args=[world.unit("software").pk]))


def words(sheets):
    """Return the text of laid-out sheets."""
    body = "".join(html.render_sheet(sheet).body for sheet in sheets)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def annexes(world):
    """Return the texts of 附件4 and 附件5, and the items of the filled 附件2, of software."""
    branch = world.school.software
    four = next(iter(gather.annex4_of(world.round, branch)))
    five = gather.annex5_of(world.round, world.school.maths)
    sheet = next(iter(gather.sheets_of(world.round, branch)))
    return words(annex4.sheets(four, STAMP)), words(annex5.sheets(five, STAMP)), sheet


def same_items(response, sheet):
    shown = {one.code: (one.own, one.superior) for one in response.context["explanation"].items if not one.is_section}
    printed = {item.code: (item.own, item.superior) for item in sheet.items}
    assert shown == printed
    assert len(printed) > 20


FIGURES = ("93.00", "88.57", "95.00", "91.00", "91.71")


def test_sources_composite_rate_and_items_are_the_same(leader, world):
    response = explained(leader, world)
    page, (four, five, sheet) = text(response), annexes(world)
    for figure in FIGURES:
        assert figure in page
        assert figure in four
        assert figure in five
    assert "89.29%" in page
    assert "89.29" in four
    assert "89.29" in five
    same_items(response, sheet)
    sections = {one.text: one.superior for one in response.context["explanation"].items if one.is_section}
    assert sum(sections.values()) == Decimal(91)


def test_every_step_is_on_the_page(leader, world):
    VetoFindingFactory(unit=world.unit("software"), item=world.round.veto_items.first(), note="督查通报")
    page = text(explained(leader, world))
    assert "93×20% + 88.571…×20% + 95×20% + 91×40% = 91.7142…" in page
    assert "满意率 25/28 = 89.3%，低于 90%，最高评为较好" in page
    assert "书记或班子严重违纪违法（督查通报），直接定为后进" in page
    assert "先进比例" not in page  # a branch that holds no 先进 takes no place of its ceiling
    assert "发出 / 收回 / 有效 30 / 29 / 28 票" in page


def test_a_source_set_aside_is_said_and_the_rest_weighs_more(leader, world):
    ExemptionFactory(unit=world.unit("software"), source=world.source("annual"), reason="不参加考核")
    response = explained(leader, world)
    # 93×25% + 620/7×25% + 91×50% = 23.25 + 22.142857… + 45.5 = 90.892857… → 90.89
    page, (four, five, _sheet) = text(response), annexes(world)
    assert "缺项免计，其余权重按比例放大到 100%" in page
    assert "不参加考核" in page
    for shown in (page, four, five):
        assert "90.89" in shown


def test_a_spot_check_stands_beside_the_others(leader, world):
    SourceFactory(round=world.round, code="spot_check", name="学校抽查", short_name="抽查", weight=0, ordinal=9)
    round_ = Round.objects.select_related("campaign").get(pk=world.round.pk)
    plan = service.DrawPlan("hand", service.draws.Quota(1), reason="例行", picked=(world.unit("software").pk,))
    service.draw(by=None, round_=round_, plan=plan, now=clock.now())
    sheet = fill(world.unit("software"), "spot_check", lose=12)
    assert not explained(leader, world).context["explanation"].spotted  # a draft is nobody's score
    sheets.submit(by=None, assessment=sheet, now=clock.now())
    response = explained(leader, world)
    spotted = [one.spot for one in response.context["explanation"].items if one.is_section]
    assert sum(spotted) == Decimal(88)
    assert "学校抽查 88.00 0%" in text(response)


def test_a_decided_grade_keeps_its_figures_whatever_happens_to_the_rows(leader, world):
    unit = world.unit("software")
    computed = results.compute_round(by=None, round_=world.round, now=clock.now())
    chosen = next(row for row in computed.results if row.unit_id == unit.pk)
    choices = {unit.pk: results.Choice(chosen.computed_grade.code)}
    met = Decision("总支委员会", dt.date(2012, 3, 29))
    results.decide_grades(by=None, round_=world.round, choices=choices, decision=met, now=clock.now())
    AppraisalCount.objects.filter(unit=unit).update(issued=99, returned=99, valid=99, counted=99)
    Source.objects.filter(round=world.round, code="self").update(weight=0)
    page = text(explained(leader, world))
    for figure in (*FIGURES, "89.29%", "30 / 29 / 28 票", "93×20%"):
        assert figure in page
