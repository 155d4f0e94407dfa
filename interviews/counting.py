"""Counting coverage: people talked with one to one, late, talked with in groups, seen again - never what was said.

Everything is counted in one pass over a fixed number of queries and cleaned by `interviews.coverage` before anything
else sees it: what leaves this module may be shown, printed and exported. interviews.figures_kept keeps the answers.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count

from branches.directory import names_of
from branches.models import Campaign, Person
from interviews.coverage import bits, is_safe, shown
from interviews.models import (
    Assignment,
    FocusGroup,
    FocusMembership,
    FollowUp,
    Interview,
    InterviewSubject,
    PersonCategory,
    RosterEntry,
    VisitRule,
    VisitSettings,
)

LEAST = 5  # where a campaign has no settings yet
BLOCKS = ("talks", "extended", "revisits")
WHOLE = ("whole", 0)
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a coverage table; None is a count that is not shown."""

    key: int
    label: str
    people: int | None = None
    done: int | None = None
    overdue: int | None = None
    extended: int | None = None
    revisited: int | None = None
    to_revisit: int | None = None

    @property
    def holds_back(self) -> bool:
        """Whether some count of the line is not shown."""
        return None in (self.people, self.done, self.extended, self.revisited)

    @property
    def rate(self) -> tuple[int, int] | None:
        """Done and people, for a share; None when either is not shown or nobody is there."""
        return (self.done, self.people) if self.people and self.done is not None else None


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of one view: by unit, class, interviewer or focus group."""

    dimension: str
    lines: tuple[Line, ...]
    total: Line


@dataclass(frozen=True, slots=True)
class Coverage:
    """The tables of a campaign, or of one unit, for each category of people that is visited."""

    name: str
    categories: tuple[tuple[str, str], ...]
    tables: Mapping[str, Mapping[str, Table]]
    counted_at: dt.datetime
    least: int


@dataclass
class _Facts:
    """What is known of everybody of one category, by the places of people in one order."""

    units: dict[int, int] = field(default_factory=dict)
    classes: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    interviewers: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    focus: dict[int, int] = field(default_factory=dict)
    done: int = 0
    overdue: int = 0
    extended: int = 0
    revisited: int = 0
    to_revisit: int = 0
    everybody: int = 0

    def parts(self, block: str) -> list[int]:
        """Return how a block of columns divides people."""
        if block == "talks":
            return [self.done, self.overdue, self.everybody & ~self.done & ~self.overdue]
        if block == "extended":
            return [self.extended, self.everybody & ~self.extended]
        return [self.revisited, self.to_revisit, self.everybody & ~self.revisited & ~self.to_revisit]


# --- reading -------------------------------------------------------------------------------------------------------


def _rules(campaign: Campaign) -> dict[int, tuple[int, dt.date]]:
    """Return by category how often and until when somebody without an assignment is to be visited."""
    found: dict[int, tuple[int, dt.date]] = {}
    for rule in VisitRule.objects.filter(campaign=campaign, active=True).order_by("due_on"):
        found.setdefault(rule.visited_id, (rule.times, rule.due_on))
    return found


def _talks(campaign: Campaign) -> tuple[dict[int, int], set[int]]:
    """Return how many one-to-one talks were held with whom, and who was talked with in a group."""
    held = InterviewSubject.objects.filter(
        interview__campaign=campaign, interview__state=Interview.State.RECORDED
    ).order_by()
    alone = held.filter(interview__one_to_one=True).values_list("entry_id").annotate(times=Count("pk"))
    return dict(alone), set(held.filter(interview__one_to_one=False).values_list("entry_id", flat=True))


def _facts(campaign: Campaign, today: dt.date) -> dict[int, _Facts]:
    """Read everything; return it by category."""
    rules = _rules(campaign)
    alone, extended = _talks(campaign)
    asked: dict[int, list[tuple[int, int, dt.date]]] = defaultdict(list)
    fields = ("entry_id", "interviewer_id", "required", "due_on")
    for entry, interviewer, required, due in Assignment.objects.filter(campaign=campaign).values_list(*fields):
        asked[entry].append((interviewer, required, due))
    revisits: dict[int, set[str]] = defaultdict(set)
    for entry, state in FollowUp.objects.filter(interview__campaign=campaign).values_list("entry_id", "state"):
        revisits[entry].add(state)
    members: dict[int, list[int]] = defaultdict(list)
    for entry, group in FocusMembership.objects.filter(entry__campaign=campaign).values_list("entry_id", "group_id"):
        members[entry].append(group)
    found: dict[int, _Facts] = defaultdict(_Facts)
    rows = RosterEntry.objects.filter(campaign=campaign, active=True, category__in=rules).order_by("unit_id", "pk")
    sets: dict[tuple[int, str, int, int], list[int]] = defaultdict(list)
    places: dict[int, int] = defaultdict(int)
    for pk, category, unit, group in rows.values_list("pk", "category_id", "unit_id", "class_group_id"):
        place, facts = places[category], found[category]
        places[category] += 1
        times, due = rules[category]
        if pk in asked:
            times = max(required for _, required, _ in asked[pk])
            due = min(day for _, _, day in asked[pk])
        marks = [("units", 0, unit), *(("interviewers", unit, one) for one, _, _ in asked.get(pk, ()))]
        marks += [("focus", 0, one) for one in members.get(pk, ())]
        marks += [("classes", unit, group)] if group else []
        if alone.get(pk, 0) >= times:
            marks.append(("done", 0, 0))
        elif due < today:
            marks.append(("overdue", 0, 0))
        marks += [("extended", 0, 0)] if pk in extended else []
        marks += _revisit(revisits.get(pk, ()))
        marks.append(("everybody", 0, 0))
        for name, where, key in marks:
            sets[category, name, where, key].append(place)
        del facts
    for (category, name, where, key), members_ in sets.items():
        _put(found[category], name, where, key, bits(members_))
    return found


def _revisit(states: Iterable[str]) -> list[tuple[str, int, int]]:
    if FollowUp.State.PLANNED in states:
        return [("to_revisit", 0, 0)]
    return [("revisited", 0, 0)] if FollowUp.State.DONE in states else []


def _put(facts: _Facts, name: str, where: int, key: int, people: int) -> None:
    kept = getattr(facts, name)
    if isinstance(kept, int):
        setattr(facts, name, people)
    elif where:
        kept[where][key] = people
    else:
        kept[key] = people


# --- what may be shown ---------------------------------------------------------------------------------------------


class _Shown:
    """Which groups of one category may be shown, block by block."""

    def __init__(self, facts: _Facts, least: int) -> None:
        self.facts, self.least = facts, least
        self.school: dict[str, set[Key]] = {}
        self.local: dict[int, dict[str, set[Key]]] = {}
        everybody = [facts.everybody]
        top = self._top(None, everybody)
        self.school["people"] = top
        for unit, people in facts.units.items():
            groups = self._groups(unit) if ("unit", unit) in top else {}
            self.local[unit] = {"people": self._locally(unit, groups, [people])}
        for block in BLOCKS:
            self._block(block)
        for block, parts in (("people", everybody), *((block, facts.parts(block)) for block in BLOCKS)):
            self._focus(block, parts)

    def _top(self, among: set[Key] | None, parts: Sequence[int]) -> set[Key]:
        groups = {WHOLE: self.facts.everybody} | {("unit", unit): one for unit, one in self.facts.units.items()}
        return shown({key: one for key, one in groups.items() if among is None or key in among}, parts, self.least)

    def _groups(self, unit: int) -> dict[Key, int]:
        """Return the groups of a unit in the order of their worth: the whole, focus groups, classes, interviewers."""
        facts, people = self.facts, self.facts.units[unit]
        groups: dict[Key, int] = {WHOLE: people}
        groups |= {("focus", key): one & people for key, one in facts.focus.items() if one & people}
        for name, inner in (("class", facts.classes), ("interviewer", facts.interviewers)):
            ordered = sorted(inner.get(unit, {}).items(), key=lambda pair: -pair[1].bit_count())
            groups |= {(name, key): one for key, one in ordered}
        return groups

    def _block(self, block: str) -> None:
        parts = self.facts.parts(block)
        self.school[block] = self._top(self.school["people"], parts)
        for unit, local in self.local.items():
            if ("unit", unit) not in self.school[block]:
                local[block] = set()
                continue
            groups = {key: one for key, one in self._groups(unit).items() if key in local["people"]}
            local[block] = self._locally(unit, groups, [part & self.facts.units[unit] for part in parts])

    def _locally(self, unit: int, groups: Mapping[Key, int], parts: Sequence[int]) -> set[Key]:
        """Ask about groups of a unit, whose people stand side by side: without the empty places before them."""
        people = self.facts.units[unit]
        first = (people & -people).bit_length() - 1
        moved = {key: one >> first for key, one in groups.items()}
        return shown(moved, [part >> first for part in parts], self.least)

    def _focus(self, block: str, parts: Sequence[int]) -> None:
        """Add the focus groups of the whole that no combination with the units' pages gives away."""
        if WHOLE not in self.school[block]:
            return
        for key, members in self.facts.focus.items():
            safe = block == "people" or ("focus", key) in self.school["people"]
            for people in (members, self.facts.everybody & ~members):
                rest = people & ~self._known_within(block, people)
                safe = safe and is_safe(people, parts, self.least) and is_safe(rest, parts, self.least)
            if safe:
                self.school[block].add(("focus", key))

    def _known_within(self, block: str, people: int) -> int:
        """Return those of a set whom groups shown on the units' pages cover exactly."""
        found = 0
        for unit, local in self.local.items():
            inside = people & self.facts.units[unit]
            if not inside or not local[block]:
                continue
            for key, one in self._groups(unit).items():
                if key in local[block] and not one & ~inside:
                    found |= one
        return found


def _line(facts: _Facts, key: int, label: str, people: int, may: Mapping[str, bool]) -> Line:
    """Count one group, leaving out what may not be shown."""

    def count(block: str, part: int) -> int | None:
        return (people & part).bit_count() if may["people"] and may[block] else None

    return Line(
        key=key,
        label=label,
        people=people.bit_count() if may["people"] else None,
        done=count("talks", facts.done),
        overdue=count("talks", facts.overdue),
        extended=count("extended", facts.extended),
        revisited=count("revisits", facts.revisited),
        to_revisit=count("revisits", facts.to_revisit),
    )


def _may(sets: Mapping[str, set[Key]], key: Key) -> dict[str, bool]:
    return {block: key in sets.get(block, ()) for block in ("people", *BLOCKS)}


# --- tables --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Labels:
    units: Mapping[int, str]
    classes: Mapping[int, str]
    people: Mapping[int, str]
    groups: Mapping[int, tuple[str, str]]  # name and kind, in order


def _labels(campaign: Campaign, found: Iterable[_Facts]) -> _Labels:
    people = {one for facts in found for inner in facts.interviewers.values() for one in inner}
    assigned = Person.objects.filter(visit_assignments__campaign=campaign).order_by().distinct()
    groups = FocusGroup.objects.filter(campaign=campaign, sensitive=False, active=True)
    return _Labels(
        names_of({unit for facts in found for unit in facts.units}),
        dict(campaign.class_groups.values_list("pk", "name")),
        {pk: name for pk, name in assigned.values_list("pk", "name") if pk in people},
        {one.pk: (one.name, one.kind) for one in groups},
    )


def _school(facts: _Facts, view: _Shown, labels: _Labels, kind: str) -> dict[str, Table]:
    total = _line(facts, 0, "合计", facts.everybody, _may(view.school, WHOLE))
    units = [
        _line(facts, unit, labels.units.get(unit, ""), people, _may(view.school, ("unit", unit)))
        for unit, people in facts.units.items()
    ]
    focus = [
        _line(facts, key, name, facts.focus.get(key, 0), _may(view.school, ("focus", key)))
        for key, (name, of) in labels.groups.items()
        if of == kind and facts.focus.get(key, 0)
    ]
    return {"unit": Table("unit", tuple(units), total), "focus": Table("focus", tuple(focus), total)}


def _unit(unit: int, facts: _Facts, view: _Shown, labels: _Labels, kind: str) -> dict[str, Table]:
    sets, people = view.local[unit], facts.units[unit]
    total = _line(facts, unit, "合计", people, _may(sets, WHOLE))
    names = {
        "focus": {key: name for key, (name, of) in labels.groups.items() if of == kind},
        "class": labels.classes,
        "interviewer": labels.people,
    }
    inner = {
        "focus": facts.focus,
        "class": facts.classes.get(unit, {}),
        "interviewer": facts.interviewers.get(unit, {}),
    }
    tables = {}
    for dimension, groups in inner.items():
        lines = [
            _line(facts, key, names[dimension].get(key, ""), one & people, _may(sets, (dimension, key)))
            for key, one in groups.items()
            if one & people and key in names[dimension]
        ]
        lines.sort(key=lambda line: line.label)
        tables[dimension] = Table(dimension, tuple(lines), total)
    return tables


class _Everything(frozenset[Key]):
    """A set of groups that holds every one."""

    def __contains__(self, _: object) -> bool:
        return True


class _Unhidden(_Shown):
    """Every group, for comparing with what was shown before; nobody is shown these."""

    def __init__(self, facts: _Facts) -> None:
        everything: dict[str, set[Key]] = dict.fromkeys(("people", *BLOCKS), _Everything())  # type: ignore[arg-type]
        self.school, self.local = everything, dict.fromkeys(facts.units, everything)


Tables = dict[int | None, Coverage]


def count(campaign: Campaign, now: dt.datetime) -> Tables:
    """Count everything that may be shown; None is the key of the whole campaign, the others are units."""
    return count_both(campaign, now)[0]


def count_both(campaign: Campaign, now: dt.datetime) -> tuple[Tables, Tables]:
    """Count everything: what may be shown, and all of it, which nobody is shown."""
    settings = VisitSettings.objects.filter(campaign=campaign).first()
    least = settings.least_count if settings else LEAST
    categories = {one.pk: one for one in PersonCategory.objects.filter(campaign=campaign)}
    found = _facts(campaign, now.date())
    labels = _labels(campaign, list(found.values()))
    found = {pk: found[pk] for pk in categories if pk in found}

    def tables(views: Mapping[int, _Shown]) -> Tables:
        return _tables(found, views, categories, labels, (now, least))

    shown_ = tables({pk: _Shown(facts, least) for pk, facts in found.items()})
    return shown_, tables({pk: _Unhidden(facts) for pk, facts in found.items()})


def _tables(
    found: Mapping[int, _Facts],
    views: Mapping[int, _Shown],
    categories: Mapping[int, PersonCategory],
    labels: _Labels,
    made: tuple[dt.datetime, int],
) -> Tables:
    names = tuple((categories[pk].code, categories[pk].name) for pk in found)
    whole = {categories[pk].code: _school(found[pk], views[pk], labels, categories[pk].kind) for pk in found}
    result: Tables = {None: Coverage("全部单位", names, whole, *made)}
    for unit in {unit for facts in found.values() for unit in facts.units}:
        mine = [pk for pk in found if unit in found[pk].units]
        tables = {categories[pk].code: _unit(unit, found[pk], views[pk], labels, categories[pk].kind) for pk in mine}
        codes = tuple((categories[pk].code, categories[pk].name) for pk in mine)
        result[unit] = Coverage(labels.units.get(unit, ""), codes, tables, *made)
    return result
