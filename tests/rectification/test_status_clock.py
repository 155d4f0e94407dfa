"""How an item stands, at the second before, at and after each deadline, and over the year's end."""

import datetime as dt

import pytest
from django.utils import timezone

from rectification.models import Item, Status
from rectification.services import changes, closing, items, plans, settings
from tests.factories.rectification import CheckpointFactory
from tests.rectification.plan_world import AUTUMN, JUNE, MAY, World, at, status_of
from tests.worlds import shared

pytestmark = pytest.mark.db
world = shared(World)


def moments(item, text):
    """Return the status the second before, at, and the second after a midnight."""
    midnight = at(text)
    second = dt.timedelta(seconds=1)
    return [status_of(item, midnight - second), status_of(item, midnight), status_of(item, midnight + second)]


def test_an_item_is_overdue_from_the_midnight_after_its_last_day(world):
    item = world.approved()  # due 10-31
    assert moments(item, "2012-11-01 00:00") == [Status.AT_RISK, Status.OVERDUE, Status.OVERDUE]


def test_an_item_is_at_risk_from_the_first_second_of_the_day_fourteen_before(world):
    item = world.approved()  # 10-31 − 14 days = 10-17
    assert moments(item, "2012-10-17 00:00") == [Status.PLANNED, Status.AT_RISK, Status.AT_RISK]


def test_the_years_end_is_a_boundary_like_any_other(world):
    item = world.approved(due_on=dt.date(2012, 12, 31))
    assert moments(item, "2013-01-01 00:00") == [Status.AT_RISK, Status.OVERDUE, Status.OVERDUE]
    assert moments(item, "2012-12-17 00:00") == [Status.PLANNED, Status.AT_RISK, Status.AT_RISK]


def test_the_boundary_is_the_schools_midnight_whatever_zone_the_moment_comes_in(world):
    item = world.approved(due_on=dt.date(2012, 12, 31))
    utc = dt.datetime(2012, 12, 31, 16, 0, tzinfo=dt.UTC)  # midnight in Shanghai
    assert status_of(item, utc - dt.timedelta(seconds=1)) == Status.AT_RISK
    assert status_of(item, utc) == Status.OVERDUE
    assert status_of(item, utc.astimezone(dt.timezone(dt.timedelta(hours=-5)))) == Status.OVERDUE


def test_a_plan_of_a_back_filled_campaign_is_never_overdue(world):
    item = world.approved()
    type(world.campaign).objects.update(backfill=True)
    assert status_of(item, at("2013-06-01 00:00")) == Status.PLANNED


def test_a_plan_is_late_from_the_midnight_after_its_last_day(world):
    world.meeting()
    item = world.item()
    assert plans.plan_due_on(world.round) == dt.date(2012, 5, 31)
    told = {}
    for text in ("2012-05-31 23:59:59", "2012-06-01 00:00:00", "2012-06-01 00:00:01"):
        Item.objects.filter(pk=item.pk).update(state="draft")
        type(world.plan).objects.filter(pk=world.plan.pk).update(state="draft")
        told[text] = plans.submit(by=world.secretary, plan=world.plan, now=at(text)).late
    assert list(told.values()) == [False, True, True]


def test_a_later_round_and_a_back_filled_campaign_have_no_last_day_for_plans(world):
    later = type(world.round).objects.create(
        campaign=world.campaign, ordinal=2, name="第二轮", scale=world.round.scale, deciding_level="general_branch"
    )
    assert settings.plan_due_on(later) is None
    world.campaign.backfill = True
    world.round.campaign = world.campaign
    assert settings.plan_due_on(world.round) is None


def test_a_long_term_item_counts_by_its_next_check_point(world):
    days = [dt.date(2012, 12, 20), dt.date(2013, 12, 20)]
    item = world.approved(term="long_term", term_reason="须逐年培养", due_on=None, checkpoints=days)
    assert moments(item, "2012-12-06 00:00") == [Status.LONG_TERM, Status.AT_RISK, Status.AT_RISK]
    assert moments(item, "2012-12-21 00:00") == [Status.AT_RISK, Status.OVERDUE, Status.OVERDUE]
    first = item.checkpoints.get(due_on=days[0])
    items.record_checkpoint(
        by=world.secretary, checkpoint=first, on=dt.date(2012, 12, 19), finding="已培养2名", now=at("2012-12-19 09:00")
    )
    assert moments(item, "2012-12-21 00:00") == [Status.LONG_TERM] * 3
    assert moments(item, "2013-12-21 00:00") == [Status.AT_RISK, Status.OVERDUE, Status.OVERDUE]


def test_a_long_term_item_without_an_end_is_looked_at_for_ever(world):
    day = dt.date(2012, 12, 20)
    item = world.approved(term="long_term", term_reason="须逐年培养", due_on=None, checkpoints=[day])
    items.record_checkpoint(
        by=world.secretary, checkpoint=item.checkpoints.get(), on=day, finding="已培养2名", now=at("2012-12-20 09:00")
    )
    assert world.fresh(item).counts_on == dt.date(2013, 12, 20)
    assert moments(item, "2013-12-21 00:00") == [Status.AT_RISK, Status.OVERDUE, Status.OVERDUE]


def test_conditions_are_reviewed_by_their_day(world):
    item = world.approved(
        term="awaiting_conditions",
        term_reason="场所要等新楼交付",
        due_on=None,
        review_on=dt.date(2013, 3, 31),
        consents=True,
    )
    assert moments(item, "2013-01-01 00:00") == [Status.LONG_TERM] * 3
    assert moments(item, "2013-03-17 00:00") == [Status.LONG_TERM, Status.AT_RISK, Status.AT_RISK]
    assert moments(item, "2013-04-01 00:00") == [Status.AT_RISK, Status.OVERDUE, Status.OVERDUE]


def test_a_pause_ends_at_the_midnight_after_its_last_day(world):
    item = world.approved()
    asked = changes.request(
        by=world.secretary, item=item, kind="pause", new={"paused_until": "2012-11-15"}, reason="装修", now=AUTUMN
    )
    changes.decide(by=world.officer, change=asked, consent=True, now=AUTUMN)
    assert moments(item, "2012-11-01 00:00") == [Status.PAUSED] * 3
    assert moments(item, "2012-11-16 00:00") == [Status.PAUSED, Status.OVERDUE, Status.OVERDUE]
    assert status_of(item, at("2012-10-07 23:59:59")) == Status.PLANNED  # the pause had not begun


def test_an_extension_moves_the_boundary_beyond_the_year(world):
    item = world.approved(due_on=dt.date(2012, 12, 31))
    asked = changes.request(
        by=world.secretary, item=item, kind="extension", new={"due_on": "2013-01-31"}, reason="等批复", now=AUTUMN
    )
    assert moments(item, "2013-01-01 00:00")[1] == Status.OVERDUE  # asked for is not granted
    changes.decide(by=world.officer, change=asked, consent=True, now=AUTUMN)
    assert moments(item, "2013-01-01 00:00") == [Status.PLANNED] * 3
    assert moments(item, "2013-02-01 00:00") == [Status.AT_RISK, Status.OVERDUE, Status.OVERDUE]


def test_what_waits_for_verification_or_is_done_is_not_overdue(world):
    item = world.awaiting()
    assert status_of(item, at("2013-06-01 00:00")) == Status.AWAITING
    world.verify(item)
    assert status_of(item, at("2013-06-01 00:00")) == Status.VERIFIED


def test_every_status_has_its_place(world):
    now = JUNE
    item = world.item()
    assert status_of(item, now) == Status.PLANNED
    for state, status in (("in_hand", Status.IN_HAND), ("reopened", Status.IN_HAND), ("closed", Status.CLOSED)):
        Item.objects.filter(pk=item.pk).update(state=state, approved_at=MAY)
        assert status_of(item, now) == status


def test_moving_the_campaigns_end_moves_limits_and_reminders(world):
    item = world.approved(due_on=dt.date(2012, 12, 31))
    rules = settings.rules_of(world.campaign)
    settings.save_rules(
        by=world.office, rules=rules, version=rules.version,
        values={"item_due_on": dt.date(2013, 1, 15), "at_risk_days": 7}, now=AUTUMN,
    )  # fmt: skip
    fresh = world.fresh(item)
    assert (fresh.limit_on, fresh.risk_on, fresh.due_on) == (
        dt.date(2013, 1, 15),
        dt.date(2012, 12, 24),
        dt.date(2012, 12, 31),
    )


def test_still_open_changes_over_the_years_end_only_by_status(world):
    item = world.approved(due_on=dt.date(2012, 12, 31))
    before, after = (
        closing.still_open(campaign=world.campaign, now=at(text))
        for text in ("2012-12-31 23:59:59", "2013-01-01 00:00")
    )
    assert [(one.plan.pk, [(i.pk, i.status) for i in one.items]) for one in before] == [
        (item.plan_id, [(item.pk, Status.AT_RISK)])
    ]
    assert [[i.status for i in one.items] for one in after] == [[Status.OVERDUE]]


def test_status_is_one_query_for_any_number_of_items(world, django_assert_num_queries):
    world.item()
    for _ in range(3):
        item = world.item(term="long_term", term_reason="逐年", due_on=None, checkpoints=[dt.date(2012, 12, 1)])
        CheckpointFactory(item=item, due_on=dt.date(2013, 12, 1))
    with django_assert_num_queries(1):
        assert len(list(Item.objects.status(timezone.now()))) == 4
