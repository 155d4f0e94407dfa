"""Two who issue at once never get the same number, and none is left out; without the lock they meet."""

import contextlib
import threading

import pytest
from django.db import connection

from branches.models import Role
from rectification.models import NoticeSeries, SupervisionNotice
from rectification.services import notices
from tests.factories.branches import holder
from tests.rectification.supervision_world import world

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]
PATIENCE = 0.7


def at_once(acts):
    """Let threads act at the same moment; return what came of each."""
    gate, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(n):
        gate.wait()
        try:
            answers[n] = acts[n]()
        except Exception as fault:  # noqa: BLE001 - the test looks at it
            answers[n] = fault
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def rush(w):
    """Let two officers of one 党总支 issue to its two branches at once."""
    second = holder(Role.GENERAL_BRANCH_OFFICER, w.school.maths)
    pairs = ((w.officer, w.school.software), (second, w.school.algebra))
    return at_once([lambda by=by, branch=branch: w.issue(by=by, branch=branch) for by, branch in pairs])


def numbers():
    return sorted(SupervisionNotice.objects.values_list("number", flat=True))


def test_two_at_once_get_numbers_one_after_the_other():
    answers = rush(world())
    assert [type(one) for one in answers] == [SupervisionNotice, SupervisionNotice]
    assert numbers() == [1, 2]
    assert NoticeSeries.objects.get().last == 2


def test_the_control_counting_what_is_there_gives_both_the_same(monkeypatch):
    """Without the locked row both read the same last number; only the table's own constraint stops the second."""
    w = world()
    both = threading.Barrier(2)

    def count(campaign, issuer):
        last = SupervisionNotice.objects.filter(campaign=campaign, issuer=issuer).count()
        # SQLite lets one writer in at a time: there the lock is the database itself, and nobody comes to meet.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(PATIENCE)
        return last + 1

    monkeypatch.setattr(notices, "_next_number", count)
    answers = rush(w)
    failed = [one for one in answers if isinstance(one, Exception)]
    if connection.vendor == "postgresql":
        assert len(failed) == 1
        assert "notice_number_once" in str(failed[0])
        assert numbers() == [1]
    else:
        assert numbers() == [1, 2]


def test_what_fails_after_its_number_gives_it_back(monkeypatch):
    w = world()
    with monkeypatch.context() as broken:
        broken.setattr(notices.dispatching, "tell", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            w.issue()
    assert not SupervisionNotice.objects.exists()
    assert w.issue().number == 1
