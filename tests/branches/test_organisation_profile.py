"""支部基本情况: prefilled, checked, saved whole, confirmed by one click, never lost."""

from decimal import Decimal

import pytest
from django.urls import reverse

from branches import basics, drafts
from branches.models import Appointment, AuditEntry, BranchProfile, Draft, Role
from branches.partial_dates import PartialDate
from tests.factories.branches import AppointmentFactory, BranchProfileFactory, PersonFactory, holder, school
from tests.worlds import shared

pytestmark = pytest.mark.django_db


@shared
def tree():
    tree = school()
    AppointmentFactory(branch=tree.software, person=PersonFactory(name="林志远", title="讲师", unit=tree.software))
    return tree


@pytest.fixture
def secretary(tree, signed_in):
    return signed_in(holder(Role.SECRETARY, tree.software))


def url(tree):
    return reverse("branch-profile", args=[tree.software.pk])


def filled(client, tree, **changed):
    """Return what the form would post unchanged, with some changes."""
    form = client.get(url(tree)).context["form"]
    data = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else str(value) for name, value in data.items()} | changed


def test_the_form_is_prefilled_from_the_records(tree, secretary):
    BranchProfileFactory(branch=tree.software, full_members=18, probationary_members=2)
    data = filled(secretary, tree)
    assert (data["full_members"], data["probationary_members"], data["title"]) == ("18", "2", "讲师")
    assert data["founded"] == "2005-09"


def test_an_empty_committee_is_proposed_from_the_posts(tree, secretary):
    member = PersonFactory(name="陈丽华")
    AppointmentFactory(branch=tree.software, person=member, post="committee_member", duty="组织委员")
    assert filled(secretary, tree)["committee"] == "支委2人：书记林志远；组织委员陈丽华"


def test_saving_writes_profile_secretary_and_branch_together(tree, secretary):
    data = filled(
        secretary, tree, full_members="１８", probationary_members="2", women="8", title="副教授", birth="1975年3月",
        since="2011.10", founded="2004年9月", venue="理工楼305", annual_funds="3600.5", term_ends="2014年10月",
    )  # fmt: skip
    assert secretary.post(url(tree), data).status_code == 302
    now = basics.read(type(tree.software).objects.get(pk=tree.software.pk))
    assert (now.profile.full_members, now.profile.women, now.profile.annual_funds) == (18, 8, Decimal("3600.50"))
    assert (now.secretary.person.title, now.secretary.person.birth) == ("副教授", PartialDate(1975, 3))
    assert (now.secretary.starts, now.branch.founded) == (PartialDate(2011, 10), PartialDate(2004, 9))
    assert now.profile.confirmed_at is None


def test_one_click_confirms_and_a_later_change_reopens(tree, secretary):
    secretary.post(url(tree), filled(secretary, tree) | {"confirm": "1"})
    assert BranchProfile.objects.get(branch=tree.software).confirmed_at is not None
    assert AuditEntry.objects.filter(branch=tree.software, action="profile.confirm").count() == 1
    secretary.post(url(tree), filled(secretary, tree, venue="理工楼306"))
    assert BranchProfile.objects.get(branch=tree.software).confirmed_at is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"women": "21"}, "女党员多于党员总数（20 人）。"),
        ({"mobile_members": "25"}, "流动党员多于党员总数（20 人）。"),
        ({"staff_members": "15", "student_members": "6"}, "教工党员与学生党员之和多于党员总数（20 人）。"),
        ({"activists": "-1"}, "入党积极分子不能小于 0。"),
        ({"women": "八"}, "女党员请填数字。"),
        ({"last_election": "2012年3月", "term_ends": "2011年3月"}, "届满时间应在最近换届时间之后。"),
        ({"annual_funds": "-1"}, "年度活动经费不能小于 0。"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_kept_on_the_page(tree, secretary, changed, said):
    BranchProfileFactory(branch=tree.software, full_members=18, probationary_members=2, staff_members=None)
    data = filled(secretary, tree, **{"venue": "新场所", **changed})
    text = secretary.post(url(tree), data).content.decode()
    assert said in text
    assert 'value="新场所"' in text
    assert BranchProfile.objects.get(branch=tree.software).venue == "理工楼305"


def test_two_who_save_at_once_see_both_texts_and_choose(tree, secretary):
    first = filled(secretary, tree, venue="理工楼305", last_election="2011年10月", gender="female")
    second = filled(secretary, tree, venue="文科楼101", women="8", gender="male")
    secretary.post(url(tree), first)
    conflict = secretary.post(url(tree), second)
    assert conflict.status_code == 409
    choices = {choice.name: choice for choice in conflict.context["choices"]}
    assert {name: (choice.mine, choice.theirs) for name, choice in choices.items()} == {
        "gender": ("男", "女"), "last_election": ("", "2011年10月"), "women": ("8", ""),
        "venue": ("文科楼101", "理工楼305"),
    }  # fmt: skip
    assert [name for name, choice in choices.items() if not choice.prefers_mine] == ["last_election"]
    profile = BranchProfile.objects.get(branch=tree.software)
    assert (profile.venue, profile.women) == ("理工楼305", None)
    data = dict(conflict.context["keep"]) | {"version": conflict.context["version"]}
    data |= {name: c.mine_posted if c.prefers_mine else c.theirs_posted for name, c in choices.items()}
    assert secretary.post(url(tree), data).status_code == 302
    profile.refresh_from_db()
    assert (profile.venue, profile.women, profile.last_election) == ("文科楼101", 8, PartialDate(2011, 10))


def test_a_secretary_changed_meanwhile_is_a_conflict_too(tree, secretary):
    data = filled(secretary, tree, title="教授")
    Appointment.objects.filter(branch=tree.software).update(ends_on="2012-05-01")
    successor = PersonFactory(title="助教")
    AppointmentFactory(branch=tree.software, person=successor)
    assert secretary.post(url(tree), data).status_code == 409
    successor.refresh_from_db()
    assert successor.title == "助教"


def test_a_draft_is_offered_and_goes_once_saved(tree, signed_in):
    account = holder(Role.SECRETARY, tree.software)
    client = signed_in(account)
    drafts.save(
        account=account, form="profile", key=str(tree.software.pk), sequence=3, base_version=1, data={"venue": "草稿楼"}
    )
    page = client.get(url(tree)).content.decode()
    assert "data-draft-data" in page
    assert 'data-draft-sequence="3"' in page
    client.post(url(tree), filled(client, tree))
    assert not Draft.objects.exists()


def test_without_a_secretary_the_rest_can_be_filled(tree, secretary):
    Appointment.objects.all().delete()
    data = filled(secretary, tree, venue="理工楼305")
    assert "title" not in data
    assert secretary.post(url(tree), data).status_code == 302


def test_a_general_branch_has_no_basics_page(tree, signed_in):
    client = signed_in(holder(Role.OFFICE, tree.root))
    assert client.get(reverse("branch-profile", args=[tree.maths.pk])).status_code == 404


def test_every_blank_is_listed_with_a_link_to_its_field(tree, secretary):
    response = secretary.get(url(tree))
    labels = [fact.label for fact in response.context["blanks"]]
    assert labels == [
        "支委人数及分工", "最近换届时间", "届满时间", "正式党员", "预备党员", "女党员", "35岁以下", "教工党员",
        "学生党员", "流动党员", "入党积极分子", "当年发展党员", "固定活动场所", "年度活动经费（元）",
    ]  # fmt: skip
    for fact in response.context["blanks"]:
        assert f'href="#id_{fact.field}"' in response.content.decode()
