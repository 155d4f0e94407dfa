"""Returned workbooks out of a zip. Names are only looked at; nothing is ever written under them."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from branches.intake.uploads import MEGABYTE, RefusedUpload

ZIP_MAGIC = b"PK\x03\x04"
#: A folder with a thumbnail or a system file beside each workbook still passes.
MEMBERS_EACH = 5
_IGNORED_NAMES = ("thumbs.db", "desktop.ini")
_CHUNK = 64 * 1024
_UTF8 = 0x800


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken at once."""

    workbooks: int = 200
    each: int = 10 * MEGABYTE
    together: int = 100 * MEGABYTE


@dataclass(frozen=True, slots=True)
class Sent:
    """One file that was sent: its content, or why it is not even looked at."""

    name: str
    data: bytes = b""
    refused: str = ""


DEFAULT_LIMITS = Limits()


def is_bundle(name: str, data: bytes) -> bool:
    """Tell whether a file is sent as a zip of workbooks. A workbook is a zip too: its name and content tell."""
    return PurePosixPath(name.strip().casefold()).suffix == ".zip" and data.startswith(ZIP_MAGIC)


def unpack(name: str, data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Sent]:
    """Return the workbooks of a zip, and what else was in it with the reason why it is not read.

    Raises:
        RefusedUpload: with a Chinese sentence, when the zip as a whole cannot be taken.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if any(member.filename.casefold() == "[content_types].xml" for member in members):
                raise RefusedUpload(f"“{name}”其实是工作簿，请把扩展名改回 .xlsx 再上传。")
            wanted = [member for member in members if not _ignored(member)]
            if len(members) > limits.workbooks * MEMBERS_EACH or len(wanted) > limits.workbooks:
                raise RefusedUpload(f"“{name}”里有 {len(wanted)} 个文件，一次最多 {limits.workbooks} 份。")
            return list(_files(archive, wanted, limits))
    except RefusedUpload:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise RefusedUpload(f"“{name}”已损坏或压缩方式不能识别，打不开。请重新压缩成 .zip。") from error


def _ignored(member: zipfile.ZipInfo) -> bool:
    """Leave out folders and what operating systems put beside files."""
    *folders, name = shown_name(member).casefold().replace("\\", "/").split("/")
    return member.is_dir() or "__macosx" in folders or name.startswith((".", "~$")) or name in _IGNORED_NAMES


def shown_name(member: zipfile.ZipInfo) -> str:
    """Return a member's path; old Chinese programs write it in GBK without saying so."""
    if member.flag_bits & _UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gbk")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename


def _files(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limits: Limits) -> Iterator[Sent]:
    total = 0
    for member in members:
        path = shown_name(member)
        name = PurePosixPath(path.replace("\\", "/")).name[-200:] or "未命名"
        if reason := _reason(member, path):
            yield Sent(name, refused=reason)
            continue
        data = _content(archive, member, limits.each)
        total += len(data)
        if total > limits.together:
            raise RefusedUpload(f"压缩包展开后超过 {limits.together // MEGABYTE} MB，已拒收。请分几次上传。")
        if len(data) > limits.each:
            yield Sent(name, refused=f"文件太大，最多 {limits.each // MEGABYTE} MB。")
        else:
            yield Sent(name, data)


def _reason(member: zipfile.ZipInfo, path: str) -> str:
    """Return why a member is not even inflated."""
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or ".." in parts or ":" in path or "\x00" in path:
        return "压缩包里的路径越界，不安全，已拒收。"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "压缩包里是符号链接，不安全，已拒收。"
    if member.flag_bits & 0x1:
        return "压缩包设了密码。请去掉密码重新压缩。"
    if path.casefold().endswith((".zip", ".rar", ".7z")):
        return "压缩包里不能再有压缩包，请直接放工作簿。"
    return ""


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Inflate a member in pieces, no further than one piece over the limit: written sizes are not believed."""
    pieces, size = [], 0
    with archive.open(member) as stream:
        while size <= most and (chunk := stream.read(_CHUNK)):
            pieces.append(chunk)
            size += len(chunk)
    return b"".join(pieces)
