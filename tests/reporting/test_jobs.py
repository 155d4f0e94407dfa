"""Lease, fencing token, attempts: only the holder of the present claim changes an export; with a control."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from branches.models import AuditEntry, Role, RoleGrant
from branches.transitions import IllegalMoveError, advance, history
from reporting.database_time import database_now
from reporting.models import Export, WorkerHeartbeat
from reporting.services import jobs, upkeep
from tests.factories.branches import holder, school
from tests.factories.reporting import ExportFactory

pytestmark = pytest.mark.django_db
S = Export.State


@pytest.fixture
def queued():
    tree = school()
    return ExportFactory(owner=holder(Role.OFFICE, tree.root), unit=tree.root)


def outcome(key: str = "exports/201203/a.xlsx") -> jobs.Outcome:
    return jobs.Outcome(key=key, name="附件5.xlsx", size=3, sha256="1" * 64, digest="2" * 64)


def lapse(export: Export) -> None:
    Export.objects.filter(pk=export.pk).update(lease_until=database_now() - dt.timedelta(seconds=1))


def state(export: Export) -> str:
    export.refresh_from_db()
    return export.state


def test_the_same_message_ten_times_gives_one_claim(queued):
    claims = [jobs.claim(queued.pk) for _ in range(10)]
    assert [claim for claim in claims if claim] == [jobs.Claim(queued.pk, 1, 1)]
    queued.refresh_from_db()
    assert (queued.state, queued.attempt, queued.token) == (S.RUNNING, 1, 1)
    assert queued.lease_until > database_now()


def test_a_published_export_is_offered_with_its_digests(queued):
    held = jobs.claim(queued.pk)
    assert jobs.report(queued.pk, held.token, done=3, total=8)
    assert jobs.publish(held, outcome())
    queued.refresh_from_db()
    assert (queued.state, queued.file_key, queued.file_name) == (S.DONE, "exports/201203/a.xlsx", "附件5.xlsx")
    assert (queued.done, queued.total, queued.sha256) == (8, 8, "1" * 64)
    assert queued.expires_at - queued.finished_at == dt.timedelta(hours=24)


def test_a_worker_thought_dead_can_neither_report_nor_publish(queued):
    old = jobs.claim(queued.pk)
    lapse(queued)
    assert upkeep.reap() == 1
    Export.objects.update(available_at=None)
    new = jobs.claim(queued.pk)
    assert new.token > old.token
    assert not jobs.renew(old)
    assert not jobs.report(queued.pk, old.token, done=1, total=1)
    assert not jobs.publish(old, outcome("exports/201203/old.xlsx"))
    assert jobs.fail(old, "内存不足，没能生成。") == ""
    assert jobs.publish(new, outcome("exports/201203/new.xlsx"))
    queued.refresh_from_db()
    assert queued.file_key == "exports/201203/new.xlsx"


def test_control_without_the_fence_the_dead_worker_would_publish(queued, monkeypatch):
    """The negative control: take the token out of the comparison and the old worker's file wins."""
    old = jobs.claim(queued.pk)
    lapse(queued)
    upkeep.reap()
    Export.objects.update(available_at=None)
    jobs.claim(queued.pk)
    monkeypatch.setattr(jobs, "_held", lambda held: jobs._locked(held.export_id))
    assert jobs.publish(old, outcome("exports/201203/old.xlsx"))


def test_a_lease_that_is_renewed_is_not_reaped(queued):
    held = jobs.claim(queued.pk)
    lapse(queued)
    assert jobs.renew(held)
    assert upkeep.reap() == 0
    assert state(queued) == S.RUNNING


def test_a_lapsed_lease_queues_again_and_after_three_attempts_fails_readably(queued):
    for attempt in (1, 2):
        assert jobs.claim(queued.pk).attempt == attempt
        lapse(queued)
        assert upkeep.reap() == 1
        assert state(queued) == S.QUEUED
        assert jobs.claim(queued.pk) is None, "it waits a little before the next attempt"
        Export.objects.update(available_at=None)
    jobs.claim(queued.pk)
    lapse(queued)
    upkeep.reap()
    queued.refresh_from_db()
    assert (queued.state, queued.error) == (S.FAILED, "生成中断，系统已重新安排（已尝试 3 次）")
    assert jobs.claim(queued.pk) is None


def test_a_fault_of_the_request_itself_is_final_at_once(queued):
    held = jobs.claim(queued.pk)
    assert jobs.fail(held, "第一轮里没有可导出的内容。", final=True) == S.FAILED
    queued.refresh_from_db()
    assert (queued.attempt, queued.error) == (1, "第一轮里没有可导出的内容。")


def test_a_stopping_worker_gives_back_without_counting_the_attempt(queued):
    held = jobs.claim(queued.pk)
    assert jobs.release(held)
    queued.refresh_from_db()
    assert (queued.state, queued.attempt) == (S.QUEUED, 0)
    assert not jobs.publish(held, outcome())
    assert jobs.claim(queued.pk).attempt == 1


def test_who_lost_the_right_gets_no_file(queued):
    RoleGrant.objects.filter(account=queued.owner).delete()
    assert jobs.claim(queued.pk) is None
    queued.refresh_from_db()
    assert (queued.state, queued.error) == (S.FAILED, jobs.NO_LONGER_ALLOWED)


def test_an_owner_has_two_at_once_and_others_are_not_held_up(queued, settings):
    settings.EXPORT_RUNNING_PER_ACCOUNT = 2
    more = [ExportFactory(owner=queued.owner, unit=queued.unit) for _ in range(2)]
    assert jobs.claim(queued.pk)
    second = jobs.claim(more[0].pk)
    assert second
    assert jobs.claim(more[1].pk) is None
    assert state(more[1]) == S.QUEUED
    other = ExportFactory(owner=holder(Role.SCHOOL_LEADER, queued.unit), unit=queued.unit)
    assert jobs.claim(other.pk)
    assert jobs.publish(second, outcome())
    assert jobs.claim(more[1].pk)


def test_a_cancelled_claim_ends_as_cancelled_whatever_the_worker_brings(queued):
    held = jobs.claim(queued.pk)
    Export.objects.update(cancel_requested=True)
    assert jobs.look(held) is None
    assert not jobs.renew(held)
    assert not jobs.publish(held, outcome())
    assert jobs.abandon(held) == S.CANCELLED
    assert jobs.abandon(held) == ""


@pytest.mark.parametrize("step", ["reap", "release", "fail"])
def test_one_that_was_asked_for_again_ends_instead_of_standing_in_the_queue_twice(queued, step):
    held = jobs.claim(queued.pk)
    again = ExportFactory(owner=queued.owner, unit=queued.unit, fingerprint=queued.fingerprint)
    if step == "reap":
        lapse(queued)
        assert upkeep.reap() == 1
    else:
        assert (jobs.release(held) if step == "release" else jobs.fail(held, "内存不足，没能生成。")) == S.CANCELLED
    queued.refresh_from_db()
    assert (queued.state, queued.error) == (S.CANCELLED, jobs.ASKED_AGAIN)
    assert jobs.claim(again.pk)


def test_a_cancelled_export_whose_worker_died_is_not_tried_again(queued):
    jobs.claim(queued.pk)
    Export.objects.update(cancel_requested=True)
    lapse(queued)
    upkeep.reap()
    assert state(queued) == S.CANCELLED


def test_every_move_leaves_a_log_row_and_an_audit_entry(queued):
    held = jobs.claim(queued.pk)
    jobs.publish(held, outcome())
    assert [(row.from_state, row.to_state) for row in history(queued)] == [("running", "done"), ("queued", "running")]
    made = AuditEntry.objects.filter(action="reporting.export.done", thing_id=str(queued.pk)).get()
    assert (made.actor, made.branch) == (queued.owner.get_full_name(), queued.unit)


def test_states_move_only_along_the_table(queued):
    with pytest.raises(IllegalMoveError, match="导出现在是“排队中”，不能改为“已完成”。"):
        advance(queued, S.DONE, by=None, now=database_now())


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "finished"},
        {"format": "docx"},
        {"state": S.DONE},
        {"state": S.RUNNING},
        {"attempt": 4},
        {"total": 3, "done": 4},
    ],
)
def test_the_database_refuses_impossible_rows(queued, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Export.objects.filter(pk=queued.pk).update(**wrong)


def test_two_equal_requests_cannot_both_be_queued(queued):
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportFactory(owner=queued.owner, unit=queued.unit, fingerprint=queued.fingerprint)


def test_waiting_rows_are_announced_while_workers_stand_idle_and_not_otherwise(queued, monkeypatch, settings):
    sent = []
    monkeypatch.setattr(upkeep, "nudge", lambda pk: sent.append(pk) or "")
    assert upkeep.announce_waiting() == ""
    assert upkeep.announce_waiting() == ""
    assert sent == [queued.pk], "once within the pause"
    Export.objects.update(nudged_at=F("nudged_at") - dt.timedelta(seconds=settings.EXPORT_NUDGE_SECONDS + 1))
    for _ in range(settings.HEAVY_WORKERS):
        ExportFactory(owner=queued.owner, unit=queued.unit, state=S.RUNNING)
    upkeep.announce_waiting()
    assert sent == [queued.pk], "all workers are busy: nothing was lost"
    Export.objects.running().delete()
    upkeep.announce_waiting()
    assert sent == [queued.pk, queued.pk]


def test_a_broken_broker_is_reported_and_the_row_stays_unannounced(queued, monkeypatch):
    monkeypatch.setattr(upkeep, "nudge", lambda _pk: "Connection refused")
    assert upkeep.announce_waiting() == "Connection refused"
    queued.refresh_from_db()
    assert queued.nudged_at is None


def test_the_sign_of_life_is_one_row_that_goes_when_the_worker_stops():
    upkeep.beat(light=1, heavy=2, restarts=0, broker_error="")
    upkeep.beat(light=1, heavy=1, restarts=1, broker_error="")
    row = WorkerHeartbeat.objects.get()
    assert (row.light, row.heavy, row.restarts) == (1, 1, 1)
    assert upkeep.worker_alive()
    WorkerHeartbeat.objects.update(seen_at=database_now() - dt.timedelta(minutes=1))
    assert not upkeep.worker_alive()
    upkeep.farewell()
    assert not WorkerHeartbeat.objects.exists()
