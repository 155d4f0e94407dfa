"""Writing rules fast: what is typed while the form is drawn anew stays."""

import pytest
from django.urls import reverse

from branches.models import Role
from grading.models import Round
from tests.factories import grading as make
from tests.factories.branches import AccountFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("kept", [True, False], ids=["as shipped", "control: without the script"])
def test_typing_while_a_row_is_drawn_anew(browser_page, browse_as, kept):
    opened = make.opened_round()
    draft = Round.objects.get(state=Round.State.PREPARING)
    office = AccountFactory(role=Role.OFFICE, node=opened.school.root)
    if not kept:
        browser_page.route("**/js/rules*.js", lambda route: route.abort())
    browse_as(browser_page, office, reverse("rule-editor", args=[draft.pk, "sources"]))
    form = browser_page.locator("#rule-editor")
    names = form.locator("input[type=text][name$=name]")
    names.first.wait_for()
    slow = browser_page.locator("select[name$=giver]").first

    def late(route):
        names.nth(1).fill("民主测评")
        route.continue_()

    browser_page.route("**/rules/sources/", late)
    other = slow.evaluate("select => [...select.options].find(o => o.value && !o.selected).value")
    with browser_page.expect_response("**/rules/sources/"):
        slow.select_option(other)
    browser_page.wait_for_function("value => document.querySelector('select[name$=giver]').value === value", arg=other)
    browser_page.wait_for_timeout(400)
    assert (names.nth(1).input_value() == "民主测评") is kept
