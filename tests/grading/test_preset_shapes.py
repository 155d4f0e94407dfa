"""A preset somebody wrote or spoiled: whatever stands in it, it is read or refused with sentences, never a crash."""

import copy
import random

import pytest
from django.conf import settings

from grading import preset_text, presets
from grading.views.campaigns import shipped

pytestmark = pytest.mark.unit
SPOILERS = (None, 7, -3, True, "", "字" * 300, [], {}, ["a"], [{}], {"a": 1}, "2012-02-31", "1e999", 10**30)


def places(content, path=()):
    """Every place of a nested value."""
    yield path
    children = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in children:
        yield from places(value, (*path, key))


def spoiled(content, path, value):
    made = copy.deepcopy(content)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return made


@pytest.mark.parametrize("name", ["2012", "weighted-voters"])
def test_a_spoiled_preset_is_refused_or_read_and_never_crashes(name):
    random.seed(20121108)
    files = presets.read_path(settings.BASE_DIR / "presets" / name)
    content = next(file.content for file in files if file.kind == "campaign")
    rubrics = {file.code: presets.rubric_value(file.content) for file in files if file.kind == "rubric"}
    everywhere = [path for path in places(content) if path]
    refused, sentences = 0, []
    for path in random.sample(everywhere, 250):
        made = spoiled(content, path, random.choice(SPOILERS))
        try:
            file = presets.read_text("x.toml", preset_text.write(made))
            presets.check([file], rubrics)
        except presets.PresetError as error:
            refused += 1
            sentences += error.sentences
    assert refused > 150
    assert all(sentence.startswith("x.toml：") for sentence in sentences)


def test_every_shipped_preset_is_written_and_read_the_same():
    for folder in shipped().values():
        for file in presets.read_path(folder):
            again = presets.read_text(file.name, preset_text.write(file.content))
            assert plain(again.content) == plain(file.content)


def plain(value):
    """Amounts as text: a whole number may be written with or without a decimal."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value)
