"""The demo's ballot boxes: where its roles land two are in use, one waits to be printed, one branch has none yet."""

import datetime as dt
from collections.abc import Sequence

from branches.models import Role, RoleGrant
from grading.models import AppraisalCount, ProblemBox, Round, RoundUnit, Source
from grading.services import ballots, voting

PROBLEMS = (
    ("life", "组织生活不正常"), ("committee", "班子作用发挥不够"), ("service", "联系服务师生不够"),
    ("place", "活动经费、场所不落实"),
)  # fmt: skip
VOTERS, BOXES, OPEN = 24, 3, 2
KEEPERS = ("周保管", "吴保管")
DAYS = dt.timedelta(days=2)


def build(round_: Round, units: Sequence[RoundUnit], now: dt.datetime) -> int:
    """Let branches without paper counts be appraised by codes; return how many have a box."""
    ProblemBox.objects.bulk_create(
        ProblemBox(round=round_, ordinal=ordinal, code=code, text=text)
        for ordinal, (code, text) in enumerate(PROBLEMS, start=1)
    )
    grant = RoleGrant.objects.filter(role=Role.OFFICE).select_related("account").order_by("pk").first()
    if grant is None:
        return 0
    source = Source.objects.get(round=round_, code=Source.APPRAISAL)
    counted = set(AppraisalCount.objects.filter(unit__in=units).values_list("unit_id", flat=True))
    chosen = [unit for unit in units if unit.graded and unit.pk not in counted][:BOXES]
    for number, unit in enumerate(chosen):
        box = ballots.create_box(
            by=grant.account, unit=unit, source=source, groups={"": VOTERS}, keepers=KEEPERS, now=now,
            closes_at=now + DAYS,
        ).box  # fmt: skip
        if number >= OPEN:
            continue
        codes = ballots.issue_codes(by=grant.account, box=box, now=now)
        ballots.open_box(by=grant.account, box=box, now=now)
        for place, issued in enumerate(codes[: 9 + 5 * number]):
            choice = box.options[0 if place % 3 else 1]["code"]
            ticked = [box.problems[place % len(PROBLEMS)]["code"]] if place % 4 == 0 else []
            voting.cast(code=issued.code, choice=choice, problems=ticked, now=now)
    return len(chosen)
