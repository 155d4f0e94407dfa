"""Which person 责任人 or 责任领导 is, where somebody of the same name could otherwise not verify."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from branches import audit, clock
from branches.models import Account, Appointment, Person, RoleGrant
from branches.permissions import Action
from grading.services.errors import RefusedError, refuse
from rectification.models import Change, Item
from rectification.permissions import acts_above, may_record

FIELDS = {"owner": ("owner_name", "owner_person", "责任人"), "leader": ("leader", "leader_person", "责任领导")}
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Unclear:
    """A name of an item that somebody who verifies bears too: `people` are those it may mean, with what they are."""

    field: str
    label: str
    name: str
    people: Sequence[tuple[int, str]]


def unclear(item: Item) -> list[Unclear]:
    """Return the names of an unfinished item of which nobody has said yet who is meant, though it matters."""
    if item.state in Item.FINISHED:
        return []
    named = {
        key: getattr(item, name).strip()
        for key, (name, person, _) in FIELDS.items()
        if getattr(item, f"{person}_id") is None and getattr(item, name).strip()
    }
    names = set(named.values())
    accounts = Account.objects.filter(is_active=True, person__name__in=names).select_related("person")
    barred = {one.person.name for one in accounts if one.person and acts_above(one, Action.VERIFY, item.responsible_id)}
    return [
        Unclear(key, FIELDS[key][2], name, [(one.pk, described(one)) for one in people_called(name)])
        for key, name in named.items()
        if name in barred
    ]


def people_called(name: str) -> Sequence[Person]:
    """Return the people of a name, at most as many as a page shows."""
    return list(Person.objects.filter(name=name).order_by("pk")[:SHOWN])


def described(person: Person) -> str:
    """Say who somebody is by what they do, so that two of one name can be told apart."""
    grants = RoleGrant.objects.filter(account__person=person, ends_on__isnull=True).select_related("node")
    posts = Appointment.objects.filter(person=person, ends_on__isnull=True).select_related("branch")
    day = clock.today()
    done = [f"{one.node.name_on(day)}{one.get_role_display()}" for one in grants]
    done += [f"{one.branch.name_on(day)}{one.get_post_display()}" for one in posts]
    end = f"，编号尾号 {person.number[-3:]}" if person.number else ""
    return "，".join(dict.fromkeys([person.title or person.get_kind_display(), *done])) + end


@transaction.atomic
def say_who(*, by: Account, item: Item, field: str, person: Person, now: dt.datetime) -> Item:
    """Say which person a name of an item means; kept among its changes.

    Raises RefusedError: nobody who reports for it, somebody of that very name, another name, nothing to be told.
    """
    row = Item.objects.select_for_update(of=("self",)).select_related("plan__branch", "plan__campaign").get(pk=item.pk)
    if not (answer := may_record(by, row)):
        refuse(answer.reason)
    if field not in FIELDS or row.state in Item.FINISHED:
        refuse("这一项现在不用选定责任人。")
    name_field, person_field, label = FIELDS[field]
    name = getattr(row, name_field).strip()
    if by.get_full_name() == name:
        refuse(f"您与{label}同名，请由其他同志选定。")
    if person.name != name:
        raise RefusedError([f"请选择姓名是“{name}”的人。"], {"person": f"请选择姓名是“{name}”的人。"})
    before = getattr(row, f"{person_field}_id")
    Item.objects.filter(pk=row.pk).update(**{person_field: person, "version": row.version + 1})
    Change.objects.create(
        item=row, kind=Change.Kind.DETAILS, state=Change.State.RECORDED, old={person_field: before},
        new={person_field: person.pk}, reason=f"选定{label}是哪一位", requested_by=by, requested_at=now,
    )  # fmt: skip
    audit.record(
        by=by, action="item.person", thing=row, branch=row.plan.branch, summary=f"选定{label}是哪一位",
        before={person_field: before}, after={person_field: person.pk},
    )  # fmt: skip
    row.refresh_from_db()
    return row
