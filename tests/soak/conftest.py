"""Fixtures of the fault tests, and the table of what was injected and what came out."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from tests.soak import brokers
from tests.soak.arena import seed
from tests.soak.verdicts import FOLDERS

REPORT: list[dict[str, Any]] = []
ROOT = Path(__file__).resolve().parent.parent.parent


def leg() -> str:
    """Return which installation this run stands for."""
    database = "PostgreSQL" if settings.DATABASES["default"]["ENGINE"].endswith("postgresql") else "SQLite"
    return f"{database} + {'Redis' if settings.REDIS_URL else 'filesystem broker'}"


@pytest.fixture(scope="session")
def servers():
    """The broker of this run; a Redis that was restarted ends with the session."""
    here = brokers.RedisBroker(settings.REDIS_URL) if settings.REDIS_URL else brokers.FileBroker(settings.QUEUE_DIR)
    yield here
    here.close()


@pytest.fixture
def broker(servers):
    """The broker, empty before the test and running after it."""
    servers.flush()
    return servers


@pytest.fixture
def clean(transactional_db):
    """No file of an earlier test."""
    del transactional_db
    for folder in FOLDERS:
        shutil.rmtree(Path(default_storage.location) / folder, ignore_errors=True)


@pytest.fixture
def environment(process_environment, broker, clean):
    """The environment of a worker on this test's database, an empty broker and an empty storage."""
    return process_environment


@pytest.fixture
def injected(request):
    """`injected(fault, outcome)` writes a line of the report."""
    began = time.monotonic()

    def write(fault: str, outcome: str) -> None:
        line = {"test": request.node.name, "fault": fault, "outcome": outcome}
        REPORT.append(line | {"seconds": round(time.monotonic() - began, 1)})

    return write


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table and keep it under var/."""
    if not REPORT:
        return
    terminalreporter.section(f"faults on {leg()}, seed {seed()}")
    for line in REPORT:
        terminalreporter.write_line(f"{line['fault']:<74} | {line['outcome']} ({line['seconds']} s)")
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    kept = {"leg": leg(), "seed": seed(), "vendor": connection.vendor, "lines": REPORT}
    text = json.dumps(kept, ensure_ascii=False, indent=1)
    (folder / f"soak-{connection.vendor}.json").write_text(text, encoding="utf-8")
