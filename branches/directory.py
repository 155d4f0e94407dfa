"""Reads over the tree: who hangs where today, how many, and what became of a node."""

import datetime as dt
import operator
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from django.db.models import Case, Count, F, FilteredRelation, Q, QuerySet, Sum, When
from django.db.models.expressions import CombinedExpression

from branches.models import Appointment, AuditEntry, Branch, BranchProfile, Category, Person, Placement
from branches.registries import confided
from branches.scopes import Scope

PersonQuerySet = QuerySet[Person]
BranchRows = QuerySet[Any]


@dataclass
class Node:
    """A node of the tree with what hangs under it; counts include everything below."""

    branch: Branch
    children: list["Node"] = field(default_factory=list)
    branches: int = 0
    members: int = 0
    unknown: int = 0  # branches whose members nobody has counted yet
    categories: dict[str, int] = field(default_factory=dict)  # branches below by category, in the order of categories

    @property
    def is_branch(self) -> bool:
        """Whether this is a 党支部, the unit that is graded."""
        return self.branch.level == Branch.Level.BRANCH

    @property
    def has_units(self) -> bool:
        """Whether anything but 党支部 hangs directly under it."""
        return any(not child.is_branch for child in self.children)


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures of the head of the list."""

    general_branches: int
    branches: int
    members: int
    probationary: int


def placed(day: dt.date, reach: Scope) -> list[Branch]:
    """Return the nodes of `reach` placed on `day`, in order, by one query at any size."""
    return list(Branch.objects.within(reach).as_of(day).order_by("position", "code"))


_NUMBERS = (*BranchProfile.COUNTS, "annual_funds")
_TEXTS = ("committee", "venue")
_DATES = ("last_election", "term_ends")
_PERSON = ("name", "gender", "birth", "education", "title", "phone")


def _secretary() -> FilteredRelation:
    """Join the present 书记; made anew each time because a queryset renames the condition in place."""
    present = Q(appointments__post=Appointment.Post.SECRETARY, appointments__ends_on__isnull=True)
    return FilteredRelation("appointments", condition=present)


def _empty(path: str, *, text: bool = True) -> Case:
    condition = Q(**{f"{path}__isnull": True})
    if text:
        condition |= Q(**{path: ""})
    return Case(When(condition, then=1), default=0)


def _blanks() -> CombinedExpression:
    """Count the empty facts of a branch in the database, as `basics.Basics.blanks` counts them."""
    parts = [_empty("founded", text=False), _empty("post__starts", text=False)]
    parts += [_empty(f"post__person__{name}", text=name != "birth") for name in _PERSON]
    parts += [_empty(f"profile__{name}") for name in _TEXTS]
    parts += [_empty(f"profile__{name}", text=False) for name in (*_NUMBERS, *_DATES)]
    return reduce(operator.add, parts)  # type: ignore[arg-type, return-value]


def register(day: dt.date, reach: Scope) -> BranchRows:
    """Return the 党支部 of `reach` placed on `day` with what lists show of them, in one query.

    Annotates, beside those of `as_of`: secretary_name, secretary_initials, secretary_phone, members, probationary,
    mobile, term_ends, confirmed_at and blanks (how many facts 附件4 prints are still empty).
    """
    rows = Branch.objects.within(reach).as_of(day).branches_only()
    return rows.annotate(post=_secretary()).annotate(
        secretary_name=F("post__person__name"),
        secretary_initials=F("post__person__initials"),
        secretary_phone=F("post__person__phone"),
        members=F("profile__full_members") + F("profile__probationary_members"),
        probationary=F("profile__probationary_members"),
        mobile=F("profile__mobile_members"),
        term_ends=F("profile__term_ends"),
        confirmed_at=F("profile__confirmed_at"),
        blanks=_blanks(),
    )


def forest(day: dt.date, reach: Scope) -> list[Node]:
    """Return the top nodes of `reach` with everything below them; an officer's forest begins at the own 党总支."""
    nodes = {branch.pk: Node(branch) for branch in placed(day, reach)}
    members = _members(nodes)
    tops: list[Node] = []
    for node in nodes.values():
        parent = nodes.get(node.branch.parent_id)
        (parent.children if parent else tops).append(node)
    order = [name for _, name in categories()]
    for top in tops:
        _count(top, members, order)
    return tops


def find(tops: Iterable[Node], branch: Branch) -> Node | None:
    """Return the node of `branch` in a forest, or None."""
    for node in tops:
        if node.branch.pk == branch.pk:
            return node
        found = find(node.children, branch)
        if found:
            return found
    return None


def names_of(pks: Iterable[int]) -> dict[int, str]:
    """Return the latest name of each node by id, by one query."""
    rows = Placement.objects.filter(branch__in=list(pks)).order_by("starts_on")
    return dict(rows.values_list("branch_id", "name"))


def people(reach: Scope) -> PersonQuerySet:
    """Return the persons of a reach: those whose unit or whose present or past post lies in it."""
    rows = Person.objects.select_related("unit")
    if reach.everything:
        return rows
    posts = Appointment.objects.filter(branch__in=reach.branches()).values("person")
    return rows.filter(Q(unit__in=reach.branches()) | Q(pk__in=posts))


def find_people(reach: Scope, query: str) -> PersonQuerySet:
    """Return persons by part of the name, by pinyin initials or by number; all of the reach without a query."""
    query = query.strip()
    rows = people(reach)
    if not query:
        return rows
    return rows.filter(Q(name__contains=query) | Q(initials__startswith=query.lower()) | Q(number__iexact=query))


def posts_by_person(people_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the posts held now by person, in words, by two queries."""
    held = list(Appointment.objects.filter(person__in=list(people_ids), ends_on__isnull=True).order_by("pk"))
    names = names_of({post.branch_id for post in held})
    found: dict[int, list[str]] = defaultdict(list)
    for post in held:
        found[post.person_id].append(f"{names.get(post.branch_id, '')}{post.get_post_display()}")
    return dict(found)


def roster_rows(day: dt.date, reach: Scope) -> list[dict[str, Any]]:
    """Return one mapping per 党支部 with the fields of a roster, in order, by a constant number of queries."""
    rows = list(register(day, reach).select_related("profile").order_by("position", "code"))
    posts = Appointment.objects.filter(branch__in=[row.pk for row in rows], ends_on__isnull=True).secretaries()
    secretaries = {post.branch_id: post for post in posts.select_related("person")}
    roots = set(Placement.objects.on(day).filter(parent__isnull=True).values_list("branch_id", flat=True))
    return [_roster_row(row, secretaries.get(row.pk), direct=row.parent_id in roots) for row in rows]


def _roster_row(row: Any, post: Appointment | None, *, direct: bool) -> dict[str, Any]:
    profile, person = row.profile, post.person if post else Person()
    return {
        "general_branch": "直属党支部" if direct else row.parent_name,
        "name": row.name,
        "short_name": row.short_name,
        "category": row.category_name,
        "secretary_name": person.name,
        "secretary_gender": person.get_gender_display() if person.gender else "",
        "secretary_birth": person.birth,
        "secretary_education": person.education,
        "secretary_post": person.title,
        "secretary_since": post.starts if post else None,
        "members": row.members,
        "formal": profile.full_members,
        "probationary": profile.probationary_members,
        "mobile": profile.mobile_members,
        "phones": person.phone,
        "email": person.email,
        "founded": row.founded,
        "last_election": profile.last_election,
        "term_ends": profile.term_ends,
        "committee": profile.committee,
        "venue": profile.venue,
        "code": row.code,
        "remark": profile.remarks,
    }


def _members(pks: Iterable[int]) -> dict[int, int | None]:
    rows = BranchProfile.objects.filter(branch__in=list(pks))
    return {row.branch_id: row.total_members for row in rows.only("branch", "full_members", "probationary_members")}


def _count(node: Node, members: dict[int, int | None], order: list[str]) -> None:
    if node.is_branch:
        known = members.get(node.branch.pk)
        node.branches, node.members, node.unknown = 1, known or 0, known is None
        node.categories[node.branch.category_name or "未定类别"] = 1
        return
    node.children.sort(key=lambda child: (child.is_branch, child.branch.position, child.branch.code))
    for child in node.children:
        _count(child, members, order)
        node.branches += child.branches
        node.members += child.members
        node.unknown += child.unknown
    names = {name for child in node.children for name in child.categories}
    for name in sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name)):
        node.categories[name] = sum(child.categories.get(name, 0) for child in node.children)


def totals(day: dt.date, reach: Scope) -> Totals:
    """Return how many units and members `reach` holds today."""
    here = Branch.objects.within(reach).filter(pk__in=Placement.objects.on(day).values("branch"))
    found = here.aggregate(
        general=Count("pk", filter=Q(level=Branch.Level.GENERAL_BRANCH)),
        branches=Count("pk", filter=Q(level=Branch.Level.BRANCH)),
        full=Sum("profile__full_members"),
        probationary=Sum("profile__probationary_members"),
    )
    probationary = found["probationary"] or 0
    return Totals(found["general"], found["branches"], (found["full"] or 0) + probationary, probationary)


def _units(day: dt.date, reach: Scope) -> BranchRows:
    units = Branch.objects.within(reach).exclude(level=Branch.Level.BRANCH)
    return units.as_of(day).order_by("position", "code")


def parents(day: dt.date, reach: Scope, *, without: Branch | None = None) -> list[tuple[int, str]]:
    """Return (id, name) of the nodes under which something may hang, leaving out `without` and what lies below it."""
    nodes = list(_units(day, reach))
    below = {without.pk} if without else set()
    while without:
        more = {node.pk for node in nodes if node.parent_id in below} - below
        if not more:
            break
        below |= more
    return [(node.pk, node.name) for node in nodes if node.pk not in below]


def categories() -> list[tuple[int, str]]:
    """Return (id, name) of the categories in their order."""
    return list(Category.objects.values_list("pk", "name"))


def audit_of(branch: Branch, limit: int = 30) -> list[AuditEntry]:
    """Return the newest audit entries about a branch, with their details; none of those auditors alone read."""
    rows = AuditEntry.objects.filter(branch=branch).without(confided()).select_related("detail")
    return list(rows[:limit])
