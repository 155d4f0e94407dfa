"""The demo's people to talk with: teachers, managers and classes of three 党总支, shared out by the rules."""

import datetime as dt
import random

from branches import clock, names
from branches.models import Account, Branch, Campaign, Person, Role, RoleGrant
from branches.scopes import Scope
from interviews.models import ClassGroup, FocusGroup, FocusMembership, PersonCategory, RosterEntry, VisitRule
from interviews.services import assignments, planning
from reporting.demo.world import GIVEN, SURNAMES

UNITS, TEACHERS, MANAGERS, CLASS_SIZE = 3, 8, 2, 20
CLASSES = (
    ("2010级汉语言文学1班", "2011级新闻学1班"),
    ("2010级思想政治教育班", "2011级历史学班"),
    ("2010级英语1班", "2011级日语班"),
)
SEED = 42


class _People:
    """Draws people and puts them into the roster of a campaign."""

    def __init__(self, campaign: Campaign) -> None:
        """Draw the same people every time."""
        self.rng, self.campaign, self.count = random.Random(SEED), campaign, 0  # noqa: S311  not a secret
        self.categories = {row.code: row for row in PersonCategory.objects.filter(campaign=campaign)}

    def draw(self, category: str, unit: Branch, group: ClassGroup | None = None) -> RosterEntry:
        """Return another person of a category."""
        self.count += 1
        name = self.rng.choice(SURNAMES) + self.rng.choice(GIVEN)
        student = category == "student"
        person = Person.objects.create(
            name=name, initials=names.initials(name), number=f"{'2010' if student else 'T'}{self.count:04d}",
            kind=Person.Kind.STUDENT if student else Person.Kind.STAFF, unit=unit, phone=f"1700001{self.count:04d}",
        )  # fmt: skip
        return self.enter(category, person, unit, group)

    def enter(self, category: str, person: Person, unit: Branch, group: ClassGroup | None = None) -> RosterEntry:
        """Put somebody into the roster."""
        row = self.categories[category]
        return RosterEntry.objects.create(
            campaign=self.campaign, person=person, category=row, kind=row.kind, unit=unit, class_group=group
        )


def build(root: Branch, campaign: Campaign, now: dt.datetime) -> Account:
    """Fill the roster and assign everybody by the rules; return the interviewer of the sign-in page."""
    office = _account(Role.OFFICE)
    planning.set_up(by=office, campaign=campaign, now=now)
    interviewer = _account(Role.INTERVIEWER)
    people = _People(campaign)
    units = Branch.objects.filter(level=Branch.Level.GENERAL_BRANCH).order_by("position")[:UNITS]
    for unit, classes in zip(units, CLASSES, strict=True):
        for _ in range(MANAGERS):
            people.draw("manager", unit)
        teachers = [people.draw("teacher", unit) for _ in range(TEACHERS)]
        if unit == units[0] and interviewer.person is not None:
            teachers.insert(0, people.enter("teacher", interviewer.person, unit))
        for tutor, name in zip(teachers, classes, strict=False):
            _fill_class(people, unit, name, tutor)
    VisitRule.objects.filter(campaign=campaign, visited__code="student").update(due_on=clock.today() + dt.timedelta(45))
    reach = Scope(frozenset({root.pk}), clock.today(), everything=True)
    assignments.run_rules(by=office, campaign=campaign, reach=reach, now=now)
    return interviewer


def _fill_class(people: _People, unit: Branch, name: str, tutor: RosterEntry) -> None:
    group = ClassGroup.objects.create(campaign=people.campaign, unit=unit, name=name, tutor=tutor)
    study = FocusGroup.objects.filter(campaign=people.campaign, code="study").first()
    for number in range(CLASS_SIZE):
        entry = people.draw("student", unit, group)
        if study is not None and number % 7 == 3:
            FocusMembership.objects.create(entry=entry, group=study)


def _account(role: Role) -> Account:
    """Return the first account that holds a role."""
    return RoleGrant.objects.filter(role=role).select_related("account__person").order_by("pk")[0].account
