"""What people do: ask, cancel, try again, download; expiry and orphans."""

import datetime as dt
import hashlib

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from branches import audit, clock
from branches.models import AuditEntry, Role, RoleGrant
from reporting.models import Export
from reporting.services import jobs, requests, upkeep
from tests.factories.branches import holder, school
from tests.factories.reporting import ExportFactory
from tests.worlds import shared

pytestmark = pytest.mark.django_db
S = Export.State


tree = shared(school)


@pytest.fixture
def office(tree):
    return holder(Role.OFFICE, tree.root)


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    here = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": here}


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    keys = []
    monkeypatch.setattr(requests, "nudge_soon", lambda pk: keys.append(pk) or "")
    return keys


def wish(unit, **given):
    return requests.Wish("annex5", "xlsx", unit, "附件5 党支部分类定级汇总表", "全校，第一轮", {"round": 1} | given)


def published(export: Export, content: bytes = b"PK-content") -> Export:
    held = jobs.claim(export.pk)
    key = default_storage.save("exports/201203/x.xlsx", ContentFile(content))
    jobs.publish(
        held,
        jobs.Outcome(
            key, "附件5 汇总表（全校）.xlsx", len(content), hashlib.sha256(b"PK-content").hexdigest(), "2" * 64
        ),
    )
    export.refresh_from_db()
    return export


def test_a_request_is_queued_and_announced_only_after_commit(tree, office, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        taken = requests.request_export(by=office, wish=wish(tree.root))
    assert sent == []
    [callback() for callback in callbacks]
    assert sent == [taken.export.pk]
    entry = AuditEntry.objects.get(action="export.requested")
    assert (entry.account, entry.summary) == (office, "申请导出：附件5 党支部分类定级汇总表")


def test_equal_requests_collapse_while_queued_running_and_fresh(tree, office):
    first = requests.request_export(by=office, wish=wish(tree.root)).export
    assert requests.request_export(by=office, wish=wish(tree.root)) == requests.Taken(first, new=False)
    published(first)
    again = requests.request_export(by=office, wish=wish(tree.root))
    assert (again.export.pk, again.new) == (first.pk, False)
    assert requests.request_export(by=office, wish=wish(tree.root, each=True)).new
    assert requests.request_export(by=holder(Role.OFFICE, tree.root), wish=wish(tree.root)).new


def test_changed_data_makes_a_new_file(tree, office):
    first = published(requests.request_export(by=office, wish=wish(tree.root)).export)
    audit.record(by=office, action="test.write", thing=tree.software, summary="改了一件事")
    second = requests.request_export(by=office, wish=wish(tree.root))
    assert second.new
    assert second.export.pk != first.pk


def test_an_expired_file_is_made_again(tree, office):
    published(requests.request_export(by=office, wish=wish(tree.root)).export)
    with time_machine.travel(clock.now() + dt.timedelta(hours=25)):
        assert requests.request_export(by=office, wish=wish(tree.root)).new


def test_five_may_wait_and_the_sixth_is_told_what_to_do(tree, office):
    for number in range(5):
        requests.request_export(by=office, wish=wish(tree.root, round=number))
    with pytest.raises(requests.ExportRefusedError, match="您已有 5 个报表在排队"):
        requests.request_export(by=office, wish=wish(tree.root, round=6))


def test_nobody_asks_beyond_the_own_reach(tree):
    secretary = holder(Role.SECRETARY, tree.software)
    with pytest.raises(PermissionDenied):
        requests.request_export(by=secretary, wish=wish(tree.maths))
    assert not Export.objects.exists()


def test_cancel_ends_a_queued_export_at_once_and_asks_a_running_one(tree, office):
    waiting = ExportFactory(owner=office, unit=tree.root)
    assert requests.cancel(by=office, export=waiting).state == S.CANCELLED
    running = ExportFactory(owner=office, unit=tree.root)
    jobs.claim(running.pk)
    row = requests.cancel(by=office, export=running)
    assert (row.state, row.cancel_requested) == (S.RUNNING, True)
    done = ExportFactory(owner=office, unit=tree.root, state=S.DONE)
    with pytest.raises(requests.ExportRefusedError, match="已完成，不能取消"):
        requests.cancel(by=office, export=done)


def test_a_failed_export_is_tried_again_from_the_first_attempt(tree, office):
    failed = ExportFactory(owner=office, unit=tree.root, state=S.FAILED, attempt=3, error="内存不足")
    row = requests.retry(by=office, export=failed)
    assert (row.state, row.attempt, row.error) == (S.QUEUED, 0, "")
    with pytest.raises(requests.ExportRefusedError, match="不需要重试"):
        requests.retry(by=office, export=row)


def test_trying_again_does_not_get_round_the_quota(tree, office):
    leader = holder(Role.SCHOOL_LEADER, tree.root)
    for number in range(5):
        requests.request_export(by=leader, wish=wish(tree.root, round=number))
    failed = ExportFactory(owner=leader, unit=tree.root, state=S.FAILED, attempt=3, error="内存不足")
    with pytest.raises(requests.ExportRefusedError, match="您已有 5 个报表在排队"):
        requests.retry(by=leader, export=failed)
    assert requests.retry(by=office, export=failed).state == S.QUEUED


def test_the_office_stops_somebodys_export_with_a_reason(tree, office):
    leader = holder(Role.SCHOOL_LEADER, tree.root)
    row = ExportFactory(owner=leader, unit=tree.root)
    held = jobs.claim(row.pk)
    assert requests.stop(by=office, export=row, reason="系统维护") == S.FAILED
    row.refresh_from_db()
    assert row.error == "由活动办公室停止：系统维护"
    assert not jobs.publish(held, jobs.Outcome("k", "n", 1, "1" * 64, "2" * 64))


def test_a_download_is_recorded_and_whole(tree, office):
    export = published(requests.request_export(by=office, wish=wish(tree.root)).export)
    with requests.open_file(by=office, export=export) as file:
        assert file.read() == b"PK-content"
    entry = AuditEntry.objects.get(action="export.downloaded")
    assert (entry.account, entry.thing_id) == (office, str(export.pk))


def test_a_right_revoked_between_queue_and_download_refuses_the_file(tree):
    leader = holder(Role.SCHOOL_LEADER, tree.root)
    export = published(requests.request_export(by=leader, wish=wish(tree.root)).export)
    fresh = type(leader).objects.get(pk=leader.pk)
    requests.open_file(by=fresh, export=export).close()
    RoleGrant.objects.filter(account=leader).delete()
    with pytest.raises(PermissionDenied):
        requests.open_file(by=type(leader).objects.get(pk=leader.pk), export=export)


def test_a_file_cut_short_on_disk_is_never_offered(tree, office):
    export = published(requests.request_export(by=office, wish=wish(tree.root)).export)
    with default_storage.open(export.file_key, "wb") as file:
        file.write(b"PK")
    with pytest.raises(requests.ExportRefusedError, match="文件已不完整"):
        requests.open_file(by=office, export=export)


def test_after_its_time_row_and_file_are_gone(tree, office):
    export = published(requests.request_export(by=office, wish=wish(tree.root)).export)
    key = export.file_key
    assert upkeep.expire() == 0
    with time_machine.travel(clock.now() + dt.timedelta(hours=24, minutes=1)):
        with pytest.raises(requests.ExportRefusedError, match="已过期"):
            requests.open_file(by=office, export=export)
        assert upkeep.expire() == 1
    export.refresh_from_db()
    assert (export.state, export.file_key) == (S.EXPIRED, "")
    assert not default_storage.exists(key)


def test_orphans_are_swept_both_ways(tree, office, monkeypatch):
    kept = published(requests.request_export(by=office, wish=wish(tree.root)).export)
    lost = published(requests.request_export(by=office, wish=wish(tree.root, each=True)).export)
    default_storage.delete(lost.file_key)
    stray = default_storage.save("exports/201203/stray.xlsx", ContentFile(b"half"))
    assert upkeep.sweep() == (0, 1), "a young file may belong to a job that is about to publish"
    monkeypatch.setattr(upkeep, "STRAY_AFTER", -dt.timedelta(minutes=1))
    assert upkeep.sweep() == (1, 0)
    assert not default_storage.exists(stray)
    assert default_storage.exists(kept.file_key)
    lost.refresh_from_db()
    assert lost.state == S.EXPIRED
