"""Presets as TOML text: what is written here is read again by presets.read_text. Writes no file, knows no Django."""

import json
import re
from typing import Any

from grading.presets import AMOUNTS, Content

DATES = frozenset({"starts_on", "ends_on", "opens_on", "due_on"})
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
BLOCKS = ("stages", "deliverables", "targets", "scales", "rounds", "sources", "sections", "criteria")


def write(content: Content) -> str:
    """Return a preset as TOML: single values first, then the tables, as a person would write them."""
    lines: list[str] = []
    _table(lines, content, "")
    return "\n".join(lines) + "\n"


def _table(lines: list[str], content: Content, path: str) -> None:
    """Write one table: values, then the tables inside it."""
    inner = {key: value for key, value in content.items() if _is_table(key, value)}
    lines += [f"{_key(key)} = {_value(key, value)}" for key, value in content.items() if key not in inner]
    for key, value in inner.items():
        name = f"{path}.{_key(key)}" if path else _key(key)
        for one in [value] if isinstance(value, dict) else value:
            lines.append("")
            lines.append(f"[{name}]" if isinstance(value, dict) else f"[[{name}]]")
            _table(lines, one, name)


def _is_table(key: str, value: Any) -> bool:
    """Tell whether a value becomes a table of its own rather than a line."""
    rows = isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    return isinstance(value, dict) or (key in BLOCKS and bool(rows))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _value(key: str, value: Any) -> str:
    """Return one value: amounts as numbers, days as days, the rest as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        items = [_value(key, item) for item in value]
        broad = any(isinstance(item, dict) for item in value)
        return "[\n" + "".join(f"    {item},\n" for item in items) + "]" if broad else f"[{', '.join(items)}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_value(name, item)}" for name, item in value.items()) + " }"
    if key in AMOUNTS or (key in DATES and _DAY.fullmatch(str(value))):
        return str(value)
    return _string(str(value))


def _string(text: str) -> str:
    """Return a TOML basic string; JSON escapes the same characters, save one control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
