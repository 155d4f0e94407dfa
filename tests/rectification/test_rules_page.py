"""The office changes what a campaign fixes about rectification: dates, the meeting, words."""

import datetime as dt

import pytest
from django.urls import reverse

from branches.models import AuditEntry
from rectification.forms.rules import RulesForm
from rectification.models import Category, RectificationRules
from rectification.services.settings import rules_of
from tests.rectification.plan_world import World
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]
world = shared(World)


@pytest.fixture
def page(world, signed_in):
    """Post the present rules with changes; return the answer."""
    client, url = signed_in(world.office), reverse("rectification-rules", args=[world.campaign.pk])

    def send(**changes):
        start = RulesForm.start(rules_of(world.campaign))
        data = {key: value for key, value in start.items() if value not in (None, False)}
        return client.post(url, data | changes)

    return send


def told(answer):
    return answer.context["form"].errors.get_json_data()


def messages(answer, field):
    return [row["message"] for row in told(answer)[field]]


def test_looking_at_rules_stores_nothing(world, signed_in):
    RectificationRules.objects.all().delete()
    url = reverse("rectification-rules", args=[world.campaign.pk])
    answer = signed_in(world.office).get(url)
    assert "取自预设" in answer.content.decode()
    assert not RectificationRules.objects.exists()


def test_dates_words_and_the_vote_are_saved_together(world, page):
    item = world.approved()
    answer = page(
        item_due_on="2013-01-15", vote_required="on", quorum="2/3", majority="", categories="抓书记强班子\n抓学风",
        vague_words="加强\n努力", digest_weekday="",
    )  # fmt: skip
    assert answer.status_code == 302
    rules = rules_of(world.campaign)
    assert (rules.item_due_on, rules.vote_required, rules.quorum_over, rules.quorum_of, rules.majority_of) == (
        dt.date(2013, 1, 15), True, 2, 3, None,
    )  # fmt: skip
    assert (rules.vague_words, rules.digest_weekday) == (["加强", "努力"], None)
    assert list(Category.objects.filter(campaign=world.campaign).values_list("name", "ordinal")) == [
        ("抓书记强班子", 1), ("抓学风", 2),
    ]  # fmt: skip
    fresh = world.fresh(item)
    assert (fresh.category, fresh.limit_on) == (world.category, dt.date(2013, 1, 15))
    assert AuditEntry.objects.filter(action="rectification.words").count() == 1


def test_a_category_in_use_stays(world, page):
    world.item()
    answer = page(categories="抓学风", item_due_on="2013-01-15")
    assert messages(answer, "categories") == ["“抓书记强班子”已有整改项目在用，不能删去。"]
    assert "抓学风" in answer.content.decode()
    assert rules_of(world.campaign).item_due_on == dt.date(2012, 12, 31)


def test_a_refused_date_leaves_the_words_as_they_were(world, page):
    world.approved(due_on=dt.date(2012, 12, 31))
    answer = page(categories="抓书记强班子\n抓学风", item_due_on="2012-11-30")
    assert messages(answer, "__all__") == ["有 1 项的完成时限晚于2012年11月30日，请先逐项调整时限。"]
    assert Category.objects.filter(campaign=world.campaign).count() == 1


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("quorum", "一半", "到会比例请写成 1/2 的样子，不要求就留空。"),
        ("quorum", "2/2", "到会比例的分子应小于分母。"),
        ("notice_pattern", "督{nobody}", "督办单编号只能用 {issuer}、{year}、{number}。"),
        ("notice_pattern", "督{year}", "督办单编号里要有 {number}。"),
        ("notice_pattern", "督{number.real}{year", "督办单编号只能用 {issuer}、{year}、{number}。"),
        ("plan_due_on", "2013-05-31", "方案完成期限不能晚于整改完成期限。"),
        ("dimensions", "甲\n甲", "对标内容里有重复的名称。"),
    ],
)
def test_what_does_not_fit_is_said(page, field, value, sentence):
    answer = page(**{field: value})
    assert answer.status_code == 422
    assert sentence in [row["message"] for rows in told(answer).values() for row in rows]


def test_an_old_version_is_not_written_over(world, page):
    assert page(at_risk_days=10).status_code == 302
    answer = page(at_risk_days=11, version=1)
    assert "规则刚被他人修改过" in messages(answer, "__all__")[0]
    assert rules_of(world.campaign).at_risk_days == 10
