"""What the pages of supervision read: who is behind, what happened to a 督办单, which branches are weak."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from branches import clock, transitions
from branches.models import Account, Appointment, Branch, Campaign
from branches.permissions import is_recused, recused_branch_ids
from branches.scopes import Scope
from grading.models import Grade, Result, Round
from rectification import reminders
from rectification.models import Change, Contact, Item, Status, SupervisionNotice
from rectification.permissions import SECOND_PERSON
from rectification.services import notices

WAITING = (Item.State.SUBMITTED, Item.State.RETURNED)


@dataclass(slots=True)
class Line:
    """A branch that is behind: its overdue items, and why it cannot be urged now ("" when it can)."""

    branch: Branch
    name: str
    parent: str
    items: list[Item] = field(default_factory=list)
    why_not: str = ""
    alive: SupervisionNotice | None = None

    @property
    def may(self) -> bool:
        """Whether a 督办单 can be issued."""
        return not self.why_not

    @property
    def longest(self) -> int:
        """Days since the earliest deadline."""
        days = [(clock.today() - item.counts_on).days for item in self.items if item.counts_on]
        return max(days, default=0)


@dataclass(slots=True)
class Behind:
    """Everybody who is behind in one campaign."""

    campaign: Campaign
    lines: list[Line]
    not_approved: int = 0

    @property
    def may(self) -> bool:
        """Whether a 督办单 can be issued to any of them now."""
        return any(line.may for line in self.lines)

    @property
    def items(self) -> int:
        """How many items are overdue."""
        return sum(len(line.items) for line in self.lines)


def behind(account: Account, reach: Scope, now: dt.datetime) -> list[Behind]:
    """Return the campaigns within reach with branches that are behind: who can be urged and is longest behind first."""
    campaigns = Campaign.objects.within(reach).filter(backfill=False, plans__isnull=False).distinct()
    tree = reminders.tree_on(clock.day_of(now))
    found = []
    for campaign in campaigns.select_related("root").order_by("-starts_on", "-pk"):
        lines = _lines(account, campaign, reach, tree, now)
        if lines:
            ordered = sorted(lines, key=lambda line: (not line.may, -line.longest, line.name))
            found.append(Behind(campaign, ordered, _not_approved(campaign, reach, now)))
    return found


def _not_approved(campaign: Campaign, reach: Scope, now: dt.datetime) -> int:
    """Return how many items are overdue that nobody has approved yet: boards count them, a 督办单 cannot name them."""
    rows = Item.objects.within(reach).filter(plan__campaign=campaign, state__in=WAITING).status(now)
    return int(rows.filter(status=Status.OVERDUE).count())


def _lines(account: Account, campaign: Campaign, reach: Scope, tree: reminders.Tree, now: dt.datetime) -> list[Line]:
    by_node: dict[int, list[Item]] = {}
    for item in notices.overdue(campaign, now):
        by_node.setdefault(item.answers_id, []).append(item)
    alive = SupervisionNotice.objects.alive().filter(campaign=campaign, branch__in=by_node)
    there = {one.branch_id: one for one in alive}
    lines = []
    for branch in Branch.objects.within(reach).filter(pk__in=by_node):
        line = Line(branch, tree.name(branch.pk), tree.name(tree.parents.get(branch.pk) or 0), by_node[branch.pk])
        line.alive = there.get(branch.pk)
        line.why_not = _why_not(account, line, tree, reach)
        if branch.pk != campaign.root_id:
            lines.append(line)
    return lines


def _why_not(account: Account, line: Line, tree: reminders.Tree, reach: Scope) -> str:
    """Say why an account cannot urge a branch now; the service asks again."""
    if line.alive is not None:
        return "已督办，等待办结"
    above = list(tree.path(line.branch.pk))[1:]
    if not reach.everything and not any(node in reach.held.roots for node in above):
        return "由上级督办"
    return "您在该支部任职，应当回避" if is_recused(account, line.branch.pk) else ""


def why_not_decide(account: Account, rows: Sequence[Change], reach: Scope) -> dict[int, str]:
    """Say of changes an account cannot decide why not, in two queries for all; the service asks again of each."""
    tree, aside, held = reminders.tree_on(clock.today()), recused_branch_ids(account), reach.held.roots
    found = {}
    for row in rows:
        answers, (_, *above) = row.item.responsible_id, tree.path(row.item.responsible_id)
        if row.item.plan.branch_id in aside:
            found[row.pk] = "您在该支部任职，应当回避，请由其他负责人或上级审批。"
        elif not held.intersection(above or [answers]):
            found[row.pk] = "由上级审批。"
        elif row.requested_by_id == account.pk:
            found[row.pk] = SECOND_PERSON
    return found


def chosen(found: Sequence[Behind], wanted: str | None) -> Behind | None:
    """Return the campaign asked for, else the newest."""
    return next((one for one in found if str(one.campaign.pk) == wanted), found[0] if found else None)


def round_of(notice: SupervisionNotice) -> Round | None:
    """Return the round whose items a 督办单 is about, the newest of them: its form is printed under that."""
    rounds = Round.objects.filter(plans__items__notice_lines__notice=notice)
    return rounds.order_by("-ordinal").first()


def history(notice: SupervisionNotice) -> list[dict[str, Any]]:
    """Return what happened to a 督办单, newest first."""
    states = dict(SupervisionNotice.State.choices)
    moves = [
        {
            "at": timezone.localtime(move.at),
            "who": str(move.by or ""),
            "what": states[move.to_state],
            "text": move.reason,
        }
        for move in transitions.history(notice).order_by("-at", "-pk")
    ]  # fmt: skip
    first = {"at": timezone.localtime(notice.issued_at), "who": str(notice.issued_by), "what": "签发", "text": ""}
    return [*moves, first]


def returned_because(notice: SupervisionNotice) -> str:
    """Return why the last reply was sent back, "" unless the branch is to reply anew."""
    if notice.state != SupervisionNotice.State.RETURNED:
        return ""
    move = transitions.history(notice).filter(to_state=notice.state).order_by("-at", "-pk").first()
    return move.reason if move else ""


def secretary_of(branch: Branch) -> str:
    """Return the name of the present 书记 of a node, "" when nobody is."""
    post = Appointment.objects.on(clock.today()).secretaries().filter(branch=branch).select_related("person").first()
    return post.person.name if post else ""


@dataclass(frozen=True, slots=True)
class Weak:
    """A branch of the lowest grade, or one that has a contact all the same."""

    branch: Branch
    name: str
    parent: str
    grade: Grade | None
    steps: int
    contact: Contact | None
    lowest: bool
    earlier: tuple[Contact, ...] = ()


def weak(campaign: Campaign, reach: Scope, day: dt.date) -> list[Weak]:
    """Return the branches of the lowest grade in the newest round with grades, and those with a contact."""
    tree = reminders.tree_on(day)
    results = _newest_results(campaign, reach)
    last = max((one.decided_grade.rank for one in _lowest(results)), default=0)
    contacts: dict[int, list[Contact]] = {}
    rows = Contact.objects.within(reach).filter(campaign=campaign).select_related("account", "branch")
    for contact in rows.order_by("branch", "-starts_on", "-pk"):
        contacts.setdefault(contact.branch_id, []).append(contact)
    found: dict[int, Weak] = {}
    for result in results:
        branch, grade = result.unit.branch, result.decided_grade
        lowest = grade is not None and grade.rank == last
        if lowest or any(one.ends_on is None for one in contacts.get(branch.pk, ())):
            found[branch.pk] = _weak(tree, branch, grade, len(_scale(result)), contacts, lowest=lowest)
    for pk, held in contacts.items():
        if pk not in found and any(one.ends_on is None for one in held):
            found[pk] = _weak(tree, held[0].branch, None, 0, contacts, lowest=False)
    return sorted(found.values(), key=lambda one: (not one.lowest, one.contact is not None, one.parent, one.name))


def _newest_results(campaign: Campaign, reach: Scope) -> list[Result]:
    decided = Result.objects.current().filter(
        state=Result.State.DECIDED, unit__round__campaign=campaign, unit__branch__dissolved_on__isnull=True
    )
    if not reach.everything:
        decided = decided.filter(unit__branch__in=reach.held.branches())
    newest = decided.order_by("-unit__round__ordinal").values_list("unit__round", flat=True).first()
    rows = decided.filter(unit__round=newest) if newest else decided.none()
    return list(rows.select_related("unit__branch", "decided_grade", "unit__round__scale").prefetch_related(
        "unit__round__scale__grades"
    ))  # fmt: skip


def _scale(result: Result) -> list[Grade]:
    return list(result.unit.round.scale.grades.all())


def _lowest(results: Sequence[Result]) -> Iterator[Any]:
    """Yield results that hold the last grade of their scale."""
    for result in results:
        grades = _scale(result)
        if grades and result.decided_grade and result.decided_grade.rank == max(one.rank for one in grades):
            yield result


def _weak(
    tree: reminders.Tree, branch: Branch, grade: Grade | None, steps: int, contacts: dict[int, list[Contact]], *,
    lowest: bool,
) -> Weak:  # fmt: skip
    held = contacts.get(branch.pk, [])
    present = next((one for one in held if one.ends_on is None), None)
    earlier = tuple(one for one in held if one.ends_on is not None)
    parent = tree.name(tree.parents.get(branch.pk) or 0)
    return Weak(branch, tree.name(branch.pk), parent, grade, steps, present, lowest, earlier)


def units_within(reach: Scope, day: dt.date, *, below: Branch | None = None) -> list[tuple[int, str]]:
    """Return the nodes an account may visit, as choices; `below` keeps one node and what hangs under it."""
    scope = Scope(frozenset({below.pk}), day) if below is not None else reach
    rows = Branch.objects.within(scope).as_of(day).exclude(level=Branch.Level.COMMITTEE)
    names = rows.order_by("position", "code").values_list("pk", "name")
    return [(pk, name) for pk, name in names]


def by_general_branch(units: Sequence[tuple[int, str]], day: dt.date) -> list[tuple[str, list[tuple[int, str]]]]:
    """Return choices grouped: each 党总支 with what hangs under it, the 直属党支部 last."""
    keys = [pk for pk, _ in units]
    placed = Branch.objects.as_of(day).filter(pk__in=keys).values_list("pk", "level", "parent_id")
    where = {pk: (level, parent) for pk, level, parent in placed}
    tree = reminders.tree_on(day)
    tops = {pk for pk, (level, _) in where.items() if level == Branch.Level.GENERAL_BRANCH}
    groups: dict[int, list[tuple[int, str]]] = {pk: [] for pk in keys if pk in tops}
    direct: list[tuple[int, str]] = []
    for pk, name in units:
        parent = pk if pk in tops else where.get(pk, ("", None))[1] or 0
        groups.get(parent, direct).append((pk, name))
    found = [(tree.name(pk), rows) for pk, rows in groups.items()]
    return [*found, ("其他党支部" if not found else "直属党支部", direct)] if direct else found
