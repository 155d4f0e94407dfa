"""What waits for people in appraisals on the landing page."""

import datetime as dt

import pytest
from django.urls import reverse

from branches import clock
from branches.models import Campaign, Role
from branches.registries import home_items
from grading.models import BallotBox, Source
from grading.services import ballots, paper_counts
from grading.services.sources import CountInput
from tests.factories.branches import holder
from tests.grading.ballot_boxes import box_of, open_of, world
from tests.grading.pages import recused_officer
from tests.worlds import shared

pytestmark = pytest.mark.once


@shared
def grading():
    """A round that reminds people: 历史补录 reminds nobody."""
    made = world()
    Campaign.objects.update(backfill=False)
    return made


def waiting(account, word):
    return [item for item in home_items(account, clock.now()) if word in item.title]


def officer(grading, place):
    return holder(Role.GENERAL_BRANCH_OFFICER, getattr(grading.school, place))


def test_boxes_to_open_wait_for_those_who_reach_the_branch(grading):
    box, _, _ = box_of(grading)
    (item,) = waiting(grading.office, "开始评议")
    assert item.detail == "1 个支部已设箱，1 个已印评议码"
    assert item.url == reverse("ballots", args=[grading.round.pk])
    assert len(waiting(officer(grading, "maths"), "开始评议")) == 1
    for other in (
        officer(grading, "letters"),
        holder(Role.SECRETARY, box.unit.branch),
        recused_officer(grading.school),
    ):
        assert waiting(other, "评议") == []
    Campaign.objects.update(backfill=True)
    assert waiting(grading.office, "开始评议") == []


def test_an_open_box_waits_with_its_deadline(grading):
    at = clock.now() + dt.timedelta(days=2)
    box, _ = open_of(grading, closes_at=at)
    (item,) = waiting(grading.office, "群众评议")
    assert (item.detail, item.due) == ("1 个支部正在评议，到时自动结束", at.date())
    BallotBox.objects.filter(pk=box.pk).update(closes_at=None)
    (item,) = waiting(grading.office, "群众评议")
    assert (item.detail, item.due) == ("1 个支部正在评议，1 个要手工结束", None)
    ballots.close_box(by=grading.office, box=box, now=clock.now())
    assert waiting(grading.office, "群众评议") == []
    BallotBox.objects.filter(pk=box.pk).update(error="服务器上没有这个评议箱的密钥。")
    (item,) = waiting(grading.office, "没能开箱")
    assert item.url == reverse("ballot-box", args=[box.pk])


def test_counts_wait_for_a_second_person_then_for_both_when_they_differ(grading):
    source, unit = grading.source("appraisal"), grading.unit("software")
    Source.objects.filter(pk=source.pk).update(double_entry=True)
    source.refresh_from_db()

    def enter(by, satisfied):
        row = CountInput(unit, 30, 29, satisfied, {"satisfied": satisfied})
        paper_counts.enter(by=by, source=source, rows=[row], now=clock.now())

    enter(grading.office, 28)
    assert waiting(grading.office, "票数") == []
    (item,) = waiting(grading.deputy, "票数等第二个人录入")
    assert item.url == reverse("unit-sources", args=[unit.pk])
    enter(grading.deputy, 27)
    for account in (grading.office, grading.deputy):
        assert len(waiting(account, "票数两人录入的不一致")) == 1
    enter(grading.deputy, 28)
    for account in (grading.office, grading.deputy):
        assert waiting(account, "票数") == []
