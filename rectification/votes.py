"""Attendance and votes of a 党员大会: what must be there, what must add up, quorum and majority as fractions. Pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Rules:
    """What a campaign asks of the meeting; None asks for nothing."""

    vote_required: bool = False
    quorum: Fraction | None = None
    majority: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A record as far as it is known. `excused_named` and `absent_named` count the people named with a reason."""

    held_on: dt.date | None = None
    should_attend: int | None = None
    present: int | None = None
    excused: int | None = None
    absent: int | None = None
    excused_named: int = 0
    absent_named: int = 0
    opinions: str = ""
    voting_members: int | None = None
    voting_present: int | None = None
    votes: Sequence[int | None] = (None, None, None)


def problems(meeting: Meeting, rules: Rules, today: dt.date) -> list[str]:
    """Return what stands in the way of handing a plan in, as sentences."""
    found = list(_attendance(meeting))
    if meeting.held_on is None:
        found.insert(0, "请填写党员大会的日期。")
    elif meeting.held_on > today:
        found.insert(0, "党员大会的日期还没有到，请在开会讨论后再提交。")
    if not meeting.opinions.strip():
        found.append("请填写党员大会的讨论意见。")
    return found + list(_vote(meeting, rules))


def _attendance(meeting: Meeting) -> list[str]:
    numbers = {
        "应到": meeting.should_attend,
        "实到": meeting.present,
        "请假": meeting.excused,
        "缺席": meeting.absent,
    }
    if missing := [name for name, number in numbers.items() if number is None]:
        return [f"党员大会记录还缺{'、'.join(missing)}人数。"]
    found = []
    expected, present, excused, absent = (number or 0 for number in numbers.values())
    if present == 0:
        found.append("实到人数是 0，没有开成会。")
    if expected != present + excused + absent:
        found.append(f"应到 {expected} 人，实到、请假、缺席合计 {present + excused + absent} 人，请核对。")
    if excused != meeting.excused_named:
        found.append(f"请假 {excused} 人，写明姓名和原因的有 {meeting.excused_named} 人，请补齐。")
    if absent != meeting.absent_named:
        found.append(f"缺席 {absent} 人，写明姓名和原因的有 {meeting.absent_named} 人，请补齐。")
    return found


def _vote(meeting: Meeting, rules: Rules) -> list[str]:
    given = [number for number in meeting.votes if number is not None]
    if not given:
        return ["本次活动要求表决，请填写表决票数。"] if rules.vote_required else []
    if len(given) < len(meeting.votes) or meeting.voting_members is None or meeting.voting_present is None:
        return ["表决情况请填全：有表决权的应到、实到人数，赞成、反对、弃权票数。"]
    if sum(given) > meeting.voting_present:
        return [f"票数合计 {sum(given)}，多于有表决权的实到 {meeting.voting_present} 人，请核对。"]
    found = []
    if rules.quorum is not None and meeting.voting_present <= rules.quorum * meeting.voting_members:
        found.append(f"有表决权的到会人数没有超过应到人数的{share(rules.quorum)}，表决无效。")
    if rules.majority is not None and given[0] <= rules.majority * meeting.voting_members:
        found.append(f"赞成票没有超过有表决权应到人数的{share(rules.majority)}，方案没有通过。")
    return found


def share(part: Fraction) -> str:
    """Return a fraction in words: 二分之一."""
    digits = "零一二三四五六七八九十"
    known = max(part.numerator, part.denominator) <= 10
    if part == Fraction(1, 2):
        return "半数"
    return (
        f"{digits[part.denominator]}分之{digits[part.numerator]}" if known else f"{part.numerator}/{part.denominator}"
    )
