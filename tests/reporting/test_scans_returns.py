"""What a round wants back signed: who owes it, when it can be signed, what is returned, missing or stale."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches import clock
from branches.models import Campaign, Role
from branches.permissions import Action, scope
from branches.registries import blockers, home_items
from branches.scopes import Scope
from branches.transitions import Decision
from grading.models import Round, RoundUnit
from grading.services import results, rounds
from reporting.lists import RETURNS, return_rows
from reporting.making import documents
from reporting.making.kinds import BY_SLUG
from reporting.models import FormVersion, Scan
from reporting.paper import returns
from reporting.services import form_versions
from tests.factories.branches import holder
from tests.factories.forms import ScanFactory, ScanPageFactory
from tests.factories.grading import AnnualResultFactory, AppraisalCountFactory, VetoReviewFactory, fill, opened_round
from tests.worlds import shared

pytestmark = pytest.mark.django_db
EVERYTHING = Scope(frozenset(), dt.date(2012, 4, 1), everything=True)
ANNEX5 = rounds.ReturnRule("annex5", "general_branch", "附件5 党支部分类定级汇总表")
ANNEX4 = rounds.ReturnRule("annex4", "branch", "附件4 党支部调查摸底与分类定级表")


def settled(world, *names):
    """Decide the grades of branches, everything handed in."""
    for name in names:
        unit = world.unit(name)
        fill(unit, lose=7)
        fill(unit, "superior", lose=9)
        AnnualResultFactory(unit=unit, source=world.source("annual"))
        AppraisalCountFactory(unit=unit, source=world.source("appraisal"))
        VetoReviewFactory(unit=unit)
    computed = results.compute_round(by=None, round_=world.round, now=clock.now())
    units = {world.unit(name).pk for name in names}
    choices = {r.unit_id: results.Choice(r.computed_grade.code) for r in computed.results if r.unit_id in units}
    met = Decision("总支委员会", dt.date(2012, 3, 29))
    results.decide_grades(by=None, round_=world.round, choices=choices, decision=met, now=clock.now())
    world.round.refresh_from_db()


@shared
def world():
    made = opened_round(backfill=False)
    Round.objects.filter(pk=made.round.pk).update(state=Round.State.SCORING)
    made.round.refresh_from_db()
    return made


@pytest.fixture
def graded(world):
    """The world with every grade of the maths 党总支 decided."""
    settled(world, "software", "algebra")
    return world


def made(world, slug, unit):
    """Print a form and return its version."""
    kind = BY_SLUG[slug]
    facts = kind.gather(world.round, unit)
    found = documents.identified(kind=kind, round_=world.round, unit=unit, facts=facts, bundled=False)
    (code,) = form_versions.issue(kind=slug, round_=world.round, documents=found, by=None)
    return FormVersion.objects.get(code=code)


def signed(world, slug, unit):
    return ScanPageFactory(scan=ScanFactory(form=made(world, slug, unit))).scan


def ask(world, *rules):
    world.round.refresh_from_db()
    rounds.set_returns(by=None, round_=world.round, version=world.round.version, returns=rules)
    return list(world.round.returns.select_related("round__campaign__root").order_by("ordinal"))


def standings(rule, reach=EVERYTHING):
    found = returns.returned(rule, units := returns.units_asked(rule, reach))
    return {unit.code: found[unit.pk].standing.value for unit in units}


def change(world):
    """Change what 附件5 of the maths 党总支 and 附件4 of algebra show."""
    unit = world.unit("algebra")
    unit.secretary_name = "林志远"
    unit.save()


@pytest.mark.once
def test_each_general_branch_owes_its_annex5_and_each_branch_its_annex4_where_it_is_asked_for(world):
    annex5, annex4 = ask(world, ANNEX5, ANNEX4)
    assert standings(annex5) == {"SJ": "missing", "WX": "missing"}
    assert set(standings(annex4)) == {"SJ001", "SJ002", "WX001", "WX002", "ZS001"}
    secretary = scope(holder(Role.SECRETARY, world.school.software), Action.RETURN_SCAN)
    assert (standings(annex5, secretary), standings(annex4, secretary)) == ({}, {"SJ001": "missing"})
    RoundUnit.objects.filter(pk=world.unit("algebra").pk).update(graded=False, not_graded_reason="新成立")
    assert "SJ002" not in standings(annex4)


@pytest.mark.once
def test_a_form_can_be_signed_once_every_grade_on_it_is_proposed(graded):
    world = graded
    annex5, annex4 = ask(world, ANNEX5, ANNEX4)
    tree = world.school
    assert returns.signable(annex5) == {tree.maths.pk}
    assert returns.signable(annex4) == {tree.software.pk, tree.algebra.pk}
    settled(world, "chinese")
    assert returns.signable(annex5) == {tree.maths.pk}
    settled(world, "history")
    assert returns.signable(annex5) == {tree.maths.pk, tree.letters.pk}


def test_a_scan_agrees_until_the_data_changes_and_a_new_one_counts_again(world):
    (annex5,) = ask(world, ANNEX5)
    first = signed(world, "annex5", world.school.maths)
    assert standings(annex5) == {"SJ": "returned", "WX": "missing"}
    change(world)
    assert standings(annex5) == {"SJ": "stale", "WX": "missing"}
    second = signed(world, "annex5", world.school.maths)
    found = returns.returned(annex5, [world.school.maths])[world.school.maths.pk]
    assert (found.standing.value, found.scan, second.form.code != first.form.code) == ("returned", second, True)


@pytest.mark.once
def test_what_an_older_version_of_the_product_printed_counts_as_returned_and_says_so(world):
    (annex5,) = ask(world, ANNEX5)
    scan = signed(world, "annex5", world.school.maths)
    FormVersion.objects.filter(pk=scan.form_id).update(shape="0" * 16)
    assert standings(annex5)["SJ"] == "unknown"


@pytest.mark.once
def test_a_withdrawn_scan_does_not_count(world):
    (annex5,) = ask(world, ANNEX5)
    scan = signed(world, "annex5", world.school.maths)
    Scan.objects.filter(pk=scan.pk).update(withdrawn_at=clock.now(), withdrawn_reason="盖错章")
    assert standings(annex5)["SJ"] == "missing"


def test_the_list_says_the_same_and_takes_as_many_queries_for_many_as_for_two(world):
    annex5, annex4 = ask(world, ANNEX5, ANNEX4)
    scan = signed(world, "annex5", world.school.maths)
    change(world)
    rows = RETURNS.prepare(list(return_rows(annex5, returns.returned(annex5, returns.units_asked(annex5, EVERYTHING)))))
    assert [(row["name"], row["standing"], row["code"], row["files"]) for row in rows] == [
        ("数学与计算机科学学院党总支", "数据已变，与扫描件不一致", scan.form.code, 1),
        ("文学与历史学院党总支", "未交回", "", None),
    ]
    for name in ("software", "chinese"):
        signed(world, "annex4", getattr(world.school, name))
    few = queries_of(annex4)
    for name in ("algebra", "history"):
        signed(world, "annex4", getattr(world.school, name))
    assert queries_of(annex4) == few
    assert standings(annex4) == {
        "SJ001": "returned", "SJ002": "returned", "WX001": "returned", "WX002": "returned", "ZS001": "missing",
    }  # fmt: skip


def queries_of(rule):
    with CaptureQueriesContext(connection) as queries:
        found = returns.returned(rule, returns.units_asked(rule, EVERYTHING))
        RETURNS.prepare(list(return_rows(rule, found)))
    return len(queries)


@pytest.mark.once
def test_nothing_is_gathered_while_nothing_came_back(world, monkeypatch):
    (annex5,) = ask(world, ANNEX5)
    monkeypatch.setattr(form_versions, "present_digests", None)
    assert set(standings(annex5).values()) == {"missing"}


@pytest.mark.once
def test_a_round_may_not_open_wanting_a_form_that_nobody_can_print(world):
    second = Round.objects.get(campaign=world.round.campaign, ordinal=2)
    assert not any("交回" in text for text in blockers(second, Round.State.SELF, clock.now()))
    wrong = [rounds.ReturnRule("annex9", "branch", "附件9"), rounds.ReturnRule("annex5", "branch", "附件5")]
    rounds.set_returns(by=None, round_=second, version=second.version, returns=wrong)
    told = [text for text in blockers(second, Round.State.SELF, clock.now()) if "交回" in text]
    assert [text.partition("，")[0] for text in told] == [
        "本轮要求交回“党支部盖章的附件9”", "本轮要求交回“党支部盖章的附件5”",
    ]  # fmt: skip


# --- Home -----------------------------------------------------------------------------------------------------------


def told(account):
    return [(item.title, item.detail, item.url) for item in home_items(account, clock.now()) if "盖章" in item.title]


@pytest.mark.once
def test_the_general_branch_is_asked_for_its_paper_until_it_agrees_with_the_data(graded):
    world = graded
    tree, pk = world.school, world.round.pk
    officer = holder(Role.GENERAL_BRANCH_OFFICER, tree.maths)
    title, page = "2012年第一轮：交回盖章的附件5 党支部分类定级汇总表", f"/reports/forms/annex5/{pk}/{tree.maths.pk}/"
    assert told(officer) == [(title, "打印、签字盖章后扫描或拍照交回", page)]
    assert told(holder(Role.GENERAL_BRANCH_OFFICER, tree.letters)) == []
    assert told(holder(Role.SECRETARY, tree.software)) == []
    signed(world, "annex5", tree.maths)
    assert told(officer) == []
    change(world)
    assert told(officer) == [(title, "数据已变，与扫描件不一致", page)]


@pytest.mark.once
def test_branches_are_asked_where_the_round_wants_their_forms_too(graded):
    world = graded
    ask(world, ANNEX5, ANNEX4)
    tree, pk = world.school, world.round.pk
    ((title, _, url),) = told(holder(Role.SECRETARY, tree.software))
    assert (title, url) == (
        "2012年第一轮：交回盖章的附件4 党支部调查摸底与分类定级表",
        f"/reports/forms/annex4/{pk}/{tree.software.pk}/",
    )
    several = told(holder(Role.GENERAL_BRANCH_OFFICER, tree.maths))[1]
    assert several[1:] == ("未交回 2 个单位", f"/reports/returns/{pk}/?kind=annex4")


@pytest.mark.once
def test_the_office_reads_how_many_are_missing(graded):
    world = graded
    office = holder(Role.OFFICE, world.school.root)
    ((title, detail, url),) = told(office)
    assert title == "2012年第一轮：催收盖章的附件5 党支部分类定级汇总表"
    assert (detail, url) == ("可以盖章的 1 个单位，未交回 1 个", f"/reports/returns/{world.round.pk}/?kind=annex5")
    signed(world, "annex5", world.school.maths)
    assert told(office) == []


@pytest.mark.once
def test_nobody_is_asked_before_scoring_in_a_backfill_or_where_nothing_is_wanted(graded):
    world = graded
    officer = holder(Role.GENERAL_BRANCH_OFFICER, world.school.maths)
    assert len(told(officer)) == 1
    Campaign.objects.update(backfill=True)
    assert told(officer) == []
    Campaign.objects.update(backfill=False)
    Round.objects.filter(pk=world.round.pk).update(state=Round.State.SELF)
    assert told(officer) == []
    Round.objects.filter(pk=world.round.pk).update(state=Round.State.DECIDING)
    ask(world)
    assert told(officer) == []
