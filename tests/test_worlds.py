"""Shared rows: made once, copied for each test, taken back before a test that does not ask for them."""

import pytest

from branches.models import Branch, Category
from tests.factories.branches import BranchFactory, CategoryFactory, school
from tests.worlds import shared

pytestmark = pytest.mark.db
MADE = []


@shared
def tree():
    MADE.append("tree")
    return school()


@shared
def renamed(tree):
    """A layer above `tree`, which changes what lies below."""
    MADE.append("renamed")
    tree.root.code = "NEW"
    tree.root.save()
    return tree.root


@pytest.fixture(autouse=True, scope="module")
def fresh():
    MADE.clear()


def codes():
    return set(Branch.objects.values_list("code", flat=True))


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_does_to_rows_and_objects_is_gone_for_the_next(tree, turn):
    assert (tree.software.code, tree.software.position == 999, codes() & {"X"}) == ("SJ001", False, set())
    tree.software.position = 999
    tree.software.save()
    BranchFactory(code="X")
    assert MADE.count("tree") <= 1


def test_a_layer_stands_on_another_and_shares_its_objects(renamed, tree):
    assert (renamed is tree.root, "NEW" in codes(), "DW" in codes()) == (True, True, False)


def test_the_layer_below_is_as_it_was(tree):
    assert (tree.root.code, "DW" in codes()) == ("DW", True)


def test_who_does_not_ask_sees_nothing():
    assert not codes()
    CategoryFactory(code="teacher")


def test_it_is_made_anew_after_that(tree):
    assert Category.objects.filter(code="teacher").count() == 1
    assert tree.teachers.pk == Category.objects.get(code="teacher").pk


@pytest.mark.django_db(transaction=True)
def test_a_test_that_commits_makes_its_own(tree, renamed):
    assert (renamed is tree.root, tree.root.code, "NEW" in codes()) == (True, "NEW", True)
