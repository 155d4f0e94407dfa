"""Running a box: made with its keys, voted in, slips exchanged by two people, keys lost and restored."""

import datetime as dt

import pytest

from branches import clock
from branches.models import AuditEntry, Role
from branches.transitions import BlockedError
from grading.models import (
    BallotBox,
    SealedBallot,
)
from grading.services import (
    ballot_closing,
    ballot_exchanges,
    ballot_keys,
    ballot_traces,
    ballots,
    sources,
    voting,
)
from tests.factories.branches import holder
from tests.grading import ballot_boxes
from tests.grading.ballot_boxes import KEEPERS, ask, box_of, create, fresh, open_of, refused, stock, vote
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


# --- Making -----------------------------------------------------------------------------------------------------------


def test_a_box_is_made_with_keys_of_its_own_and_two_keepers(world):
    made = create(world)
    assert (made.box.state, made.box.floor, len(made.box.public_key)) == ("draft", 5, 32)
    assert [row.keeper for row in made.box.custodies.all()] == list(KEEPERS)
    assert ballot_keys.keys_present(made.box)
    assert [option["label"] for option in made.box.options] == ["满意", "基本满意", "不满意", "不了解"]
    assert made.box.problems == [
        {"code": "study", "text": "组织生活不正常"}, {"code": "funds", "text": "经费场所不足"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"groups": {"": 4}}, "只有 4 人参加，少于 5 人的公布下限"),
        ({"groups": {"": 501}}, "评议码数量应在 0 至 500 之间"),
        ({"groups": {"teachers": 8}}, "本轮没有这类评议人员：teachers"),
        ({"keepers": ("张保管", "张保管")}, "不能是同一个人"),
        ({"keepers": ("张保管", " ")}, "请写明两位密钥保管人"),
        ({"closes_at": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)}, "截止时间已过"),
    ],
)
def test_a_box_that_makes_no_sense_is_refused(world, changed, said):
    assert said in refused(create, grading=world, **changed)
    assert not BallotBox.objects.exists()


def test_a_box_needs_a_source_of_ballots_and_a_branch_that_has_none_yet(world):
    assert "不是本轮的评议票数来源" in refused(create, grading=world, source=world.source("self"))
    create(world)
    assert refused(create, grading=world) == "该支部已有一个评议箱。"


def test_paper_counts_stand_in_the_way_of_a_box(world):
    rows = [sources.CountInput(world.unit("software"), 8, 8, 8, {"satisfied": 8}, teller="甲", scrutineer="乙")]
    sources.record_counts(by=world.office, source=world.source("appraisal"), rows=rows, now=clock.now())
    assert "已有群众评议票数" in refused(create, grading=world)


def test_the_source_may_want_more_ballots_than_five(world):
    source = world.source("appraisal")
    source.minimum_ballots = 7
    source.save()
    assert "少于 7 人的公布下限" in refused(create, grading=world, source=source, groups={"": 6})
    assert create(world, source=source, groups={"": 7}).box.floor == 7


# --- Codes ------------------------------------------------------------------------------------------------------------


def test_codes_exist_only_in_the_answer(world):
    box, codes, _ = box_of(world, numbers={"": 12})
    assert len(set(codes)) == 12
    assert all(code.startswith(box.locator) for code in codes)
    assert stock(box) == {"unused": 12}
    stored = b"".join(bytes(row.digest) for row in box.codes.all())
    assert not any(code.replace("-", "").encode() in stored for code in codes)


def test_codes_printed_again_make_the_first_ones_worthless(world):
    box, first, _ = box_of(world)
    second = [one.code for one in ballots.issue_codes(by=world.office, box=box, now=clock.now())]
    ballots.open_box(by=world.office, box=box, now=clock.now())
    assert vote(first[0]) == voting.Refused(voting.UNKNOWN)
    assert vote(second[0]) == voting.Cast("软件工程教研室党支部")
    assert "不能这样办理" in refused(ballots.issue_codes, by=world.office, box=box, now=clock.now())


def test_codes_do_not_lie_in_the_order_in_which_they_are_printed(world):
    box, codes, _ = box_of(world, numbers={"": 40})
    key = ballot_keys.code_key(box=box)
    by_key = [bytes(row.digest) for row in box.codes.order_by("pk")]
    printed = [ballots.codes.digest(key, code) for code in codes]
    assert sorted(by_key) == sorted(printed)
    assert by_key != printed
    assert sum(a == b for a, b in zip(by_key, printed, strict=True)) < 10


# --- Opening and voting -----------------------------------------------------------------------------------------------


def test_a_box_is_opened_with_codes_and_keys_only(world):
    box = create(world).box
    with pytest.raises(BlockedError, match="还没有印制评议码"):
        ballots.open_box(by=world.office, box=box, now=clock.now())
    ballots.issue_codes(by=world.office, box=box, now=clock.now())
    ballot_keys.store().destroy(box.key_id)
    assert "没有这个评议箱的密钥" in refused(ballots.open_box, by=world.office, box=box, now=clock.now())


def test_only_issued_and_returned_are_told_while_a_box_is_open(world):
    box, codes = open_of(world)
    for code in codes[:3]:
        assert isinstance(vote(code), voting.Cast)
    assert ballots.turnout(box) == ballots.Turnout(issued=8, returned=3)


def test_a_code_works_once_and_looking_does_not_use_it(world):
    box, codes = open_of(world)
    for _ in range(2):
        paper = voting.look_up(code=codes[0].lower(), now=clock.now())
        assert (paper.branch, paper.source, len(paper.options)) == ("软件工程教研室党支部", "群众评议", 4)
    assert vote(codes[0]) == voting.Cast("软件工程教研室党支部")
    assert vote(codes[0]) == voting.look_up(code=codes[0], now=clock.now()) == voting.Refused(voting.USED)
    assert (box.ballots.count(), stock(box)) == (1, {"used": 1, "unused": 7})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"choice": ""}, "请选择一项评价。"),
        ({"choice": "perfect"}, "请选择一项评价。"),
        ({"problems": ["study", "tea"]}, "选票上没有所选的问题，请重新填写。"),
    ],
)
def test_a_ballot_filled_in_wrongly_leaves_the_code_unused(world, given, said):
    box, codes = open_of(world)
    assert vote(codes[0], **given) == voting.Refused(said)
    assert stock(box) == {"unused": 8}


def test_votes_come_in_until_the_second_of_the_deadline(world, time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC), tick=False)
    box, codes = open_of(world, closes_at=clock.now() + HOUR)
    time_machine.shift(HOUR - dt.timedelta(seconds=1))
    assert isinstance(vote(codes[0]), voting.Cast)
    time_machine.shift(dt.timedelta(seconds=1))
    assert vote(codes[1]) == voting.look_up(code=codes[1], now=clock.now()) == voting.Refused(voting.OVER)
    ballots.move_deadline(by=world.office, box=box, closes_at=clock.now() + HOUR, now=clock.now())
    assert isinstance(vote(codes[1]), voting.Cast)


def test_a_box_that_is_not_open_takes_nothing(world):
    box, codes, _ = box_of(world)
    assert vote(codes[0]) == voting.Refused(voting.UNKNOWN)  # not opened: nothing is told about it
    ballots.open_box(by=world.office, box=box, now=clock.now())
    ballots.close_box(by=world.office, box=box, now=clock.now())
    assert vote(codes[0]) == voting.Refused(voting.OVER)
    assert not SealedBallot.objects.exists()


def test_wrong_codes_are_counted_by_box_and_hour_and_never_bar_a_right_one(world, time_machine, monkeypatch):
    monkeypatch.setattr(voting, "WRONG_PER_HOUR", 3)
    time_machine.move_to(dt.datetime(2026, 11, 23, 9, 20, 31, tzinfo=dt.UTC), tick=False)
    box, codes = open_of(world)
    wrong = [ballots.codes.new_code(box.locator) for _ in range(5)]
    assert [vote(code).reason for code in wrong] == [voting.UNKNOWN] * 3 + [voting.TOO_MANY] * 2
    assert (fresh(box).wrong_codes, fresh(box).wrong_hour.isoformat()) == (3, "2026-11-23T09:00:00+00:00")
    assert isinstance(vote(codes[0]), voting.Cast)
    time_machine.shift(HOUR)
    assert vote(wrong[0]) == voting.Refused(voting.UNKNOWN)
    assert fresh(box).wrong_codes == 1


def test_voting_writes_nothing_into_the_audit_trail(world):
    _, codes = open_of(world)
    before = AuditEntry.objects.count()
    vote(codes[0])
    vote(codes[0])
    vote(ballots.codes.new_code(codes[0][:3]))
    voting.look_up(code=codes[1], now=clock.now())
    assert AuditEntry.objects.count() == before


def test_without_its_key_a_box_takes_no_votes_and_a_keepers_copy_brings_it_back(world):
    box, codes, copy = box_of(world)
    ballots.open_box(by=world.office, box=box, now=clock.now())
    vote(codes[0])
    ballot_keys.store().destroy(box.key_id)
    assert vote(codes[1]) == voting.Refused(voting.TROUBLE)
    restore = {"by": world.office, "box": box, "now": clock.now()}
    assert "抄错" in refused(ballot_keys.restore_keys, copy=copy[:-1] + ("0" if copy[-1] != "0" else "1"), **restore)
    other = create(world, unit=world.unit("algebra")).copy
    assert refused(ballot_keys.restore_keys, copy=other, **restore) == "这不是这个评议箱的保管件。"
    ballot_keys.restore_keys(copy=copy.lower(), **restore)
    assert isinstance(vote(codes[1]), voting.Cast)
    assert AuditEntry.objects.filter(action="ballot.restore_keys").count() == 1
    assert copy.replace("-", "") not in str(list(AuditEntry.objects.values()))


# --- Exchanging a slip ------------------------------------------------------------------------------------------------


def test_two_people_exchange_a_slip(world):
    box, codes = open_of(world)
    exchange = ask(world, box, codes[0])
    confirm = {"exchange": exchange, "now": clock.now()}
    assert "须两人办理" in refused(ballot_exchanges.confirm_exchange, by=world.office, **confirm)
    outsider = holder(Role.SECRETARY, world.school.software)
    assert refused(ballot_exchanges.confirm_exchange, by=outsider, **confirm) == "您的角色没有这项权限。"
    new = ballot_exchanges.confirm_exchange(by=world.deputy, **confirm)
    assert vote(codes[0]) == voting.Refused(voting.SPOILED)
    assert isinstance(vote(new.code), voting.Cast)
    assert ballots.turnout(box) == ballots.Turnout(8, 1)
    exchange.refresh_from_db()
    assert (exchange.state, bytes(exchange.digest), exchange.ended_by) == ("done", b"", world.deputy)
    assert "不能再确认" in refused(ballot_exchanges.confirm_exchange, by=world.deputy, **confirm)


def test_a_slip_may_be_taken_back_without_a_new_one(world):
    box, codes = open_of(world)
    exchange = ask(world, box, codes[0], replace=False)
    assert ballot_exchanges.confirm_exchange(by=world.deputy, exchange=exchange, now=clock.now()) is None
    assert ballots.turnout(box) == ballots.Turnout(7, 0)


def test_a_slip_taken_back_is_not_voted_with_while_it_waits(world):
    box, codes = open_of(world)
    exchange = ask(world, box, codes[0])
    assert vote(codes[0]) == voting.look_up(code=codes[0], now=clock.now()) == voting.Refused(voting.HELD)
    assert isinstance(vote(codes[1]), voting.Cast)
    assert stock(box) == {"used": 1, "unused": 7}
    ballot_exchanges.drop_exchange(by=world.office, exchange=exchange, now=clock.now())
    assert isinstance(vote(codes[0]), voting.Cast)


def test_a_slip_that_was_used_after_all_is_not_exchanged(world):
    box, codes = open_of(world)
    exchange = ask(world, box, codes[0])
    box.codes.filter(digest=bytes(exchange.digest)).update(state="used")
    assert "刚被用过" in refused(ballot_exchanges.confirm_exchange, by=world.deputy, exchange=exchange, now=clock.now())
    assert stock(box) == {"used": 1, "unused": 7}


def test_a_slip_must_be_of_this_box_unused_and_not_asked_for_twice(world):
    box, codes = open_of(world)
    other, others = open_of(world, "algebra")
    vote(codes[0])
    assert "已经用过" in refused(ask, grading=world, box=box, code=codes[0])
    assert "不是这个评议箱的" in refused(ask, grading=world, box=box, code=others[0])
    assert "20 位" in refused(ask, grading=world, box=box, code="A")
    assert "请写明作废的原因" in refused(ask, grading=world, box=box, code=codes[1], reason=" ")
    exchange = ask(world, box, codes[1])
    assert "已在等另一人确认" in refused(ask, grading=world, box=box, code=codes[1])
    ballot_exchanges.drop_exchange(by=world.office, exchange=exchange, now=clock.now())
    assert isinstance(vote(codes[1]), voting.Cast)
    assert other.exchanges.count() == 0
