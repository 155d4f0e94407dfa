"""Talks of a large school under load: `python -m bench.talks [--students 20000] [--talks 100000]`, and their figures.

Real processes (`manage.py serve`), real HTTP over 16 connections kept alive; the bare sign-in page and the pages take
turns in one run (bench.boards), so that a busy minute falls on all of them. The import is timed from the file to the
rows, every step of the pages included.
"""

import argparse
import importlib
import json
import os
import tempfile
from functools import cache
from typing import Any

import django

from bench.boards import TURNS, load
from bench.figures import Figure, Result, in_child
from bench.rush import percentile, serving
from tests import servers

STUDENTS, TALKS = 20_000, 100_000
FEW = (2_000, 4_000)


def build(home: str, students: int, talks: int) -> tuple[Any, Any, dict[str, tuple[str, Any]]]:
    """Set Django up, build the school; return it with the pages and who asks for them."""
    os.environ.update(ZHIBU_VAR=home, ZHIBU_DEMO="1", DJANGO_SETTINGS_MODULE="config.settings")
    django.setup()
    school = importlib.import_module("bench.talks_school")
    made = school.prepare(students, talks)
    unit = made.campaign.roster.first().unit_id
    plan = f"/interviews/plan/{made.campaign.pk}"
    pages = {
        "my list": ("/interviews/mine/", made.tutor),
        "coverage": (f"{plan}/coverage/?category=student", made.office),
        "coverage of a unit": (f"{plan}/coverage/{unit}/?category=student&by=class", made.office),
    }
    return school, made, pages


def run(students: int, talks: int) -> dict[str, Any]:
    """Build, serve, load; return the 95th percentiles in seconds. Call it in a fresh process: it sets Django up."""
    with tempfile.TemporaryDirectory(prefix="zhibu-talks-") as home:
        school, made, pages = build(home, students, talks)
        found: dict[str, Any] = {
            "students": students, "talks": talks, "rows": made.rows, "import": made.import_seconds,
            "queries": {name: school.queries(by, path) for name, (path, by) in pages.items()},
            "counting": school.counting_seconds(made.campaign),
        }  # fmt: skip
        asked = {"sign-in": ("/login/", "")}
        asked |= {name: (path, school.session(by)) for name, (path, by) in pages.items()}
        school.done()
        times: dict[str, list[float]] = {name: [] for name in asked}
        port = servers.free_port()
        with serving(dict(os.environ), port):
            for path, by in asked.values():
                load(port, path, by, [])  # warm
            for _ in range(TURNS):
                for name, (path, by) in asked.items():
                    load(port, path, by, times[name])
    return found | {name: percentile(one, 0.95) for name, one in times.items()}


@cache
def measured() -> dict[str, Any]:
    """Return what one run found, once for all figures."""
    return in_child(run, STUDENTS, TALKS)


def compared(page: str) -> Result:
    """Return how many times the sign-in page's p95 that of a page is."""
    found = measured()
    said = f"{found[page] * 1000:.0f} ms ÷ {found['sign-in'] * 1000:.0f} ms; 20,000 students, 100,000 talks"
    return Result(found[page] / found["sign-in"], "", f"{said}, 16 connections")


def imported() -> Result:
    """Return how long importing takes."""
    found = measured()
    return Result(found["import"], "s", f"{found['rows']} rows: checked, read three times, compared, written")


def queries_of(students: int, talks: int) -> dict[str, int]:
    """Return the queries of each page. Call it in a fresh process."""
    with tempfile.TemporaryDirectory(prefix="zhibu-talks-") as home:
        school, _, pages = build(home, students, talks)
        counted = {name: school.queries(by, path) for name, (path, by) in pages.items()}
        school.done()
    return counted


def constant() -> Result:
    """Return how many more queries the pages take together for the large school than for a tenth of it."""
    few, many = in_child(queries_of, *FEW), measured()["queries"]
    said = f"{sum(many.values())} queries of three pages with 20,000 students, {sum(few.values())} with 2,000"
    return Result(max(many[name] - few[name] for name in many), "", said)


FIGURES = (
    Figure("talks: importing 20,000 students, wall", "≤ 60", "", imported),
    Figure("talks: my list, p95 ÷ sign-in page's, wall", "≤ 6", "", lambda: compared("my list")),
    Figure("talks: coverage of a school, p95 ÷ sign-in page's, wall", "≤ 6", "", lambda: compared("coverage")),
    Figure("talks: coverage of a unit, p95 ÷ sign-in page's, wall", "≤ 6", "", lambda: compared("coverage of a unit")),
    Figure("talks: more queries for 20,000 students than for 2,000", "≤ 0", "", constant),
)


def main() -> None:
    """Run once and print what was found as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.talks", description=__doc__)
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--talks", type=int, default=TALKS)
    asked = parser.parse_args()
    print(json.dumps(run(asked.students, asked.talks), indent=1))


if __name__ == "__main__":
    main()
