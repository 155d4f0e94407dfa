"""评分标准和细则 as a branch reads them, before 自评 and after."""

from decimal import Decimal as D  # noqa: N817

import pytest
from django.urls import reverse

from branches import clock
from branches.models import Role
from branches.registries import home_items
from grading.models import Criterion, Round
from grading.services import guidance
from tests.factories.branches import holder
from tests.factories.grading import opened_round
from tests.grading.pages import page, text
from tests.worlds import shared

pytestmark = pytest.mark.once
grading = shared(opened_round)


def published(grading, round_):
    """Have 数学党总支 refine item A1 in a round that has not begun."""
    rubric = grading.unit("software").rubric
    item = Criterion.objects.get(section__rubric=rubric, code="A1")
    guidance.save(
        by=None, round_=round_, parent=grading.school.maths, criterion=item, text="以支部手册为准", mode="deductions",
        options=[guidance.Option("缺一次记录", D("0.5"))], edits=0, now=clock.now(),
    )  # fmt: skip
    guidance.publish(by=None, round_=round_, parent=grading.school.maths, now=clock.now())


def asked(signed_in, grading, round_, branch, query=""):
    client = signed_in(holder(Role.SECRETARY, getattr(grading.school, branch)))
    return client.get(reverse("criteria", args=[round_.pk]) + query)


def test_a_secretary_reads_what_the_superior_published_before_self_assessment(signed_in, grading):
    second = Round.objects.get(campaign=grading.round.campaign, ordinal=2)
    assert "党总支没有发布细则" in text(asked(signed_in, grading, second, "software"))
    published(grading, second)
    shown = text(asked(signed_in, grading, second, "software"))
    assert "党总支细则 1 条" in shown
    assert "以支部手册为准" in shown
    secretary = holder(Role.SECRETARY, grading.school.software)
    (told,) = [one for one in home_items(secretary, clock.now()) if "看评分标准" in one.title]
    assert (told.detail, told.url) == ("党总支已发布细则 1 条，自评时按它打分", reverse("criteria", args=[second.pk]))
    other = holder(Role.SECRETARY, grading.school.chinese)
    assert not [one for one in home_items(other, clock.now()) if "看评分标准" in one.title]
    assert "缺一次记录 扣 0.5 分" in shown
    assert "以支部手册为准" not in text(asked(signed_in, grading, second, "chinese"))


def test_only_branches_in_reach_are_read(signed_in, grading):
    assert asked(signed_in, grading, grading.round, "software").status_code == 200
    other = f"?branch={grading.school.chinese.pk}"
    assert asked(signed_in, grading, grading.round, "software", other).status_code == 404
    client = signed_in(holder(Role.SECRETARY, grading.school.software))
    assert (
        reverse("criteria", args=[grading.round.pk])
        in client.get(page("unit", grading.unit("software").pk)).content.decode()
    )
