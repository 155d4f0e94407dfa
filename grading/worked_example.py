"""A sample branch worked through the rules of a round while they are being written. Knows no Django.

The person may change what the sample brings in; everything else is the arithmetic of real branches.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from grading import scoring
from grading.scoring.explain import Step

SAMPLE_MARKS = ("95", "91", "88", "90")
SAMPLE_BALLOTS = (18, 5, 2, 1)
OF_ONE, OF_ALL, FULL = 12, 100, 100
_NUMBER = re.compile(r"\d{1,3}(\.\d{1,4})?")


@dataclass(frozen=True, slots=True)
class Field:
    """One figure the sample brings in, as typed."""

    name: str
    label: str
    value: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """What the sample brings in for one source, or for the figures of gates."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """The sample: what it brings in, how its grade comes about, and what the limits mean in heads."""

    inputs: tuple[Fields, ...]
    steps: tuple[Step, ...] = ()
    grade: str = ""
    rank: int = 0
    limits: tuple[str, ...] = ()
    note: str = ""


def work(rules: scoring.RoundRules, typed: Mapping[str, str]) -> Example:
    """Return the sample branch under `rules`; `typed` are the fields of an earlier page, by name."""
    inputs = _inputs(rules, typed)
    if rules.sources and sum(source.weight for source in rules.sources) != FULL:
        return Example(inputs, note="各来源的权重合计到 100% 以后，这里会用一个样例支部从得分算到等级。")
    if not rules.sources or len(rules.grades) < 2 or not rules.cut_offs:
        return Example(inputs, note="填好评分来源、等级和分数线以后，这里会用一个样例支部从得分算到等级。")
    given = {field.name: field.value for group in inputs for field in group.fields}
    rubric = scoring.RubricRule("样例", 1, (scoring.SectionRule("A", "样例", Decimal(100), ()),))
    sources = {source.code: _source(source, given) for source in rules.sources}
    figures = {gate.figure: _share(given.get(f"ex-figure-{gate.figure}", "")) for gate in rules.gates}
    chosen = given.get("ex-veto", "")
    vetoes = tuple(scoring.VetoFound(veto.code) for veto in rules.vetoes if veto.text == chosen)
    try:
        derivation = scoring.grade_unit(
            rules, scoring.UnitInput("样例支部", "样例", rubric, sources, _known(figures), vetoes)
        )
        limits = tuple(_limit(rules, cap) for cap in rules.caps)
    except KeyError:
        return Example(inputs, note="有一条规则指向已经删掉的等级，请先改好它。")
    grade = derivation.grade
    return Example(
        inputs,
        scoring.explain_steps(derivation),
        grade.label if grade else "—",
        grade.rank if grade else 0,
        limits,
    )


def _known(figures: Mapping[str, Fraction | None]) -> dict[str, Fraction | None]:
    """Leave out what the sources themselves tell."""
    return {code: value for code, value in figures.items() if value is not None}


def _inputs(rules: scoring.RoundRules, typed: Mapping[str, str]) -> tuple[Fields, ...]:
    """Return the fields of the sample, with what was typed before or a likely figure."""
    groups = [
        Fields(source.name, _source_fields(source, SAMPLE_MARKS[place % len(SAMPLE_MARKS)], typed))
        for place, source in enumerate(rules.sources)
        if source.weight > 0 or source.kind is scoring.SourceKind.APPRAISAL
    ]
    others = {gate.figure: gate.name for gate in rules.gates if not _is_told(gate.figure)}
    if others:
        fields = (_field(f"ex-figure-{code}", f"{name}（%）", "92", typed) for code, name in others.items())
        groups.append(Fields("门槛看的数", tuple(fields)))
    if rules.vetoes:
        texts = ("", *(veto.text for veto in rules.vetoes))
        value = typed.get("ex-veto", "")
        groups.append(Fields("一票否决", (Field("ex-veto", "发生了", value if value in texts else "", texts),)))
    return tuple(groups)


def _is_told(figure: str) -> bool:
    """Tell whether a figure follows from the sources."""
    return figure.startswith((scoring.SATISFACTION, "source_"))


def _field(name: str, label: str, default: str, typed: Mapping[str, str]) -> Field:
    return Field(name, label, typed.get(name, default))


def _source_fields(source: scoring.SourceRule, mark: str, typed: Mapping[str, str]) -> tuple[Field, ...]:
    """Return the fields of one source: a mark, or ballots by option and group."""
    if source.kind is not scoring.SourceKind.APPRAISAL:
        words = tuple(label for label, _ in source.annual_points)
        default = words[0] if words else mark
        label = "得分"
        if source.kind is scoring.SourceKind.ANNUAL:
            out_of = "" if source.full == FULL else f"（满分 {scoring.plain(source.full)}）"
            label = f"等次或得分{out_of}"
            default = default if words else scoring.plain(Decimal(mark) * source.full / FULL)
        return (_field(f"ex-{source.code}", label, default, typed),)
    groups: tuple[tuple[str, str], ...] = tuple((group.code, group.name) for group in source.groups) or (("", ""),)
    return tuple(
        _field(
            f"ex-{source.code}-{code}-{option.code}",
            f"{name} {option.label}".strip(),
            str(SAMPLE_BALLOTS[place] if place < len(SAMPLE_BALLOTS) else 0),
            typed,
        )
        for code, name in groups
        for place, option in enumerate(source.options)
    )


def _typed_number(text: str) -> Decimal | None:
    plain = unicodedata.normalize("NFKC", text).strip()
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def _share(text: str) -> Fraction | None:
    number = _typed_number(text)
    return None if number is None else Fraction(number) / 100


def _source(source: scoring.SourceRule, given: Mapping[str, str]) -> scoring.SourceInput | None:
    """Return what the sample brings in for one source."""
    if source.kind is scoring.SourceKind.APPRAISAL:
        return _ballots(source, given)
    text = given.get(f"ex-{source.code}", "").strip()
    number = _typed_number(text)
    if source.kind is scoring.SourceKind.ANNUAL:
        return scoring.AnnualInput("" if number is not None else text, number) if text else None
    return None if number is None else scoring.SheetInput({}, {"A": min(number, Decimal(100))})


def _ballots(source: scoring.SourceRule, given: Mapping[str, str]) -> scoring.CountsInput:
    """Return the sample's ballots, every one handed out and returned."""
    counted = []
    for code in [group.code for group in source.groups] or [""]:
        options = tuple(
            (option.code, int(_typed_number(given.get(f"ex-{source.code}-{code}-{option.code}", "")) or 0))
            for option in source.options
        )
        number = sum(count for _, count in options)
        counted.append(scoring.GroupCounts(code, scoring.Counts(number, number, number, options)))
    whole = scoring.add_counts(group.counts for group in counted)
    return scoring.CountsInput(whole, tuple(counted) if source.groups else ())


def _limit(rules: scoring.RoundRules, cap: scoring.CapRule) -> str:
    """Say what a limit means for twelve branches."""
    label = rules.grade(cap.grade).label
    one = cap.scope is scoring.CapScope.GROUP
    heads = OF_ONE if one else OF_ALL
    number = scoring.cap_size(cap, heads)
    ceiling = cap.side is scoring.CapSide.AT_MOST
    best, worst = rules.ranked[0].code, rules.ranked[-1].code
    reach = "" if cap.grade == (best if ceiling else worst) else ("及以上" if ceiling else "及以下")
    whom = "一个党总支有" if one else "全校有"
    effect = f"按名次调整一级，{_ties(rules, cap)}"
    if cap.mode is scoring.CapMode.WARNING:
        effect = "超出的只提示" if ceiling else "不够的只提示"
    return f"{whom} {heads} 个支部时，“{label}”{reach}{'最多' if ceiling else '至少'} {number} 个，{effect}。"


def _ties(rules: scoring.RoundRules, cap: scoring.CapRule) -> str:
    """Say what settles equal composites on the line of a limit: the sources compared, then people."""
    names = {source.code: source.name for source in rules.sources}
    compared = [names[code] for code in cap.tie_breaks if code in names]
    if not compared:
        return "同分的由人定"
    return f"同分的先比“{'”，再比“'.join(compared)}”，仍相同的由人定"
