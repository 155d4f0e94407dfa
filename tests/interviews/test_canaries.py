"""A canary in every sealed field, by name: none shows in clear in any place where data may come to lie.

The control plants a canary of its own in each of those places, so that a place that is not really looked into is seen.
"""

import io
import json
import logging
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from celery import Celery
from django.apps import apps
from django.conf import settings
from django.core import mail, serializers
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, models
from django.test import RequestFactory
from django.urls import reverse
from django.views.debug import ExceptionReporter

from branches import clock
from branches.models import AuditDetail, Draft
from interviews.models import EmergencyReport, Interview, Matter, SealedRecord
from interviews.services import erasure, interviews, keys, readers, sealed
from interviews.services.errors import NotReadableError
from interviews.vault import sealing
from interviews.vault.fields import FIELDS
from tests.factories.branches import AuditEntryFactory, DraftFactory
from tests.interviews import follow, talks
from tests.interviews.talks import in_days, talk

CANARIES = {(kind, name): f"CANARY-{kind}-{name}-9f3a" for kind, names in FIELDS.items() for name in names}
CONTROL = "CONTROL-7c21"

# Every sealed field by name, written out: a new field must be added here, and is then watched.
NAMED = {
    "interview": {"text", "problems", "sensitive", "place"},
    "matter": {"text", "result"},
    "emergency": {"facts", "outcome"},
}


def test_the_sealed_fields_are_these():
    assert {kind: set(names) for kind, names in FIELDS.items()} == NAMED
    assert set(SealedRecord.Kind.values) == set(NAMED)


def test_nothing_is_kept_as_ciphertext_beside_them():
    """A model that began to seal something by itself would be watched by no canary: its field must be added here."""
    binary = {f"{model.__name__}.{field.name}" for model in apps.get_models() for field in model._meta.get_fields()
              if isinstance(field, models.BinaryField)}  # fmt: skip
    ballots = {"BallotBox.public_key", "BallotCode.digest", "SealedBallot.ciphertext", "CodeExchange.digest"}
    assert binary - ballots == {"SealedText.sealed"}


def tree(directory):
    """Return the bytes of every file below a directory, and of every member of archives."""
    found = b""
    for path in sorted(Path(directory).rglob("*")):
        if path.is_file():
            found += path.name.encode() + path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    found += b"".join(archive.read(name) for name in archive.namelist())
    return found


def database():
    """Return every row of every table as text: what a dump holds."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found.append(f"{table} {[[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor]}")
    return "\n".join(found).encode()


def dumpdata():
    said = io.StringIO()
    call_command("dumpdata", "interviews", "branches.auditentry", "branches.auditdetail", "branches.draft", stdout=said)
    return said.getvalue().encode()


class Places:
    """Everywhere data may come to lie, as bytes to search."""

    def __init__(self, tmp_path, caplog, capsys):
        self.tmp_path, self.caplog, self.capsys = tmp_path, caplog, capsys

    def look(self):
        call_command("backup", "--to", str(self.tmp_path / "backups"), verbosity=0)
        said = self.capsys.readouterr()
        return {
            "database": database(),
            "files of the installation": tree(settings.VAR_DIR),
            "keys, wrapped keys, journal, backups": tree(self.tmp_path),
            "dumpdata": dumpdata(),
            "log": self.caplog.text.encode(),
            "output": (said.out + said.err).encode(),
            "temporary files": tree(tempfile.gettempdir()),
            "cache": repr(getattr(cache, "_cache", "")).encode() + str(cache.get("control")).encode(),
            "mail": repr([message.message().as_string() for message in mail.outbox]).encode(),
        }


@pytest.fixture
def places(tmp_path, caplog, capsys, monkeypatch):
    for name in ("KEY", "VAULT", "JOURNAL", "VAULT_BACKUP"):
        monkeypatch.setattr(settings, f"INTERVIEW_{name}_DIR", tmp_path / name.lower())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    logging.getLogger("factory.generate").setLevel(logging.INFO)
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django.db.backends")
    connection.force_debug_cursor = True  # every statement with its parameters goes to the log
    yield Places(tmp_path, caplog, capsys)
    connection.force_debug_cursor = False


def written(made):
    """Write a record of every kind with a canary in each field, amend it, read it, be refused, erase one."""
    rows = []
    for kind, names in FIELDS.items():
        texts = {name: CANARIES[kind, name] for name in names}
        row = sealed.create_record(
            by=made.interviewer, kind=kind, campaign=made.campaign, unit=made.school.software, texts=texts,
            retain_until=in_days(30).date(), now=clock.now(),
        )  # fmt: skip
        row = sealed.add_version(by=made.interviewer, record=row, texts=texts, now=clock.now())
        assert sealed.open_record(by=made.interviewer, record=row, now=clock.now()).texts == texts
        with pytest.raises(NotReadableError):
            sealed.open_record(by=made.colleague, record=row, now=clock.now())
        reader = readers.grant_reader(
            by=made.interviewer, record=row, account=made.colleague, reason="会商", until=in_days(3), now=clock.now()
        )
        sealed.open_record(by=made.colleague, record=row, now=clock.now())
        readers.revoke_reader(by=made.interviewer, reader=reader, now=clock.now())
        rows.append(row)
    erasure.erase(by=made.interviewer, record=rows[0], cause="mistake", now=clock.now())
    return rows


@pytest.mark.db
@pytest.mark.django_db(transaction=True)
def test_no_canary_shows_anywhere(places):
    made = talks.world()
    written(made)
    given = talk(made, text=CANARIES["interview", "text"], problems=CANARIES["interview", "problems"])
    number = talks.uuid.uuid4()
    row = interviews.record_interview(
        by=made.interviewer, client_id=number, campaign=made.campaign, talk=given, now=clock.now()
    ).interview
    assert CANARIES["interview", "text"] not in repr(given)
    read = interviews.read_interview(by=made.interviewer, interview=row, now=clock.now())
    assert read.text == CANARIES["interview", "text"]
    assert CANARIES["interview", "text"] not in repr(read)
    keys.rotate(by=made.administrator, now=clock.now())
    looked = places.look()
    found = [(place, one) for place, text in looked.items() for one in CANARIES.values() if one.encode() in text]
    assert found == []
    assert b"INSERT INTO" in looked["log"]  # the log did record the statements
    assert Draft.objects.count() == 0


def through_pages(made, client_of, monkeypatch):
    """Enter, read, hand on, answer, report and close in the browser's way, with mistakes and an error in between."""
    base, reverse_of = made.base, {"HTTP_ACCEPT": "application/json"}
    said = {name: CANARIES["interview", name] for name in ("text", "problems", "place")}
    client = client_of(base.interviewer)
    client.raise_request_exception = False
    given = follow.entered(base, **said)
    assert client.post(reverse("interview-new"), given | {"channel": ""}, **reverse_of).status_code == 422
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "digest", lambda *_: 1 / 0)
        assert client.post(reverse("interview-new"), given).status_code == 500
    assert client.post(reverse("interview-new"), given, **reverse_of).status_code == 200
    row = Interview.objects.get()
    page = client.post(reverse("interview-read", args=[row.pk]))
    assert (said["text"] in page.content.decode(), page["Cache-Control"]) == (True, "no-store")
    handed = {"category": made.category.pk, "owner": made.handler.pk, "due_on": in_days(5).date().isoformat()}
    handed["text"] = CANARIES["matter", "text"]
    assert client.post(reverse("matter-new", args=[row.pk]), handed).status_code == 302
    told = {"client_id": str(talks.uuid.uuid4()), "contact": made.contact.pk, "facts": CANARIES["emergency", "facts"]}
    assert client.post(reverse("emergency"), told).status_code == 302
    matter, emergency = Matter.objects.get(), EmergencyReport.objects.get()
    client = client_of(made.handler)
    assert CANARIES["matter", "text"] in client.post(reverse("matter-read", args=[matter.pk])).content.decode()
    answer = {"do": "answer", "outcome": "solved", "result": CANARIES["matter", "result"]}
    for move in ({"do": "accept"}, answer):
        assert client.post(reverse("matter-move", args=[matter.pk]), move).status_code == 302
    client = client_of(made.duty)
    client.post(reverse("emergency-acknowledge", args=[emergency.pk]))
    outcome = {"outcome": CANARIES["emergency", "outcome"]}
    assert client.post(reverse("emergency-close", args=[emergency.pk]), outcome).status_code == 302
    assert (
        sealed.open_record(by=made.duty, record=emergency.record, now=clock.now()).texts["outcome"]
        == outcome["outcome"]
    )


def exported(made, client_of):
    """Return every list about talks that leaves as a file, with the members of archives; personal lists never do."""
    base, client = made.base, client_of(made.base.office)
    given = [reverse(name) for name in ("matters", "matter-summary")]
    given += [reverse(name, args=[base.campaign.pk]) for name in ("visit-assignments", "people-roster")]
    found = b""
    for address in given:
        for kind in ("xlsx", "csv"):
            answer = client.post(address, {"format": kind})
            assert (address, answer.status_code, "attachment" in answer.get("Content-Disposition", "")) == (
                address,
                200,
                True,
            )
            content = answer.getvalue()
            found += content
            if kind == "xlsx":
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    found += b"".join(archive.read(name) for name in archive.namelist())
    return found


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_no_canary_shows_after_the_pages_were_used(places, signed_in, monkeypatch):
    sent = []
    monkeypatch.setattr(Celery, "send_task", lambda _app, *given, **named: sent.append((given, named)))
    made = follow.world()
    through_pages(made, signed_in, monkeypatch)
    looked = places.look() | {"exports": exported(made, signed_in), "job arguments": repr(sent).encode()}
    assert made.base.student.person.name.encode() in looked["exports"]  # the files were read: who it was with is there
    assert b"interviews.tasks" in looked["job arguments"]
    found = [(place, one) for place, text in looked.items() for one in CANARIES.values() if one.encode() in text]
    assert found == []
    assert b"ZeroDivisionError" in looked["log"]  # the error was told, its text was not


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_the_control_shows_in_every_place(places, capsys):
    row = DraftFactory(data={"text": CONTROL})
    AuditDetail.objects.create(entry=AuditEntryFactory(), salt="0" * 32, before=None, after={"text": CONTROL})
    serializers.serialize("json", [row])
    logging.getLogger("interviews").debug(CONTROL)
    sys.stdout.write(CONTROL)
    cache.set("control", CONTROL)
    mail.send_mail("x", CONTROL, None, ["a@example.org"])
    (Path(tempfile.gettempdir()) / "left").write_text(CONTROL)
    (settings.VAR_DIR / "control").write_text(json.dumps(CONTROL))
    try:
        found = {place for place, content in places.look().items() if CONTROL.encode() in content}
    finally:
        (settings.VAR_DIR / "control").unlink()
        cache.delete("control")
    assert found == {
        "database", "files of the installation", "keys, wrapped keys, journal, backups", "dumpdata", "log", "output",
        "temporary files", "cache", "mail",
    }  # fmt: skip


# --- Reports of errors ----------------------------------------------------------------------------------------------


def report(act):
    """Return what Django would tell the administrators of an error, locals of every frame included."""
    try:
        act()
    except ZeroDivisionError:
        reporter = ExceptionReporter(RequestFactory().post("/"), *sys.exc_info())
        return repr([(frame["function"], frame["vars"]) for frame in reporter.get_traceback_data()["frames"]])
    raise AssertionError


@pytest.mark.once
@pytest.mark.django_db
def test_an_error_report_shows_no_text(monkeypatch):
    made = talks.world()

    def breaks(*_):
        raise ZeroDivisionError

    def text():
        return CANARIES["interview", "text"]

    row = sealed.create_record(
        by=made.interviewer, kind="interview", campaign=made.campaign, unit=made.school.software,
        texts={"text": text()}, retain_until=in_days(30).date(), now=clock.now(),
    )  # fmt: skip

    def write():
        interviews.record_interview(
            by=made.interviewer, client_id=talks.uuid.uuid4(), campaign=made.campaign, talk=talk(made, text=text()),
            now=clock.now(),
        )  # fmt: skip

    def read():
        sealed.open_record(by=made.interviewer, record=row, now=clock.now())

    monkeypatch.setattr(sealing, "digest", breaks)
    said = [report(write)]
    monkeypatch.setattr(sealing, "_unpad", breaks)
    said.append(report(read))
    assert [text() in one for one in said] == [False, False]
    assert all("breaks" in one for one in said)

    def careless():
        shown = text()
        return breaks(shown)

    assert text() in report(careless)  # the control: without the decorators locals are shown
