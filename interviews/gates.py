"""The moves of what comes of talks: problems, follow-ups, emergencies."""

from branches.transitions import Transition, register
from interviews.models import EmergencyReport, FollowUp, Matter

State = Matter.State
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
