"""Between the rules of a round as a preset writes them and the parts of the editor, both ways."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from branches.models import Category
from branches.registries import figure_texts
from grading.forms.rule_sections import FIXED, GIVERS, Part
from grading.forms.rules import Choices, Column, Reading, Row, filled, read
from grading.models import Round, RoundStep, Rubric, Source
from grading.presets import Content
from grading.scoring.rules import RATE_FIGURE, SATISFACTION_FIGURE, SOURCE_FIGURE

SHEET_CODES = (Source.SELF, Source.SUPERIOR, Source.SPOT_CHECK)
NOTHING: Choices = (("", "—"),)


@dataclass(slots=True)
class Changes:
    """What one part of the editor says: keys of a preset's round, and what could not be read."""

    content: Content = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def columns_of(part: Part) -> Sequence[Column]:
    """Return the single values of a part; 评分标准 has one for every category."""
    if part.code != "rubrics":
        return part.columns
    rows = Category.objects.order_by("position", "pk").values_list("code", "name")
    return [Column(code, name, "choice", required=False, choices="rubrics") for code, name in rows]


def choices_for(entry: Content) -> Mapping[str, Choices]:
    """Return what the fields of a round offer, its own grades and sources included."""
    grades = [(grade["code"], grade["label"]) for grade in entry["grades"]]
    sources = [(source["code"], source["name"]) for source in entry["sources"]]
    sheets = [(one["code"], one["name"]) for one in entry["sources"] if one["kind"] == Source.Kind.SHEET]
    rubrics = {
        row.code: f"{row.title}（第{row.version}版）" for row in Rubric.objects.published().order_by("code", "version")
    }
    return {
        **FIXED,
        "givers": [*GIVERS, *((code, label) for code, label in sheets if code not in SHEET_CODES)],
        "grades": grades,
        "maybe_grades": [("", "不限"), *grades],
        "maybe_sources": [*NOTHING, *sources],
        "maybe_sheets": [*NOTHING, *sheets],
        "figures": figure_choices(entry),
        "rubrics": [*NOTHING, *rubrics.items()],
    }


def figure_choices(entry: Content) -> Choices:
    """Return the figures a gate may ask for: 满意率, what the system computes, and the score of each source."""
    ballots = [one for one in entry["sources"] if one["kind"] == Source.Kind.APPRAISAL]
    texts = figure_texts()
    offered = [(code, text.name) for code, text in texts.items() if code != SATISFACTION_FIGURE]
    if ballots:
        offered.insert(0, (SATISFACTION_FIGURE, ballots[0].get("rate_name") or Source.USUAL_RATE))
    if len(ballots) > 1:
        offered += [
            (f"{RATE_FIGURE}{one['code']}", f"{one['name']}的{one.get('rate_name') or Source.USUAL_RATE}")
            for one in ballots
        ]
    return [*offered, *((f"{SOURCE_FIGURE}{one['code']}", f"{one['name']}得分") for one in entry["sources"])]


# --- stored to typed ---------------------------------------------------------------------------------------------


def typed_from(part: Part, entry: Content) -> Row:
    """Return a part as it would be typed."""
    content = dict(entry)
    if part.code == "grades":
        lines = {cut["grade"]: cut["minimum"] for cut in entry["cut_offs"]}
        content["grades"] = [grade | {"minimum": lines.get(grade["code"])} for grade in entry["grades"]]
    if part.code == "sources":
        content["sources"] = [{"full_marks": FULL} | source | {"giver": _giver(source)} for source in entry["sources"]]
    if part.code == "steps":
        content["steps"] = [_without_usual_name(step) for step in entry["steps"]]
    if part.code == "caps":
        content["caps"] = [cap | _ties(cap.get("tie_breaks", [])) for cap in entry["caps"]]
    if part.code == "compare":
        content = dict(entry.get("divergence") or {})
    if part.code == "rubrics":
        content = dict(entry["rubrics"])
    return filled(content, columns_of(part), part.tables)


def _giver(source: Content) -> str:
    return str(source["code"] if source["kind"] == Source.Kind.SHEET else source["kind"])


def _without_usual_name(step: Content) -> Content:
    """Leave out a step's name where it is the usual one, so that another kind of step is not called by it."""
    usual = dict(RoundStep.Code.choices).get(step["code"])
    return {key: value for key, value in step.items() if key != "name" or value != usual}


def _ties(codes: Sequence[str]) -> Content:
    return dict(zip(("tie", "tie_then"), codes, strict=False))


# --- typed to stored ---------------------------------------------------------------------------------------------


def changes_from(part: Part, row: Row, entry: Content) -> Changes:
    """Return what a person typed into a part, as changes of the round's rules."""
    found = read(row, columns_of(part), part.tables, choices_for(entry))
    return MEANINGS[part.code](part, found, entry)


def _plain(part: Part, found: Reading, _entry: Content) -> Changes:
    """Single values and tables that stand in a round as they were typed."""
    content: Content = {column.name: found.content.get(column.name) for column in part.columns}
    content |= {table.name: found.content.get(table.name, []) for table in part.tables}
    return Changes(content, found.faults)


def _basics(part: Part, found: Reading, entry: Content) -> Changes:
    changes = _plain(part, found, entry)
    places, months = found.content.get("places"), found.content.get("exempt_months")
    if places is not None and places > MOST_PLACES:
        changes.faults.append(("id_places", f"综合得分最多保留 {MOST_PLACES} 位小数。"))
    if months is not None and not 1 <= months <= MOST_MONTHS:
        changes.faults.append(("id_exempt_months", f"成立月数请填 1 至 {MOST_MONTHS}。"))
    return changes


def _steps(part: Part, found: Reading, entry: Content) -> Changes:
    """Steps once each, called as the system calls them where nothing else is typed; 公示 days 0 when left out."""
    changes = _plain(part, found, entry)
    labels = dict(RoundStep.Code.choices)
    seen: set[str] = set()
    for number, step in enumerate(changes.content["steps"]):
        code = step.get("code", "")
        step.setdefault("name", labels.get(code, code))
        if code in seen:
            changes.faults.append((f"id_steps-{number}-code", f"步骤“{labels.get(code, code)}”重复。"))
        seen.add(code)
    changes.content["publicity_days"] = found.content.get("publicity_days") or 0
    return changes


def _grades(_part: Part, found: Reading, _entry: Content) -> Changes:
    """Grades with the lines that stand beside them."""
    rows = found.content.get("grades", [])
    grades = [{"code": row["code"], "label": row.get("label", "")} for row in rows]
    lines = [{"grade": row["code"], "minimum": row["minimum"]} for row in rows if "minimum" in row]
    faults = list(found.faults)
    wrong = [row.get("label", "") for row in rows if Decimal(row.get("minimum", 0)) > MOST_POINTS]
    faults += [("id_grades-0-minimum", f"“{label}”的分数线不在 0 至 100 之间。") for label in wrong]
    for first, second in _repeated([line["minimum"] for line in lines]):
        faults.append(
            (f"id_grades-{second}-minimum", f"第 {first + 1} 行和第 {second + 1} 行的分数线相同，两个等级重叠。")
        )
    return Changes({"grades": grades, "cut_offs": lines}, faults)


def _repeated(values: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of equal values, as pairs."""
    return [(values.index(value), number) for number, value in enumerate(values) if values.index(value) != number]


def _sources(_part: Part, found: Reading, entry: Content) -> Changes:
    """Sources: how each comes about says its kind and, where the system asks for the sheet by name, its code.

    A source that is new brings its step, one that goes takes it along.
    """
    faults = list(found.faults)
    labels = dict(GIVERS)
    entries: list[Content] = []
    for number, row in enumerate(found.content.get("sources", [])):
        source = dict(row)
        giver = source.pop("giver", Source.SELF)
        on_sheet = giver in SHEET_CODES or giver not in labels
        source["kind"] = Source.Kind.SHEET if on_sheet else giver
        taken = [one["code"] for one in entries]
        if on_sheet:
            source["code"] = giver
            if giver in taken:
                label = labels.get(giver, giver).partition("，")[0]
                faults.append((f"id_sources-{number}-giver", f"“{label}”只能有一个来源。"))
        elif not source.get("code") or source["code"] in SHEET_CODES:
            source["code"] = _free(giver, [*taken, *(one.get("code", "") for one in found.content["sources"])])
        if Decimal(source.get("weight", 0)) > MOST_POINTS:
            faults.append((f"id_sources-{number}-weight", f"{source.get('name', '')}的权重应在 0 至 100 之间。"))
        full = Decimal(source.get("full_marks", FULL))
        if full <= 0:
            faults.append((f"id_sources-{number}-full_marks", f"{source.get('name', '')}的满分应大于 0。"))
        if full == Decimal(FULL):
            source.pop("full_marks", None)
        entries.append({key: value for key, value in source.items() if value != []})
    content: Content = {"sources": [_ordered(source) for source in entries]}
    steps = _steps_with(entry, entries)
    return Changes(content if steps == entry["steps"] else content | {"steps": steps}, faults)


def _step_of(source: Content) -> str:
    """Return the code of the step in which a source comes in."""
    return _giver(source)


def _steps_with(entry: Content, sources: Sequence[Content]) -> list[Content]:
    """Return the steps with those of new sources before the deciding ones, and without those of sources that went.

    A step with a last day stays: somebody thought about it.
    """
    had, has = ({_step_of(one) for one in several} for several in (entry["sources"], sources))
    steps = [one for one in entry["steps"] if one["code"] not in had - has or one.get("due_on")]
    listed = {one["code"] for one in steps}
    for source in sources:
        code = _step_of(source)
        if code in had or code in listed or code not in SOURCE_STEPS:
            continue
        place = next((number for number, one in enumerate(steps) if one["code"] in AFTER_SOURCES), len(steps))
        steps.insert(place, {"code": code, "name": source.get("name") or SOURCE_STEPS[code]})
        listed.add(code)
    return steps


def _ordered(source: Content) -> Content:
    """Return a source with its keys in the order they are read from rows, so that equal ones compare equal."""
    return {key: source[key] for key in sorted(source)}


def _free(stem: str, taken: Sequence[str]) -> str:
    """Return the stem, or the stem with the first number nobody has."""
    return next(code for number in range(1, 100) if (code := stem if number == 1 else f"{stem}-{number}") not in taken)


def _gates(_part: Part, found: Reading, entry: Content) -> Changes:
    """Gates, called by what they look at."""
    names = dict(figure_choices(entry))
    texts = figure_texts()
    rows = [
        row | {"name": names.get(figure) or (texts[figure].name if figure in texts else figure)}
        for row in found.content.get("gates", [])
        for figure in [row.get("figure", "")]
    ]
    return Changes({"gates": rows}, found.faults)


def _caps(_part: Part, found: Reading, _entry: Content) -> Changes:
    """Caps, their tie breaks as one list."""
    faults = list(found.faults)
    rows = []
    seen: set[tuple[Any, ...]] = set()
    for number, typed in enumerate(found.content.get("caps", [])):
        row = dict(typed)
        ties = [code for code in (row.pop("tie", ""), row.pop("tie_then", "")) if code]
        key = (row.get("grade"), row.get("side"), row.get("extent"))
        if key in seen:
            faults.append((f"id_caps-{number}-grade", "同一等级、同样范围的名额限制写了两条。"))
        seen.add(key)
        rows.append(row | ({"tie_breaks": list(dict.fromkeys(ties))} if ties else {}))
    return Changes({"caps": rows}, faults)


def _compare(_part: Part, found: Reading, _entry: Content) -> Changes:
    """Two sources and at least one limit, or nothing at all."""
    given, faults = found.content, list(found.faults)
    first, second = given.get("first"), given.get("second")
    if not first and not second:
        return Changes({"divergence": {}}, faults)
    if not first or not second or first == second:
        faults.append(("id_second", "请选两个不同的来源来比。"))
    if not any(given.get(name) for name in ("points", "section_points", "grades")):
        faults.append(("id_points", "请至少填一项相差多少。"))
    return Changes({"divergence": given}, faults)


def _rubrics(_part: Part, found: Reading, _entry: Content) -> Changes:
    return Changes({"rubrics": {code: rubric for code, rubric in found.content.items() if rubric}}, found.faults)


FULL = "100"
SOURCE_STEPS: Mapping[str, str] = {
    code: label
    for code, label in RoundStep.Code.choices
    if code in (*SHEET_CODES, Source.Kind.APPRAISAL, Source.Kind.ANNUAL)
}
AFTER_SOURCES = frozenset(
    [RoundStep.Code.PROPOSE, RoundStep.Code.DECIDE, RoundStep.Code.CONFIRM, RoundStep.Code.PUBLICITY,
     RoundStep.Code.FINAL]
)  # fmt: skip
MOST_PLACES = 6
MOST_MONTHS = 120
MOST_POINTS = 100
MEANINGS: Mapping[str, Callable[[Part, Reading, Content], Changes]] = {
    "basics": _basics, "grades": _grades, "sources": _sources, "gates": _gates, "vetoes": _plain, "caps": _caps,
    "compare": _compare, "steps": _steps, "checks": _plain, "problems": _plain,
    "rubrics": _rubrics,
}  # fmt: skip


# --- how far a round is ------------------------------------------------------------------------------------------


def summary_of(part: Part, entry: Content) -> tuple[bool, str]:
    """Return whether a part says what it must, and how much it says."""
    if part.code == "basics":
        return True, dict(Round.DecidingLevel.choices)[entry["deciding_level"]] + "定级"
    if part.code == "grades":
        lines = len(entry["cut_offs"])
        return len(entry["grades"]) > 1 and lines == len(entry["grades"]) - 1, f"{len(entry['grades'])} 级"
    if part.code == "sources":
        weights = sum((Decimal(source["weight"]) for source in entry["sources"]), Decimal(0))
        return weights == MOST_POINTS, f"{len(entry['sources'])} 项，{weights}%"
    if part.code == "compare":
        return True, "已设" if entry.get("divergence") else "不设"
    if part.code == "rubrics":
        return bool(entry["rubrics"]), f"{len(entry['rubrics'])} 类"
    number = len(entry[part.code])
    return number > 0 or part.code != "steps", f"{number} 项" if number else "不设"
