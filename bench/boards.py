"""Boards of rectification under load: `python -m bench.boards [--branches 500]`, and their figures for `make bench`.

Real processes (`manage.py serve`), real HTTP over 16 connections kept alive. The bare sign-in page and the board take
turns in one run, so that a busy minute falls on both; their 95th percentiles are compared.
"""

import argparse
import http.client
import importlib
import json
import os
import tempfile
import threading
import time
from functools import cache
from typing import Any

import django

from bench.figures import Figure, Result, in_child
from bench.rush import percentile, serving
from tests import servers

CONNECTIONS, EACH, TURNS = 16, 5, 3


def load(port: int, path: str, session: str, times: list[float]) -> None:
    """Ask for a page over all connections at once; each asks again as soon as it has its answer."""

    def ask() -> None:
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Cookie": f"sessionid={session}"} if session else {}
        for _ in range(EACH):
            began = time.monotonic()
            wire.request("GET", path, headers=headers)
            answer = wire.getresponse()
            answer.read()
            times.append(time.monotonic() - began)
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}")
        wire.close()

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(branches: int) -> dict[str, Any]:
    """Build, serve, load; return the 95th percentiles in seconds. Call it in a fresh process: it sets Django up."""
    with tempfile.TemporaryDirectory(prefix="zhibu-boards-") as home:
        os.environ.update(ZHIBU_VAR=home, ZHIBU_DEMO="1", DJANGO_SETTINGS_MODULE="config.settings")
        django.setup()
        school = importlib.import_module("bench.boards_school")
        round_ = school.prepare(branches)
        session, queries = school.session(), school.queries(round_)
        school.done()
        pages = {
            "sign-in": ("/login/", ""),
            "board": (f"/rectification/rounds/{round_.pk}/board/", session),
            "list": (f"/rectification/rounds/{round_.pk}/items/?status=overdue", session),
        }
        times: dict[str, list[float]] = {name: [] for name in pages}
        port = servers.free_port()
        with serving(dict(os.environ), port):
            for path, by in pages.values():
                load(port, path, by, [])  # warm
            for _ in range(TURNS):
                for name, (path, by) in pages.items():
                    load(port, path, by, times[name])
    return {"branches": branches, "queries": queries} | {name: percentile(one, 0.95) for name, one in times.items()}


@cache
def measured(branches: int) -> dict[str, Any]:
    """Return what one run found, once for all figures."""
    return in_child(run, branches)


def compared(page: str) -> Result:
    """Return how many times the sign-in page's p95 that of a page is, with 500 branches."""
    found = measured(500)
    said = f"{found[page] * 1000:.0f} ms ÷ {found['sign-in'] * 1000:.0f} ms; 500 branches × 6 items, 16 connections"
    return Result(found[page] / found["sign-in"], "", said)


def constant() -> Result:
    """Return how many more queries a board takes for 500 branches than for 50."""
    few, many = in_child(queries_of, 50), measured(500)["queries"]
    return Result(many - few, "", f"{many} queries with 500 branches, {few} with 50")


def queries_of(branches: int) -> int:
    """Return the queries of a board. Call it in a fresh process."""
    with tempfile.TemporaryDirectory(prefix="zhibu-boards-") as home:
        os.environ.update(ZHIBU_VAR=home, ZHIBU_DEMO="1", DJANGO_SETTINGS_MODULE="config.settings")
        django.setup()
        school = importlib.import_module("bench.boards_school")
        counted: int = school.queries(school.prepare(branches))
        school.done()
    return counted


FIGURES = (
    Figure("boards: rectification of a school, p95 ÷ sign-in page's, wall", "≤ 5", "", lambda: compared("board")),
    Figure("boards: list of overdue items, p95 ÷ sign-in page's, wall", "≤ 5", "", lambda: compared("list")),
    Figure("boards: more queries for 500 branches than for 50", "≤ 0", "", constant),
)


def main() -> None:
    """Run once and print what was found as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.boards", description=__doc__)
    parser.add_argument("--branches", type=int, default=500)
    print(json.dumps(run(parser.parse_args().branches), indent=1))


if __name__ == "__main__":
    main()
