"""What every test may use: markers, sockets, servers, browser pages.

Markers: a test that asks for the database is `db`, a test without any is `unit`; `unit` tests may open no socket,
every other test only sockets on this machine.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_socket
from django.conf import settings
from django.db import connection, connections

from tests.servers import postgres_url, redis_url
from tests.worlds import ground, pytest_fixture_setup, world_copies

__all__ = ["ground", "postgres_url", "pytest_fixture_setup", "redis_url", "world_copies"]

# A browser's event loop runs in the thread of the tests, and Django keeps other connections for a thread with a running
# loop than for the same thread without: whatever lies open when a browser comes or goes would be lost sight of.
connections._connections = threading.local()

# The suite tries the same examples every time and is not hurried; `HYPOTHESIS_PROFILE=search` looks for new ones.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

ROOT = Path(__file__).resolve().parent.parent
KINDS = {"unit", "db", "once", "queue", "e2e", "e2e_pg", "soak"}
LONG = ("long", "e2e_pg", "e2e", "queue")
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "client_as"}
LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Complete the markers: `db` opens the database; a test without any is `unit`, or `db` when it uses one.

    Then put what takes long in front: with short tests left for the end, no process waits long for another.
    """
    for item in items:
        kinds = {mark.name for mark in item.iter_markers()}
        fixtures = set(getattr(item, "fixturenames", ()))
        needs_database = "django_db" in kinds or bool(fixtures & DATABASE_FIXTURES)
        if not kinds & KINDS:
            item.add_marker("db" if needs_database else "unit")
        if kinds & {"db", "once", "queue"} and "django_db" not in kinds:
            item.add_marker(pytest.mark.django_db)
    yield
    items.sort(key=lambda item: not any(item.get_closest_marker(kind) for kind in LONG))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Close the network before each test, as far as its marker says."""
    if item.get_closest_marker("unit"):
        pytest_socket.disable_socket(allow_unix_socket=True)
    else:
        pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    """Open it again: fixtures of a session may end after any test."""
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


def pytest_unconfigure() -> None:
    """Remove the throwaway directories; only the process that made them does."""
    if os.environ.get("ZHIBU_TEST_ROOT_OWNER") == str(os.getpid()):
        shutil.rmtree(os.environ["ZHIBU_TEST_ROOT"], ignore_errors=True)


LEFT = """
SELECT pid, application_name, state, left(query, 200) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Before PostgreSQL drops the test database, wait for processes that tests killed to be noticed as gone.

    The server tells a client's death only when it next writes to it. A session that stays is named and ended: the
    database of the next run would otherwise be in its way.
    """
    yield
    if connection.vendor != "postgresql":
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for _ in range(50):
            cursor.execute(LEFT)
            left = cursor.fetchall()
            if not left:
                return
            time.sleep(0.1)
        capture = request.config.pluginmanager.getplugin("capturemanager")
        for session in left:
            with capture.global_and_fixture_disabled():
                sys.stderr.write(f"\nstill connected to the test database: {session}\n")
            cursor.execute("SELECT pg_terminate_backend(%s)", [session[0]])


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """Environment for a process of its own (`manage.py …`) that sees this test's database, queue and files."""
    del transactional_db
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}


@pytest.fixture
def manage(process_environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `manage.py ARGUMENTS` in a process of its own: `manage("doctor", check=False)`."""

    def run(*arguments: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        return subprocess.run(
            command, check=check, timeout=timeout, env=process_environment, cwd=ROOT, capture_output=True, text=True
        )

    return run


# --- Browser -----------------------------------------------------------------------------------------------------

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser")) if path), "/usr/bin/chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = ROOT / "tests" / "vendor" / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, headless, without anything that calls home."""
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": CHROMIUM_FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A Chinese browser in Shanghai on the office's 1366×768 screen."""
    screen = {"width": 1366, "height": 768}
    return {
        **browser_context_args,
        "viewport": screen,
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "accept_downloads": True,
    }


def watched(page: Any) -> Iterator[Any]:
    """Give out `page` and fail afterwards when it threw a script error or broke the content security policy."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    assert faults == []


@pytest.fixture
def browser_page(new_context: Any) -> Iterator[Any]:
    """A page at 1366×768."""
    yield from watched(new_context().new_page())


@pytest.fixture
def phone_page(browser: Any, browser_context_args: dict[str, Any]) -> Iterator[Any]:
    """A page of a telephone, 390 px wide, operated by touch."""
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    context = browser.new_context(**{**browser_context_args, **phone})
    yield from watched(context.new_page())
    context.close()


@pytest.fixture
def axe() -> Callable[[Any], list[str]]:
    """`axe(page)` returns the WCAG A and AA violations of a page, one readable line each; `== []` is what to assert."""
    source = AXE.read_text(encoding="utf-8")

    def run(page: Any) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", AXE_TAGS)["violations"]
        return [f"{rule['id']}: {rule['help']} - {node['html'][:200]}" for rule in found for node in rule["nodes"]]

    return run


@pytest.fixture
def signed_in(client: Any) -> Callable[[Any], Any]:
    """`signed_in(account)` returns the test client, signed in as `account`."""

    def sign_in(account: Any) -> Any:
        client.force_login(account, backend=settings.AUTHENTICATION_BACKENDS[-1])
        return client

    return sign_in
