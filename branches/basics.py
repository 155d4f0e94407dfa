"""支部基本情况: every fact 附件4 prints about a branch itself, gathered once for the detail page and the form."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from branches import wording
from branches.models import Appointment, Branch, BranchProfile, Person
from branches.partial_dates import PartialDate

POST_ORDER = {Appointment.Post.SECRETARY: 0, Appointment.Post.DEPUTY: 1, Appointment.Post.COMMITTEE_MEMBER: 2}


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: the name of its form field, its label, and how it is said; `value` is "" while unknown."""

    field: str
    label: str
    value: str
    needed: bool = True

    @property
    def blank(self) -> bool:
        """Whether 附件4 would print an empty cell."""
        return self.needed and not self.value


@dataclass(frozen=True, slots=True)
class Basics:
    """The rows behind 支部基本情况, read together."""

    branch: Branch
    profile: BranchProfile
    posts: tuple[Appointment, ...]

    @property
    def secretary(self) -> Appointment | None:
        """The present 书记's post."""
        return next((post for post in self.posts if post.post == Appointment.Post.SECRETARY), None)

    @property
    def version(self) -> str:
        """The versions of profile, secretary and branch that a form shows, as one token."""
        person = self.secretary.person if self.secretary else None
        whose = f"{person.pk}-{person.version}" if person else "0"
        return f"{self.profile.version}.{whose}.{self.branch.version}"

    def groups(self) -> list[tuple[str, list[Fact]]]:
        """Return the facts under their headings, in the order of 附件4."""
        return [
            ("支部", [Fact("founded", "成立时间", said(self.branch.founded))]),
            ("支部书记", list(self._secretary())),
            ("班子与任期", list(self._profile("committee", "last_election", "term_ends"))),
            ("党员队伍", [self._total(), *self._profile(*BranchProfile.COUNTS)]),
            ("阵地与经费", list(self._profile("venue", "annual_funds"))),
        ]

    def facts(self) -> Iterator[Fact]:
        """Yield all facts in order."""
        for _, facts in self.groups():
            yield from facts

    def blanks(self) -> list[Fact]:
        """Return the facts that are still empty."""
        return [fact for fact in self.facts() if fact.blank]

    def _secretary(self) -> Iterator[Fact]:
        post = self.secretary
        person = post.person if post else Person()
        yield Fact("secretary", "姓名", person.name)
        yield Fact("gender", "性别", person.get_gender_display() if person.gender else "")
        for field in ("birth", "education", "title"):
            yield Fact(field, str(Person._meta.get_field(field).verbose_name), said(getattr(person, field)))
        yield Fact("since", "任职时间", said(post.starts) if post else "")
        yield Fact("phone", "联系电话", person.phone)

    def _total(self) -> Fact:
        return Fact("total", "党员总数", said(self.profile.total_members), needed=False)

    def _profile(self, *fields: str) -> Iterator[Fact]:
        for field in fields:
            yield Fact(
                field, str(BranchProfile._meta.get_field(field).verbose_name), said(getattr(self.profile, field))
            )


def said(value: Any) -> str:
    """Say a value as pages do: 2011年10月, 1200, 3600.00; "" for a blank, never for zero."""
    if value is None:
        return ""
    if isinstance(value, PartialDate):
        return value.zh()
    if isinstance(value, Decimal):
        return wording.fixed(value, 2)
    return str(value)


def posts_of(branch: Branch) -> tuple[Appointment, ...]:
    """Return the posts held in a branch now, the secretary first."""
    held = branch.appointments.filter(ends_on__isnull=True).select_related("person")
    return tuple(sorted(held, key=lambda post: (POST_ORDER[Appointment.Post(post.post)], post.pk)))


def read(branch: Branch) -> Basics:
    """Read the basics of a branch; a branch without a profile row gets an empty one in memory."""
    profile = BranchProfile.objects.filter(branch=branch).select_related("confirmed_by__person").first()
    return Basics(branch, profile or BranchProfile(branch=branch), posts_of(branch))


def committee_words(posts: tuple[Appointment, ...]) -> str:
    """Say the committee as 附件4 does, from the posts held: 支委3人：书记张三；组织委员李四 …; "" below two."""
    if len(posts) < 2:
        return ""
    parts = [f"{post.duty or post.get_post_display()}{post.person.name}" for post in posts]
    return f"支委{len(posts)}人：{'；'.join(parts)}"
