"""Setting up, placing, renaming and closing nodes of the tree; profiles; posts held."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max

from branches import audit, names
from branches.models import Account, Appointment, Branch, BranchProfile, Category, Person, Placement
from branches.partial_dates import PartialDate
from branches.registries import TreeChange, tell_tree_change
from branches.versions import save_versioned


class TreeError(ValueError):
    """A change the tree does not allow; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and as what a node is placed."""

    name: str
    parent: Branch | None
    short_name: str = ""
    category: Category | None = None


def next_codes(prefix: str, besides: Collection[str] = ()) -> Iterator[str]:
    """Yield free codes such as ZZ021 for the prefix ZZ, none of those in `besides`."""
    taken = set(Branch.objects.filter(code__startswith=prefix).values_list("code", flat=True))
    number = len(taken)
    taken |= set(besides)
    while True:
        number += 1
        if (code := f"{prefix}{number:03d}") not in taken:
            yield code


def next_code(prefix: str) -> str:
    """Return the next free code such as ZZ021 for the prefix ZZ."""
    return next(next_codes(prefix))


@transaction.atomic
def set_up(
    *, by: Account | None, code: str, level: str, place: Place, starts_on: dt.date, founded: PartialDate | None = None,
    document_number: str = "", reason: str = "",
) -> Branch:  # fmt: skip
    """Create a node with its first placement (成立). Raises TreeError for a second root, or under a 党支部."""
    check_place(level, place)
    _check_name(place)
    last = Branch.objects.aggregate(last=Max("position"))["last"] or 0
    branch = Branch.objects.create(code=code, level=level, founded=founded, position=last + 1)
    _open(branch, place, starts_on, document_number, reason)
    if level == Branch.Level.BRANCH:
        BranchProfile.objects.create(branch=branch)
    audit.record(
        by=by, action="branch.set_up", thing=branch, branch=branch, summary=f"设立{place.name}",
        after={"code": code, "level": level, "parent": place.parent.code if place.parent else None},
    )  # fmt: skip
    return branch


def check_place(level: str, place: Place) -> None:
    """Raise TreeError for a second root, and for anything under a 党支部."""
    if place.parent is None:
        if level != Branch.Level.COMMITTEE:
            message = f"{place.name}没有上级党组织。"
            raise TreeError(message)
        if Placement.objects.filter(parent__isnull=True, ends_on__isnull=True).exists():
            message = "一个系统只有一个最上级党组织。"
            raise TreeError(message)
    elif place.parent.level == Branch.Level.BRANCH:
        message = f"党支部下面不能再设{place.name}。"
        raise TreeError(message)


def _check_name(place: Place, branch: Branch | None = None) -> None:
    """Two nodes under one parent never share a name."""
    same = Placement.objects.filter(parent=place.parent, name=place.name, ends_on__isnull=True)
    if same.exclude(branch=branch).exists():
        message = f"同一上级下已有名为“{place.name}”的党组织。"
        raise TreeError(message)


def _open(branch: Branch, place: Place, starts_on: dt.date, document_number: str, reason: str) -> Placement:
    return Placement.objects.create(
        branch=branch,
        parent=place.parent,
        name=place.name,
        short_name=place.short_name,
        category=place.category,
        starts_on=starts_on,
        document_number=document_number,
        reason=reason,
    )


def _is_below(candidate: Branch, node: Branch, day: dt.date) -> bool:
    """Return whether `candidate` is `node` or hangs somewhere below it on `day`."""
    parents = dict(Placement.objects.on(day).values_list("branch_id", "parent_id"))
    here: int | None = candidate.pk
    seen: set[int] = set()
    while here is not None and here not in seen:
        if here == node.pk:
            return True
        seen.add(here)
        here = parents.get(here)
    return False


@transaction.atomic
def move(
    *, by: Account | None, branch: Branch, place: Place, from_day: dt.date, document_number: str = "", reason: str = ""
) -> Placement:
    """Rename, re-parent or re-categorise from a day on; the old placement ends there and stays as history.

    Raises TreeError when the new parent lies below the node, or the day precedes the present placement.
    """
    branch = Branch.objects.select_for_update().get(pk=branch.pk)
    if place.parent is not None and _is_below(place.parent, branch, from_day):
        message = "上级党组织不能是自己或自己的下级。"
        raise TreeError(message)
    _check_name(place, branch)
    current = branch.placements.filter(ends_on__isnull=True).first()
    if current is not None and current.starts_on > from_day:
        message = f"变更日期早于现有记录的起始日期（{current.starts_on:%Y年%-m月%-d日}）。"
        raise TreeError(message)
    before = _facts(current) if current else None
    if current is not None and current.starts_on == from_day:
        for field in ("name", "parent", "short_name", "category"):
            setattr(current, field, getattr(place, field))
        current.document_number, current.reason = document_number, reason
        current.save()
        placement = current
    else:
        if current is not None:
            current.ends_on = from_day
            current.save(update_fields=["ends_on"])
        placement = _open(branch, place, from_day, document_number, reason)
    audit.record(
        by=by, action="branch.move", thing=branch, branch=branch, summary=f"变更{place.name}的名称、隶属或类别",
        before=before, after=_facts(placement),
    )  # fmt: skip
    if before is None or before["parent"] != placement.parent_id:
        tell_tree_change(TreeChange(by, branch, from_day, TreeChange.MOVED, parent=placement.parent, reason=reason))
    return placement


def _facts(placement: Placement) -> dict[str, Any]:
    return {
        "name": placement.name,
        "short_name": placement.short_name,
        "parent": placement.parent_id,
        "category": placement.category_id,
        "starts_on": placement.starts_on,
    }


@transaction.atomic
def dissolve(
    *, by: Account | None, branch: Branch, on: dt.date, document_number: str = "", reason: str = "",
    followers: Sequence[Branch] = (),
) -> Branch:  # fmt: skip
    """End a node at a day (撤销); what lies open with it goes to the first of `followers`, or ends too.

    Raises TreeError while others still hang under it.
    """
    branch = Branch.objects.select_for_update().get(pk=branch.pk)
    if Placement.objects.on(on).filter(parent=branch).exists():
        message = "下面还有党组织，请先调整其隶属。"
        raise TreeError(message)
    last = branch.placements.filter(ends_on__isnull=True).first()
    if last is not None and last.starts_on >= on:
        message = f"撤销日期应晚于现有记录的起始日期（{last.starts_on:%Y年%-m月%-d日}）。"
        raise TreeError(message)
    branch.placements.filter(ends_on__isnull=True).update(ends_on=on, document_number=document_number, reason=reason)
    branch.dissolved_on = on
    branch.save(update_fields=["dissolved_on"])
    audit.record(by=by, action="branch.dissolve", thing=branch, branch=branch, summary=f"撤销{branch.name_on(on)}")
    tell_tree_change(TreeChange(by, branch, on, TreeChange.ENDED, tuple(followers), reason=reason))
    return branch


PROFILE_FIELDS = (
    "last_election", "term_ends", "committee", *BranchProfile.COUNTS, "venue", "annual_funds", "remarks",
)  # fmt: skip


@transaction.atomic
def save_profile(
    *,
    by: Account | None,
    profile: BranchProfile,
    version: int,
    values: dict[str, Any],
    confirm_at: dt.datetime | None = None,
) -> BranchProfile:
    """Save 支部基本情况 if it still has `version`; `confirm_at` also confirms it. Raises ConflictError."""
    unknown = set(values) - set(PROFILE_FIELDS)
    if unknown:
        message = f"unknown profile fields: {sorted(unknown)}"
        raise ValueError(message)
    before = {field: text_of(getattr(profile, field)) for field in values}
    written = dict(values)
    written |= {"confirmed_at": confirm_at, "confirmed_by": by if confirm_at else None}
    fresh = save_versioned(profile, version=version, values=written)
    after = {field: text_of(getattr(fresh, field)) for field in values}
    if before != after or confirm_at:
        audit.record(
            by=by, action="profile.confirm" if confirm_at else "profile.save", thing=fresh, branch=fresh.branch,
            summary="确认支部基本情况" if confirm_at else "修改支部基本情况", before=before, after=after,
        )  # fmt: skip
    return fresh


def text_of(value: Any) -> Any:
    """Return a value as the trail keeps it."""
    return str(value) if isinstance(value, PartialDate) else value


@transaction.atomic
def add_person(*, by: Account | None, name: str, **particulars: Any) -> Person:
    """Create a person with pinyin initials; `particulars` are fields of Person."""
    particulars.setdefault("initials", names.initials(name))
    person = Person.objects.create(name=name, **particulars)
    audit.record(by=by, action="person.add", thing=person, branch=person.unit, summary="登记人员", after={"name": name})
    return person


@transaction.atomic
def edit_person(*, by: Account | None, person: Person, version: int, values: dict[str, Any]) -> Person:
    """Change a person's particulars if the row still has `version`. Raises ConflictError."""
    if "name" in values and "initials" not in values and values["name"] != person.name:
        values = {**values, "initials": names.initials(values["name"])}
    before = {field: text_of(getattr(person, field)) for field in values}
    fresh = save_versioned(person, version=version, values=values)
    after = {field: text_of(getattr(fresh, field)) for field in values}
    audit.record(
        by=by, action="person.edit", thing=fresh, branch=fresh.unit, summary="修改人员信息", before=before, after=after
    )
    return fresh


@transaction.atomic
def appoint(
    *, by: Account | None, branch: Branch, person: Person, post: str, starts: PartialDate | None, duty: str = "",
    concurrent_post: str = "", on: dt.date,
) -> Appointment:  # fmt: skip
    """Give a post; a new secretary ends the post of the one before on `on`."""
    if post == Appointment.Post.SECRETARY:
        _unconfirm(branch)
        held = Appointment.objects.filter(branch=branch, post=post, ends_on__isnull=True).exclude(person=person)
        held.update(ends_on=on, end_reason="换任")
    appointment, created = Appointment.objects.get_or_create(
        branch=branch, person=person, post=post, ends_on=None,
        defaults={"starts": starts, "duty": duty, "concurrent_post": concurrent_post},
    )  # fmt: skip
    if not created:
        appointment.starts, appointment.duty, appointment.concurrent_post = starts, duty, concurrent_post
        appointment.save(update_fields=["starts", "duty", "concurrent_post"])
    audit.record(
        by=by, action="appointment.appoint", thing=appointment, branch=branch,
        summary=f"任命{appointment.get_post_display()}", after={"person": person.pk, "starts": text_of(starts)},
    )  # fmt: skip
    return appointment


def _unconfirm(branch: Branch) -> None:
    """Ask for 支部基本情况 to be confirmed anew: it prints the secretary's particulars."""
    BranchProfile.objects.filter(branch=branch).update(confirmed_at=None, confirmed_by=None)


@transaction.atomic
def end_appointment(*, by: Account | None, appointment: Appointment, on: dt.date, reason: str) -> Appointment:
    """End a post at a day with the reason (不胜任调整 among them)."""
    if appointment.post == Appointment.Post.SECRETARY:
        _unconfirm(appointment.branch)
    appointment.ends_on, appointment.end_reason = on, reason
    appointment.save(update_fields=["ends_on", "end_reason"])
    audit.record(
        by=by, action="appointment.end", thing=appointment, branch=appointment.branch,
        summary=f"免去{appointment.get_post_display()}", after={"on": on, "reason": reason},
    )  # fmt: skip
    return appointment
