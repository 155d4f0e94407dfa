"""Rubrics, 细则 and every kind of item in a real browser: sums while typing, the dock, phones, accessibility."""

import pytest
from django.urls import reverse

from branches import clock
from branches.models import Role
from grading.models import LocalGuidance, Round, Rubric, Score
from grading.services import rubrics
from tests.factories import grading as make
from tests.factories.branches import AccountFactory
from tests.factories.guidance import LocalGuidanceFactory, TrainingFactory
from tests.factories.kinds import rubric_of_all_kinds, score_by
from tests.grading.pages import item
from tests.worlds import shared

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def kinds():
    made = make.opened_round()
    made.units[made.unit("software").code] = unit = score_by(made.unit("software"), rubric_of_all_kinds())
    LocalGuidanceFactory(
        round=made.round, parent=unit.parent, criterion=item(unit, "A1"), mode="deductions",
        options=[{"label": "缺一名支委", "points": "2.5"}], state=LocalGuidance.State.PUBLISHED,
        published_at=clock.now(),
    )  # fmt: skip
    TrainingFactory(branch=unit.branch, held_on=made.round.ends_on or made.round.campaign.ends_on)
    copy = rubrics.copy_to_new_version(by=None, rubric=Rubric.objects.get(code="kinds"))
    copy.sections.get(code="A").criteria.filter(code="A1").update(text="支委分工写进文件")
    return made


graded = shared(kinds)


@pytest.fixture
def unit(graded):
    return graded.unit("software")


def test_sums_follow_every_kind_while_typing(browser_page, browse_as, graded, unit):
    secretary = AccountFactory(role=Role.SECRETARY, node=graded.school.software)
    browse_as(browser_page, secretary, reverse("self-assessment", args=[unit.pk]))

    def count(code, number, value):
        browser_page.fill(f"[name='count-{item(unit, code).pk}-{number}']", value)

    def total():
        return browser_page.locator(".stickybar [data-tally-sum='all']").inner_text()

    assert total() == "10.0"  # the 培训率: 18 of 20 are 90 %
    count("A1", 0, "1")
    assert total() == "17.5"  # + 10 − 2.5
    count("A3", 0, "9")
    assert total() == "17.5"  # 10 − 18 is nothing: 扣完为止
    count("A3", 0, "2")
    assert total() == "23.5"
    browser_page.select_option(f"[name='points-{item(unit, 'A2').pk}']", label="比较健全（6 分）")
    assert total() == "29.5"
    count("B4", 1, "9")
    assert total() == "32.5"  # at most 3
    browser_page.fill(f"[name='points-{item(unit, 'B1').pk}']", "1.5")
    assert total() == "36.0"  # 5 − 1.5
    browser_page.get_by_role("button", name="保存", exact=True).click()
    browser_page.get_by_text("支部自评已保存").wait_for()
    assert total() == "36.0"
    assert Score.objects.get(assessment__unit=unit, criterion__code="A3").points == 4


def test_the_dock_counts_and_chooses(browser_page, browse_as, graded, unit):
    Round.objects.filter(pk=graded.round.pk).update(state=Round.State.SCORING)
    officer = AccountFactory(role=Role.GENERAL_BRANCH_OFFICER, node=graded.school.maths)
    browse_as(browser_page, officer, reverse("scoring-grid", args=[graded.round.pk]))
    browser_page.locator(f"#row-{unit.pk} input.sum").first.focus()
    field = browser_page.get_by_label("A3 少开一次 次数")
    field.fill("1")
    field.press("Enter")
    browser_page.locator(f"#dock-item-{item(unit, 'A3').pk}").get_by_text("得 8.0").wait_for()
    beside = browser_page.get_by_label("A3 记录不全 次数")
    beside.fill("3")
    beside.press("Enter")
    browser_page.locator(f"#dock-item-{item(unit, 'A3').pk}").get_by_text("得 5.0").wait_for()
    browser_page.locator("#dock select").select_option(label="比较健全 6.0")
    browser_page.locator(f"#dock-cell-{unit.pk}-{unit.rubric.sections.get(code='A').pk}").get_by_text("11.0").wait_for()


@pytest.fixture
def pages(graded, unit):
    draft = Rubric.objects.get(code="kinds", version=2)
    item_page = [graded.round.pk, unit.parent_id, item(unit, "A1").pk]
    return {
        Role.RUBRIC_MAINTAINER: (
            reverse("rubrics"), reverse("rubric", args=[draft.pk]), reverse("rubric-compare", args=[draft.pk]),
            reverse("rubric-import"),
        ),
        Role.OFFICE: (
            reverse("rubrics"), reverse("guidance", args=[graded.round.pk]), reverse("guidance-edit", args=item_page),
            reverse("scoring-grid", args=[graded.round.pk]),
        ),
        Role.SECRETARY: (reverse("self-assessment", args=[unit.pk]), reverse("trainings", args=[unit.pk])),
    }  # fmt: skip


@pytest.mark.parametrize("role", [Role.RUBRIC_MAINTAINER, Role.OFFICE, Role.SECRETARY])
@pytest.mark.parametrize("screen", ["browser_page", "phone_page"])
def test_pages_are_for_everybody(request, browse_as, axe, graded, pages, role, screen):
    page = request.getfixturevalue(screen)
    node = graded.school.software if role == Role.SECRETARY else graded.school.root
    account = AccountFactory(role=role, node=node)
    found = {}
    for url in pages[role]:
        browse_as(page, account, url)
        wide = page.evaluate("document.documentElement.scrollWidth")
        broken = axe(page) + ([f"{wide} px wide"] if wide > page.viewport_size["width"] else [])
        if broken:
            found[url] = broken
    assert found == {}
