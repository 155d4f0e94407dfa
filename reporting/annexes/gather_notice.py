"""From 督办单 as they were issued to what is printed."""

from django.db.models import QuerySet

from branches import clock
from branches.models import Branch, Placement
from branches.scopes import Scope
from branches.wording import zh_date
from grading.models import Round
from rectification.models import NoticeItem, SupervisionNotice
from rectification.services.notices import issuer_name
from reporting.annexes.facts import school_name
from reporting.annexes.notice import NoticeFacts, NoticeLine

S = SupervisionNotice.State


def _of(round_: Round) -> QuerySet[SupervisionNotice]:
    """Return what was issued in the campaign of a round about its items; what was withdrawn is not printed."""
    about = NoticeItem.objects.filter(item__plan__round=round_).values("notice")
    rows = SupervisionNotice.objects.filter(campaign=round_.campaign_id, pk__in=about).exclude(state=S.WITHDRAWN)
    return rows.select_related("campaign__root", "issuer", "branch", "issued_by__person", "reply").prefetch_related(
        "lines"
    )


def issued(round_: Round) -> bool:
    """Tell whether there is a 督办单 about items of a round."""
    return bool(_of(round_).exists())


def one(round_: Round, unit: Branch, pk: int) -> list[NoticeFacts]:
    """Return the 督办单 of a unit with a key; empty where it is another's."""
    return [_facts(row) for row in _of(round_).filter(branch=unit, pk=pk)]


def latest(round_: Round, unit: Branch) -> list[NoticeFacts]:
    """Return the newest 督办单 of a unit."""
    return [_facts(row) for row in _of(round_).filter(branch=unit).order_by("-issued_at", "-pk")[:1]]


def below(round_: Round, unit: Branch) -> list[NoticeFacts]:
    """Return every 督办单 to a unit and to what hangs below it today, in the order of their numbers."""
    rows = _of(round_).order_by("issuer__position", "issuer__code", "number")
    if unit.pk != round_.campaign.root_id:
        reach = Scope(frozenset({unit.pk}), clock.today())
        rows = rows.filter(branch__in=reach.branches())
    return [_facts(row) for row in rows]


def _facts(row: SupervisionNotice) -> NoticeFacts:
    day = row.issued_on
    person = row.issued_by.person
    reply = getattr(row, "reply", None) if row.state in (S.REPLIED, S.CLOSED) else None
    above = Placement.objects.on(day).filter(branch=row.branch).select_related("parent").first()
    return NoticeFacts(
        school=school_name(row.campaign.root.name_on(day)), code=row.code,
        issuer=issuer_name(row.campaign, row.issuer, day), branch=row.branch.name_on(day), branch_code=row.branch.code,
        parent=above.parent.name_on(day) if above and above.parent else "", issued=zh_date(day),
        issued_by=row.issued_by.get_full_name(), phone=person.phone if person else "",
        reply_due=zh_date(row.reply_due_on), demand=row.demand,
        lines=tuple(
            NoticeLine(
                line.ordinal, line.problem, line.leader, zh_date(line.due_on), line.days, line.answer if reply else ""
            )
            for line in row.lines.all()
        ),
        reply=reply.text if reply else "", reply_by=reply.signed_by if reply else "",
        replied=zh_date(clock.day_of(reply.replied_at)) if reply else "",
    )  # fmt: skip
