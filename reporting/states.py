"""Moves of an export row. `declare` runs before the first of them (reporting.services)."""

from branches.transitions import Transition, register
from reporting.models import Export

S = Export.State


def declare() -> None:
    """Register the transition table of exports."""
    register(
        Export,
        {
            S.QUEUED: (
                Transition(S.RUNNING, "开始生成"),
                Transition(S.CANCELLED, "取消"),
                Transition(S.FAILED, "未能生成"),
            ),
            S.RUNNING: (
                Transition(S.DONE, "生成完毕"),
                Transition(S.DRAWING, "逐份生成"),
                Transition(S.FAILED, "未能生成"),
                Transition(S.CANCELLED, "取消"),
                Transition(S.QUEUED, "重新排队"),
            ),
            S.DRAWING: (
                Transition(S.RUNNING, "合并"),
                Transition(S.FAILED, "未能生成"),
                Transition(S.CANCELLED, "取消"),
            ),
            S.DONE: (Transition(S.EXPIRED, "到期清除"),),
            S.FAILED: (Transition(S.QUEUED, "重试"),),
        },
    )
