"""Two people save the same row: the first wins, the second sees both."""

import pytest

from branches.versions import ConflictError, save_versioned
from tests.factories.branches import PersonFactory

pytestmark = pytest.mark.db


def test_saving_raises_the_version():
    person = PersonFactory(title="讲师")
    fresh = save_versioned(person, version=1, values={"title": "副教授"})
    assert (fresh.title, fresh.version) == ("副教授", 2)


def test_a_stale_version_writes_nothing_and_keeps_both():
    person = PersonFactory(title="讲师")
    save_versioned(person, version=1, values={"title": "副教授"})
    with pytest.raises(ConflictError, match="他人修改") as caught:
        save_versioned(person, version=1, values={"title": "教授"})
    person.refresh_from_db()
    assert (person.title, caught.value.current.title, caught.value.mine) == ("副教授", "副教授", {"title": "教授"})


def test_without_the_version_the_first_text_would_be_lost():
    first, second = PersonFactory(title="讲师"), None
    second = type(first).objects.get(pk=first.pk)
    for row, title in ((first, "副教授"), (second, "教授")):
        row.title = title
        row.save()
    assert type(first).objects.get(pk=first.pk).title == "教授"
