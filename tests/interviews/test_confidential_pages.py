"""What was said reaches the browsers of its readers and nothing beside: no address, message, log, cache or draft."""

import datetime as dt
import logging

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.urls import reverse

from branches import clock
from branches.models import AuditDetail, AuditEntry, Draft, Role, TransitionLog
from config.logs import Refusals
from interviews.models import EmergencyReport, Interview, Matter
from tests.factories import branches
from tests.interviews import follow, talks
from tests.interviews.follow import entered
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(follow.world)
CANARY = "金丝雀三七二一"


def everything_written():
    """Return what these requests left in tables that others read, in sessions and in the cache."""
    rows = [*AuditEntry.objects.values(), *AuditDetail.objects.values(), *TransitionLog.objects.values()]
    rows += [*Draft.objects.values(), *Interview.objects.values(), *Matter.objects.values()]
    sessions = [row.get_decoded() for row in Session.objects.all()]
    return repr([rows, [*EmergencyReport.objects.values()], sessions, getattr(cache, "_cache", {})])


def walk(client, world):
    """Record, open, amend, hand on, report; return every answer."""
    base, day = world.base, (clock.today() + dt.timedelta(days=5)).isoformat()
    said = {"text": CANARY, "problems": CANARY, "place": CANARY}
    answers = [client.post(reverse("interview-new"), entered(base, **said), HTTP_ACCEPT="application/json")]
    pk = Interview.objects.get().pk
    answers.append(client.post(reverse("interview-read", args=[pk])))
    answers.append(client.post(reverse("interview-amend", args=[pk]), entered(base, version="1", **said)))
    handed = {"category": world.category.pk, "owner": world.handler.pk, "due_on": day, "text": CANARY}
    answers.append(client.post(reverse("matter-new", args=[pk]), handed))
    facts = {"client_id": entered(base)["client_id"], "contact": world.contact.pk, "facts": CANARY}
    answers.append(client.post(reverse("emergency"), facts))
    return answers


def test_what_was_said_is_written_nowhere_in_clear(world, signed_in, caplog):
    caplog.set_level(logging.DEBUG)
    answers = walk(signed_in(world.base.interviewer), world)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 302, 302]
    for answer in answers:
        assert CANARY not in repr(answer.headers) + answer.request["PATH_INFO"]
        assert answer["Cache-Control"] == "no-store"
    shown = [CANARY in answer.content.decode() for answer in answers]
    assert shown == [False, True, True, False, False]  # opened, and once when written anew
    assert CANARY not in everything_written()
    assert CANARY not in caplog.text


def test_the_search_would_find_it(world):
    """The control: a summary that repeats what was said is found."""
    AuditEntry.objects.create(at=clock.now(), actor="某人", action="x", thing="y", thing_id="1", summary=CANARY)
    assert CANARY in everything_written()


def test_a_fault_while_it_is_in_hand_reports_nothing_of_it(world, signed_in, settings, monkeypatch, caplog):
    client = signed_in(world.base.interviewer)
    client.raise_request_exception = False
    monkeypatch.setattr("interviews.services.talks.follow_ups.close_with", lambda **_: 1 / 0)
    data = entered(world.base, text=CANARY, problems=CANARY, place=CANARY)
    answer = client.post(reverse("interview-new"), data, HTTP_ACCEPT="application/json")
    assert (answer.status_code, Interview.objects.count()) == (500, 0)
    assert "ZeroDivisionError" in caplog.text
    assert CANARY not in caplog.text + answer.content.decode()


@pytest.mark.once
def test_a_refusal_is_logged_in_one_line(world, signed_in, caplog):
    interview = talks.recorded(world.base)
    with caplog.at_level("WARNING", logger="django.request"):
        answer = signed_in(world.base.office).get(reverse("interview", args=[interview.pk]))
    assert answer.status_code == 403
    (line,) = [record for record in caplog.records if record.name == "django.request"]
    assert (line.status_code, line.exc_info) == (403, None)


def test_a_fault_keeps_its_traceback():
    fault = logging.LogRecord("django.request", logging.ERROR, "", 0, "", (), (ValueError, ValueError("x"), None))
    fault.status_code = 500
    assert Refusals().filter(fault)
    assert fault.exc_info[0] is ValueError


@pytest.mark.once
def test_who_plans_talks_does_not_count_them_in_the_audit_trail_and_the_auditor_does(world, signed_in):
    base = world.base
    walk(signed_in(base.interviewer), world)
    office, auditor = (signed_in(one).get(reverse("audit")).content.decode() for one in (base.office, base.auditor))
    for said in ("记录一次谈话", "交办实际问题", "紧急上报给", "密存一条记录"):
        assert [said in page for page in (office, auditor)] == [False, True]
    assert "只有审计员看得到" in office
    for counts_them in (">编号<", "还没有封存"):  # gaps between numbers, and the number of sealed entries
        assert [counts_them in page for page in (office, auditor)] == [False, True]
    content = signed_in(base.office).post(reverse("audit"), {"format": "csv"}).content.decode()
    assert "记录一次谈话" not in content
    page = signed_in(base.office).get(reverse("branch", args=[base.school.software.pk])).content.decode()
    assert "记录一次谈话" not in page  # the log beside the facts of a branch
    secretary = branches.holder(Role.SECRETARY, base.school.software)
    assert "记录一次谈话" not in signed_in(secretary).get(reverse("home")).content.decode()
    assert AuditEntry.objects.filter(branch=base.school.software, summary="记录一次谈话").exists()
