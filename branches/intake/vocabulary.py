"""The words an office may use, loaded from data: headings, categories, grades, ends of tables.

Exports must print the `label` of each field (`Vocabulary.label`), the outer level before "/": the same labels are among
the words a reader looks for, so that an exported table imports back unchanged.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

_PUNCTUATION = re.compile(r"[\s\W_]+")
_BRACKETS = re.compile(r"[（(\[【〔].*?[)）\]】〕]")


@lru_cache(maxsize=4096)
def heading_key(text: str) -> str:
    """Return what two equal headings share: no white space, punctuation, letter case or full-width forms."""
    return _PUNCTUATION.sub("", unicodedata.normalize("NFKC", text)).casefold()


def heading_keys(text: str) -> tuple[str, ...]:
    """Return the keys of a heading, with and without what stands in brackets."""
    whole, bare = heading_key(text), heading_key(_BRACKETS.sub("", text))
    return (whole, bare) if bare and bare != whole else (whole,)


@dataclass(frozen=True)
class FieldWords:
    """How one field's column may be headed."""

    name: str
    label: str
    words: tuple[str, ...] = ()
    group: str = ""
    leaf: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """The label as levels; only the first "/" divides, 职务/职称 is one heading."""
        return tuple(self.label.split("/", 1)) if self.group else (self.label,)


@dataclass(frozen=True)
class TableWords:
    """How one kind of table is recognised."""

    name: str
    label: str
    identity: str
    required: tuple[str, ...]
    one_of: tuple[str, ...]
    signs: tuple[str, ...]
    minimum_signs: int
    neutral: frozenset[str]
    groups: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, FieldWords]


@dataclass(frozen=True)
class CategoryWords:
    """A category of branches with every way it is written; `kinds` keeps finer words such as 研究生."""

    code: str
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """All the words. Immutable: `extended` and `with_categories` return another one."""

    tables: Mapping[str, TableWords]
    categories: tuple[CategoryWords, ...]
    grades: Mapping[str, str]  # written form -> grade
    grade_names: tuple[str, ...]
    genders: Mapping[str, str]
    total: tuple[str, ...]
    subtotal: tuple[str, ...]
    note_words: tuple[str, ...]
    signatures: tuple[str, ...]
    none: frozenset[str]
    unit_labels: tuple[str, ...]
    date_labels: tuple[str, ...]
    held_labels: tuple[str, ...]
    direct: frozenset[str]
    general_suffixes: tuple[str, ...]
    branch_suffixes: tuple[str, ...]
    exempt: frozenset[str]
    score_units: tuple[str, ...]
    not_held: tuple[str, ...]
    marks: Mapping[str, bool]  # √ and its like -> whether it means yes

    def label(self, table: str, field: str) -> str:
        """Return the heading an export prints for a field, e.g. 党员数/正式."""
        return self.tables[table].fields[field].label

    def extended(self, words: Iterable[tuple[str, str, str]]) -> "Vocabulary":
        """Return a vocabulary that also knows (table, field, word), as a site taught them; unknown fields are ignored.

        A word taught for one field is taken away from the others of its table: the site knows best.
        """
        tables = dict(self.tables)
        for table, name, word in words:
            if table in tables and name in tables[table].fields:
                tables[table] = _taught(tables[table], name, word)
        return replace(self, tables=tables)

    def with_grades(self, words: Mapping[str, Iterable[str]]) -> "Vocabulary":
        """Return a vocabulary that reads results as a round names them: each grade with its other spellings.

        A word the round uses itself means what the round says; for the others the usual meaning stays.
        """
        own = {heading_key(word): grade for grade, others in words.items() for word in (grade, *others)}
        return replace(self, grades={**self.grades, **own}, grade_names=(*words, *self.grade_names)) if own else self

    def with_ballot(self, table: str, options: Sequence[tuple[str, str]]) -> "Vocabulary":
        """Return a vocabulary whose ballots have exactly these options, as (code, label) in their order."""
        return replace(self, tables={**self.tables, table: _ballot(self.tables[table], options)}) if options else self

    def with_categories(self, categories: Iterable[tuple[str, str, Iterable[str]]]) -> "Vocabulary":
        """Return a vocabulary whose categories are (code, name, synonyms), known words of each added.

        The given words win over the known ones when both claim the same form.
        """
        known = {category.code: category.words for category in self.categories}
        given = [(code, name, (name, *words)) for code, name, words in categories]
        claimed = {heading_key(word): code for code, _, words in given for word in words}
        merged = tuple(
            CategoryWords(
                code,
                name,
                (
                    *words,
                    *(
                        w
                        for w in known.get(self.category_of(name) or code, ())
                        if claimed.get(heading_key(w), code) == code
                    ),
                ),
            )
            for code, name, words in given
        )
        return replace(self, categories=merged)

    def category_of(self, text: str) -> str | None:
        """Return the code of the category written as `text`, or None."""
        keys = [heading_key(text)]
        keys += [keys[0].removesuffix(heading_key(suffix)) for suffix in self.branch_suffixes]
        return next((self._category_keys[key] for key in keys if key in self._category_keys), None)

    @cached_property
    def _category_keys(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for category in self.categories:
            for word in category.words:
                found.setdefault(heading_key(word), category.code)
        return {key: code for key, code in found.items() if key}

    def category_names(self) -> tuple[str, ...]:
        """Return the names of the categories, in order."""
        return tuple(category.name for category in self.categories)

    def is_none(self, text: str) -> bool:
        """True when the text is a way to write an empty cell."""
        return "".join(text.split()) in self.none

    def is_direct(self, text: str) -> bool:
        """True when the text in the column of the general branch means: directly under the committee."""
        return heading_key(text) in self.direct


def _ballot(table: TableWords, options: Sequence[tuple[str, str]]) -> TableWords:
    """Return the words of ballot counts whose options are the given ones; an option known before keeps its words."""
    opinions = next(iter({field.group for field in table.fields.values() if field.name == table.required[-1]}))
    fields = {name: field for name, field in table.fields.items() if field.group != opinions}
    outer = next(field.path[0] for field in table.fields.values() if field.group == opinions)
    for code, label in options:
        known = table.fields.get(code) or FieldWords(code, "")
        leaf = (label, *(word for word in known.leaf if word != label))
        words = (f"{label}票", f"{label}票数", *known.words)
        fields[code] = FieldWords(code, f"{outer}/{label}", words, opinions, leaf)
    labels = {heading_key(label): code for code, label in options}
    for code, field in list(fields.items()):
        if field.group == opinions:  # what one option is called, no other may answer to
            kept = tuple(word for word in field.leaf if labels.get(heading_key(word), code) == code)
            fields[code] = replace(field, leaf=kept)
    codes = tuple(code for code, _ in options)
    signs = tuple(sign for sign in table.signs if sign in fields and fields[sign].group != opinions)
    required = (*table.required[:-1], codes[0])
    return replace(table, fields=fields, required=required, signs=(*signs, *codes))


def _taught(table: TableWords, name: str, word: str) -> TableWords:
    key = heading_key(word)
    fields = {}
    for field, words in table.fields.items():
        kept = tuple(w for w in words.words if heading_key(w) != key)
        fields[field] = replace(words, words=(*kept, word) if field == name else kept)
    return replace(table, fields=fields)


def load_vocabulary(path: Path) -> Vocabulary:
    """Read the words from a TOML file.

    Raises KeyError or TypeError when the file lacks a part, tomllib.TOMLDecodeError when it is no TOML.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    ends, cells, units = data["ends"], data["cells"], data["units"]
    return Vocabulary(
        tables={name: _table(name, entry) for name, entry in data["tables"].items()},
        categories=tuple(_category(entry) for entry in data["categories"]),
        grades={heading_key(word): grade["name"] for grade in data["grades"] for word in grade["words"]},
        grade_names=tuple(grade["name"] for grade in data["grades"]),
        genders={heading_key(word): name for name, words in cells["genders"].items() for word in words},
        total=tuple(ends["total"]),
        subtotal=tuple(ends["subtotal"]),
        note_words=tuple(ends["notes"]),
        signatures=tuple(ends["signatures"]),
        none=frozenset(cells["none"]),
        unit_labels=tuple(cells["unit_labels"]),
        date_labels=tuple(cells["date_labels"]),
        held_labels=tuple(cells["held_labels"]),
        direct=frozenset(heading_key(word) for word in units["direct"]),
        general_suffixes=tuple(units["general_suffixes"]),
        branch_suffixes=tuple(units["branch_suffixes"]),
        exempt=frozenset(heading_key(word) for word in data["annual"]["exempt"]),
        score_units=tuple(data["annual"]["score_units"]),
        not_held=tuple(data["appraisal"]["not_held"]),
        marks={word.casefold(): said == "yes" for said in ("no", "yes") for word in data["ledger"][said]},
    )


def _category(entry: Mapping[str, Any]) -> CategoryWords:
    kinds = [word for words in entry.get("kinds", {}).values() for word in words]
    return CategoryWords(entry["code"], entry["name"], (*entry["words"], *kinds))


def _table(name: str, entry: Mapping[str, Any]) -> TableWords:
    return TableWords(
        name=name,
        label=entry["label"],
        identity=entry["identity"],
        required=tuple(entry["required"]),
        one_of=tuple(entry.get("one_of", ())),
        signs=tuple(entry["signs"]),
        minimum_signs=entry["minimum_signs"],
        neutral=frozenset(heading_key(word) for word in entry["neutral"]),
        groups={group: tuple(words) for group, words in entry["groups"].items()},
        fields={field: _field(field, words) for field, words in entry["fields"].items()},
    )


def _field(name: str, entry: Mapping[str, Any]) -> FieldWords:
    return FieldWords(
        name=name,
        label=entry["label"],
        words=tuple(entry.get("words", ())),
        group=entry.get("group", ""),
        leaf=tuple(entry.get("leaf", ())),
    )
