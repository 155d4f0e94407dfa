"""Warm children: a server process that has loaded everything forks them, so that one starts in milliseconds.

Each heavy worker has a server of its own and at most one child at a time. A child takes tasks, one line of JSON each,
and answers with one line each, until its parent closes the pipe or ends it. If the worker dies, so does its server; if
the server dies, so does its child.
"""

import contextlib
import gc
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import IO

from django.conf import settings

from reporting import scratch
from reporting.workers import processes

ORDER = b"child"
NUMBER = struct.Struct("!q")
TAIL = 4000
STARTS = 2


class NurseryError(Exception):
    """No child could be started."""


class Child:
    """A process that takes tasks; the parent's side."""

    def __init__(self, pid: int, tasks: int, answers: int, errors: IO[str], end: Callable[[], int]) -> None:
        """Keep its number, the pipes to it, its log, and what waits for its end and returns its exit code."""
        self.pid, self.errors = pid, errors
        self._tasks, self._answers, self._end = tasks, answers, end
        self._read = b""
        self._code: int | None = None

    def ask(self, task: str) -> None:
        """Give it a task; one that has died meanwhile is found out by `answer`."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._tasks, task.encode() + b"\n")

    def answer(self, timeout: float) -> str | None:
        """Return its answer, "" when it has ended without one, None when it is still at work after `timeout`."""
        ready, _, _ = select.select([self._answers], [], [], timeout)
        if not ready:
            return None
        more = os.read(self._answers, 65536)
        if not more:
            return ""
        self._read += more
        line, separator, rest = self._read.partition(b"\n")
        if not separator:
            return None
        self._read = rest
        return line.decode()

    def kill(self) -> None:
        """End it with everything it started; it has a group of its own."""
        if self._code is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> int:
        """Let it end, and return its exit code (negative: the signal it died of)."""
        if self._code is None:
            os.close(self._tasks)
            self._code = self._end()
            os.close(self._answers)
        return self._code

    def said(self) -> str:
        """Return the end of what it wrote for the log."""
        self.errors.seek(0)
        return self.errors.read()[-TAIL:]


class Nursery:
    """Starts children through a server process, which it starts when it is first needed or has died."""

    def __init__(self) -> None:
        """Nothing starts yet."""
        self._server: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def start(self) -> None:
        """Start the server unless it runs; it becomes warm by itself."""
        if self._server is not None and self._server.poll() is None:
            return
        self.stop()
        mine, its = socket.socketpair()
        manage = settings.BASE_DIR / "manage.py"
        command = [sys.executable, str(manage), "render_server", str(its.fileno())]
        self._server = subprocess.Popen(  # noqa: S603 - our own command with a number
            command, cwd=settings.BASE_DIR, env=processes.for_child(), pass_fds=[its.fileno()], start_new_session=True
        )
        its.close()
        self._channel = mine

    def stop(self) -> None:
        """End the server and its child."""
        if self._channel is not None:
            self._channel.close()
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            scratch.drop(self._server.pid)
        self._server = self._channel = None

    def child(self) -> Child:
        """Return a new child. Raises NurseryError."""
        for _ in range(STARTS):
            self.start()
            with contextlib.suppress(OSError):
                if (child := self._order()) is not None:
                    return child
            self.stop()
        raise NurseryError

    def _order(self) -> Child | None:
        channel = self._channel
        if channel is None:
            return None
        task_end, tasks = os.pipe()
        answers, answer_end = os.pipe()
        errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - the child's log
        try:
            socket.send_fds(channel, [ORDER], [task_end, answer_end, errors.fileno()])
            pid = _number(channel)
        finally:
            os.close(task_end)
            os.close(answer_end)
        if pid is None:
            os.close(tasks)
            os.close(answers)
            return None
        return Child(pid, tasks, answers, errors, lambda: self._wait(channel))

    def _wait(self, channel: socket.socket) -> int:
        """Return the exit code of the child once it has ended; that of one whose server died is that of its kill."""
        with contextlib.suppress(OSError):
            code = _number(channel)
            if code is not None:
                channel.sendall(b".")
                return code
        self.stop()
        return -signal.SIGKILL


def _number(channel: socket.socket) -> int | None:
    """Return the next number of the other side; None when it has gone."""
    read = b""
    while len(read) < NUMBER.size:
        more = channel.recv(NUMBER.size - len(read))
        if not more:
            return None
        read += more
    return int(NUMBER.unpack(read)[0])


def serve(channel: socket.socket, work: Callable[[int, int], None]) -> None:
    """Be the server: fork a child for each order, one at a time, which does `work` with the pipes of tasks and answers.

    A child that has ended is fetched only when the parent knows of it, so that its number means nobody else till then.
    """
    gc.collect()
    gc.freeze()
    while True:
        order, pipes, _, _ = socket.recv_fds(channel, len(ORDER), 3)
        if not order:
            return
        me = os.getpid()
        pid = os.fork()
        if pid == 0:
            channel.close()
            _be_child(me, pipes, work)
        for pipe in pipes:
            os.close(pipe)
        channel.sendall(NUMBER.pack(pid))
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        code = (
            ended.si_status
            if ended is not None and ended.si_code == os.CLD_EXITED
            else -(ended.si_status if ended else 0)
        )
        channel.sendall(NUMBER.pack(code))
        if not channel.recv(1):
            return
        os.waitpid(pid, 0)


def _be_child(parent: int, pipes: list[int], work: Callable[[int, int], None]) -> None:
    """Do the work of a child in a session of its own, and end this process."""
    code = os.EX_SOFTWARE
    try:
        os.setsid()
        processes.die_with_parent(parent)
        tasks, answers, errors = pipes
        os.dup2(errors, 1)
        os.dup2(errors, 2)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        processes.limit_resources()
        work(tasks, answers)
        code = os.EX_OK
    except BaseException:  # noqa: BLE001 - nothing of the server's may run on in a child
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
