"""A backup restores to the same rows and files, and any changed byte is noticed. SQLite and PostgreSQL."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from reporting import backup, backup_databases
from tests.conftest import ROOT
from tests.factories.branches import BranchFactory, school

pytestmark = [pytest.mark.db, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Two stored files, one with a Chinese name, and nothing else."""
    root = tmp_path / "stored"
    monkeypatch.setattr(backup, "files_root", lambda: root)
    files = {root / "evidence" / "a.pdf": b"%PDF-1.7 a", root / "evidence" / "会议记录.txt": "记录".encode()}
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


@pytest.fixture
def elsewhere(tmp_path):
    """Environment of an empty installation on the same kind of database; dropped afterwards."""
    environment = {**os.environ, "ZHIBU_VAR": str(tmp_path / "new"), "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment.pop("ZHIBU_TEST", None)
    if connection.vendor == "sqlite":
        yield environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}"}
        return
    facts, name = connection.settings_dict, f"restored_{uuid.uuid4().hex}"
    server = f"postgres://{facts['USER']}@{facts['HOST']}:{facts['PORT']}"
    _execute(f"{server}/postgres", f"CREATE DATABASE {name}")
    yield environment | {"DATABASE_URL": f"{server}/{name}"}
    _execute(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url, statement):
    server = psycopg2.connect(url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(statement)
    server.close()


def run(environment, *arguments):
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_restored_installation_holds_the_same_rows_and_files(tmp_path, stored, elsewhere):
    school()
    made = backup.backup(tmp_path)
    held = backup.verify(made.path)
    rows = backup_databases.count_rows()
    assert (held.files, held.rows, rows["branches_branch"]) == (2, sum(rows.values()), 8)

    restored = run(elsewhere, "restore", str(made.path))
    assert restored.stderr == ""
    assert f"{held.rows} 行数据，2 个文件" in restored.stdout
    root = Path(elsewhere["ZHIBU_VAR"]) / "files"
    assert {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()} == {
        path.name: content for path, content in stored.items()
    }
    counted = "from branches.models import Placement as P; print(P.objects.get(branch__code='SJ001').name)"
    assert run(elsewhere, "shell", "-v", "0", "-c", counted).stdout.strip() == "软件工程教研室党支部"


def test_restore_refuses_an_installation_in_use(tmp_path, elsewhere):
    run(elsewhere, "migrate", "-v", "0")
    opened = "from branches.services.accounts import open_account as o; o(by=None, username='office')"
    assert run(elsewhere, "shell", "-v", "0", "-c", opened).stderr == ""
    refused = run(elsewhere, "restore", str(backup.backup(tmp_path).path))
    assert refused.returncode == 1
    assert "已有账号，不能覆盖" in refused.stderr


def test_every_changed_byte_is_noticed(tmp_path, stored):
    BranchFactory()
    path = backup.backup(tmp_path).path
    content = path.read_bytes()
    step = max(1, len(content) // 100)
    for position in [*range(0, len(content), step), len(content) - 1]:
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        with pytest.raises(backup.BackupError, match="校验值不符"):
            backup.verify(path)
    path.write_bytes(content[:-1000])
    with pytest.raises(backup.BackupError, match="校验值不符"):
        backup.verify(path)
    path.write_bytes(content)
    assert backup.verify(path).files == 2


def test_a_part_that_differs_from_the_manifest_is_named(tmp_path, stored, monkeypatch):
    """Negative control of the seal: with it resealed, the manifest still catches a swapped file."""
    monkeypatch.setattr(backup, "digest_of", lambda *_: "0" * 64)
    path = backup.backup(tmp_path).path
    monkeypatch.undo()
    with path.open("r+b") as stream:
        length = path.stat().st_size - backup.DIGEST_LENGTH
        sha256 = backup.digest_of(stream, length)
        stream.seek(length)
        stream.write(sha256.encode())
    with pytest.raises(backup.BackupError, match=r"内容与清单不符：.*a\.pdf"):
        backup.verify(path)


def test_something_else_is_no_backup(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(backup.BackupError, match="文件太短"):
        backup.verify(tmp_path / "x.zip")
    with pytest.raises(backup.BackupError, match="找不到"):
        backup.verify(tmp_path / "y.zip")


def test_a_full_disk_is_noticed_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 0})())
    with pytest.raises(backup.BackupError, match="磁盘空间不足"):
        backup.backup(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_where_the_backup_is(tmp_path, capsys):
    call_command("backup", to=tmp_path)
    (made,) = tmp_path.glob("zhibu-*+0800.zip")  # named in local time, as the backup of keys beside it
    assert str(made) in capsys.readouterr().out
    assert made.stat().st_mode & 0o777 == 0o600
    call_command("verify_backup", made)
    assert "备份完好" in capsys.readouterr().out


def test_the_secret_key_is_not_in_it(tmp_path):
    made = backup.backup(tmp_path)
    assert settings.SECRET_KEY.encode() not in made.path.read_bytes()
