"""Points at measures nobody could check: no number, no day, no name. It advises and never blocks. Pure."""

import datetime as dt
import re
from collections.abc import Iterable

from rectification.promised_days import later_than
from rectification.terms import zh

_DIGIT = r"(?:\d+|[一二两三四五六七八九十百]+)"
_DAY = re.compile(
    rf"{_DIGIT}\s*(?:年|月|日|号|周|天|季度|学期)|每(?:年|月|周|季度|半年|学期|天|次)|年底|年内|月底|学期(?:初|末)|[上下]半年|暑假|寒假"
)
_NUMBER = re.compile(
    rf"{_DIGIT}\s*(?:次|人|名|项|个|份|场|篇|课时|学时|条|期|本|册|间|小时|元|万元|遍|件|批|位|对)|\d+(?:\.\d+)?\s*[%％]|百分之|每"
)
_ROLE = re.compile(
    r"书记|委员|支委|组长|主任|院长|处长|科长|部长|班长|教师|辅导员|组织员|干事|负责人|责任人|会计|党员|支部|党总支|由.{1,8}(?:负责|牵头|办理|落实)"
)
NO_DAY = "没有写明什么时候做（如“每月”“9月底前”）。"
NO_NUMBER = "没有写明做多少（如“2次”“全体20名党员”）。"
NO_NAME = "没有写明谁来做（如“由组织委员负责”）。"


def hints(measures: str, *, words: Iterable[str] = (), people: Iterable[str] = ()) -> list[str]:
    """Return what is missing from measures for somebody to be able to check them; nothing for an empty text.

    `words` are vague words of the campaign, named where they stand without a number; `people` are names that count.
    """
    text = measures.strip()
    if not text:
        return []
    found = []
    if not _DAY.search(text):
        found.append(NO_DAY)
    if not _NUMBER.search(text):
        found.append(NO_NUMBER)
    if not _ROLE.search(text) and not any(name and name in text for name in people):
        found.append(NO_NAME)
    said = [word for word in words if word and word in text]
    if found and said:
        found.append(f"“{'”“'.join(said[:3])}”说不清做到什么程度，请改成看得见、数得清的做法。")
    return found


def late_days(measures: str, due_on: dt.date, *, start: dt.date) -> list[str]:
    """Return a remark where measures name a day after the deadline; `start` is the day the plan was begun."""
    late = later_than(measures, due_on, start=start)
    if not late:
        return []
    return [f"措施里的“{'”“'.join(late[:3])}”晚于完成时限{zh(due_on)}，请改措施或时限。"]
