"""The log of messages forgets what is finished with after the months of the rules, and nothing else."""

import datetime as dt
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from branches import audit
from branches.models import AuditEntry
from rectification.models import Dispatch, DispatchLine, RectificationRules
from rectification.services import retention
from tests.factories.branches import CampaignFactory
from tests.factories.rectification import RectificationRulesFactory
from tests.factories.supervision import DispatchFactory, DispatchLineFactory
from tests.rectification.plan_world import at

pytestmark = [pytest.mark.db, pytest.mark.once]
NOW = at("2014-03-31 09:00")
SENT = {"state": "sent", "handed_at": at("2013-01-01 09:00"), "sent_at": at("2013-01-01 09:00")}
KEPT, OVER = dt.date(2013, 9, 30), dt.date(2013, 9, 29)  # six months before NOW, and the day before that


@pytest.fixture
def rules(db):
    earlier = CampaignFactory(starts_on=dt.date(2011, 3, 1), ends_on=dt.date(2011, 12, 31))
    RectificationRulesFactory(campaign=earlier, log_months=1)
    newest = CampaignFactory(starts_on=dt.date(2013, 3, 1), ends_on=dt.date(2013, 12, 31))
    return RectificationRulesFactory(campaign=newest, log_months=6)


def test_what_is_finished_goes_on_the_day_after_its_last(rules):
    old = DispatchFactory(day=OVER, **SENT)
    DispatchLineFactory(dispatch=old)
    kept = DispatchFactory(day=KEPT, **SENT)
    waiting = DispatchFactory(day=OVER)
    skipped = DispatchFactory(day=OVER, state="skipped", why="nothing", message_id="", address="", body="")
    assert retention.forget(now=NOW) == 2
    assert set(Dispatch.objects.values_list("pk", flat=True)) == {kept.pk, waiting.pk}
    assert not DispatchLine.objects.exists()
    assert skipped.pk not in Dispatch.objects.values_list("pk", flat=True)
    note = AuditEntry.objects.get(action="dispatch.forget")
    assert (note.summary, note.thing_id) == ("清除 2 条保存期满的发送记录", str(rules.pk))
    assert retention.forget(now=NOW) == 0
    assert AuditEntry.objects.filter(action="dispatch.forget").count() == 1


def test_a_message_sent_again_stays_as_long_as_the_later_one(rules):
    first = DispatchFactory(day=OVER, state="failed")
    again = DispatchFactory(day=KEPT, again_of=first, kind="resent", **SENT)
    assert retention.forget(now=NOW) == 0
    Dispatch.objects.filter(pk=again.pk).update(day=OVER)
    assert [retention.forget(now=NOW), retention.forget(now=NOW)] == [1, 1]


def test_without_a_rule_everything_stays_and_a_turn_takes_a_limited_number(rules):
    DispatchFactory.create_batch(3, day=OVER, **SENT)
    RectificationRules.objects.filter(pk=rules.pk).update(log_months=None)
    assert retention.forget(now=NOW) == 0
    RectificationRules.objects.filter(pk=rules.pk).update(log_months=6)
    assert retention.forget(now=NOW, limit=2) == 2


@pytest.mark.parametrize("field", ["log_months", "pause_months"])
def test_no_months_at_all_is_no_rule(rules, field):
    with pytest.raises(IntegrityError), transaction.atomic():
        RectificationRules.objects.update(**{field: 0})


# --- Rules from before there were months ------------------------------------------------------------------------------


def test_rules_from_before_get_the_months_of_their_preset_and_a_choice_stays(db):
    plain, own, chosen = (
        RectificationRulesFactory(campaign=CampaignFactory(preset={"rectification": given}))
        for given in ({}, {"pause_months": 2}, {})
    )
    RectificationRules.objects.filter(pk=own.pk).update(log_months=6)
    audit.record(
        by=None, action="rectification.rules", thing=chosen, summary="修改整改规则",
        after={"pause_months": None, "log_months": None},
    )  # fmt: skip
    import_module("rectification.migrations.0010_months_for_older_rules").fill(apps, None)
    found = {row.pk: (row.pause_months, row.log_months) for row in RectificationRules.objects.all()}
    assert found == {plain.pk: (3, 24), own.pk: (2, 6), chosen.pk: (None, None)}
