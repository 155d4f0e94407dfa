"""The living style guide: every component with invented data, in a demo or while developing."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from branches import charts, clock
from branches.forms_base import ZhForm
from branches.permissions import public
from branches.registries import HomeItem

_STAGES = (
    ("制定方案、动员部署", (3, 1), (3, 29)),
    ("调查摸底、分类定级", (3, 1), (4, 10)),
    ("健全组织、理顺关系", (4, 1), (5, 31)),
    ("对标整改、晋位升级", (5, 1), (12, 31)),
    ("学习先进、创先争优", (6, 1), (10, 31)),
    ("考核总结、健全制度", (11, 1), (12, 31)),
)


class SampleForm(ZhForm):
    """One field of each kind."""

    venue = forms.CharField(label="活动场所", help_text="写到门牌号，检查组按此查看。", initial="理工楼 412 党员活动室")
    election = forms.DateField(label="换届时间", help_text="届满时间由任期推算。")
    category = forms.ChoiceField(label="类别", choices=[("", "请选择"), ("teacher", "教师"), ("student", "学生")])
    kind = forms.ChoiceField(label="格式", choices=[("xlsx", "Excel"), ("pdf", "PDF")], widget=forms.RadioSelect)
    note = forms.CharField(label="说明", widget=forms.Textarea(attrs={"rows": 2}), required=False)
    ready = forms.BooleanField(label="材料已经齐全", required=False)


def _timeline() -> charts.Timeline | None:
    today = dt.date(2012, 10, 18)
    spans = []
    for number, (name, first, last) in enumerate(_STAGES, start=1):
        starts, ends = dt.date(2012, *first), dt.date(2012, *last)
        now: charts.StageState = "done" if ends < today else "now" if starts <= today else "todo"
        spans.append(
            charts.StageSpan(number, name, starts, ends, now, {"done": "完成", "now": "进行中", "todo": "未开始"}[now])
        )
    return charts.timeline(spans, today)


def _grid() -> list[dict[str, Any]]:
    def cell(section: str, own: str, theirs: str, full: int, *, flag: bool = False) -> dict[str, Any]:
        return {"section": section, "own": own, "self": theirs, "max": full, "flag": flag}

    def row(name: str, first: dict[str, Any], second: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"name": name, "cells": [first, second], "total": "—", "grade": None, "rank": None, "members": 19} | more

    return [
        row("数学教研室党支部", cell("领导班子好", "13.0", "14.5", 15), cell("党员队伍好", "24.0", "23.5", 25),
            total="93.55", grade="先进", rank=1),
        row("学院机关党支部", cell("领导班子好", "11.5", "12.5", 15), cell("党员队伍好", "15.0", "18.5", 25, flag=True),
            total="70.16", grade="一般", rank=3, flag=True),
        row("软工2009级党支部", cell("领导班子好", "", "13.5", 15), cell("党员队伍好", "", "20.0", 25), blank=True),
    ]  # fmt: skip


def _words(today: dt.date) -> dict[str, Any]:
    day = dt.timedelta(days=1)
    return {
        "days": [today + 9 * day, today + 2 * day, today, today - 3 * day, today + 40 * day],
        "todo": [
            HomeItem("督办 6 项逾期整改，涉及 4 个党支部", "最久的是“无固定活动场所”", "发督办", "#", today - 6 * day),
            HomeItem("审定 90 个党支部拟定等级", "已审 58 个；3 个与测算不同，均有理由", "去审定", "#", today + day),
            HomeItem("收齐“七一”表彰事迹材料，缺 2 份", "先进个人 2 名", "查看", "#", today + 13 * day),
        ],
        "pairs": [
            ("第一轮等级", "较好　84.60 分"),
            ("党员", "19 人，其中正式 18 人、预备 1 人"),
            ("届满时间", "2013年5月"),
        ],
        "log": [
            {"moment": "4月12日", "text": "第一轮定为较好，86.40 分"},
            {"moment": "", "text": "等党委审定，10月19日前", "waiting": True},
        ],
        "steps": [
            {"title": "按权重合成", "why": "94.50×20% + 88.57×20% + 95×20% + 91.50×40%", "result": "92.2142…"},
            {"title": "对照分数线", "why": "先进 ≥ 90，较好 ≥ 75", "grade_label": "先进", "grade_letter": "a"},
            {"title": "满意率门槛", "why": "89.3%，低于 90%", "grade_label": "较好", "grade_letter": "b", "hit": True},
        ],
        "stats": [
            {"label": "已自评", "value": "90", "base": "/ 90"},
            {"label": "总支已评分", "value": "84", "base": "/ 90", "url": "#"},
            {"label": "先进占比", "value": "30.0", "base": "%　提示线 30%"},
        ],
    }


@public
def styleguide(request: HttpRequest) -> HttpResponse:
    """Draw every component; a page of a demo or of development only."""
    if not (settings.DEBUG or settings.DEMO or settings.TESTING):
        raise Http404
    form = SampleForm({"venue": "理工楼 412", "election": "去年", "kind": "pdf"})
    bands = [("先进", 90, "a"), ("较好", 75, "b"), ("一般", 60, "c"), ("后进", 0, "d")]
    marks = [("群众", "88.57"), ("总支", "91.50"), ("自评", "94.50")]
    context = _words(clock.today()) | {
        "form": form,
        "figure": Decimal("2.5"),
        "half": Decimal("0.5"),
        "shares": [charts.Share("先进", 27, "a"), charts.Share("较好", 40, "b"), charts.Share("一般", 15, "c"),
                   charts.Share("后进", 8, "d")],
        "timeline": _timeline(),
        "scale": charts.scale(
            [charts.Band(label, Decimal(lowest), letter) for label, lowest, letter in bands],
            Decimal("92.21"),
            [charts.Mark(label, Decimal(value)) for label, value in marks],
            full=Decimal(100),
        ),
        "grid": _grid(),
    }  # fmt: skip
    return render(request, "branches/styleguide.html", context)
