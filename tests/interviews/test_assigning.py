"""Sharing people out: even within a unit, faithful to what is settled or named, the same answer twice, few moves."""

import random
from collections import Counter

import pytest

from interviews.assigning import Demand, Outcome, Why, assign, spread

pytestmark = pytest.mark.unit


def demands(count, unit=1, **more):
    return [Demand(key, unit, **more) for key in range(count)]


def loads(outcome: Outcome, pool):
    return [Counter(outcome.assigned.values())[one] for one in pool]


def test_ten_people_and_three_interviewers():
    assert sorted(loads(assign(demands(10), {1: [101, 102, 103]}, {}), [101, 102, 103])) == [3, 3, 4]


def test_who_has_more_to_do_elsewhere_gets_less():
    outcome = assign(demands(6), {1: [101, 102, 103]}, {101: 4})
    assert loads(outcome, [101, 102, 103]) == [0, 3, 3]


def test_a_named_interviewer_is_taken_and_the_rest_evens_out():
    named = [Demand(key, 1, named=(101,)) for key in range(5)]
    rest = [Demand(key, 1) for key in range(5, 9)]
    assert loads(assign([*named, *rest], {1: [101, 102, 103]}, {}), [101, 102, 103]) == [5, 2, 2]


def test_of_two_tutors_the_one_with_less_to_do_is_taken():
    assert assign([Demand(1, 1, named=(101, 102))], {}, {101: 1}).assigned == {1: 102}
    assert assign([Demand(1, 1, named=(101, 102), current=101)], {}, {101: 1}).assigned == {1: 101}


def test_what_is_settled_stays_whatever_the_rule_says():
    settled = Demand(1, 1, named=(101,), current=102, settled=True)
    assert assign([settled], {1: [101]}, {}).assigned == {1: 102}


def test_nobody_to_visit_them_is_said_with_the_reason():
    outcome = assign([Demand(1, 1), Demand(2, 2, shared=False)], {1: []}, {})
    assert outcome.without == {1: Why.NO_INTERVIEWER, 2: Why.NOBODY_NAMED}


def test_nobody_visits_themselves():
    assert assign([Demand(101, 1), Demand(2, 1)], {1: [101]}, {}).assigned == {2: 101}
    assert spread([101, 2], [101], {}) == {}


def test_a_newcomer_among_the_interviewers_takes_only_what_evens_out():
    before = assign(demands(12), {1: [101, 102, 103]}, {}).assigned
    again = assign([Demand(k, 1, current=before[k]) for k in range(12)], {1: [101, 102, 103, 104]}, {})
    assert loads(again, [101, 102, 103, 104]) == [3, 3, 3, 3]
    assert sum(again.assigned[key] != before[key] for key in range(12)) == 3


def world(seed):
    """Two units, some people named, some settled, loads of other rules."""
    rng = random.Random(seed)
    pools = {unit: [100 * unit + n for n in range(rng.randint(0, 5))] for unit in (1, 2)}
    everybody = [one for pool in pools.values() for one in pool]
    found = []
    for key in range(rng.randint(0, 40)):
        current = rng.choice(everybody) if everybody and rng.random() < 0.5 else None
        named = (rng.choice(everybody),) if everybody and rng.random() < 0.2 else ()
        settled = current is not None and rng.random() < 0.2
        found.append(Demand(key, rng.choice((1, 2)), named, current, settled))
    return found, pools, {one: rng.randint(0, 6) for one in everybody if rng.random() < 0.3}


def uneven(found, pools, before, outcome):
    """Return pairs of a unit where one has two or more above another and people who could have gone there."""
    total = Counter(before)
    total.update(outcome.assigned.values())
    pairs = []
    for unit, pool in pools.items():
        free = Counter(
            outcome.assigned[one.key]
            for one in found
            if one.unit == unit and one.key in outcome.assigned and not one.named and not one.settled
        )
        pairs += [(a, b) for a in pool for b in pool if total[a] > total[b] + 1 and free[a]]
    return pairs


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_properties_of_any_world(first):
    for seed in range(first, first + 50):
        found, pools, before = world(seed)
        outcome = assign(found, pools, before)
        assert len(outcome.assigned) + len(outcome.without) == len(found)
        assert uneven(found, pools, before, outcome) == []
        for one in found:
            if one.settled:
                assert outcome.assigned[one.key] == one.current
            elif one.named:
                assert outcome.assigned[one.key] in one.named
        same = [Demand(one.key, one.unit, one.named, outcome.assigned.get(one.key), one.settled) for one in found]
        assert assign(same, pools, before).assigned == outcome.assigned


def test_the_property_can_fail():
    """Everybody to the first interviewer: the control of the test above."""
    found, pools, before = demands(4), {1: [101, 102]}, {}
    assert uneven(found, pools, before, Outcome(dict.fromkeys(range(4), 101))) == [(101, 102)]
