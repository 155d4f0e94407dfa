"""晋位升级 worked out by hand: mergers, splits, new and gone branches, other scales."""

import pytest

from grading.promotion import Link, MergedRule, Move, Standing, compare

RANKS = {"advanced": 1, "good": 2, "fair": 3, "poor": 4}
SAME = {code: code for code in RANKS}


def standing(branch, grade, members=None):
    return Standing(branch, f"支部{branch}", "文学院党总支", "教师", grade, members)


def moves(promotion):
    return {row.branch: (row.move, row.earlier, row.later, row.steps) for row in promotion.movements}


def test_rises_levels_and_falls():
    before = [standing(1, "fair"), standing(2, "good"), standing(3, "good"), standing(4, "poor")]
    after = [standing(1, "good"), standing(2, "good"), standing(3, "fair"), standing(4, "advanced")]
    found = compare(before, after, [], RANKS, SAME)
    assert moves(found) == {
        1: (Move.RISEN, "fair", "good", 1),
        2: (Move.LEVEL, "good", "good", 0),
        3: (Move.FALLEN, "good", "fair", -1),
        4: (Move.RISEN, "poor", "advanced", 3),
    }
    assert [row.branch for row in found.cell("good", "fair")] == [3]
    assert found.later_count == 4


def test_new_and_gone_branches_stand_outside_and_totals_equal_the_branches():
    before = [standing(1, "fair"), standing(2, "good")]
    after = [standing(1, "fair"), standing(3, "advanced"), standing(4, None)]
    found = compare(before, after, [], RANKS, SAME)
    assert moves(found) == {
        1: (Move.LEVEL, "fair", "fair", 0),
        3: (Move.NEW, None, "advanced", 0),
        4: (Move.NEW, None, None, 0),
        2: (Move.GONE, "good", None, 0),
    }
    assert found.later_count == len(after)
    assert len(found.compared) + len(found.of(Move.NEW)) + len(found.of(Move.OUTSIDE)) == len(after)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (MergedRule.LOWER, (Move.RISEN, "poor", "good", 2)),
        (MergedRule.HIGHER, (Move.FALLEN, "advanced", "good", -1)),
        (MergedRule.LARGEST, (Move.RISEN, "fair", "good", 1)),
    ],
)
def test_a_merged_branch_counts_once_by_the_rule(rule, expected):
    before = [standing(1, "advanced", 8), standing(2, "poor", 5), standing(3, "fair", 20)]
    found = compare(before, [standing(9, "good")], [Link(1, 9), Link(2, 9), Link(3, 9)], RANKS, SAME, merged=rule)
    assert moves(found) == {9: expected}
    assert found.movements[0].origins == ("支部1", "支部2", "支部3")


def test_a_branch_that_took_another_in_starts_from_both():
    before = [standing(1, "advanced"), standing(2, "fair")]
    found = compare(before, [standing(1, "good")], [Link(2, 1)], RANKS, SAME)
    assert moves(found) == {1: (Move.RISEN, "fair", "good", 1)}


def test_a_renamed_branch_is_the_same_one_and_says_what_it_was_called():
    renamed = Standing(1, "新闻系党支部", "文学院党总支", "教师", "good")
    (row,) = compare([standing(1, "fair")], [renamed], [], RANKS, SAME).movements
    assert (row.move, row.steps, row.name, row.history) == (Move.RISEN, 1, "新闻系党支部", "原名支部1")
    (same,) = compare([standing(1, "fair")], [standing(1, "fair")], [], RANKS, SAME).movements
    assert same.history == ""


def test_both_parts_of_a_split_start_from_the_whole():
    before = [standing(1, "good")]
    found = compare(before, [standing(7, "advanced"), standing(8, "good")], [Link(1, 7), Link(1, 8)], RANKS, SAME)
    assert moves(found) == {7: (Move.RISEN, "good", "advanced", 1), 8: (Move.LEVEL, "good", "good", 0)}
    assert found.later_count == 2


def test_a_succession_in_two_steps_and_in_a_circle_is_followed_once():
    before = [standing(1, "fair")]
    links = [Link(1, 5), Link(5, 6), Link(6, 5)]
    assert moves(compare(before, [standing(6, "good")], links, RANKS, SAME)) == {6: (Move.RISEN, "fair", "good", 1)}


def test_without_a_grade_in_either_round_a_branch_stands_outside():
    before = [standing(1, None), standing(2, "good")]
    found = compare(before, [standing(1, "good"), standing(2, None)], [], RANKS, SAME)
    assert [row.move for row in found.movements] == [Move.OUTSIDE, Move.OUTSIDE]


def test_an_ungraded_part_of_a_merger_does_not_count():
    before = [standing(1, None), standing(2, "good")]
    found = compare(before, [standing(3, "good")], [Link(1, 3), Link(2, 3)], RANKS, SAME)
    assert moves(found) == {3: (Move.LEVEL, "good", "good", 0)}


def test_another_scale_is_compared_by_its_correspondence():
    stars = {"five": 1, "four": 2, "three": 3}
    matches = {"advanced": "five", "good": "four", "fair": "three"}
    before = [standing(1, "advanced"), standing(2, "fair"), standing(3, "poor")]
    found = compare(before, [standing(1, "four"), standing(2, "four"), standing(3, "three")], [], stars, matches)
    assert moves(found) == {
        1: (Move.FALLEN, "advanced", "four", -1),
        2: (Move.RISEN, "fair", "four", 1),
        3: (Move.OUTSIDE, "poor", "three", 0),
    }


def test_a_part_of_the_school_shows_its_own_branches():
    before = [standing(1, "fair"), standing(2, "good"), standing(3, "good")]
    found = compare(before, [standing(1, "good"), standing(2, "good")], [], RANKS, SAME).only([1, 3])
    assert [(row.branch, row.move) for row in found.movements] == [(1, Move.RISEN), (3, Move.GONE)]
