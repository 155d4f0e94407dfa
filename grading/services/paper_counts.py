"""Paper counts: entered once, or by two people apart whose figures count only once they agree (a round says which)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from branches import audit
from branches.models import Account
from grading.models import AppraisalCount, BallotBox, CountEntry, RoundUnit, Source
from grading.services import sources
from grading.services.errors import RefusedError, refuse
from grading.services.sources import CountInput

PLACES = (1, 2)


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of counts: `recorded` of them count now, `waiting` for a second person, `differing` (names)."""

    recorded: int
    waiting: int = 0
    differing: tuple[str, ...] = ()


def _refuse_boxes(source: Source, units: Iterable[RoundUnit]) -> None:
    """Refuse branches whose ballots lie, or lay, in a box: their counts come from it."""
    boxes = BallotBox.objects.filter(source=source, unit__in=units).exclude(state=BallotBox.State.VOID)
    held = boxes.values_list("unit__code", "unit__name").order_by("unit__code")
    problems = {code: f"{name}：票数由评议箱统计，不能再录入纸质票数。" for code, name in held}
    if problems:
        raise RefusedError(problems.values(), problems)


def _refuse_nameless(source: Source, rows: Sequence[CountInput]) -> None:
    """Refuse counts that do not say who counted and who watched, where the round wants that."""
    problems = {}
    for row in rows:
        teller, scrutineer = row.teller.strip(), row.scrutineer.strip()
        if row.state != AppraisalCount.State.COUNTED:
            continue
        if source.names_tellers and not (teller and scrutineer):
            problems[row.unit.code] = f"{row.unit.name}：请写明计票人和监票人。"
        elif teller and teller == scrutineer:
            problems[row.unit.code] = f"{row.unit.name}：计票人和监票人不能是同一个人。"
    if problems:
        raise RefusedError(problems.values(), problems)


@transaction.atomic
def enter(
    *, by: Account | None, source: Source, rows: Iterable[CountInput], now: dt.datetime, file_name: str = ""
) -> Entered:
    """Take paper counts in. Where two people enter apart, they count once both say the same.

    Raises RefusedError naming every branch that cannot be taken; then nothing is stored.
    """
    wanted = list(rows)
    units = [row.unit for row in wanted]
    sources.check_counts(source=source, rows=wanted)
    _refuse_boxes(source, units)
    _refuse_nameless(source, wanted)
    if not source.double_entry:
        saved = sources.record_counts(by=by, source=source, rows=wanted, now=now, file_name=file_name)
        return Entered(len(saved))
    if by is None:
        raise RefusedError([f"{source.name}的票数要由两个人分别录入，请两人登录后各自办理。"])
    # Whoever comes second waits here, then sees the first one's entry.
    list(RoundUnit.objects.select_for_update().filter(pk__in=[unit.pk for unit in units]).order_by("pk"))
    return _enter_apart(by, source, wanted, now, file_name)


def _enter_apart(by: Account, source: Source, rows: Sequence[CountInput], now: dt.datetime, file_name: str) -> Entered:
    groups = {group.code: group for group in source.groups.all()}
    agreed, waiting, differing = [], 0, []
    for row in rows:
        group = groups.get(row.group)
        if AppraisalCount.objects.filter(unit=row.unit, source=source, group=group).exists():
            refuse(f"{row.unit.name}：两人录入一致，已经计入。要改请先退回重新计票。")
        entries = _stored(by, source, row, now, file_name)
        if len(entries) == 1:
            waiting += 1
        elif entries[0].said == entries[1].said:
            agreed.append(_with_names(row, entries))
        else:
            differing.append(row.unit.name)
    if agreed:
        sources.record_counts(by=by, source=source, rows=agreed, now=now, file_name=file_name)
    return Entered(len(agreed), waiting, tuple(differing))


def _stored(by: Account, source: Source, row: CountInput, now: dt.datetime, file_name: str) -> list[CountEntry]:
    """Store what one person counted in the place of what the same person said before; return all entries now."""
    group = next((one for one in source.groups.all() if one.code == row.group), None)
    entries = list(CountEntry.objects.filter(unit=row.unit, source=source, group=group).order_by("place"))
    entry = next((one for one in entries if one.entered_by_id == by.pk), None)
    if entry is None:
        free = [place for place in PLACES if place not in {one.place for one in entries}]
        if not free:
            refuse(f"{row.unit.name}：已有两个人录入，票数不一致时由他们核对更正。")
        entry = CountEntry(unit=row.unit, source=source, group=group, place=free[0], entered_by=by)
        entries.append(entry)
    entry.state, entry.reason = row.state, row.reason.strip()
    entry.issued, entry.returned, entry.valid, entry.counts = row.issued, row.returned, row.valid, dict(row.counts)
    entry.teller, entry.scrutineer = row.teller.strip(), row.scrutineer.strip()
    entry.file_name, entry.entered_at = file_name, now
    entry.save()
    audit.record(
        by=by, action="count.enter", thing=entry, branch=row.unit.branch,
        summary=f"分别录入{source.name}票数（第 {entry.place} 人）",
    )  # fmt: skip
    return entries


def _with_names(row: CountInput, entries: Sequence[CountEntry]) -> CountInput:
    """Return the counts both agree on, with the names of tellers from whoever wrote them."""
    return CountInput(
        unit=row.unit, issued=row.issued, returned=row.returned, valid=row.valid, counts=row.counts, state=row.state,
        reason=row.reason or next((one.reason for one in entries if one.reason), ""),
        teller=row.teller or next((one.teller for one in entries if one.teller), ""),
        scrutineer=row.scrutineer or next((one.scrutineer for one in entries if one.scrutineer), ""),
        held_on=row.held_on, group=row.group, joined=row.joined,
    )  # fmt: skip


@transaction.atomic
def count_anew(*, by: Account, unit: RoundUnit, source: Source, reason: str) -> None:
    """Take both entries and the count of a branch back, so that two people count again. Raises RefusedError."""
    if not source.double_entry:
        refuse(f"{source.name}的票数不用两人分别录入，直接改就行。")
    if not reason.strip():
        refuse("请写明重新计票的原因。")
    sources.refuse_closed(unit=unit)
    _refuse_boxes(source, [unit])
    entries = CountEntry.objects.filter(unit=unit, source=source)
    counts = AppraisalCount.objects.filter(unit=unit, source=source)
    before = {"entries": [str(one) for one in entries], "counts": [one.counts for one in counts]}
    audit.record(
        by=by, action="count.anew", thing=unit, branch=unit.branch, summary=f"{source.name}退回重新计票",
        before=before, after={"reason": reason.strip()},
    )  # fmt: skip
    entries.delete()
    counts.delete()
