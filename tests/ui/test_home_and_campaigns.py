"""The landing page of each role and the pages of a campaign."""

import datetime as dt

import pytest
import time_machine
from django.urls import reverse

from branches.models import AuditEntry, CampaignMember, Role
from branches.registries import home_items
from tests.factories import branches as make
from tests.worlds import shared

pytestmark = pytest.mark.django_db

OCTOBER = dt.datetime(2012, 10, 18, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _in_october():
    with time_machine.travel(OCTOBER, tick=False):
        yield


school = shared(make.school)


def account(role, node):
    return make.AccountFactory(role=role, node=node)


@pytest.fixture
def campaign(school):
    campaign = make.CampaignFactory(root=school.root)
    for number, (name, first, last) in enumerate(
        [
            ("制定方案、动员部署", dt.date(2012, 3, 1), dt.date(2012, 3, 29)),
            ("学习先进、创先争优", dt.date(2012, 6, 1), dt.date(2012, 10, 31)),
            ("考核总结、健全制度", dt.date(2012, 11, 1), dt.date(2012, 12, 31)),
        ],
        start=1,
    ):
        stage = make.StageFactory(campaign=campaign, ordinal=number, name=name, starts_on=first, ends_on=last)
        make.DeliverableFactory(stage=stage, ordinal=1, name=f"材料{number}", due_on=last)
    make.TargetFactory(campaign=campaign, name="先进、较好支部比例", value=80, unit="%")
    make.CampaignMemberFactory(campaign=campaign, name="郭少华", duty="组长")
    return campaign


def page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_home_needs_an_account(client):
    assert client.get("/").status_code == 302


def test_office_sees_stages_and_figures(signed_in, school, campaign):
    html = page(signed_in(account(Role.OFFICE, school.root)), "/")
    assert "等我办理" in html
    assert "第 2 阶段 学习先进、创先争优" in html
    assert "本阶段还剩 13 天" in html
    assert "<dt>党支部</dt>" in html


def test_secretary_lands_on_the_own_branch(signed_in, school, campaign):
    branch = school.software
    html = page(signed_in(account(Role.SECRETARY, branch)), "/")
    assert branch.name_on(dt.date(2012, 10, 18)) in html
    assert "补全支部基本情况" in html
    assert reverse("branch-profile", args=[branch.pk]) in html


def test_an_empty_system_says_where_to_begin(signed_in):
    root = make.BranchFactory(level="committee")
    html = page(signed_in(account(Role.OFFICE, root)), "/")
    assert "导入党支部名册" in html
    assert "还没有开展活动" in html


def test_home_items_are_sorted_by_deadline(school):
    branch = school.software
    make.BranchProfileFactory(branch=branch, term_ends="2012-11")
    titles = [(item.title, item.due) for item in home_items(account(Role.SECRETARY, branch), OCTOBER)]
    assert titles[0] == ("支部委员会任期将满，请按期换届", dt.date(2012, 11, 30))


def test_a_branch_sees_the_campaign_of_the_committee_above(signed_in, school, campaign):
    client = signed_in(account(Role.SECRETARY, school.software))
    assert campaign.name in page(client, reverse("campaigns"))
    html = page(client, reverse("campaign", args=[campaign.pk]))
    assert "材料2" in html
    assert "还剩 13 天" in html
    assert "先进、较好支部比例" in html
    assert "80%" in html
    assert "郭少华" in html
    assert "调整日期" not in html


def test_a_campaign_elsewhere_does_not_exist(signed_in, school):
    other = make.CampaignFactory(root=make.BranchFactory(level="committee"))
    client = signed_in(account(Role.SECRETARY, school.software))
    assert client.get(reverse("campaign", args=[other.pk])).status_code == 404


def test_a_past_campaign_counts_nothing_overdue(signed_in, school, campaign):
    campaign.backfill = True
    campaign.save()
    html = page(signed_in(account(Role.OFFICE, school.root)), reverse("campaign", args=[campaign.pk]))
    assert "历史补录" in html
    assert "逾期" not in html.replace("不计逾期", "")


def dates_of(campaign, **changes):
    data = {"version": campaign.version, "starts_on": "2012-03-01", "ends_on": "2012-12-31"}
    for stage in campaign.stages.all():
        data |= {f"stage_{stage.pk}_first": stage.starts_on, f"stage_{stage.pk}_last": stage.ends_on}
        for one in stage.deliverables.all():
            data[f"due_{one.pk}"] = one.due_on
    return data | changes


def test_office_adjusts_dates_and_the_change_is_audited(signed_in, school, campaign):
    client = signed_in(account(Role.OFFICE, school.root))
    stage = campaign.stages.get(ordinal=1)
    changes = {f"stage_{stage.pk}_last": "2012-04-10", f"due_{stage.deliverables.get().pk}": ""}
    answer = client.post(reverse("campaign-dates", args=[campaign.pk]), dates_of(campaign, **changes))
    assert answer.status_code == 302
    stage.refresh_from_db()
    assert stage.ends_on == dt.date(2012, 4, 10)
    assert stage.deliverables.get().due_on is None
    assert AuditEntry.objects.get().summary == f"调整“{campaign.name}”的日期"


def test_dates_that_do_not_fit_are_named(signed_in, school, campaign):
    client = signed_in(account(Role.OFFICE, school.root))
    stage = campaign.stages.get(ordinal=1)
    data = dates_of(campaign, **{f"stage_{stage.pk}_last": "2012-02-10"})
    answer = client.post(reverse("campaign-dates", args=[campaign.pk]), data)
    assert answer.status_code == 422
    assert "“制定方案、动员部署”的结束日期早于开始日期。" in answer.content.decode()
    data = dates_of(campaign, **{f"stage_{stage.pk}_last": "2013-02-10"})
    answer = client.post(reverse("campaign-dates", args=[campaign.pk]), data)
    assert "“制定方案、动员部署”超出了活动的起止日期。" in answer.content.decode()


def test_dates_saved_by_somebody_else_first_keep_what_was_typed(signed_in, school, campaign):
    client = signed_in(account(Role.OFFICE, school.root))
    data = dates_of(campaign, starts_on="2012-02-20")
    campaign.version = 2
    campaign.save()
    answer = client.post(reverse("campaign-dates", args=[campaign.pk]), data)
    assert answer.status_code == 409
    html = answer.content.decode()
    assert 'value="2012-02-20"' in html
    assert "其他人刚刚改过这个活动" in html


def test_members_are_typed_one_a_line(signed_in, school, campaign):
    client = signed_in(account(Role.OFFICE, school.root))
    url = reverse("campaign-members", args=[campaign.pk])
    answer = client.post(url, {"version": 1, "leading": "郭少华　组长\n\n陈丽华 副组长", "office": "叶淑贞"})
    assert answer.status_code == 422
    assert "领导小组办公室第 1 行“叶淑贞”缺职务" in answer.content.decode()
    answer = client.post(url, {"version": 1, "leading": "郭少华　组长\n\n陈丽华 副组长", "office": "叶淑贞 主任"})
    assert answer.status_code == 302
    people = CampaignMember.objects.values_list("group", "ordinal", "name", "duty")
    assert list(people) == [
        ("leading", 1, "郭少华", "组长"),
        ("leading", 2, "陈丽华", "副组长"),
        ("office", 1, "叶淑贞", "主任"),
    ]


@pytest.mark.parametrize("name", ["campaign-dates", "campaign-members"])
def test_only_the_office_changes_a_campaign(signed_in, school, campaign, name):
    client = signed_in(account(Role.SECRETARY, school.software))
    assert client.get(reverse(name, args=[campaign.pk])).status_code == 403
