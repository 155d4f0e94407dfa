"""A lost disk: database and wrapped keys come back from old backups, master key and journal from their copies."""

import pytest
from django.core.management import call_command

from branches import clock
from interviews.services import erasure
from tests.interviews import talks
from tests.interviews.talks import recorded
from tests.reporting.test_backup import elsewhere, run  # noqa: F401 - elsewhere is a fixture

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
READ = """
from branches import clock
from interviews.models import Interview
from interviews.services import interviews
from interviews.services.errors import UnopenableError
for row in Interview.objects.order_by("pk"):
    try:
        print(interviews.read_interview(by=row.interviewer, interview=row, now=clock.now()).text)
    except UnopenableError as fault:
        print(fault)
"""


@pytest.mark.parametrize("journal", [True, False])
def test_what_was_erased_after_the_backup_stays_erased(tmp_path, settings, elsewhere, injected, journal):  # noqa: F811
    for name in ("KEY", "VAULT", "JOURNAL", "VAULT_BACKUP"):
        setattr(settings, f"INTERVIEW_{name}_DIR", tmp_path / name.lower())
    world = talks.world()
    row, _ = recorded(world, text="删掉的话"), recorded(world, text="留着的话")
    call_command("backup", "--to", str(tmp_path / "backups"), verbosity=0)
    erasure.erase(by=world.office, record=row.record, cause="request", now=clock.now())
    (archive,) = (tmp_path / "backups").glob("*.zip")
    (keys,) = (tmp_path / "vault_backup").glob("*.keys")
    kept = tmp_path / ("journal" if journal else "no-journal")
    there = elsewhere | {"INTERVIEW_KEY_DIR": str(tmp_path / "key"), "INTERVIEW_JOURNAL_DIR": str(kept)}

    restored = run(there, "restore", str(archive))
    assert restored.stderr == ""
    assert f"清除 {int(journal)} 条记录的密文" in restored.stdout
    put_back = run(there, "interview_keys", "restore", str(keys))
    assert f"恢复了 {2 - journal} 条记录的密钥" in put_back.stdout
    lines = run(there, "shell", "-v", "0", "-c", READ).stdout.splitlines()
    assert lines == ["正文已按规定清除，密钥已销毁，不能恢复。" if journal else "删掉的话", "留着的话"]
    said = "stays erased" if journal else "opens again (the control)"
    injected(f"backups of before an erasure restored {'with' if journal else 'without'} the journal", said)
