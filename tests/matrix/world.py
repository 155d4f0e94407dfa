"""The world the matrix walks in: a school with two 党总支, and one account per role.

software and algebra hang below maths, chinese and history below letters. Everybody who belongs to a branch belongs to
`software`, everybody of a 党总支 to `maths`; so for them software is *own*, algebra a *sibling*, and chinese
is of the *other* 党总支. `recused` is an officer of maths like `officer`, but 支委 of software.
"""

from dataclasses import dataclass

from branches.models import Account, Appointment, Branch, Role
from tests.factories.branches import AppointmentFactory, School, holder, school

RELATED = {"own": "software", "sibling": "algebra", "other": "chinese"}
RELATED_UNITS = {"own": "maths", "other": "letters"}

PLACES = {
    "office": (Role.OFFICE, "root"),
    "officer": (Role.GENERAL_BRANCH_OFFICER, "maths"),
    "recused": (Role.GENERAL_BRANCH_OFFICER, "maths"),
    "organiser": (Role.ORGANISER, "maths"),
    "secretary": (Role.SECRETARY, "software"),
    "clerk": (Role.CLERK, "software"),
    "leader": (Role.SCHOOL_LEADER, "root"),
    "inspector": (Role.INSPECTOR, "software"),
    "interviewer": (Role.INTERVIEWER, "maths"),
    "auditor": (Role.AUDITOR, "root"),
    "maintainer": (Role.RUBRIC_MAINTAINER, "root"),
    "administrator": (Role.ADMINISTRATOR, "root"),
}
ANONYMOUS = "anonymous"
ACCOUNTS = (*PLACES, ANONYMOUS)


@dataclass(frozen=True, slots=True)
class World:
    """The school and its accounts by the names used in the rows."""

    school: School
    accounts: dict[str, Account]

    def branch(self, relation: str) -> Branch:
        """Return the 党支部 that stands in `relation` (own, sibling, other) to the people of software."""
        return getattr(self.school, RELATED[relation])

    def unit(self, relation: str) -> Branch:
        """Return the 党总支 that stands in `relation` (own, other) to the people of maths."""
        return getattr(self.school, RELATED_UNITS[relation])


def make_world() -> World:
    """Make the school and one account per role."""
    tree = school()
    accounts = {
        name: holder(role, getattr(tree, place), username=f"matrix-{name}") for name, (role, place) in PLACES.items()
    }
    AppointmentFactory(branch=tree.software, person=accounts["secretary"].person)
    AppointmentFactory(branch=tree.software, person=accounts["recused"].person, post=Appointment.Post.COMMITTEE_MEMBER)
    return World(tree, accounts)
