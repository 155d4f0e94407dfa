"""What importing a list of people would change, compared with the roster as it stands, in a handful of queries."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q

from branches import clock
from branches.directory import names_of
from branches.intake.shapes import Problem, Severity
from branches.models import Branch, Campaign, Person, Placement
from branches.scopes import Scope
from interviews.models import ClassGroup, FocusGroup, FocusMembership, PersonCategory, RosterEntry, TutorLink
from interviews.people_classes import InClass, new_class_warnings
from interviews.people_sheet import Known, KnownUnit, KnownWord, PeopleReading, PersonRow


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that would change."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A person of the roster as stored."""

    pk: int
    person: int
    category: int
    unit: int
    class_group: int | None
    active: bool


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as stored."""

    pk: int
    name: str
    kind: str
    gender: str
    account: bool


@dataclass
class Stored:
    """Everything stored that a list may touch."""

    campaign: Campaign
    categories: dict[str, PersonCategory] = field(default_factory=dict)
    focus: dict[tuple[str, str], int] = field(default_factory=dict)
    persons: dict[str, KnownPerson] = field(default_factory=dict)
    entries: dict[int, Entry] = field(default_factory=dict)  # by person
    classes: dict[tuple[int, str], tuple[int, int | None]] = field(default_factory=dict)
    memberships: dict[int, set[int]] = field(default_factory=dict)  # entry -> groups
    tutors: dict[int, set[int]] = field(default_factory=dict)  # student -> tutors
    nameless: dict[tuple[str, int], list[int]] = field(default_factory=dict)  # persons without a number


def known(campaign: Campaign, reach: Scope) -> Known:
    """Return what a list of this campaign may name; units out of `reach` are known only to be refused."""
    within = set(Branch.objects.within(reach).values_list("pk", flat=True))
    nodes = Branch.objects.as_of(reach.day).values_list("pk", "name", "short_name", "code")
    units = [KnownUnit(pk, tuple(n for n in names if n), pk in within) for pk, *names in nodes]
    offered = campaign.person_categories.filter(active=True)
    categories = [KnownWord(c.code, c.name, c.kind, tuple(c.words)) for c in offered]
    groups = campaign.focus_groups.filter(Q(active=True) | Q(sensitive=True))  # sensitive ones are known to be refused
    focus = [KnownWord(g.code, g.name, g.kind, tuple(g.words), g.sensitive) for g in groups]
    genders = {str(label): code for code, label in Person.Gender.choices}
    return Known(units, categories, focus, genders)


def stored(campaign: Campaign) -> Stored:
    """Read the roster of a campaign and the persons with a number."""
    found = Stored(campaign)
    found.categories = {one.code: one for one in campaign.person_categories.all()}
    found.focus = {(one.kind, one.code): one.pk for one in FocusGroup.objects.filter(campaign=campaign)}
    places = _places()
    rows = Person.objects.values_list("number", "pk", "name", "kind", "gender", "account", "unit")
    for number, pk, name, kind, gender, account, unit in rows:
        if number is not None:
            found.persons[number] = KnownPerson(pk, name, kind, gender, account is not None)
        elif unit is not None:
            for place in places.get(unit, (unit,)):
                found.nameless.setdefault((name, place), []).append(pk)
    entries = RosterEntry.objects.filter(campaign=campaign)
    fields = ("pk", "person_id", "category_id", "unit_id", "class_group_id", "active")
    found.entries = {row[1]: Entry(*row) for row in entries.values_list(*fields)}
    classes = ClassGroup.objects.filter(campaign=campaign).values_list("unit_id", "name", "pk", "tutor_id")
    found.classes = {(unit, name): (pk, tutor) for unit, name, pk, tutor in classes}
    members = FocusMembership.objects.filter(entry__campaign=campaign).values_list("entry_id", "group_id")
    for entry, group in members:
        found.memberships.setdefault(entry, set()).add(group)
    for student, tutor in TutorLink.objects.filter(student__campaign=campaign).values_list("student_id", "tutor_id"):
        found.tutors.setdefault(student, set()).add(tutor)
    return found


def _places() -> dict[int, tuple[int, ...]]:
    """Return each node with those above it, the top one left out."""
    above = dict(Placement.objects.on(clock.today()).values_list("branch_id", "parent_id"))

    def walk(node: int) -> Iterable[int]:
        yield node
        parent = above.get(node)
        while parent is not None and above.get(parent) is not None:
            yield parent
            parent = above.get(parent)

    return {node: tuple(walk(node)) for node in above}


@dataclass(slots=True)
class Line:
    """One row with the person and the entry it means, and what would change."""

    row: PersonRow
    person: int | None
    entry: Entry | None
    changes: tuple[Change, ...] = ()
    adopted: bool = False


@dataclass
class PeoplePlan:
    """What importing would do."""

    reading: PeopleReading
    stored: Stored
    problems: list[Problem] = field(default_factory=list)
    new: list[Line] = field(default_factory=list)
    changed: list[Line] = field(default_factory=list)
    unchanged: int = 0
    leaving: list[int] = field(default_factory=list)
    new_classes: set[tuple[int, str]] = field(default_factory=set)
    class_tutors: dict[tuple[int, str], str] = field(default_factory=dict)

    @property
    def faulty(self) -> bool:
        """Whether anything forbids importing."""
        return any(problem.level is Severity.ERROR for problem in self.problems)

    @property
    def changes_nothing(self) -> bool:
        """Whether importing would write nothing."""
        return not (self.new or self.changed or self.leaving or self.class_tutors)

    @property
    def summary(self) -> str:
        """Say what would happen."""
        parts = [f"新增 {len(self.new)} 人", f"变更 {len(self.changed)} 人", f"无变化 {self.unchanged} 人"]
        if self.leaving:
            parts.append(f"停用 {len(self.leaving)} 人")
        return "，".join(parts) + "。"

    @property
    def fingerprint(self) -> str:
        """A digest of what the preview shows, so that importing does exactly that."""
        said = hashlib.sha256()
        for line in (*self.new, *self.changed):
            said.update(repr((line.row, line.person, line.entry, line.changes)).encode())
        said.update(repr((sorted(self.leaving), sorted(self.class_tutors.items()), self.problems)).encode())
        return said.hexdigest()[:32]


def plan_people(campaign: Campaign, reading: PeopleReading, reach: Scope, *, complete: bool) -> PeoplePlan:
    """Compare a reading with the roster; `complete`: who is missing from a unit's list of a category leaves."""
    plan = PeoplePlan(reading, stored(campaign), list(reading.problems))
    within = set() if reach.everything else set(Branch.objects.within(reach).values_list("pk", flat=True))
    names = _Names(plan, reading)
    for row in reading.rows:
        _place(plan, row, names, None if reach.everything else within)
    plan.problems += new_class_warnings(_in_classes(plan), plan.stored.classes, names.units)
    if not reading.faulty:
        _check_tutors(plan)
    if complete:
        plan.leaving = _leaving(plan)
    return plan


class _Names:
    """Words for what changes."""

    def __init__(self, plan: PeoplePlan, reading: PeopleReading) -> None:
        units = {row.unit for row in reading.rows} | {entry.unit for entry in plan.stored.entries.values()}
        units |= {unit for unit, _ in plan.stored.classes}
        self.units = names_of(units)
        self.categories = {one.pk: one.name for one in plan.stored.categories.values()}
        self.classes = {pk: name for (_, name), (pk, _) in plan.stored.classes.items()}
        groups = FocusGroup.objects.filter(campaign=plan.stored.campaign).values_list("pk", "name")
        self.groups = dict(groups)
        self.entry_numbers = _numbers(plan.stored)


def _numbers(stored_: Stored) -> dict[int, str]:
    by_person = {person.pk: number for number, person in stored_.persons.items()}
    return {entry.pk: by_person.get(entry.person, "") for entry in stored_.entries.values()}


def _error(plan: PeoplePlan, row: PersonRow, name: str, reason: str, code: str) -> None:
    plan.problems.append(Problem(row.sheet, _cell(plan, row, name), Severity.ERROR, reason, code))


def _in_classes(plan: PeoplePlan) -> list[InClass]:
    """Return the rows that put somebody into a new class, with their cells."""
    lines = (*plan.new, *plan.changed)
    rows = [line.row for line in lines if (line.row.unit, line.row.class_group) in plan.new_classes]
    return [InClass((row.unit, row.class_group), row.sheet, _cell(plan, row, "class_group")) for row in rows]


def _cell(plan: PeoplePlan, row: PersonRow, name: str) -> str:
    return plan.reading.mappings[row.sheet].at(row.row, name)


def _place(plan: PeoplePlan, row: PersonRow, names: _Names, within: set[int] | None) -> None:
    """Find whom a row means and what it would change."""
    person, adopted = plan.stored.persons.get(row.number), False
    pk = person.pk if person else None
    if person is None and row.kind == Person.Kind.STAFF:
        same = plan.stored.nameless.get((row.name, row.unit), [])
        if len(same) == 1:
            pk, adopted = same[0], True
    entry = plan.stored.entries.get(pk) if pk is not None else None
    if person is not None and person.kind != row.kind:
        label = Person.Kind(person.kind).label
        _error(plan, row, "number", f"{row.number} 在系统里是{label}{person.name}，请核对", "kind_differs")
        return
    if person is not None and person.name != row.name and person.account:
        reason = f"{row.number} 在系统里是{person.name}，已有账号；确需更名请先在人员页更改"
        _error(plan, row, "name", reason, "name_differs")
        return
    if entry is not None and within is not None and entry.unit not in within:
        _error(plan, row, "number", f"{row.number} 已在别的单位的名册里，不在您的管理范围内", "entry_foreign")
        return
    if row.class_group and (row.unit, row.class_group) not in plan.stored.classes:
        plan.new_classes.add((row.unit, row.class_group))
    _class_tutor(plan, row)
    line = Line(row, pk, entry, tuple(_changes(plan, row, person, entry, names)), adopted)
    if entry is None:
        plan.new.append(line)
    elif line.changes or adopted:
        plan.changed.append(line)
    else:
        plan.unchanged += 1


def _class_tutor(plan: PeoplePlan, row: PersonRow) -> None:
    if not row.class_tutor or not row.class_group:
        return
    _, tutor = plan.stored.classes.get((row.unit, row.class_group), (0, None))
    person = plan.stored.persons.get(row.class_tutor)
    entry = plan.stored.entries.get(person.pk) if person else None
    if tutor is None or entry is None or entry.pk != tutor:
        plan.class_tutors[row.unit, row.class_group] = row.class_tutor


def _changes(
    plan: PeoplePlan, row: PersonRow, person: KnownPerson | None, entry: Entry | None, names: _Names
) -> Iterable[Change]:
    """Yield what differs between a row and what is stored about an entry."""
    if entry is None:
        return
    stored_ = plan.stored
    if person is not None and person.name != row.name:
        yield Change("姓名", person.name, row.name)
    if person is not None and row.gender and person.gender != row.gender:
        yield Change("性别", person.gender, row.gender)
    category = stored_.categories[row.category]
    if entry.category != category.pk:
        yield Change("人员类别", names.categories.get(entry.category, ""), category.name)
    if entry.unit != row.unit:
        yield Change("单位", names.units.get(entry.unit, ""), names.units.get(row.unit, ""))
    if "class_group" in row.stated:
        before = names.classes.get(entry.class_group or 0, "")
        moved = entry.unit != row.unit and row.class_group
        if before != row.class_group or moved:
            yield Change("班级", before, row.class_group)
    if not entry.active:
        yield Change("在册", "停用", "在册")
    if "focus" in row.stated:
        wanted = {stored_.focus[row.kind, code] for code in row.focus}
        held = stored_.memberships.get(entry.pk, set())
        if wanted != held:
            yield Change("重点类别", _said(names.groups, held), _said(names.groups, wanted))
    if "tutor" in row.stated:
        held_numbers = {names.entry_numbers.get(one, "") for one in stored_.tutors.get(entry.pk, set())}
        if held_numbers != set(row.tutors):
            yield Change("导师", "、".join(sorted(held_numbers)), "、".join(row.tutors))


def _said(names: dict[int, str], keys: set[int]) -> str:
    return "、".join(names.get(key, "") for key in sorted(keys))


def _check_tutors(plan: PeoplePlan) -> None:
    """Tutors must be staff of the list or of the roster."""
    staff = {row.number for row in plan.reading.rows if row.kind == Person.Kind.STAFF}
    stored_ = plan.stored
    staff |= {n for n, p in stored_.persons.items() if p.kind == Person.Kind.STAFF and p.pk in stored_.entries}
    missing: dict[tuple[str, str], tuple[PersonRow, str]] = {}
    times: Counter[tuple[str, str]] = Counter()
    for row in plan.reading.rows:
        for name, numbers in (("class_tutor", (row.class_tutor,)), ("tutor", row.tutors)):
            for number in numbers:
                if number and number not in staff:
                    missing.setdefault((name, number), (row, name))
                    times[name, number] += 1
    for (name, number), (row, _) in missing.items():
        often = times[name, number]
        more = f"（共 {often} 行）" if often > 1 else ""
        reason = f"名册里没有工号为 {number} 的教职工，请先导入教职工或一并导入{more}"
        _error(plan, row, name, reason, "tutor_unknown")


def _leaving(plan: PeoplePlan) -> list[int]:
    """Return the active entries that a complete list leaves out: of a unit and category the list has somebody of."""
    listed = {row.number for row in plan.reading.rows}
    covered = {(row.unit, plan.stored.categories[row.category].pk) for row in plan.reading.rows}
    numbers = _numbers(plan.stored)
    return sorted(
        entry.pk
        for entry in plan.stored.entries.values()
        if entry.active and (entry.unit, entry.category) in covered and numbers[entry.pk] not in listed
    )
