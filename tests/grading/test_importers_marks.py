"""Points of whole sheets from a workbook: by section, by item, refused as a whole, from the command line."""

import io
from decimal import Decimal as D  # noqa: N817
from io import StringIO

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from branches import clock
from grading import importers, importers_marks, source_template
from grading.importers import Fate
from grading.models import Assessment, Criterion, Rubric, Score, Source
from grading.services.errors import RefusedError
from tests.factories.grading import EvidenceFactory, fill, opened_round
from tests.factories.guidance import LocalGuidanceFactory
from tests.worlds import shared

pytestmark = pytest.mark.once
grading = shared(opened_round)
SECTIONS = ("领导班子好", "党员队伍好", "工作机制好", "工作业绩好", "群众反映好")


def workbook(*table):
    return importers.open_workbook("得分.xlsx", data(*table))


def data(*table):
    made = openpyxl.Workbook()
    for line in table:
        made.active.append(line)
    saved = io.BytesIO()
    made.save(saved)
    return saved.getvalue()


@pytest.fixture
def superior(grading):
    Source.objects.filter(round=grading.round, code="superior").update(entry="sections")
    return Source.objects.select_related("round").get(round=grading.round, code="superior")


def plan(source, grading, *table):
    return importers_marks.plan_marks(source=source, units=list(grading.units.values()), workbook=workbook(*table))


def test_a_table_of_sections_scores_the_branches_it_names(superior, grading):
    table = (
        ["党支部名称", *SECTIONS, "备注"],
        ["软件工程教研室党支部", 14, 24.5, 20, 22, 15, ""],
        ["2010级数学党支部", 15, 20, "18分", 25, None, "还差一项"],
    )
    made = plan(superior, grading, *table)
    assert [line.fate for line in made.lines] == [Fate.NEW, Fate.NEW]
    assert {unit.name for unit in made.missing} == {
        "汉语言文学教研室党支部", "2010级历史学党支部", "图书馆直属党支部",
    }  # fmt: skip
    done = importers_marks.apply_marks(by=None, plan=made, now=clock.now())
    assert (done.recorded, done.missing) == (2, 3)
    first = Assessment.objects.get(unit=grading.unit("software"), source=superior)
    assert (first.state, first.earned) == ("submitted", D("95.5"))
    second = Assessment.objects.get(unit=grading.unit("algebra"), source=superior)
    assert second.state == "draft"  # an empty cell is no zero
    again = plan(superior, grading, *table)
    assert (again.changes, len(again.of(Fate.SAME))) == (0, 2)


@pytest.fixture
def own(grading):
    return Source.objects.select_related("round").get(round=grading.round, code="self")


def items(unit):
    """Return header and full marks of the sheet of a branch."""
    found = list(
        Criterion.objects.filter(section__rubric=unit.rubric_id)
        .order_by("section__ordinal", "ordinal")
        .values_list("code", "points")
    )
    return ["党支部", *(code for code, _ in found)], [points for _, points in found]


def attach(unit):
    """Give a branch a file for every item that must carry one."""
    wanted = Criterion.objects.filter(section__rubric=unit.rubric_id, evidence_required=True)
    EvidenceFactory(unit=unit).criteria.set(wanted)


def test_a_sheet_without_its_evidence_is_kept_as_a_draft_and_handed_in_once_it_is_there(own, grading):
    unit, other = grading.unit("software"), grading.unit("chinese")
    Criterion.objects.exclude(code="C4").update(evidence_required=False)
    Criterion.objects.filter(code="C4").update(evidence_required=True, text="党员教育管理有台账")
    header, full = items(unit)
    blank = list(full)
    blank[header.index("A2") - 1] = None
    table = (header, [unit.name, *full], [other.name, *blank])
    attach(other)
    made = plan(own, grading, *table)
    a2 = Criterion.objects.get(section__rubric=other.rubric_id, code="A2").text
    assert made.lacks[0] == "须附佐证材料：C4 党员教育管理有台账"
    assert made.lacks[1].startswith(f"没有打分：A2 {a2[:16]}")
    assert "C4" not in made.lacks[1]
    done = importers_marks.apply_marks(by=None, plan=made, now=clock.now())
    assert done.drafts == (f"{unit.name}（{made.lacks[0]}）", f"{other.name}（{made.lacks[1]}）")
    states = Assessment.objects.filter(source=own).values_list("unit__code", "state", "earned", "answered")
    assert set(states) == {(unit.code, "draft", D(100), len(full)), (other.code, "draft", None, len(full) - 1)}
    again = plan(own, grading, *table)
    assert ([line.fate for line in again.lines], set(again.lacks)) == ([Fate.SAME] * 2, {0, 1})
    attach(unit)
    again = plan(own, grading, *table)
    assert ([line.fate for line in again.lines], set(again.lacks)) == ([Fate.HANDED_IN, Fate.SAME], {1})
    assert importers_marks.apply_marks(by=None, plan=again, now=clock.now()).drafts == ()
    filed = Assessment.objects.get(unit=unit, source=own)
    assert (filed.state, filed.receipts.count()) == ("submitted", 1)


def test_a_sheet_that_is_handed_in_is_left_alone_and_the_others_are_taken(own, grading):
    unit, other = grading.unit("software"), grading.unit("chinese")
    Criterion.objects.update(evidence_required=False)
    fill(unit, lose=1)
    header, full = items(unit)
    made = plan(own, grading, header, [unit.name, *full], [other.name, *full])
    assert [line.fate for line in made.lines] == [Fate.LEFT_OUT, Fate.NEW]
    assert [(one.level.value, one.cell, one.reason) for one in made.problems] == [
        ("warning", "A2", f"{unit.name}：支部自评已提交，这一行不导入；确要更改的请先退回")
    ]
    assert importers_marks.apply_marks(by=None, plan=made, now=clock.now()).recorded == 1
    found = dict(Assessment.objects.filter(source=own).values_list("unit__code", "earned"))
    assert found == {unit.code: D(99), other.code: D(100)}
    same = plan(own, grading, header, [unit.name, full[0] - 1, *full[1:]])
    assert [line.fate for line in same.lines] == [Fate.SAME]


def test_what_the_file_does_not_change_keeps_how_it_was_counted(own, grading):
    unit = grading.unit("software")
    fill(unit)
    Assessment.objects.update(state="draft")
    kept = [{"label": "每篇", "points": "1", "number": 2}]
    Score.objects.filter(criterion__code="A1").update(counts=kept)
    header, full = items(unit)
    changed = [*full[:-1], full[-1] - 1]
    importers_marks.apply_marks(by=None, plan=plan(own, grading, header, [unit.name, *changed]), now=clock.now())
    assert Score.objects.get(criterion__code="A1").counts == kept
    assert Assessment.objects.get(unit=unit).partial == 99


def test_one_wrong_figure_stops_the_whole_table(superior, grading):
    made = plan(
        superior, grading, ["党支部名称", *SECTIONS], ["软件工程教研室党支部", 99, 20, 20, 20, 10],
        ["2010级数学党支部", 10, 20, 20, 20, 10],
    )  # fmt: skip
    with pytest.raises(RefusedError, match="B2：软件工程教研室党支部：领导班子好应在 0 至 15 分之间"):
        importers_marks.apply_marks(by=None, plan=made, now=clock.now())
    assert not Score.objects.exists()
    unread = plan(superior, grading, ["党支部名称", *SECTIONS], ["软件工程教研室党支部", "很好", 20, 20, 20, 10])
    with pytest.raises(RefusedError, match="“很好”不是分数"):
        importers_marks.apply_marks(by=None, plan=unread, now=clock.now())


def test_the_command_takes_sheets_too(superior, grading, tmp_path):
    path = tmp_path / "考评.xlsx"
    path.write_bytes(data(["党支部名称", *SECTIONS], ["软件工程教研室党支部", 15, 25, 20, 25, 15]))
    out = StringIO()
    call_command("import_scores", str(path), round=grading.round.pk, source="superior", stdout=out)
    assert "已录入 1 个支部" in out.getvalue()
    assert Assessment.objects.get(source=superior).earned == 100
    with pytest.raises(CommandError, match="没有可从文件导入的来源“nobody”"):
        call_command("import_scores", str(path), round=grading.round.pk, source="nobody")


def test_the_command_says_what_a_sheet_lacks(own, grading, tmp_path):
    unit = grading.unit("software")
    Criterion.objects.update(evidence_required=False)
    header, full = items(unit)
    path = tmp_path / "自评.xlsx"
    path.write_bytes(data(header, [unit.name, None, *full[1:]]))
    out = StringIO()
    call_command("import_scores", str(path), round=grading.round.pk, source="self", check=True, stdout=out)
    assert f"[新录入] {unit.code} {unit.name}；还缺：没有打分：{header[1]} " in out.getvalue()
    assert not Score.objects.exists()
    call_command("import_scores", str(path), round=grading.round.pk, source="self", stdout=out)
    assert f"[存为草稿，没有提交] {unit.name}（没有打分：{header[1]} " in out.getvalue()
    assert Assessment.objects.get(unit=unit).state == "draft"


def test_an_item_that_does_not_apply_goes_out_and_in(own, grading):
    unit = grading.unit("software")
    Criterion.objects.update(evidence_required=False)
    _, full = items(unit)
    book = openpyxl.load_workbook(io.BytesIO(source_template.write(own, [unit])))
    sheet = book.active
    for column, points in enumerate(full, start=3):
        sheet.cell(2, column, points)
    sheet["C2"] = " 不 适用"
    rule = next(one for one in sheet.data_validations.dataValidation if "C2" in one.sqref)
    assert (rule.type, rule.formula1) == ("custom", 'OR(AND(ISNUMBER(C2),C2>=0,C2<=2.00),C2="不适用")')
    assert "本支部不适用的填“不适用”" in sheet["C1"].comment.text
    table = [[cell.value for cell in row] for row in sheet.iter_rows()]
    made = plan(own, grading, *table)
    assert (made.errors, made.lacks) == ((), {})
    assert f"填了 {len(full)}/{len(full)} 项" in importers_marks.sums(made)[0]
    importers_marks.apply_marks(by=None, plan=made, now=clock.now())
    stored = Score.objects.get(assessment__unit=unit, criterion__code="A1")
    assert (stored.points, stored.not_applicable, stored.assessment.state) == (None, True, "submitted")
    assert [line.fate for line in plan(own, grading, *table).lines] == [Fate.SAME]


def test_what_must_apply_cannot_be_left_out(own, superior, grading):
    unit = grading.unit("software")
    header, full = items(unit)
    Rubric.objects.update(not_applicable="refused")
    made = plan(own, grading, header, [unit.name, "不适用", *full[1:]])
    assert [(one.cell, one.reason) for one in made.errors] == [("B2", f"{unit.name}：A1 本标准不允许填“不适用”")]
    rules = openpyxl.load_workbook(io.BytesIO(source_template.write(own, [unit]))).active.data_validations
    assert {rule.type for rule in rules.dataValidation} == {"decimal"}
    made = plan(superior, grading, ["党支部名称", *SECTIONS], [unit.name, "不适用", 20, 20, 20, 10])
    assert [(one.cell, one.reason) for one in made.errors] == [
        ("B2", f"{unit.name}：领导班子好按部分打分，不能填“不适用”")
    ]


def test_points_that_the_local_rules_do_not_know_are_named_by_cell(own, grading):
    unit, other = grading.unit("software"), grading.unit("chinese")
    header, full = items(unit)
    options = [{"label": "好", "points": "2"}, {"label": "差", "points": "0"}]
    item = Criterion.objects.get(section__rubric=unit.rubric_id, code="A1")
    LocalGuidanceFactory(
        round=grading.round, parent=unit.parent, criterion=item, mode="levels", options=options, state="published",
        published_at=clock.now(),
    )  # fmt: skip
    made = plan(own, grading, header, [unit.name, 1, *full[1:]], [other.name, 1, *full[1:]])
    assert [(one.sheet, one.cell, one.reason) for one in made.errors] == [
        ("Sheet", "B2", f"{unit.name}：A1 按党总支细则只能选 2、0 分")
    ]
