"""Random walks of everybody through everything: no path leaves the table written down here by hand.

Five walks of a hundred steps. At each step somebody (also people who may not) tries something (also what cannot be) at
a moment that only moves forward; the service does it or refuses. Afterwards every logged move must be a legal one by
somebody of the right level, and every row must agree with what the rules say.
"""

import datetime as dt
from dataclasses import dataclass

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from branches.models import Account, TransitionLog
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from rectification.models import Change, Item, Plan, Recheck
from rectification.services import changes, closing, items, plans, progress, verification
from rectification.services.plans import Ruling
from tests.rectification.plan_world import MAY, World
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]
world = shared(World)
NO = (RefusedError, IllegalMoveError, BlockedError, ConflictError)

BRANCH, ABOVE = {"secretary", "clerk"}, {"officer", "office", "office2"}
TOP = {"office", "office2"}
ANYBODY = sorted(BRANCH | ABOVE | {"other_officer"})
TERMS = ["normal", "long_term", "awaiting_conditions"]
#: Each legal move of an item with who may make it. "above" is the level above who answers for the item.
ITEM_MOVES = {
    ("draft", "submitted"): "branch", ("draft", "closed"): "above",
    ("submitted", "approved"): "above", ("submitted", "returned"): "above", ("submitted", "draft"): "branch",
    ("submitted", "closed"): "above", ("returned", "submitted"): "branch", ("returned", "closed"): "above",
    ("approved", "in_hand"): "records", ("approved", "closed"): "above",
    ("in_hand", "awaiting_verification"): "records", ("in_hand", "closed"): "above",
    ("awaiting_verification", "verified"): "verifies", ("awaiting_verification", "reopened"): "verifies",
    ("awaiting_verification", "in_hand"): "records", ("awaiting_verification", "closed"): "above",
    ("verified", "reopened"): "verifies",
    ("reopened", "awaiting_verification"): "records", ("reopened", "closed"): "above",
}  # fmt: skip
PLAN_MOVES = {
    ("draft", "submitted"): "branch", ("submitted", "draft"): "branch", ("returned", "submitted"): "branch",
    ("submitted", "approved"): "above", ("submitted", "returned"): "above",
}  # fmt: skip
MAY_DO = {
    "branch": BRANCH | ABOVE, "above": ABOVE, "records": BRANCH | ABOVE, "verifies": ABOVE,
}  # fmt: skip
#: The first is what a walk of nothing but first choices does; those that bring an item on come more often.
actions = st.sampled_from(
    ["time_passes", "hand_in", "hand_in", "decide", "decide", "report", "report", "ask_for_the_end", "ask_for_the_end",
     "verify", "verify", "verify", "look_again", "ask_for_a_change", "ask_for_a_change", "answer_a_change",
     "answer_a_change", "add", "edit", "edit", "escalate", "hand_in_one", "end"]
)  # fmt: skip
hands = st.sampled_from([*ANYBODY, "secretary", "secretary", "officer", "officer"])
days = st.integers(-10, 300)
which = st.integers(0, 5)
yes = st.booleans()


@dataclass(frozen=True)
class Try:
    """Who tries something, on which row, with which day; a die and a coin settle the rest."""

    by: Account
    number: int
    day: dt.date
    die: int
    sure: bool


class Walk(RuleBasedStateMachine):
    """One walk on rows of its own; `world` is set by the test."""

    world: World
    steps = moves = 0

    def __init__(self):
        super().__init__()
        self.frame = transaction.atomic()
        self.frame.__enter__()
        self.now, self.seen, self.touched = MAY, 0, True
        self.names = {getattr(self.world, name).pk: name for name in ANYBODY}
        self.plan_id = self.world.plan.pk
        self.approved = {}
        self.world.meeting()
        for _ in range(2):
            self.world.item()
        mine = {"owner_person": self.world.officer.person, "owner_name": self.world.officer.get_full_name()}
        self.world.item(**mine)

    def teardown(self):
        transaction.set_rollback(True)
        self.frame.__exit__(None, None, None)

    @property
    def plan(self):
        return Plan.objects.get(pk=self.plan_id)

    def item(self, number):
        rows = list(Item.objects.filter(plan=self.plan_id).order_by("ordinal"))
        return rows[number % len(rows)]

    def change(self, number):
        rows = list(Change.objects.filter(state="proposed").order_by("pk")) or list(Change.objects.order_by("pk"))
        return rows[number % len(rows)] if rows else None

    def who(self, name):
        return getattr(self.world, name)

    def attempt(self, function, **given):
        try:
            with transaction.atomic():
                function(now=self.now, **given)
        except NO:
            return
        self.touched = True

    @rule(action=actions, who=hands, number=which, days=days, die=st.integers(0, 7), sure=yes)
    def step(self, action, who, number, days, die, sure):
        """Let somebody try something; one rule for all, so that a walk never leaves a kind of action out."""
        type(self).steps += 1
        getattr(self, action)(Try(self.who(who), number, self.now.date() + dt.timedelta(days=days), die, sure))

    def time_passes(self, tried):
        self.now += dt.timedelta(days=tried.die)
        self.touched = self.touched or tried.die > 0

    def add(self, tried):
        term = ["normal", "normal", "long_term", "awaiting_conditions"][tried.die % 4]
        values = {
            "source": "other", "category": self.world.category, "dimension": self.world.dimension,
            "problem": "新的问题", "goal": "解决", "measures": "每月1次", "leader": "王建国", "owner_name": "李小红",
            "term": term, "due_on": tried.day if term == "normal" else None, "review_on": tried.day,
            "term_reason": "理由" if tried.sure else "",
        }  # fmt: skip
        self.attempt(
            items.save_item, by=tried.by, plan=self.plan, item=None, version=0, values=values, checkpoints=[tried.day]
        )

    def edit(self, tried):
        """Change an item that is open to it; half of the time so that nothing is wrong with it any more."""
        row = self.item(tried.number)
        good = {"term": "normal", "due_on": min(self.now.date() + dt.timedelta(days=40), row.limit_on)}
        self.attempt(
            items.save_item, by=tried.by, plan=self.plan, item=row, version=row.version - (tried.die == 0),
            values=good if tried.sure else {"due_on": tried.day},
        )  # fmt: skip

    def escalate(self, tried):
        self.attempt(items.escalate, by=self.world.secretary, item=self.item(tried.number), reason="没有用房")

    def hand_in(self, tried):
        function = plans.withdraw if tried.die == 0 else plans.submit
        self.attempt(function, by=self.world.secretary, plan=self.plan)

    def hand_in_one(self, tried):
        self.attempt(items.submit_item, by=self.world.secretary, item=self.item(tried.number))

    def decide(self, tried):
        waiting = Item.objects.filter(plan=self.plan_id, state="submitted").order_by("ordinal")
        rulings = {
            row.pk: Ruling(
                approve=(row.ordinal + tried.die) % 4 != 0, reason="请补充", consents=tried.sure, owner_name="陈院长"
            )
            for row in waiting
        }
        self.attempt(plans.decide_items, by=tried.by, plan=self.plan, rulings=rulings)

    def report(self, tried):
        self.attempt(
            progress.add_progress,
            by=tried.by,
            item=self.item(tried.number),
            percent=tried.die * 20 - 1,
            text="已办一部分",
        )

    def ask_for_the_end(self, tried):
        row = self.item(tried.number)
        if tried.die == 0:
            self.attempt(progress.withdraw_request, by=tried.by, item=row)
        else:
            self.attempt(progress.request_completion, by=tried.by, item=row, result="已办" if tried.die > 1 else " ")

    def verify(self, tried):
        later = self.now.date() + dt.timedelta(days=30)
        self.attempt(
            verification.verify, by=tried.by, item=self.item(tried.number), passed=tried.sure, finding="看过",
            on_site=tried.die % 2 == 0, on=self.now.date(), recheck_on=later if tried.die > 3 else None,
        )  # fmt: skip

    def look_again(self, tried):
        if (row := Recheck.objects.order_by("-pk").first()) is not None:
            self.attempt(
                verification.record_recheck, by=tried.by, recheck=row, relapsed=tried.sure, finding="看过",
                on=self.now.date(), due_on=tried.day if tried.sure and tried.die % 2 else None,
            )  # fmt: skip

    def ask_for_a_change(self, tried):
        day = tried.day.isoformat()
        new = {
            "due_on": day, "goal": f"目标{day}", "term": TERMS[tried.day.day % 3],
            "term_reason": "理由", "review_on": day, "checkpoints": [day], "owner_name": f"责任人{day}",
            "paused_until": day,
        }  # fmt: skip
        kind = Change.Kind.values[tried.die]
        self.attempt(changes.request, by=tried.by, item=self.item(tried.number), kind=kind, new=new, reason="情况变了")

    def answer_a_change(self, tried):
        if (row := self.change(tried.number)) is not None:
            self.attempt(
                changes.decide, by=tried.by, change=row, consent=tried.die != 0, answer="知道了", owner_name="陈院长"
            )

    def end(self, tried):
        if tried.die == 0:
            self.attempt(closing.end_item, by=tried.by, item=self.item(tried.number), reason="情况已不存在")

    # ------------------------------------------------------------------ what must hold after every step

    @invariant()
    def everything_holds(self):
        if self.touched:
            self.every_move_is_legal_and_by_the_right_people()
            self.rows_agree_with_the_rules()
            self.touched = False

    def every_move_is_legal_and_by_the_right_people(self):
        for row in TransitionLog.objects.filter(pk__gt=self.seen).order_by("pk"):
            self.seen = row.pk
            type(self).moves += 1
            table = ITEM_MOVES if row.thing == "rectification.item" else PLAN_MOVES
            role = table.get((row.from_state, row.to_state))
            assert role, f"illegal: {row.thing} {row.from_state} → {row.to_state}"
            name = self.names[row.by_id]
            assert name in MAY_DO[role], f"{name} made {row.from_state} → {row.to_state}"
            if row.thing == "rectification.item":
                self.follow(row, name, role)

    def follow(self, row, name, role):
        """Keep what was approved, and check who verified or recorded what the superior had taken over."""
        item = Item.objects.get(pk=row.thing_id)
        taken = item.escalated_to_id is not None
        if role == "verifies":
            assert not taken or name in TOP, f"{name} verified what the 党总支 itself had taken over"
            assert item.owner_person_id is None or item.owner_person_id != self.who(name).person_id
        if role == "records" and taken and row.reason != "现场核实":
            assert name in ABOVE
        if row.to_state == "approved":
            self.approved[item.pk] = (item.due_on, item.goal, item.term)

    def rows_agree_with_the_rules(self):
        rows = Item.objects.filter(plan=self.plan_id).prefetch_related("checkpoints", "changes", "verifications")
        for item in rows.status(self.now):
            if item.term == "normal" and item.due_on is not None:
                assert item.due_on <= max(item.limit_on, item.extended_to or item.limit_on)
            assert item.counts_on == counts_on(item)
            assert item.status == status_by_hand(item, self.now.date())
            if item.state == "verified":
                last = item.verifications.all()[0]
                assert last.outcome == "passed"
                assert last.by_id == item.verified_by_id != last.requested_by_id
            if item.pk in self.approved and item.state not in ("draft", "returned", "submitted"):
                self.only_changed_by_consent(item)

    def only_changed_by_consent(self, item):
        """Deadline, goal and term of an approved item are those approved with it, or those of the last consent."""
        due, goal, term = self.approved[item.pk]
        consents = [change for change in item.changes.all() if change.state == "approved"]
        for change in consents:
            assert change.decided_by_id != change.requested_by_id
            assert self.names[change.decided_by_id] in ABOVE
        consented = {field for change in consents for field in change.new}
        assert item.due_on == due or "due_on" in consented
        assert item.goal == goal or "goal" in consented
        assert item.term == term or "term" in consented
        assert item.extended_to is None or any(change.kind == "extension" for change in consents)


def counts_on(item):
    """Return the day that counts next, worked out another way than the product does."""
    if item.term == "normal":
        return item.due_on
    if item.term == "awaiting_conditions":
        return item.review_on
    return min((row.due_on for row in item.checkpoints.all() if row.done_on is None), default=item.due_on)


def status_by_hand(item, today):
    """Return the status by the words of the rules."""
    fixed = {
        "verified": "verified",
        "transferred": "transferred",
        "closed": "closed",
        "awaiting_verification": "awaiting",
    }
    if item.state in fixed:
        return fixed[item.state]
    if item.paused_on and item.paused_on <= today and today <= item.paused_until:
        return "paused"
    if item.counts_on and item.counts_on < today:
        return "overdue"
    if item.counts_on and item.counts_on - today <= dt.timedelta(days=14):
        return "at_risk"
    if item.term != "normal":
        return "long_term"
    return "in_hand" if item.state in ("in_hand", "reopened") else "planned"


QUICK = settings(
    max_examples=2, stateful_step_count=100, deadline=None, database=None, derandomize=False,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.parametrize("number", [2, 3, 4, 6, 8])  # walks that come far; any other number holds too
def test_no_walk_leaves_the_table(world, number):
    walk = seed(number)(type(f"Walk{number}", (Walk,), {"world": world}))
    run_state_machine_as_test(walk, settings=QUICK)  # the first example is always a walk of nothing but first choices
    assert walk.steps == 200
    assert walk.moves >= 20


def test_the_walk_notices_a_move_that_is_not_in_the_table(world):
    """The negative control: a state written past `advance` and a verifier of the wrong level are both noticed."""
    walk = type("Wrong", (Walk,), {"world": world})()
    row = walk.item(0)
    log = {"thing": "rectification.item", "thing_id": row.pk, "at": MAY}
    TransitionLog.objects.create(from_state="draft", to_state="verified", by=world.officer, **log)
    with pytest.raises(AssertionError, match="illegal"):
        walk.every_move_is_legal_and_by_the_right_people()
    TransitionLog.objects.create(from_state="submitted", to_state="approved", by=world.secretary, **log)
    with pytest.raises(AssertionError, match="secretary made"):
        walk.every_move_is_legal_and_by_the_right_people()
    Item.objects.filter(pk=row.pk).update(counts_on=dt.date(2012, 6, 1))
    with pytest.raises(AssertionError):
        walk.rows_agree_with_the_rules()
    walk.teardown()
