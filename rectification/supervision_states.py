"""Moves of a 督办单."""

from branches.transitions import Transition, register
from rectification.models import SupervisionNotice

S = SupervisionNotice.State
_WITHDRAW = Transition(S.WITHDRAWN, "撤回督办单", needs_reason=True)


def declare() -> None:
    """Register the transition table of 督办单."""
    register(
        SupervisionNotice,
        {
            S.ISSUED: (Transition(S.REPLIED, "回复督办单"), _WITHDRAW),
            S.REPLIED: (Transition(S.CLOSED, "办结督办单"), Transition(S.RETURNED, "退回督办回复", needs_reason=True)),
            S.RETURNED: (Transition(S.REPLIED, "重新回复督办单"), _WITHDRAW),
        },
    )
