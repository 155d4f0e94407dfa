"""Processes of the worker: limits, ends, and the one line a child tells its parent."""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
from dataclasses import asdict, dataclass

from django.conf import settings

PR_SET_PDEATHSIG = 1
PARENT = "ZHIBU_PARENT"


@dataclass(frozen=True, slots=True)
class Report:
    """What the child tells its parent as one line of JSON: a file, or why there is none."""

    ok: bool
    key: str = ""
    name: str = ""
    size: int = 0
    sha256: str = ""
    digest: str = ""
    reason: str = ""
    final: bool = False


def for_child() -> dict[str, str]:
    """Return the environment of a child, which tells it whose child it is."""
    return os.environ | {PARENT: str(os.getpid())}


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends, and end it now if that has happened already."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.environ.get(PARENT, str(os.getppid())) != str(os.getppid()):
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
    seconds = int(usage.ru_utime + usage.ru_stime) + settings.EXPORT_TIME_LIMIT_SECONDS
    with contextlib.suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def end_group(child: "subprocess.Popen[str]") -> None:
    """Kill a child with everything it started; it has a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def read_report(written: str, code: int) -> Report:
    """Return the child's report; a child that died without one gets a readable reason by how it died."""
    last = written.strip().splitlines()[-1:]
    with contextlib.suppress(ValueError, TypeError, IndexError):
        return Report(**json.loads(last[0]))
    if code == -signal.SIGXCPU:
        return Report(ok=False, reason="生成时间过长，已停止。")
    if code == -signal.SIGKILL:
        return Report(ok=False, reason="生成程序被系统终止，可能是内存不足。")
    return Report(ok=False, reason="生成程序意外退出。")


def as_line(report: Report) -> str:
    """Return the report as one line."""
    return json.dumps(asdict(report), ensure_ascii=False)
