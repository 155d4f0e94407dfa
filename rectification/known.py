"""Texts of 附件4 taken apart: one problem or measure a line, without the numbers in front. Pure."""

import re

_NUMBER = re.compile(
    r"^\s*(?:[（(]\s*(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*[)）]"
    r"|第?(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*(?:[．、,，:：]|是|\.(?!\d))"
    r"|[①-⑳])\s*"
)
_NOTHING = {"无", "无。", "暂无", "没有", "—", "-"}


def lines_of(text: str) -> list[str]:
    """Return the entries of a text somebody wrote line by line or numbered: `1．学习少。` becomes 学习少."""
    found = []
    for line in text.splitlines():
        entry = _NUMBER.sub("", line).strip().rstrip("。；;")
        if entry and entry not in _NOTHING and entry not in found:
            found.append(entry)
    return found


def paired(problems: list[str], measures: list[str]) -> list[str]:
    """Return a measure for each problem where there are as many of both; else none, as nobody knows whose is whose."""
    return list(measures) if len(problems) == len(measures) else [""] * len(problems)
