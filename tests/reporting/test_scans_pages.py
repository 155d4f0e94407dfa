"""Pages of printed forms: looking a code up, attaching and withdrawing, the list of a round and what it asks for."""

import io
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from branches.models import Role
from grading.models import Round
from reporting.models import FormVersion, Scan, ScanPage
from reporting.paper import form_codes
from tests.factories.branches import holder
from tests.factories.forms import FormVersionFactory, ScanFactory, ScanPageFactory
from tests.factories.grading import fill, opened_round
from tests.worlds import shared

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    here = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": here}


@shared
def world():
    made = opened_round()
    fill(made.unit("software"), lose=7)
    Round.objects.filter(pk=made.round.pk).update(state=Round.State.SCORING)
    made.round.refresh_from_db()
    return made


@pytest.fixture
def officer(world, signed_in):
    return signed_in(holder(Role.GENERAL_BRANCH_OFFICER, world.school.maths, person__name="柯虹"))


def printed(world, client, unit, kind="annex5"):
    """Print a form from its preview, as a person does, and return its version."""
    answer = client.post(reverse("annex-print", args=[kind, world.round.pk, unit.pk]))
    assert answer["Location"] == reverse("annex-preview", args=[kind, world.round.pk, unit.pk]) + "#print"
    return FormVersion.objects.filter(kind=kind, unit=unit).latest("pk")


def pdf(name="附件5.pdf", text=b"signed"):
    return SimpleUploadedFile(name, b"%PDF-1.4 " + text, content_type="application/pdf")


def text(response):
    return response.content.decode()


def test_the_preview_bears_its_code_once_it_was_given_out(world, officer):
    address = reverse("annex-preview", args=["annex5", world.round.pk, world.school.maths.pk])
    assert form_codes.LABEL not in text(officer.get(address)).replace("查表单编码", "")
    assert "导出或打印时生成编码" in text(officer.get(address))
    form = printed(world, officer, world.school.maths)
    assert f"{form_codes.LABEL} {form.code}" in text(officer.get(address))
    fill(world.unit("algebra"), lose=3)
    assert form.code not in text(officer.get(address))


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("", 200, "输入纸上的编码"),
        ("abcd", 422, "编码应是 12 位，现在是 4 位"),
        ("S6DF-PZV3-2KXK", 422, "编码有一位不对（校验不符）"),
        ("S6DF-PZV3-2KXJ", 404, "没有这份表，或者不在您的查看范围内"),
    ],
)
def test_looking_up_says_why_there_is_nothing(world, officer, typed, status, said):
    answer = officer.get(reverse("codes"), {"code": typed})
    assert (answer.status_code, said in text(answer)) == (status, True)


def test_a_foreign_code_is_answered_as_one_that_does_not_exist(world, officer):
    foreign = FormVersionFactory(round=world.round, unit=world.school.letters)
    unknown = form_codes.form_code("annex5", 9, 9, "")
    pages = [officer.get(reverse("code", args=[code])) for code in (foreign.code, unknown)]
    assert [page.status_code for page in pages] == [404, 404]
    told = [text(page).replace(code, "") for page, code in zip(pages, (foreign.code, unknown), strict=True)]
    assert told[0].partition("<main")[2].partition("</main")[0] == told[1].partition("<main")[2].partition("</main")[0]
    assert "文学与历史学院" not in told[0]


def test_a_code_leads_to_its_form_and_says_when_the_data_changed(world, officer):
    form = printed(world, officer, world.school.maths)
    found = officer.get(reverse("codes"), {"code": form.code.lower().replace("-", " ")}, follow=True)
    assert found.redirect_chain == [(reverse("code", args=[form.code]), 302)]
    shown = text(found)
    for words in ("附件5 党支部分类定级汇总表", "数学与计算机科学学院党总支", "第一轮", "柯虹", "与现在的数据一致"):
        assert words in shown
    fill(world.unit("algebra"), lose=3)
    now = printed(world, officer, world.school.maths)
    shown = text(officer.get(reverse("code", args=[form.code])))
    assert "数据已变" in shown
    assert f"重新打印的表上编码是 {now.code}。" in shown


def test_a_scan_is_attached_replaced_and_withdrawn_on_its_page(world, officer):
    form = printed(world, officer, world.school.maths)
    address, attach = reverse("code", args=[form.code]), reverse("scan-attach", args=[form.code])
    refused = officer.post(attach, {"files": [pdf("a.pdf"), SimpleUploadedFile("b.txt", b"x")]})
    assert refused.status_code == 422
    assert "b.txt：请用 PDF 扫描件，或 JPG、PNG 照片。" in text(refused)
    assert officer.post(attach, {}).status_code == 422
    sent = officer.post(attach, {"files": [pdf("1.pdf", b"1"), pdf("2.pdf", b"2")]}, follow=True)
    assert "盖章件已交回，共 2 个文件。" in text(sent)
    assert officer.post(attach, {"files": pdf("3.pdf", b"3")}).status_code == 422
    assert officer.post(attach, {"files": pdf("3.pdf", b"3"), "reason": "缺一页"})["Location"] == address
    scan = Scan.objects.present().get()
    assert [page.name for page in scan.pages.all()] == ["3.pdf"]
    withdraw = reverse("scan-withdraw", args=[scan.pk])
    assert "撤回须写明理由" in text(officer.post(withdraw, {"reason": ""}, follow=True))
    gone = text(officer.post(withdraw, {"reason": "盖错章"}, follow=True))
    assert "还没有交回盖章件" in gone
    assert ("撤回：盖错章" in gone, "撤回：缺一页" in gone, "1.pdf" in gone) == (True, True, True)


def test_a_file_is_handed_out_as_an_attachment_named_after_its_form(world, officer, signed_in):
    form = printed(world, officer, world.school.maths)
    officer.post(reverse("scan-attach", args=[form.code]), {"files": pdf("<img src=x>.pdf")})
    page = ScanPage.objects.get()
    answer = officer.get(reverse("scan-file", args=[page.pk]))
    assert b"".join(answer.streaming_content) == b"%PDF-1.4 signed"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    named = unquote(answer["Content-Disposition"])
    assert named.startswith("attachment;")
    about = f"数学与计算机科学学院党总支，盖章件 {form.code} 第1份，2012年第一轮"
    assert f"附件5 党支部分类定级汇总表（{about}）.pdf" in named
    stranger = signed_in(holder(Role.GENERAL_BRANCH_OFFICER, world.school.letters))
    assert stranger.get(reverse("scan-file", args=[page.pk])).status_code == 404


def test_the_form_page_lists_its_codes_so_that_a_photograph_finds_its_own(world, officer):
    address = reverse("form", args=["annex5", world.round.pk, world.school.maths.pk])
    assert "这份表还没有印出过" in text(officer.get(address))
    first = printed(world, officer, world.school.maths)
    ScanPageFactory(scan=ScanFactory(form=first))
    fill(world.unit("algebra"), lose=3)
    second = printed(world, officer, world.school.maths)
    shown = text(officer.get(address))
    assert shown.index(second.code) < shown.index(first.code)
    assert "数据已变，与扫描件不一致" in shown


def test_the_list_of_a_round_filters_and_leaves_as_a_workbook(world, signed_in):
    office = signed_in(holder(Role.OFFICE, world.school.root))
    form = printed(world, office, world.school.maths)
    office.post(reverse("scan-attach", args=[form.code]), {"files": pdf()})
    address = reverse("returns", args=[world.round.pk])
    shown = text(office.get(address))
    assert ("党总支盖章的附件5 党支部分类定级汇总表" in shown, "已交回 1，未交回 1" in shown) == (True, True)
    assert form.code not in text(office.get(address, {"standing": "missing"}))
    fill(world.unit("algebra"), lose=3)
    assert "数据已变，与扫描件不一致" in text(office.get(address, {"standing": "stale"}))
    book = load_workbook(io.BytesIO(office.post(address, {"format": "xlsx"}).content))
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert any(row[0] == "数学与计算机科学学院党总支" and "数据已变，与扫描件不一致" in row for row in rows)
    assert any(row[0] == "文学与历史学院党总支" and "未交回" in row for row in rows)
    officer = signed_in(holder(Role.GENERAL_BRANCH_OFFICER, world.school.maths))
    assert "文学与历史学院" not in text(officer.get(address))


def test_the_office_says_what_a_round_asks_for(world, signed_in):
    office = signed_in(holder(Role.OFFICE, world.school.root))
    address, rules = reverse("returns", args=[world.round.pk]), reverse("return-rules", args=[world.round.pk])
    version = world.round.version
    told = office.post(rules, {"option": "annex4", "version": version}, follow=True)
    assert "第一轮：要各党总支的附件5，另要各支部的附件4。" in text(told)
    assert "软件工程教研室党支部" in text(office.get(address, {"kind": "annex4"}))
    assert "刚被他人改过" in text(office.post(rules, {"option": "none", "version": version}, follow=True))
    office.post(rules, {"option": "none", "version": version + 1})
    assert "本轮不要求交回盖章件" in text(office.get(address))
    assert office.post(rules, {"option": "everything", "version": version + 2}).status_code == 404
    officer = signed_in(holder(Role.GENERAL_BRANCH_OFFICER, world.school.maths))
    assert officer.post(rules, {"option": "none", "version": version + 2}).status_code == 403


def test_the_board_of_a_round_says_what_came_back(world, officer):
    assert "党总支盖章的附件5 党支部分类定级汇总表：未交回 1" in text(
        officer.get(reverse("returns-board", args=[world.round.pk]))
    )
    assert "党总支盖章的附件5" in text(officer.get(reverse("round", args=[world.round.pk])))
    assert "扫描后交回" in text(officer.get(reverse("round-rules", args=[world.round.pk])))
