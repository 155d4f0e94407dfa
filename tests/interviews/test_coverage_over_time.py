"""Somebody looks at coverage after every talk and compares: what changed covers nobody or the set size at least."""

import itertools
import random

import pytest

from branches import clock
from branches.models import Campaign
from interviews import figures_kept, tasks
from interviews.counting import Coverage, Line, Table
from interviews.figures_shown import ALL, steadied
from interviews.models import ShownFigures
from interviews.over_time import is_far, settle
from tests.interviews.test_planning import run, talk, world  # noqa: F401 - a fixture

LEAST = 5
CLASSES = [(unit, number) for unit in range(3) for number in range(3)]
FAMILIES = [("all", range(3)), *((unit, [one for one in CLASSES if one[0] == unit]) for unit in range(3))]


class School:
    """Three units of three classes; from look to look up to four people are talked with."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.people = [one for one in CLASSES for _ in range(self.random.randint(12, 30))]
        self.todo = self.random.sample(range(len(self.people)), len(self.people))

    def go_on(self):
        for _ in range(self.random.randint(0, 4)):
            if self.todo:
                self.todo.pop()

    def counts(self):
        open_ = set(self.todo)
        found = {}
        for place, one in enumerate(self.people):
            for key in (one, one[0], "all"):
                done, rest = found.get(key, (0, 0))
                found[key] = (done, rest + 1) if place in open_ else (done + 1, rest)
        return found


def looks(seed, steady):
    """Return what each line showed at each look until everybody has been talked with."""
    school, known, seen = School(seed), {}, []
    while school.todo:
        new = school.counts()
        known = settle(known, new, FAMILIES, LEAST) if steady else new
        seen.append(known)
        school.go_on()
    return seen


def done(seen, key):
    return [look[key][0] for look in seen]


def rests(seen, whole, parts):
    return [look[whole][0] - sum(look[part][0] for part in parts) for look in seen]


def near(series, *, all_pairs=False):
    """Count the pairs of looks between which a figure changed by one to four."""
    pairs = itertools.combinations(series, 2) if all_pairs else itertools.pairwise(series)
    return sum(not is_far((after - before,), LEAST) for before, after in pairs)


@pytest.mark.parametrize("seed", range(12))
def test_no_line_changes_by_fewer_whichever_two_looks_are_compared(seed):
    seen = looks(seed, steady=True)
    assert [near(done(seen, key), all_pairs=True) for key in ("all", 0, 1, 2, *CLASSES)] == [0] * 13
    assert done(seen, "all")[-1] > done(seen, "all")[0]


@pytest.mark.parametrize("seed", range(12))
def test_what_a_whole_leaves_of_its_parts_changes_from_look_to_look_by_none_or_enough(seed):
    seen = looks(seed, steady=True)
    assert [near(rests(seen, whole, parts)) for whole, parts in FAMILIES] == [0] * 4


def test_figures_counted_at_each_look_give_single_talks_away():
    """The control."""
    seen = looks(1, steady=False)
    assert near(done(seen, "all")) > len(seen) // 2
    assert min(near(done(seen, key)) for key in CLASSES) > 3


def test_lines_lag_behind_by_few():
    school, known, worst = School(3), {}, 0
    while school.todo:
        new = school.counts()
        known = settle(known, new, FAMILIES, LEAST)
        worst = max(worst, *(new[key][0] - known[key][0] for key in new))
        school.go_on()
    assert worst <= 20


def page(people, done_, hidden=False, least=LEAST):
    """Return a page of one line as it may be shown, and as it is."""

    def tables(*counts):
        line = Line(1, "甲单位", people, *counts, 0, 0, 0)
        made = {"student": {"unit": Table("unit", (line,), line)}}
        return {None: Coverage("全部单位", (("student", "学生"),), made, clock.now(), least)}

    return tables(*((None, None) if hidden else (done_, 0))), tables(done_, 0)


def said(tables):
    line = tables[None].tables["student"]["unit"].lines[0]
    return [getattr(line, name) for name in ALL[:3]]


def test_a_count_that_becomes_small_stays_as_it_was_known_and_one_never_known_is_hidden():
    never, known = steadied({}, *page(30, 2, hidden=True))
    first, known = steadied(known, *page(30, 20))
    small, known = steadied(known, *page(30, 27, hidden=True))
    all_, known = steadied(known, *page(30, 30))
    assert [said(one)[1] for one in (never, first, small, all_)] == [None, 20, 20, 30]


def test_a_larger_set_size_hides_what_was_shown_with_a_smaller_one():
    _, known = steadied({}, *page(30, 7))
    assert said(steadied(known, *page(30, 8, hidden=True, least=10))[0]) == [30, None, None]


def test_a_line_that_lags_far_behind_is_hidden_until_it_may_change():
    _, known = steadied({}, *page(60, 40))
    fewer, known = steadied(known, *page(60, 3, hidden=True))  # a rule asks for two talks now
    again, known = steadied(known, *page(60, 6))
    assert [said(one)[1] for one in (fewer, again)] == [None, 6]
    near, known = steadied(known, *page(60, 15, hidden=True))
    assert said(near)[1] == 6


def test_people_who_come_one_by_one_do_not_hold_up_the_talks():
    _, known = steadied({}, *page(30, 10))
    one_more, known = steadied(known, *page(31, 16))
    assert said(one_more) == [30, 16, 0]
    many_more, known = steadied(known, *page(37, 17))
    assert said(many_more) == [37, None, None]  # 16 of 30 is not 16 of 37, and 17 is one more than 16
    assert said(steadied(known, *page(37, 22))[0]) == [37, 22, 0]


@pytest.mark.db
def test_recounting_after_every_talk_shows_no_single_one(world, time_machine):  # noqa: F811
    run(world)
    shown = []
    for entry in (None, *world.students[:7]):
        if entry is not None:
            talk(world, entry)
        figures_kept.publish(world.campaign, clock.now())
        total = figures_kept.coverage(world.campaign, None, clock.now()).tables["student"]["unit"].total
        shown.append(total.done)
    assert [one for one, _ in itertools.groupby(shown)] == [0, 5]
    assert near(shown) == 0


@pytest.mark.once
def test_the_worker_counts_when_something_changed_and_not_more_often_than_set(world, time_machine):  # noqa: F811
    Campaign.objects.update(ends_on=clock.today())
    run(world)
    assert tasks.count_coverage() == 1
    first = ShownFigures.objects.get()
    for entry in world.students[:6]:
        talk(world, entry)
    assert tasks.count_coverage() == 0
    time_machine.move_to(clock.now() + figures_kept.EVERY)
    assert tasks.count_coverage() == 1
    assert tasks.count_coverage() == 0
    assert ShownFigures.objects.get().counted_at > first.counted_at


@pytest.mark.once
def test_looking_writes_nothing_and_counts_nothing(world, django_assert_num_queries):  # noqa: F811
    run(world)
    figures_kept.publish(world.campaign, clock.now())
    for entry in world.students[:6]:
        talk(world, entry)
    figures_kept.forget()
    with django_assert_num_queries(2):
        found = figures_kept.coverage(world.campaign, None, clock.now())
    assert found.tables["student"]["unit"].total.done == 0
    assert ShownFigures.objects.count() == 1
