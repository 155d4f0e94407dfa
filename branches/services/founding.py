"""Setting up many branches at once, each with profile and secretary, in a handful of statements."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max

from branches import audit, names
from branches.models import Account, Appointment, Branch, BranchProfile, Person, Placement
from branches.partial_dates import PartialDate
from branches.services.tree import Place, TreeError, check_place, text_of


@dataclass(frozen=True, slots=True)
class Secretary:
    """Who becomes secretary: a person already known, or one to be registered (unsaved), and since when."""

    person: Person
    since: PartialDate | None = None


@dataclass(frozen=True, slots=True)
class Founding:
    """One branch to set up.

    Args:
        code: its number, not taken.
        place: name, parent, short name and category.
        founded: day of founding, as far as known.
        profile: fields of BranchProfile.
        secretary: None where the roster names nobody. Two foundings may share one Person object.
    """

    code: str
    place: Place
    founded: PartialDate | None = None
    profile: dict[str, Any] = field(default_factory=dict)
    secretary: Secretary | None = None


@transaction.atomic
def found(*, by: Account | None, foundings: Sequence[Founding], starts_on: dt.date, reason: str) -> list[Branch]:
    """Create 党支部 with placement, profile and secretary from `starts_on`; entries of the trail as if one by one.

    Raises TreeError where the tree does not allow one, and IntegrityError when a code is taken: then nothing is
    written.
    """
    _check(foundings)
    last = Branch.objects.aggregate(last=Max("position"))["last"] or 0
    branches = Branch.objects.bulk_create(
        Branch(code=one.code, level=Branch.Level.BRANCH, founded=one.founded, position=last + number)
        for number, one in enumerate(foundings, 1)
    )
    pairs = list(zip(branches, foundings, strict=True))
    Placement.objects.bulk_create(
        Placement(
            branch=branch, parent=one.place.parent, name=one.place.name, short_name=one.place.short_name,
            category=one.place.category, starts_on=starts_on, reason=reason,
        )
        for branch, one in pairs
    )  # fmt: skip
    notes = [_set_up_note(branch, one) for branch, one in pairs]
    notes += _profiles(pairs)
    notes += _secretaries(pairs)
    audit.record_many(by=by, notes=notes)
    return branches


def _check(foundings: Sequence[Founding]) -> None:
    """Ask what the tree asks of each: a possible parent, and no name twice under one parent."""
    parents = {one.place.parent for one in foundings}
    open_ones = Placement.objects.filter(parent__in=parents, ends_on__isnull=True)
    taken: set[tuple[int | None, str]] = set(open_ones.values_list("parent_id", "name"))
    for one in foundings:
        check_place(Branch.Level.BRANCH, one.place)
        here = (one.place.parent.pk if one.place.parent else None, one.place.name)
        if here in taken:
            raise TreeError(f"同一上级下已有名为“{one.place.name}”的党组织。")
        taken.add(here)


def _set_up_note(branch: Branch, one: Founding) -> audit.Note:
    facts = {"code": one.code, "level": branch.level, "parent": one.place.parent.code if one.place.parent else None}
    return audit.Note("branch.set_up", branch, f"设立{one.place.name}", branch, after=facts)


def _profiles(pairs: Sequence[tuple[Branch, Founding]]) -> list[audit.Note]:
    rows = BranchProfile.objects.bulk_create(BranchProfile(branch=branch, **one.profile) for branch, one in pairs)
    return [
        audit.Note(
            "profile.save", row, "修改支部基本情况", branch,
            before=dict.fromkeys(one.profile), after={name: text_of(value) for name, value in one.profile.items()},
        )
        for row, (branch, one) in zip(rows, pairs, strict=True)
        if one.profile
    ]  # fmt: skip


def _secretaries(pairs: Sequence[tuple[Branch, Founding]]) -> list[audit.Note]:
    """Register the persons not yet known, each as one of the first branch that names them, and give the posts."""
    held = [(branch, one.secretary) for branch, one in pairs if one.secretary is not None]
    new: dict[int, Person] = {}
    for branch, secretary in held:
        person = secretary.person
        if person.pk is None and id(person) not in new:
            person.unit = branch
            person.initials = person.initials or names.initials(person.name)
            new[id(person)] = person
    notes = [
        audit.Note("person.add", person, "登记人员", person.unit, after={"name": person.name})
        for person in Person.objects.bulk_create(new.values())
    ]
    posts = Appointment.objects.bulk_create(
        Appointment(branch=branch, person=one.person, post=Appointment.Post.SECRETARY, starts=one.since)
        for branch, one in held
    )
    notes += [
        audit.Note(
            "appointment.appoint", post, f"任命{post.get_post_display()}", post.branch,
            after={"person": post.person_id, "starts": text_of(post.starts)},
        )
        for post in posts
    ]  # fmt: skip
    return notes
