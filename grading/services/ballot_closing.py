"""Opening boxes: the worker's steps, each of which may be the last before somebody pulls the plug.

CLOSING -> (one transaction: open, shuffle, reduce to counts, write them, delete ballots and codes) -> COUNTED ->
keys overwritten and removed -> traces cleared -> CLOSED. Whoever comes next goes on from the state of the row.
"""

import datetime as dt
import logging
from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from branches import audit, clock
from branches.transitions import advance
from grading import ballot_states, rules
from grading.ballots import keystore, sealing, tally
from grading.models import AppraisalCount, BallotBox, BallotCode, ProblemCount
from grading.services import ballot_keys, ballot_traces, ballots, sources
from grading.services.errors import RefusedError

S = BallotBox.State
LEASE = dt.timedelta(minutes=2)
RETRY_PAUSE = dt.timedelta(seconds=30)
log = logging.getLogger(__name__)
ballot_states.declare()


def due(now: dt.datetime) -> bool:
    """Tell whether there is anything to do: a box past its time, or one whose counting nobody has a claim on."""
    return bool(_past_time(now).exists() or _free().exists())


def _past_time(now: dt.datetime) -> Any:
    return BallotBox.objects.filter(state=S.OPEN, closes_at__lte=now)


def _free() -> Any:
    return BallotBox.objects.unfinished().filter(Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))


def work() -> int:
    """Close boxes past their time, count those that are closing, destroy what is left of them; return how many ended.

    What cannot be done now says so on the box and is tried again.
    """
    for box in _past_time(clock.now()):
        try:
            ballots.close_box(by=None, box=box, now=clock.now())
        except RefusedError:
            log.info("box %s was closed by somebody else", box.pk)
    claimed = _claim()
    for box in claimed:
        _attempt(box)
    left = list(BallotBox.objects.filter(pk__in=[box.pk for box in claimed], counted_at__isnull=False))
    for box in left:
        destroy_keys(box=box, now=clock.now())
    return _clear(left)


def _claim() -> list[BallotBox]:
    """Take every box nobody works on, under a lease of the database's time."""
    mine = [
        pk
        for pk in list(_free().order_by("pk").values_list("pk", flat=True))
        if _free().filter(pk=pk).update(lease_until=Now() + LEASE, attempt=F("attempt") + 1)
    ]
    return list(BallotBox.objects.filter(pk__in=mine).order_by("pk"))


def _attempt(box: BallotBox) -> None:
    """Count a box; what stands in the way is written on it."""
    try:
        count(box=box, now=clock.now())
    except keystore.KeyLost as fault:
        _put_off(box, f"{fault}请用保管件恢复密钥。")
    except RefusedError as fault:
        _put_off(box, str(fault))
    except Exception as fault:  # one box that cannot be counted must not keep the others waiting
        log.exception("box %s could not be counted", box.pk)
        _put_off(box, f"开箱时出错（{type(fault).__name__}），选票仍在箱内，请联系系统管理员。")


def _put_off(box: BallotBox, reason: str) -> None:
    log.warning("box %s waits: %s", box.pk, reason)
    BallotBox.objects.filter(pk=box.pk).update(error=reason[:300], lease_until=Now() + RETRY_PAUSE)


@transaction.atomic
def count(*, box: BallotBox, now: dt.datetime) -> None:
    """Open a closing box, write its counts and delete its ballots and codes, all or nothing.

    Raises KeyLost, and RefusedError when the round takes no counts.
    """
    row = BallotBox.objects.select_for_update(of=("self",)).select_related("unit__round", "source").get(pk=box.pk)
    if row.state != S.CLOSING:
        return
    keys = ballot_keys.store().keys(row.key_id)
    sealed = list(row.ballots.order_by("pk").values_list("ciphertext", flat=True))
    opened = sealing.open_box(keys, (bytes(one) for one in sealed))
    paper = tally.Paper([item["code"] for item in row.options], [item["code"] for item in row.problems])
    sizes = {"groups": len(row.groups), "options": len(paper.options), "problems": len(paper.problems)}
    ballots_, _ = sealing.known(opened.ballots, **sizes)
    given = _given(row)
    release = tally.release(rules.source_rule(row.source), row.floor, given, paper, ballots_)
    row.issued, row.returned = sum(group.issued for group in given), len(sealed)
    row.used, row.valid = sum(group.returned for group in given), len(ballots_)
    row.released, row.counted_at, row.error = bool(release.groups), now, ""
    _write_counts(row, release, now)
    ballots.empty(row)
    row.save()
    _note_counted(row)
    advance(row, S.COUNTED, by=row.closing_by, now=now)


def _given(box: BallotBox) -> list[tally.Given]:
    """Return what became of each voter group's codes."""
    numbers = Counter(box.codes.values_list("group", "state"))
    given = []
    for place, group in enumerate(box.groups):
        used = numbers[place, BallotCode.State.USED]
        out = used + numbers[place, BallotCode.State.UNUSED] - group.get("withheld", 0)
        given.append(tally.Given(group["code"], out, used))
    return given


def _write_counts(box: BallotBox, release: tally.Release, now: dt.datetime) -> None:
    """Hand what may be told to the sources of the round, or that there is nothing to tell."""
    if release.groups:
        rows = [
            sources.CountInput(
                box.unit, part.counts.issued, part.counts.returned, part.counts.valid, dict(part.counts.options),
                teller="评议码", held_on=_day(box), group=part.code, joined=part.joined,
            )
            for part in release.groups
        ]  # fmt: skip
    else:
        reason = f"发出 {box.issued} 张，收回 {box.returned} 张，有效 {box.valid} 张，低于 {box.floor} 张的公布下限。"
        rows = [
            sources.CountInput(
                box.unit, box.issued, box.returned, state=AppraisalCount.State.MISSING, reason=reason, held_on=_day(box)
            )
        ]  # fmt: skip
    sources.record_counts(by=box.closing_by, source=box.source, rows=rows, now=now)
    problems = {item.code: item for item in box.unit.round.problem_boxes.all()}
    ProblemCount.objects.bulk_create(
        ProblemCount(box=box, problem=problems[told.code], extent=told.extent, number=told.number)
        for told in release.problems
    )


def _day(box: BallotBox) -> dt.date | None:
    return timezone.localtime(box.opened_at).date() if box.opened_at else None


def _note_counted(box: BallotBox) -> None:
    """Write the opening count into the audit trail, with whatever does not add up."""
    returned, used, valid = box.returned or 0, box.used or 0, box.valid or 0
    said = f"开箱：发出 {box.issued}，收回 {returned}，有效 {valid}，不能辨认 {returned - valid}"
    if used != returned:
        said += f"；用过的评议码 {used} 个，与收回不符"
    numbers = {"issued": box.issued, "used": used, "returned": returned, "valid": valid, "withheld": box.withheld}
    audit.record(
        by=box.closing_by, action="ballot.count", thing=box, branch=box.unit.branch, summary=said, after=numbers
    )


@transaction.atomic
def destroy_keys(*, box: BallotBox, now: dt.datetime) -> None:
    """Overwrite and remove the server's keys of a counted or voided box, and record that; safe to do again."""
    row = BallotBox.objects.select_for_update(of=("self",)).select_related("unit__branch").get(pk=box.pk)
    if row.counted_at is None or row.keys_destroyed_at is not None:
        return
    files = ballot_keys.store().destroy(row.key_id)
    row.keys_destroyed_at = now
    row.save(update_fields=["keys_destroyed_at"])
    audit.record(
        by=None, action="ballot.destroy_keys", thing=row, branch=row.unit.branch, summary="销毁评议箱在服务器上的密钥",
        after={"files": files},
    )  # fmt: skip


def _clear(boxes: list[BallotBox]) -> int:
    """Clear the traces of all these boxes at once, and end them."""
    if not boxes:
        return 0
    try:
        ballot_traces.clear()
    except ballot_traces.TracesRemain as fault:
        for box in boxes:
            _put_off(box, str(fault))
        return 0
    for box in boxes:
        _end(box)
    return len(boxes)


@transaction.atomic
def _end(box: BallotBox) -> None:
    row = BallotBox.objects.select_for_update(of=("self",)).get(pk=box.pk)
    if row.scrubbed_at is not None:
        return
    row.scrubbed_at, row.lease_until, row.error = clock.now(), None, ""
    row.save(update_fields=["scrubbed_at", "lease_until", "error"])
    if row.state == S.COUNTED:
        advance(row, S.CLOSED, by=None, now=clock.now())
