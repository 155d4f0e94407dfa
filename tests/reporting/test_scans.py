"""Signed paper that comes back: what is taken and refused, replaced and withdrawn; what the database refuses."""

import errno
import io

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import IntegrityError, transaction
from PIL import Image

from branches.models import AuditEntry, Role
from grading.services import evidence
from grading.services.errors import RefusedError
from reporting.models import Scan, ScanPage
from reporting.services import scans
from reporting.services.versions import data_version
from tests.factories.branches import holder, school
from tests.factories.forms import FormVersionFactory, ScanFactory, ScanPageFactory
from tests.worlds import shared

PDF = ("附件5盖章.pdf", b"%PDF-1.4 signed and stamped")


def picture(kind="JPEG", *, size=(40, 30), shot_at="room 204"):
    """A photograph that says where it was taken and is turned on its side."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, shot_at
    content = io.BytesIO()
    Image.new("RGB", size, "white").save(content, kind, exif=exif)
    return content.getvalue()


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    here = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": here}


def refusal(*files):
    with pytest.raises(RefusedError) as refused:
        scans.checked(files)
    return str(refused.value)


# --- What is taken --------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("空.pdf", b"", "空.pdf：文件是空的。"),
        ("表.docx", b"PK\x03\x04", "表.docx：请用 PDF 扫描件，或 JPG、PNG 照片。"),
        ("页.html", b"<html>", "页.html：请用 PDF 扫描件，或 JPG、PNG 照片。"),
        ("改名.pdf", b"MZ\x90", "改名.pdf：文件内容与扩展名 .pdf 不符，请重新导出后再上传。"),
        ("半张.jpg", b"\xff\xd8\xff\xe0", "半张.jpg：图片打不开，可能已损坏，请重新拍照或导出后再上传。"),
        ("C:\\扫描\\大.pdf", b"%PDF-" + b"0" * evidence.MAX_SIZE, "大.pdf：文件太大：10.0 MB，最多 10 MB。"),
    ],
)
def test_a_file_that_is_no_scan_is_refused_by_name(name, data, said):
    assert refusal((name, data)) == said


@pytest.mark.unit
def test_all_faults_are_told_at_once():
    with pytest.raises(RefusedError) as refused:
        scans.checked([PDF, ("a.txt", b"x"), ("b.pdf", b"")])
    assert refused.value.sentences == ["a.txt：请用 PDF 扫描件，或 JPG、PNG 照片。", "b.pdf：文件是空的。"]


@pytest.mark.unit
def test_too_many_too_large_or_the_same_twice_is_refused():
    assert refusal() == "请选择扫描件或照片。"
    assert refusal(PDF, PDF) == "同一个文件选了两次，请去掉重复的。"
    assert refusal(*[PDF] * 21) == "一次最多 20 个文件，现在是 21 个。多页请合成一个 PDF。"
    scans.refuse_too_much(40 * 1024 * 1024)
    with pytest.raises(RefusedError, match="文件合计 41 MB，最多 40 MB"):
        scans.refuse_too_much(41 * 1024 * 1024)


@pytest.mark.unit
def test_a_flood_of_pixels_is_refused_before_it_is_drawn(monkeypatch):
    monkeypatch.setattr(evidence, "MAX_PIXELS", 1000)
    assert refusal(("大图.png", picture("PNG"))) == "大图.png：图片像素过多，请缩小后再上传。"


@pytest.mark.unit
@pytest.mark.parametrize(("name", "kind"), [("照片.jpg", "JPEG"), ("照片.JPEG", "JPEG"), ("截图.png", "PNG")])
def test_a_photograph_is_turned_upright_and_loses_what_it_tells_of_place_and_device(name, kind):
    sent = picture(kind)
    assert Image.open(io.BytesIO(sent)).getexif()[0x010E] == "room 204"
    (page,) = scans.checked([(name, sent)])
    kept = Image.open(io.BytesIO(page.data))
    assert (kept.size, dict(kept.getexif()), page.content_type) == ((30, 40), {}, f"image/{kind.lower()}")


# --- Attaching, replacing, withdrawing ------------------------------------------------------------------------------


tree = shared(school)


@pytest.fixture
def officer(tree):
    return holder(Role.GENERAL_BRANCH_OFFICER, tree.maths)


@pytest.fixture
def form(tree):
    return FormVersionFactory(unit=tree.maths)


def attach(by, form, *files, reason=""):
    return scans.attach(by=by, form=form, pages=scans.checked(files or [PDF]), reason=reason)


@pytest.mark.once
def test_of_a_scan_that_is_not_kept_no_file_stays(officer, form, tmp_path, monkeypatch):
    save, saved = FileSystemStorage._save, []

    def full(store, name, content):
        saved.append(save(store, name, content))
        if len(saved) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return saved[-1]

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    with pytest.raises(OSError, match="No space"):
        attach(officer, form, ("1.png", picture("PNG")), ("2.pdf", PDF[1]))
    assert not Scan.objects.exists()
    assert len(saved) == 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_pages_are_kept_in_their_order_under_names_that_tell_nothing(officer, form):
    before = data_version()
    scan = attach(officer, form, ("1.png", picture("PNG")), ("背面.pdf", PDF[1]))
    rows = list(scan.pages.values_list("ordinal", "name", "content_type"))
    assert rows == [(1, "1.png", "image/png"), (2, "背面.pdf", "application/pdf")]
    page = scan.pages.get(ordinal=2)
    assert (page.size, page.file.name.startswith("scans/"), "背面.pdf" in page.file.name) == (len(PDF[1]), True, False)
    with default_storage.open(page.file.name) as kept:
        assert kept.read() == PDF[1]
    entry = AuditEntry.objects.get(action="scan.attached")
    assert (entry.account, entry.branch) == (officer, form.unit)
    assert entry.summary == f"交回盖章件，表单编码 {form.code}，文件 2 个"
    assert data_version() == before


@pytest.mark.django_db
def test_replacing_needs_a_reason_and_keeps_the_old_one(officer, form):
    old = attach(officer, form)
    with pytest.raises(RefusedError, match="没有变化"):
        attach(officer, form, reason="再传一次")
    with pytest.raises(RefusedError, match="更换须写明理由"):
        attach(officer, form, ("新.pdf", b"%PDF-1.4 new"), reason="  ")
    assert Scan.objects.present().get() == old
    new = attach(officer, form, ("新.pdf", b"%PDF-1.4 new"), reason="漏了第二页")
    old.refresh_from_db()
    assert (old.withdrawn_by, old.withdrawn_reason) == (officer, "漏了第二页")
    assert old.withdrawn_at is not None
    assert (Scan.objects.present().get(), form.scans.count(), ScanPage.objects.count()) == (new, 2, 2)
    assert AuditEntry.objects.get(action="scan.replaced").summary.startswith("更换盖章件")


@pytest.mark.django_db
def test_withdrawing_needs_a_reason_happens_once_and_keeps_the_file(officer, form):
    scan = attach(officer, form)
    with pytest.raises(RefusedError, match="撤回须写明理由"):
        scans.withdraw(by=officer, scan=scan, reason=" ")
    gone = scans.withdraw(by=officer, scan=scan, reason="盖错章")
    assert (gone.withdrawn_reason, Scan.objects.present().count()) == ("盖错章", 0)
    assert default_storage.exists(scan.pages.get().file.name)
    with pytest.raises(RefusedError, match="已经撤回"):
        scans.withdraw(by=officer, scan=scan, reason="再来")
    assert attach(officer, form).pk != scan.pk
    assert AuditEntry.objects.filter(action="scan.withdrawn").count() == 1


@pytest.mark.once
@pytest.mark.django_db
def test_the_database_refuses_what_is_wrong(form):
    scan = ScanFactory(form=form)
    page = ScanPageFactory(scan=scan)
    moment = scan.attached_at
    wrong = [
        lambda: ScanFactory(form=form),
        lambda: ScanFactory(withdrawn_at=moment),
        lambda: ScanFactory(withdrawn_reason="盖错章"),
        lambda: ScanPageFactory(scan=scan, ordinal=page.ordinal),
        lambda: ScanPageFactory(scan=scan, sha256=page.sha256),
        lambda: ScanPageFactory(name=""),
        lambda: ScanPageFactory(size=0),
    ]
    for make in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
    ScanFactory(form=form, withdrawn_at=moment, withdrawn_reason="盖错章")
