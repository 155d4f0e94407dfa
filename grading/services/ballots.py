"""Running a ballot box: made with its keys, codes printed once, opened, closed or voided. Counting is the worker's."""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from branches import audit
from branches.models import Account
from branches.transitions import advance
from grading import ballot_states
from grading.ballots import codes, sealing
from grading.models import AppraisalCount, BallotBox, BallotCode, CodeExchange, KeyCustody, RoundUnit, Source
from grading.models.ballots import FLOOR
from grading.services import ballot_keys
from grading.services.errors import refuse
from grading.services.sheets import refuse_decided

S = BallotBox.State
MOST_CODES = 500
ballot_states.declare()


@dataclass(frozen=True, slots=True)
class NewBox:
    """A box and the text of its key's copies, which nothing keeps: print it for both keepers now."""

    box: BallotBox
    copy: str


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A plain code with the voters it is for; exists only to be printed once."""

    code: str
    group_name: str


@dataclass(frozen=True, slots=True)
class Turnout:
    """All that is told of an open box."""

    issued: int
    returned: int


def turnout(box: BallotBox) -> Turnout:
    """Return how many codes are out and how many ballots are in."""
    if box.issued is not None and box.returned is not None:
        return Turnout(box.issued, box.returned)
    return Turnout(box.codes.exclude(state=BallotCode.State.SPOILED).count(), box.ballots.count())


def locked(box: BallotBox, *states: str) -> BallotBox:
    """Return the row, locked until the transaction ends. Raises RefusedError in any other state."""
    row = BallotBox.objects.select_for_update(of=("self",)).select_related("unit__round", "unit__branch").get(pk=box.pk)
    if row.state not in states:
        refuse(f"评议箱现在是“{row.get_state_display()}”，不能这样办理。")
    return row


def _note(by: Account | None, box: BallotBox, action: str, summary: str, after: dict[str, Any] | None = None) -> None:
    audit.record(by=by, action=action, thing=box, branch=box.unit.branch, summary=summary, after=after)


@transaction.atomic
def create_box(
    *,
    by: Account,
    unit: RoundUnit,
    source: Source,
    groups: Mapping[str, int],
    keepers: tuple[str, str],
    now: dt.datetime,
    closes_at: dt.datetime | None = None,
) -> NewBox:
    """Make a box with keys of its own. `groups` says how many codes each voter group gets ({"": 30} without groups).

    The returned copy of the key is shown once, for both keepers. Raises RefusedError.
    """
    names = tuple(name.strip() for name in keepers)
    _refuse_unit(unit, source)
    _refuse_keepers(names)
    paper = _paper(unit, source, groups)
    floor = max(FLOOR, source.minimum_ballots)
    number = sum(group["number"] for group in paper["groups"])
    if number < floor:
        refuse(f"只有 {number} 人参加，少于 {floor} 人的公布下限：用评议码评议后也不能公布，请不要建箱。")
    if closes_at is not None and closes_at <= now:
        refuse("截止时间已过。")
    seed = sealing.new_seed()
    box = _insert(
        unit=unit, source=source, paper=paper, floor=floor, public_key=sealing.keys_of(seed).public,
        key_id=ballot_keys.new_id(), created_by=by, created_at=now, closes_at=closes_at,
    )  # fmt: skip
    KeyCustody.objects.bulk_create(KeyCustody(box=box, ordinal=n, keeper=name) for n, name in enumerate(names, 1))
    _note(by, box, "ballot.create", "建立评议箱", {"keepers": list(names), "groups": dict(groups)})
    ballot_keys.store().keep(box.key_id, sealing.keys_of(seed))
    return NewBox(box, sealing.copy_text(seed))


def _insert(**values: Any) -> BallotBox:
    """Insert a box under a name no live box has."""
    for _ in range(20):
        locator = codes.new_locator()
        if BallotBox.objects.live().filter(locator=locator).exists():
            continue
        try:
            with transaction.atomic():
                return BallotBox.objects.create(locator=locator, **values)
        except IntegrityError:
            unit, source = values["unit"], values["source"]
            if BallotBox.objects.live().filter(unit=unit, source=source).exists():
                refuse("该支部已有一个评议箱。")
    raise RuntimeError("no free name for a ballot box")


def _refuse_unit(unit: RoundUnit, source: Source) -> None:
    """Refuse a box where there is nothing to vote on, or the votes are in already."""
    if source.kind != Source.Kind.APPRAISAL or source.round_id != unit.round_id:
        refuse(f"{source.name}不是本轮的评议票数来源。")
    if not unit.round.is_open:
        refuse(f"本轮现在是“{unit.round.get_state_display()}”，不能再评议。")
    if not unit.graded:
        refuse("该支部本轮不定级。")
    refuse_decided(unit)
    if BallotBox.objects.live().filter(unit=unit, source=source).exists():
        refuse("该支部已有一个评议箱。")
    counted = AppraisalCount.objects.filter(unit=unit, source=source, state=AppraisalCount.State.COUNTED)
    if counted.exists():
        refuse(f"该支部已有{source.name}票数，不能再用评议码评议。")


def _refuse_keepers(names: Sequence[str]) -> None:
    if not all(names) or len(set(names)) != 2:
        refuse("请写明两位密钥保管人，不能是同一个人。")
    if max(map(len, names)) > 60:
        refuse("保管人姓名太长。")


def _paper(unit: RoundUnit, source: Source, groups: Mapping[str, int]) -> dict[str, Any]:
    """Return what every ballot of the box shows. Raises RefusedError."""
    known = {group.code: group.name for group in source.groups.all()} or {"": ""}
    if unknown := set(groups) - known.keys():
        refuse(f"本轮没有这类评议人员：{'、'.join(sorted(unknown)) or '（未分类）'}。")
    if wrong := [n for n in groups.values() if not 0 <= n <= MOST_CODES]:
        refuse(f"评议码数量应在 0 至 {MOST_CODES} 之间，现在是 {wrong[0]}。")
    options = [{"code": option.code, "label": option.label} for option in source.options.all()]
    problems = [{"code": item.code, "text": item.text} for item in unit.round.problem_boxes.all()]
    if len(options) < 2:
        refuse(f"{source.name}还没有设评议选项。")
    if len(problems) > sealing.MOST_PROBLEMS:
        refuse(f"评议问题最多 {sealing.MOST_PROBLEMS} 个。")
    listed = [{"code": code, "name": name, "number": groups.get(code, 0)} for code, name in known.items()]
    return {"options": options, "problems": problems, "groups": listed}


@transaction.atomic
def issue_codes(*, by: Account, box: BallotBox, now: dt.datetime) -> list[IssuedCode]:  # noqa: ARG001
    """Return fresh codes to print, group by group, each group shuffled; earlier ones of the box are worth nothing.

    Only before the box is opened. Raises RefusedError.
    """
    row = locked(box, S.DRAFT)
    key = ballot_keys.code_key(box=row)
    row.codes.all().delete()
    issued: list[IssuedCode] = []
    rows: list[BallotCode] = []
    for place, group in enumerate(row.groups):
        plain = [codes.new_code(row.locator) for _ in range(group["number"])]
        rows += [BallotCode(box=row, group=place, digest=codes.digest(key, code)) for code in plain]
        random.SystemRandom().shuffle(plain)
        issued += [IssuedCode(code, group["name"]) for code in plain]
    random.SystemRandom().shuffle(rows)
    BallotCode.objects.bulk_create(rows)
    _note(by, row, "ballot.issue", f"印制评议码 {len(issued)} 张", {"issued": len(issued)})
    return issued


@transaction.atomic
def open_box(*, by: Account, box: BallotBox, now: dt.datetime, closes_at: dt.datetime | None = None) -> BallotBox:
    """Let voters in, until `closes_at` or until it is closed. Raises RefusedError and BlockedError."""
    row = locked(box, S.DRAFT)
    refuse_decided(row.unit)
    if not ballot_keys.keys_present(row):
        refuse("服务器上没有这个评议箱的密钥，请先用保管件恢复，或作废后重建。")
    row.opened_at, row.closes_at = now, closes_at or row.closes_at
    row.save(update_fields=["opened_at", "closes_at"])
    _note(by, row, "ballot.open", f"开始评议，发出评议码 {turnout(row).issued} 张")
    return advance(row, S.OPEN, by=by, now=now)


@transaction.atomic
def move_deadline(*, by: Account, box: BallotBox, closes_at: dt.datetime, now: dt.datetime) -> BallotBox:
    """Let voters in for a longer or shorter time. Raises RefusedError."""
    row = locked(box, S.DRAFT, S.OPEN)
    if closes_at <= now:
        refuse("截止时间应晚于现在。")
    before, row.closes_at = row.closes_at, closes_at
    row.save(update_fields=["closes_at"])
    audit.record(
        by=by, action="ballot.deadline", thing=row, branch=row.unit.branch, summary="改评议截止时间",
        before={"closes_at": before}, after={"closes_at": closes_at},
    )  # fmt: skip
    return row


@transaction.atomic
def close_box(
    *, by: Account | None, box: BallotBox, now: dt.datetime, withheld: Mapping[str, int] | None = None
) -> BallotBox:
    """Let nobody in any more; a worker opens the box, counts and destroys.

    `withheld` says by voter group how many printed codes were never handed out: they do not count as 发出.
    Raises RefusedError.
    """
    row = locked(box, S.OPEN)
    kept = dict(withheld or {})
    paper = dict(row.paper)
    paper["groups"] = [{**group, "withheld": kept.pop(group["code"], 0)} for group in row.groups]
    if kept:
        refuse("没有这类评议人员。")
    for place, group in enumerate(paper["groups"]):
        unused = row.codes.filter(group=place, state=BallotCode.State.UNUSED).count()
        if not 0 <= group["withheld"] <= unused:
            refuse(f"未发出的评议码应在 0 至 {unused} 张之间：其余的已经用过或作废。")
    row.withheld = sum(group["withheld"] for group in paper["groups"])
    row.paper, row.closing_at, row.closing_by = paper, now, by
    row.save(update_fields=["paper", "withheld", "closing_at", "closing_by"])
    return advance(row, S.CLOSING, by=by, now=now)


@transaction.atomic
def void_box(*, by: Account, box: BallotBox, reason: str, now: dt.datetime) -> BallotBox:
    """Throw a box away with every vote in it; the worker destroys its keys. Raises RefusedError."""
    row = locked(box, S.DRAFT, S.OPEN, S.CLOSING)
    if not reason.strip():
        refuse("作废须写明理由。")
    given = turnout(row)
    _note(by, row, "ballot.void", f"作废评议箱，发出 {given.issued}，收回 {given.returned}，均不统计")
    empty(row)
    row.counted_at, row.error = now, ""
    row.save(update_fields=["counted_at", "error"])
    return advance(row, S.VOID, by=by, now=now, reason=reason)


def empty(box: BallotBox) -> None:
    """Delete ballots and codes of a locked box; what waits for a second person is dropped."""
    box.ballots.all().delete()
    box.codes.all().delete()
    box.exchanges.filter(state=CodeExchange.State.ASKED).update(state=CodeExchange.State.DROPPED, digest=b"")
