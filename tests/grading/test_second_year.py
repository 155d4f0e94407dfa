"""A year later, in the same installation: which year a round is of, and last year's figures beside this year's."""

import datetime as dt
from decimal import Decimal as D  # noqa: N817

import pytest

from branches import clock
from branches.models import Campaign, Role
from branches.registries import home_items
from grading import contents
from grading.models import Criterion, Round, RoundStep, Rubric
from grading.services import rounds, rubrics
from tests.factories.branches import holder
from tests.factories.grading import campaign, fill, opened_round
from tests.grading.pages import account, page, text
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]

SPRING = dt.date(2013, 3, 4)


@shared
def years():
    """Return the round of 2012 with a sheet handed in, and the unit of the same branch in 2013.

    In between the rubric got a version in which A1 is worth a point more and A2 one less.
    """
    before = opened_round(backfill=False)
    old = before.unit("software")
    fill(old, lose=1)
    draft = rubrics.copy_to_new_version(by=None, rubric=Rubric.objects.get(pk=old.rubric_id))
    for code, points in {"A1": D(3), "A2": D(1)}.items():
        Criterion.objects.filter(section__rubric=draft, code=code).update(points=points)
    rubrics.publish(by=None, rubric=Rubric.objects.get(pk=draft.pk), now=clock.now())
    after = campaign(before.school.root, starts_on=SPRING)
    round_ = rounds.open_round(by=None, round_=after.rounds.get(ordinal=1), now=clock.now())
    return before, round_.units.get(branch=old.branch)


def test_a_round_is_called_with_its_year_unless_its_name_has_it(years):
    before, unit = years
    assert (before.round.dated, unit.round.dated) == ("2012年第一轮", "2013年第一轮")
    unit.round.name = "2013年春季定级"
    assert unit.round.dated == "2013年春季定级"


def test_last_years_campaign_is_taken_over_with_its_rules_and_a_year_later(signed_in, years):
    before, _ = years
    old = before.round
    Round.objects.filter(pk=old.pk).update(publicity_days=9)
    RoundStep.objects.filter(round=old, code="decide").update(name="会议审定")
    office, query = signed_in(account(before.school, "office")), f"?preset=campaign-{old.campaign_id}&start=2014-03-28"
    form = office.get(page("campaign-open") + query).context["form"]
    typed = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    answer = office.post(page("campaign-open") + query, typed)
    assert answer.status_code == 302, answer.context["form"].errors
    made = Campaign.objects.get(year=2014)
    assert (made.name, made.theme, made.starts_on) == ("2014年基层组织建设年", "", dt.date(2014, 3, 28))
    assert list(made.targets.values_list("code", "value")) == list(old.campaign.targets.values_list("code", "value"))
    first = made.rounds.get(ordinal=1)
    there, here = contents.of_round(Round.objects.get(pk=old.pk)), contents.of_round(first)
    dated = ("opens_on", "ends_on", "steps")
    assert {key: there[key] for key in there if key not in dated} == {
        key: here[key] for key in here if key not in dated
    }
    assert here["publicity_days"] == 9
    assert [step["name"] for step in here["steps"]] == [step["name"] for step in there["steps"]]
    assert here["opens_on"] == (old.opens_on + dt.timedelta(days=730)).isoformat()
    code = before.unit("software").rubric.code
    assert first.rubrics.filter(rubric__code=code).values_list("rubric__version", flat=True).distinct().get() == 2


def test_what_a_preset_says_of_other_parts_goes_along_with_its_days_moved(years):
    _, unit = years  # begun 341 days after the day of its preset
    taken = contents.of_campaign(unit.round.campaign)
    assert taken["rectification"] == {"plan_due_on": "2013-05-07", "item_due_on": "2013-12-07"}
    assert unit.round.campaign.preset["rectification"]["plan_due_on"] == "2012-05-31"


def test_what_waits_says_of_which_year_it_is(years):
    before, _ = years
    secretary = holder(Role.SECRETARY, before.unit("algebra").branch)
    titles = [item.title for item in home_items(secretary, clock.now())]
    assert {"2012年第一轮：填写支部自评", "2013年第一轮：填写支部自评"} <= set(titles)
    assert not [title for title in titles if title.startswith("第一轮")]


def test_last_years_points_stand_beside_this_years_where_the_item_is_the_same(signed_in, years):
    before, unit = years
    assert unit.rubric_id != before.unit("software").rubric_id
    shown = signed_in(account(before.school, "secretary")).get(page("self-assessment", unit.pk))
    told = {item.criterion.code: (item.other, item.other_name) for item in shown.context["sheet"].items}
    assert [told.pop("A1"), told.pop("A2")] == [(None, "")] * 2  # worth other points now: nothing to compare
    assert told["A3"][0] is not None
    assert {name for _, name in told.values()} == {"2012年第一轮"}
    assert "2013年第一轮" in text(shown)  # the head of the form
    assert f"2012年第一轮 {told['A3'][0]:.1f}" in text(shown)


def test_an_earlier_year_is_shown_nothing_of_a_later_one(signed_in, years):
    before, unit = years
    fill(unit, lose=2)
    shown = signed_in(account(before.school, "secretary")).get(page("self-assessment", before.unit("software").pk))
    assert {item.other for item in shown.context["sheet"].items} == {None}
