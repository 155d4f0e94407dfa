"""Points of whole sheets from a workbook: by section, by item, refused as a whole, from the command line."""

import io
from decimal import Decimal as D  # noqa: N817
from io import StringIO

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from branches import clock
from grading import importers, importers_marks
from grading.importers import Fate
from grading.models import Assessment, Score, Source
from grading.services.errors import RefusedError
from tests.factories.grading import opened_round
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


def test_a_table_of_items_hands_the_sheet_of_the_branch_in(grading):
    source = Source.objects.select_related("round").get(round=grading.round, code="self")
    unit = grading.unit("software")
    items = unit.rubric.sections.values_list("criteria__code", "criteria__points")
    header = ["党支部", *(code for code, _ in items)]
    made = plan(source, grading, header, ["软件工程教研室党支部", *(points for _, points in items)])
    if evidence := [code for code in header[1:] if unit.rubric.sections.filter(
        criteria__code=code, criteria__evidence_required=True
    ).exists()]:  # fmt: skip
        with pytest.raises(RefusedError, match="须附佐证材料"):
            importers_marks.apply_marks(by=None, plan=made, now=clock.now())
        assert evidence
        assert not Score.objects.exists()
    else:
        importers_marks.apply_marks(by=None, plan=made, now=clock.now())
        assert Assessment.objects.get(unit=unit, source=source).state == "submitted"


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
