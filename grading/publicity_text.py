"""The words of a 公示: usual title and text with places for figures. Pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from branches import wording

TITLE = "关于{年度}年党支部分类定级结果的公示"
LATER_TITLE = "关于{年度}年党支部分类定级{轮次}结果的公示"  # of a campaign's second round and those after it
BODY = """根据《{办法}》，经{步骤}，拟定以下党支部为{等级}等级，现予公示，接受党员和群众监督。

公示时间：{开始}至{截止}（{天数}个工作日）。

公示期间，对公示结果有异议的，请在公示截止前以登录本系统、电话、来信、来访等方式实名反映，说明具体情况和事实依据。反映情况应当实事求是，我们对反映人和反映的内容严格保密，逐件核实并答复反映人。"""
RECEIVER = "党委组织部"
PLACES = ("年度", "轮次", "办法", "步骤", "等级", "天数", "开始", "截止")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a notice fills into its text."""

    year: int
    round_name: str
    rule_name: str
    steps: tuple[str, ...]
    grades: tuple[str, ...]
    days: int
    first: dt.date
    last: dt.date


def joined(words: Sequence[str]) -> str:
    """Join words as a sentence does: 先进、较好."""
    return "、".join(words)


def last_moment(last: dt.date, first: dt.date) -> str:
    """Say the end of a notice: the year only where it differs."""
    return wording.zh_date(last) if last.year != first.year else f"{last.month}月{last.day}日"


def filled(text: str, facts: Facts) -> str:
    """Put the facts into the places of a text; unknown places stay as they are written."""
    values = {
        "年度": str(facts.year),
        "轮次": facts.round_name,
        "办法": facts.rule_name,
        "步骤": joined(facts.steps) or "综合评定",
        "等级": joined([f"“{word}”" for word in facts.grades]),
        "天数": str(facts.days),
        "开始": wording.zh_date(facts.first),
        "截止": last_moment(facts.last, facts.first),
    }
    for place, value in values.items():
        text = text.replace(f"{{{place}}}", value)
    return text


def unknown_places(text: str) -> list[str]:
    """Return what stands in braces and is no known place."""
    found = []
    for piece in text.split("{")[1:]:
        word, closed, _ = piece.partition("}")
        if closed and word not in PLACES:
            found.append(f"{{{word}}}")
    return found
