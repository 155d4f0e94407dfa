"""附件4 offline: giving workbooks out, taking them in, and writing what a person confirmed. docs/offline.md."""

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects

from branches import audit, clock
from branches.intake.uploads import RefusedUpload
from branches.models import Account, Upload
from branches.permissions import Action, can, scope
from branches.scopes import Scope
from branches.services import uploads
from branches.versions import ConflictError
from branches.wording import zh_date
from grading.models import Assessment, Grade, Round, RoundUnit, Survey, form_names
from grading.services import sheets
from grading.services.errors import refuse
from grading.services.sheets import ScoreInput
from grading.services.survey import KEEP, FindingInput, save_survey
from reporting.annexes import gather
from reporting.annexes.facts import Stamp
from reporting.offline.bundle import DEFAULT_LIMITS, Limits, Sent, is_bundle, unpack
from reporting.offline.forms import TICK, OfflineFacts
from reporting.offline.reader import Reading, reading_of
from reporting.offline.sandbox import read_all
from reporting.offline.ticket import Ticket
from reporting.offline.workbook import build
from reporting.services import offline_plan, offline_state
from reporting.services.offline_plan import SHEET, SURVEY, Plan
from reporting.services.offline_state import FINDINGS, TEXTS, State

KIND = "offline"
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]')


def signing_keys() -> list[bytes]:
    """Return the keys of the hidden sheet: the present one first, then those being retired."""
    secret_keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [hashlib.sha256(b"zhibu.offline:" + str(key).encode()).digest() for key in secret_keys]


# ---------------------------------------------------------------- giving out
def file_name(unit: RoundUnit, round_: Round) -> str:
    """Return the name of a branch's workbook."""
    stem = f"{form_names(round_)['annex4'].short}离线表（{unit.name}，{round_.dated}）"
    return _UNSAFE.sub("_", stem)[:80].strip(" .") + ".xlsx"


def workbooks(*, units: Sequence[RoundUnit]) -> list[tuple[str, bytes]]:
    """Return the workbooks of some branches of one round with their names; reads only."""
    if not units:
        return []
    round_ = units[0].round
    prefetch_related_objects([round_], "forms")
    states = offline_state.load(units)
    rows = list(RoundUnit.objects.filter(pk__in=states).prefetch_related("rubric__sections__criteria"))
    gathered = gather.Gatherer(round_, rows)
    stamp = Stamp(zh_date(clock.today()))
    key = signing_keys()[0]
    made = []
    for unit in rows:
        state = states[unit.pk]
        given = OfflineFacts(
            gathered.annex4(unit), gathered.sheet(unit), stamp, state.checks, state.items, state.not_applicable,
            state.values,
        )  # fmt: skip
        made.append((file_name(unit, round_), build(given, _ticket(state, gathered.facts.school, stamp.on), key)))
    return made


def give_out(*, by: Account, units: Sequence[RoundUnit]) -> list[tuple[str, bytes]]:
    """Return the workbooks of some branches of one round with their names, and note of each who took it away."""
    made = workbooks(units=units)
    notes = [
        audit.Note("offline.downloaded", unit, f"下载离线表（定级表和评分表）：{unit.round.name}", unit.branch)
        for unit in units
    ]
    with transaction.atomic():
        audit.record_many(by=by, notes=notes)
    return made


def _ticket(state: State, school: str, made_on: str) -> Ticket:
    unit = state.unit
    return Ticket(
        school=school, round=unit.round_id, round_name=f"{unit.round.campaign.name}{unit.round.name}", unit=unit.pk,
        code=unit.code, name=unit.name, rubric=unit.rubric_id, rubric_title=str(unit.rubric),
        survey_version=state.survey_version, sheet_version=state.sheet_version, made_on=made_on,
    )  # fmt: skip


# ---------------------------------------------------------------- taking in
def take(
    *,
    by: Account,
    round_: Round,
    files: Sequence[Sent],
    unit: RoundUnit | None = None,
    ticket: str = "",
    limits: Limits = DEFAULT_LIMITS,
) -> str:
    """Read what was sent and keep it for a preview; return the key of the batch. Nothing of a branch is written.

    Args:
        by: who uploads.
        round_: the round the page belongs to.
        files: workbooks, or zips of them.
        unit: the branch whose page was used; None for the page of many branches.
        ticket: the ticket of that page: what is filed from these workbooks was begun then (branches.tickets).
        limits: how much is taken at once.

    Raises:
        RefusedUpload: with a sentence, when nothing at all can be taken.
    """
    sent = _unpacked(files, limits)
    readable = [one for one in sent if not one.refused]
    answers = iter(read_all(readable, signing_keys()))
    batch = secrets.token_hex(12)
    about = {"batch": batch, "round": round_.pk, "unit": unit.pk if unit else None, "ticket": ticket}
    for one in sent:
        answer = one.refused or next(answers)
        if isinstance(answer, str):
            _note_refusal(by=by, sent=one, reason=answer, about=about)
            continue
        upload = uploads.keep(by=by, kind=KIND, name=one.name, data=one.data)
        uploads.choose(upload=upload, choices={**about, "reading": answer.plain(), "sides": {}})
    return batch


def _unpacked(files: Iterable[Sent], limits: Limits) -> list[Sent]:
    """Return every workbook sent, zips opened. Raises RefusedUpload when there are none or too many."""
    sent: list[Sent] = []
    size = 0
    for one in files:
        found = unpack(one.name, one.data, limits) if is_bundle(one.name, one.data) else [one]
        # What zips hold counts, not what they weigh: many small ones could fill the memory together.
        size += sum(len(each.data) for each in found)
        if size > limits.together:
            raise RefusedUpload("一次上传的文件太大，请分几次上传。")
        sent += found
        if len(sent) > limits.workbooks:
            raise RefusedUpload(f"一次最多 {limits.workbooks} 份，现在不止这些，请分几次上传。")
    if not sent:
        raise RefusedUpload("里面没有工作簿。")
    return sent


@transaction.atomic
def _note_refusal(*, by: Account, sent: Sent, reason: str, about: dict[str, Any]) -> Upload:
    """Keep the name of a file that was refused, never its content."""
    return Upload.objects.create(
        key=secrets.token_hex(16), kind=KIND, name=sent.name[-200:], size=len(sent.data),
        sha256=hashlib.sha256(sent.data).hexdigest(), account=by, created_at=clock.now(), choices=about,
        state=Upload.State.DROPPED, finished_at=clock.now(), result={"refused": reason},
    )  # fmt: skip


def batch_of(*, by: Account, key: str) -> list[Upload]:
    """Return the files of a batch, as they were sent."""
    return list(Upload.objects.filter(account=by, kind=KIND, choices__batch=key).order_by("pk"))


def plans(*, by: Account, waiting: Sequence[Upload]) -> dict[int, Plan]:
    """Return what each waiting workbook would change, by upload id; reads only.

    Of several workbooks of one branch none is taken until one is left.
    """
    readings = {one.pk: reading_of(one.choices["reading"]) for one in waiting}
    reach = scope(by, Action.FILL_ASSESSMENT)
    units = _units(reach, {reading.ticket.unit for reading in readings.values()})
    states = offline_state.load(list(units.values()))
    names: dict[int, list[str]] = {}
    for one in waiting:
        names.setdefault(readings[one.pk].ticket.unit, []).append(one.name)
    found = {}
    for one in waiting:
        reading = readings[one.pk]
        state = states.get(reading.ticket.unit)
        if reason := _refusal(reading, one.choices, state):
            found[one.pk] = Plan(state, refused=reason)
            continue
        plan = offline_plan.compare(reading, states[reading.ticket.unit], one.choices.get("sides", {}))
        if len(names[reading.ticket.unit]) > 1:
            plan.refused = f"同一个支部这次有 {len(names[reading.ticket.unit])} 份，请放弃多余的，只留一份。"
        found[one.pk] = plan
    return found


def _units(reach: Scope, keys: Iterable[int]) -> dict[int, RoundUnit]:
    rows = RoundUnit.objects.within(reach).filter(pk__in=list(keys)).select_related("round", "branch")
    return {row.pk: row for row in rows}


def _refusal(reading: Reading, about: Mapping[str, Any], state: State | None) -> str:
    """Return why the whole workbook is not taken, "" when it is."""
    ticket = reading.ticket
    if ticket.round != about["round"]:
        return f"这是“{ticket.round_name}”的表，不是这一轮的，整份不收。"
    if state is None or state.unit.round_id != ticket.round or state.unit.code != ticket.code:
        return f"这是“{ticket.name}”的表，不在您能填报的范围内，整份不收。"
    if about.get("unit") and about["unit"] != ticket.unit:
        return f"这是“{ticket.name}”的表，不是本支部的，整份不收。"
    if state.unit.rubric_id != ticket.rubric:
        return f"下载后评分标准换成了“{state.unit.rubric}”，整份不收。请重新下载，把内容填进新表。"
    if not state.unit.round.is_open:
        return f"本轮现在是“{state.unit.round.get_state_display()}”，不能再填报。"
    return ""


@transaction.atomic
def choose_sides(*, upload: Upload, sides: Mapping[str, str]) -> Upload:
    """Remember which side a person chose where both had changed."""
    kept = {field: side for field, side in sides.items() if side in (offline_plan.MINE, offline_plan.THEIRS)}
    return uploads.choose(upload=upload, choices={**upload.choices, "sides": {**upload.choices["sides"], **kept}})


@transaction.atomic
def drop(*, by: Account, upload: Upload) -> bool:
    """Leave a waiting workbook out. Return False when it was settled before."""
    del by
    result = {"refused": "没有导入，也没有写入任何内容。", "left_out": True}
    return uploads.finish(upload=upload, state=Upload.State.DROPPED, result=result)


# ---------------------------------------------------------------- writing
@transaction.atomic
def apply(*, by: Account, upload: Upload, plan: Plan, now: dt.datetime) -> int:
    """Write everything a plan takes, or nothing, through the services of the web; return how many fields.

    Raises:
        RefusedError: no permission any more, the workbook was settled before, or a service refuses a value.
        ConflictError: somebody saved since the plan was made.
    """
    if not plan.ready or plan.state is None:
        refuse(plan.refused or "没有可以导入的改动。")
    state: State = plan.state  # type: ignore[assignment]
    answer = can(by, Action.FILL_ASSESSMENT, state.unit)
    if not answer:
        refuse(answer.reason)
    lost = [*plan.closed, *(f"{one.sheet} {one.cell}：{one.text}" for one in plan.faults)]
    result = {"taken": len(plan.taken), "unit": state.unit.pk, "name": state.unit.name, "lost": lost}
    if not uploads.finish(upload=upload, state=Upload.State.DONE, result=result):
        refuse("这份表已经导入或放弃，不能再导入一次。")
    taken = {change.field for change in plan.taken}
    after = offline_plan.effective(plan, state)
    if any(change.part == SURVEY for change in plan.taken):
        _write_survey(by, state, taken, after, now)
    if any(change.part == SHEET for change in plan.taken):
        _write_sheet(by, state, taken, after, now)
    audit.record(
        by=by, action="offline.import", thing=state.unit, branch=state.unit.branch,
        summary=f"导入离线表，写入 {len(taken)} 处", after={"file": upload.name, "fields": sorted(taken)},
    )  # fmt: skip
    return len(taken)


def _write_survey(by: Account, state: State, taken: set[str], after: Mapping[str, str], now: dt.datetime) -> None:
    codes = {name.partition(":")[2] for name in taken if name.startswith(("check:", "note:"))}
    findings = {
        code: FindingInput(FINDINGS.get(after[f"check:{code}"], ""), after[f"note:{code}"]) for code in codes
    }  # fmt: skip
    target: Any = KEEP
    if "target" in taken:
        target = Grade.objects.filter(scale=state.unit.round.scale_id, label=after["target"]).first()
    save_survey(
        by=by, unit=state.unit, side=Survey.By.BRANCH, version=state.survey_version, findings=findings, now=now,
        texts={name: after[f"text:{name}"] for name in TEXTS if f"text:{name}" in taken}, target=target,
    )  # fmt: skip


def _write_sheet(by: Account, state: State, taken: set[str], after: Mapping[str, str], now: dt.datetime) -> None:
    codes = {name.partition(":")[2] for name in taken if name.startswith(("points:", "na:", "remark:"))}
    entries = {}
    for code in codes:
        typed, remark = after[f"points:{code}"], f"remark:{code}"
        entries[code] = ScoreInput(
            Decimal(typed) if typed else None,
            after.get(f"na:{code}") == TICK,
            after[remark] if remark in taken else None,
        )
    if state.source is None:
        refuse("本轮没有支部自评。")
        return
    fresh: Assessment = sheets.sheet_for(by=by, unit=state.unit, source=state.source)
    expected = state.sheet_version or 1
    if fresh.version != expected:
        raise ConflictError(fresh, {})
    sheets.save_scores(by=by, assessment=fresh, version=expected, entries=entries, now=now)
