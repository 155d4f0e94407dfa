"""What `make run` does after set-up: migrate, fill a new demo, collect assets, then web and worker until Ctrl-C."""

import contextlib
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from branches.models import Branch
from branches.services import accounts

START_SECONDS = 60.0
POLITE_SECONDS = 3.0
STOP_SECONDS = 12.0
# Documents are set in these; no page asks for them, and compressing them takes a minute.
FONTS = "fonts"
Say = Callable[[str], None]


class CannotStart(RuntimeError):
    """Something the person at the terminal must mend first; the message says what."""


def port_is_free(port: int) -> bool:
    """Return whether nothing listens on `port` yet."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - the product is meant to be reached from the local network
        except OSError:
            return False
    return True


def lan_address() -> str | None:
    """Return this machine's address in the local network, else None. Sends nothing: it only picks a route."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
        return None if address.startswith("127.") else address
    return None


def migrate(say: Say) -> None:
    """Bring the database up to date; real data is backed up before its tables change."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    if executor.loader.applied_migrations and not settings.DEMO:
        say("database: backing up before its tables change")
        call_command("backup", verbosity=0)
    say("database: creating or updating tables")
    call_command("migrate", verbosity=0, interactive=False)


def fill_demo(say: Say) -> None:
    """Fill a demo database that is still empty."""
    if settings.DEMO and not Branch.objects.exists():
        say("demo: filling a new demo database (a minute at most)")
        with transaction.atomic():  # one that is interrupted leaves nothing behind and is begun anew
            call_command("demo", scale="small", verbosity=0)


def _digest_of_assets() -> str:
    digest = hashlib.sha256((settings.BASE_DIR / "requirements.txt").read_bytes())
    for directory in settings.STATICFILES_DIRS:
        for path in sorted(Path(directory).rglob("*")):
            facts = path.stat()
            digest.update(f"{path}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect_assets(say: Say) -> None:
    """Collect style sheets and scripts when any of them changed since the last time."""
    stamp, digest = Path(settings.STATIC_ROOT) / ".collected", _digest_of_assets()
    if stamp.exists() and stamp.read_text() == digest:
        return
    say("assets: collecting style sheets and scripts")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True, ignore_patterns=[FONTS])
    stamp.write_text(digest)


def web_command(port: int) -> list[str]:
    """Return the command line of the web server: one process per core, two threads each."""
    options = {
        "--bind": f"0.0.0.0:{port}",
        "--worker-class": "config.web.Worker",
        "--workers": str(os.cpu_count() or 2),
        "--threads": "2",
        "--timeout": "120",
        "--graceful-timeout": "5",
        "--log-level": "warning",
    }
    flat = [part for pair in options.items() for part in pair]
    return [sys.executable, "-m", "gunicorn", "config.wsgi:application", *flat]


def worker_command() -> list[str]:
    """Return the command line of the worker."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]


def answers(port: int) -> bool:
    """Return whether the web server answers a real request without an error of its own."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/")
        return asked.getresponse().status < 500
    except OSError:
        return False
    finally:
        asked.close()


class Supervisor:
    """Web and worker as children in this process group; ends both when one ends or a signal comes."""

    def __init__(self, commands: Iterable[tuple[str, list[str]]]) -> None:
        """Keep the commands; nothing starts yet."""
        self.commands = dict(commands)
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.asked_by: int | None = None

    def _on_signal(self, number: int, _frame: object) -> None:
        self.asked_by = self.asked_by or number

    def start(self) -> None:
        """Start the children and take over the signals that end a program."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        for name, command in self.commands.items():
            # The web never needs the owner's way into the database: it does not even know it.
            kept = {key: value for key, value in os.environ.items() if name != "web" or key != "DATABASE_OWNER_URL"}
            self.children[name] = subprocess.Popen(command, cwd=settings.BASE_DIR, env=kept)  # noqa: S603 - our own commands

    def ended(self) -> str | None:
        """Return the name of a child that has ended by itself, else None."""
        return next((name for name, child in self.children.items() if child.poll() is not None), None)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until `ready`, a child's end, a signal, or the time is up; return whether it became ready."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.asked_by and not self.ended():
            if ready():
                return True
            time.sleep(0.1)
        return False

    def watch(self) -> str | None:
        """Wait for a signal (returns None) or for a child to end (returns its name)."""
        while not self.asked_by:
            if name := self.ended():
                return name
            time.sleep(0.2)
        return None

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while any(child.poll() is None for child in self.children.values()):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def stop(self) -> None:
        """End the children: a terminal's Ctrl-C has told them already, everything else is passed on; then by force."""
        if self.asked_by == signal.SIGINT and self._gone_within(POLITE_SECONDS):
            return
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        if not self._gone_within(STOP_SECONDS):
            for child in self.children.values():
                child.kill()
                child.wait()


def prepare(say: Say) -> None:
    """Migrate, fill a new demo, collect assets."""
    migrate(say)
    fill_demo(say)
    collect_assets(say)


def announce(port: int, say: Say) -> None:
    """Tell where the product is to be found, and the one-time token while there is no administrator."""
    say(f"Ready: http://127.0.0.1:{port}")
    if address := lan_address():
        say(f"In the local network: http://{address}:{port}")
    if not settings.DEMO and (token := accounts.first_run_token()):
        say(f"One-time token for making the administrator on the first page (首次启动口令): {token}")
    say("Ctrl-C stops web and worker.")


def serve(*, port: int, say: Say) -> int:
    """Run the product in the foreground and return the exit code. Raises CannotStart with what to do."""
    if not port_is_free(port):
        raise CannotStart(f"Port {port} is taken by another program. Choose another one: make run PORT={port + 1}")
    os.umask(0o077)
    prepare(say)
    connection.close()
    supervisor = Supervisor([("web", web_command(port)), ("worker", worker_command())])
    supervisor.start()
    try:
        if supervisor.wait_until(lambda: answers(port), START_SECONDS):
            announce(port, say)
            connection.close()
            ended = supervisor.watch()
        else:
            ended = supervisor.ended() or (None if supervisor.asked_by else "web")
    finally:
        supervisor.stop()
    if ended:
        say(f"The {ended} process ended by itself or did not answer; its messages stand above.")
        return 1
    say("Stopped.")
    return 0
