"""The demo's supervision of the pilot: two 督办单, one answered, a visit with findings, a leader for each."""

import datetime as dt
from collections.abc import Iterator

from branches.models import Branch, Campaign, Person
from rectification.models import SupervisionNotice
from rectification.services import contacts, notices, visits
from rectification.services.contacts import Leader
from rectification.services.settings import rules_of
from reporting.demo.rectification import NAME, Cast

LEADERS = (
    Leader("周明", "党委副书记", task="每月到支部一次，帮助配齐班子"),
    Leader("陈静", "副校长", task="参加支部党员大会，盯住整改进度"),
)
FOUND = (
    ("支委会会议记录漏记请假人员，缺席原因没有写。", "会后三天内由组织委员核对签到册。"),
    ("党员活动室没有固定开放时间，门口没有公示。", "月底前定好开放时间，贴在门口。"),
)
DEMAND = "请党支部书记牵头，逐项查明没有按期完成的原因；能马上办的在回复期限前办结，办不完的写明剩余步骤和完成日期。"


def build(root: Branch, now: dt.datetime) -> Iterator[str]:
    """Urge, visit and assign in the pilot, as its people would."""
    cast, campaign = Cast.read(), Campaign.objects.get(root=root, name=NAME)
    for account in (cast.office, *cast.officers.values(), *cast.secretaries.values()):
        Person.objects.filter(pk=account.person_id).update(email=f"{account.username}@example.edu.cn")
    behind: dict[int, list[int]] = {}
    for item in notices.overdue(campaign, now - dt.timedelta(days=2)):
        behind.setdefault(item.answers_id, []).append(item.pk)
    branches = list(Branch.objects.filter(pk__in=behind).order_by("position", "code")[:2])
    for number, branch in enumerate(branches):
        _urge(cast, campaign, branch, now, answered=number == 1)
    if branches:
        _visit(cast, campaign, branches[0], now)
    for branch, leader in zip(branches, LEADERS, strict=False):
        contacts.appoint(by=cast.office, campaign=campaign, branch=branch, leader=leader, starts_on=now.date(), now=now)
    yield f"supervision: {SupervisionNotice.objects.count()} notices"


def _urge(cast: Cast, campaign: Campaign, branch: Branch, now: dt.datetime, *, answered: bool) -> None:
    """Issue a 督办单 two days ago; the branch has answered yesterday, or has not."""
    order = notices.Order(DEMAND, (now + dt.timedelta(days=5)).date())
    then = now - dt.timedelta(days=2)
    notice = notices.issue(by=cast.office, campaign=campaign, branch=branch, order=order, now=then)
    if not answered:
        return
    secretary = cast.secretaries[branch.pk]
    said = {line.pk: "已补齐近三次会议记录，剩余部分本周五前完成。" for line in notice.lines.all()}
    answer = notices.Answer("支委会已逐项研究，责任到人，按上面写的日期完成。", secretary.get_full_name(), said)
    notices.reply(by=secretary, notice=notice, version=1, answer=answer, now=now - dt.timedelta(days=1))


def _visit(cast: Cast, campaign: Campaign, branch: Branch, now: dt.datetime) -> None:
    """Record a visit of the week before, with what it found."""
    values = {
        "held_on": (now - dt.timedelta(days=8)).date(), "place": "党员活动室", "visitors": "林志远、陈静",
        "looked_at": rules_of(campaign).visit_aspects[:3], "summary": "方案可行，个别项目进度偏慢，会议记录要规范。",
    }  # fmt: skip
    found = [visits.Found(branch, text, advice) for text, advice in FOUND]
    visits.record(by=cast.office, campaign=campaign, unit=branch, values=values, found=found, now=now)
