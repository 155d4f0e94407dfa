"""Workbooks out of a zip: what is not one is named, what is dangerous is not even inflated."""

import io
import stat
import zipfile

import pytest

from branches.intake.uploads import RefusedUpload
from reporting.offline.bundle import Limits, Sent, is_bundle, unpack


def packed(*members, **flags):
    """Return a zip of (name or ZipInfo, content)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def test_workbooks_come_out_in_order_without_their_folders():
    data = packed(("数学/一.xlsx", b"PK one"), ("数学/", b""), ("二.xlsx", b"PK two"))
    assert unpack("总支.zip", data) == [Sent("一.xlsx", b"PK one"), Sent("二.xlsx", b"PK two")]


def test_what_systems_put_beside_files_is_left_out():
    names = ("__MACOSX/._一.xlsx", ".DS_Store", "~$一.xlsx", "Thumbs.db", "a/desktop.ini")
    assert unpack("总支.zip", packed(("一.xlsx", b"PK"), *((name, b"x") for name in names))) == [Sent("一.xlsx", b"PK")]


def test_names_in_gbk_are_read():
    info = zipfile.ZipInfo("软件支部.xlsx".encode("gbk").decode("cp437"))
    data = bytearray(packed((info, b"PK")))
    raw = "软件支部.xlsx".encode("gbk")
    utf8 = info.filename.encode("utf-8")
    data = data.replace(utf8, raw)
    # Name lengths and the flag of UTF-8 in the local header and in the directory.
    for signature, flag, length in ((b"PK\x03\x04", 6, 26), (b"PK\x01\x02", 8, 28)):
        at = data.index(signature)
        data[at + flag : at + flag + 2] = b"\0\0"
        data[at + length : at + length + 2] = len(raw).to_bytes(2, "little")
    end = data.index(b"PK\x05\x06")
    data[end + 12 : end + 16] = (end - data.index(b"PK\x01\x02")).to_bytes(4, "little")
    data[end + 16 : end + 20] = data.index(b"PK\x01\x02").to_bytes(4, "little")
    assert unpack("总支.zip", bytes(data)) == [Sent("软件支部.xlsx", b"PK")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../../etc/一.xlsx", "压缩包里的路径越界，不安全，已拒收。"),
        ("/一.xlsx", "压缩包里的路径越界，不安全，已拒收。"),
        ("C:/一.xlsx", "压缩包里的路径越界，不安全，已拒收。"),
        ("里面.zip", "压缩包里不能再有压缩包，请直接放工作簿。"),
        ("里面.RAR", "压缩包里不能再有压缩包，请直接放工作簿。"),
    ],
)
def test_a_dangerous_member_is_refused_alone(name, reason):
    first, second = unpack("总支.zip", packed((name, b"x"), ("好.xlsx", b"PK")))
    assert (first.refused, first.data, second) == (reason, b"", Sent("好.xlsx", b"PK"))


def test_links_and_passwords_are_refused():
    link, locked = zipfile.ZipInfo("链接.xlsx"), zipfile.ZipInfo("密.xlsx")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = bytearray(packed((link, b"/etc/passwd"), (locked, b"x")))
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    assert [one.refused for one in unpack("总支.zip", bytes(data))] == [
        "压缩包里是符号链接，不安全，已拒收。", "压缩包设了密码。请去掉密码重新压缩。",
    ]  # fmt: skip


def test_a_member_that_inflates_too_far_is_stopped():
    (one,) = unpack("总支.zip", packed(("一.xlsx", b"0" * 300_000)), Limits(each=100_000))
    assert (one.refused, one.data) == ("文件太大，最多 0 MB。", b"")


@pytest.mark.parametrize(
    ("name", "data", "limits", "sentence"),
    [
        ("一.zip", b"PK\x03\x04 broken", Limits(), "“一.zip”已损坏或压缩方式不能识别"),
        (
            "一.zip",
            packed(("[Content_Types].xml", b"<x/>")),
            Limits(),
            "“一.zip”其实是工作簿，请把扩展名改回 .xlsx 再上传。",
        ),
        (
            "一.zip",
            packed(("a.xlsx", b""), ("b.xlsx", b"")),
            Limits(workbooks=1),
            "“一.zip”里有 2 个文件，一次最多 1 份。",
        ),
        ("一.zip", packed(("a.xlsx", b"0" * 99), ("b.xlsx", b"0" * 99)), Limits(together=150), "压缩包展开后超过"),
    ],
)
def test_a_zip_is_refused_as_a_whole(name, data, limits, sentence):
    with pytest.raises(RefusedUpload) as caught:
        unpack(name, data, limits)
    assert str(caught.value).startswith(sentence)


def test_a_zip_is_told_from_a_workbook():
    data = packed(("一.xlsx", b"PK"))
    assert [is_bundle(name, data) for name in ("表.zip", "表.ZIP ", "表.xlsx")] == [True, True, False]
    assert not is_bundle("表.zip", b"%PDF")
