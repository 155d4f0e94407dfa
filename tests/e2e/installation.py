"""An installation of its own for a browser test: web and worker started by `manage.py serve`, as `make run` does."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 180


@dataclass(slots=True)
class Installation:
    """A running installation: its address, its first-run token, and what it printed."""

    address: str
    token: str
    log: Path


def _execute(url: str, statement: str) -> None:
    server = psycopg2.connect(url)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(statement)
    server.close()


@contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Give the installation a database of its own on the PostgreSQL of this run; SQLite needs none."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    name = f"e2e_{secrets.token_hex(4)}"
    server = url.rpartition("/")[0]
    _execute(f"{server}/postgres", f"CREATE DATABASE {name}")
    try:
        yield {"DATABASE_URL": f"{server}/{name}"}
    finally:
        _execute(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


def _wait(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        text = log.read_text(encoding="utf-8")
        if "Ctrl-C stops" in text:  # the last line said: the token stands above it
            return text
        time.sleep(0.3)
    raise RuntimeError(f"the installation did not start:\n{log.read_text(encoding='utf-8')}")


@contextmanager
def running(directory: Path) -> Iterator[Installation]:
    """Start an empty installation in `directory`, yield it, stop it."""
    port = free_port()
    log = directory / "serve.log"
    with _database() as database, log.open("wb") as out:
        inherited = {k: v for k, v in os.environ.items() if k not in {"ZHIBU_TEST", "ZHIBU_DEMO", "DATABASE_URL"}}
        environment = inherited | database | {
            "ZHIBU_VAR": str(directory / "var"), "DJANGO_SETTINGS_MODULE": "config.settings", "HEAVY_WORKERS": "1",
        }  # fmt: skip
        command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            text = _wait(process, log)
            found = re.search(r"[0-9A-Z]{6}-[0-9A-Z]{6}-[0-9A-Z]{5}", text)
            assert found, f"the installation told no token:\n{text}"
            yield Installation(f"http://127.0.0.1:{port}", found.group(), log)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
