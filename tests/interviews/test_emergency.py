"""紧急上报: at once to the person on duty, once however often sent, every step on record, mail without a word of it."""

import datetime as dt
import uuid

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse

from branches import clock, registries
from branches.registries import HomeItem
from branches.transitions import IllegalMoveError
from interviews.home import duties_gone, emergencies, not_received
from interviews.models import EmergencyContact, EmergencyReport
from interviews.services import emergency, sealed
from interviews.services.errors import NotReadableError, RefusedError
from tests.factories.interview_matters import EmergencyContactFactory, EmergencyReportFactory, EmergencyStepFactory
from tests.interviews import follow, talks
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(follow.world)
TEXT = "张同学昨晚未归，家长联系不上。"
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


def sent(world, number=None, **given):
    facts = emergency.Facts(given.pop("text", TEXT), world.base.student, given.pop("interview", None))
    values = {"by": world.base.interviewer, "contact": world.contact, **given}
    return emergency.report(client_id=number or uuid.uuid4(), facts=facts, now=clock.now(), **values)


def whats(row):
    return list(row.steps.values_list("what", flat=True))


def test_it_is_one_report_however_often_it_is_sent(world):
    number = uuid.uuid4()
    assert sent(world, number) == sent(world, number)
    with pytest.raises(RefusedError):
        sent(world, number, by=world.base.colleague)
    assert EmergencyReport.objects.count() == 1


def test_only_reporter_and_duty_read_it(world):
    row = sent(world)
    for account in (world.base.interviewer, world.duty):
        assert sealed.open_record(by=account, record=row.record, now=clock.now()).texts["facts"] == TEXT
    for account in (world.base.office, world.base.officer, world.base.administrator, world.base.auditor):
        with pytest.raises(NotReadableError):
            sealed.open_record(by=account, record=row.record, now=clock.now())


def test_received_settled_and_traced(world):
    row, now = sent(world), clock.now()
    with pytest.raises(RefusedError):
        emergency.close(by=world.duty, row=row, outcome="已找到", now=now)
    with pytest.raises(RefusedError):
        emergency.acknowledge(by=world.base.interviewer, row=row, now=now)
    emergency.acknowledge(by=world.duty, row=row, now=now)
    with pytest.raises(IllegalMoveError):
        emergency.acknowledge(by=world.duty, row=row, now=now)
    emergency.close(by=world.duty, row=row, outcome="已找到，家长到校。", now=now)
    row.refresh_from_db()
    assert (row.state, row.acknowledged_at, whats(row)) == ("closed", now, ["sent", "acknowledged", "closed"])
    texts = sealed.open_record(by=world.base.interviewer, record=row.record, now=now).texts
    assert texts == {"facts": TEXT, "outcome": "已找到，家长到校。"}


def test_what_cannot_be_reported(world):
    silent = EmergencyContactFactory(campaign=world.base.campaign, account=None)
    powerless = EmergencyContactFactory(campaign=world.base.campaign, account=world.handler)
    own = EmergencyContactFactory(campaign=world.base.campaign, account=world.base.interviewer)
    theirs = talks.recorded(world.base, by=world.base.colleague)
    for given in (
        {"text": " "}, {"contact": silent}, {"contact": powerless}, {"contact": own}, {"interview": theirs},
    ):  # fmt: skip
        with pytest.raises(RefusedError):
            sent(world, **given)
    assert EmergencyReport.objects.count() == 0


def test_the_mail_says_that_there_is_a_report_and_nothing_of_it(world, settings):
    settings.EMAIL_BACKEND = LOCMEM
    world.duty.person.email = "duty@example.cn"
    world.duty.person.save()
    row = sent(world)
    assert (emergency.mail_waiting(now=clock.now()), emergency.mail_waiting(now=clock.now())) == (1, 0)
    (letter,) = mail.outbox
    assert letter.to == ["duty@example.cn"]
    said = letter.subject + letter.body
    assert "紧急上报" in said
    assert not [
        word for word in (TEXT, world.base.student.person.name, world.base.interviewer.get_full_name()) if word in said
    ]
    assert whats(row) == ["sent", "mailed"]


def test_why_no_mail_went_out_is_on_record(world, settings):
    row = sent(world)
    assert emergency.mail_waiting(now=clock.now()) == 0
    assert (whats(row), emergency.waiting_for_mail()) == (["sent", "no_mail"], [])
    settings.EMAIL_BACKEND = "tests.interviews.test_emergency.Broken"
    world.duty.person.email = "duty@example.cn"
    world.duty.person.save()
    again = sent(world)
    for _ in range(emergency.MAIL_TRIES):
        emergency.mail_waiting(now=clock.now())
    assert (whats(again), emergency.waiting_for_mail()) == (["sent"] + ["mail_failed"] * emergency.MAIL_TRIES, [])


class Broken:
    """A mail server that is away."""

    def __init__(self, *_args, **_options):
        self.sent = 0

    def send_messages(self, _letters):
        raise ConnectionRefusedError


def test_the_duty_person_finds_it_first_and_the_reporter_sees_who_read(world, signed_in):
    mine = signed_in(world.base.interviewer)
    data = {"client_id": str(uuid.uuid4()), "contact": world.contact.pk, "entry": world.base.student.pk, "facts": TEXT}
    answer = mine.post(reverse("emergency"), data, HTTP_ACCEPT="application/json")
    row = EmergencyReport.objects.get()
    url = reverse("emergency-report", args=[row.pk])
    assert (answer.status_code, answer.json()["next"]) == (200, url)
    duty = signed_in(world.duty)
    assert "紧急上报，请马上接报" in duty.get("/").content.decode()
    assert TEXT not in duty.get(url).content.decode()
    assert TEXT in duty.post(reverse("emergency-read", args=[row.pk])).content.decode()
    duty.post(reverse("emergency-acknowledge", args=[row.pk]))
    page = signed_in(world.base.interviewer).get(url)
    assert [(account, what) for _, account, what in page.context["trace"]] == [
        (world.base.interviewer, "上报"),
        (world.duty, "查看内容（已打开）"),
        (world.duty, "接报"),
    ]


def test_bad_input_comes_back_with_what_was_typed(world, signed_in):
    answer = signed_in(world.base.interviewer).post(reverse("emergency"), {"facts": TEXT})
    assert (answer.status_code, TEXT in answer.content.decode()) == (422, True)
    said = signed_in(world.base.interviewer).post(reverse("emergency"), {}, HTTP_ACCEPT="application/json")
    assert {error["target"] for error in said.json()["errors"]} == {"id_client_id", "id_contact", "id_facts"}


def test_contacts_are_looked_after_by_who_plans(world, signed_in):
    client = signed_in(world.base.office)
    data = {"unit": world.base.school.root.pk, "duty": "保卫处", "phone": "17000008888", "ordinal": 2, "active": "on"}
    assert client.post(reverse("emergency-contact-new"), data | {"phone": ""}).status_code == 422
    client.post(reverse("emergency-contact-new"), data)
    row = EmergencyContact.objects.get(duty="保卫处")
    wrong = client.post(reverse("emergency-contact", args=[row.pk]), data | {"account": world.handler.pk})
    assert wrong.status_code == 422
    client.post(reverse("emergency-contact", args=[row.pk]), {**data, "active": "", "account": world.duty.pk})
    row.refresh_from_db()
    assert (row.active, row.account) == (False, world.duty)
    assert "保卫处" not in signed_in(world.base.interviewer).get(reverse("emergency")).content.decode()


def test_the_database_refuses_what_is_wrong(world):
    for make in (
        lambda: EmergencyContactFactory(duty=""),
        lambda: EmergencyContactFactory(phone=""),
        lambda: EmergencyReportFactory(state="lost"),
        lambda: EmergencyReportFactory(state="acknowledged"),
        lambda: EmergencyStepFactory(what="lost"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
    first = EmergencyReportFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        EmergencyReportFactory(client_id=first.client_id)


def test_a_report_waits_before_everything_else(world, monkeypatch):
    late = HomeItem("催收", "", "看", "/", clock.today() - dt.timedelta(days=9))
    monkeypatch.setattr(registries, "_home", [lambda _account, _now: [late], emergencies])
    sent(world)
    assert [item.first for item in registries.home_items(world.duty, clock.now())] == [True, False]


def test_who_reported_is_told_whom_to_call_until_it_is_received(world):
    row = sent(world)
    reporter = world.base.interviewer
    (item,) = not_received(reporter, clock.now())
    assert (item.first, item.detail.split("　")[:2]) == (True, [world.contact.duty, world.contact.phone])
    assert list(not_received(world.duty, clock.now())) == []
    emergency.acknowledge(by=world.duty, row=row, now=clock.now())
    assert list(not_received(reporter, clock.now())) == []


def test_a_duty_whose_account_receives_nothing_is_not_offered_and_is_told_of(world, signed_in):
    reporter, office = world.base.interviewer, world.base.office
    offered = lambda: list(signed_in(reporter).get(reverse("emergency")).context["form"].fields["contact"].queryset)
    assert (offered(), list(duties_gone(office, clock.now()))) == ([world.contact], [])
    world.duty.is_active = False
    world.duty.save()
    assert offered() == []
    (item,) = duties_gone(office, clock.now())
    assert (item.title, item.detail) == ("紧急联系人的接报账号失效，请更换", world.contact.duty)
    page = signed_in(reporter).get(reverse("emergency")).content.decode()
    assert (world.contact.phone in page, "在系统里接报" in page) == (True, False)
    assert "接报账号失效，请更换" in signed_in(office).get(reverse("emergency-contacts")).content.decode()
