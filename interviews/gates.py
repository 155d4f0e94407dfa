"""The moves of what comes of talks: problems, follow-ups, emergencies, and of the reports units hand in."""

import datetime as dt
from collections.abc import Iterator

from branches.registries import confide, gate
from branches.transitions import Transition, register
from interviews.models import EmergencyReport, FollowUp, Interview, Matter, ProgressReport, ReportSection, SealedRecord

State = Matter.State
confide(Interview, SealedRecord, Matter, FollowUp, EmergencyReport)
register(
    Matter,
    {
        State.RELEASED: (
            Transition(State.IN_HAND, "受理"),
            Transition(State.RETURNED, "退回", needs_reason=True),
            Transition(State.WITHDRAWN, "撤回", needs_reason=True),
        ),
        State.RETURNED: (
            Transition(State.RELEASED, "重新交办"),
            Transition(State.WITHDRAWN, "撤回", needs_reason=True),
        ),
        State.IN_HAND: (
            Transition(State.ANSWERED, "办复"),
            Transition(State.RETURNED, "退回", needs_reason=True),
            Transition(State.WITHDRAWN, "撤回", needs_reason=True),
        ),
        State.ANSWERED: (
            Transition(State.TOLD, "反馈本人"),
            Transition(State.IN_HAND, "退回再办", needs_reason=True),
        ),
    },
)
register(
    FollowUp,
    {
        FollowUp.State.PLANNED: (
            Transition(FollowUp.State.DONE, "完成回访"),
            Transition(FollowUp.State.DROPPED, "取消回访", needs_reason=True),
        ),
    },
)
register(
    EmergencyReport,
    {
        EmergencyReport.State.SENT: (Transition(EmergencyReport.State.ACKNOWLEDGED, "接报"),),
        EmergencyReport.State.ACKNOWLEDGED: (Transition(EmergencyReport.State.CLOSED, "处置完毕"),),
    },
)
R = ProgressReport.State
register(
    ProgressReport,
    {
        R.DRAFT: (Transition(R.SUBMITTED, "报送"),),
        R.RETURNED: (Transition(R.SUBMITTED, "报送"),),
        R.SUBMITTED: (Transition(R.RETURNED, "退回修改", needs_reason=True),),
    },
)


@gate(ProgressReport, R.SUBMITTED)
def report_is_complete(report: ProgressReport, now: dt.datetime) -> Iterator[str]:
    """Every required section of a report is written."""
    del now
    written = {row.section_id for row in report.texts.all() if row.text.strip()}
    for section in ReportSection.objects.filter(campaign=report.period.campaign_id, active=True, required=True):
        if section.pk not in written:
            yield f"“{section.name}”还没有填写。"
