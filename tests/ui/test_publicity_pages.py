"""公示, objections and the review in a real browser: axe A and AA, no sideways scrolling, and on paper."""

import datetime as dt

import pytest
from django.urls import reverse

from branches import clock
from branches.models import Role
from grading.models import Objection
from grading.services import results
from tests.factories import grading as make
from tests.factories.branches import AccountFactory
from tests.factories.publicity import ObjectionFactory, PublicityLineFactory, PublicityNoticeFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world():
    """A round whose notice is up; the secretary objected, the office wrote another objection down."""
    opened = make.opened_round()
    make.fill(opened.unit("software"))
    results.compute_round(by=None, round_=opened.round, now=clock.now())
    started = clock.now() - dt.timedelta(hours=1)
    notice = PublicityNoticeFactory(round=opened.round, slug="ours", started_at=started, phone="0736-7186000")
    for number, name in enumerate(("software", "algebra", "chinese"), start=1):
        grade = opened.round.scale.grades.first()
        PublicityLineFactory(notice=notice, unit=opened.unit(name), ordinal=number, grade=grade)
    secretary = AccountFactory(role=Role.SECRETARY, node=opened.school.software)
    filed = ObjectionFactory(
        notice=notice, unit=opened.unit("algebra"), channel=Objection.Channel.LOGIN, filed_by=secretary
    )
    written = ObjectionFactory(notice=notice, unit=opened.unit("chinese"))
    office = AccountFactory(role=Role.OFFICE, node=opened.school.root)
    return {"round": opened.round.pk, "office": office, "secretary": secretary, "filed": filed, "written": written}


def addresses(world):
    """Return who looks at what."""
    round_ = [world["round"]]
    named = [("publicity", round_), ("objections", round_), ("objection-record", round_), ("review", round_)]
    office = [*named, ("objection", [world["written"].pk]), ("calendar", []), ("notice", ["ours"]), ("notices", [])]
    own = [("my-objections", []), ("objection", [world["filed"].pk]), ("object-to", ["ours"]), ("publicity", round_)]
    return [("office", reverse(n, args=a)) for n, a in office] + [("secretary", reverse(n, args=a)) for n, a in own]


def faults(page, browse_as, axe, world):
    width, found = page.viewport_size["width"], {}
    for who, url in addresses(world):
        browse_as(page, world[who], url)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if broken := axe(page) + ([f"{wide} px wide"] if wide > width else []):
            found[who, url] = broken
    return found


def test_at_a_desk(browser_page, browse_as, axe, world):
    assert faults(browser_page, browse_as, axe, world) == {}


def test_on_a_phone(phone_page, browse_as, axe, world):
    assert faults(phone_page, browse_as, axe, world) == {}


def test_a_notice_on_paper(browser_page, live_server, world):
    browser_page.goto(live_server.url + reverse("notice", args=["ours"]))
    browser_page.emulate_media(media="print")
    assert browser_page.get_by_role("link", name="登录提出异议").count() == 0
    assert browser_page.locator(".notice-sheet").is_visible()
    assert not browser_page.locator(".plain-head").is_visible()
    sheet = browser_page.locator(".notice-sheet").evaluate("e => getComputedStyle(e).borderTopWidth")
    assert sheet == "0px"
