"""Rubric maintenance in the admin site: one page, checked totals, publish, copy, and nothing published changes."""

from decimal import Decimal as D  # noqa: N817

import pytest
from django.urls import reverse

from branches import clock
from branches.models import AuditEntry, Role
from branches.versions import ConflictError
from grading.forms.rubrics import levels_text, parse_levels
from grading.models import Criterion, Rubric
from grading.services import rubrics
from grading.services.errors import RefusedError
from tests.factories.branches import holder, school
from tests.factories.grading import RubricFactory, campaign
from tests.worlds import shared

pytestmark = pytest.mark.db


tree = shared(school)


@pytest.fixture
def maintainer(client, tree):
    client.force_login(holder(Role.RUBRIC_MAINTAINER, tree.root))
    return client


def page(rubric=None, action="change"):
    return reverse(f"admin:grading_rubric_{action}", args=[rubric.pk] if rubric else [])


def posted(*items, sections=(("A", "领导班子好", 5),), edits=1, **header):
    """What the page sends; an item is (section, code, points) and more fields by name."""
    data = {
        "code": "teacher", "title": "教师党支部评分标准", "form_code": "附件2", "not_applicable": "total",
        "exceed": "none", "source": "", "edits": edits,
        "sections-TOTAL_FORMS": len(sections), "sections-INITIAL_FORMS": 0,
        "criteria-TOTAL_FORMS": len(items), "criteria-INITIAL_FORMS": 0,
    } | header  # fmt: skip
    for place, (code, name, points) in enumerate(sections):
        data |= {
            f"sections-{place}-ordinal": place + 1, f"sections-{place}-code": code,
            f"sections-{place}-name": name, f"sections-{place}-points": points,
        }  # fmt: skip
    for place, (section, code, points, *more) in enumerate(items):
        values = {
            "section_code": section, "ordinal": place + 1, "code": code, "text": f"内容{code}", "points": points,
            "kind": "points", "step": "0.5", "levels_text": "", "guidance": "", "figure": "",
        } | (more[0] if more else {})  # fmt: skip
        data |= {f"criteria-{place}-{name}": value for name, value in values.items()}
    return data


def test_a_rubric_is_written_on_one_page(maintainer):
    levels = {"kind": "levels", "levels_text": "健全=2；比较健全=1；不健全=0"}
    answer = maintainer.post(page(action="add"), posted(("A", "A1", 3), ("A", "A2", 2, levels)), follow=True)
    assert answer.status_code == 200
    rubric = Rubric.objects.get(code="teacher")
    assert [(item.code, item.points) for item in Criterion.objects.order_by("ordinal")] == [("A1", 3), ("A2", 2)]
    assert levels_text(Criterion.objects.get(code="A2")) == "健全=2；比较健全=1；不健全=0"
    assert (rubric.state, rubric.version) == ("draft", 1)
    assert "各部分合计 5 分，不是 100 分" in answer.content.decode()
    assert AuditEntry.objects.filter(action="rubric.items").exists()


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ((("A", "A1", 3), ("B", "B1", 2)), "上面没有编号为 B 的项目"),
        ((("A", "A1", 3), ("A", "A1", 2)), "条目编号 A1 重复"),
        ((("A", "A1", 5, {"kind": "levels"}),), "这种方式要写出各档得分"),
        ((("A", "A1", 5, {"kind": "levels", "levels_text": "很好"}),), "看不懂"),
        ((("A", "A1", 5, {"kind": "levels", "levels_text": "好=2；行=2"}),), "两个档次分数相同"),
        ((("A", "A1", 5, {"kind": "system", "levels_text": "好=5 ≥90"}),), "须指明取哪个数"),
    ],
)
def test_mistakes_are_told_beside_their_field_and_nothing_is_stored(maintainer, items, words):
    answer = maintainer.post(page(action="add"), posted(*items))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert Rubric.objects.count() == 0


def test_editing_rewrites_the_items_of_a_draft(maintainer):
    maintainer.post(page(action="add"), posted(("A", "A1", 3), ("A", "A2", 2)))
    rubric = Rubric.objects.get()
    assert "A2" in maintainer.get(page(rubric)).content.decode()
    maintainer.post(page(rubric), posted(("A", "A1", 1), ("A", "A9", 4), edits=1))
    assert list(Criterion.objects.order_by("ordinal").values_list("code", "points")) == [("A1", D(1)), ("A9", D(4))]
    assert Rubric.objects.get().edits == 2


def test_a_page_somebody_overtook_stores_nothing(maintainer):
    maintainer.post(page(action="add"), posted(("A", "A1", 5)))
    rubric = Rubric.objects.get()
    maintainer.post(page(rubric), posted(("A", "A1", 5), title="先改的"))
    answer = maintainer.post(page(rubric), posted(("A", "A2", 5), title="后改的", edits=1))
    assert "刚被他人修改过" in answer.content.decode()
    assert Rubric.objects.get().title == "先改的"


def test_publishing_checks_the_totals_and_freezes(maintainer):
    maintainer.post(page(action="add"), posted(("A", "A1", 3)))
    rubric = Rubric.objects.get()
    answer = maintainer.post(page(rubric, "publish"), follow=True)
    assert "“领导班子好”各条目合计 3 分，与本部分 5 分不符。" in answer.content.decode()
    maintainer.post(page(rubric), posted(("A", "A1", 5), edits=1))
    answer = maintainer.post(page(rubric, "publish"), follow=True)
    assert "此版本不再改动" in answer.content.decode()
    rubric.refresh_from_db()
    assert rubric.published
    shown = maintainer.get(page(rubric)).content.decode()
    assert "内容A1" in shown
    assert "确认发布" not in shown
    answer = maintainer.post(page(rubric), posted(("A", "A1", 4), edits=2, title="改"))
    assert answer.status_code == 403
    assert maintainer.post(page(rubric, "delete"), {"post": "yes"}).status_code == 403
    assert Criterion.objects.get().points == 5


def test_copying_makes_the_next_version_as_a_draft(maintainer, tree):
    campaign(tree.root)
    rubric = Rubric.objects.get(code="teacher-2012")
    maintainer.post(page(rubric, "copy"))
    fresh = Rubric.objects.get(code="teacher-2012", version=2)
    assert not fresh.published
    assert rubrics.items_of(fresh) == rubrics.items_of(rubric)


def test_a_draft_in_use_is_not_deleted(maintainer, tree):
    opened = campaign(tree.root)
    fresh = rubrics.copy_to_new_version(by=None, rubric=Rubric.objects.get(code="teacher-2012"))
    assert maintainer.post(page(fresh, "delete"), {"post": "yes"}).status_code == 302
    assert not Rubric.objects.filter(pk=fresh.pk).exists()
    fresh = rubrics.copy_to_new_version(by=None, rubric=Rubric.objects.get(code="teacher-2012"))
    opened.rounds.get(ordinal=1).rubrics.filter(category=tree.teachers).update(rubric=fresh)
    with pytest.raises(RefusedError, match="有轮次指定了"):
        rubrics.delete_draft(by=None, rubric=fresh)


def test_the_printed_form(maintainer, tree):
    campaign(tree.root)
    text = maintainer.get(page(Rubric.objects.get(code="teacher-2012"), "preview")).content.decode()
    for words in ("教师党支部分类定级评分参考标准", "附件2", "支委配备齐全", "小　计", "考评组长（签字）："):
        assert words in text


def test_only_maintainers_come_in(client, tree):
    rubric = RubricFactory()
    client.force_login(holder(Role.OFFICE, tree.root))
    assert client.get(page(rubric)).status_code == 403
    client.force_login(holder(Role.ADMINISTRATOR, tree.root))
    assert client.get(page(rubric)).status_code in (403, 404)
    assert client.post(page(rubric, "publish")).status_code == 404
    rubric.refresh_from_db()
    assert not rubric.published


def test_services_refuse_what_the_page_would_not_offer():
    rubric = RubricFactory()
    rubrics.write_items(rubric, [{"code": "A", "name": "甲", "points": 5,
                                  "criteria": [{"code": "A1", "text": "乙", "points": 5}]}])  # fmt: skip
    rubric = rubrics.publish(by=None, rubric=rubric, now=clock.now())
    for refused in (
        lambda: rubrics.publish(by=None, rubric=rubric, now=clock.now()),
        lambda: rubrics.save_draft(by=None, rubric=rubric, edits=1),
        lambda: rubrics.replace_items(by=None, rubric=rubric, sections=[]),
        lambda: rubrics.delete_draft(by=None, rubric=rubric),
    ):
        with pytest.raises(RefusedError):
            refused()
    fresh = rubrics.copy_to_new_version(by=None, rubric=rubric)
    with pytest.raises(ConflictError):
        rubrics.save_draft(by=None, rubric=fresh, edits=9)


@pytest.mark.unit
def test_typed_levels():
    assert parse_levels("95%以上=8 ≥95；其他=0") == [
        {"label": "95%以上", "points": "8", "minimum": "95"},
        {"label": "其他", "points": "0", "minimum": None},
    ]
