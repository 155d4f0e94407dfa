"""Opening a campaign from the 2012 preset in the browser, with its dates adjusted."""

import datetime as dt

import pytest
import time_machine
from django.urls import reverse

from branches.models import AuditEntry, Branch, Campaign, Role
from grading.models import Preset, Round
from tests.factories.branches import AccountFactory, school

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(signed_in):
    tree = school()
    client = signed_in(AccountFactory(role=Role.OFFICE, node=tree.root))
    client.post(reverse("preset-load"), {"name": "2012"})
    return client


def data_of(form, **changes):
    return {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)} | changes


def open_form(client, query=""):
    answer = client.get(reverse("campaign-open") + query)
    assert answer.status_code == 200
    return answer.context["form"]


def test_without_a_preset_the_page_offers_those_that_come_with_the_product(signed_in):
    client = signed_in(AccountFactory(role=Role.OFFICE, node=school().root))
    assert "2012年基层组织建设年" in client.get(reverse("campaign-open")).content.decode()
    assert client.post(reverse("preset-load"), {"name": "../../etc"}).status_code == 404
    client.post(reverse("preset-load"), {"name": "2012"})
    assert Preset.objects.count() == 1


def test_the_notice_as_it_stands_opens_as_backfill(office):
    answer = office.post(reverse("campaign-open"), data_of(open_form(office)))
    campaign = Campaign.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == reverse("campaign", args=[campaign.pk])
    assert (campaign.name, campaign.year, campaign.backfill) == ("2012年基层组织建设年", 2012, True)
    assert (campaign.starts_on, campaign.ends_on) == (dt.date(2012, 3, 28), dt.date(2012, 12, 31))
    assert [stage.ordinal for stage in campaign.stages.all()] == [1, 2, 3, 4, 5, 6]
    assert campaign.stages.get(ordinal=1).deliverables.get(ordinal=1).due_on == dt.date(2012, 3, 29)
    assert Round.objects.filter(campaign=campaign).exists()
    assert AuditEntry.objects.filter(action="campaign.open").count() == 1


def test_another_shipped_notice_can_be_loaded_beside_the_first(office):
    page = office.get(reverse("campaign-open")).content.decode()
    assert "载入另一份自带的预设" in page
    assert "好、较好、一般、较差四级（满意率设门槛）" in page
    answer = office.post(reverse("preset-load"), {"name": "national-grades"}, follow=True)
    assert answer.context["preset"].code == "national-grades"
    assert answer.context["preset"].title not in dict(answer.context["shipped"]).values()


def test_in_its_own_time_a_campaign_is_no_backfill(office):
    with time_machine.travel(dt.datetime(2012, 3, 28, 1, tzinfo=dt.UTC), tick=False):
        office.force_login(
            AccountFactory(role=Role.OFFICE, node=Branch.objects.get(code="DW")), backend="branches.auth.AccountBackend"
        )
        office.post(reverse("campaign-open"), data_of(open_form(office)))
    assert Campaign.objects.get().backfill is False


def test_a_new_start_moves_every_date_and_each_may_be_adjusted(office):
    query = "?start=2027-03-29"
    form = open_form(office, query)
    assert form["name"].value() == "2027年基层组织建设年"
    assert form["stage_1_last"].value() == dt.date(2027, 3, 30)
    changes = {
        "stage_1_last": "2027-04-05",
        "due_101": "2027-04-04",
        "due_102": "",
        "document_number": "校党〔2027〕3号",
    }
    office.post(reverse("campaign-open") + query, data_of(form, **changes))
    campaign = Campaign.objects.get()
    first = campaign.stages.get(ordinal=1)
    assert (campaign.year, campaign.document_number, campaign.backfill) == (2027, "校党〔2027〕3号", False)
    assert (first.starts_on, first.ends_on) == (dt.date(2027, 3, 29), dt.date(2027, 4, 5))
    assert [one.due_on for one in first.deliverables.all()][:2] == [dt.date(2027, 4, 4), None]


def test_the_same_campaign_is_not_opened_twice_and_nothing_typed_is_lost(office):
    office.post(reverse("campaign-open"), data_of(open_form(office)))
    answer = office.post(reverse("campaign-open"), data_of(open_form(office), document_number="校党〔2012〕3号"))
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "2012年已有“2012年基层组织建设年”。" in html
    assert "校党〔2012〕3号" in html
    assert Campaign.objects.count() == 1


def test_dates_that_do_not_fit_are_named_and_nothing_is_opened(office):
    answer = office.post(reverse("campaign-open"), data_of(open_form(office), stage_2_last="2012-01-01"))
    assert answer.status_code == 422
    assert "结束日期早于开始日期" in answer.content.decode()
    assert not Campaign.objects.exists()


def test_only_the_office_opens_campaigns(signed_in):
    client = signed_in(AccountFactory(role=Role.SECRETARY, node=school().software))
    assert client.get(reverse("campaign-open")).status_code == 403
    assert client.post(reverse("preset-load"), {"name": "2012"}).status_code == 403
