"""Recording what is not a sheet: 年度考核, 群众评议 counts, exemptions, and the 一票否决 check."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from branches import audit
from branches.models import Account
from grading import rules, scoring
from grading.models import (
    AnnualResult,
    AppraisalCount,
    Exemption,
    RoundUnit,
    Source,
    VetoFinding,
    VetoItem,
    VetoReview,
    VoterGroup,
)
from grading.services.errors import RefusedError, refuse
from grading.services.sheets import refuse_decided


@dataclass(frozen=True, slots=True)
class AnnualInput:
    """One branch's yearly result as it is to be stored."""

    unit: RoundUnit
    label: str = ""
    score: Decimal | None = None
    raw: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class CountInput:
    """One branch's ballot counts, or the reason why there are none (`state` missing or void).

    Where the source has voter groups, `group` is the code of the one these ballots come from, and `joined` the codes
    of those too small to be shown alone that were counted in with it (`scoring.merge_groups`). Without a group the
    whole appraisal of the branch is meant: it was not held, or is void.
    """

    unit: RoundUnit
    issued: int | None = None
    returned: int | None = None
    valid: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    state: str = AppraisalCount.State.COUNTED
    reason: str = ""
    teller: str = ""
    scrutineer: str = ""
    held_on: dt.date | None = None
    group: str = ""
    joined: Sequence[str] = ()


def refuse_closed(*, unit: RoundUnit) -> None:
    """Refuse a branch whose round takes nothing in any more, or whose grade is decided."""
    if not unit.round.is_open:
        refuse(f"本轮现在是“{unit.round.get_state_display()}”，不能再录入。")
    refuse_decided(unit)


def _check_source(source: Source, kind: str, units: Iterable[RoundUnit]) -> None:
    """Refuse a source of another kind or round."""
    if source.kind != kind:
        refuse(f"{source.name}不是这种来源。")
    if any(unit.round_id != source.round_id for unit in units):
        refuse("所选支部不在本轮。")


@transaction.atomic
def record_annual(
    *, by: Account | None, source: Source, rows: Iterable[AnnualInput], now: dt.datetime, file_name: str = ""
) -> list[AnnualResult]:
    """Record yearly results, replacing what those branches had; an exemption of theirs for the source ends.

    Raises RefusedError naming every branch whose result means nothing to the round; then nothing is stored.
    """
    wanted = list(rows)
    _check_source(source, Source.Kind.ANNUAL, [row.unit for row in wanted])
    rule = rules.source_rule(source)
    problems = {}
    for row in wanted:
        found = scoring.score_annual(rule, row.label, row.score)
        if found.score is None:
            problems[row.unit.code] = f"{row.unit.name}：{found.reason}"
    if problems:
        raise RefusedError(problems.values(), problems)
    saved = []
    for row in wanted:
        refuse_closed(unit=row.unit)
        values = {
            "label": row.label, "score": row.score, "raw": row.raw, "remark": row.remark, "file_name": file_name,
            "recorded_by": by, "recorded_at": now,
        }  # fmt: skip
        saved.append(_upsert(AnnualResult, {"unit": row.unit, "source": source}, values))
        Exemption.objects.filter(unit=row.unit, source=source).delete()
    _note(by, source, "annual.record", f"录入{source.name} {len(saved)} 个支部", [row.unit for row in wanted])
    return saved


def _upsert(model: Any, key: dict[str, Any], values: dict[str, Any]) -> Any:
    """Insert or replace the row of a branch for a source, raising its version."""
    row = model.objects.select_for_update().filter(**key).first()
    if row is None:
        return model.objects.create(**key, **values)
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.save()
    return row


def _note(by: Account | None, source: Source, action: str, summary: str, units: list[RoundUnit]) -> None:
    """Write one audit entry over a bulk recording."""
    branch = units[0].branch if len(units) == 1 else source.round.campaign.root
    audit.record(
        by=by, action=action, thing=source, branch=branch, summary=summary, after={"units": [u.code for u in units]}
    )


def check_counts(*, source: Source, rows: Sequence[CountInput]) -> None:
    """Raise RefusedError naming every branch whose counts may not be recorded now, or say something impossible."""
    _check_source(source, Source.Kind.APPRAISAL, [row.unit for row in rows])
    options = {option.code for option in source.options.all()}
    groups = {group.code: group for group in source.groups.all()}
    problems: dict[str, str] = {}
    for row in rows:
        if text := _group_problem(row, groups) or _count_problem(row, options):
            problems.setdefault(row.unit.code, text)
    if problems:
        raise RefusedError(problems.values(), problems)
    for row in rows:
        refuse_closed(unit=row.unit)


@transaction.atomic
def record_counts(
    *, by: Account | None, source: Source, rows: Iterable[CountInput], now: dt.datetime, file_name: str = ""
) -> list[AppraisalCount]:
    """Record ballot counts, replacing what those branches had.

    Counts that contradict each other are refused (record them as void with a reason instead); too few ballots are
    kept and simply do not count. Raises RefusedError naming every branch; then nothing is stored.
    """
    wanted = list(rows)
    check_counts(source=source, rows=wanted)
    groups = {group.code: group for group in source.groups.all()}
    saved = []
    for row in wanted:
        held = row.state == AppraisalCount.State.COUNTED
        values = {
            "state": row.state, "reason": row.reason.strip(), "teller": row.teller.strip(),
            "scrutineer": row.scrutineer.strip(), "held_on": row.held_on, "file_name": file_name,
            "recorded_by": by, "recorded_at": now, "issued": row.issued, "returned": row.returned,
            "valid": row.valid, "counts": dict(row.counts), "counted": sum(row.counts.values()) if held else None,
            "joined": list(row.joined),
        }  # fmt: skip
        saved.append(_store_count(source, row, groups.get(row.group), values))
    _note(by, source, "appraisal.record", f"录入{source.name}票数 {len(saved)} 个支部", [row.unit for row in wanted])
    return saved


def _store_count(source: Source, row: CountInput, group: VoterGroup | None, values: dict[str, Any]) -> AppraisalCount:
    """Store one count; what it takes the place of (the whole, or the groups counted in with it) is removed."""
    others = AppraisalCount.objects.filter(unit=row.unit, source=source)
    if group is None:
        others.exclude(group=None).delete()
    else:
        others.filter(Q(group=None) | Q(group__code__in=row.joined)).delete()
    saved: AppraisalCount = _upsert(AppraisalCount, {"unit": row.unit, "source": source, "group": group}, values)
    return saved


def _group_problem(row: CountInput, groups: Mapping[str, VoterGroup]) -> str:
    """Return what is wrong with the voter group of a count, or nothing."""
    names = "、".join(group.name for group in groups.values())
    if not row.group:
        whole = row.state != AppraisalCount.State.COUNTED or not groups
        return "" if whole and not row.joined else f"{row.unit.name}：票数要按评议人员分别录入（{names}）。"
    if row.group not in groups or set(row.joined) - groups.keys():
        return f"{row.unit.name}：本轮没有这类评议人员，只有{names or '不分类的票'}。"
    if row.group in row.joined:
        return f"{row.unit.name}：{groups[row.group].name}不能并入自己。"
    return ""


def _count_problem(row: CountInput, options: set[str]) -> str:
    """Return the sentence on what is wrong with one branch's counts, or nothing."""
    name = row.unit.name
    if row.state != AppraisalCount.State.COUNTED:
        return "" if row.reason.strip() else f"{name}：没有票数的，请写明原因。"
    if row.issued is None or row.returned is None or row.valid is None:
        return f"{name}：发出、收回、有效票数都要填。"
    if unknown := set(row.counts) - options:
        return f"{name}：本轮评议没有选项 {'、'.join(sorted(unknown))}。"
    counts = scoring.Counts(row.issued, row.returned, row.valid, tuple(row.counts.items()))
    found = scoring.count_problems(counts)
    return f"{name}：{found[0]}" if found else ""


@transaction.atomic
def exempt(*, by: Account | None, unit: RoundUnit, source: Source, reason: str, now: dt.datetime) -> Exemption:
    """Set a source aside for a branch with the reason; the other weights grow. Raises RefusedError."""
    refuse_closed(unit=unit)
    if source.round_id != unit.round_id:
        refuse("所选来源不在本轮。")
    if unit.round.missing == "block":
        refuse("本轮规则不允许缺项。")
    if not reason.strip():
        refuse("免计须写明理由。")
    row, _ = Exemption.objects.update_or_create(
        unit=unit, source=source, defaults={"reason": reason.strip(), "granted_by": by, "granted_at": now}
    )
    audit.record(
        by=by, action="source.exempt", thing=row, branch=unit.branch, summary=f"{source.name}免计",
        after={"reason": row.reason},
    )  # fmt: skip
    return row


@transaction.atomic
def end_exemption(*, by: Account | None, exemption: Exemption) -> None:
    """Count a source again. Raises RefusedError once the grade is proposed or the round is closed."""
    refuse_closed(unit=exemption.unit)
    audit.record(
        by=by, action="source.end_exemption", thing=exemption, branch=exemption.unit.branch,
        summary=f"{exemption.source.name}恢复计分", before={"reason": exemption.reason},
    )  # fmt: skip
    exemption.delete()


@transaction.atomic
def review_vetoes(*, by: Account | None, unit: RoundUnit, found: Mapping[str, str], now: dt.datetime) -> VetoReview:
    """Record that the veto list was gone through; `found` maps codes of what did happen to the note on it.

    Raises RefusedError for an unknown item or a missing note.
    """
    refuse_closed(unit=unit)
    items = {item.code: item for item in VetoItem.objects.filter(round=unit.round)}
    if unknown := set(found) - set(items):
        refuse(f"本轮没有这些否决情形：{'、'.join(sorted(unknown))}。")
    if bare := [items[code].text for code, note in found.items() if not note.strip()]:
        refuse(f"请写明依据：{'、'.join(bare)}。")
    before = {row.item.code: row.note for row in unit.vetoes.select_related("item")}
    unit.vetoes.exclude(item__code__in=found).delete()
    for code, note in found.items():
        values = {"note": note.strip(), "established_by": by, "established_at": now}
        VetoFinding.objects.update_or_create(unit=unit, item=items[code], defaults=values)
    review, _ = VetoReview.objects.update_or_create(unit=unit, defaults={"reviewed_at": now, "reviewed_by": by})
    audit.record(
        by=by, action="veto.review", thing=review, branch=unit.branch, summary="核对一票否决情形", before=before,
        after=dict(found),
    )  # fmt: skip
    return review
