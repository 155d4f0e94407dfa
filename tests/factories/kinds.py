"""A published rubric that has an item of every kind, and a round scored by it."""

from typing import Any

from branches import clock
from grading.models import RoundUnit, Rubric
from grading.services import rubrics

KINDS: list[dict[str, Any]] = [
    {
        "code": "A", "name": "领导班子好", "points": "30",
        "criteria": [
            {"code": "A1", "text": "支委分工明确", "points": "10", "guidance": "有书面分工。"},
            {
                "code": "A2", "text": "制度健全", "points": "10", "kind": "levels",
                "levels": [
                    {"label": "健全", "points": "10"}, {"label": "比较健全", "points": "6"},
                    {"label": "不健全", "points": "0"},
                ],
            },
            {
                "code": "A3", "text": "三会一课", "points": "10", "kind": "deduction",
                "levels": [{"label": "少开一次", "points": "2"}, {"label": "记录不全", "points": "1"}],
            },
        ],
    },
    {
        "code": "B", "name": "工作业绩好", "points": "20",
        "criteria": [
            {"code": "B1", "text": "任务完成", "points": "5", "kind": "deduction"},
            {
                "code": "B2", "text": "群众满意率", "points": "5", "kind": "system", "figure": "satisfaction",
                "levels": [
                    {"label": "95%以上", "points": "5", "minimum": "95"},
                    {"label": "85%以上", "points": "4", "minimum": "85"}, {"label": "85%以下", "points": "0"},
                ],
            },
            {
                "code": "B3", "text": "党员培训率", "points": "10", "kind": "system", "figure": "training",
                "levels": [
                    {"label": "90%以上", "points": "10", "minimum": "90"},
                    {"label": "80%以上", "points": "7", "minimum": "80"}, {"label": "80%以下", "points": "0"},
                ],
            },
            {
                "code": "B4", "text": "宣传报道", "points": "3", "kind": "bonus",
                "levels": [{"label": "院级报道", "points": "0.5"}, {"label": "校级报道", "points": "1"}],
            },
            {"code": "V1", "text": "半年以上无组织生活", "points": "0", "kind": "veto"},
        ],
    },
]  # fmt: skip


def rubric_of_all_kinds(*, code: str = "kinds", exceed: str = "section", publish: bool = True) -> Rubric:
    """Return a rubric of 50 points in two sections, with a bonus of at most 3 on top."""
    row = Rubric.objects.create(code=code, title="各种方式评分标准", form_code="附件2", exceed=exceed)
    rubrics.write_items(row, KINDS)
    return rubrics.publish(by=None, rubric=row, now=clock.now()) if publish else row


def score_by(unit: RoundUnit, rubric: Rubric) -> RoundUnit:
    """Let a branch of an open round be scored by another rubric."""
    RoundUnit.objects.filter(pk=unit.pk).update(rubric=rubric)
    return RoundUnit.objects.select_related("round__campaign", "rubric", "branch").get(pk=unit.pk)
