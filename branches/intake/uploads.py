"""Looking at an uploaded workbook before anything parses it (security.md row 21).

The real kind is told by the first bytes, never by the name alone. Every member of a ZIP is inflated once, in pieces,
and its bytes counted: the sizes written in the archive are not believed.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from xlrd.compdoc import CompDoc

from branches.intake.spans import plain_cells, spanned_cells

MEGABYTE = 1024 * 1024
_CHUNK = 64 * 1024
_SMALL = 4 * MEGABYTE  # parts up to this size are looked at in one piece
_ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_NAMES = (".xlsx", ".xls", ".et")
_DECLARATION = re.compile(rb"<!\s*(?i:DOCTYPE|ENTITY)")
_XML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_FILEPASS = 0x002F
_BOF = 0x0809


#: Is shown a part's name and content.
Look = Callable[[str, bytes], None]


class RefusedUpload(ValueError):
    """The file is not taken in; the message is a Chinese sentence that says why and what to do."""


class Kind(StrEnum):
    """What a workbook really is."""

    XLSX = "xlsx"
    XLS = "xls"


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much of a workbook is taken in."""

    size: int = 10 * MEGABYTE
    members: int = 2000
    inflated: int = 100 * MEGABYTE
    ratio: int = 100
    ratio_floor: int = MEGABYTE  # below this many inflated bytes a high ratio harms nobody
    tags: int = 600_000  # "<" in all XML parts: bounds the memory of the parsers
    spanned: int = 70_000  # cells under merged and linked ranges, which a parser makes one by one


DEFAULT_LIMITS = UploadLimits()

# (what a member's lower-case path contains, why the file is refused)
_FORBIDDEN = (
    ("vbaproject", "文件里有宏。请另存为不带宏的 .xlsx 再上传。"),
    ("macrosheets/", "文件里有宏表。请另存为不带宏的 .xlsx 再上传。"),
    ("externallinks/", "文件引用了别的工作簿。请在“数据—编辑链接”中断开链接，另存后再上传。"),
    ("embeddings/", "文件里嵌入了别的文件。请删去嵌入的对象，另存后再上传。"),
    ("activex/", "文件里有控件。请删去控件，另存后再上传。"),
    ("customui/", "文件带有自定义界面。请另存为普通的 .xlsx 再上传。"),
)


def check_upload(name: str, data: bytes, limits: UploadLimits = DEFAULT_LIMITS, look: Look | None = None) -> Kind:
    """Check an uploaded workbook before parsing and return its real kind.

    `look` is shown the small parts of an .xlsx while they are inflated anyway, by name, before the rest was checked.

    Raises RefusedUpload with a Chinese sentence when the file is too large, no workbook, encrypted, damaged, or carries
    what a roster never needs.
    """
    _check_name(name)
    if not data:
        raise RefusedUpload("文件是空的。")
    if len(data) > limits.size:
        raise RefusedUpload(f"文件太大：{len(data) / MEGABYTE:.1f} MB，最多 {limits.size // MEGABYTE} MB。")
    if data.startswith(_ZIP_MAGIC):
        _check_zip(data, limits, look)
        return Kind.XLSX
    if data.startswith(_OLE_MAGIC):
        _check_ole(data)
        return Kind.XLS
    raise RefusedUpload(_what_it_is(data))


def _check_name(name: str) -> None:
    if len(name) > 255 or any(ord(char) < 32 or char in "/\\" for char in name):
        raise RefusedUpload("文件名不合规，请改名后再上传。")
    suffix = PurePosixPath(name.strip().casefold()).suffix
    if suffix == ".xlsm":
        raise RefusedUpload("这是带宏的工作簿（.xlsm）。请另存为 .xlsx 再上传。")
    if suffix not in _NAMES:
        raise RefusedUpload("只收 Excel 或 WPS 工作簿（.xlsx、.xls）。")


def _what_it_is(data: bytes) -> str:
    head = data[:512].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if head.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head")):
        return "这个文件其实是网页或 XML，只是名字像工作簿。请用 Excel 或 WPS 打开后另存为 .xlsx。"
    if head.startswith(b"%pdf"):
        return "这是 PDF 文件，不是工作簿。"
    if head.startswith((b"pk\x05\x06", b"pk\x07\x08")):
        return "这是空的或分卷的压缩包，不是工作簿。"
    if data[:2] in (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08"):
        return "这是很旧的 Excel 格式。请用 Excel 或 WPS 打开后另存为 .xlsx。"
    return "这不是 Excel 或 WPS 工作簿（.xlsx、.xls），可能是别的文件改了名。"


def _check_zip(data: bytes, limits: UploadLimits, look: Look | None) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(members, limits)
            _check_is_workbook(archive)
            total = tags = spanned = 0
            for member in members:
                size, found, ranges, start = _stream(archive, member, limits, total)
                total += size
                tags += found
                if tags > limits.tags:
                    raise RefusedUpload("单元格太多（常见原因是整列整行设了格式）。请删去多余的行列，另存后再上传。")
                if ranges and (plain := plain_cells(start) if len(start) == size else None) is not None:
                    spanned += plain
                elif ranges:
                    with archive.open(member) as stream:
                        spanned += spanned_cells(stream, limits.spanned)
                if look is not None and len(start) == size:
                    look(member.filename, start)
                if spanned > limits.spanned:
                    raise RefusedUpload("合并的单元格范围太大。请只合并用到的行列，另存后再上传。")
    except RefusedUpload:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        struct.error,
        ValueError,
        OverflowError,
    ) as error:
        raise RefusedUpload("文件已损坏或不完整，打不开。请重新保存或重新传送。") from error
    except (NotImplementedError, RuntimeError) as error:
        raise RefusedUpload("文件的压缩方式不能识别。请用 Excel 或 WPS 另存为 .xlsx。") from error


def _check_members(members: list[zipfile.ZipInfo], limits: UploadLimits) -> None:
    if len(members) > limits.members:
        raise RefusedUpload(f"文件内部的部件太多（{len(members)} 个，最多 {limits.members} 个）。")
    seen: set[str] = set()
    for member in members:
        name = member.filename
        lower = name.casefold()
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\x00" in name or "\\" in name:
            raise RefusedUpload("文件内部有越界的路径，不安全，已拒收。")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise RefusedUpload("文件内部有符号链接，不安全，已拒收。")
        if lower in seen:
            raise RefusedUpload("文件内部有重名的部件，不安全，已拒收。")
        seen.add(lower)
        if member.flag_bits & 0x1:
            raise RefusedUpload("文件设了密码。请取消密码后再上传。")
        for piece, reason in _FORBIDDEN:
            if piece in lower:
                raise RefusedUpload(reason)


def _check_is_workbook(archive: zipfile.ZipFile) -> None:
    names = {name.casefold() for name in archive.namelist()}
    if "xl/workbook.bin" in names:
        raise RefusedUpload("这是二进制工作簿（.xlsb）。请另存为 .xlsx 再上传。")
    if "word/document.xml" in names:
        raise RefusedUpload("这是 Word 文档，不是工作簿。")
    if "ppt/presentation.xml" in names:
        raise RefusedUpload("这是演示文稿，不是工作簿。")
    if "content.xml" in names:
        raise RefusedUpload("这是 OpenDocument 表格（.ods）。请另存为 .xlsx 再上传。")
    if "[content_types].xml" not in names or not any(name.startswith("xl/workbook") for name in names):
        raise RefusedUpload("这是压缩包，不是工作簿。")


def _stream(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: UploadLimits, before: int
) -> tuple[int, int, bool, bytes]:
    """Inflate one member in pieces; return its real size, the tags its XML opens, whether it holds ranges, its start.

    Whether a part is XML is told by its first bytes: any name may stand for a sheet. The start is the whole of a small
    member.
    """
    size = tags = 0
    tail, is_xml, ranges = b"", False, False
    pieces: list[bytes] = []
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            if size == 0:
                is_xml = _is_xml(chunk)
            size += len(chunk)
            if size <= _SMALL:
                pieces.append(chunk)
            _check_size(size, member.compress_size, before, limits)
            if is_xml:
                piece = tail + chunk
                if _DECLARATION.search(piece):
                    raise RefusedUpload("文件内部的 XML 带有 DOCTYPE 或实体声明，不安全，已拒收。")
                ranges = ranges or b"mergeCell" in piece or b"hyperlink" in piece
                tags += chunk.count(b"<")
                tail = chunk[-64:]
    return size, tags, ranges, b"".join(pieces)


def _is_xml(head: bytes) -> bool:
    """True for XML in UTF-8, the only encoding that spreadsheets write. Raises RefusedUpload for UTF-16 and UTF-32."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<", b"\x00\x00")) and b"<" in head[:8]:
        raise RefusedUpload("文件内部的 XML 不是 UTF-8 编码，已拒收。请用 Excel 或 WPS 另存为 .xlsx。")
    return _XML_START.match(head) is not None


def _check_size(size: int, packed: int, before: int, limits: UploadLimits) -> None:
    if before + size > limits.inflated:
        raise RefusedUpload(f"文件展开后超过 {limits.inflated // MEGABYTE} MB，已拒收。")
    if size > limits.ratio_floor and size > limits.ratio * max(packed, 1):
        raise RefusedUpload("文件的压缩比异常（像压缩炸弹），已拒收。")


def _check_ole(data: bytes) -> None:
    """Look at the streams of an .xls: it must be a plain BIFF workbook without password and macros."""
    try:
        document = CompDoc(data, logfile=io.StringIO())
        names = {entry.name.casefold() for entry in document.dirlist if entry.etype}
        if "encryptedpackage" in names or "encryptioninfo" in names:
            raise RefusedUpload("文件设了密码。请取消密码后再上传。")
        if "_vba_project_cur" in names or "vba" in names or "macros" in names:
            raise RefusedUpload("文件里有宏。请另存为不带宏的 .xlsx 再上传。")
        if "worddocument" in names:
            raise RefusedUpload("这是 Word 文档，不是工作簿。")
        if any(name.startswith("mbd") or name == "\x01ole10native" for name in names):
            raise RefusedUpload("文件里嵌入了别的文件。请删去嵌入的对象，另存后再上传。")
        stream = document.get_named_stream("Workbook") or document.get_named_stream("Book")
    except (RefusedUpload, MemoryError):
        raise
    except Exception as error:
        raise RefusedUpload("文件已损坏或不完整，打不开。请重新保存或重新传送。") from error
    if not stream:
        raise RefusedUpload("这不是 Excel 或 WPS 工作簿（.xls）。")
    _check_biff(bytes(stream))


def _check_biff(stream: bytes) -> None:
    """Walk the first records: a FILEPASS record means a password."""
    position = count = 0
    while position + 4 <= len(stream) and count < 100:
        record, length = struct.unpack_from("<HH", stream, position)
        if count == 0 and record != _BOF:
            raise RefusedUpload("这是很旧的 Excel 格式。请用 Excel 或 WPS 打开后另存为 .xlsx。")
        if record == _FILEPASS:
            raise RefusedUpload("文件设了密码。请取消密码后再上传。")
        position += 4 + length
        count += 1
    if count < 2:
        raise RefusedUpload("文件已损坏或不完整，打不开。请重新保存或重新传送。")
