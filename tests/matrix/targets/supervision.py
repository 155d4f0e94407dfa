"""Targets of supervision: 督办单, visits and their findings, contacts, messages."""

import datetime as dt
from typing import Any

from branches import clock
from branches.models import Branch, Role
from rectification.models import Contact, SupervisionNotice
from tests.factories import rectification as r
from tests.factories import supervision as s
from tests.factories.branches import holder
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round
from tests.matrix.targets.rectification import _plan
from tests.matrix.world import World

S = SupervisionNotice.State
REPLIED = {"supervision-notice-return", "supervision-notice-close"}
OTHERS = {"foreign_key": "other", "any": "sibling"}


def _later(days: int = 7) -> str:
    return (clock.today() + dt.timedelta(days=days)).isoformat()


def _branch(world: World, relation: str) -> Branch:
    return world.branch(OTHERS.get(relation, relation))


@target("overdue_branch", "any", "foreign_key")
def overdue_branch(world: World, relation: str, _name: str) -> Call:
    """A branch with an overdue item, below the officers or below another 党总支, asked for by its key."""
    plan = _plan(world, OTHERS[relation], "approved")
    day = clock.today() - dt.timedelta(days=5)
    dates = {"due_on": day, "counts_on": day, "limit_on": day}
    r.ItemFactory(plan=plan, state="in_hand", approved_at=clock.now(), **dates)
    data: dict[str, Any] = {"branch": plan.branch_id, "campaign": plan.campaign_id}
    return Call({}, data | {"demand": "请落实。", "reply_due_on": _later()})


@target("supervision_notice", "own", "sibling", "other")
def supervision_notice(world: World, relation: str, name: str) -> Call:
    """A 督办单 of the 党总支 above a branch, in the state the view is for."""
    issuer = world.unit("other" if relation == "other" else "own")
    branch, campaign = world.branch(relation), _round(world).campaign
    SupervisionNotice.objects.filter(branch=branch).update(state=S.CLOSED)
    notice = s.SupervisionNoticeFactory(
        campaign=campaign, issuer=issuer, branch=branch, state=S.REPLIED if name in REPLIED else S.ISSUED
    )
    plan = _plan(world, relation, "approved")
    line = s.NoticeItemFactory(notice=notice, item=r.ItemFactory(plan=plan, state="in_hand", approved_at=clock.now()))
    if name in REPLIED:
        s.NoticeReplyFactory(notice=notice)
    data = {
        "version": "1", "text": "已落实。", "signed_by": "柯虹", f"line-{line.pk}": "已办。", "reason": "不清楚",
        "reply_due_on": _later(),
    }  # fmt: skip
    return Call({"pk": notice.pk}, data)


def _visit(campaign: Any, unit: Branch) -> dict[str, Any]:
    return {
        "campaign": campaign.pk, "unit": unit.pk, "held_on": "2012-10-12", "place": "302", "visitors": "林志远",
        "summary": "好", "version": "1",
    }  # fmt: skip


@target("visit_to_record", "any", "foreign_key")
def visit_to_record(world: World, relation: str, _name: str) -> Call:
    """A visit to a branch below the officers, or to one of another 党总支 by its key."""
    return Call({}, _visit(_round(world).campaign, _branch(world, relation)))


@target("supervision_visit", "own", "sibling", "other")
def supervision_visit(world: World, relation: str, _name: str) -> Call:
    """A visit to a branch."""
    visit = s.VisitFactory(campaign=_round(world).campaign, unit=world.branch(relation))
    return Call({"pk": visit.pk}, _visit(visit.campaign, visit.unit))


@target("visit_finding_to_add", "own", "sibling", "other", "foreign_key")
def visit_finding_to_add(world: World, relation: str, _name: str) -> Call:
    """A finding about the branch visited, or about one of another 党总支 by its key."""
    unit = world.branch("own" if relation == "foreign_key" else relation)
    visit = s.VisitFactory(campaign=_round(world).campaign, unit=unit)
    return Call({"pk": visit.pk}, {"branch": _branch(world, relation).pk, "text": "漏记请假人员"})


@target("supervision_finding", "own", "sibling", "other")
def supervision_finding(world: World, relation: str, _name: str) -> Call:
    """An open finding about a branch."""
    visit = s.VisitFactory(campaign=_round(world).campaign, unit=world.branch(relation))
    return Call({"pk": s.VisitFindingFactory(visit=visit).pk}, {"reason": "当场已改正"})


@target("contact_of_branch", "own", "sibling", "other")
def contact_of_branch(world: World, relation: str, _name: str) -> Call:
    """A branch to which a leader is assigned."""
    keys = {"campaign": _round(world).campaign_id, "branch": world.branch(relation).pk}
    return Call(keys, {"name": "周明", "starts_on": "2012-05-01"})


@target("contact", "own", "sibling", "other")
def contact(world: World, relation: str, _name: str) -> Call:
    """A leader assigned to a branch."""
    branch, campaign = world.branch(relation), _round(world).campaign
    Contact.objects.filter(branch=branch).delete()
    return Call({"pk": s.ContactFactory(campaign=campaign, branch=branch).pk}, {"reason": "已转化"})


@target("message_to_somebody", "own", "sibling", "other")
def message_to_somebody(world: World, relation: str, _name: str) -> Call:
    """A message that failed, to the 书记 of a branch."""
    reader = holder(Role.SECRETARY, world.branch(relation))
    reader.person.email = f"reader{reader.pk}@example.edu.cn"
    reader.person.save(update_fields=["email"])
    return Call({"pk": s.DispatchFactory(recipient=reader, state="failed").pk})


@target("frequency")
def frequency(_world: World, _relation: str, _name: str) -> Call:
    """How often somebody wants to be reminded."""
    return Call({}, {"frequency": "daily"})
