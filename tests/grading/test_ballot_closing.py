"""Closing a box: what is counted, told and destroyed, and what is left to be done when something stands in the way."""

import datetime as dt
from pathlib import Path

import pytest
from django.conf import settings

from branches import clock
from branches.models import AuditEntry
from branches.transitions import BlockedError, advance
from grading.models import (
    AppraisalCount,
    BallotBox,
    BallotCode,
    ProblemCount,
    Result,
    Round,
    SealedBallot,
    VoterGroup,
)
from grading.services import (
    ballot_closing,
    ballot_keys,
    ballot_traces,
    ballots,
    results,
)
from tests.grading import ballot_boxes
from tests.grading.ballot_boxes import ask, box_of, create, fresh, open_of, refused, vote
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(ballot_boxes.world)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def no_vacuum(monkeypatch):
    """The database cannot be rewritten inside the transaction of a test."""
    monkeypatch.setattr(ballot_traces, "clear", lambda: None)


def close(world, box, **withheld):
    ballots.close_box(by=world.office, box=box, now=clock.now(), **withheld)
    assert ballot_closing.work() == 1
    return fresh(box)


# --- Closing ----------------------------------------------------------------------------------------------------------


def test_a_closed_box_leaves_counts_and_nothing_else(world, no_vacuum):
    box, codes = open_of(world, numbers={"": 14})
    waiting = ask(world, box, codes[13])
    for n, code in enumerate(codes[:12]):
        vote(code, ["satisfied", "fairly", "unsatisfied"][n % 3], ["study"] if n < 6 else [])
    closed = close(world, box, withheld={"": 1})
    assert (closed.state, closed.issued, closed.returned, closed.used, closed.valid) == ("closed", 13, 12, 12, 12)
    count = AppraisalCount.objects.get(unit=box.unit)
    assert (count.state, count.issued, count.returned, count.valid) == ("counted", 13, 12, 12)
    assert count.counts == {"satisfied": 4, "fairly": 4, "unsatisfied": 4, "unknown": 0}
    told = ProblemCount.objects.filter(box=box).values_list("problem__code", "extent", "number")
    assert list(told) == [("study", "counted", 6), ("funds", "few", None)]
    assert not (BallotCode.objects.exists())
    assert not (SealedBallot.objects.exists())
    assert not ballot_keys.store().ids() & {box.key_id}
    waiting.refresh_from_db()
    assert (waiting.state, bytes(waiting.digest)) == ("dropped", b"")
    assert ballots.turnout(closed) == ballots.Turnout(13, 12)


def test_closing_and_opening_are_in_the_audit_trail(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes[:6]:
        vote(code)
    close(world, box)
    mine = AuditEntry.objects.filter(thing="grading.ballotbox", thing_id=str(box.pk)).order_by("pk")
    assert list(mine.values_list("action", "summary")) == [
        ("ballot.create", "建立评议箱"),
        ("ballot.issue", "印制评议码 8 张"),
        ("ballot.open", "开始评议，发出评议码 8 张"),
        ("grading.ballotbox.open", "评议箱：开始评议"),
        ("grading.ballotbox.closing", "评议箱：结束评议"),
        ("ballot.count", "开箱：发出 8，收回 6，有效 6，不能辨认 0"),
        ("grading.ballotbox.counted", "评议箱：开箱"),
        ("ballot.destroy_keys", "销毁评议箱在服务器上的密钥"),
        ("grading.ballotbox.closed", "评议箱：销毁选票完毕"),
    ]


def test_four_ballots_make_the_source_missing(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes[:4]:
        vote(code, "unsatisfied", ["study"])
    closed = close(world, box)
    count = AppraisalCount.objects.get(unit=box.unit)
    assert (closed.state, closed.released, count.state, count.counts) == ("closed", False, "missing", {})
    assert (count.issued, count.returned, count.valid) == (8, 4, None)
    assert count.reason == "发出 8 张，收回 4 张，有效 4 张，低于 5 张的公布下限。"
    assert not ProblemCount.objects.exists()


def test_groups_are_counted_apart_and_small_ones_joined(world, no_vacuum):
    source = world.source("appraisal")
    for n, (code, weight) in enumerate([("members", 60), ("masses", 30), ("guests", 10)], 1):
        VoterGroup.objects.create(source=source, ordinal=n, code=code, name=code, weight=weight)
    numbers = {"members": 7, "masses": 4, "guests": 3}
    assert "没有这类评议人员" in refused(create, grading=world, groups={"": 9})
    box, codes = open_of(world, numbers=numbers)
    for n, code in enumerate(codes):
        vote(code, "satisfied" if n < 7 else "fairly")
    close(world, box)
    rows = AppraisalCount.objects.filter(unit=box.unit).order_by("group__ordinal")
    assert [(r.group.code, r.joined, r.issued, r.valid, r.counts["satisfied"], r.counts["fairly"]) for r in rows] == [
        ("members", [], 7, 7, 7, 0),
        ("masses", ["guests"], 7, 7, 0, 7),
    ]


def test_damaged_and_added_ballots_are_counted_as_such(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes[:7]:
        vote(code)
    one, other, *_ = box.ballots.all()
    changed = bytearray(one.ciphertext)
    changed[50] ^= 1
    box.ballots.filter(pk=one.pk).update(ciphertext=bytes(changed))
    SealedBallot.objects.create(box=box, ciphertext=bytes(other.ciphertext))
    closed = close(world, box)
    assert (closed.returned, closed.used, closed.valid) == (8, 7, 6)
    said = AuditEntry.objects.get(action="ballot.count").summary
    assert said == "开箱：发出 8，收回 8，有效 6，不能辨认 2；用过的评议码 7 个，与收回不符"


def test_ballots_swapped_between_boxes_count_in_neither(world, no_vacuum):
    boxes = [open_of(world, name) for name in ("software", "algebra")]
    for _, codes in boxes:
        for code in codes:
            vote(code)
    (a, b) = (box.ballots.first() for box, _ in boxes)
    SealedBallot.objects.filter(pk=a.pk).update(box=boxes[1][0])
    SealedBallot.objects.filter(pk=b.pk).update(box=boxes[0][0])
    for box, _ in boxes:
        ballots.close_box(by=world.office, box=box, now=clock.now())
    assert ballot_closing.work() == 2
    assert [(fresh(box).returned, fresh(box).valid) for box, _ in boxes] == [(8, 7), (8, 7)]


def test_more_withheld_than_unused_is_refused(world):
    box, codes = open_of(world)
    for code in codes[:6]:
        vote(code)
    close_ = {"by": world.office, "box": box, "now": clock.now()}
    assert "应在 0 至 2 张之间" in refused(ballots.close_box, withheld={"": 3}, **close_)
    assert "没有这类评议人员" in refused(ballots.close_box, withheld={"x": 1}, **close_)


def test_a_closing_without_keys_waits_and_says_so(world, no_vacuum):
    box, codes, copy = box_of(world)
    ballots.open_box(by=world.office, box=box, now=clock.now())
    for code in codes:
        vote(code)
    ballot_keys.store().destroy(box.key_id)
    ballots.close_box(by=world.office, box=box, now=clock.now())
    assert ballot_closing.work() == 0
    waiting = fresh(box)
    assert (waiting.state, waiting.error) == ("closing", "服务器上没有这个评议箱的密钥。请用保管件恢复密钥。")
    assert box.ballots.count() == 8
    assert not ballot_closing.due(clock.now())  # a pause before the next try
    ballot_keys.restore_keys(by=world.office, box=box, copy=copy, now=clock.now())
    assert ballot_closing.work() == 1
    assert (fresh(box).state, fresh(box).valid, fresh(box).error) == ("closed", 8, "")


def test_a_clearing_that_failed_leaves_the_box_unfinished(world, monkeypatch):
    def remain():
        raise ballot_traces.TracesRemain("数据库提示：略")

    box, codes = open_of(world)
    for code in codes:
        vote(code)
    ballots.close_box(by=world.office, box=box, now=clock.now())
    monkeypatch.setattr(ballot_traces, "clear", remain)
    assert ballot_closing.work() == 0
    half = fresh(box)
    assert (half.state, half.error, half.valid) == ("counted", "数据库提示：略", 8)
    assert half.keys_destroyed_at is not None
    monkeypatch.setattr(ballot_traces, "clear", lambda: None)
    BallotBox.objects.update(lease_until=None)
    assert ballot_closing.work() == 1
    assert (fresh(box).state, fresh(box).error) == ("closed", "")
    assert AuditEntry.objects.filter(action__in=["ballot.count", "ballot.destroy_keys"]).count() == 2


def test_a_box_past_its_time_is_closed_by_the_worker(world, no_vacuum, time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC), tick=False)
    box, codes = open_of(world, closes_at=clock.now() + HOUR)
    for code in codes:
        vote(code)
    assert not ballot_closing.due(clock.now())
    time_machine.shift(HOUR)
    assert ballot_closing.due(clock.now())
    assert ballot_closing.work() == 1
    assert (fresh(box).state, fresh(box).closing_by) == ("closed", None)


def test_a_claimed_box_is_left_to_whoever_claimed_it(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes:
        vote(code)
    ballots.close_box(by=world.office, box=box, now=clock.now())
    (mine,) = ballot_closing._claim()
    assert (mine.pk, mine.attempt) == (box.pk, 1)
    assert ballot_closing.work() == 0
    assert fresh(box).state == "closing"


# --- After closing, and voiding ---------------------------------------------------------------------------------------


def test_copies_are_destroyed_after_closing(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes:
        vote(code)
    copy = box.custodies.first()
    given = {"by": world.office, "custody": copy, "now": clock.now()}
    assert "统计完毕后才销毁" in refused(ballot_keys.confirm_copy_destroyed, **given)
    close(world, box)
    assert ballot_keys.confirm_copy_destroyed(**given).destroyed_by == world.office
    assert "已登记销毁" in refused(ballot_keys.confirm_copy_destroyed, **given)
    restore = {"by": world.office, "box": box, "copy": "x", "now": clock.now()}
    assert "已按规定销毁，不能恢复" in refused(ballot_keys.restore_keys, **restore)


def test_a_voided_box_leaves_no_votes_no_keys_and_room_for_another(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes:
        vote(code)
    void = {"by": world.office, "box": box, "now": clock.now()}
    assert refused(ballots.void_box, reason=" ", **void) == "作废须写明理由。"
    ballots.void_box(reason="会场秩序混乱", **void)
    assert not (BallotCode.objects.exists())
    assert not (SealedBallot.objects.exists())
    assert ballot_closing.work() == 1
    gone = fresh(box)
    assert (gone.state, gone.valid, gone.keys_destroyed_at is None, gone.scrubbed_at is None) == (
        "void", None, False, False,
    )  # fmt: skip
    assert not AppraisalCount.objects.exists()
    assert create(world).box.state == "draft"


def test_a_round_and_a_grade_wait_for_open_boxes(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes:
        vote(code)
    Round.objects.filter(pk=world.round.pk).update(state="scoring")
    scoring = Round.objects.get(pk=world.round.pk)
    with pytest.raises(BlockedError, match="1 个评议箱还没有开箱：软件工程教研室党支部"):
        advance(scoring, "deciding", by=world.office, now=clock.now())
    results.compute_round(by=None, round_=scoring, now=clock.now())
    result = Result.objects.get(unit=box.unit)
    with pytest.raises(BlockedError, match="该支部的评议箱还没有开箱"):
        advance(result, Result.State.PROPOSED, by=world.office, now=clock.now())
    close(world, box)


def test_a_box_of_a_round_that_moved_on_waits(world, no_vacuum):
    box, codes = open_of(world)
    for code in codes:
        vote(code)
    ballots.close_box(by=world.office, box=box, now=clock.now())
    Round.objects.filter(pk=world.round.pk).update(state="publicity")
    assert ballot_closing.work() == 0
    assert (fresh(box).state, fresh(box).error) == ("closing", "本轮现在是“公示”，不能再录入。")
    assert box.ballots.count() == 8


def test_keys_lie_apart_from_what_is_backed_up():
    files = settings.STORAGES["default"]["OPTIONS"]["location"]
    assert not ballot_keys.store().inside([Path(files)])
