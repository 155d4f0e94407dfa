"""Moves of a ballot box, and what it holds up: an open box keeps its round and its branch's grade from moving on."""

import datetime as dt
from collections.abc import Iterator

from branches.registries import gate
from branches.transitions import Transition, register
from grading.models import BallotBox, Result, Round

B = BallotBox.State
_VOID = Transition(B.VOID, "作废", needs_reason=True)


def declare() -> None:
    """Register the transition table of boxes."""
    register(
        BallotBox,
        {
            B.DRAFT: (Transition(B.OPEN, "开始评议"), _VOID),
            B.OPEN: (Transition(B.CLOSING, "结束评议"), _VOID),
            B.CLOSING: (Transition(B.COUNTED, "开箱"), _VOID),
            B.COUNTED: (Transition(B.CLOSED, "销毁选票完毕"),),
        },
    )


@gate(BallotBox, B.OPEN)
def _has_codes(box: BallotBox, now: dt.datetime) -> Iterator[str]:
    """There is something to hand out, and time to vote."""
    if not box.codes.exists():
        yield "还没有印制评议码。"
    if box.closes_at is not None and box.closes_at <= now:
        yield "截止时间已过，请先改截止时间。"
    if not box.unit.round.is_open:
        yield f"本轮现在是“{box.unit.round.get_state_display()}”，不能评议。"


@gate(Round, Round.State.DECIDING)
@gate(Round, Round.State.PUBLICITY)
@gate(Round, Round.State.FINAL)
def _boxes_are_counted(round_: Round, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Votes that were given are counted before anything is decided."""
    waiting = BallotBox.objects.filter(unit__round=round_, state__in=[B.OPEN, B.CLOSING])
    names = list(waiting.order_by("pk").values_list("unit__name", flat=True))
    if names:
        shown = "、".join(names[:5]) + (f"等 {len(names)} 个" if len(names) > 5 else "")
        yield f"{len(names)} 个评议箱还没有开箱：{shown}。"


@gate(Result, Result.State.PROPOSED)
@gate(Result, Result.State.DECIDED)
def _box_is_counted(result: Result, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """A branch's own votes are counted before its grade is proposed."""
    if BallotBox.objects.filter(unit=result.unit, state__in=[B.OPEN, B.CLOSING]).exists():
        yield "该支部的评议箱还没有开箱，请先结束评议。"
