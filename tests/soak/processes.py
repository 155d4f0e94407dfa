"""The processes below a worker, found by parent and command line, whatever they are made of."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One living process."""

    pid: int
    parent: int
    command: str

    @property
    def member(self) -> bool:
        """Whether it is one of the supervisor's Celery workers."""
        return "--role" in self.command

    def kill(self) -> None:
        """kill -9."""
        send(self.pid, signal.SIGKILL)


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may have gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def everybody() -> list[Process]:
    """Return the living processes of this machine."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if state not in "ZX":
                found.append(Process(int(entry.name), int(parent), command))
    return found


def below(pid: int) -> list[Process]:
    """Return all descendants of a process, nearest first."""
    processes, found, parents = everybody(), [], {pid}
    while parents:
        level = [process for process in processes if process.parent in parents]
        found += level
        parents = {process.pid for process in level}
    return found


def servers(pid: int) -> list[Process]:
    """Return what a supervisor's members have started themselves: the warm processes that children are forked from."""
    processes = below(pid)
    members = {process.pid for process in processes if process.member}
    return [process for process in processes if process.parent in members]


def drawing(pid: int) -> list[Process]:
    """Return the processes that draw at this moment."""
    warm = {process.pid for process in servers(pid)}
    return [process for process in below(pid) if process.parent in warm]


def alive(pid: int) -> bool:
    """Return whether a process runs (a dead one that nobody has fetched does not)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False
