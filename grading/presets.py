"""Presets: reading a notice family from TOML, and saying in plain Chinese what is wrong with it. Writes nothing."""

import datetime as dt
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from grading import scoring

Content = dict[str, Any]
ROUND_SHARED = (
    "cut_offs", "gates", "caps", "vetoes", "checks", "problems", "divergence", "rubrics", "sources", "steps", "scale",
    "returns", "exempt_months", "publicity", "spot_check", "forms",
)  # fmt: skip
# What comes back on paper where a preset says nothing; `returns = []` says that nothing does.
RETURNS = ({"kind": "annex5", "level": "general_branch"},)

# Per table: the keys it must have, and the keys it may have.
SHAPES: dict[str, tuple[str, str]] = {
    "rubric": (
        "kind code title sections",
        "form_code source not_applicable exceed publish",
    ),
    "section": ("code name points criteria", ""),
    "criterion": ("code text points", "kind step levels guidance evidence_required figure"),
    "level": ("label points", "minimum"),
    "preset": ("kind code title campaign stages scales rounds", "targets rectification"),
    "campaign": ("name year starts_on ends_on", "short_name theme document_number"),
    "stage": ("name starts_on ends_on", "when responsible tasks deliverables"),
    "deliverable": ("name level kind", "due_on"),
    "target": ("code name", "value unit definition"),
    "scale": ("code name grades", ""),
    "grade": ("code label", ""),
    "round": (
        "ordinal name deciding_level",
        (
            "rule_name scale places missing publicity_days opens_on ends_on same_as steps cut_offs gates caps vetoes "
            "checks problems divergence rubrics sources returns exempt_months publicity "
            "spot_check forms"
        ),
    ),
    "step": ("code name", "due_on"),
    "cut_off": ("grade minimum", ""),
    "gate": ("figure name minimum", "best bars_promotion"),
    "cap": ("grade value", "side measure extent rounding mode tie_breaks"),
    "veto": ("code text grade", "effect months"),
    "check": ("code text", ""),
    "problem": ("code text", ""),
    "return": ("kind level", "name"),
    "form": ("kind title", "number"),
    "divergence": ("first second", "points section_points grades"),
    "spot_check": ("", "effect absent"),
    # Rectification reads the table itself and knows what it means.
    "rectification": (
        "",
        (
            "plan_due_on item_due_on at_risk_days plan_reminder_days checkpoint_months recheck_days files_required "
            "vague_check vague_words vote_required quorum_over quorum_of majority_over majority_of digest_weekday "
            "digest_hour notice_pattern notice_reply_days visit_aspects pause_months log_months categories dimensions"
        ),
    ),
    "category": ("code name", ""),
    "dimension": ("code name", "sections"),
    "publicity": ("", "grades counts_first_day title body receiver phone email address signature"),
    "source": (
        "code name kind weight",
        (
            "short_name entry minimum_ballots allow_over full_marks rate_name double_entry names_tellers options "
            "groups annual_points"
        ),
    ),
    "option": ("code label", "points satisfied"),
    "group": ("code name weight", ""),
    "annual": ("label points", "low high synonyms"),
}
CHILDREN: dict[str, dict[str, str]] = {
    "rubric": {"sections": "section"},
    "section": {"criteria": "criterion"},
    "criterion": {"levels": "level"},
    "preset": {"stages": "stage", "targets": "target", "scales": "scale", "rounds": "round"},
    "stage": {"deliverables": "deliverable"},
    "scale": {"grades": "grade"},
    "round": {
        "steps": "step", "cut_offs": "cut_off", "gates": "gate", "caps": "cap", "vetoes": "veto", "checks": "check",
        "problems": "problem",
        "sources": "source", "returns": "return", "forms": "form",
    },
    "source": {"options": "option", "groups": "group", "annual_points": "annual"},
    "rectification": {"categories": "category", "dimensions": "dimension"},
}  # fmt: skip
AMOUNTS = frozenset({"points", "step", "minimum", "value", "weight", "low", "high", "section_points", "full_marks"})
WHOLE = frozenset(
    [
        "ordinal", "places", "publicity_days", "minimum_ballots", "months", "exempt_months", "year", "same_as",
        "at_risk_days", "plan_reminder_days", "checkpoint_months", "recheck_days", "quorum_over", "quorum_of",
        "majority_over", "majority_of", "digest_weekday", "digest_hour", "notice_reply_days", "pause_months",
        "log_months",
    ]
)  # fmt: skip
SWITCHES = frozenset(
    [
        "satisfied", "allow_over", "bars_promotion", "publish", "evidence_required", "double_entry", "names_tellers",
        "counts_first_day", "files_required", "vague_check", "vote_required",
    ]
)  # fmt: skip
DAYS = frozenset({"starts_on", "ends_on", "opens_on", "due_on", "plan_due_on", "item_due_on"})
LISTS = frozenset({"tie_breaks", "synonyms", "vague_words", "visit_aspects"})
LARGEST = 9999
LONGEST_CODE = 40
LONGEST: dict[tuple[str, str], int] = {
    ("grade", "label"): 20, ("option", "label"): 20, ("annual", "label"): 20, ("source", "name"): 40,
    ("source", "short_name"): 10, ("step", "name"): 40, ("gate", "name"): 40, ("veto", "text"): 120,
    ("check", "text"): 60, ("problem", "text"): 60, ("group", "name"): 40, ("round", "name"): 60,
    ("round", "rule_name"): 100, ("stage", "name"): 60, ("stage", "when"): 40, ("stage", "responsible"): 80,
    ("source", "rate_name"): 10, ("form", "number"): 12, ("form", "title"): 40, ("return", "name"): 60,
    ("campaign", "name"): 100, ("campaign", "short_name"): 30, ("campaign", "document_number"): 80,
}  # fmt: skip
STEPS = (
    "guidance", "survey", "self", "appraisal", "annual", "superior", "spot_check", "propose", "decide", "confirm",
    "publicity", "final",
)  # fmt: skip
WORDS: dict[tuple[str, str], frozenset[str]] = {
    ("criterion", "kind"): frozenset(scoring.CriterionKind),
    ("rubric", "not_applicable"): frozenset(scoring.NotApplicable),
    ("rubric", "exceed"): frozenset(scoring.Exceed),
    ("source", "kind"): frozenset(scoring.SourceKind),
    ("source", "entry"): frozenset({"items", "sections"}),
    ("veto", "effect"): frozenset(scoring.VetoEffect),
    ("cap", "side"): frozenset(scoring.CapSide),
    ("cap", "measure"): frozenset(scoring.CapMeasure),
    ("cap", "extent"): frozenset(scoring.CapScope),
    ("cap", "rounding"): frozenset(scoring.Rounding),
    ("cap", "mode"): frozenset(scoring.CapMode),
    ("round", "missing"): frozenset(scoring.MissingRule),
    ("round", "deciding_level"): frozenset({"general_branch", "committee"}),
    ("spot_check", "effect"): frozenset({"own", "replace"}),
    ("spot_check", "absent"): frozenset({"exempt", "missing"}),
    ("deliverable", "level"): frozenset({"committee", "general_branch", "branch"}),
    ("return", "level"): frozenset({"committee", "general_branch", "branch"}),
    ("deliverable", "kind"): frozenset({"file", "text", "meeting"}),
    ("form", "kind"): frozenset({"annex4", "annex5", "promotion", "annex6"}),
    ("step", "code"): frozenset(STEPS),
}


class PresetError(ValueError):
    """A preset cannot be used; `.sentences` say why, each naming its file and place."""

    def __init__(self, sentences: list[str]) -> None:
        """Keep the sentences."""
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class PresetFile:
    """One file, as plain values a JSON column keeps: amounts and dates are text."""

    name: str
    kind: str
    code: str
    content: Content

    @property
    def digest(self) -> str:
        """Tell whether a file says something else than the one loaded before; comments and order do not matter."""
        text = json.dumps(self.content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a TOML value as JSON keeps it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def read_text(name: str, text: str) -> PresetFile:
    """Read one preset file. Raises PresetError when it is no TOML, or its keys are not those of a preset."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PresetError([f"{name}：不是正确的 TOML（{error}）。"]) from error
    kind = raw.get("kind")
    if kind not in ("campaign", "rubric"):
        raise PresetError([f'{name}：请在开头写明 kind = "campaign" 或 kind = "rubric"。'])
    content = _plain(raw)
    problems = [f"{name}：{text}" for text in _shape_problems("rubric" if kind == "rubric" else "preset", content, "")]
    if problems:
        raise PresetError(problems)
    return PresetFile(name, kind, str(content["code"]), content)


def read_path(path: Path) -> list[PresetFile]:
    """Read a file, or every .toml of a directory; rubrics come first. Raises PresetError, FileNotFoundError."""
    paths = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not paths:
        raise PresetError([f"{path.name}：目录里没有 .toml 文件。"])
    files, problems = [], []
    for each in paths:
        try:
            files.append(read_text(each.name, each.read_text(encoding="utf-8")))
        except PresetError as error:
            problems += error.sentences
        except UnicodeDecodeError:
            problems.append(f"{each.name}：请存为 UTF-8 编码。")
    if problems:
        raise PresetError(problems)
    return sorted(files, key=lambda file: file.kind != "rubric")


def _shape_problems(table: str, content: Any, place: str) -> Iterator[str]:
    """Yield what is wrong with the keys and words of one table and those inside it."""
    if not isinstance(content, dict):
        yield f"{place or '文件'} 应是一组键值。"
        return
    needed, optional = (set(words.split()) for words in SHAPES[table])
    where = f"{place} " if place else ""
    for key in sorted(needed - content.keys()):
        yield f"{where}缺少 {key}。"
    for key in sorted(content.keys() - needed - optional):
        yield f"{where}有不认识的键 {key}。"
    for key, value in content.items():
        if problem := _value_problem(table, key, value):
            yield f"{where}{key} {problem}"
    if table == "preset":
        yield from _shape_problems("campaign", content.get("campaign", {}), "campaign")
        yield from _shape_problems("rectification", content.get("rectification", {}), "rectification")
    if table == "round" and "divergence" in content:
        yield from _shape_problems("divergence", content["divergence"], f"{where}divergence")
    if table == "round" and "publicity" in content:
        yield from _shape_problems("publicity", content["publicity"], f"{where}publicity")
    if table == "round" and "spot_check" in content:
        yield from _shape_problems("spot_check", content["spot_check"], f"{where}spot_check")
    for key, child in CHILDREN.get(table, {}).items():
        rows = content.get(key, [])
        for number, item in enumerate(rows if isinstance(rows, list) else (), start=1):
            yield from _shape_problems(child, item, f"{where}{key} 第 {number} 项")


def _value_problem(table: str, key: str, value: Any) -> str:
    """Return what is wrong with one value, or nothing: its kind, its length, a word that is not offered."""
    allowed = WORDS.get((table, key))
    if allowed is not None and (not isinstance(value, str) or value not in allowed):
        return f"只能是 {'、'.join(sorted(allowed))}，不能是 {value}。"
    if key in AMOUNTS:
        return "" if _is_amount(value) else f"应是数字，不能是 {value}。"
    if key in WHOLE or (table, key) == ("divergence", "grades"):
        whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST
        return "" if whole else f"应是 0 至 {LARGEST} 的整数，不能是 {value}。"
    if key in SWITCHES:
        return "" if isinstance(value, bool) else f"只能是 true 或 false，不能是 {value}。"
    if key in DAYS:
        return "" if _is_day(value) else f"应是日期，如 2012-03-30，不能是 {value}。"
    if key in CHILDREN.get(table, {}):
        return "" if isinstance(value, list) else "应是一个列表。"
    if key in LISTS or (table, key) in (("publicity", "grades"), ("dimension", "sections")):
        texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return "" if texts else "应是一个文字的列表。"
    if key in ("campaign", "divergence", "publicity", "spot_check", "rectification") and table in ("preset", "round"):
        return ""
    return _text_problem(table, key, value)


def _text_problem(table: str, key: str, value: Any) -> str:
    """Return what is wrong with a text, or with the texts of a table of texts."""
    if (table, key) == ("round", "rubrics"):
        texts = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        return "" if texts else "应是类别和评分标准代码的对照。"
    if not isinstance(value, str):
        return f"应是文字，不能是 {value}。"
    longest = LONGEST_CODE if key == "code" else LONGEST.get((table, key))
    return "" if longest is None or len(value) <= longest else f"过长（{len(value)} 字，最多 {longest} 字）。"


def _is_day(value: Any) -> bool:
    try:
        dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_amount(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def amount(value: Any) -> Decimal:
    """Return an amount of a preset as a Decimal."""
    return Decimal(str(value))


def maybe(value: Any) -> Decimal | None:
    """Return an amount, or None when it is left out."""
    return None if value is None else amount(value)


def complete_round(content: Content, ordinal: int) -> Content:
    """Return a round of a preset with what `same_as` takes over from another one. Raises KeyError for no such round."""
    rounds = {entry["ordinal"]: entry for entry in content["rounds"]}
    chosen: Content = dict(rounds[ordinal])
    base = chosen.pop("same_as", None)
    if base is not None:
        other = complete_round(content, base) if base != ordinal else {}
        for key in ROUND_SHARED:
            if key in other:
                chosen.setdefault(key, other[key])
    return chosen


def rubric_value(content: Content, version: int = 1) -> scoring.RubricRule:
    """Return a rubric file as the arithmetic sees it."""
    sections = tuple(
        scoring.SectionRule(
            section["code"],
            section["name"],
            amount(section["points"]),
            tuple(_criterion_value(item) for item in section["criteria"]),
        )
        for section in content["sections"]
    )
    return scoring.RubricRule(
        content["code"],
        version,
        sections,
        scoring.NotApplicable(content.get("not_applicable", "total")),
        scoring.Exceed(content.get("exceed", "none")),
    )


def _criterion_value(item: Content) -> scoring.CriterionRule:
    return scoring.CriterionRule(
        item["code"],
        item["text"],
        amount(item["points"]),
        scoring.CriterionKind(item.get("kind", "points")),
        amount(item.get("step", "0.5")),
        tuple(
            scoring.LevelRule(level["label"], amount(level["points"]), maybe(level.get("minimum")))
            for level in item.get("levels", [])
        ),
        item.get("figure", ""),
    )


def round_value(content: Content, ordinal: int) -> scoring.RoundRules:
    """Return a round of a preset as the arithmetic sees it. Raises KeyError for an unknown scale or round."""
    entry = complete_round(content, ordinal)
    scale = next(scale for scale in content["scales"] if scale["code"] == entry.get("scale"))
    divergence = entry.get("divergence")
    return scoring.RoundRules(
        version=str(entry.get("rule_name", entry["name"])),
        grades=tuple(
            scoring.GradeRule(grade["code"], grade["label"], rank) for rank, grade in enumerate(scale["grades"], 1)
        ),
        sources=tuple(_source_value(source) for source in entry.get("sources", [])),
        cut_offs=tuple(scoring.CutOffRule(cut["grade"], amount(cut["minimum"])) for cut in entry.get("cut_offs", [])),
        gates=tuple(
            scoring.GateRule(
                gate["figure"], gate["name"], amount(gate["minimum"]), gate.get("best"),
                gate.get("bars_promotion", False),
            )
            for gate in entry.get("gates", [])
        ),
        vetoes=tuple(
            scoring.VetoRule(
                veto["code"], veto["text"], scoring.VetoEffect(veto.get("effect", "force")), veto["grade"]
            )
            for veto in entry.get("vetoes", [])
        ),
        caps=tuple(_cap_value(cap) for cap in entry.get("caps", [])),
        places=int(entry.get("places", 2)),
        missing=scoring.MissingRule(entry.get("missing", "exempt")),
        divergence=None if divergence is None else _divergence_value(divergence),
    )  # fmt: skip


def _divergence_value(entry: Content) -> scoring.DivergenceRule:
    return scoring.DivergenceRule(
        entry["first"],
        entry["second"],
        maybe(entry.get("points")),
        maybe(entry.get("section_points")),
        entry.get("grades"),
    )


def _cap_value(cap: Content) -> scoring.CapRule:
    return scoring.CapRule(
        cap["grade"],
        amount(cap["value"]),
        scoring.CapSide(cap.get("side", "at_most")),
        scoring.CapMeasure(cap.get("measure", "share")),
        scoring.CapScope(cap.get("extent", "group")),
        scoring.Rounding(cap.get("rounding", "down")),
        scoring.CapMode(cap.get("mode", "warning")),
        tuple(cap.get("tie_breaks", [])),
    )


def _source_value(source: Content) -> scoring.SourceRule:
    annual = [
        (label, amount(row["points"]))
        for row in source.get("annual_points", [])
        for label in (row["label"], *row.get("synonyms", []))
    ]
    return scoring.SourceRule(
        source["code"],
        source["name"],
        scoring.SourceKind(source["kind"]),
        amount(source["weight"]),
        tuple(
            scoring.OptionRule(
                option["code"], option["label"], maybe(option.get("points")), option.get("satisfied", False)
            )
            for option in source.get("options", [])
        ),
        int(source.get("minimum_ballots", 0)),
        tuple(annual),
        bool(source.get("allow_over", False)),
        tuple(
            scoring.GroupRule(group["code"], group["name"], amount(group["weight"]))
            for group in source.get("groups", [])
        ),
        amount(source.get("full_marks", 100)),
    )


def check(files: list[PresetFile], known_rubrics: Mapping[str, scoring.RubricRule] | None = None) -> list[str]:
    """Return warnings about presets that may be loaded.

    `known_rubrics` are those already in the database, by code. Raises PresetError with every impossible rule.
    """
    rubrics = dict(known_rubrics or {})
    found: list[tuple[str, scoring.Finding]] = []
    for file in files:
        if file.kind == "rubric":
            rubrics[file.code] = rubric_value(file.content)
            found += [(file.name, finding) for finding in scoring.check_rubric(rubrics[file.code])]
    for file in files:
        if file.kind == "campaign":
            found += [(file.name, finding) for finding in _check_rounds(file.content, rubrics)]
    if fatal := [f"{name}：{finding.text}" for name, finding in found if finding.fatal]:
        raise PresetError(fatal)
    return [f"{name}：{finding.text}" for name, finding in found]


def _check_rounds(content: Content, rubrics: Mapping[str, scoring.RubricRule]) -> Iterator[scoring.Finding]:
    """Check every round of a preset."""
    scales = {scale["code"] for scale in content["scales"]}
    ordinals = {entry["ordinal"] for entry in content["rounds"]}
    for entry in content["rounds"]:
        title = f"“{entry['name']}”"
        base = entry.get("same_as")
        if base is not None and (base not in ordinals or base >= entry["ordinal"]):
            yield scoring.Finding(f"{title}的 same_as 要指向前面的轮次。")
            continue
        full = complete_round(content, entry["ordinal"])
        if full.get("scale") not in scales:
            yield scoring.Finding(f"{title}没有指明等级表，或等级表不在文件里。")
            continue
        grades = next(scale["grades"] for scale in content["scales"] if scale["code"] == full["scale"])
        if unknown := set(full.get("publicity", {}).get("grades", ())) - {grade["code"] for grade in grades}:
            yield scoring.Finding(f"{title}公示的等级 {'、'.join(sorted(unknown))} 不在等级表里。")
        used: dict[str, scoring.RubricRule] = {}
        for category, code in full.get("rubrics", {}).items():
            if code in rubrics:
                used[category] = rubrics[code]
            else:
                yield scoring.Finding(f"{title}给 {category} 指定的评分标准 {code} 还没有载入。")
        for finding in scoring.check_round(round_value(content, entry["ordinal"]), used):
            yield scoring.Finding(f"{title}：{finding.text}", finding.fatal)
