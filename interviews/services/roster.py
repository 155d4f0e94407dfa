"""Writing the roster: a whole list at once, or one person."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction

from branches import audit
from branches.importers import ImportRefused
from branches.models import Account, Campaign, Person
from branches.names import initials
from branches.versions import save_versioned
from interviews.models import ClassGroup, FocusGroup, FocusMembership, RosterEntry, TutorLink
from interviews.people_plan import Line, PeoplePlan

BATCH = 2000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PeopleOutcome:
    """What an import wrote."""

    new: int
    changed: int
    unchanged: int
    left: int
    classes: int

    @property
    def summary(self) -> str:
        """Say it."""
        left = f"，停用 {self.left} 人" if self.left else ""
        return f"已导入：新增 {self.new} 人，变更 {self.changed} 人，无变化 {self.unchanged} 人{left}。"


def _chunks(things: Sequence[T]) -> Iterator[Sequence[T]]:
    return (things[start : start + BATCH] for start in range(0, len(things), BATCH))


@transaction.atomic
def apply_people(*, by: Account, campaign: Campaign, plan: PeoplePlan, now: dt.datetime) -> PeopleOutcome:
    """Write a plan, everything or nothing. Raises ImportRefused when it has errors."""
    if plan.faulty:
        raise ImportRefused("名册里还有错误，一行也没有写入。")
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    lines = [*plan.new, *plan.changed]
    people = _write_persons(lines)
    classes = _write_classes(campaign, plan)
    entries = _write_entries(campaign, plan, people, classes)
    _write_focus(plan, lines, entries)
    _write_tutors(campaign, plan, lines, entries)
    for some in _chunks(plan.leaving):
        RosterEntry.objects.filter(pk__in=some).update(active=False)
    outcome = PeopleOutcome(
        len(plan.new), len(plan.changed), plan.unchanged, len(plan.leaving), len(plan.new_classes)
    )  # fmt: skip
    audit.record(
        by=by, action="interviews.roster.import", thing=campaign, branch=campaign.root,
        summary=f"导入访谈名册：{outcome.summary}", after={"at": now.isoformat(), "rows": len(plan.reading.rows)},
    )  # fmt: skip
    return outcome


def _write_persons(lines: Sequence[Line]) -> dict[str, int]:
    """Create and correct persons; return number → person."""
    found = {line.row.number: line.person for line in lines if line.person is not None}
    fresh = [
        Person(
            name=line.row.name, initials=initials(line.row.name), number=line.row.number, kind=line.row.kind,
            gender=line.row.gender, unit_id=line.row.unit if line.row.kind == Person.Kind.STAFF else None,
        )
        for line in lines if line.person is None
    ]  # fmt: skip
    for person in Person.objects.bulk_create(fresh, batch_size=BATCH):
        found[str(person.number)] = person.pk
    touched = {line.person: line.row for line in lines if line.person is not None and _personal(line)}
    rows = [person for some in _chunks(list(touched)) for person in Person.objects.filter(pk__in=some)]
    for person in rows:
        row = touched[person.pk]
        if person.name != row.name:
            person.name, person.initials = row.name, initials(row.name)
        person.gender = row.gender or person.gender
        person.number = row.number
        person.version += 1
    Person.objects.bulk_update(rows, ["name", "initials", "gender", "number", "version"], batch_size=200)
    return {number: pk for number, pk in found.items() if pk is not None}


def _personal(line: Line) -> bool:
    return line.adopted or any(change.label in {"姓名", "性别"} for change in line.changes) or line.entry is None


def _write_classes(campaign: Campaign, plan: PeoplePlan) -> dict[tuple[int, str], int]:
    classes = {key: pk for key, (pk, _) in plan.stored.classes.items()}
    fresh = [ClassGroup(campaign=campaign, unit_id=unit, name=name) for unit, name in sorted(plan.new_classes)]
    for group in ClassGroup.objects.bulk_create(fresh, batch_size=BATCH):
        classes[group.unit_id, group.name] = group.pk
    return classes


def _write_entries(
    campaign: Campaign, plan: PeoplePlan, people: dict[str, int], classes: dict[tuple[int, str], int]
) -> dict[str, int]:
    """Create and change entries; return number → entry of the lines touched."""
    categories = {code: one.pk for code, one in plan.stored.categories.items()}

    def values(line: Line) -> dict[str, Any]:
        row, known = line.row, line.entry.class_group if line.entry and line.entry.unit == line.row.unit else None
        group = classes.get((row.unit, row.class_group)) if "class_group" in row.stated else known
        return {
            "category_id": categories[row.category], "kind": row.kind, "unit_id": row.unit, "class_group_id": group,
            "active": True,
        }  # fmt: skip

    fresh = [RosterEntry(campaign=campaign, person_id=people[line.row.number], **values(line)) for line in plan.new]
    by_person = {pk: number for number, pk in people.items()}
    made = RosterEntry.objects.bulk_create(fresh, batch_size=BATCH)
    entries = {by_person[entry.person_id]: entry.pk for entry in made}
    lines = {line.entry.pk: line for line in plan.changed if line.entry is not None}
    rows = [row for some in _chunks(list(lines)) for row in RosterEntry.objects.filter(pk__in=some)]
    for row in rows:
        for name, value in values(lines[row.pk]).items():
            setattr(row, name, value)
        row.version += 1
        entries[lines[row.pk].row.number] = row.pk
    fields = ["category", "kind", "unit", "class_group", "active", "version"]
    RosterEntry.objects.bulk_update(rows, fields, batch_size=200)
    return entries


def _write_focus(plan: PeoplePlan, lines: Sequence[Line], entries: dict[str, int]) -> None:
    stale: list[tuple[int, int]] = []
    fresh: list[FocusMembership] = []
    for line in lines:
        if "focus" not in line.row.stated:
            continue
        entry = entries[line.row.number]
        wanted = {plan.stored.focus[line.row.kind, code] for code in line.row.focus}
        held = plan.stored.memberships.get(entry, set())
        stale += [(entry, group) for group in held - wanted]
        fresh += [FocusMembership(entry_id=entry, group_id=group) for group in sorted(wanted - held)]
    for group in {group for _, group in stale}:
        for some in _chunks([entry for entry, other in stale if other == group]):
            FocusMembership.objects.filter(group=group, entry__in=some).delete()
    FocusMembership.objects.bulk_create(fresh, batch_size=BATCH)


def _write_tutors(campaign: Campaign, plan: PeoplePlan, lines: Sequence[Line], entries: dict[str, int]) -> None:
    by_person = {person.pk: number for number, person in plan.stored.persons.items()}
    numbers = {by_person[entry.person]: entry.pk for entry in plan.stored.entries.values() if entry.person in by_person}
    numbers |= entries
    fresh: list[TutorLink] = []
    gone: list[int] = []
    for line in lines:
        if "tutor" not in line.row.stated:
            continue
        student = numbers[line.row.number]
        wanted = {numbers[number] for number in line.row.tutors}
        held = plan.stored.tutors.get(student, set())
        if wanted != held:
            gone.append(student)
            fresh += [TutorLink(student_id=student, tutor_id=tutor) for tutor in sorted(wanted)]
    for some in _chunks(gone):
        TutorLink.objects.filter(student__in=some).delete()
    TutorLink.objects.bulk_create(fresh, batch_size=BATCH)
    rows = {(row.unit_id, row.name): row for row in ClassGroup.objects.filter(campaign=campaign)}
    led = []
    for key, number in plan.class_tutors.items():
        rows[key].tutor_id = numbers[number]
        led.append(rows[key])
    ClassGroup.objects.bulk_update(led, ["tutor"], batch_size=200)


@transaction.atomic
def change_entry(
    *,
    by: Account,
    entry: RosterEntry,
    version: int,
    class_group: ClassGroup | None,
    active: bool,
    focus: Iterable[FocusGroup],
    tutors: Iterable[RosterEntry],
) -> RosterEntry:
    """Change one person's class, focus groups and tutors, or take them off the roster. Raises ConflictError."""
    values: dict[str, Any] = {"class_group": class_group, "active": active}
    before = {"active": entry.active, "class": str(entry.class_group or "")}
    fresh = save_versioned(entry, version=version, values=values)
    groups = [group for group in focus if not group.sensitive]
    FocusMembership.objects.filter(entry=fresh).exclude(group__in=groups).delete()
    held = set(FocusMembership.objects.filter(entry=fresh).values_list("group_id", flat=True))
    FocusMembership.objects.bulk_create(
        FocusMembership(entry=fresh, group=group) for group in groups if group.pk not in held
    )
    wanted = list(tutors)
    TutorLink.objects.filter(student=fresh).exclude(tutor__in=wanted).delete()
    links = set(TutorLink.objects.filter(student=fresh).values_list("tutor_id", flat=True))
    TutorLink.objects.bulk_create(TutorLink(student=fresh, tutor=one) for one in wanted if one.pk not in links)
    audit.record(
        by=by, action="interviews.roster.change", thing=fresh, branch=fresh.unit, summary="更改访谈名册中一人的信息",
        before=before, after={"active": active, "class": str(class_group or "")},
    )  # fmt: skip
    return fresh
