"""Reading a list of people: staff and students with unit, class, tutors and focus groups. Pure: no model, no query.

A list of twenty thousand has few units, classes and focus groups: what was understood once is not read again.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from branches.intake.headers import cell_text
from branches.intake.matching import name_key, nearest
from branches.intake.rows import in_order
from branches.intake.shapes import Grid, Limits, MappingChoice, Problem, RawCell, Severity, TableMapping, Workbook
from branches.intake.sheets import Selection, select_sheets
from branches.intake.units import unit_core
from branches.intake.values import (
    Parsed,
    as_text,
    narrow,
    parse_gender,
    parse_person,
    parse_text,
    parse_unit_name,
    shortened,
)
from branches.intake.vocabulary import Vocabulary

TABLE = "people"
STUDENT = "student"
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,39}")
_BREAKS = re.compile(r"[\s、，,;；/／|]+")
_EXACT_DIGITS = 15
CLASS_LENGTH = 60
_SPOKEN = {
    "number": "工号/学号", "name": "姓名", "gender": "性别", "category": "人员类别", "unit": "单位",
    "class_group": "班级", "class_tutor": "辅导员工号", "tutor": "导师工号", "focus": "重点类别",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit people may belong to; one out of reach is known only to be refused."""

    key: int
    names: tuple[str, ...]
    within: bool = True


@dataclass(frozen=True, slots=True)
class KnownWord:
    """A category of people or a focus group, with every way it is written."""

    code: str
    name: str
    kind: str
    words: tuple[str, ...] = ()
    sensitive: bool = False


@dataclass(frozen=True)
class Known:
    """What the system knows and a list may name."""

    units: Sequence[KnownUnit]
    categories: Sequence[KnownWord]
    focus: Sequence[KnownWord] = ()
    gender_codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person as a list states them; `stated` are the fields its sheet has columns for."""

    sheet: str
    row: int
    number: str
    name: str
    category: str
    kind: str
    unit: int
    gender: str = ""
    class_group: str = ""
    class_tutor: str = ""
    tutors: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PeopleReading:
    """What a workbook says; a row with an error is not among `rows`."""

    rows: tuple[PersonRow, ...]
    problems: tuple[Problem, ...]
    seen: int
    mappings: Mapping[str, TableMapping]
    notes: tuple[str, ...] = ()

    @property
    def faulty(self) -> bool:
        """Whether anything forbids importing."""
        return any(problem.level is Severity.ERROR for problem in self.problems)


@dataclass(slots=True)
class _Repeated:
    """A fault of a value that many rows repeat: said once, at its first cell."""

    problem: Problem
    times: int = 1


class _Sheet:
    """Reads one sheet."""

    def __init__(self, grid: Grid, mapping: TableMapping, reader: "_Reader") -> None:
        self.grid, self.mapping, self.reader = grid, mapping, reader
        self.stated = frozenset(mapping.columns)
        self.category = reader.category_of_sheet(grid.name, self.stated)
        self.failed = False

    def cell(self, row: int, name: str) -> RawCell | None:
        column = self.mapping.columns.get(name)
        return None if column is None else self.grid.shown(row, column)

    def fault(self, row: int, name: str, reason: str, code: str) -> None:
        """Note what is wrong with a cell."""
        self.failed = True
        cell = self.mapping.at(row, name)
        self.reader.problems.append(Problem(self.grid.name, cell, Severity.ERROR, reason, code))

    def once(self, row: int, name: str, parsed: Parsed[str], suggestions: tuple[str, ...] = ()) -> None:
        """Note a fault of a value other rows may repeat."""
        self.failed = True
        key = (self.grid.name, name, parsed.reason)
        found = self.reader.repeated.get(key)
        if found is not None:
            found.times += 1
            return
        cell = self.mapping.at(row, name)
        problem = Problem(self.grid.name, cell, Severity.ERROR, parsed.reason, parsed.code, suggestions)
        self.reader.repeated[key] = _Repeated(problem)

    def read(self, row: int) -> PersonRow | None:
        """Return the person of a row, or None when something is wrong with it."""
        self.failed = False
        number, name = self._number(row), self._name(row)
        category = self._category(row)
        unit = self._known(row, "unit", self.reader.unit)
        kind = category.kind if category else ""
        class_group = self._known(row, "class_group", self.reader.text)
        if class_group and kind and kind != STUDENT:
            class_group = ""
        tutor_of_class = self._numbers(row, "class_tutor")
        if len(tutor_of_class) > 1:
            self.fault(row, "class_tutor", "辅导员工号一个班只写一个", "two_tutors")
        focus = self._focus(row, kind)
        gender = self._known(row, "gender", self.reader.gender)
        tutors = self._numbers(row, "tutor")
        if self.failed or category is None:
            return None
        return PersonRow(
            sheet=self.grid.name, row=row, number=number, name=name, category=category.code, kind=kind,
            unit=int(unit), gender=gender, class_group=class_group, class_tutor="".join(tutor_of_class[:1]),
            tutors=tutors, focus=focus, stated=self.stated,
        )  # fmt: skip

    def _number(self, row: int) -> str:
        cell = self.cell(row, "number")
        if cell is None or cell.blank:
            self.fault(row, "number", "工号/学号为空", "number_empty")
            return ""
        return self._as_number(row, "number", cell, narrow(as_text(cell)).strip())

    def _as_number(self, row: int, name: str, cell: RawCell, text: str) -> str:
        if cell.data_type == "n" and len(text) > _EXACT_DIGITS:
            reason = f"{_SPOKEN[name]}按数字保存且超过{_EXACT_DIGITS}位，末几位已失真，请改为文本后重新填写"
            self.fault(row, name, reason, "number_rounded")
        elif not _NUMBER.fullmatch(text):
            self.fault(row, name, f"{_SPOKEN[name]}“{shortened(text, 20)}”只能有字母、数字和短横", "number_form")
        return text

    def _name(self, row: int) -> str:
        cell = self.cell(row, "name")
        parsed = parse_person(cell, self.reader.vocabulary, self.reader.limits) if cell else Parsed("")
        if parsed.reason:
            self.fault(row, "name", f"姓名{parsed.reason}", parsed.code)
        elif not parsed.value:
            self.fault(row, "name", "姓名为空", "name_empty")
        return parsed.value or ""

    def _category(self, row: int) -> KnownWord | None:
        cell = self.cell(row, "category")
        if cell is not None and not cell.blank:
            parsed = self.reader.memo("category", cell, self.reader.category)
            if parsed.reason:
                self.once(row, "category", parsed)
                return None
            return self.reader.category_codes[parsed.value or ""]
        if self.category is None:
            self.fault(row, "category" if "category" in self.stated else "name", "人员类别为空", "category_empty")
        return self.category

    def _known(self, row: int, name: str, understand: "Callable[[RawCell], Parsed[str]]") -> str:
        cell = self.cell(row, name)
        if cell is None or cell.blank:
            if name == "unit":
                self.fault(row, name, "单位为空", "unit_empty")
            return ""
        parsed = self.reader.memo(name, cell, understand)
        if parsed.reason:
            self.once(row, name, parsed, self.reader.suggestions.get(parsed.reason, ()))
        return parsed.value or ""

    def _numbers(self, row: int, name: str) -> tuple[str, ...]:
        cell = self.cell(row, name)
        if cell is None or cell.blank:
            return ()
        written = [part for part in _BREAKS.split(narrow(as_text(cell)).strip()) if part]
        return tuple(dict.fromkeys(self._as_number(row, name, cell, text) for text in written))

    def _focus(self, row: int, kind: str) -> tuple[str, ...]:
        cell = self.cell(row, "focus")
        if cell is None or cell.blank or not kind:
            return ()
        parsed = self.reader.memo(f"focus-{kind}", cell, lambda one: self.reader.focus(one, kind))
        if parsed.reason:
            self.once(row, "focus", parsed)
        return tuple(parsed.value.split()) if parsed.value else ()


class _Reader:
    """What all sheets of a workbook share."""

    def __init__(self, known: Known, vocabulary: Vocabulary, decisions: Mapping[str, str]) -> None:
        self.known, self.vocabulary, self.limits = known, vocabulary, Limits()
        self.problems: list[Problem] = []
        self.repeated: dict[tuple[str, str, str], _Repeated] = {}
        self.suggestions: dict[str, tuple[str, ...]] = {}
        self.decisions = {name_key(written): meant for written, meant in decisions.items()}
        self.category_codes = {one.code: one for one in known.categories}
        self._categories = {name_key(word): one for one in known.categories for word in (one.name, *one.words)}
        self._focus = {(one.kind, name_key(word)): one for one in known.focus for word in (one.name, *one.words)}
        self._memo: dict[tuple[str, str], Parsed[str]] = {}
        self._units: dict[str, list[KnownUnit]] = {}
        for unit in known.units:
            keys = {key for name in unit.names for key in (name_key(name), unit_core(name, vocabulary)) if key}
            for key in keys:
                self._units.setdefault(key, []).append(unit)

    def memo(self, name: str, cell: RawCell, understand: Callable[[RawCell], Parsed[str]]) -> Parsed[str]:
        """Return what a cell says; a text read before is not read again."""
        key = (name, cell_text(cell))
        if key not in self._memo:
            self._memo[key] = understand(cell)
        return self._memo[key]

    def text(self, cell: RawCell) -> Parsed[str]:
        """Read the name of a class."""
        parsed = parse_text(cell, self.vocabulary, self.limits)
        if parsed.reason:
            return Parsed(reason=f"班级{parsed.reason}", code=parsed.code)
        text = " ".join((parsed.value or "").split())
        if len(text) > CLASS_LENGTH:
            return Parsed(reason=f"班级过长（{len(text)}字，最多{CLASS_LENGTH}字）", code="too_long")
        return Parsed(text)

    def gender(self, cell: RawCell) -> Parsed[str]:
        """Read 男 or 女."""
        parsed = parse_gender(cell, self.vocabulary, self.limits)
        if parsed.reason:
            return Parsed(reason=f"性别{parsed.reason}", code=parsed.code)
        return Parsed(self.known.gender_codes.get(parsed.value or "", ""))

    def category(self, cell: RawCell) -> Parsed[str]:
        """Read a category of people by its words."""
        text = as_text(cell).strip()
        found = self._categories.get(name_key(text))
        if found is not None:
            return Parsed(found.code)
        names = "、".join(one.name for one in self.known.categories)
        return Parsed(reason=f"人员类别“{shortened(text, 20)}”不认识，应为{names}", code="category_unknown")

    def category_of_sheet(self, name: str, stated: frozenset[str]) -> KnownWord | None:
        """Return the category of rows that state none: the one the sheet's name says, else students by their class."""
        key = name_key(name)
        said = [one for word, one in self._categories.items() if word in key]
        if len({one.code for one in said}) == 1:
            return said[0]
        if "category" not in stated and "class_group" in stated:
            return next((one for one in self.known.categories if one.kind == STUDENT), None)
        return None

    def unit(self, cell: RawCell) -> Parsed[str]:
        """Read a unit by its name, its short name or its code."""
        parsed = parse_unit_name(cell, self.vocabulary, self.limits)
        if parsed.reason:
            return Parsed(reason=f"单位{parsed.reason}", code=parsed.code)
        written = parsed.value or ""
        text = self.decisions.get(name_key(written), written)
        found = self._units.get(name_key(text)) or self._units.get(unit_core(text, self.vocabulary), [])
        keys = {unit.key for unit in found}
        if len(keys) == 1:
            if found[0].within:
                return Parsed(str(found[0].key))
            return Parsed(reason=f"“{shortened(text, 30)}”不在您的管理范围内", code="unit_foreign")
        if keys:
            return Parsed(reason=f"“{shortened(text, 30)}”对应不止一个单位，请写全称或编号", code="unit_ambiguous")
        names = [unit.names[0] for unit in self.known.units if unit.within and unit.names]
        near = nearest(name_key(text), [name_key(name) for name in names])
        shown = f"，是否指“{near[0]}”？请在下面确认" if near else "，请核对后重新上传"
        reason = f"没有叫“{shortened(text, 30)}”的单位{shown}"
        self.suggestions[reason] = tuple(near)
        return Parsed(reason=reason, code="unit_unknown")

    def focus(self, cell: RawCell, kind: str) -> Parsed[str]:
        """Read focus groups; a sensitive one is refused: nobody is put on a list for it."""
        codes = []
        for text in (part for part in _BREAKS.split(as_text(cell).strip()) if part):
            if self.vocabulary.is_none(text):
                continue
            found = self._focus.get((kind, name_key(text)))
            if found is None:
                return Parsed(reason=f"重点类别“{shortened(text, 20)}”不认识", code="focus_unknown")
            if found.sensitive:
                reason = f"“{found.name}”属敏感类别，不进名册；请从表中删去，由访谈人在加密记录里填写"
                return Parsed(reason=reason, code="focus_sensitive")
            codes.append(found.code)
        return Parsed(" ".join(dict.fromkeys(codes)))


def read_people(
    workbook: Workbook,
    vocabulary: Vocabulary,
    known: Known,
    *,
    mapping: Mapping[str, MappingChoice] | None = None,
    decisions: Mapping[str, str] | None = None,
) -> PeopleReading:
    """Read every list of people in a workbook; `decisions` say for a doubtful unit name which one is meant."""
    selection = select_sheets(workbook, vocabulary, TABLE, mapping)
    reader = _Reader(known, vocabulary, decisions or {})
    rows: list[PersonRow] = []
    seen = 0
    for grid, table in selection.tables:
        sheet = _Sheet(grid, table, reader)
        for row in table.data_rows():
            seen += 1
            person = sheet.read(row)
            if person is not None:
                rows.append(person)
    problems = [*selection.problems, *reader.problems, *map(_said, reader.repeated.values())]
    problems += check_together(rows, selection)
    notes = tuple(f"工作表“{grid.name}”{note}" for grid, table in selection.tables for note in table.notes)
    mappings = {grid.name: table for grid, table in selection.tables}
    return PeopleReading(tuple(rows), in_order(problems, workbook), seen, mappings, notes)


def _said(repeated: _Repeated) -> Problem:
    problem = repeated.problem
    if repeated.times == 1:
        return problem
    reason = f"{problem.reason}（共 {repeated.times} 行）"
    return Problem(problem.sheet, problem.cell, problem.level, reason, problem.code, problem.suggestions)


def check_together(rows: Iterable[PersonRow], selection: Selection) -> list[Problem]:
    """A number stands once; a class has one tutor."""
    tables = {grid.name: table for grid, table in selection.tables}
    first: dict[str, PersonRow] = {}
    tutors: dict[tuple[int, str], PersonRow] = {}
    problems = []

    def fault(row: PersonRow, name: str, reason: str, code: str) -> None:
        problems.append(Problem(row.sheet, tables[row.sheet].at(row.row, name), Severity.ERROR, reason, code))

    for row in rows:
        other = first.setdefault(row.number, row)
        if other is not row:
            where = tables[other.sheet].at(other.row, "number")
            fault(row, "number", f"{row.number} 与工作表“{other.sheet}”{where} 重复", "number_twice")
        if row.class_tutor and row.class_group:
            known = tutors.setdefault((row.unit, row.class_group), row)
            if known.class_tutor != row.class_tutor:
                reason = f"{row.class_group}的辅导员前面写的是 {known.class_tutor}，这里是 {row.class_tutor}"
                fault(row, "class_tutor", reason, "tutor_differs")
    return problems
