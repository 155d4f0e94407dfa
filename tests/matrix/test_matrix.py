"""URL × method × role × relation: every view answers every role as the hand-written rows say."""

import pytest

from branches.models.tree import BranchQuerySet
from tests.matrix import engine
from tests.matrix.world import make_world

ROWS = engine.load_rows()
NAMES = engine.url_names()


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
@pytest.mark.parametrize("name", NAMES)
def test_view_answers_as_written(name):
    row = engine.row_of(name, ROWS)
    assert row is not None, f"{name} has no row in tests/matrix/rows/"
    world = make_world()
    assert list(engine.check_view(name, row, world, engine.Visitors(world))) == []


@pytest.mark.once
def test_removing_one_scope_filter_turns_the_matrix_red(monkeypatch):
    monkeypatch.setattr(BranchQuerySet, "within", lambda self, _scope: self.all())
    world = make_world()
    faults = list(engine.check_view("branch", ROWS["branch"], world, engine.Visitors(world)))
    assert "GET branch [other] as secretary: expected 404, got ok" in faults
