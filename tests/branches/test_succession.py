"""合并 and 拆分: branches end and begin on a day, posts end with them, who follows whom is written down."""

import datetime as dt

import pytest
from django.urls import reverse

from branches.models import Appointment, AuditEntry, Branch, Role, Succession
from branches.services import succession, tree
from branches.services.succession import Ground, Part
from branches.services.tree import Place, TreeError
from tests.factories.branches import AppointmentFactory, holder, school
from tests.worlds import shared

pytestmark = pytest.mark.once
MAY = dt.date(2026, 5, 1)
GROUND = Ground(MAY, "校党〔2026〕9号", "系所调整")
world = shared(school)


def links():
    return {(row.predecessor.code, row.successor.code, row.kind) for row in Succession.objects.all()}


def test_a_branch_goes_into_another(world):
    post = AppointmentFactory(branch=world.algebra)
    target = succession.merge(by=None, branches=[world.software, world.algebra], into=world.software, ground=GROUND)
    assert target == world.software
    assert links() == {("SJ002", "SJ001", "merge")}
    assert Branch.objects.get(pk=world.algebra.pk).dissolved_on == MAY
    post.refresh_from_db()
    assert (post.ends_on, post.end_reason) == (MAY, "合并")
    assert AuditEntry.objects.get(action="branch.merge").summary == "2010级数学党支部并入软件工程教研室党支部"


def test_two_branches_become_a_new_one(world):
    part = Part("SJ009", Place("数学与软件党支部", world.maths, "", world.teachers))
    made = succession.merge(by=None, branches=[world.software, world.algebra], into=part, ground=GROUND)
    assert made.name_on(MAY) == "数学与软件党支部"
    assert links() == {("SJ001", "SJ009", "merge"), ("SJ002", "SJ009", "merge")}
    alive = Branch.objects.as_of(MAY).branches_only()
    assert {branch.code for branch in alive} == {"SJ009", "WX001", "WX002", "ZS001"}


def test_a_part_leaves_and_the_branch_goes_on(world):
    parts = [Part("SJ009", Place("人工智能党支部", world.maths, "", world.teachers))]
    succession.split(by=None, branch=world.software, parts=parts, keeps=True, ground=GROUND)
    assert links() == {("SJ001", "SJ009", "split")}
    assert Branch.objects.get(pk=world.software.pk).dissolved_on is None


def test_a_branch_falls_into_parts(world):
    AppointmentFactory(branch=world.software)
    parts = [Part(f"SJ00{n}", Place(f"软件{n}党支部", world.maths, "", world.teachers)) for n in (8, 9)]
    succession.split(by=None, branch=world.software, parts=parts, keeps=False, ground=GROUND)
    assert links() == {("SJ001", "SJ008", "split"), ("SJ001", "SJ009", "split")}
    assert not Appointment.objects.filter(branch=world.software, ends_on__isnull=True).exists()


@pytest.mark.parametrize("parts", [0, 1])
def test_a_split_needs_two_branches(world, parts):
    given = [Part("SJ009", Place("人工智能党支部", world.maths, "", world.teachers))][:parts]
    with pytest.raises(TreeError, match="至少要有两个"):
        succession.split(by=None, branch=world.software, parts=given, keeps=parts == 0, ground=GROUND)


def test_a_merger_needs_two_living_branches(world):
    with pytest.raises(TreeError, match="至少要两个"):
        succession.merge(by=None, branches=[world.software], into=world.software, ground=GROUND)
    tree.dissolve(by=None, branch=world.algebra, on=MAY)
    world.algebra.refresh_from_db()
    with pytest.raises(TreeError, match="在册"):
        succession.merge(by=None, branches=[world.software, world.algebra], into=world.software, ground=GROUND)
    with pytest.raises(TreeError, match="在册"):
        succession.merge(by=None, branches=[world.software, world.maths], into=world.software, ground=GROUND)


@pytest.fixture
def office(world, signed_in):
    return signed_in(holder(Role.OFFICE, world.root))


def merging(world, **more):
    given = {"others": [world.algebra.pk], "how": "into", "on": "2026-05-01", "document_number": "", "reason": ""}
    return given | {"name": "", "short_name": "", "code": ""} | more


def test_merging_by_the_page(world, office):
    address = reverse("branch-merge", args=[world.software.pk])
    page = office.get(address).content.decode()
    assert "2010级数学党支部" in page
    assert "汉语言文学教研室党支部" not in page
    refused = office.post(address, merging(world, how="new")).content.decode()
    assert "请填写新支部全称。" in refused
    assert "请填写新支部编号。" in refused
    taken = office.post(address, merging(world, how="new", name="新", code="wx001")).content.decode()
    assert "编号“wx001”已被使用" in taken
    assert office.post(address, merging(world, others=[])).content.decode().count("请至少选择一个党支部。") >= 1
    assert office.post(address, merging(world)).status_code == 302
    assert links() == {("SJ002", "SJ001", "merge")}
    assert office.get(reverse("branch-merge", args=[world.algebra.pk])).status_code == 404


def test_splitting_by_the_page(world, office):
    address = reverse("branch-split", args=[world.software.pk])
    data = {"names": "人工智能党支部\n\n 大数据党支部 ", "on": "2026-05-01", "document_number": "", "reason": ""}
    twice = office.post(address, data | {"names": "甲党支部\n甲党支部"}).content.decode()
    assert "“甲党支部”写了两次。" in twice
    long = office.post(address, data | {"names": "长" * 101}).content.decode()
    assert "超过 100 个字" in long
    assert office.post(address, data | {"keeps": "on"}).status_code == 302
    names = {branch.name_on(MAY) for branch in Branch.objects.filter(origins__isnull=False)}
    assert names == {"人工智能党支部", "大数据党支部"}
    assert office.get(reverse("branch-split", args=[world.maths.pk])).status_code == 404
