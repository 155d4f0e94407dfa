"""Sending: claimed, handed over, settled; what is certain is tried again, what is not certain is left to a person."""

import datetime as dt
import smtplib

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db.models.functions import Now

from branches import clock
from grading.services.errors import RefusedError
from rectification.models import DigestRun, Dispatch
from rectification.models.dispatch import MAX_ATTEMPTS
from rectification.services import dispatching, mailing
from tests.factories.branches import AccountFactory, PersonFactory
from tests.factories.supervision import DigestRunFactory, DispatchFactory
from tests.rectification.supervision_world import at
from tests.worlds import shared

pytestmark = pytest.mark.db
S = Dispatch.State


@shared
def reader():
    """Return somebody with an address."""
    return AccountFactory(person=PersonFactory(email="reader@example.edu.cn"))


@pytest.fixture
def row(reader):
    return DispatchFactory(recipient=reader)


def fresh(row):
    return Dispatch.objects.get(pk=row.pk)


def lapse(row, **changes):
    Dispatch.objects.filter(pk=row.pk).update(lease_until=Now() - dt.timedelta(seconds=1), **changes)


class Wire(EmailBackend):
    """A mail server of the test: does what `fault` says before, or after, it has taken the message."""

    fault = None
    after = None

    def send_messages(self, messages):
        if self.fault is not None:
            raise self.fault
        taken = super().send_messages(messages)
        if self.after is not None:
            raise self.after
        return taken


@pytest.fixture
def wire(monkeypatch):
    """Put `Wire` in the place of the mail server."""
    monkeypatch.setattr(mailing, "get_connection", Wire)
    monkeypatch.setattr(Wire, "fault", None)
    monkeypatch.setattr(Wire, "after", None)
    return Wire


def test_a_message_goes_out_once_with_its_own_id(row):
    assert mailing.work() == 1
    assert mailing.work() == 0
    (sent,) = mail.outbox
    assert (sent.to, sent.subject, sent.extra_headers["Message-ID"]) == ([row.address], row.subject, row.message_id)
    assert (fresh(row).state, fresh(row).attempt, fresh(row).lease_until) == (S.SENT, 1, None)


@pytest.mark.parametrize("state", [S.SKIPPED, S.SENT, S.FAILED, S.UNCERTAIN])
def test_what_has_ended_is_left_alone(reader, state):
    why = {"why": "nothing"} if state == S.SKIPPED else {}
    ended = {"handed_at": clock.now()} if state in (S.SENT, S.UNCERTAIN) else {}
    sent = {"sent_at": clock.now()} if state == S.SENT else {}
    DispatchFactory(recipient=reader, state=state, **why, **ended, **sent)
    assert not mailing.waits()
    assert mailing.work() == 0
    assert mail.outbox == []


def test_a_claim_that_lapsed_is_repeated(row):
    mailing._claim()
    assert not mailing.waits()
    assert mailing.work() == 0
    lapse(row)
    assert mailing.waits()
    assert mailing.work() == 1
    assert (fresh(row).state, fresh(row).attempt) == (S.SENT, 2)


def test_a_message_cut_off_while_handed_over_is_never_sent_by_itself(row):
    lapse(row, state=S.HANDED, handed_at=clock.now())
    assert mailing.work() == 0
    assert (fresh(row).state, mail.outbox) == (S.UNCERTAIN, [])
    assert mailing.work() == 0


def test_the_control_that_repeats_those_too_sends_twice(row, wire, monkeypatch):
    """The server took it, the worker heard nothing: whoever sends again then doubles."""
    wire.after = smtplib.SMTPServerDisconnected("gone")
    mailing.work()
    wire.after = None
    assert (fresh(row).state, len(mail.outbox)) == (S.UNCERTAIN, 1)
    monkeypatch.setattr(mailing, "settle_lapsed", lambda: Dispatch.objects.filter(state=S.UNCERTAIN).update(
        state=S.WAITING, handed_at=None
    ))  # fmt: skip
    mailing.work()
    assert [sent.extra_headers["Message-ID"] for sent in mail.outbox] == [row.message_id] * 2


def test_who_lost_the_claim_hands_nothing_over(row):
    held = mailing._claim()
    lapse(row)
    mailing.settle_lapsed()
    second = mailing._claim()
    assert not mailing._deliver(mailing.get_connection(), held)
    assert mail.outbox == []
    assert mailing._deliver(mailing.get_connection(), second)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("fault", "state", "said"),
    [
        (smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")}), S.FAILED, "拒收（550）"),
        (smtplib.SMTPRecipientsRefused({"x": (451, b"greylisted")}), S.WAITING, "暂时不收（451）"),
        (smtplib.SMTPDataError(554, b"spam"), S.FAILED, "拒收（554）"),
        (smtplib.SMTPSenderRefused(452, b"full", "x"), S.WAITING, "暂时不收（452）"),
        (smtplib.SMTPNotSupportedError("utf8"), S.FAILED, "拒收（550）"),
        (smtplib.SMTPServerDisconnected("gone"), S.UNCERTAIN, "不能确定"),
        (TimeoutError("slow"), S.UNCERTAIN, "不能确定"),
    ],
    ids=repr,
)
def test_what_the_server_says_decides(row, wire, fault, state, said):
    wire.fault = fault
    assert mailing.work() == 0
    assert fresh(row).state == state
    assert said in fresh(row).error
    wire.fault = None
    assert mailing.work() == 0  # nothing is hurried: a refusal for now waits some minutes


def test_an_unreachable_server_costs_nothing_and_is_tried_later(row, wire, monkeypatch):
    def unreachable(_):
        raise ConnectionRefusedError

    with monkeypatch.context() as down:
        down.setattr(Wire, "open", unreachable)
        assert mailing.work() == 0
    assert (fresh(row).state, fresh(row).handed_at) == (S.WAITING, None)
    assert "连接不上" in fresh(row).error
    assert mailing.work() == 0
    Dispatch.objects.filter(pk=row.pk).update(available_at=Now() - dt.timedelta(seconds=1))
    assert mailing.work() == 1
    assert fresh(row).error == ""


def test_after_some_attempts_it_is_given_up(row, wire):
    wire.fault = smtplib.SMTPDataError(451, b"busy")
    for _ in range(MAX_ATTEMPTS):
        Dispatch.objects.filter(pk=row.pk).update(available_at=None)
        mailing.work()
    assert (fresh(row).state, fresh(row).attempt) == (S.FAILED, MAX_ATTEMPTS)
    assert not mailing.waits()


def test_an_address_with_a_line_break_is_no_way_in(row):
    Dispatch.objects.filter(pk=row.pk).update(subject="主题\nBcc: other@example.com")
    assert mailing.work() == 0
    assert (fresh(row).state, mail.outbox) == (S.FAILED, [])


def test_a_worker_told_to_stop_leaves_the_rest(reader):
    DispatchFactory.create_batch(3, recipient=reader)
    asked = iter([False, True])
    assert mailing.work(stopping=lambda: next(asked)) == 1
    assert Dispatch.objects.waiting().count() == 2


def test_a_person_sends_again_once_what_failed(reader, row):
    with pytest.raises(RefusedError, match="不能重发"):
        dispatching.send_again(by=reader, message=row, now=clock.now())
    Dispatch.objects.filter(pk=row.pk).update(state=S.UNCERTAIN, handed_at=clock.now())
    again = dispatching.send_again(by=reader, message=row, now=clock.now())
    assert (again.kind, again.subject, again.again_of_id) == ("resent", row.subject, row.pk)
    assert again.message_id != row.message_id
    with pytest.raises(RefusedError, match="不能重发"):
        dispatching.send_again(by=reader, message=row, now=clock.now())
    assert mailing.work() == 1


def test_after_a_restore_nothing_is_sent_again_by_itself(row, time_machine):
    time_machine.move_to(at("2013-01-09 09:00"))
    DigestRunFactory(period=dt.date(2012, 12, 31))
    assert mailing.hold_restored() == 1
    assert (fresh(row).state, mailing.work(), mail.outbox) == (S.UNCERTAIN, 0, [])
    assert ("weekly", dt.date(2013, 1, 7)) in DigestRun.objects.values_list("frequency", "period")
