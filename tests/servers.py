"""Throwaway PostgreSQL and Redis servers on free ports, for tests only.

As fixtures (`postgres_url`, `redis_url`) inside a test session, or around a whole command:

    python -m tests.servers pytest -m "db or queue"

starts both, sets DATABASE_URL and REDIS_URL, runs the command and stops them again. TEST_DATABASE_URL and
TEST_REDIS_URL name servers to use instead. The servers keep their data in a temporary directory and never see the
ones a machine may already run.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

POSTGRES_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
}
START_SECONDS = 30


def free_port() -> int:
    """Return a TCP port on the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def postgres_binary(name: str) -> str:
    """Return the path of a PostgreSQL program; Debian keeps the server's outside PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} not found: run deploy/setup.sh --tests")
    return found


def as_server_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; root runs it as the user of Debian's package."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def wait_for_port(port: int) -> None:
    """Wait until something accepts connections on `port`; raise after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no server answered on port {port} within {START_SECONDS} s")


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server for the duration of the block; yields its DATABASE_URL."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="zhibu-postgres-"))
    data, port = home / "data", free_port()
    try:
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
        initdb = [
            postgres_binary("initdb"),
            "-D",
            str(data),
            "-U",
            "zhibu",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        subprocess.run(as_server_user([*initdb, "--no-sync"]), check=True, stdout=subprocess.DEVNULL, cwd=home)
        options = " ".join(f"-c {key}={value}" for key, value in POSTGRES_OPTIONS.items())
        pg_ctl = [postgres_binary("pg_ctl"), "-D", str(data), "-l", str(home / "log"), "-w"]
        start = [*pg_ctl, "-o", f"-p {port} -c unix_socket_directories={home} {options}", "start"]
        subprocess.run(as_server_user(start), check=True, stdout=subprocess.DEVNULL, cwd=home)
        try:
            yield f"postgres://zhibu@127.0.0.1:{port}/postgres"
        finally:
            stop = [*pg_ctl, "-m", "immediate", "stop"]
            subprocess.run(as_server_user(stop), check=False, stdout=subprocess.DEVNULL, cwd=home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server for the duration of the block; yields its REDIS_URL."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    binary = shutil.which("redis-server")
    if not binary:
        raise RuntimeError("redis-server not found: run deploy/setup.sh --tests")
    home, port = tempfile.mkdtemp(prefix="zhibu-redis-"), free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", home]
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """DATABASE_URL of a PostgreSQL server: the one the session runs on, else one started for the session."""
    if "postgres" in os.environ.get("DATABASE_URL", ""):
        yield os.environ["DATABASE_URL"]
        return
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """REDIS_URL of a Redis server: the one the session runs on, else one started for the session."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    with redis() as url:
        yield url


def main(command: list[str]) -> int:
    """Run `command` with both servers around it and return its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with postgres() as database_url, redis() as broker_url:
        return subprocess.run(
            command, check=False, env={**os.environ, "DATABASE_URL": database_url, "REDIS_URL": broker_url}
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
