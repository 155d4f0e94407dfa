"""One node: its page, its changes, its posts; and people's particulars."""

import datetime as dt

import pytest
from django.urls import reverse

from branches import clock
from branches.models import Appointment, AuditEntry, Branch, BranchProfile, Person, Role
from branches.partial_dates import PartialDate
from tests.factories.branches import (
    AppointmentFactory,
    BranchFactory,
    BranchProfileFactory,
    PersonFactory,
    holder,
    school,
)
from tests.worlds import shared

pytestmark = pytest.mark.django_db
TODAY = "2026-01-01"


tree = shared(school)


@pytest.fixture
def office(tree, signed_in):
    return signed_in(holder(Role.OFFICE, tree.root))


def place(tree, **changed):
    data = {
        "name": "软件工程系党支部", "short_name": "", "parent": tree.maths.pk, "category": tree.teachers.pk,
        "on": TODAY, "document_number": "清师党〔2026〕1号", "reason": "系名变更",
        "seen": tree.software.placements.get(ends_on=None).pk,
    }  # fmt: skip
    return data | changed


def newcomer(tree, **changed):
    data = {
        "level": "branch", "name": "数据科学党支部", "short_name": "", "code": "ZB900", "parent": tree.maths.pk,
        "category": tree.teachers.pk, "on": TODAY, "founded": "", "document_number": "", "reason": "",
    }  # fmt: skip
    return data | changed


# --- the page of a node ----------------------------------------------------------------------------------------------


def test_a_branch_shows_its_facts_and_names_the_blank_ones(tree, office):
    BranchProfileFactory(branch=tree.software, venue="")
    AppointmentFactory(branch=tree.software, person__name="林志远")
    page = office.get(reverse("branch", args=[tree.software.pk])).content.decode()
    for said in ("软件工程教研室党支部", "数学与计算机科学学院党总支", "林志远", "2005年9月", "党员总数", "未填"):
        assert said in page


def test_the_history_of_a_renamed_branch_is_shown_newest_first(tree, office):
    office.post(reverse("branch-place", args=[tree.software.pk]), place(tree))
    response = office.get(reverse("branch", args=[tree.software.pk]))
    assert [item.name for item in response.context["history"]] == ["软件工程系党支部", "软件工程教研室党支部"]
    assert response.context["history"][0].document_number == "清师党〔2026〕1号"


def test_only_those_who_may_see_the_audit_see_who_changed_what(tree, signed_in):
    url = reverse("branch", args=[tree.software.pk])
    assert signed_in(holder(Role.AUDITOR, tree.root)).get(url).context["log"] is not None
    assert signed_in(holder(Role.SECRETARY, tree.software)).get(url).context["log"] is None


def test_nobody_is_led_to_a_node_out_of_reach(tree, signed_in):
    url = reverse("branch", args=[tree.software.pk])
    above = reverse("branch", args=[tree.maths.pk])
    assert above in signed_in(holder(Role.GENERAL_BRANCH_OFFICER, tree.maths)).get(url).content.decode()
    assert above not in signed_in(holder(Role.SECRETARY, tree.software)).get(url).content.decode()


def test_a_dissolved_branch_stays_readable_for_the_office(tree, office):
    office.post(
        reverse("branch-dissolve", args=[tree.software.pk]), {"on": TODAY, "document_number": "", "reason": "合并"}
    )
    tree.software.refresh_from_db()
    assert tree.software.dissolved_on == dt.date(2026, 1, 1)
    page = office.get(reverse("branch", args=[tree.software.pk])).content.decode()
    assert "已撤销" in page
    assert reverse("branch-profile", args=[tree.software.pk]) not in page


# --- placing ---------------------------------------------------------------------------------------------------------


def test_a_rename_opens_a_new_placement_from_its_day(tree, office):
    response = office.post(reverse("branch-place", args=[tree.software.pk]), place(tree))
    assert response.url == reverse("branch", args=[tree.software.pk])
    rows = list(tree.software.placements.order_by("starts_on").values_list("name", "starts_on", "ends_on"))
    assert rows == [
        ("软件工程教研室党支部", dt.date(2000, 1, 1), dt.date(2026, 1, 1)),
        ("软件工程系党支部", dt.date(2026, 1, 1), None),
    ]


def test_a_move_under_another_unit_and_category(tree, office):
    data = place(tree, parent=tree.letters.pk, category=tree.students.pk)
    office.post(reverse("branch-place", args=[tree.software.pk]), data)
    now = tree.software.placements.get(ends_on=None)
    assert (now.parent_id, now.category_id) == (tree.letters.pk, tree.students.pk)


def test_a_name_taken_under_the_same_parent_is_refused_in_words(tree, office):
    data = place(tree, name="2010级数学党支部")
    response = office.post(reverse("branch-place", args=[tree.software.pk]), data)
    assert "同一上级下已有名为“2010级数学党支部”的党组织。" in response.content.decode()
    assert tree.software.placements.count() == 1


def test_a_place_changed_meanwhile_is_told_and_nothing_is_lost(tree, office):
    data = place(tree)
    office.post(reverse("branch-place", args=[tree.software.pk]), place(tree, name="软件党支部"))
    response = office.post(reverse("branch-place", args=[tree.software.pk]), data)
    text = response.content.decode()
    assert "刚刚已有人变更：现在是“软件党支部”" in text
    assert 'value="软件工程系党支部"' in text


def test_a_unit_is_never_offered_itself_or_its_own_children_as_parent(tree, office):
    lower = BranchFactory(level=Branch.Level.GENERAL_BRANCH, name="软件系党总支", parent=tree.maths)
    form = office.get(reverse("branch-place", args=[tree.maths.pk])).context["form"]
    offered = {pk for pk, _ in form.fields["parent"].choices if pk}
    assert offered == {tree.root.pk, tree.letters.pk}
    assert lower.pk not in offered


def test_a_parent_out_of_the_list_is_refused(tree, office):
    data = place(tree, parent=tree.algebra.pk)
    response = office.post(reverse("branch-place", args=[tree.software.pk]), data)
    assert "请在列表中选择上级党组织。" in response.content.decode()


def test_a_new_branch_has_a_placement_a_profile_and_an_entry(tree, office):
    response = office.post(reverse("branch-new"), newcomer(tree, founded="2025年12月"))
    made = Branch.objects.get(code="ZB900")
    assert response.url == reverse("branch", args=[made.pk])
    assert made.founded == PartialDate(2025, 12)
    assert made.placements.get().starts_on == dt.date(2026, 1, 1)
    assert BranchProfile.objects.filter(branch=made).exists()
    assert AuditEntry.objects.filter(branch=made, action="branch.set_up").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"code": "sj001"}, "编号“sj001”已被使用，请换一个。"),
        ({"category": ""}, "请选择支部类别，它决定使用哪一份评分参考标准。"),
        ({"name": ""}, "请填写全称。"),
        ({"founded": "去年"}, "请写成 2011-10 或 2011-10-16 这样的日期。"),
    ],
)
def test_a_new_branch_is_refused_in_words(tree, office, changed, said):
    response = office.post(reverse("branch-new"), newcomer(tree, **changed))
    assert said in response.content.decode()
    assert not Branch.objects.filter(code="ZB900").exists()


def test_a_unit_with_branches_is_not_dissolved(tree, office):
    response = office.post(reverse("branch-dissolve", args=[tree.maths.pk]), {"on": TODAY})
    assert "下面还有党组织，请先调整其隶属。" in response.content.decode()


def test_the_root_is_never_dissolved(tree, office):
    assert office.get(reverse("branch-dissolve", args=[tree.root.pk])).status_code == 404


# --- posts and people ------------------------------------------------------------------------------------------------


def test_a_new_secretary_ends_the_post_of_the_one_before_and_reopens_the_basics(tree, office):
    before = AppointmentFactory(branch=tree.software)
    BranchProfileFactory(branch=tree.software, confirmed_at=clock.now())
    successor = PersonFactory(name="郑文彬", unit=tree.software)
    url = f"{reverse('branch-appoint', args=[tree.software.pk])}?person={successor.pk}"
    data = {"post": "secretary", "starts": "2026年1月", "duty": "", "concurrent_post": "系主任", "on": TODAY}
    office.post(url, data)
    before.refresh_from_db()
    now = Appointment.objects.get(branch=tree.software, ends_on=None)
    assert (before.ends_on, before.end_reason) == (dt.date(2026, 1, 1), "换任")
    assert (now.person, now.starts, now.concurrent_post) == (successor, PartialDate(2026, 1), "系主任")
    assert BranchProfile.objects.get(branch=tree.software).confirmed_at is None


def test_a_person_nobody_knows_is_registered_while_appointing(tree, office):
    url = f"{reverse('branch-appoint', args=[tree.software.pk])}?new=单志远"
    data = {"post": "committee_member", "starts": "", "duty": "组织委员", "concurrent_post": "", "on": TODAY,
            "new-name": "单志远", "new-kind": "staff", "new-gender": "male"}  # fmt: skip
    office.post(url, data)
    person = Person.objects.get(name="单志远")
    assert (person.initials, person.unit_id) == ("szy", tree.software.pk)
    assert person.appointments.get().duty == "组织委员"


def test_people_are_proposed_for_an_appointment_while_typing(tree, office):
    PersonFactory(name="郑文彬", initials="zwb", unit=tree.chinese)
    url = reverse("branch-appoint", args=[tree.software.pk])
    part = office.get(url, {"q": "zwb"}, headers={"HX-Request": "true"}).content.decode()
    assert "郑文彬" in part
    assert "<html" not in part


def test_a_post_ends_with_a_reason(tree, office):
    post = AppointmentFactory(branch=tree.software)
    url = reverse("appointment-end", args=[post.pk])
    office.post(url, {"reason": ""})
    post.refresh_from_db()
    assert post.ends_on is None
    office.post(url, {"reason": "不胜任现职"})
    post.refresh_from_db()
    assert (post.ends_on, post.end_reason) == (clock.today(), "不胜任现职")


def person_data(person, **changed):
    data = {"name": person.name, "kind": person.kind, "gender": person.gender, "birth": str(person.birth or ""),
            "education": person.education, "title": person.title, "number": person.number or "", "phone": person.phone,
            "email": person.email, "initials": person.initials, "version": person.version}  # fmt: skip
    return data | changed


def test_two_people_who_edit_one_person_see_both_texts(tree, office):
    person = PersonFactory(unit=tree.software, phone="0595-1")
    url = reverse("person-edit", args=[person.pk])
    first, second = person_data(person, phone="0595-2"), person_data(person, phone="0595-3")
    assert office.post(url, first).status_code == 302
    conflict = office.post(url, second)
    assert conflict.status_code == 409
    (choice,) = conflict.context["choices"]
    assert (choice.label, choice.mine, choice.theirs) == ("联系电话", "0595-3", "0595-2")
    insisted = dict(conflict.context["keep"]) | {
        "version": conflict.context["version"],
        choice.name: choice.mine_posted,
    }
    assert office.post(url, insisted).status_code == 302
    person.refresh_from_db()
    assert person.phone == "0595-3"


def test_a_number_of_somebody_else_is_refused(tree, office):
    PersonFactory(number="20050012")
    person = PersonFactory(unit=tree.software)
    response = office.post(reverse("person-edit", args=[person.pk]), person_data(person, number="20050012"))
    assert "工号/学号“20050012”已登记给别人。" in response.content.decode()
