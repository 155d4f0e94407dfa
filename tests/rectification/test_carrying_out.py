"""Progress, 销号 by the level above, re-checks, 提请上级解决."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from branches.models import Role
from branches.transitions import BlockedError, IllegalMoveError
from grading.services.errors import RefusedError
from rectification.models import Item, Progress, Verification
from rectification.services import items, plans, progress, verification
from tests.factories.branches import AccountFactory, AppointmentFactory, RoleGrantFactory, holder
from tests.rectification.plan_world import AUTUMN, Ruling, World, at, state_of
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]
world = shared(World)
PDF = b"%PDF-1.4 one page"


def refused(function, *given, **named):
    with pytest.raises(RefusedError) as told:
        function(*given, **named)
    return told.value.sentences


def report(world, item, **given):
    full = {"by": world.secretary, "percent": 40, "text": "已核对3次记录", "now": AUTUMN}
    return progress.add_progress(item=item, **full | given)


def ask(world, item, **given):
    return progress.request_completion(item=item, **{"by": world.secretary, "result": "已补齐", "now": AUTUMN} | given)


def test_the_first_progress_puts_an_item_into_hand(world):
    item = world.approved()
    entry = report(world, item)
    fresh = world.fresh(item)
    assert (fresh.state, fresh.percent, entry.on_behalf) == ("in_hand", 40, False)
    assert report(world, item, by=world.officer, percent=60).on_behalf is True
    assert [row.percent for row in fresh.progress.all()] == [60, 40]


def test_progress_needs_text_and_a_percent_within_bounds(world):
    item = world.approved()
    assert refused(report, world, item, percent=101, text=" ") == ["进度应在 0 至 100 之间。", "请写明做了什么。"]
    assert refused(report, world, item, by=world.other_officer)
    assert state_of(item) == "approved"


def test_an_item_that_is_not_approved_takes_no_progress(world):
    item = world.submitted()
    assert refused(report, world, item) == ["这一项待审批，不能登记进展。"]
    assert refused(ask, world, item) == ["这一项待审批，不能申请销号。"]


def test_completion_needs_one_sentence_and_no_file(world):
    item = world.approved()
    assert refused(ask, world, item, result="  ") == ["请用一句话写明完成情况。"]
    done = ask(world, item)
    assert (done.state, done.result, done.percent, done.requested_by) == (
        "awaiting_verification",
        "已补齐",
        100,
        world.secretary,
    )


def test_where_a_file_was_asked_for_completion_needs_one(world):
    item = world.submitted()
    world.rule(item, Ruling(approve=True, files_required=True))
    with pytest.raises(BlockedError) as told:
        ask(world, item)
    assert told.value.blockers == ["这一项要求附材料，请先上传能说明完成情况的文件。"]
    assert (state_of(item), Progress.objects.count()) == ("approved", 0)
    kept = progress.add_file(by=world.secretary, item=item, name="记录.pdf", data=PDF, now=AUTUMN)
    assert progress.add_file(by=world.secretary, item=item, name="又一份.pdf", data=PDF, now=AUTUMN).pk == kept.pk
    progress.remove_file(by=world.secretary, file=kept, now=AUTUMN)
    with pytest.raises(BlockedError):
        ask(world, item)
    progress.add_file(by=world.secretary, item=item, name="记录.pdf", data=PDF, now=AUTUMN)
    assert ask(world, item).state == "awaiting_verification"
    kept = item.files.get(removed_at=None)
    assert refused(progress.remove_file, by=world.secretary, file=kept, now=AUTUMN) == ["这一项待核实，材料不能再改。"]


def test_a_request_may_be_taken_back(world):
    item = world.awaiting()
    back = progress.withdraw_request(by=world.secretary, item=item, now=AUTUMN)
    assert (back.state, back.requested_by, back.requested_at) == ("in_hand", None, None)


def test_the_level_above_verifies_with_date_and_finding(world):
    item = world.verify(world.awaiting(), on=dt.date(2012, 10, 7), on_site=True)
    row = Verification.objects.get()
    assert (item.state, item.verified_by, item.verified_on) == ("verified", world.officer, dt.date(2012, 10, 7))
    assert (row.on_site, row.outcome, row.requested_by, row.owner_person, row.leader_person) == (
        True, "passed", world.secretary, world.owner, None,
    )  # fmt: skip


def test_a_failed_verification_reopens_and_a_second_one_closes(world):
    item = world.approved()
    report(world, item, percent=70)
    item = world.verify(ask(world, item), passed=False, finding="缺6月的签到册")
    assert (item.state, item.percent, item.requested_by) == ("reopened", 70, None)
    again = ask(world, item, now=at("2012-10-20 09:00"))
    assert world.verify(again, now=at("2012-10-21 09:00")).state == "verified"
    assert list(Verification.objects.order_by("pk").values_list("outcome", flat=True)) == ["failed", "passed"]


@pytest.mark.parametrize("who", ["secretary", "clerk", "other_officer"])
def test_nobody_of_the_branch_or_another_general_branch_verifies(world, who):
    item = world.awaiting()
    assert refused(world.verify, item, by=getattr(world, who))
    assert state_of(item) == "awaiting_verification"


def test_an_officer_of_the_branchs_own_node_is_not_the_level_above(world):
    """A grant with VERIFY at the branch itself (set by hand) does not make its holder the level above."""
    item = world.awaiting()
    own = holder(Role.GENERAL_BRANCH_OFFICER, world.school.software)
    assert refused(world.verify, item, by=own) == ["核实销号须由上一级党组织办理。"]


def test_the_owner_never_verifies(world):
    item = world.awaiting(owner_person=world.officer.person, owner_name=world.officer.get_full_name())
    assert refused(world.verify, item) == ["您是这一项的责任人，不能核实自己负责的项目。"]
    assert world.verify(item, by=world.office).state == "verified"


@pytest.mark.parametrize("field", ["owner_name", "leader"])
def test_an_owner_known_by_name_only_is_taken_for_the_account_of_that_name(world, field):
    item = world.awaiting(**{"owner_person": None, field: world.officer.get_full_name()})
    (told,) = refused(world.verify, item)
    assert told.startswith("您与这一项的责任人或责任领导同名，系统分不清是不是您本人。")


def test_who_asked_for_it_does_not_verify(world):
    item = world.awaiting(by=world.officer)
    assert refused(world.verify, item) == ["这一项的销号申请是您提交的，请由另一位同志核实。"]
    assert world.verify(item, by=world.office).state == "verified"


def test_the_database_refuses_owner_leader_and_requester_as_verifier(world):
    item = world.awaiting()
    common = {"item": item, "at": AUTUMN, "on": AUTUMN.date(), "outcome": "passed", "finding": "已办"}
    for given in (
        {"by": world.officer, "by_person": world.owner, "owner_person": world.owner},
        {"by": world.officer, "by_person": world.owner, "leader_person": world.owner},
        {"by": world.secretary, "requested_by": world.secretary},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Verification.objects.create(**common, **given)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(state="verified", verified_on=AUTUMN.date(), verified_by=world.secretary)


def test_who_sits_in_the_committee_of_the_branch_stands_aside(world):
    item = world.awaiting()
    AppointmentFactory(branch=world.school.software, person=world.officer.person, post="committee_member")
    assert refused(world.verify, item) == ["您在该党支部任书记或支委，按规定应当回避，请由其他负责人或上级办理。"]


def test_verification_names_a_day_that_can_be(world):
    item = world.awaiting()
    assert refused(world.verify, item, on=dt.date(2012, 10, 9)) == ["核实日期还没有到。"]
    assert refused(world.verify, item, on=dt.date(2012, 5, 9)) == ["核实日期早于方案批准的日期。"]
    assert refused(world.verify, item, finding=" ") == ["请写明核实情况。"]
    assert refused(world.verify, item, recheck_on=dt.date(2012, 10, 8)) == ["复查日期应在核实日期以后。"]


def test_what_is_found_done_on_the_spot_needs_no_request(world):
    item = world.approved()
    done = world.verify(item, on_site=True, finding="现场看到制度已上墙")
    assert (done.state, done.result, done.requested_by) == ("verified", "现场看到制度已上墙", None)


def test_an_item_nobody_finished_is_not_verified_from_afar(world):
    item = world.approved()
    with pytest.raises(IllegalMoveError):
        world.verify(item)
    with pytest.raises(IllegalMoveError):
        world.verify(item, passed=False, on_site=True)
    assert Verification.objects.count() == 0


def test_a_relapse_reopens_an_item(world):
    item = world.verify(world.awaiting(), recheck_on=dt.date(2012, 11, 8))
    recheck = item.rechecks.get()
    later = {"by": world.officer, "recheck": recheck, "finding": "又漏记", "on": dt.date(2012, 11, 8)}
    ahead = dt.date(2012, 12, 20)
    verification.record_recheck(relapsed=True, due_on=ahead, now=at("2012-11-08 09:00"), **later)
    fresh = world.fresh(item)
    assert (fresh.state, fresh.verified_by, fresh.verified_on) == ("reopened", None, None)
    assert refused(verification.record_recheck, relapsed=False, now=at("2012-11-08 09:00"), **later) == [
        "这次复查已经登记过。"
    ]


def test_what_held_stays_verified(world):
    item = world.verify(world.awaiting(), recheck_on=dt.date(2012, 11, 8))
    verification.record_recheck(
        by=world.officer, recheck=item.rechecks.get(), relapsed=False, finding="没有回弹", on=dt.date(2012, 11, 8),
        now=at("2012-11-08 09:00"),
    )  # fmt: skip
    assert state_of(item) == "verified"
    told = refused(verification.plan_recheck, by=world.secretary, item=item, due_on=dt.date(2013, 3, 1), now=AUTUMN)
    assert told == ["您的角色没有这项权限。"]
    verification.plan_recheck(by=world.officer, item=item, due_on=dt.date(2013, 3, 1), now=AUTUMN)
    again = {"by": world.officer, "item": item, "due_on": dt.date(2013, 4, 1), "now": AUTUMN}
    assert refused(verification.plan_recheck, **again) == ["这一项已安排复查。"]


def escalated(world):
    """Draw up an item for the 党总支 to solve, handed in."""
    item = world.item(problem="没有固定场所")
    items.escalate(by=world.secretary, item=item, reason="支部没有用房", now=AUTUMN)
    world.submitted()
    return item


def decide_both(world, item, **ruling):
    rulings = {row.pk: Ruling(approve=True) for row in world.plan.items.exclude(pk=item.pk)}
    return plans.decide_items(
        by=world.officer, plan=world.plan, rulings=rulings | {item.pk: Ruling(approve=True, **ruling)}, now=AUTUMN
    )


def test_the_superior_takes_over_and_the_level_above_it_verifies(world):
    item = escalated(world)
    assert refused(decide_both, world, item) == ["第1项：提请上级解决，请写明上级的责任人，不接手的请退回。"]
    decide_both(world, item, owner_name="陈院长", leader="林书记")
    fresh = world.fresh(item)
    assert (fresh.responsible_id, fresh.owner_name, fresh.leader, fresh.owner_person) == (
        world.school.maths.pk,
        "陈院长",
        "林书记",
        None,
    )
    assert fresh.changes.get().old == {"owner_name": "李小红", "leader": "王建国"}
    assert refused(report, world, fresh) == ["这一项已提请上级解决，由上级登记进展。"]
    assert report(world, fresh, by=world.officer).on_behalf is False
    done = ask(world, fresh, by=world.officer)
    second_officer = holder(Role.GENERAL_BRANCH_OFFICER, world.school.maths)
    assert refused(world.verify, done, by=second_officer) == ["核实销号须由上一级党组织办理。"]
    assert world.verify(done, by=world.office).state == "verified"


def test_who_serves_in_the_superior_that_took_over_stands_aside(world):
    item = escalated(world)
    decide_both(world, item, owner_name="陈院长")
    done = ask(world, world.fresh(item), by=world.officer)
    AppointmentFactory(branch=world.school.maths, person=world.office.person, post="deputy")
    assert refused(world.verify, done, by=world.office) == [
        "您在负责整改的党组织任职，按规定应当回避，请由其他负责人或上级核实。"
    ]
    assert world.verify(done, by=world.office2).state == "verified"


def test_what_the_committee_takes_over_another_of_its_officers_verifies(world):
    """A 直属党支部 stands under the committee, above which there is nobody in the system."""
    world.plan = world.plan_of(world.school.direct)
    item = world.item(problem="没有固定场所")
    items.escalate(by=None, item=item, reason="没有用房", now=AUTUMN)
    world.submitted()
    rulings = {row.pk: Ruling(approve=True, owner_name="后勤处长") for row in world.plan.items.all()}
    plans.decide_items(by=world.office, plan=world.plan, rulings=rulings, now=AUTUMN)
    done = ask(world, world.fresh(item), by=world.office)
    assert refused(world.verify, done, by=world.office) == ["这一项的销号申请是您提交的，请由另一位同志核实。"]
    assert world.verify(done, by=world.office2).state == "verified"


def test_an_escalation_may_be_taken_back_while_it_is_a_draft(world):
    item = world.item()
    item = items.escalate(by=world.secretary, item=item, reason="支部没有用房", now=AUTUMN)
    assert item.escalated_to == world.school.maths
    assert items.escalate(by=world.secretary, item=item, reason="", now=AUTUMN).escalated_to is None


def test_an_account_with_two_roles_is_judged_by_the_one_above(world):
    both = AccountFactory()
    RoleGrantFactory(account=both, role=Role.SECRETARY, node=world.school.software)
    RoleGrantFactory(account=both, role=Role.GENERAL_BRANCH_OFFICER, node=world.school.maths)
    assert world.verify(world.awaiting(), by=both).state == "verified"
