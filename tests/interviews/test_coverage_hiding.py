"""What coverage tables give away: an adversary who knows who is in which group, and every number that is shown."""

import random
from fractions import Fraction

import pytest

from interviews.coverage import bits, is_safe, shown

pytestmark = pytest.mark.unit

WHOLE = ("whole", 0)


def follows(rows, target, width):
    """Tell by exact elimination whether a set is a combination of others: the adversary's whole arithmetic."""
    basis = []

    def rest_of(vector):
        for place, row in basis:
            if vector[place]:
                factor = vector[place]
                vector = [a - factor * b for a, b in zip(vector, row, strict=True)]
        return vector

    for people in rows:
        vector = rest_of([Fraction(people >> place & 1) for place in range(width)])
        place = next((at for at, value in enumerate(vector) if value), None)
        if place is not None:
            basis.append((place, [value / vector[place] for value in vector]))
    return not any(rest_of([Fraction(target >> place & 1) for place in range(width)]))


def world(seed):
    """Some people in classes, on interviewers' lists and in focus groups; some were talked with."""
    rng = random.Random(seed)
    sizes = [rng.randint(1, 6) for _ in range(rng.randint(3, 7))]
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    total = sum(sizes)

    def of(kinds):
        return bits(p for at in kinds for p in range(starts[at], starts[at] + sizes[at]))

    groups = {WHOLE: of(range(len(sizes)))}
    for number in range(2):
        members = [at for at in range(len(sizes)) if rng.random() < 0.4]
        if members:
            groups["focus", number] = of(members)
    for name in ("class", "interviewer"):
        labels = [rng.randrange(3) for _ in sizes]
        for number in set(labels):
            groups[name, number] = of(at for at, label in enumerate(labels) if label == number)
    done = bits(p for p in range(total) if rng.random() < rng.choice([0.3, 0.7, 0.9]))
    return groups, [done, groups[WHOLE] & ~done], total


def natural(groups):
    """Yield the sets somebody would ask for: each group, each pair's common and own people, and the others."""
    everybody = groups[WHOLE]
    for one in groups.values():
        yield from (one, everybody & ~one)
        for other in groups.values():
            yield from (one & other, one & ~other, everybody & ~(one | other))


def leaks(groups, kept, parts, total, least):
    """Return the natural sets under the set size whose counts follow from what is shown."""
    rows = [groups[key] for key in kept]
    suspects = {one for one in natural(groups) if one and not is_safe(one, parts, least)}
    return [one for one in suspects if follows(rows, one, total)]


def sums_of_three(groups, kept, parts, least):
    """Return sets under the set size that two shown groups less a third give, or one less two others."""
    rows, found = [groups[key] for key in kept], []
    for one in rows:
        for other in rows:
            for third in rows:
                both = one & other
                if not third & ~(one | other) and not both & ~third and not is_safe(one ^ other ^ third, parts, least):
                    found.append((one, other, third))
    return found


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_no_small_count_follows_from_what_is_shown(first):
    for seed in range(first, first + 30):
        groups, parts, total = world(seed)
        kept = shown(groups, parts, 3)
        assert all(is_safe(groups[key], parts, 3) for key in kept)
        assert leaks(groups, kept, parts, total, 3) == []
        assert sums_of_three(groups, kept, parts, 3) == []


def test_hiding_small_rows_only_does_leak():
    """The control: without complementary suppression the adversary finds what was hidden, in most worlds."""
    found = 0
    for seed in range(60):
        groups, parts, total = world(seed)
        naive = [key for key, one in groups.items() if is_safe(one, parts, 3)]
        found += bool(leaks(groups, naive, parts, total, 3))
    assert found > 30


def test_a_total_and_all_its_parts_but_one():
    """10 + 10 + 10 people, done 2, 6 and 8: the first is hidden and takes one more along, the total stays."""
    groups = {WHOLE: bits(range(30))} | {("class", n): bits(range(10 * n, 10 * n + 10)) for n in range(3)}
    done = bits([0, 1, *range(10, 16), *range(20, 28)])
    kept = shown(groups, [done], 5)
    assert WHOLE in kept
    assert ("class", 0) not in kept
    assert len(kept) == 2


def test_a_list_that_holds_a_class_and_two_more():
    """An interviewer visits a class of 10 and two others of whom two are done: one of the two lines goes."""
    groups = {("class", 1): bits(range(10)), ("interviewer", 1): bits(range(12))}
    done = bits([*range(6), 10, 11])
    assert shown(groups, [done], 5) == {("class", 1)}


def test_noughts_and_full_counts_are_shown():
    groups = {WHOLE: bits(range(20)), ("class", 1): bits(range(10)), ("class", 2): bits(range(10, 20))}
    assert shown(groups, [bits(range(10)), bits(range(10, 20))], 5) == set(groups)


def test_nearly_everybody_is_a_small_count_too():
    """18 of 20 done: the two who are left are a difference of two columns."""
    groups = {WHOLE: bits(range(20))}
    assert shown(groups, [bits(range(18)), bits([18, 19])], 5) == set()
    assert shown(groups, [bits(range(15)), bits(range(15, 20))], 5) == {WHOLE}
