"""Processes of the worker: limits, ends, and the one line a child tells its parent."""

import contextlib
import ctypes
import json
import os
import resource
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

PR_SET_PDEATHSIG = 1
PARENT = "ZHIBU_PARENT"
GRACE_SECONDS = 5
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Report:
    """What a child tells its parent as one line of JSON: a file, a plan with `left` pieces to draw, or why neither.

    `memory_mb` is what the process holds by now.
    """

    ok: bool
    key: str = ""
    name: str = ""
    size: int = 0
    sha256: str = ""
    digest: str = ""
    reason: str = ""
    final: bool = False
    note: str = ""
    pages: int = 0
    left: int = 0
    memory_mb: int = 0


def for_child() -> dict[str, str]:
    """Return the environment of a child, which tells it whose child it is."""
    return os.environ | {PARENT: str(os.getpid())}


def die_with_parent(parent: int = 0) -> None:
    """Ask Linux to end this process when its parent ends, and end it now if that has happened already.

    `parent` is whose child it is; without it the environment says so (`for_child`).
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    expected = str(parent) if parent else os.environ.get(PARENT, str(os.getppid()))
    if expected != str(os.getppid()):
        os._exit(os.EX_OK)


def limit_resources() -> None:
    """Bound memory, and processor time for one document, so that a bad one cannot take the machine."""
    memory = settings.EXPORT_MEMORY_MB * 1024 * 1024
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    allow_more_time()


def allow_more_time() -> None:
    """Give the next document of this process its own share of processor time."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    # Whoever watches looks at the clock and ends it first; this is for a process nobody watches any more.
    seconds = int(usage.ru_utime + usage.ru_stime) + settings.EXPORT_TIME_LIMIT_SECONDS + GRACE_SECONDS
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def memory_mb() -> int:
    """Return how much memory this process holds, in MB; 0 where that cannot be told."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES // 1024**2
    return 0


def read_report(line: str) -> Report:
    """Return the report a line holds."""
    return Report(**json.loads(line))


def report_of_death(code: int) -> Report:
    """Return a readable reason for a child that died without a report, by how it died."""
    if code == -signal.SIGXCPU:
        return Report(ok=False, reason="生成时间过长，已停止。")
    if code == -signal.SIGKILL:
        return Report(ok=False, reason="生成程序被系统终止，可能是内存不足。")
    return Report(ok=False, reason="生成程序意外退出。")


def as_line(report: Report) -> str:
    """Return the report as one line."""
    return json.dumps(asdict(report), ensure_ascii=False)
