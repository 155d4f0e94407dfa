"""The last five minutes: `python -m bench.rush [--postgres] [--secretaries 200] [--spread 0]`.

Real processes (`manage.py serve`: web and worker), real HTTP. Each secretary has opened the page, and all send their
complete sheet at once (or spread over seconds), around midnight of the last day by the server's clock; every tenth
presses twice. Counted: filings lost, made twice, refused or answered with an error of the server; receipts on screen
are compared with those in the database; the time from pressing to the answer, and to the receipt on screen.
"""

import argparse
import contextlib
import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

from bench.rush_crowd import Secretary, crowd
from tests import servers

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 4
LEAD = 3  # seconds in which the processes of the crowd start
WEB_ROLE = "zhibu_rush_web"
SERVER = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


# --- the servers -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def database(*, postgres: bool) -> Iterator[dict[str, str]]:
    """Yield the environment of a fresh database: a SQLite file, or a PostgreSQL server with an owner and a web role."""
    if not postgres:
        yield {}
        return
    servers.POSTGRES_OPTIONS.update(SERVER)
    with servers.postgres() as url:
        yield {"DATABASE_OWNER_URL": url, "DATABASE_URL": url.replace("//zhibu@", f"//{WEB_ROLE}:web@")}


@contextlib.contextmanager
def serving(environment: dict[str, str], port: int) -> Iterator[None]:
    """Run the product for the block."""
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, process_group=0)
    try:
        for line in process.stdout:
            if line.startswith("Ready"):
                break
        else:
            raise RuntimeError("the product did not start in time: see above, and try again on a quieter machine")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def rush(people: list[Secretary], spread: float) -> list[Secretary]:
    """Let all of them file; return them with what came of it."""
    begins = time.time() + LEAD
    offsets = [spread * number / max(len(people) - 1, 1) for number in range(len(people))]
    answers: Any = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(
            target=crowd, args=(people[number::PROCESSES], begins, offsets[number::PROCESSES], answers)
        )
        for number in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    done = [Secretary(**one) for _ in workers for one in answers.get()]
    for worker in workers:
        worker.join()
    return done


def measure(count: int, spread: float, *, postgres: bool) -> dict[str, Any]:
    """Build, serve, rush, check."""
    with tempfile.TemporaryDirectory(prefix="zhibu-rush-") as home, database(postgres=postgres) as given:
        os.environ.update(ZHIBU_VAR=home, ZHIBU_DEMO="1", DJANGO_SETTINGS_MODULE="config.settings", **given)
        django.setup()
        school = importlib.import_module("bench.rush_school")
        port = servers.free_port()
        people = school.prepare(count, port)
        with serving(dict(os.environ), port):
            for one in people:
                one.open()
            # The first half arrives before midnight, the other half after it.
            school.set_clock(LEAD + max(spread, 4) / 2)
            done = rush(people, spread)
            found = school.check(done)
        school.connections.close_all()
    answered, shown = ([getattr(one, name) for one in done] for name in ("answered", "shown"))
    times = {
        f"{name} p{share}": round(percentile(values, share / 100), 2)
        for name, values in (("answer", answered), ("receipt on screen", shown))
        for share in (50, 95, 100)
    }
    return {"database": "PostgreSQL" if postgres else "SQLite", "secretaries": count, "spread": spread} | found | times


def main() -> None:
    """Run once and print what was found as JSON; the exit code is 1 when anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m bench.rush", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL with an owner and a web role, not SQLite")
    parser.add_argument("--secretaries", type=int, default=200)
    parser.add_argument("--spread", type=float, default=0, help="seconds over which they press; 0: all at once")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped then too
    found = measure(asked.secretaries, asked.spread, postgres=asked.postgres)
    print(json.dumps(found, ensure_ascii=False, indent=1))
    wrong = ("lost", "double", "receipts not as shown", "contents not as on the receipt", "server errors", "late")
    if any(found[name] for name in wrong):
        sys.exit(1)


if __name__ == "__main__":
    main()
