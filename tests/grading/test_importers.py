"""The office's own files against an opened round of the sample roster."""

import datetime as dt
import re
from decimal import Decimal as D  # noqa: N817
from fractions import Fraction
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from branches import clock
from branches.intake.annual import Answer
from grading import importers
from grading.importers import Doubts, Fate
from grading.models import AnnualResult, AppraisalCount, Exemption
from grading.services import results
from grading.services.errors import RefusedError
from tests.grading.trees import DATA, SPELLINGS, names_answered, sample_round, workbook
from tests.worlds import shared

pytestmark = pytest.mark.db

sample = shared(sample_round)


def test_annual_results_of_the_office(sample):
    source, units = sample.source("annual"), list(sample.round.units.all())
    book = workbook("annual-results.xlsx")
    plan = importers.plan_annual(source=source, units=units, workbook=book)
    assert {line.row.name for line in plan.open_questions} == set(SPELLINGS)
    assert sorted(unit.name for unit in plan.missing) == [
        "化学与生命科学学院生物技术专业学生党支部",
        "软件学院实验中心教工党支部",
    ]
    assert [line.row.name for line in plan.of(Fate.UNKNOWN)] == ["海洋学院海洋科学系教工党支部"]
    assert len(plan.errors) == 2
    assert any("84" in problem.reason and "不一致" in problem.reason for problem in plan.errors)
    assert any("104" in problem.reason and "超过上限" in problem.reason for problem in plan.errors)
    with pytest.raises(RefusedError, match="5 个名称还没有确认"):
        importers.apply_annual(by=None, plan=plan, now=clock.now())
    assert AnnualResult.objects.count() == 0

    contradicting = {
        f"{line.row.sheet}!{line.row.row}": Answer.SCORE if line.row.score == 84 else Answer.LEAVE_OUT
        for line in plan.lines
        if (line.row.grade == "优秀" and line.row.score == 84) or line.row.score == 104
    }
    doubts = Doubts(names_answered(plan), contradicting)
    plan = importers.plan_annual(source=source, units=units, workbook=book, doubts=doubts)
    assert plan.ready
    assert (len(plan.of(Fate.EXEMPT)), len(plan.of(Fate.LEFT_OUT))) == (3, 1)
    outcome = importers.apply_annual(by=None, plan=plan, now=clock.now())
    assert outcome == importers.Outcome(recorded=162, exempted=3, unchanged=0, missing=2)
    assert AnnualResult.objects.filter(score=D("89.995")).count() == 1
    assert set(Exemption.objects.values_list("source__code", flat=True)) == {"annual"}
    again = importers.plan_annual(source=source, units=units, workbook=book, doubts=doubts)
    assert (again.changes, len(again.of(Fate.SAME))) == (0, 165)


def test_the_same_file_from_the_command_line(sample):
    out = StringIO()
    call = ["import_scores", str(DATA / "annual-results.xlsx"), "--round", str(sample.round.pk), "--source", "annual"]
    with pytest.raises(CommandError, match="一行也没有写入"):
        call_command(*call, stdout=out)
    assert "[文件中没有]" in out.getvalue()
    assert out.getvalue().count("：是否指") == 5
    places = re.findall(r"工作表“(.+?)” [A-Z]+(\d+).*?：.*(?:不一致|超过上限)", out.getvalue())
    assert (len(places), AnnualResult.objects.count()) == (2, 0)
    call += [text for written, meant in SPELLINGS.items() for text in ("--same", f"{written}={meant}")]
    call += [text for sheet, row in places for text in ("--answer", f"{sheet}!{row}=leave_out")]
    call_command(*call, "--check", stdout=StringIO())
    assert AnnualResult.objects.count() == 0
    with pytest.raises(CommandError, match="“海洋学院支部”不是待确认的写法"):
        call_command(*call, "--same", "海洋学院支部=甲", stdout=StringIO())
    out = StringIO()
    call_command(*call, stdout=out)
    assert out.getvalue().splitlines()[-1] == "已录入 161 个支部，免计 3 个，没有变化 0 个。"
    assert AnnualResult.objects.count() == 161
    with pytest.raises(CommandError, match=r"没有可从文件导入的来源“nobody”。可用：.*appraisal（群众评议）"):
        call_command("import_scores", call[1], "--round", str(sample.round.pk), "--source", "nobody")


def test_ballot_counts_of_the_office(sample):
    source, units = sample.source("appraisal"), list(sample.round.units.all())
    book = workbook("appraisal-counts.xlsx")
    plan = importers.plan_counts(source=source, units=units, workbook=book)
    assert [problem.cell for problem in plan.errors] == ["E17", "G52:J52", "F136"]
    names = names_answered(plan)
    plan = importers.plan_counts(
        source=source, units=units, workbook=book, doubts=Doubts(names, {}, void_contradictions=True)
    )
    assert plan.ready
    outcome = importers.apply_counts(by=None, plan=plan, now=clock.now())
    assert (outcome.recorded, outcome.missing) == (168, 0)
    states = AppraisalCount.State
    assert AppraisalCount.objects.filter(state=states.VOID).count() == 3
    absent = {row.reason for row in AppraisalCount.objects.filter(state=states.MISSING)}
    assert absent == {"未组织", "有效票 4 张，低于公布下限 5 张：不显示、不计分"}
    derivations = {d.unit: d for d in results.derive(sample.round).values()}
    rates = {unit.name: derivations[unit.code].satisfaction for unit in units}
    assert rates["外国语学院英语本科高年级学生党支部"] == Fraction(18, 20)
    edge = next(unit for unit in units if unit.name == "数学与计算机科学学院软件工程专业学生党支部")
    assert rates[edge.name] == Fraction(1808, 2009)
    assert derivations[edge.code].gates[0].failed
    held = next(d for d in derivations.values() if any("未组织" in text for text in d.blockers))
    assert "缺群众评议：未组织。" in held.blockers


def test_day_of_the_copy(sample):
    assert sample.round.frozen_on == clock.today() or sample.round.frozen_on == dt.date(2012, 3, 28)
    assert sample.round.units.count() == 168
    assert sample.round.units.filter(direct=True).count() == 2
