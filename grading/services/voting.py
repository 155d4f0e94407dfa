"""What a voter does: look at the ballot, and drop it. No account, no audit entry, no time, no trace but the ballot.

Neither function raises for what was typed, and neither writes anything that tells voters apart: a code turns used and
a ciphertext appears, in one transaction, and nothing joins the two.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from grading.ballots import codes, keystore, sealing
from grading.models import BallotBox, BallotCode, CodeExchange, SealedBallot
from grading.services import ballot_keys

WRONG_PER_HOUR = 200
UNKNOWN = "没有这个评议码，请对照纸条再核一遍；确实无误的，请联系会务人员。"
TOO_MANY = "这一小时里输错的评议码太多，请联系会务人员核对纸条。"
USED = "这个评议码已经投过票，每个码只能用一次。"
SPOILED = "这个评议码已作废，请用换发的新码。"
HELD = "这个评议码已收回，正在等换发。没有交回的，请联系发码的人。"
OVER = "评议已经结束，不再收票。"
TROUBLE = "系统暂时不能核对评议码，请联系会务人员。"
_SAID = {BallotCode.State.USED: USED, BallotCode.State.SPOILED: SPOILED}


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a ballot was not taken, for the voter."""

    reason: str


@dataclass(frozen=True, slots=True)
class Paper:
    """The ballot as the voter sees it: codes go back to `cast`, labels are shown."""

    branch: str
    source: str
    options: Sequence[dict[str, Any]]
    problems: Sequence[dict[str, Any]]
    closes_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Cast:
    """The ballot lies in the box. There is no receipt: nothing may show anybody how it was filled in."""

    branch: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A code that belongs to an open box: the box, its key, and the code's digest."""

    box: BallotBox
    key: bytes
    digest: bytes


@sensitive_variables()
def look_up(*, code: str, now: dt.datetime) -> Paper | Refused:
    """Return the ballot a code stands for, without using the code."""
    found = _find(code, now)
    if isinstance(found, Refused):
        return found
    state = found.box.codes.filter(digest=found.digest).values_list("state", flat=True).first()
    if state != BallotCode.State.UNUSED:
        return _refused(found.box, state, now)
    box = found.box
    if _is_held(box, found.digest):
        return Refused(HELD)
    return Paper(box.unit.name, box.source.name, box.options, box.problems, box.closes_at)


@sensitive_variables()
def cast(*, code: str, choice: str, problems: Iterable[str], now: dt.datetime) -> Cast | Refused:
    """Use a code and drop the ballot, both or neither."""
    found = _find(code, now)
    if isinstance(found, Refused):
        return found
    options = [option["code"] for option in found.box.options]
    boxes = [problem["code"] for problem in found.box.problems]
    ticked = list(dict.fromkeys(problems))
    if choice not in options:
        return Refused("请选择一项评价。")
    if set(ticked) - set(boxes):
        return Refused("选票上没有所选的问题，请重新填写。")
    places = tuple(boxes.index(code) for code in ticked)
    state = _drop(found, options.index(choice), places)
    if state == BallotCode.State.UNUSED:
        return Cast(found.box.unit.name)
    if state == CodeExchange.State.ASKED:
        return Refused(HELD)
    return Refused(OVER) if state == "" else _refused(found.box, state, now)


@sensitive_variables()
@transaction.atomic
def _drop(found: _Known, choice: int, problems: tuple[int, ...]) -> str | None:
    """Use the code and drop the ballot; return the state the code was in, None when unknown, "" when the box is shut.

    A slip that was taken back and waits for the second person is not voted with: it may have been photographed.
    The lock keeps a closing from opening the box between the two writes.
    """
    box = BallotBox.objects.select_for_update(no_key=True).filter(pk=found.box.pk, state=BallotBox.State.OPEN).first()
    if box is None:
        return ""
    mine = BallotCode.objects.filter(box=box, digest=found.digest)
    row = mine.values("group", "state").first()
    if row is None:
        return None
    if row["state"] == BallotCode.State.UNUSED and _is_held(box, found.digest):
        return CodeExchange.State.ASKED
    if use(mine) != 1:
        return BallotCode.State.SPOILED if row["state"] == BallotCode.State.SPOILED else BallotCode.State.USED
    ballot = sealing.Ballot(row["group"], choice, problems)
    SealedBallot.objects.create(box=box, ciphertext=sealing.seal(bytes(box.public_key), found.key, ballot))
    return BallotCode.State.UNUSED


def _is_held(box: BallotBox, digest: bytes) -> bool:
    """Tell whether a code was taken back and waits for a second person."""
    return CodeExchange.objects.filter(box=box, digest=digest, state=CodeExchange.State.ASKED).exists()


def use(mine: Any) -> int:
    """Turn one unused code into a used one; return how many that were: of many at once, one."""
    return int(mine.filter(state=BallotCode.State.UNUSED).update(state=BallotCode.State.USED))


@sensitive_variables()
def _find(code: str, now: dt.datetime) -> _Known | Refused:
    """Return the open box a typed code names, and the code's digest."""
    typed = codes.read(code)
    if typed is None:
        return Refused(codes.problem(code))
    boxes = BallotBox.objects.filter(locator=typed.locator).exclude(state=BallotBox.State.DRAFT)
    box = boxes.select_related("unit", "source").order_by("-pk").first()
    if box is None:
        return Refused(UNKNOWN)
    if box.state != BallotBox.State.OPEN or (box.closes_at is not None and now >= box.closes_at):
        return Refused(OVER)
    try:
        key = ballot_keys.store().read(box.key_id, keystore.CODE)
    except keystore.KeyLost:
        return Refused(TROUBLE)
    return _Known(box, key, codes.digest(key, typed.code))


def _refused(box: BallotBox, state: str | None, now: dt.datetime) -> Refused:
    """Return why a code is of no use; wrong ones are counted, by the hour and the box, with nothing about who typed."""
    if state is not None:
        return Refused(_SAID.get(BallotCode.State(state), USED))
    hour = now.replace(minute=0, second=0, microsecond=0)
    mine = BallotBox.objects.filter(pk=box.pk)
    if mine.filter(wrong_hour=hour, wrong_codes__gte=WRONG_PER_HOUR).exists():
        return Refused(TOO_MANY)
    if not mine.filter(wrong_hour=hour).update(wrong_codes=F("wrong_codes") + 1):
        mine.update(wrong_hour=hour, wrong_codes=1)
    return Refused(UNKNOWN)
