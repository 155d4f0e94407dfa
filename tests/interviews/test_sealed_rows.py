"""Ciphertexts moved between rows, keys that rotate, dates that come, backups that are restored."""

import datetime as dt

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from branches import clock
from interviews.models import Interview, SealedRecord, SealedText
from interviews.services import erasure, interviews, keys, vaults
from interviews.services.errors import UnopenableError
from interviews.vault import copies, sealing
from reporting import backup, doctor
from tests.interviews import talks
from tests.interviews.talks import recorded, talk
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(talks.world)


@pytest.fixture(autouse=True)
def apart(tmp_path, settings):
    """Keys of this test lie in directories of its own."""
    for name in ("KEY", "VAULT", "JOURNAL", "VAULT_BACKUP"):
        setattr(settings, f"INTERVIEW_{name}_DIR", tmp_path / name.lower())


def read(row, **given):
    return interviews.read_interview(by=row.interviewer, interview=row, now=clock.now(), **given).text


def text_of(row, field="text", version=1):
    return SealedText.objects.get(version__record=row.record, version__number=version, field=field)


def swap(one, other):
    """Exchange two ciphertexts, as somebody may who can write to the database."""
    one.sealed, other.sealed = other.sealed, one.sealed
    one.save()
    other.save()


# --- Moving ciphertexts ---------------------------------------------------------------------------------------------


def test_ciphertexts_swapped_between_records_fields_or_versions_are_refused(world):
    row, second = recorded(world), recorded(world)
    row = interviews.amend(by=row.interviewer, interview=row, version=1, talk=talk(world, text="改"), now=clock.now())
    pairs = [
        (text_of(row), text_of(second)), (text_of(row, "text"), text_of(row, "problems")),
        (text_of(row, version=1), text_of(row, version=2)),
    ]  # fmt: skip
    for one, other in pairs:
        swap(one, other)
        refused = 0
        for talk_row, version in ((row, 1), (row, 2), (second, 1)):
            try:
                read(talk_row, version=version)
            except UnopenableError:
                refused += 1
        assert refused == (1 if one.version_id == other.version_id else 2)
        swap(one, other)
    assert (read(row, version=1), read(row), read(second)) == ("最近睡不好，想换宿舍。", "改", "最近睡不好，想换宿舍。")


def test_without_the_binding_a_swap_would_pass_unnoticed(world, monkeypatch):
    monkeypatch.setattr(sealing.Place, "data", lambda _place: b"")
    row = recorded(world)
    swap(text_of(row, "text"), text_of(row, "problems"))
    opened = interviews.read_interview(by=row.interviewer, interview=row, now=clock.now())
    assert opened.problems == "最近睡不好，想换宿舍。"


def test_a_whole_record_moved_to_another_campaign_or_kind_is_refused(world):
    row = recorded(world)
    other = talks.branches.CampaignFactory(root=world.school.root, name="另一活动")
    SealedRecord.objects.filter(pk=row.record_id).update(campaign=other)
    with pytest.raises(UnopenableError):
        read(Interview.objects.get(pk=row.pk))
    SealedRecord.objects.filter(pk=row.record_id).update(campaign=world.campaign)
    read(Interview.objects.get(pk=row.pk))


def test_a_missing_ciphertext_is_not_an_empty_text(world):
    row = recorded(world)
    text_of(row, "problems").delete()
    with pytest.raises(UnopenableError):
        read(row)


# --- Rotation and backups -------------------------------------------------------------------------------------------


def test_rotation_leaves_texts_readable_and_no_backup_of_the_old_key(world, capsys):
    row = recorded(world)
    keys.back_up(now=clock.now())
    call_command("interview_keys", "rotate")
    assert "重新包裹 1 条记录的密钥，销毁旧主密钥 1 把" in capsys.readouterr().out
    assert read(row) == "最近睡不好，想换宿舍。"
    assert len(copies.all_of(settings.INTERVIEW_VAULT_BACKUP_DIR)) == 1
    vaults.vault().destroy([row.record_id.hex])
    (path,) = copies.all_of(settings.INTERVIEW_VAULT_BACKUP_DIR)
    call_command("interview_keys", "restore", str(path))
    assert read(row) == "最近睡不好，想换宿舍。"


def restore_rows(kept):
    """Put rows back as an old backup has them."""
    for row in kept:
        row.save()


def test_restoring_old_rows_and_old_keys_brings_no_erased_text_back(world, capsys):
    row, other = recorded(world), recorded(world)
    rows = [SealedRecord.objects.get(pk=row.record_id), *SealedText.objects.filter(version__record=row.record)]
    old_keys = keys.back_up(now=clock.now()).path
    erasure.erase(by=world.office, record=row.record, cause="request", now=clock.now())
    restore_rows(rows)
    done = keys.restore(path=old_keys, now=clock.now())
    assert (done.keys, done.replayed) == (0, erasure.Replayed(keys=0, records=1))
    with pytest.raises(UnopenableError):
        read(row)
    assert SealedRecord.objects.get(pk=row.record_id).erasure == "request"
    assert bytes(text_of(row).sealed) == b""
    assert read(other) == "最近睡不好，想换宿舍。"

    call_command("interview_keys", "restore", str(old_keys))
    assert "删除登记是空的" not in capsys.readouterr().out
    vaults.vault().journal.path.unlink()  # the control: without the journal the old backups would open again
    restore_rows(rows)
    call_command("interview_keys", "restore", str(old_keys))
    assert "恢复了 1 条记录的密钥" in (said := capsys.readouterr().out)
    assert "注意：删除登记是空的" in said
    assert read(row) == "最近睡不好，想换宿舍。"


def test_an_erasure_killed_after_the_journal_is_finished_later(world, monkeypatch):
    row = recorded(world)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(vaults.Vault, "destroy", killed)
        with pytest.raises(KeyboardInterrupt):
            erasure.erase(by=world.office, record=row.record, cause="request", now=clock.now())
    with pytest.raises(UnopenableError, match="已按规定清除"):
        read(row)
    assert doctor.check_interview_keys().said == "1 条记录登记为已清除，数据库里还在"
    assert erasure.replay(now=clock.now()) == erasure.Replayed(keys=1, records=1)
    assert erasure.replay(now=clock.now()) == erasure.Replayed(keys=0, records=0)
    assert SealedRecord.objects.get(pk=row.record_id).erasure == "request"


# --- Retention ------------------------------------------------------------------------------------------------------


def test_retention_is_carried_out_with_proof(world, tmp_path, capsys):
    row, kept = recorded(world), recorded(world)
    SealedRecord.objects.filter(pk=row.record_id).update(retain_until=clock.today())
    assert doctor.check_interview_keys().said == "1 条记录保存期满，还没有清除"
    call_command("interview_retention", "--dry-run")
    assert "有 1 条记录保存期满" in capsys.readouterr().out
    call_command("interview_retention", "--proof", str(tmp_path / "proof.txt"))
    proof = (tmp_path / "proof.txt").read_text(encoding="utf-8")
    assert proof == capsys.readouterr().out
    (entry,) = vaults.vault().journal.entries()
    assert proof.splitlines() == [
        f"{row.record_id.hex} 密钥已销毁 密文已清空 登记：{entry.line()}",
        f"{clock.today():%Y-%m-%d}：清除 1 条，还剩期满未清除 0 条。",
    ]
    with pytest.raises(UnopenableError):
        read(row)
    assert read(kept) == "最近睡不好，想换宿舍。"
    assert Interview.objects.counting().count() == 2  # that it took place is still counted


def test_retention_that_does_not_work_says_so(world, monkeypatch):
    row = recorded(world)
    SealedRecord.objects.filter(pk=row.record_id).update(retain_until=clock.today())
    monkeypatch.setattr(vaults.Vault, "destroy", lambda *_: 0)
    with pytest.raises(CommandError, match="没有清除干净"):
        call_command("interview_retention")


@pytest.mark.parametrize(
    ("day", "months", "until"),
    [
        (dt.date(2012, 3, 15), 24, dt.date(2014, 3, 15)), (dt.date(2012, 12, 31), 2, dt.date(2013, 2, 28)),
        (dt.date(2011, 11, 30), 3, dt.date(2012, 2, 29)), (dt.date(2012, 1, 31), 11, dt.date(2012, 12, 31)),
    ],
)  # fmt: skip
def test_texts_are_kept_to_the_day(day, months, until):
    assert interviews.retain_until(day, months) == until


# --- Doctor ---------------------------------------------------------------------------------------------------------


def told():
    finding = doctor.check_interview_keys()
    assert bool(finding.remedy) == (finding.state != "ok")
    return finding.state, finding.said


def test_doctor_is_content_before_and_after_the_first_record(world):
    assert told() == ("ok", "0 条密存记录，密钥齐全")
    recorded(world)
    assert told() == ("warn", "近期没有备份记录密钥")
    keys.back_up(now=clock.now())
    assert told() == ("ok", "1 条密存记录，密钥齐全")


def test_doctor_sees_keys_that_are_lost_open_or_in_the_wrong_place(world, monkeypatch):
    row = recorded(world)
    keys.back_up(now=clock.now())
    vault = vaults.vault()
    settings.INTERVIEW_KEY_DIR.chmod(0o755)
    assert told() == ("bad", "其他用户可以读取：key")
    settings.INTERVIEW_KEY_DIR.chmod(0o700)
    monkeypatch.setattr(backup, "files_root", lambda: settings.INTERVIEW_VAULT_DIR.parent)
    assert told() == ("bad", "密钥、删除登记和备份放在了一起")
    monkeypatch.undo()
    vault.keks.create()
    assert told() == ("warn", "更换主密钥没有做完")
    for name in vault.keks.ids():
        vault.keks.destroy(name)
    vault.keks.create()
    assert told() == ("bad", "服务器上没有这条记录所用的访谈主密钥。")
    vault.destroy([row.record_id.hex])
    assert told() == ("bad", "1 条记录没有密钥，内容打不开")


def test_doctor_sees_a_lost_journal_and_old_keys(world):
    row = recorded(world)
    erasure.erase(by=world.office, record=row.record, cause="request", now=clock.now())
    keys.back_up(now=clock.now())
    settings.INTERVIEW_KEY_DAYS = -1
    assert told() == ("warn", "主密钥已用 0 天")
    vaults.vault().journal.path.unlink()
    assert told() == ("bad", "1 条已清除的记录不在删除登记里")
