"""Digests in words and days: what a message says, what it leaves out, when it is due. Pure."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from branches.wording import zh_date

WEEKLY, DAILY, NONE = "weekly", "daily", "none"
LONGEST = 300
QUOTED = 24


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to tell. `key` names the thing itself, whatever is said about it: item:12, notice:3, unit:7."""

    key: str
    text: str
    section: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What one message tells, and what it leaves out because its reader was told today."""

    lines: tuple[Line, ...]
    left_out: tuple[Line, ...]


def build(lines: Iterable[Line], told: Collection[str]) -> Digest:
    """Return each thing once, the first wording of it, without what was told today."""
    once: dict[str, Line] = {}
    for line in lines:
        once.setdefault(line.key, line)
    kept = tuple(line for key, line in once.items() if key not in told)
    return Digest(kept, tuple(line for key, line in once.items() if key in told))


def week_of(day: dt.date) -> dt.date:
    """Return the Monday of a day's week, over the year's end as well."""
    return day - dt.timedelta(days=day.weekday())


def period_of(frequency: str, day: dt.date) -> dt.date:
    """Return what a digest belongs to: its week by the Monday, or its day."""
    return week_of(day) if frequency == WEEKLY else day


def is_due(frequency: str, moment: dt.datetime, *, weekday: int, hour: int, workday: bool) -> bool:
    """Tell whether the digest of the present week or day may go out: from the hour on, weekly from the weekday on.

    `weekday` counts from Monday, 1, to Sunday, 7. A worker that stood still on that day catches up later in the week.
    Daily ones go out on working days only; `workday` says whether the day of `moment` is one.
    """
    day, reached = moment.date(), moment.hour >= hour
    if frequency == DAILY:
        return reached and workday
    return day.weekday() > weekday - 1 or (day.weekday() == weekday - 1 and reached)


def quoted(text: str) -> str:
    """Return the beginning of a text on one line, for a message."""
    plain = " ".join(text.split())
    return f"{plain[:QUOTED]}…" if len(plain) > QUOTED else plain


def subject(lines: Collection[Line], day: dt.date) -> str:
    """Return the subject of a digest."""
    return f"整改提高提醒（{zh_date(day)}）：{len(lines)} 件事需要关注"


def body(name: str, lines: Iterable[Line], *, address: str, frequency: str) -> str:
    """Return the text of a digest, by sections in the order of the lines."""
    sections: dict[str, list[str]] = {}
    for line in lines:
        sections.setdefault(line.section, []).append(line.text)
    parts = [f"{name}：", ""]
    for title, texts in sections.items():
        parts += [f"【{title}】", *(f"{number}. {text}" for number, text in enumerate(texts, 1)), ""]
    if address:
        parts.append(f"办理请登录：{address}")
    often = "每周一封" if frequency == WEEKLY else "有新情况的工作日一封"
    parts.append(f"本邮件由系统发送（{often}），请勿回复。频次可在“整改提高—邮件提醒”里调整。")
    return "\n".join(parts)


def letter(name: str, paragraphs: Iterable[str], *, address: str) -> str:
    """Return the text of a single message about one thing."""
    parts = [f"{name}：", "", *paragraphs, ""]
    if address:
        parts.append(f"办理请登录：{address}")
    parts.append("本邮件由系统发送，请勿回复。")
    return "\n".join(parts)


def notice_code(pattern: str, *, issuer: str, year: int, number: int) -> str:
    """Return the number of a 督办单 as printed; the pattern may name {issuer}, {year} and {number}."""
    return pattern.replace("{issuer}", issuer).replace("{year}", str(year)).replace("{number}", str(number))
