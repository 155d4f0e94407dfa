"""The 2012 preset, loading it, and what is refused."""

import datetime as dt
import shutil

import pytest
from django.core.management import CommandError, call_command

from grading import presets
from grading.models import Preset, Round, Rubric
from grading.services import presets as service
from grading.services.errors import RefusedError
from tests.factories.branches import school
from tests.factories.grading import PRESET_2012, campaign

VALID = PRESET_2012


@pytest.fixture
def folder(tmp_path):
    """A copy of the 2012 preset that a test may change."""
    return shutil.copytree(PRESET_2012, tmp_path / "2012")


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.unit
def test_the_rubrics_of_2012_are_a_hundred_points_in_five_sections():
    files = {file.code: file for file in presets.read_path(VALID)}
    teacher, student = (presets.rubric_value(files[code].content) for code in ("teacher-2012", "student-2012"))
    for rubric in (teacher, student):
        assert [(section.name, section.points) for section in rubric.sections] == [
            ("领导班子好", 15),
            ("党员队伍好", 25),
            ("工作机制好", 20),
            ("工作业绩好", 25),
            ("群众反映好", 15),
        ]
        assert [(item.code, item.points) for item in rubric.sections[4].criteria] == [("E1", 8), ("E2", 7)]
    assert [len(section.criteria) for section in teacher.sections] == [6, 7, 6, 6, 2]
    assert [len(section.criteria) for section in student.sections] == [5, 6, 6, 6, 2]


@pytest.mark.once
def test_the_rubrics_for_offices_and_the_retired_are_drafts_of_a_hundred_points():
    service.load_preset(by=None, path=VALID)
    for code, sections in (
        ("administration-2012", [15, 10, 10, 10, 10, 20, 25]),
        ("retired-2012", [10, 20, 20, 20, 20, 10]),
    ):
        rubric = Rubric.objects.get(code=code)
        assert not rubric.published
        assert [section.points for section in rubric.sections.all()] == sections


@pytest.mark.unit
def test_the_2012_preset_is_possible_and_only_the_double_use_of_satisfaction_is_doubtful():
    warnings = presets.check(presets.read_path(VALID))
    assert len(warnings) == 2
    assert all("计入得分，门槛“满意率”又看同一批数：通知是这样写的就不用改。" in text for text in warnings)


@pytest.mark.unit
def test_the_first_round_of_2012():
    campaign_file = next(file for file in presets.read_path(VALID) if file.kind == "campaign")
    rules = presets.round_value(campaign_file.content, 1)
    assert [(source.name, source.weight) for source in rules.sources] == [
        ("支部自评", 20),
        ("群众评议", 20),
        ("年度考核", 20),
        ("党总支考评", 40),
    ]
    assert [(cut.grade, cut.minimum) for cut in rules.cut_offs] == [("advanced", 90), ("good", 75), ("fair", 60)]
    assert [grade.label for grade in rules.ranked] == ["先进", "较好", "一般", "后进"]
    assert len(rules.vetoes) == 6


@pytest.mark.unit
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("weight = 40", "weight = 30", "各来源权重合计 90%，应为 100%"),
        ('{ grade = "good", minimum = 75 }', '{ grade = "good", minimum = 95 }', "两个等级重叠"),
        ('    { grade = "fair", minimum = 60 },\n', "", "“一般”没有分数线。"),
        ("places = 2", "places = 9", "小数位数"),
        ("places = 2", "plases = 2", "rounds 第 1 项 有不认识的键 plases。"),
        ('theme = "', 'deciding = "', "campaign 有不认识的键 deciding。"),
        ('missing = "exempt"', 'missing = "zero"', "missing 只能是"),
        ("weight = 40", 'weight = "四十"', "weight 应是数字，不能是 四十。"),
        ('teacher = "teacher-2012"', 'teacher = "teacher-2099"', "评分标准 teacher-2099 还没有载入"),
        ("same_as = 1", "same_as = 3", "same_as 要指向前面的轮次"),
        ('kind = "campaign"', 'kind = "school"', "请在开头写明"),
        ("[campaign]", "[campaign", "不是正确的 TOML"),
        ('value = 30, extent = "round"', 'value = 30, extent = "group"', "“先进”有两条同样范围的名额规则。"),
    ],
)
def test_impossible_presets_are_refused_with_the_file_and_the_reason(folder, old, new, sentence):
    change(folder / "campaign.toml", old, new)
    with pytest.raises(presets.PresetError) as caught:
        presets.check(presets.read_path(folder))
    assert any(text.startswith("campaign.toml：") and sentence in text for text in caught.value.sentences)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'name = "领导班子好"\npoints = 15',
            'name = "领导班子好"\npoints = 14',
            "“领导班子好”各条目合计 15 分，与本部分 14 分不符。",
        ),
        ('code = "A2"', 'code = "A1"', "条目编号 A1 重复。"),
        ("points = 2 }", "points = -2 }", "A2 分值不能小于 0。"),
        ('exceed = "none"', 'exceed = "much"', "exceed 只能是"),
    ],
)
def test_impossible_rubrics_are_refused(folder, old, new, sentence):
    change(folder / "teacher.toml", old, new)
    with pytest.raises(presets.PresetError) as caught:
        presets.check(presets.read_path(folder))
    assert any(text.startswith("teacher.toml：") and sentence in text for text in caught.value.sentences)


@pytest.mark.db
def test_loading_twice_changes_nothing_and_a_change_is_a_new_version(folder):
    first = service.load_preset(by=None, path=folder)
    assert (len(first.new), first.unchanged) == (5, [])
    again = service.load_preset(by=None, path=folder)
    assert (again.new, len(again.unchanged)) == ([], 5)
    change(folder / "teacher.toml", "# 附件2.", "# Only a comment. 附件2.")
    assert service.load_preset(by=None, path=folder).new == []
    change(folder / "teacher.toml", "附表彰文件。", "附表彰文件复印件。")
    change(folder / "campaign.toml", "minimum_ballots = 5", "minimum_ballots = 6")
    changed = service.load_preset(by=None, path=folder)
    assert changed.new == ["教师党支部分类定级评分参考标准 第2版", "2012年基层组织建设年 第2版"]
    assert Rubric.objects.get(code="teacher-2012", version=1).published
    assert Preset.objects.newest().get(code="2012").version == 2


@pytest.mark.db
def test_a_faulty_file_loads_nothing(folder):
    change(folder / "campaign.toml", "weight = 40", "weight = 30")
    with pytest.raises(CommandError, match="各来源权重合计 90%"):
        call_command("load_preset", str(folder))
    assert Rubric.objects.count() == 0
    assert Preset.objects.count() == 0


@pytest.mark.db
def test_the_command_says_what_it_did(capsys):
    call_command("load_preset", str(VALID))
    assert "已载入：学生党支部分类定级评分参考标准 第1版" in capsys.readouterr().out
    with pytest.raises(CommandError, match="没有找到"):
        call_command("load_preset", "no-such-directory")


@pytest.mark.db
def test_opening_the_campaign_writes_stages_targets_and_rounds():
    opened = campaign(school().root)
    assert [stage.name for stage in opened.stages.all()][1] == "调查摸底，分类定级"
    assert opened.stages.count() == 6
    assert opened.targets.get(code="branch_per_class").value == 55
    assert [round_.name for round_ in opened.rounds.all()] == ["第一轮", "再次评定"]
    first, second = opened.rounds.all()
    assert first.state == Round.State.PREPARING
    assert {row.category.code: row.rubric.code for row in first.rubrics.all()} == {
        "teacher": "teacher-2012",
        "student": "student-2012",
        "administration": "teacher-2012",
        "retired": "teacher-2012",
        "joint": "teacher-2012",
    }
    assert first.deciding_level == "general_branch"
    assert [step.code for step in first.steps.all()][-1] == "decide"
    assert (second.deciding_level, second.publicity_days) == ("committee", 5)
    assert second.cut_offs.count() == 3
    assert [source.weight for source in second.sources.all()] == [20, 20, 20, 40, 0]


@pytest.mark.db
def test_a_later_start_moves_every_date_and_renames_the_year():
    opened = campaign(school().root, starts_on=dt.date(2013, 3, 28))
    assert (opened.name, opened.year, opened.ends_on) == ("2013年基层组织建设年", 2013, dt.date(2013, 12, 31))
    first = opened.rounds.get(ordinal=1)
    assert first.steps.get(code="self").due_on == dt.date(2013, 3, 29)
    assert opened.stages.get(ordinal=4).deliverables.get(ordinal=1).due_on == dt.date(2013, 5, 31)


@pytest.mark.db
def test_the_same_campaign_or_round_is_not_opened_twice():
    tree = school()
    opened = campaign(tree.root)
    with pytest.raises(RefusedError, match="已有"):
        service.open_campaign(by=None, preset=Preset.objects.get(), root=tree.root)
    with pytest.raises(RefusedError, match="已有第 1 轮"):
        service.create_round_from_preset(by=None, campaign=opened, ordinal=1)
    with pytest.raises(RefusedError, match="没有第 7 轮"):
        service.create_round_from_preset(by=None, campaign=opened, ordinal=7)


@pytest.mark.db
def test_a_campaign_that_ends_before_it_begins_is_refused():
    with pytest.raises(RefusedError, match="早于"):
        campaign(school().root, ends_on=dt.date(2011, 1, 1))
