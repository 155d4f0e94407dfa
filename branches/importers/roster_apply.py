"""Writing a planned roster into the tree: everything or nothing, through the services of the tree."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from branches.importers.roster_facts import PERSON, PLACE, PROFILE, date_of, gender_of
from branches.importers.roster_plan import plan_roster
from branches.importers.shapes import BranchEntry, ImportRefused, RosterOutcome, RosterPlan
from branches.intake.matching import name_key
from branches.intake.shapes import RosterRow
from branches.intake.vocabulary import Vocabulary
from branches.models import Account, Appointment, Branch, BranchProfile, Category, Person
from branches.services import founding, imports, tree
from branches.services.words import ensure_categories
from branches.versions import ConflictError

UNIT_PREFIX = "ZZ"
BRANCH_PREFIX = "ZB"
_STUDENT = "学生"


def apply_roster(plan: RosterPlan, *, by: Account | None, now: dt.datetime, vocabulary: Vocabulary) -> RosterOutcome:
    """Write everything the plan says, or nothing.

    Raises ImportRefused when the plan has errors, when the tree changed since the plan was made, or when the tree does
    not allow a change. A plan that changes nothing writes nothing.
    """
    if not plan.ok:
        raise ImportRefused("文件还有错误，一行也没有写入。")
    try:
        with transaction.atomic():
            root = Branch.objects.select_for_update().get(pk=plan.root_id)
            fresh = plan_roster(
                plan.reading, root=root, today=plan.today, vocabulary=vocabulary, decisions=plan.decisions
            )
            if (fresh.units, fresh.entries) != (plan.units, plan.entries):
                raise ImportRefused("预览之后组织树有了变化，一行也没有写入。请重新预览再导入。")
            if not fresh.changes_nothing:
                _Writer(fresh, root, by, vocabulary).write()
                _note(fresh, root, by, now)
    except tree.TreeError as error:
        raise ImportRefused(f"一行也没有写入：{error}") from error
    except (IntegrityError, ConflictError) as error:
        raise ImportRefused("写入时与别处的修改冲突，一行也没有写入。请重新预览再导入。") from error
    return RosterOutcome(
        len(fresh.new_units), len(fresh.new), len(fresh.changed), len(fresh.unchanged), fresh.summary()
    )


def _note(plan: RosterPlan, root: Branch, by: Account | None, now: dt.datetime) -> None:
    facts = {
        "file": plan.reading.workbook, "new": len(plan.new), "changed": len(plan.changed),
        "new_units": len(plan.new_units), "at": now.isoformat(),
    }  # fmt: skip
    imports.note_import(by=by, root=root, summary=f"导入花名册：{plan.summary()}", facts=facts)


class _Writer:
    """Writes one plan; only inside a transaction."""

    def __init__(self, plan: RosterPlan, root: Branch, by: Account | None, vocabulary: Vocabulary) -> None:
        self.plan, self.root, self.by = plan, root, by
        ensure_categories(by=by, vocabulary=vocabulary)
        self.categories = {category.code: category for category in Category.objects.all()}
        self.units: dict[str, Branch] = {}

    def write(self) -> None:
        """Write units first, then branches in the order of the file."""
        known = Branch.objects.in_bulk([unit.branch_id for unit in self.plan.units if unit.branch_id])
        for unit in self.plan.units:
            self.units[name_key(unit.name)] = known[unit.branch_id] if unit.branch_id else self._set_up_unit(unit.name)
        for entry in self.plan.changed:
            self._change(entry)
        self._found([entry.row for entry in self.plan.new])

    def _set_up_unit(self, name: str) -> Branch:
        return tree.set_up(
            by=self.by, code=tree.next_code(UNIT_PREFIX), level=Branch.Level.GENERAL_BRANCH,
            place=tree.Place(name, self.root), starts_on=self.plan.day, reason="花名册导入",
        )  # fmt: skip

    def _place(self, row: RosterRow, short_name: str) -> tree.Place:
        parent = self.units[name_key(row.general_branch)] if row.general_branch else self.root
        return tree.Place(row.name, parent, short_name, self.categories.get(row.category or ""))

    def _found(self, rows: Sequence[RosterRow]) -> None:
        codes = tree.next_codes(BRANCH_PREFIX, [row.code for row in rows if row.code])
        people = _People(rows)
        foundings = [
            founding.Founding(
                code=row.code or next(codes), place=self._place(row, row.extra.get("short_name", "")),
                founded=date_of(row.extra.get("founded", "")), profile=_profile_of(row),
                secretary=people.secretary(row, by=self.by),
            )
            for row in rows
        ]  # fmt: skip
        founding.found(by=self.by, foundings=foundings, starts_on=self.plan.day, reason="花名册导入")

    def _change(self, entry: BranchEntry) -> None:
        row, facts = entry.row, {change.field for change in entry.changes}
        branch = Branch.objects.get(pk=entry.branch_id or 0)
        branch = imports.correct_node(
            by=self.by, branch=branch, code=row.code or None, founded=date_of(row.extra.get("founded", ""))
        )
        if facts & set(PLACE):
            self._move(branch, row)
        if facts & set(PROFILE):
            profile, _ = BranchProfile.objects.get_or_create(branch=branch)
            self._save_profile(profile, row)
        if any(fact.startswith("secretary") for fact in facts):
            self._save_secretary(branch, row)

    def _move(self, branch: Branch, row: RosterRow) -> None:
        current = branch.placements.get(ends_on__isnull=True)
        place = self._place(row, row.extra.get("short_name", "") or current.short_name)
        if place.category is None:
            place = replace(place, category=current.category)
        tree.move(
            by=self.by, branch=branch, place=place, from_day=max(self.plan.day, current.starts_on), reason="花名册导入"
        )

    def _save_profile(self, profile: BranchProfile, row: RosterRow) -> None:
        stated = _profile_of(row)
        if stated:
            tree.save_profile(by=self.by, profile=profile, version=profile.version, values=stated)

    def _save_secretary(self, branch: Branch, row: RosterRow) -> None:
        if not row.secretary_name:
            return
        held = Appointment.objects.secretaries().filter(branch=branch, ends_on__isnull=True)
        current = held.select_related("person").first()
        values = _particulars(row)
        person: Person | None
        if current is not None and current.person.name == row.secretary_name:
            person, starts = current.person, row.secretary_since or current.starts
        else:
            person, starts = _known_person(row, values), row.secretary_since
        if person is None:
            person = tree.add_person(by=self.by, name=row.secretary_name, unit=branch, **values)
        elif any(getattr(person, name) != value for name, value in values.items() if name != "kind"):
            person = tree.edit_person(by=self.by, person=person, version=person.version, values=values)
        if current is None or current.person_id != person.pk or current.starts != starts:
            tree.appoint(
                by=self.by, branch=branch, person=person, post=Appointment.Post.SECRETARY, starts=starts,
                on=self.plan.day,
            )  # fmt: skip


class _People:
    """The secretaries of branches to be set up: known ones are found, one person of several rows is registered once."""

    def __init__(self, rows: Sequence[RosterRow]) -> None:
        self._found: dict[tuple[str, str], list[Person]] = {}
        for person in Person.objects.filter(name__in={row.secretary_name for row in rows}).exclude(phone=""):
            self._found.setdefault((person.name, person.phone), []).append(person)

    def secretary(self, row: RosterRow, *, by: Account | None) -> founding.Secretary | None:
        """Return who the row names, their particulars brought up to date; None when it names nobody."""
        if not row.secretary_name:
            return None
        values = _particulars(row)
        alike = self._found.setdefault((row.secretary_name, values.get("phone", "")), [])
        if len(alike) == 1 and values.get("phone"):
            (person,) = alike
            changed = any(getattr(person, name) != value for name, value in values.items() if name != "kind")
            if changed and person.pk is not None:
                alike[0] = person = tree.edit_person(by=by, person=person, version=person.version, values=values)
            elif changed:
                for name, value in values.items():
                    setattr(person, name, value)
        else:
            person = Person(name=row.secretary_name, **values)
            alike.append(person)
        return founding.Secretary(person, row.secretary_since)


def _profile_of(row: RosterRow) -> dict[str, Any]:
    """Return what the row says for 支部基本情况, without blanks."""
    values: dict[str, Any] = {
        "full_members": row.formal,
        "probationary_members": row.probationary,
        "mobile_members": row.mobile,
        "remarks": row.remark,
        "last_election": date_of(row.extra.get("last_election", "")),
        "term_ends": date_of(row.extra.get("term_ends", "")),
        "committee": row.extra.get("committee", ""),
        "venue": row.extra.get("venue", ""),
    }
    return {name: value for name, value in values.items() if value not in (None, "")}


def _particulars(row: RosterRow) -> dict[str, Any]:
    """Return what the row says about the secretary as fields of Person, without blanks."""
    values: dict[str, Any] = {
        "gender": gender_of(row.secretary_gender),
        "title": row.secretary_post,
        "phone": "、".join(row.phones),
        "education": row.extra.get("secretary_education", ""),
        "birth": date_of(row.extra.get("secretary_birth", "")),
        "email": row.extra.get("email", ""),
        "kind": Person.Kind.STUDENT if row.secretary_post == _STUDENT else Person.Kind.STAFF,
    }
    assert set(PERSON.values()) < set(values)  # noqa: S101 - both lists name the same particulars
    return {name: value for name, value in values.items() if value not in (None, "")}


def _known_person(row: RosterRow, values: dict[str, Any]) -> Person | None:
    """Return the one person of that name and telephone, or None: equal names alone are not the same person."""
    if not values.get("phone"):
        return None
    found = list(Person.objects.filter(name=row.secretary_name, phone=values["phone"])[:2])
    return found[0] if len(found) == 1 else None
