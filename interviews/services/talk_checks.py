"""What a talk must be before it is written down; every fault with a sentence at its field."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.views.decorators.debug import sensitive_variables

from branches import clock
from branches.models import Account, Branch, Campaign
from branches.permissions import Action, scope
from interviews.models import Assignment, Channel, FocusGroup, Interview, Notice, RosterEntry, Topic
from interviews.services.errors import RefusedError

C = Interview.Consent
HEADS_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Talk:
    """One talk as it was entered. Sensitive topics and groups are sealed, the others become rows."""

    entries: Sequence[RosterEntry]
    held_on: dt.date
    channel: Channel
    one_to_one: bool
    notice: Notice
    consent: str
    topics: Sequence[Topic] = ()
    focus_groups: Sequence[FocusGroup] = ()
    text: str = field(default="", repr=False)
    problems: str = field(default="", repr=False)
    place: str = field(default="", repr=False)

    @property
    def says(self) -> bool:
        """Whether anything confidential was written."""
        return bool(self.text.strip() or self.problems.strip() or self.sensitive_codes())

    def sensitive_codes(self) -> list[str]:
        """Return the codes of sensitive topics and groups."""
        topics = [topic.code for topic in self.topics if topic.sensitive]
        return topics + [group.code for group in self.focus_groups if group.sensitive]


@sensitive_variables()
def check(*, by: Account, campaign: Campaign, talk: Talk, limit: int, now: dt.datetime) -> None:
    """Refuse a talk that cannot be. Raises RefusedError with everything that is wrong."""
    faults = {
        "entries": _people(by, campaign, talk),
        "held_on": _day(campaign, talk, now),
        "channel": "" if talk.channel.campaign_id == campaign.pk else "请选择谈话方式。",
        "topics": _words(campaign, talk),
        "consent": _consent(campaign, talk),
        **_lengths(talk, limit),
    }
    if faults := {name: said for name, said in faults.items() if said}:
        raise RefusedError([], faults)


def _people(by: Account, campaign: Campaign, talk: Talk) -> str:
    keys = {entry.pk for entry in talk.entries}
    if not keys or len(keys) != len(talk.entries):
        return "请选择访谈对象，每人选一次。"
    if len(keys) > HEADS_LIMIT:
        return f"一次座谈最多 {HEADS_LIMIT} 人。"
    if talk.one_to_one and len(keys) > 1:
        return "一对一谈话只能选一个人；几个人一起谈请记为座谈。"
    if not talk.one_to_one and len(keys) == 1:
        return "座谈至少选两个人；只有一个人的请记为一对一谈话。"
    if any(entry.campaign_id != campaign.pk or not entry.active for entry in talk.entries):
        return "有人不在本次活动的名册上，请重新选择。"
    if by.person_id and any(entry.person_id == by.person_id for entry in talk.entries):
        return "不能记自己和自己的谈话。"
    if not may_talk_with(by, talk.entries):
        return "有人不在您的访谈范围内，也没有分配给您，请重新选择。"
    return ""


def may_talk_with(account: Account, entries: Sequence[RosterEntry]) -> bool:
    """Tell whether an account may record talks with these people: in its units, or assigned to it."""
    reach = scope(account, Action.RECORD_INTERVIEW)
    if not reach:
        return False
    if reach.everything:
        return True
    units = {entry.unit_id for entry in entries}
    inside = set(Branch.objects.within(reach).filter(pk__in=units).values_list("pk", flat=True))
    outside = {entry.pk for entry in entries if entry.unit_id not in inside}
    if not outside:
        return True
    return Assignment.objects.of(account).filter(entry__in=outside).values("entry").distinct().count() == len(outside)


def _day(campaign: Campaign, talk: Talk, now: dt.datetime) -> str:
    if talk.held_on > clock.day_of(now):
        return "谈话日期不能晚于今天；以后要谈的请记为回访计划。"
    if talk.held_on < campaign.starts_on:
        return f"谈话日期不能早于活动开始（{campaign.starts_on:%Y-%m-%d}）。"
    return ""


def _words(campaign: Campaign, talk: Talk) -> str:
    campaigns = {topic.campaign_id for topic in talk.topics} | {group.campaign_id for group in talk.focus_groups}
    return "" if campaigns <= {campaign.pk} else "有话题或重点类别不属于本次活动，请重新选择。"


def _consent(campaign: Campaign, talk: Talk) -> str:
    if talk.notice.campaign_id != campaign.pk or talk.notice.published_at is None:
        return "告知书已变动，请刷新页面。"
    if talk.consent not in C.values:
        return "请选择告知情况。"
    if talk.notice.wants_consent and talk.consent == C.TOLD:
        return "本活动须征得本人同意，请选择“本人同意”或“本人不同意记录内容”。"
    if talk.consent == C.DECLINED and talk.says:
        return "本人不同意记录内容时，只记谈话的事实，请删去正文、实际问题和敏感选项。"
    return ""


def _lengths(talk: Talk, limit: int) -> dict[str, str]:
    said = {"text": (talk.text, limit), "problems": (talk.problems, limit), "place": (talk.place, 80)}
    return {name: f"最多 {most} 字，现有 {len(text)} 字。" for name, (text, most) in said.items() if len(text) > most}


def new_client_id() -> uuid.UUID:
    """Return a number for a form that is about to be filled in."""
    return uuid.uuid4()
