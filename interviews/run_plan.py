"""What running the rules would do: read in a fixed number of queries, compared with what is assigned already."""

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from branches.models import Branch, Campaign
from branches.scopes import Scope
from interviews.assigning import Demand, Outcome, Why, assign
from interviews.models import (
    Assignment,
    ClassGroup,
    FocusMembership,
    Interview,
    InterviewSubject,
    RosterEntry,
    TutorLink,
    VisitRule,
)


@dataclass(frozen=True, slots=True)
class Member:
    """An entry as far as rules are concerned."""

    pk: int
    person: int
    category: int
    unit: int
    class_group: int | None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """People of a unit nobody visits under a rule, and why."""

    rule: VisitRule
    unit: int
    why: Why
    count: int


@dataclass
class RunPlan:
    """What running the rules would do."""

    campaign: Campaign
    now: dt.datetime
    fresh: list[Assignment] = field(default_factory=list)
    changed: list[Assignment] = field(default_factory=list)
    moved: int = 0
    gone: list[int] = field(default_factory=list)
    kept: int = 0
    without: list[Shortfall] = field(default_factory=list)
    loads: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # rule and unit -> people by interviewer

    @property
    def changes_nothing(self) -> bool:
        """Whether running would write nothing."""
        return not (self.fresh or self.changed or self.gone)

    @property
    def summary(self) -> str:
        """Say what would happen."""
        return f"新分配 {len(self.fresh)} 人，改派 {self.moved} 人，取消 {len(self.gone)} 人，不变 {self.kept} 人。"


class _Run:
    """Everything rules need, read in a fixed number of queries."""

    def __init__(self, campaign: Campaign, reach: Scope) -> None:
        self.campaign, self.reach = campaign, reach
        within = None if reach.everything else set(Branch.objects.within(reach).values_list("pk", flat=True))
        fields = ("pk", "person_id", "category_id", "unit_id", "class_group_id")
        rows = RosterEntry.objects.filter(campaign=campaign, active=True).order_by("pk").values_list(*fields)
        self.everybody = [Member(*row) for row in rows]
        self.members = [one for one in self.everybody if within is None or one.unit in within]
        self.persons = {one.pk: one.person for one in self.everybody}
        self.rules = list(campaign.visit_rules.prefetch_related("frequencies").select_related("visitors", "visited"))
        tutors = ClassGroup.objects.filter(campaign=campaign, tutor__active=True).values_list("pk", "tutor")
        self.class_tutors = dict(tutors)
        self.tutor_lists: dict[int, list[int]] = defaultdict(list)
        links = TutorLink.objects.filter(student__campaign=campaign, tutor__active=True).order_by("pk")
        for student, tutor in links.values_list("student_id", "tutor_id"):
            self.tutor_lists[student].append(tutor)
        self.groups: dict[int, set[int]] = defaultdict(set)
        memberships = FocusMembership.objects.filter(entry__campaign=campaign)
        for entry, group in memberships.values_list("entry_id", "group_id"):
            self.groups[entry].add(group)
        self.existing: dict[int, dict[int, Assignment]] = defaultdict(dict)
        for row in Assignment.objects.filter(campaign=campaign):
            self.existing[row.rule_id][row.entry_id] = row
        self.talked = talked_with(campaign)
        self.reached = {one.pk for one in self.members}
        self.below: dict[int, set[int]] = {}

    def demands(self, rule: VisitRule) -> list[tuple[Member, Demand]]:
        """Return the people a rule is about, with what it says of each."""
        inside = self._below(rule.unit_id) if rule.unit_id else None
        found = []
        for one in self.members:
            if one.category != rule.visited_id or (inside is not None and one.unit not in inside):
                continue
            known = self.existing[rule.pk].get(one.pk)
            settled = known is not None and (known.origin == Assignment.Origin.HAND or one.pk in self.talked)
            demand = Demand(
                one.person, one.unit, self._named(rule, one), known.interviewer_id if known else None, settled,
                rule.basis == VisitRule.Basis.UNIT or rule.share_out,
            )  # fmt: skip
            found.append((one, demand))
        return found

    def _below(self, unit: int) -> set[int]:
        if unit not in self.below:
            reach = Scope(frozenset({unit}), self.reach.day)
            self.below[unit] = set(Branch.objects.within(reach).values_list("pk", flat=True))
        return self.below[unit]

    def _named(self, rule: VisitRule, one: Member) -> tuple[int, ...]:
        if rule.basis == VisitRule.Basis.CLASS:
            tutor = self.class_tutors.get(one.class_group or 0)
            return (self.persons[tutor],) if tutor in self.persons else ()
        if rule.basis == VisitRule.Basis.TUTOR:
            return tuple(self.persons[tutor] for tutor in self.tutor_lists.get(one.pk, ()) if tutor in self.persons)
        return ()

    def pools(self, rule: VisitRule) -> dict[int, list[int]]:
        """Return the interviewers of each unit."""
        found: dict[int, list[int]] = defaultdict(list)
        for one in self.everybody:
            if one.category == rule.visitors_id:
                found[one.unit].append(one.person)
        return found

    def asked(self, rule: VisitRule, entry: int) -> tuple[int, dt.date]:
        """Return how often and until when a rule wants somebody visited."""
        mine = [one for one in rule.frequencies.all() if one.group_id in self.groups.get(entry, ())]
        times = max([rule.times, *(one.times for one in mine)])
        return times, min([rule.due_on, *(one.due_on for one in mine if one.due_on)])


def talked_with(campaign: Campaign) -> set[int]:
    """Return the entries somebody has had a one-to-one talk with."""
    talks = InterviewSubject.objects.filter(
        interview__campaign=campaign, interview__one_to_one=True, interview__state=Interview.State.RECORDED
    )
    return set(talks.values_list("entry_id", flat=True).distinct())


def plan_run(campaign: Campaign, reach: Scope, now: dt.datetime) -> RunPlan:
    """Return what running all rules of a campaign over the people `reach` covers would do."""
    run, plan = _Run(campaign, reach), RunPlan(campaign, now)
    total: Counter[int] = Counter()
    for rule in run.rules:
        if not rule.active:
            _retire(run, plan, rule, set())
            continue
        asked = run.demands(rule)
        pools = run.pools(rule)
        loads = total + _elsewhere(run, rule)
        outcome = assign([demand for _, demand in asked], pools, loads)
        total.update(outcome.assigned.values())
        for one, _ in asked:
            _compare(run, plan, rule, one, outcome.assigned.get(one.person))
        _retire(run, plan, rule, {one.pk for one, _ in asked})
        _missing(plan, rule, asked, outcome)
        _loads(plan, rule, asked, outcome, pools)
    return plan


def _elsewhere(run: _Run, rule: VisitRule) -> Counter[int]:
    """Return what interviewers have to do under this rule for people out of reach."""
    if run.reach.everything:
        return Counter()
    rows = run.existing[rule.pk].values()
    return Counter(row.interviewer_id for row in rows if row.entry_id not in run.reached)


def _compare(run: _Run, plan: RunPlan, rule: VisitRule, one: Member, taker: int | None) -> None:
    known = run.existing[rule.pk].get(one.pk)
    times, due = run.asked(rule, one.pk)
    if taker is None:
        if known is not None:
            plan.gone.append(known.pk)
        return
    if known is None:
        row = Assignment(
            campaign=plan.campaign, rule=rule, entry_id=one.pk, interviewer_id=taker, required=times, due_on=due,
            assigned_at=plan.now,
        )  # fmt: skip
        plan.fresh.append(row)
        return
    moved = known.interviewer_id != taker
    if moved or known.required != times or known.due_on != due:
        if moved:
            known.assigned_at = plan.now
        known.interviewer_id, known.required, known.due_on = taker, times, due
        plan.changed.append(known)
    plan.moved += moved
    plan.kept += not moved


def _retire(run: _Run, plan: RunPlan, rule: VisitRule, wanted: set[int]) -> None:
    """Take back what the rule no longer asks for, unless the talk was held or somebody gave it by hand."""
    for entry, row in run.existing[rule.pk].items():
        inside = run.reach.everything or entry in run.reached
        if entry in wanted or not inside or entry in run.talked or row.origin == Assignment.Origin.HAND:
            continue
        plan.gone.append(row.pk)


def _missing(plan: RunPlan, rule: VisitRule, asked: list[tuple[Member, Demand]], outcome: Outcome) -> None:
    units = {one.person: one.unit for one, _ in asked}
    counts = Counter((units[person], why) for person, why in outcome.without.items())
    plan.without += [Shortfall(rule, unit, why, count) for (unit, why), count in sorted(counts.items())]


def _loads(
    plan: RunPlan,
    rule: VisitRule,
    asked: list[tuple[Member, Demand]],
    outcome: Outcome,
    pools: dict[int, list[int]],
) -> None:
    """Note how many people each interviewer of a unit is to visit under a rule."""
    per_unit: dict[int, Counter[int]] = defaultdict(Counter)
    for one, _ in asked:
        taker = outcome.assigned.get(one.person)
        if taker is not None:
            per_unit[one.unit][taker] += 1
    for unit, counts in per_unit.items():
        idle = [0 for person in pools.get(unit, ()) if person not in counts]
        plan.loads[rule.pk, unit] = [*counts.values(), *idle]
