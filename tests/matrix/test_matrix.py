"""URL × method × role × relation: every view answers every role as the hand-written rows say."""

import pytest

from branches.models.tree import BranchQuerySet
from tests.matrix import engine
from tests.matrix.targets.grading import _round
from tests.matrix.world import make_world
from tests.worlds import shared

ROWS = engine.load_rows()
NAMES = engine.url_names()

ROUND_MODULES = {"grading", "reporting", "ballots", "rectification", "rectification_boards", "supervision"}
IN_A_ROUND = [name for name in NAMES if engine.module_of_target(name, ROWS) in ROUND_MODULES]


@shared
def walk():
    """The world, and the visitors who walk through it."""
    world = make_world()
    return world, engine.Visitors(world)


@shared
def walk_in_a_round(walk):
    """The same, a round running in it: views of grading and reporting would open one for each test."""
    _round(walk[0])
    return walk


@pytest.mark.unit
def test_every_view_has_a_row():
    assert engine.without_row(NAMES, ROWS) == []
    assert engine.without_row([*NAMES, "a-new-view"], ROWS) == ["a-new-view"]


@pytest.mark.unit
def test_no_row_outlives_its_view():
    used = {id(engine.row_of(name, ROWS)) for name in NAMES}
    assert [name for name, row in ROWS.items() if id(row) not in used] == []


@pytest.mark.unit
def test_a_cell_must_answer_for_everybody():
    assert engine.parse_cell("ok: office; 403: *")["clerk"] == "403"
    assert engine.parse_cell("ok: *")["anonymous"] == "login"
    for wrong in ("ok: office", "yes: *", "ok: nobody; 403: *", "ok: office; 404: office; 403: *"):
        with pytest.raises(engine.RowError):
            engine.parse_cell(wrong)


@pytest.mark.once
@pytest.mark.parametrize("name", [name for name in NAMES if name not in IN_A_ROUND])
def test_view_answers_as_written(walk, name):
    row = engine.row_of(name, ROWS)
    assert row is not None, f"{name} has no row in tests/matrix/rows/"
    assert list(engine.check_view(name, row, *walk)) == []


@pytest.mark.once
@pytest.mark.parametrize("name", IN_A_ROUND)
def test_view_of_a_round_answers_as_written(walk_in_a_round, name):
    assert list(engine.check_view(name, engine.row_of(name, ROWS), *walk_in_a_round)) == []


@pytest.mark.once
def test_removing_one_scope_filter_turns_the_matrix_red(walk, monkeypatch):
    monkeypatch.setattr(BranchQuerySet, "within", lambda self, _scope: self.all())
    faults = list(engine.check_view("branch", ROWS["branch"], *walk))
    assert "GET branch [other] as secretary: expected 404, got ok" in faults
