"""Setting up, moving, renaming and dissolving nodes; what the tree was on a day; profiles and posts."""

import datetime as dt

import pytest

from branches.models import Appointment, AuditEntry, Branch
from branches.partial_dates import PartialDate
from branches.services import tree
from branches.services.tree import Place, TreeError
from branches.versions import ConflictError
from tests.factories import branches as f

pytestmark = pytest.mark.db
MARCH, APRIL, MAY = dt.date(2012, 3, 1), dt.date(2012, 4, 1), dt.date(2012, 5, 1)


def names_on(day):
    return dict(Branch.objects.as_of(day).values_list("code", "name"))


def set_up(school, **given):
    asked = {"code": "SJ009", "level": "branch", "place": Place("新支部", school.maths), "starts_on": APRIL} | given
    return tree.set_up(by=None, **asked)


def test_set_up_makes_placement_profile_and_audit_entry():
    school = f.school()
    branch = set_up(school, founded=PartialDate(2012, 4))
    assert branch.placement(APRIL).parent == school.maths
    assert branch.profile.total_members is None
    assert "SJ009" not in names_on(MARCH)
    assert names_on(APRIL)["SJ009"] == "新支部"
    assert AuditEntry.objects.filter(action="branch.set_up", thing_id=str(branch.pk), branch=branch).count() == 1


def test_as_of_tells_parent_and_category():
    school = f.school()
    row = Branch.objects.as_of(APRIL).get(pk=school.software.pk)
    assert (row.parent_id, row.parent_name, row.category_name, row.short_name) == (
        school.maths.pk, "数学与计算机科学学院党总支", "教师党支部", "软件工程教研室",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"level": "committee", "parent": None}, "只有一个最上级"),
        ({"level": "branch", "parent": None}, "没有上级"),
        ({"level": "branch", "parent": "software"}, "下面不能再设"),
    ],
)
def test_set_up_refuses(given, words):
    school = f.school()
    parent = getattr(school, given["parent"]) if given["parent"] else None
    with pytest.raises(TreeError, match=words):
        set_up(school, level=given["level"], place=Place("新的", parent))


def test_rename_keeps_history():
    school = f.school()
    place = Place("软件工程系党支部", school.maths, category=school.teachers)
    tree.move(by=None, branch=school.software, place=place, from_day=MAY, document_number="校党〔2012〕8号")
    assert names_on(APRIL)["SJ001"] == "软件工程教研室党支部"
    assert names_on(MAY)["SJ001"] == "软件工程系党支部"
    old = school.software.placements.get(ends_on=MAY)
    assert old.name == "软件工程教研室党支部"


def test_reparent_moves_the_branch_from_a_day_on():
    school = f.school()
    tree.move(by=None, branch=school.software, place=Place("软件党支部", school.letters), from_day=MAY)
    assert school.software.placement(APRIL).parent == school.maths
    assert school.software.placement(MAY).parent == school.letters


def test_correcting_on_the_same_day_leaves_one_placement():
    school = f.school()
    for name in ("写错", "写对"):
        tree.move(by=None, branch=school.software, place=Place(name, school.maths), from_day=MAY)
    assert list(school.software.placements.values_list("name", flat=True).order_by("starts_on")) == [
        "软件工程教研室党支部", "写对",
    ]  # fmt: skip


def test_move_refuses_circles_and_the_past():
    school = f.school()
    for parent in (school.maths, school.software):
        with pytest.raises(TreeError, match="自己的下级"):
            tree.move(by=None, branch=school.maths, place=Place("数学", parent), from_day=MAY)
    tree.move(by=None, branch=school.software, place=Place("五月", school.maths), from_day=MAY)
    with pytest.raises(TreeError, match="2012年5月1日"):
        tree.move(by=None, branch=school.software, place=Place("四月", school.maths), from_day=APRIL)


def test_dissolve():
    school = f.school()
    with pytest.raises(TreeError, match="下面还有"):
        tree.dissolve(by=None, branch=school.maths, on=MAY)
    gone = tree.dissolve(by=None, branch=school.software, on=MAY, document_number="校党〔2012〕9号")
    assert gone.dissolved_on == MAY
    assert "SJ001" in names_on(APRIL)
    assert "SJ001" not in names_on(MAY)
    assert gone.name_on(MAY) == "软件工程教研室党支部"


def test_next_code_skips_what_is_taken():
    f.BranchFactory(code="ZZ001")
    f.BranchFactory(code="ZZ003")
    assert tree.next_code("ZZ") == "ZZ004"


def test_profile_is_versioned_and_confirmation_is_undone_by_a_change():
    school, account = f.school(), f.AccountFactory()
    profile = school.software.profile
    moment = dt.datetime(2012, 4, 2, tzinfo=dt.UTC)
    saved = tree.save_profile(by=account, profile=profile, version=1, values={"full_members": 18}, confirm_at=moment)
    assert (saved.version, saved.full_members, saved.confirmed_by) == (2, 18, account)
    changed = tree.save_profile(by=account, profile=saved, version=2, values={"full_members": 19})
    assert changed.confirmed_at is None
    with pytest.raises(ConflictError) as caught:
        tree.save_profile(by=account, profile=profile, version=2, values={"full_members": 7})
    assert caught.value.current.full_members == 19
    assert caught.value.mine["full_members"] == 7


def test_profile_takes_only_its_own_fields():
    school = f.school()
    with pytest.raises(ValueError, match="version"):
        tree.save_profile(by=None, profile=school.software.profile, version=1, values={"version": 9})


def test_profile_blanks_are_not_zeros():
    profile = f.BranchProfileFactory(mobile_members=0, activists=None)
    assert profile.blanks() == ["入党积极分子"]
    assert profile.total_members == 20


def test_a_new_secretary_ends_the_post_of_the_one_before():
    school = f.school()
    first, second = f.PersonFactory(), f.PersonFactory()
    given = {"by": None, "branch": school.software, "post": Appointment.Post.SECRETARY}
    tree.appoint(**given, person=first, starts=PartialDate(2009, 9), on=APRIL)
    tree.appoint(**given, person=second, starts=PartialDate(2012, 5), on=MAY)
    held = Appointment.objects.filter(branch=school.software)
    assert list(held.on(MAY).values_list("person", flat=True)) == [second.pk]
    assert held.get(person=first).ends_on == MAY
    again = tree.appoint(**given, person=second, starts=PartialDate(2012, 4), on=MAY, duty="全面工作")
    assert held.count() == 2
    assert (str(again.starts), again.duty) == ("2012-04", "全面工作")


def test_ending_a_post_keeps_the_reason():
    post = f.AppointmentFactory()
    tree.end_appointment(by=None, appointment=post, on=MAY, reason="不胜任调整")
    post.refresh_from_db()
    assert (post.ends_on, post.end_reason) == (MAY, "不胜任调整")


def test_renaming_a_person_makes_new_initials():
    person = tree.add_person(by=None, name="单雄信")
    assert person.initials == "sxx"
    assert tree.edit_person(by=None, person=person, version=1, values={"name": "吴勇"}).initials == "wy"
    with pytest.raises(ConflictError):
        tree.edit_person(by=None, person=person, version=1, values={"title": "教授"})
