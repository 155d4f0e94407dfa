"""Make a small demo in a directory of its own, measure every case on it, print a table, write var/bench.json."""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

HOME = tempfile.TemporaryDirectory(prefix="zhibu-bench-")
REPORT = Path(__file__).resolve().parent.parent / "var" / "bench.json"
os.environ.update(ZHIBU_VAR=HOME.name, ZHIBU_DEMO="1", DJANGO_SETTINGS_MODULE="config.settings")

import django

django.setup()  # before anything that imports models

from bench.cases import CASES, Case
from reporting import serving

SECONDS_PER_CASE = 4.0
MOST_RUNS = 15


def measure(case: Case) -> dict[str, object]:
    """Run a case once to warm up, then for a few seconds; return medians of wall and processor time."""
    work = case.prepare()
    size = work()
    wall, cpu = [], []
    deadline = time.perf_counter() + SECONDS_PER_CASE
    while not wall or (time.perf_counter() < deadline and len(wall) < MOST_RUNS):
        started, busy = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    return {
        "case": case.name,
        "runs": len(wall),
        "wall_ms": round(statistics.median(wall) * 1000, 1),
        "cpu_ms": round(statistics.median(cpu) * 1000, 1),
        "bytes": size,
    }


def main() -> None:
    """Measure everything and report."""
    took: dict[str, float] = {}
    for name, step in (("tables", serving.migrate), ("demo", serving.fill_demo), ("assets", serving.collect_assets)):
        started = time.perf_counter()
        step(lambda line: print(line, file=sys.stderr))
        took[name] = round(time.perf_counter() - started, 1)
    print(f"{'case':<44}{'runs':>5}{'wall ms':>10}{'cpu ms':>10}{'bytes':>10}")
    rows = []
    for case in CASES:
        row = measure(case)
        rows.append(row)
        print(f"{case.name:<44}{row['runs']:>5}{row['wall_ms']:>10}{row['cpu_ms']:>10}{row['bytes']:>10}", flush=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.platform()}
    REPORT.parent.mkdir(mode=0o700, exist_ok=True)
    REPORT.write_text(json.dumps({"machine": machine, "setup_seconds": took, "cases": rows}, indent=1) + "\n")
    print(f"seconds for set-up: {took}; written to var/{REPORT.name}")


if __name__ == "__main__":
    main()
