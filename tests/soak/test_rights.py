"""A right taken away on the way from asking to downloading: no file; and upkeep as a running worker does it."""

import datetime as dt
import random

import pytest
from django.conf import settings as conf
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from branches.models import Role, RoleGrant
from reporting import doctor
from reporting.database_time import database_now
from reporting.models import Export, WorkerHeartbeat
from reporting.services import jobs, upkeep
from tests.factories.branches import holder
from tests.soak import verdicts
from tests.soak.arena import S, ask, ended, fresh, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]


def download(account, export):
    client = Client()
    client.force_login(account, backend=conf.AUTHENTICATION_BACKENDS[-1])
    return client.get(reverse("export-download", args=[export.pk]))


def test_a_right_that_is_gone_gives_no_file_at_any_stage(environment, tmp_path, injected):
    place = world(2, "慢")
    leader, other, third = (holder(Role.SCHOOL_LEADER, place.school.root) for _ in range(3))
    queued = ask(place, leader, place.branches[0])
    RoleGrant.objects.filter(account=leader).delete()
    during = ask(place, third, place.bad["慢"])
    with working(environment, tmp_path):
        done = ask(place, other, place.branches[1])
        until(lambda: Export.objects.filter(pk=during.pk, state=S.RUNNING).exists(), 60)
        RoleGrant.objects.filter(account=third).delete()
        until(lambda: ended([queued, during, done]), 90)
    queued, done, during = (Export.objects.get(pk=row.pk) for row in (queued, done, during))
    assert (queued.state, queued.error, queued.file_key) == (S.FAILED, jobs.NO_LONGER_ALLOWED, "")
    answer = download(other, done)
    assert answer.status_code == 200
    assert len(b"".join(answer.streaming_content)) == done.file_size
    answer.close()
    RoleGrant.objects.filter(account=other).delete()
    for account, row in ((other, done), (third, during), (leader, queued)):
        assert download(account, row).status_code in (403, 404)
    injected(
        "right revoked in the queue, while drawing, after completion",
        f"failed readably / {during.get_state_display()} and refused / download refused",
    )


def test_a_running_worker_expires_and_sweeps_and_doctor_sees_it_die(environment, tmp_path, injected, monkeypatch):
    place = world(3)
    asked = [ask(place, place.office(), branch) for branch in place.branches]
    with working(environment, tmp_path):
        until(lambda: ended(asked), 60)
    kept, late, gone = fresh(asked)
    past = database_now() - dt.timedelta(hours=25)
    Export.objects.filter(pk=late.pk).update(expires_at=past)
    default_storage.delete(gone.file_key)
    stray = default_storage.save("exports/201203/stray.xlsx", ContentFile(b"half"))
    monkeypatch.setattr(doctor, "HEARTBEAT", dt.timedelta(seconds=15))
    with working(environment, tmp_path) as worker:
        until(lambda: set(Export.objects.filter(state=S.EXPIRED)) == {late, gone}, 30, "expiry and sweep at the start")
        assert doctor.check_worker().state == "ok"
        assert not default_storage.exists(late.file_key)
        assert default_storage.exists(stray), "young: it may belong to a job about to publish"
        assert verdicts.unknown() == []
        worker.process.kill()
        worker.process.wait()
        took = until(lambda: doctor.check_worker().state == "bad", 40, "doctor notices")
        assert "没有心跳" in doctor.check_worker().said
        assert WorkerHeartbeat.objects.exists()
    assert verdicts.unsound([kept]) == []
    assert not upkeep.worker_alive(dt.timedelta(seconds=15))
    injected("TTL over, file gone, stray file; worker killed", f"2 expired, 1 swept; doctor red after {took:.0f} s")


def test_what_kills_leave_in_the_folder_for_temporary_files_is_swept(environment, tmp_path, injected):
    place = world(4)
    kept = tmp_path / "scratch"
    with working(environment, tmp_path, lease=4, faults="slow-merge") as worker:
        export = ask(place, place.office(), place.school.maths)
        until(lambda: bool(list(kept.glob("zhibu-warm-*/zhibu-merge-*"))), 90, "the merge begins")
        struck = set(kept.glob("zhibu-warm-*"))
        worker.kill("worker", random.Random(1))
        until(lambda: ended([export]), 60)
        until(lambda: not struck & set(kept.glob("zhibu-warm-*")), 30, "swept at the next start")
    assert verdicts.everything(fresh([export])) == []
    assert [path.name for path in kept.iterdir() if path.name.startswith(("zhibu", "weasyprint"))] == []
    injected(
        "worker killed in the middle of a merge", f"{len(struck)} folders of temporary files left, swept; 0 in the end"
    )
