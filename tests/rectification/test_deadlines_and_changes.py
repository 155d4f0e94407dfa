"""Deadlines the service and the database refuse; changes with consent and history."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from grading.services.errors import RefusedError
from rectification.models import Change, Item, RectificationRules
from rectification.services import changes, items, plans, progress
from tests.factories.branches import PersonFactory
from tests.rectification.plan_world import AUTUMN, MAY, Ruling, World, at, state_of
from tests.worlds import shared

pytestmark = pytest.mark.db
world = shared(World)
LATE = dt.date(2013, 1, 1)
BEYOND = "完成时限不能晚于2012年12月31日；确需更长时间的，请选“长期性”或“暂不具备条件”并写明理由。"


def refused(function, *given, **named):
    with pytest.raises(RefusedError) as told:
        function(*given, **named)
    return told.value.sentences


def barred(**values):
    """Tell whether the database itself refuses values of the only item."""
    try:
        with transaction.atomic():
            Item.objects.update(**values)
    except IntegrityError:
        return True
    return False


def ask(world, item, kind, *, by=None, reason="合作单位推迟", now=AUTUMN, **new):
    return changes.request(by=by or world.secretary, item=item, kind=kind, new=new, reason=reason, now=now)


def decide(world, change, *, by=None, consent=True, now=AUTUMN, **given):
    return changes.decide(by=by or world.officer, change=change, consent=consent, now=now, **given)


# ------------------------------------------------------------------ the limit of the campaign


def test_the_last_day_holds_and_the_day_after_is_refused_by_the_service(world):
    assert world.item(due_on=dt.date(2012, 12, 31)).due_on == dt.date(2012, 12, 31)
    with pytest.raises(RefusedError) as told:
        world.item(due_on=LATE)
    assert told.value.fields == {"due_on": BEYOND}


def test_a_draft_is_not_moved_beyond_the_limit_either(world):
    item = world.item()
    change = {"by": world.secretary, "plan": world.plan, "item": item, "version": item.version, "now": MAY}
    assert refused(items.save_item, values={"due_on": LATE}, **change) == [BEYOND]


def test_the_database_refuses_a_deadline_after_the_limit(world):
    world.item()
    assert barred(due_on=LATE)
    assert not barred(due_on=dt.date(2012, 12, 31))
    assert not barred(due_on=LATE, extended_to=LATE)
    assert barred(due_on=dt.date(2013, 1, 2))  # later than the extension
    assert not barred(due_on=LATE, extended_to=None, term="long_term")
    assert barred(term="normal")


@pytest.mark.parametrize("term", ["long_term", "awaiting_conditions"])
def test_what_takes_longer_may_lie_after_the_limit(world, term):
    item = world.item(
        term=term, term_reason="须逐年培养", due_on=dt.date(2013, 4, 30), review_on=dt.date(2012, 12, 1),
        checkpoints=[dt.date(2012, 12, 1)],
    )  # fmt: skip
    assert item.due_on == dt.date(2013, 4, 30)


def test_the_database_asks_long_lasting_items_for_reason_consent_and_review(world):
    world.item(term="awaiting_conditions", term_reason="等新楼", due_on=None, review_on=dt.date(2013, 3, 31))
    assert not barred(state="submitted")
    assert barred(term_reason="")
    assert barred(review_on=None)
    assert barred(state="approved", approved_at=MAY)  # nobody has consented
    assert not barred(state="approved", approved_at=MAY, consented_by=world.officer, consented_at=MAY)
    assert barred(term="normal")  # has no deadline


def test_conditions_need_the_consent_of_the_level_above(world):
    item = world.submitted(
        term="awaiting_conditions", term_reason="等新楼", due_on=None, review_on=dt.date(2013, 3, 31)
    )
    assert refused(world.rule, item, Ruling(approve=True)) == ["第1项：暂不具备条件须经上级同意，请勾选同意或退回。"]
    world.rule(item, Ruling(approve=True, consents=True))
    fresh = world.fresh(item)
    assert (fresh.consented_by, fresh.consented_at, fresh.counts_on) == (world.officer, MAY, dt.date(2013, 3, 31))


@pytest.mark.parametrize(
    "values",
    [
        {"percent": 101},
        {"problem": ""},
        {"state": "unknown"},
        {"term": "sometime"},
        {"paused_until": dt.date(2012, 6, 1)},
        {"paused_on": dt.date(2012, 6, 1)},
        {"paused_on": dt.date(2012, 6, 2), "paused_until": dt.date(2012, 6, 1)},
        {"state": "awaiting_verification", "approved_at": MAY},
        {"state": "verified", "approved_at": MAY, "result": "已办", "requested_at": MAY},
        {"state": "transferred"},
        {"state": "in_hand", "approved_at": None},
    ],
)
def test_the_database_refuses_impossible_items(world, values):
    world.item()
    assert barred(**values)


def test_the_database_asks_an_escalation_for_a_reason(world):
    world.item()
    assert barred(escalated_to=world.school.maths)
    assert not barred(escalated_to=world.school.maths, escalation_reason="没有用房")


# ------------------------------------------------------------------ changes


def test_a_deadline_changes_only_with_consent_and_its_history_is_kept(world):
    item = world.approved()
    asked = ask(world, item, "deadline", due_on="2012-11-30")
    assert (asked.kind, world.fresh(item).due_on) == ("deadline", dt.date(2012, 10, 31))
    decided = decide(world, asked, answer="同意")
    fresh = world.fresh(item)
    assert (fresh.due_on, fresh.counts_on, fresh.risk_on) == (
        dt.date(2012, 11, 30), dt.date(2012, 11, 30), dt.date(2012, 11, 16),
    )  # fmt: skip
    assert (decided.old, decided.new, decided.decided_by) == (
        {"due_on": "2012-10-31"},
        {"due_on": "2012-11-30"},
        world.officer,
    )


def test_a_deadline_beyond_the_limit_is_an_extension(world):
    item = world.approved()
    asked = ask(world, item, "deadline", due_on="2013-01-31")
    assert asked.kind == "extension"
    decide(world, asked)
    fresh = world.fresh(item)
    assert (fresh.due_on, fresh.extended_to, fresh.limit_on) == (
        dt.date(2013, 1, 31), dt.date(2013, 1, 31), dt.date(2012, 12, 31),
    )  # fmt: skip
    assert ask(world, item, "extension", due_on="2013-01-15").kind == "deadline"


def test_a_refusal_says_why_and_changes_nothing(world):
    item = world.approved()
    asked = ask(world, item, "deadline", due_on="2012-11-30")
    assert refused(decide, world, asked, consent=False) == ["不同意须写明理由。"]
    decide(world, asked, consent=False, answer="没有必要")
    assert (state_of(asked), world.fresh(item).due_on) == ("refused", dt.date(2012, 10, 31))
    assert refused(decide, world, asked) == ["这份申请不同意，不用再办理。"]


def test_nobody_decides_what_they_asked_for_and_only_the_level_above_does(world):
    item = world.approved()
    asked = ask(world, item, "deadline", due_on="2012-11-30", by=world.officer)
    assert refused(decide, world, asked) == ["这是您本人提出的申请，请由另一位负责同志审批。"]
    assert refused(decide, world, asked, by=world.other_officer)
    assert refused(decide, world, asked, by=world.secretary) == ["您的角色没有这项权限。"]
    with pytest.raises(IntegrityError), transaction.atomic():
        Change.objects.filter(pk=asked.pk).update(state="approved", decided_by=world.officer, decided_at=AUTUMN)
    assert decide(world, asked, by=world.office).state == "approved"


def test_a_goal_changes_only_with_consent(world):
    item = world.approved()
    assert refused(ask, world, item, "goal", goal="会议记录完整") == ["请写明新的整改目标。"]
    decide(world, ask(world, item, "goal", goal="记录完整率达到95%"))
    assert world.fresh(item).goal == "记录完整率达到95%"


def test_measures_and_owner_change_at_once_and_are_kept(world):
    item = world.approved()
    heir = PersonFactory(name="陈静")
    kept = ask(world, item, "details", owner_person=heir, owner_name="陈静", measures="每次会后2天内核对")
    fresh = world.fresh(item)
    assert (fresh.owner_person, fresh.owner_name, fresh.measures) == (heir, "陈静", "每次会后2天内核对")
    assert (kept.state, kept.old["owner_name"], kept.new["owner_name"]) == ("recorded", "李小红", "陈静")
    assert refused(ask, world, fresh, "details", owner_name="陈静") == ["没有改动。"]
    assert refused(ask, world, fresh, "details", owner_name=" ") == ["措施、责任领导和责任人不能空着。"]


def test_a_name_typed_anew_lets_go_of_the_person_chosen_before(world):
    item = world.approved()
    ask(world, item, "details", owner_name="周敏")
    fresh = world.fresh(item)
    assert (fresh.owner_name, fresh.owner_person) == ("周敏", None)


def test_a_pause_and_its_end_need_consent(world):
    item = world.approved()
    assert refused(ask, world, item, "resume") == ["这一项没有暂停。"]
    decide(world, ask(world, item, "pause", paused_until="2012-11-30"))
    assert (world.fresh(item).paused_on, world.fresh(item).paused_until) == (AUTUMN.date(), dt.date(2012, 11, 30))
    assert refused(ask, world, item, "pause", paused_until="2012-11-30") == ["这一项已经暂停。"]
    decide(world, ask(world, item, "resume"))
    assert world.fresh(item).paused_on is None


def test_an_item_becomes_a_long_term_one_with_consent(world):
    item = world.approved()
    assert refused(ask, world, item, "term", term="long_term", term_reason="须逐年培养") == ["还缺年度检查点。"]
    asked = ask(
        world, item, "term", term="long_term", term_reason="须逐年培养", checkpoints=["2013-10-01", "2014-10-01"]
    )
    assert world.fresh(item).term == "normal"
    decide(world, asked)
    fresh = world.fresh(item)
    assert (fresh.term, fresh.counts_on, fresh.checkpoints.count()) == ("long_term", dt.date(2013, 10, 1), 2)
    assert asked.old["due_on"] == "2012-10-31"


def test_consent_to_missing_conditions_names_who_gave_it(world):
    item = world.approved()
    asked = ask(world, item, "term", term="awaiting_conditions", term_reason="等新楼", review_on="2013-03-31")
    decide(world, asked)
    fresh = world.fresh(item)
    assert (fresh.term, fresh.consented_by, fresh.counts_on) == (
        "awaiting_conditions",
        world.officer,
        dt.date(2013, 3, 31),
    )


def test_back_to_a_deadline_the_limit_holds_again(world):
    item = world.approved(term="long_term", term_reason="逐年", due_on=None, checkpoints=[dt.date(2012, 12, 1)])
    assert refused(ask, world, item, "term", term="normal", due_on="2013-01-01") == [BEYOND]
    assert refused(ask, world, item, "deadline", due_on="2012-12-01") == [
        "长期性或暂不具备条件的项目没有固定的完成时限，请调整期限类型。"
    ]


def test_the_superior_takes_an_approved_item_over_by_consent(world):
    item = world.approved()
    asked = ask(world, item, "escalation", reason="支部没有用房")
    assert refused(decide, world, asked) == ["请写明上级的责任人。"]
    decide(world, asked, owner_name="陈院长")
    fresh = world.fresh(item)
    assert (fresh.responsible_id, fresh.owner_name, fresh.escalation_reason) == (
        world.school.maths.pk,
        "陈院长",
        "支部没有用房",
    )
    assert refused(ask, world, fresh, "goal", goal="换目标") == ["这一项已提请上级解决，由上级登记进展。"]
    asked = ask(world, fresh, "goal", goal="换目标", by=world.officer)
    assert refused(decide, world, asked, by=world.officer)
    assert decide(world, asked, by=world.office).state == "approved"


@pytest.mark.parametrize(
    ("kind", "new", "told"),
    [
        ("deadline", {"due_on": "2012-10-07"}, "新的完成时限已经过了。"),
        ("deadline", {"due_on": "2012-10-31"}, "新的完成时限与原来相同。"),
        ("deadline", {"due_on": ""}, "请填写新的完成时限。"),
        ("pause", {}, "请填写暂停到哪一天。"),
        ("pause", {"paused_until": "2012-10-07"}, "暂停的截止日期已经过了。"),
        ("term", {"term": "sometime"}, "请选择期限类型。"),
    ],
)
def test_what_cannot_be_is_not_even_asked_for(world, kind, new, told):
    assert refused(ask, world, world.approved(), kind, **new) == [told]


def test_how_long_a_pause_may_last_is_a_rule(world):
    item = world.approved()
    RectificationRules.objects.update(pause_months=3)
    told = "一次最多暂停3个月，到2013年1月8日；到期还不能恢复的，再申请。"
    assert refused(ask, world, item, "pause", paused_until="2013-01-09") == [told]
    assert ask(world, item, "pause", paused_until="2013-01-08").state == "proposed"
    Change.objects.update(state="withdrawn")
    RectificationRules.objects.update(pause_months=None)
    assert ask(world, item, "pause", paused_until="2014-01-09").state == "proposed"


def test_one_request_of_a_kind_waits_at_a_time(world):
    item = world.approved()
    first = ask(world, item, "deadline", due_on="2012-11-30")
    assert refused(ask, world, item, "deadline", due_on="2012-12-01") == ["这一项已有同类申请待审批。"]
    changes.withdraw(by=world.secretary, change=first, now=AUTUMN)
    assert ask(world, item, "deadline", due_on="2012-12-01").state == "proposed"
    assert refused(ask, world, item, "goal", goal="换目标", reason=" ") == ["请写明变更的理由。"]


def test_what_became_impossible_while_it_waited_is_refused(world):
    item = world.approved()
    asked = ask(world, item, "deadline", due_on="2012-11-30")
    assert refused(decide, world, asked, now=at("2012-12-01 00:00")) == ["新的完成时限已经过了。"]
    assert state_of(asked) == "proposed"
    progress.request_completion(by=world.secretary, item=item, result="已补齐", now=AUTUMN)
    assert refused(decide, world, asked) == ["这一项待核实，不能变更。"]
    world.verify(item)
    assert state_of(asked) == "withdrawn"


def test_a_draft_is_changed_directly(world):
    item = world.item()
    assert refused(ask, world, item, "goal", goal="换目标") == ["这一项起草，不能变更。"]
    assert (
        plans.save_plan(
            by=world.secretary, plan=world.plan, version=world.plan.version, goal="晋升较好", target=None, now=MAY
        ).goal
        == "晋升较好"
    )
