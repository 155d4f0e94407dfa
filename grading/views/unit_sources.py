"""年度考核 and paper counts of one branch by hand: each voter group, and where the round wants it two people apart."""

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.models import Account
from branches.permissions import Action, account_of, enforce, requires
from grading.models import AppraisalCount, BallotBox, CountEntry, RoundUnit, Source, VoterGroup
from grading.services import paper_counts, sources
from grading.services.errors import RefusedError
from grading.views.shared import Fault, parse_number, unit_or_404

BY_HAND = "手工录入"
FIGURES = (("issued", "发出"), ("returned", "收回"), ("valid", "有效"))


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a form: its name, label and what stands in it; where two entries differ, what each says."""

    name: str
    label: str
    value: str
    said: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Tell whether two people entered different numbers."""
        return len(set(self.said)) > 1


@dataclass(slots=True)
class Slot:
    """One form of a source: of a voter group, or of all voters together."""

    group: VoterGroup | None
    stored: Any
    figures: list[Figure]
    typed: dict[str, str]
    entries: list[CountEntry] = field(default_factory=list)
    mine: CountEntry | None = None

    @property
    def compared(self) -> bool:
        """Tell whether two people entered different numbers, which both may now see."""
        return len(self.entries) == len(paper_counts.PLACES) and self.stored is None

    @property
    def waits(self) -> bool:
        """Tell whether one person has entered and another one is awaited."""
        return len(self.entries) == 1

    @property
    def teller(self) -> str:
        """The name in the field of 计票人."""
        return self._name("teller")

    @property
    def scrutineer(self) -> str:
        """The name in the field of 监票人."""
        return self._name("scrutineer")

    def _name(self, name: str) -> str:
        return self.typed.get(name) or str(getattr(self.mine or self.stored, name, "") or "")


@dataclass(slots=True)
class Entry:
    """One source of one branch on the page."""

    source: Source
    exemption: Any
    annual: Any = None
    typed: dict[str, str] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    box: Any = None

    @property
    def counted(self) -> bool:
        """Tell whether figures of this source count already."""
        return any(slot.stored is not None for slot in self.slots)


@requires(Action.RECORD_SOURCES)
@require_http_methods(["GET", "POST"])
def unit_sources(request: HttpRequest, pk: int) -> HttpResponse:
    """Record or correct one branch's yearly result, counts or exemption by hand."""
    unit = unit_or_404(request, pk)
    faults: list[Fault] = []
    if request.method == "POST":
        enforce(request, Action.RECORD_SOURCES, unit)
        source = get_object_or_404(Source, round=unit.round_id, code=request.POST.get("source", ""))
        faults = _record(request, unit, source)
        if not faults:
            return redirect("unit-sources" if source.double_entry else "unit", unit.pk)
    kinds = [source for source in unit.round.sources.all() if source.kind != Source.Kind.SHEET]
    context = {
        "unit": unit, "round": unit.round, "entries": [_entry(request, unit, source) for source in kinds],
        "errors": faults,
    }  # fmt: skip
    return render(request, "grading/unit_sources.html", context, status=422 if faults else 200)


# --- What the page shows -------------------------------------------------------------------------------------------


def _entry(request: HttpRequest, unit: RoundUnit, source: Source) -> Entry:
    exemption = unit.exemptions.filter(source=source).first()
    if source.kind == Source.Kind.ANNUAL:
        annual = unit.annual_results.filter(source=source).first()
        return Entry(source, exemption, annual, _typed(request, source, ""))
    groups: list[VoterGroup | None] = list(source.groups.all()) or [None]
    counts = {row.group_id: row for row in unit.appraisals.filter(source=source)}
    said: dict[int | None, list[CountEntry]] = {}
    for row in unit.count_entries.filter(source=source).select_related("entered_by__person").order_by("place"):
        said.setdefault(row.group_id, []).append(row)
    boxes = unit.ballot_boxes.filter(source=source).exclude(state=BallotBox.State.VOID)
    slots = [_slot(request, source, group, counts, said) for group in groups]
    return Entry(source, exemption, slots=slots, box=boxes.first())


def _typed(request: HttpRequest, source: Source, group: str) -> dict[str, str]:
    """Return what was just sent for this form, and refused."""
    mine = request.method == "POST" and request.POST.get("source") == source.code
    return {k: str(v) for k, v in request.POST.items()} if mine and request.POST.get("group", "") == group else {}


def _slot(
    request: HttpRequest, source: Source, group: VoterGroup | None, counts: dict[int | None, AppraisalCount],
    said: dict[int | None, list[CountEntry]],
) -> Slot:  # fmt: skip
    """Return the form of a group. What another person entered apart is shown only once both have entered."""
    key = group.pk if group else None
    stored, entries = counts.get(key), said.get(key, [])
    typed = _typed(request, source, group.code if group else "")
    account = account_of(request)
    mine = next((one for one in entries if one.entered_by_id == account.pk), None)
    shown = mine if source.double_entry and stored is None else stored
    both = entries if len(entries) == len(paper_counts.PLACES) and stored is None else []
    names = [*FIGURES, *((f"count-{option.code}", option.label) for option in source.options.all())]
    figures = [
        Figure(name, label, typed.get(name, _number_of(shown, name)), tuple(_number_of(one, name) for one in both))
        for name, label in names
    ]
    return Slot(group, stored, figures, typed, entries, mine)


def _number_of(row: AppraisalCount | CountEntry | None, name: str) -> str:
    if row is None:
        return ""
    value = row.counts.get(name.removeprefix("count-")) if name.startswith("count-") else getattr(row, name)
    return "" if value is None else str(value)


# --- What it records -----------------------------------------------------------------------------------------------


def _number(request: HttpRequest, name: str, label: str) -> int | None:
    typed = unicodedata.normalize("NFKC", request.POST.get(name, "")).strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit():
        raise RefusedError([f"{label}“{typed}”不是整数。"])
    return int(typed)


def _record(request: HttpRequest, unit: RoundUnit, source: Source) -> list[Fault]:
    account, now, post = account_of(request), clock.now(), request.POST
    try:
        if post.get("do") == "exempt":
            sources.exempt(by=account, unit=unit, source=source, reason=post.get("reason", ""), now=now)
            messages.success(request, f"{source.name}已免计。")
        elif post.get("do") == "anew":
            paper_counts.count_anew(by=account, unit=unit, source=source, reason=post.get("reason", ""))
            messages.success(request, f"{source.name}已退回，请两个人重新录入。")
        elif source.kind == Source.Kind.ANNUAL:
            row = sources.AnnualInput(
                unit, post.get("label", ""), parse_number(post.get("score", "")), post.get("label", "")
            )
            sources.record_annual(by=account, source=source, rows=[row], now=now, file_name=BY_HAND)
            messages.success(request, f"{source.name}已录入。")
        else:
            _record_counts(request, account, unit, source)
    except ValueError:
        return [Fault("得分请填数字，如 91.5。")]
    except RefusedError as error:
        return [Fault(text) for text in error.sentences]
    return []


def _record_counts(request: HttpRequest, account: Account, unit: RoundUnit, source: Source) -> None:
    """Take the counts of one form in and say what became of them."""
    post = request.POST
    counts = {o.code: _number(request, f"count-{o.code}", o.label) or 0 for o in source.options.all()}
    row = sources.CountInput(
        unit, _number(request, "issued", "发出"), _number(request, "returned", "收回"),
        _number(request, "valid", "有效"), counts, teller=post.get("teller", ""),
        scrutineer=post.get("scrutineer", ""), group=post.get("group", ""),
    )  # fmt: skip
    done = paper_counts.enter(by=account, source=source, rows=[row], now=clock.now(), file_name=BY_HAND)
    if done.waiting:
        messages.info(request, f"{source.name}已存好，等另一个人分别录入，两人一致后计入。")
    elif done.differing:
        messages.warning(request, f"{source.name}与另一人录入的不一致，没有计入，请对照票纸核对。")
    else:
        messages.success(request, f"{source.name}已录入。" if not source.double_entry else "两人录入一致，已计入。")
