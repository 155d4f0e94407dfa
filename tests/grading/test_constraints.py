"""What the database itself refuses, one wrong row per rule."""

import datetime as dt
from decimal import Decimal as D  # noqa: N817

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from branches import clock, guards
from grading.models import Result, Round, Rubric
from tests.factories import grading as make

pytestmark = pytest.mark.db


def twice(factory, *same, **given):
    """Make a row, then another that repeats the fields named."""

    def repeat():
        first = factory(**given)
        factory(**{name: getattr(first, name) for name in same})

    return repeat


def changed(thing, **values):
    """Update one row."""
    return lambda: type(thing)._base_manager.filter(pk=thing.pk).update(**values)


@pytest.mark.parametrize(
    "wrong",
    [
        # rubric
        twice(make.RubricFactory, "code", "version"),
        lambda: make.RubricFactory(version=0),
        lambda: make.RubricFactory(state="published"),
        lambda: make.RubricFactory(published_at=clock.now()),
        lambda: make.RubricFactory(not_applicable="never"),
        lambda: make.RubricFactory(exceed="far"),
        twice(make.SectionFactory, "rubric", "ordinal"),
        twice(make.SectionFactory, "rubric", "code"),
        lambda: make.SectionFactory(points=D(-1)),
        twice(make.CriterionFactory, "section", "ordinal"),
        twice(make.CriterionFactory, "section", "code"),
        lambda: make.CriterionFactory(points=D(-1)),
        lambda: make.CriterionFactory(step=D(0)),
        lambda: make.CriterionFactory(kind="guess"),
        lambda: make.CriterionFactory(kind="system"),
        twice(make.LevelFactory, "criterion", "ordinal"),
        twice(make.LevelFactory, "criterion", "label"),
        lambda: make.LevelFactory(points=D(-1)),
        lambda: make.LevelFactory(minimum=D(101)),
        twice(make.GradeScaleFactory, "code", "version"),
        twice(make.GradeFactory, "scale", "rank"),
        twice(make.GradeFactory, "scale", "code"),
        twice(make.GradeFactory, "scale", "label"),
        lambda: make.GradeFactory(rank=0),
        lambda: make.GradeFactory(label=""),
        twice(make.PresetFactory, "code", "version"),
        lambda: make.PresetFactory(version=0),
        # round
        twice(make.RoundFactory, "campaign", "ordinal"),
        lambda: make.RoundFactory(state="party"),
        lambda: make.RoundFactory(places=7),
        lambda: make.RoundFactory(missing="zero"),
        lambda: make.RoundFactory(deciding_level="nobody"),
        lambda: make.RoundFactory(state="self"),
        lambda: make.RoundFactory(state="final", opened_at=clock.now(), frozen_on=dt.date(2012, 3, 28)),
        twice(make.RoundStepFactory, "round", "code"),
        twice(make.RoundStepFactory, "round", "ordinal"),
        twice(make.RoundRubricFactory, "round", "category"),
        twice(make.SourceFactory, "round", "code"),
        twice(make.SourceFactory, "round", "ordinal"),
        lambda: make.SourceFactory(weight=D(101)),
        lambda: make.SourceFactory(weight=D(-1)),
        lambda: make.SourceFactory(full_marks=D(0)),
        lambda: make.SourceFactory(kind="rumour"),
        twice(make.AppraisalOptionFactory, "source", "code"),
        twice(make.AppraisalOptionFactory, "source", "ordinal"),
        lambda: make.AppraisalOptionFactory(points=D(101)),
        twice(make.AnnualPointsFactory, "source", "label"),
        twice(make.AnnualPointsFactory, "source", "ordinal"),
        lambda: make.AnnualPointsFactory(points=D(101)),
        twice(make.CutOffFactory, "round", "grade"),
        twice(make.CutOffFactory, "round", "minimum"),
        lambda: make.CutOffFactory(minimum=D(101)),
        twice(make.GateFactory, "round", "ordinal"),
        lambda: make.GateFactory(minimum=D(0)),
        lambda: make.GateFactory(best=None),
        twice(make.VetoItemFactory, "round", "code"),
        twice(make.VetoItemFactory, "round", "ordinal"),
        lambda: make.VetoItemFactory(effect="shout"),
        twice(make.CapFactory, "round", "ordinal"),
        twice(make.CapFactory, "round", "grade"),
        lambda: make.CapFactory(value=D(-1)),
        lambda: make.CapFactory(value=D(101)),
        twice(make.SurveyCheckFactory, "round", "code"),
        twice(make.SurveyCheckFactory, "round", "ordinal"),
        # unit
        twice(make.RoundUnitFactory, "round", "branch"),
        lambda: make.RoundUnitFactory(name=""),
        lambda: make.RoundUnitFactory(graded=False),
        twice(make.ExtensionFactory, "unit", "step"),
        lambda: make.ExtensionFactory(reason=""),
        twice(make.SurveyFactory, "unit", "by"),
        lambda: make.SurveyFactory(by="rector"),
        twice(make.SurveyFindingFactory, "survey", "check_item"),
        lambda: make.SurveyFindingFactory(finding="superb"),
        twice(make.VetoReviewFactory, "unit"),
        twice(make.VetoFindingFactory, "unit", "item"),
        lambda: make.VetoFindingFactory(note=""),
        # sheets
        twice(make.AssessmentFactory, "unit", "source"),
        lambda: make.AssessmentFactory(state="lost"),
        lambda: make.AssessmentFactory(state="submitted", earned=D(90)),
        lambda: make.AssessmentFactory(state="submitted", submitted_at=clock.now()),
        twice(make.ScoreFactory, "assessment", "criterion"),
        lambda: make.ScoreFactory(criterion=None),
        lambda: make.ScoreFactory(section=make.SectionFactory()),
        lambda: make.ScoreFactory(points=D(-1)),
        lambda: make.ScoreFactory(not_applicable=True),
        twice(make.EvidenceFactory, "unit", "sha256"),
        lambda: make.EvidenceFactory(name=""),
        lambda: make.EvidenceFactory(size=0),
        twice(make.EvidenceUseFactory, "evidence", "criterion"),
        # sources
        twice(make.AnnualResultFactory, "unit", "source"),
        lambda: make.AnnualResultFactory(label=""),
        lambda: make.AnnualResultFactory(score=D(-1)),
        twice(make.AppraisalCountFactory, "unit", "source"),
        lambda: make.AppraisalCountFactory(issued=28),
        lambda: make.AppraisalCountFactory(returned=27),
        lambda: make.AppraisalCountFactory(counted=27),
        lambda: make.AppraisalCountFactory(valid=None),
        lambda: make.AppraisalCountFactory(state="missing"),
        twice(make.ExemptionFactory, "unit", "source"),
        lambda: make.ExemptionFactory(reason=""),
        # results
        twice(make.ResultFactory, "unit", "version"),
        lambda: make.ResultFactory(state="lost"),
        lambda: make.ResultFactory(state="proposed"),
        lambda: make.ResultFactory(state="decided"),
        lambda: make.ResultFactory(manual=True),
        lambda: make.ResultFactory(decided_grade=make.GradeFactory()),
        lambda: make.ResultFactory(decided_grade=make.GradeFactory(), computed_grade=make.GradeFactory()),
        lambda: make.ResultFactory(frozen_at=clock.now()),
    ],
)
def test_a_wrong_row_is_refused(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        wrong()


def test_a_void_appraisal_keeps_its_numbers():
    row = make.AppraisalCountFactory(
        state="void", issued=20, returned=22, valid=22, counted=None, reason="收回多于发出"
    )
    assert row.returned == 22


@pytest.fixture
def guarded(db):
    """The triggers of a real installation, for one test; PostgreSQL wants deferred checks done before it takes them."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    guards.install(connection)
    yield
    guards.remove(connection)


@pytest.fixture
def frozen():
    grade = make.GradeFactory()
    return make.ResultFactory(
        state="decided", computed_grade=grade, decided_grade=grade, decided_at=clock.now(), body="总支委员会",
        frozen_at=clock.now(),
    )  # fmt: skip


def ways(result):
    """Ways to change a frozen grade."""
    table = "grading_result"
    yield lambda: Result.objects.filter(pk=result.pk).update(manual_reason="改")
    yield lambda: Result.objects.filter(pk=result.pk).delete()
    yield lambda: Result.objects.bulk_update([result], ["composite"])
    yield result.save
    yield result.delete
    yield lambda: Result.objects.filter(pk=result.pk).update(frozen_at=None)
    yield lambda: connection.cursor().execute(f"UPDATE {table} SET body = 'x' WHERE id = %s", [result.pk])
    yield lambda: connection.cursor().execute(f"DELETE FROM {table} WHERE id = %s", [result.pk])


def test_a_frozen_result_stands_whatever_is_tried(frozen, guarded):
    for way in ways(frozen):
        with pytest.raises(DatabaseError), transaction.atomic():
            way()
    frozen.refresh_from_db()
    assert (frozen.manual_reason, frozen.body) == ("", "总支委员会")


def test_a_result_that_is_not_frozen_changes_freely(guarded):
    result = make.ResultFactory()
    changed(result, manual_reason="改")()
    result.delete()


def test_published_rubrics_and_final_rounds_stand_too(guarded):
    rubric = make.RubricFactory(state="published", published_at=clock.now())
    round_ = make.RoundFactory(
        state="final", opened_at=clock.now(), finalised_at=clock.now(), frozen_on=dt.date(2012, 3, 28)
    )
    for model, row in ((Rubric, rubric), (Round, round_)):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.filter(pk=row.pk).update(version=9)
        with pytest.raises(DatabaseError), transaction.atomic():
            row.delete()
