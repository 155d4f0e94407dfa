"""Doctor sees what is wrong and says what to do; a check that breaks is a finding, not a crash."""

import datetime as dt

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import reverse

from branches import clock, guards
from branches.models import Role
from reporting import doctor
from reporting.database_time import database_now
from reporting.models import WorkerHeartbeat
from tests.factories.branches import AuditEntryFactory, holder, school

pytestmark = pytest.mark.db


def state_of(check):
    finding = check()
    assert bool(finding.remedy) == (finding.state != "ok"), finding
    return finding.state


@pytest.fixture
def worker():
    moment = database_now()
    return WorkerHeartbeat.objects.create(name="here:1", pid=1, light=1, heavy=2, started_at=moment, seen_at=moment)


def test_an_installation_at_work_is_well(worker, monkeypatch):
    monkeypatch.setattr(guards, "faults", lambda _: [])
    states = {finding.name: finding.state for finding in doctor.examine()}
    assert set(states) == set(doctor.CHECKS)
    assert {name for name, state in states.items() if state == "bad"} == set()


def test_a_silent_worker_is_red(worker):
    assert state_of(doctor.check_worker) == "ok"
    WorkerHeartbeat.objects.update(seen_at=database_now() - dt.timedelta(minutes=5))
    assert state_of(doctor.check_worker) == "bad"


def test_a_worker_without_its_broker_is_red(worker):
    WorkerHeartbeat.objects.update(broker_error="Connection refused")
    assert "Connection refused" in doctor.check_worker().said
    assert state_of(doctor.check_worker) == "bad"


def test_missing_triggers_are_red():
    assert state_of(doctor.check_guards) == "bad"


def test_late_sealing_is_noticed():
    assert state_of(doctor.check_audit) == "ok"
    AuditEntryFactory(at=clock.now() - dt.timedelta(hours=2))
    assert state_of(doctor.check_audit) == "warn"


@pytest.mark.parametrize(("free", "state"), [(100, "bad"), (1000, "warn"), (5000, "ok")])
def test_the_disk_is_watched(monkeypatch, free, state):
    usage = type("Usage", (), {"free": free * doctor.MEGABYTE})()
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    assert state_of(doctor.check_disk) == state


def test_fonts_show_chinese(monkeypatch):
    assert state_of(doctor.check_fonts) == "ok"
    monkeypatch.setattr(doctor, "SAMPLE", "\U0010fffd")
    assert state_of(doctor.check_fonts) == "bad"
    monkeypatch.setattr(doctor.fonts, "missing_characters", lambda _: "")
    assert state_of(doctor.check_fonts) == "bad"


def test_a_wrong_clock_is_red(monkeypatch):
    assert state_of(doctor.check_clock) == "ok"
    monkeypatch.setattr(doctor, "database_now", lambda: database_now() + dt.timedelta(minutes=3))
    assert state_of(doctor.check_clock) == "bad"


def test_mail_that_cannot_be_sent_is_red(settings):
    assert state_of(doctor.check_mail) == "ok"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    (finding,) = [found for found in doctor.examine() if found.name == "邮件"]
    assert (finding.state, finding.remedy) == ("bad", "检查 EMAIL_HOST 等邮件设置。")


def test_a_key_others_can_read_is_red(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    tmp_path.chmod(0o700)
    key = tmp_path / "secret_key"
    key.write_text("x")
    key.chmod(0o600)
    assert state_of(doctor.check_secrets) == "ok"
    key.chmod(0o644)
    assert state_of(doctor.check_secrets) == "bad"


def test_the_command_ends_with_1_when_something_is_red(capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "[异常] 后台进程：一分钟内没有心跳" in said
    assert "怎么办：" in said


def test_the_office_sees_the_page(signed_in):
    account = holder(Role.OFFICE, school().root)
    page = signed_in(account).get(reverse("doctor")).content.decode()
    assert "系统状况" in page
    assert "一分钟内没有心跳" in page
    assert settings.SECRET_KEY not in page
