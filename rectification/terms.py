"""Dates of items: the limit of the campaign, check-points of 长期性项目, and the day that counts next. Pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

NORMAL, LONG_TERM, CONDITIONS = "normal", "long_term", "awaiting_conditions"
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Term:
    """What somebody says about the time an item takes."""

    kind: str
    due_on: dt.date | None = None
    reason: str = ""
    review_on: dt.date | None = None
    checkpoints: Sequence[dt.date] = ()


def zh(day: dt.date) -> str:
    """Return a day as it is read: 2012年12月31日."""
    return f"{day.year}年{day.month}月{day.day}日"


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day some months later, the last of the month where that has no such day."""
    year, month = divmod(day.year * MONTHS + day.month - 1 + months, MONTHS)
    last = (dt.date(year + (month + 1) // MONTHS, (month + 1) % MONTHS + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last))


def beyond(term: Term, limit_on: dt.date, extended_to: dt.date | None) -> str:
    """Return why a deadline may not be that late, or "": only what takes longer by its nature may pass the limit."""
    last = max(limit_on, extended_to) if extended_to else limit_on
    if term.kind != NORMAL or term.due_on is None or term.due_on <= last:
        return ""
    return f"完成时限不能晚于{zh(last)}；确需更长时间的，请选“长期性”或“暂不具备条件”并写明理由。"


def gaps(term: Term, *, start: dt.date, months: int) -> dict[str, str]:
    """Return what is missing from or wrong with a term before it is handed in, by field. `start` is today."""
    found: dict[str, str] = {}
    if term.kind == NORMAL:
        if term.due_on is None:
            found["due_on"] = "完成时限"
        return found
    if not term.reason.strip():
        found["term_reason"] = "长期性理由" if term.kind == LONG_TERM else "暂不具备条件的理由"
    if term.kind == CONDITIONS:
        if term.review_on is None:
            found["review_on"] = "条件复核日期"
        return found
    if problem := checkpoint_problem(term, start=start, months=months):
        found["checkpoints"] = problem
    return found


def checkpoint_problem(term: Term, *, start: dt.date, months: int) -> str:
    """Return what is wrong with the check-points of a 长期性项目, or "": at least one in every `months` months."""
    days = sorted(term.checkpoints)
    if not days:
        return "年度检查点"
    before = start
    for day in [*days, *([term.due_on] if term.due_on else [])]:
        if day > add_months(before, months):
            return f"{zh(before)}以后{months}个月内的检查点"
        before = day
    return ""


def counts_on(term: Term) -> dt.date | None:
    """Return the day that counts next; of check-points those given are the ones still ahead."""
    if term.kind == NORMAL:
        return term.due_on
    if term.kind == CONDITIONS:
        return term.review_on
    return min(term.checkpoints, default=term.due_on)
