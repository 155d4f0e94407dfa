"""What the database itself refuses, constraint by constraint; the list is checked against the models."""

import datetime as dt

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from branches import models
from branches.partial_dates import PartialDate
from tests.factories import branches as f
from tests.factories.publicity import CalendarDayFactory, CalendarYearFactory

DAY = dt.date(2012, 4, 1)
BEFORE = dt.date(2012, 3, 1)


def twice(factory, **given):
    factory(**given)
    factory(**given)


def own_parent():
    branch = node()
    f.PlacementFactory(branch=branch, parent=branch)


def own_successor():
    branch = node()
    f.SuccessionFactory(predecessor=branch, successor=branch)


def placed_twice(*spans):
    branch = node()
    for starts_on, ends_on in spans:
        f.PlacementFactory(branch=branch, starts_on=starts_on, ends_on=ends_on)


def moment(day):
    return dt.datetime(2012, 4, day, tzinfo=dt.UTC)


def node():
    return f.BranchFactory(placed=False)


def violations():
    return {
        "branch_level_known": lambda: f.BranchFactory(level="department", placed=False),
        "branch_code_not_empty": lambda: f.BranchFactory(code="", placed=False),
        "placement_ends_after_start": lambda: f.PlacementFactory(starts_on=DAY, ends_on=DAY),
        "placement_not_own_parent": own_parent,
        "placement_name_not_empty": lambda: f.PlacementFactory(name=""),
        "placement_one_open_per_branch": lambda: placed_twice((BEFORE, None), (DAY, None)),
        "placement_one_start_per_day": lambda: placed_twice((BEFORE, DAY), (BEFORE, None)),
        "placement_name_unique_under_parent": lambda: twice(f.PlacementFactory, parent=f.BranchFactory(), name="同名"),
        "succession_once": lambda: twice(f.SuccessionFactory, predecessor=node(), successor=node()),
        "succession_two_branches": own_successor,
        "profile_funds_not_negative": lambda: f.BranchProfileFactory(annual_funds=-1),
        "profile_mobile_within_members": lambda: f.BranchProfileFactory(
            full_members=3, probationary_members=1, mobile_members=5
        ),
        "person_name_not_empty": lambda: f.PersonFactory(name=""),
        "person_number_null_not_empty": lambda: f.PersonFactory(number=""),
        "account_username_not_empty": lambda: f.AccountFactory(username=""),
        "identity_once": lambda: twice(f.ExternalIdentityFactory, subject="one"),
        "code_expires_after_issue": lambda: f.ActivationCodeFactory(issued_at=moment(2), expires_at=moment(2)),
        "grant_ends_after_start": lambda: f.RoleGrantFactory(starts_on=DAY, ends_on=BEFORE),
        "grant_role_known": lambda: f.RoleGrantFactory(role="emperor"),
        "grant_one_open": lambda: twice(f.RoleGrantFactory, account=f.AccountFactory(), node=node()),
        "appointment_one_secretary": lambda: twice(f.AppointmentFactory, branch=node()),
        "appointment_one_open": lambda: twice(
            f.AppointmentFactory, branch=node(), person=f.PersonFactory(), post="committee_member"
        ),
        "appointment_post_known": lambda: f.AppointmentFactory(post="chairman"),
        "campaign_once_a_year": lambda: twice(f.CampaignFactory, root=node()),
        "campaign_ends_after_start": lambda: f.CampaignFactory(starts_on=DAY, ends_on=BEFORE),
        "stage_ordinal_once": lambda: twice(f.StageFactory, campaign=f.CampaignFactory(), ordinal=1),
        "stage_ends_after_start": lambda: f.StageFactory(starts_on=DAY, ends_on=BEFORE),
        "deliverable_ordinal_once": lambda: twice(f.DeliverableFactory, stage=f.StageFactory(), ordinal=1),
        "target_code_once": lambda: twice(f.TargetFactory, campaign=f.CampaignFactory(), code="one"),
        "member_ordinal_once": lambda: twice(f.CampaignMemberFactory, campaign=f.CampaignFactory(), ordinal=1),
        "draft_once": lambda: twice(f.DraftFactory, account=f.AccountFactory(), key="one"),
        "upload_end_with_state": lambda: f.UploadFactory(state="done", finished_at=None),
        "header_word_once": lambda: twice(f.HeaderWordFactory, word="支部"),
        "calendar_year_sensible": lambda: CalendarYearFactory(year=1999),
        "calendar_year_names_document": lambda: CalendarYearFactory(document=""),
        "calendar_day_has_name": lambda: CalendarDayFactory(name=""),
    }


REFUSED = violations()


@pytest.mark.db
@pytest.mark.parametrize("name", REFUSED)
def test_database_refuses(name):
    with pytest.raises(IntegrityError), transaction.atomic():
        REFUSED[name]()


@pytest.mark.unit
def test_every_constraint_is_here():
    declared = {c.name for model in apps.get_app_config("branches").get_models() for c in model._meta.constraints}
    assert declared == set(REFUSED)


@pytest.mark.db
def test_code_number_and_login_name_are_unique():
    branch, person, account = f.BranchFactory(), f.PersonFactory(), f.AccountFactory()
    for again in (
        lambda: f.BranchFactory(code=branch.code, placed=False),
        lambda: f.PersonFactory(number=person.number),
        lambda: f.AccountFactory(username=account.username),
        lambda: f.AccountFactory(person=account.person),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            again()
    assert f.PersonFactory(number=None).pk != f.PersonFactory(number=None).pk


@pytest.mark.db
def test_partial_dates_are_stored_as_sortable_text():
    for text in ("2011-11", "2011-10-16", "2011-10"):
        f.PersonFactory(birth=PartialDate.parse(text))
    found = [str(person.birth) for person in models.Person.objects.order_by("birth")]
    assert found == ["2011-10", "2011-10-16", "2011-11"]
    assert models.Person.objects.filter(birth__lt=PartialDate(2011, 11)).count() == 2
