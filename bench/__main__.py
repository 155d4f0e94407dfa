"""`python -m bench [WORD …] [--doc]`: measure, print a table, write var/bench.json; docs/performance.md on request."""

import argparse
import datetime as dt
import importlib
import json
import os
import pkgutil
import platform
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import django

import bench
from bench.figures import Figure, holds

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "var" / "bench.json"
DOCUMENT = ROOT / "docs" / "performance.md"
_PLACE = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)
Entry = Mapping[str, Any]


def figures() -> list[Figure]:
    """Return the figures of every module of this package."""
    names = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if module.name != "__main__")
    modules = [importlib.import_module(f"bench.{name}") for name in names]
    return [figure for module in modules for figure in getattr(module, "FIGURES", ())]


def reached(entry: Entry) -> str:
    """Return how far a figure came, in a word."""
    if entry["reached"] is None:
        return "–"
    return "stretch" if entry["stretched"] else "yes" if entry["reached"] else "NO"


def run(figure: Figure) -> Entry:
    """Measure one figure."""
    result = figure.measure()
    return {
        "name": figure.name,
        "figure": result.text,
        "goal": figure.goal,
        "reached": holds(figure.goal, result.value),
        "stretch": figure.stretch,
        "stretched": holds(figure.stretch, result.value),
        "value": result.value,
        "how": result.how,
        "date": dt.datetime.now().astimezone().date().isoformat(),
    }


def known() -> list[Entry]:
    """Return what an earlier run wrote."""
    return json.loads(REPORT.read_text()).get("figures", []) if REPORT.is_file() else []


def write(entries: Sequence[Entry], names: Iterable[str]) -> list[Entry]:
    """Write the report: new entries in place of those of the same name, in the order of the figures."""
    order = {name: index for index, name in enumerate(names)}
    merged = {entry["name"]: entry for entry in (*known(), *entries) if entry["name"] in order}
    kept = sorted(merged.values(), key=lambda entry: order[entry["name"]])
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()}
    REPORT.parent.mkdir(mode=0o700, exist_ok=True)
    REPORT.write_text(json.dumps({"machine": machine, "figures": kept}, indent=1, ensure_ascii=False) + "\n")
    return kept


def document(entries: Sequence[Entry]) -> None:
    """Put the table into docs/performance.md, between its two marks."""
    lines = ["| figure | measured | goal | reached | stretch | made of | date |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {one['name']} | {one['figure']} | {one['goal']} | {reached(one)} | {one['stretch']} | {one['how']} "
        f"| {one['date']} |"
        for one in entries
    ]
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}."
    table = "\n".join([*lines, "", machine, ""])
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(_PLACE.sub(lambda found: found[1] + table + found[2], text))


def main() -> None:
    """Measure what is asked for and report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure; all figures without a word.")
    parser.add_argument("words", nargs="*", help="run only the figures whose name contains one of these")
    parser.add_argument("--doc", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--list", action="store_true", help="name the figures and measure nothing")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zhibu-bench-") as home:
        os.environ.update(ZHIBU_VAR=home, ZHIBU_DEMO="1", DJANGO_SETTINGS_MODULE="config.settings")
        django.setup()
        every = figures()
        chosen = [one for one in every if not asked.words or any(word in one.name for word in asked.words)]
        entries = []
        print(f"{'figure':>12} {'goal':<9}{'reached':<9}{'stretch':<9} name")
        for figure in chosen:
            if asked.list:
                print(f"{'':>12} {figure.goal:<9}{'':<9}{figure.stretch:<9} {figure.name}")
                continue
            entry = run(figure)
            entries.append(entry)
            line = f"{entry['figure']:>12} {figure.goal:<9}{reached(entry):<9}{figure.stretch:<9} {figure.name}"
            print(f"{line}  [{entry['how']}]" if entry["how"] else line, flush=True)
        if not asked.list:
            kept = write(entries, [figure.name for figure in every])
            print(f"written to var/{REPORT.name}", file=sys.stderr)
            if asked.doc:
                document(kept)


if __name__ == "__main__":
    main()
