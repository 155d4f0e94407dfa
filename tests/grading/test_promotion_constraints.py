"""What the database refuses about comparisons of rounds."""

import pytest
from django.db import IntegrityError, transaction

from grading.models import GradeMatch
from tests.factories import promotion as make

pytestmark = pytest.mark.db


def test_a_round_is_not_compared_with_itself():
    comparison = make.ComparisonFactory()
    comparison.earlier = comparison.round
    with pytest.raises(IntegrityError, match="comparison_two_rounds"), transaction.atomic():
        comparison.save()


def test_a_round_has_one_comparison():
    comparison = make.ComparisonFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.ComparisonFactory(round=comparison.round)


def test_the_rule_for_merged_branches_is_a_known_one():
    with pytest.raises(IntegrityError, match="comparison_merged_known"), transaction.atomic():
        make.ComparisonFactory(merged="best")


def test_a_grade_corresponds_to_one_grade():
    match = make.GradeMatchFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        GradeMatch.objects.create(comparison=match.comparison, earlier=match.earlier, later=match.later)


def test_a_fall_is_explained_in_words_and_once():
    with pytest.raises(IntegrityError, match="fall_reason_not_empty"), transaction.atomic():
        make.FallReasonFactory(text="")
    reason = make.FallReasonFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        make.FallReasonFactory(unit=reason.unit)
