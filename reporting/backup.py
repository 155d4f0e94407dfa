"""Backup, verification and restore of a whole installation: the database and every stored file, in one archive.

The archive is a ZIP file: `manifest.json`, the database, `files/…`. The manifest holds size and SHA-256 of each part;
the last 64 bytes of the archive are the SHA-256 of everything before them, so that no byte can change unseen. The
secret key is not in it (docs/operations.md).
"""

import datetime as dt
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection

from branches import clock
from rectification.services import mailing
from reporting import backup_databases as databases
from reporting.backup_databases import BackupError

FORMAT = 1
CHUNK = 1024 * 1024
DIGEST_LENGTH = 64
COMMENT = b"zhibu sha256 " + b"0" * DIGEST_LENGTH
MANIFEST = "manifest.json"
FILES = "files/"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds, for the person at the terminal."""

    path: Path
    made_at: str
    rows: int
    files: int
    size: int


def files_root() -> Path:
    """Return the directory of stored files."""
    storages: dict[str, Any] = settings.STORAGES
    return Path(storages["default"]["OPTIONS"]["location"])


def digest_of(stream: IO[bytes], length: int | None = None) -> str:
    """Return the SHA-256 of a stream, or of its first `length` bytes."""
    digest, left = hashlib.sha256(), length
    while chunk := stream.read(CHUNK if left is None else min(CHUNK, left)):
        digest.update(chunk)
        if left is not None:
            left -= len(chunk)
    return digest.hexdigest()


def _stored_files() -> list[Path]:
    root = files_root()
    return sorted(path for path in root.rglob("*") if path.is_file()) if root.is_dir() else []


def _check_space(directory: Path, wanted: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < wanted:
        raise BackupError(f"磁盘空间不足：{directory} 需要约 {wanted // 2**20 + 1} MB，现有 {free // 2**20} MB。")


def _part(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        sha256 = digest_of(stream)
    archive.write(path, name)
    return {"name": name, "size": path.stat().st_size, "sha256": sha256}


def _seal(path: Path) -> None:
    """Replace the zeros at the end by the digest of all before them."""
    length = path.stat().st_size - DIGEST_LENGTH
    with path.open("r+b") as stream:
        sha256 = digest_of(stream, length)
        stream.seek(length)
        stream.write(sha256.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _write(path: Path, dump: databases.Dump, files: list[Path]) -> dict[str, Any]:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        parts = [_part(archive, dump.path.name, dump.path)]
        parts += [_part(archive, FILES + file.relative_to(files_root()).as_posix(), file) for file in files]
        manifest = {
            "format": FORMAT,
            "made_at": clock.now().isoformat(timespec="seconds"),
            "engine": dump.engine,
            "database": dump.path.name,
            "migrations": dump.migrations,
            "rows": dump.rows,
            "parts": parts,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        archive.comment = COMMENT
    _seal(path)
    return manifest


def _summary(path: Path, manifest: dict[str, Any]) -> Summary:
    files = len(manifest["parts"]) - 1
    return Summary(path, manifest["made_at"], sum(manifest["rows"].values()), files, path.stat().st_size)


def backup(directory: Path | None = None) -> Summary:
    """Write a backup into `directory` (default: backups/ beside the data); raises BackupError."""
    directory = directory or Path(settings.VAR_DIR) / "backups"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_space(directory, databases.size() * 2 + sum(path.stat().st_size for path in _stored_files()))
    path = directory / f"zhibu-{clock.now():%Y%m%d-%H%M%S-%f%z}.zip"
    with tempfile.TemporaryDirectory(dir=directory, prefix=".part-") as scratch:
        dump = databases.dump(Path(scratch))
        unfinished = Path(scratch) / path.name
        # Files come after the database: whatever a row names exists by then.
        manifest = _write(unfinished, dump, _stored_files())
        unfinished.chmod(0o600)
        unfinished.replace(path)
    return _summary(path, manifest)


def _check_seal(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as stream:
        if size <= DIGEST_LENGTH:
            raise BackupError("文件太短，不是备份文件。")
        sha256 = digest_of(stream, size - DIGEST_LENGTH)
        stream.seek(size - DIGEST_LENGTH)
        if stream.read() != sha256.encode():
            raise BackupError("备份文件已损坏或不完整：校验值不符。请换一份备份。")


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        manifest = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError) as error:
        raise BackupError("不是本系统的备份文件：没有清单。") from error
    if manifest.get("format") != FORMAT:
        raise BackupError(f"备份格式 {manifest.get('format')} 不认识，请用做备份时的版本恢复。")
    return manifest


def _check_parts(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> Iterator[str]:
    listed = {part["name"]: part for part in manifest["parts"]}
    present = set(archive.namelist()) - {MANIFEST}
    yield from (f"缺少：{name}" for name in sorted(set(listed) - present))
    yield from (f"清单上没有：{name}" for name in sorted(present - set(listed)))
    for name in sorted(present & set(listed)):
        with archive.open(name) as stream:
            if digest_of(stream) != listed[name]["sha256"]:
                yield f"内容与清单不符：{name}"


def _safe(name: str) -> str:
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts:
        raise BackupError(f"备份里有不安全的文件名：{name}")
    return name


def _extract(archive: zipfile.ZipFile, name: str, to: Path) -> Path:
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open(_safe(name)) as source, to.open("wb") as sink:
        shutil.copyfileobj(source, sink, CHUNK)
    to.chmod(0o600)
    return to


def verify(path: Path) -> Summary:
    """Read every byte of a backup, compare it with its manifest and open the database. Raises BackupError."""
    if not path.is_file():
        raise BackupError(f"找不到备份文件：{path}")
    _check_seal(path)
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="zhibu-verify-") as scratch:
            manifest = _read_manifest(archive)
            if faults := list(_check_parts(archive, manifest)):
                raise BackupError("；".join(faults[:10]))
            copy = _extract(archive, manifest["database"], Path(scratch) / manifest["database"])
            databases.check(copy, manifest)
    except (zipfile.BadZipFile, OSError, sqlite3.Error) as error:
        raise BackupError(f"备份文件读不出来：{error}") from error
    return _summary(path, manifest)


def _refuse_unless_empty(manifest: dict[str, Any]) -> None:
    if manifest["engine"] != connection.vendor:
        raise BackupError(f"这份备份来自 {manifest['engine']}，当前数据库是 {connection.vendor}，两者不能互换。")
    if unknown := set(manifest["migrations"]) - databases.known_migrations():
        raise BackupError(f"备份来自更新的版本（{min(unknown)} 等），请先升级程序再恢复。")
    if not databases.is_empty():
        raise BackupError("当前数据库里已有账号，不能覆盖。请另指定一个空的 ZHIBU_VAR 或 DATABASE_URL 再恢复。")
    if _stored_files():
        raise BackupError(f"{files_root()} 里已有文件，不能覆盖。请先移走。")


def restore(path: Path) -> Summary:
    """Fill an empty installation from a backup, after verifying it. Raises BackupError and then changes nothing."""
    summary = verify(path)
    with (
        zipfile.ZipFile(path) as archive,
        tempfile.TemporaryDirectory(dir=settings.VAR_DIR, prefix=".restore-") as scratch,
    ):
        manifest = _read_manifest(archive)
        _refuse_unless_empty(manifest)
        staged = Path(scratch) / "files"
        for part in manifest["parts"]:
            if part["name"] != manifest["database"]:
                _extract(archive, part["name"], staged / _safe(part["name"]).removeprefix(FILES))
        databases.load(_extract(archive, manifest["database"], Path(scratch) / manifest["database"]))
        if staged.is_dir():
            files_root().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copytree(staged, files_root(), dirs_exist_ok=True)
    if (rows := databases.count_rows()) != manifest["rows"]:
        wrong = sorted(table for table in manifest["rows"] if rows.get(table) != manifest["rows"][table])
        raise BackupError(f"恢复后行数与清单不符：{'、'.join(wrong)}")
    mailing.hold_restored()
    return summary


def age_of_last(directory: Path | None = None) -> dt.timedelta | None:
    """Return how old the newest backup in `directory` is, None when there is none."""
    directory = directory or Path(settings.VAR_DIR) / "backups"
    newest = max((path.stat().st_mtime for path in directory.glob("zhibu-*.zip")), default=None)
    return None if newest is None else clock.now() - dt.datetime.fromtimestamp(newest, tz=dt.UTC)


__all__ = ["BackupError", "Summary", "age_of_last", "backup", "restore", "verify"]
