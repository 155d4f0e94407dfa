"""Every factory of the branches app makes a row that the database takes."""

import inspect

import pytest
from factory.django import DjangoModelFactory

from tests.factories import branches as factories

FACTORIES = [
    kind
    for kind in vars(factories).values()
    if inspect.isclass(kind) and issubclass(kind, DjangoModelFactory) and kind is not DjangoModelFactory
]


@pytest.mark.db
@pytest.mark.parametrize("factory_class", FACTORIES, ids=lambda kind: kind.__name__)
def test_factory_makes_rows(factory_class: type[DjangoModelFactory]) -> None:
    first, second = factory_class(), factory_class() if factory_class is not factories.CategoryFactory else None
    assert first.pk
    assert second is None or second.pk != first.pk


@pytest.mark.db
def test_school_is_a_tree() -> None:
    school = factories.school()
    day = factories.LONG_AGO
    assert school.software.placement(day).parent == school.maths
    assert school.direct.placement(day).parent == school.root
    assert school.root.placement(day).parent is None
