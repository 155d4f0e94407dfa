"""Who may open a record, for how long, and that every opening and every failure is on record."""

import datetime as dt

import pytest

from branches import clock
from branches.models import AuditDetail, RoleGrant
from interviews.models import Interview, Reader, Reading, SealedRecord, SealedText
from interviews.services import attested, erasure, interviews, readers, sealed, vaults
from interviews.services.errors import NotReadableError, RefusedError, UnopenableError
from tests.interviews import talks
from tests.interviews.talks import in_days, recorded
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(talks.world)


def grant(world, row, account, *, by=None, days=7.0, reason="心理中心会商"):
    return readers.grant_reader(
        by=by or world.interviewer, record=row.record, account=account, reason=reason, until=in_days(days),
        now=clock.now(),
    )  # fmt: skip


def read(row, account, *, at=None):
    return interviews.read_interview(by=account, interview=row, now=at or clock.now()).text


def log(row):
    return [(one.by, one.outcome) for one in Reading.objects.filter(record=row.record).order_by("pk")]


def test_rank_opens_nothing_and_every_attempt_is_on_record(world):
    row = recorded(world)
    others = [world.colleague, world.officer, world.office, world.administrator, world.auditor]
    for account in others:
        with pytest.raises(NotReadableError):
            read(row, account)
    assert read(row, world.interviewer) == "最近睡不好，想换宿舍。"
    assert log(row) == [*((account, "refused") for account in others), (world.interviewer, "opened")]


def test_a_named_reader_reads_until_the_end_and_not_after(world):
    row = recorded(world)
    reader = grant(world, row, world.colleague)
    assert read(row, world.colleague) == "最近睡不好，想换宿舍。"
    assert Reading.objects.get(record=row.record).reader == reader
    assert read(row, world.colleague, at=reader.until - dt.timedelta(microseconds=1)) == "最近睡不好，想换宿舍。"
    with pytest.raises(NotReadableError):
        read(row, world.colleague, at=reader.until)


def test_access_taken_back_ends_at_once(world):
    row = recorded(world)
    reader = grant(world, row, world.colleague)
    with pytest.raises(NotReadableError):
        readers.revoke_reader(by=world.auditor, reader=reader, now=clock.now())
    readers.revoke_reader(by=world.interviewer, reader=reader, now=clock.now())
    with pytest.raises(NotReadableError):
        read(row, world.colleague)
    again = grant(world, row, world.colleague)
    readers.revoke_reader(by=world.colleague, reader=again, now=clock.now())  # one's own may be given up
    assert Reader.objects.in_force(clock.now()).count() == 0


def test_who_lost_the_role_reads_no_more_named_or_not(world):
    row = recorded(world)
    grant(world, row, world.colleague)
    RoleGrant.objects.filter(account__in=[world.colleague, world.interviewer]).delete()
    for account in (world.colleague, world.interviewer):
        with pytest.raises(NotReadableError):
            read(type(row).objects.get(pk=row.pk), type(account).objects.get(pk=account.pk))


@pytest.mark.parametrize("who", ["office", "administrator", "auditor"])
def test_office_administrator_and_auditor_cannot_even_be_named(world, who):
    with pytest.raises(RefusedError) as refused:
        grant(world, recorded(world), getattr(world, who))
    assert set(refused.value.fields) == {"account"}


def test_only_the_owner_names_readers_or_who_manages_once_the_owner_left(world):
    row = recorded(world)
    for account in (world.colleague, world.officer, world.office):
        with pytest.raises(NotReadableError):
            grant(world, row, world.colleague, by=account)
    world.interviewer.is_active = False
    world.interviewer.save()
    with pytest.raises(NotReadableError):
        grant(world, row, world.officer, by=world.colleague)
    with pytest.raises(RefusedError, match="不能把阅读权限授予自己"):
        grant(world, row, world.officer, by=world.officer)
    assert grant(world, row, world.colleague, by=world.officer).granted_by == world.officer


@pytest.mark.parametrize(
    ("change", "field"), [({"reason": " "}, "reason"), ({"days": -1}, "until"), ({"days": 91}, "until")]
)
def test_a_reader_needs_a_reason_and_an_end_that_is_near(world, change, field):
    with pytest.raises(RefusedError) as refused:
        grant(world, recorded(world), world.colleague, **change)
    assert set(refused.value.fields) == {field}


def test_nobody_is_named_twice_but_again_after_the_end(world):
    row = recorded(world)
    first = grant(world, row, world.colleague)
    with pytest.raises(RefusedError, match="已经是读者"):
        grant(world, row, world.colleague)
    Reader.objects.filter(pk=first.pk).update(granted_at=in_days(-3), until=in_days(-1))
    grant(world, row, world.colleague)
    assert Reader.objects.filter(record=row.record, revoked_at__isnull=True).count() == 1


def test_visible_are_ones_own_talks_and_those_one_may_read_now(world):
    row = recorded(world)
    seen = lambda account: list(Interview.objects.visible_to(account, clock.now()))
    assert (seen(world.interviewer), seen(world.colleague), seen(world.office)) == ([row], [], [])
    grant(world, row, world.colleague)
    assert seen(world.colleague) == [row]
    assert list(Interview.objects.visible_to(world.colleague, in_days(8))) == []


def test_a_failed_opening_is_on_record(world):
    row = recorded(world)
    SealedText.objects.filter(version__record=row.record, field="text").update(sealed=b"\x00" * 296)
    with pytest.raises(UnopenableError, match="已被改动"):
        read(row, world.interviewer)
    other = recorded(world)
    vaults.vault().destroy([other.record_id.hex])
    with pytest.raises(UnopenableError, match="没有这条记录的密钥"):
        read(other, world.interviewer)
    assert (log(row), log(other)) == ([(world.interviewer, "failed")], [(world.interviewer, "failed")])


def test_erasing_destroys_the_key_and_is_told(world):
    row = recorded(world)
    copy = {one.pk: bytes(one.sealed) for one in SealedText.objects.filter(version__record=row.record)}
    for account in (world.colleague, world.auditor):
        with pytest.raises(NotReadableError):
            erasure.erase(by=account, record=row.record, cause="request", now=clock.now())
    proof = erasure.erase(by=world.office, record=row.record, cause="request", now=clock.now())
    assert proof
    assert proof.record == row.record_id.hex
    with pytest.raises(RefusedError):
        erasure.erase(by=world.office, record=row.record, cause="request", now=clock.now())
    with pytest.raises(UnopenableError, match="已按规定清除"):
        read(row, world.interviewer)
    for pk, sealed_text in copy.items():  # whoever kept the ciphertext has nothing either
        SealedText.objects.filter(pk=pk).update(sealed=sealed_text)
    SealedRecord.objects.filter(pk=row.record_id).update(erased_at=None, erasure="")
    with pytest.raises(UnopenableError, match="密钥已销毁"):
        read(row, world.interviewer)
    assert log(row) == [(world.interviewer, "erased")] * 2


def test_an_amendment_after_erasing_is_refused(world):
    row = recorded(world)
    erasure.erase(by=world.interviewer, record=row.record, cause="mistake", now=clock.now())
    with pytest.raises(RefusedError, match="不能再改"):
        sealed.add_version(by=world.interviewer, record=row.record, texts={"text": "新"}, now=clock.now())


def test_a_matter_is_answered_by_whoever_it_was_handed_to(world):
    now = clock.now()
    matter = sealed.create_record(
        by=world.interviewer, kind="matter", campaign=world.campaign, unit=world.school.software,
        texts={"text": "宿舍噪声"}, retain_until=sealed.retain_until(world.campaign, clock.today()), now=now,
    )  # fmt: skip
    with pytest.raises(NotReadableError):
        sealed.add_version(by=world.office, record=matter, texts={"result": "已办"}, now=now)
    readers.grant_reader(
        by=world.interviewer, record=matter, account=world.office, reason="承办", until=in_days(30), now=now
    )
    fresh = sealed.add_version(by=world.office, record=matter, texts={"result": "已办"}, now=now)
    opened = sealed.open_record(by=world.interviewer, record=fresh, now=now)
    assert opened.texts == {"text": "宿舍噪声", "result": "已办"}


# --- Rows changed past the product -----------------------------------------------------------------------------------


def _refused(row, account, *, at=None):
    with pytest.raises(UnopenableError, match="查看权和操作记录对不上"):
        read(row, account, at=at)


def test_an_end_moved_in_the_database_opens_nothing(world):
    row = recorded(world)
    reader = grant(world, row, world.colleague)
    assert read(row, world.colleague) == "最近睡不好，想换宿舍。"  # control: as it was given, it opens
    Reader.objects.filter(pk=reader.pk).update(until=in_days(400))
    _refused(row, world.colleague, at=in_days(30))
    assert attested.forged(clock.now()) == 1
    Reader.objects.filter(pk=reader.pk).update(until=reader.until, account=world.officer)
    _refused(row, world.officer)
    assert log(row) == [(world.colleague, "opened"), (world.colleague, "refused"), (world.officer, "refused")]


def test_a_reader_put_into_the_database_opens_nothing(world):
    row = recorded(world)
    Reader.objects.create(
        record=row.record, account=world.colleague, reason="自己加的", granted_by=world.interviewer,
        granted_at=in_days(-1), until=in_days(7),
    )  # fmt: skip
    _refused(row, world.colleague)


def test_an_owner_changed_in_the_database_opens_nothing_and_writes_nothing(world):
    row = recorded(world)
    assert attested.forged(clock.now()) == 0
    SealedRecord.objects.filter(pk=row.record_id).update(owner=world.colleague)
    _refused(row, world.colleague)
    taken = SealedRecord.objects.get(pk=row.record_id)
    with pytest.raises(UnopenableError):
        sealed.add_version(by=world.colleague, record=taken, texts={"text": "改了"}, now=clock.now())
    assert attested.forged(clock.now()) == 1


def test_details_changed_along_with_the_reader_open_nothing(world):
    row = recorded(world)
    reader = grant(world, row, world.colleague)
    until = in_days(400)
    Reader.objects.filter(pk=reader.pk).update(until=until)
    after = {"reader": world.colleague.pk, "until": until.isoformat()}
    AuditDetail.objects.filter(entry__action="sealed.grant").update(after=after)
    _refused(row, world.colleague)
