"""What a preset says about 公示: grades, first day and contacts become rows, and are written back the same."""

import pytest

from grading import contents, preset_text, presets
from grading.models import PublicityPlan
from grading.services import publicity
from grading.services.presets import create_round
from tests.factories.branches import school
from tests.factories.grading import PRESET_2012, campaign
from tests.worlds import shared

pytestmark = pytest.mark.once


@shared
def opened():
    return campaign(school().root, backfill=True)


def entry_of(round_, **said):
    entry = contents.of_round(round_) | {"ordinal": 7, "name": "另一轮"}
    entry.pop("grades")
    return entry | {"publicity": said}


def test_the_shipped_presets_name_their_grades(opened):
    second = opened.rounds.get(ordinal=2)
    assert [grade.code for grade in publicity.shown_grades(second)] == ["advanced", "good"]
    assert PublicityPlan.objects.get(round=second).receiver == "党委组织部"


def test_what_is_said_becomes_rows_and_is_written_back(opened):
    said = {
        "grades": ["advanced"], "counts_first_day": False, "title": "{年度}年公示", "receiver": "组织部",
        "phone": "0736-1", "signature": "中共某校委员会",
    }  # fmt: skip
    second = opened.rounds.get(ordinal=2)
    made = create_round(by=None, campaign=opened, entry=entry_of(second, **said), scale=second.scale)
    assert [row.grade.code for row in made.publicity_grades.all()] == ["advanced"]
    plan = PublicityPlan.objects.get(round=made)
    assert (plan.counts_first_day, plan.title, plan.phone) == (False, "{年度}年公示", "0736-1")
    assert contents.of_round(made)["publicity"] == said
    text = preset_text.write(contents.campaign_content(made))
    again = presets.read_text("x.toml", text).content["rounds"][0]
    assert again["publicity"] == said


def test_nothing_said_means_the_best_two(opened):
    second = opened.rounds.get(ordinal=2)
    entry = entry_of(second)
    made = create_round(by=None, campaign=opened, entry=entry, scale=second.scale)
    assert not PublicityPlan.objects.filter(round=made).exists()
    assert [grade.code for grade in publicity.shown_grades(made)] == ["advanced", "good"]
    assert contents.of_round(made)["publicity"] == {}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('publicity = { grades = ["best"] }', "公示的等级 best 不在等级表里。"),
        ('publicity = { colour = "red" }', "有不认识的键 colour。"),
    ],
)
def test_a_preset_that_says_it_wrongly_is_refused(line, sentence):
    text = (PRESET_2012 / "campaign.toml").read_text(encoding="utf-8")
    before = next(one for one in text.splitlines() if one.startswith("publicity = "))
    rubrics = [file for file in presets.read_path(PRESET_2012) if file.kind == "rubric"]

    def load():
        presets.check([*rubrics, presets.read_text("campaign.toml", text.replace(before, line))])

    with pytest.raises(presets.PresetError) as caught:
        load()
    assert sentence in str(caught.value)
