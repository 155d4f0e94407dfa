"""gunicorn's threaded worker, told about browsers: they open connections and ask nothing for a while.

Two things of the original hurt a small server. A new connection waits for its first request in one of the few threads,
up to five seconds each, and everybody behind it waits too. And a process that is told to stop waits for such a
connection until it is killed, with a line that guesses at a lack of memory.
"""

import os
import selectors
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from reporting import scratch

PATIENCE_SECONDS = 2.5


class Worker(ThreadWorker):
    """Gives a thread only to who asks for something; stops as soon as nothing is being answered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with nothing to answer."""
        super().__init__(*args, **kwargs)
        self.answering = 0
        self.counting = threading.Lock()

    def init_process(self) -> None:
        """Begin with a folder of its own for temporary files."""
        scratch.own()
        super().init_process()

    def enqueue_req(self, conn: TConn) -> None:
        """Let a new connection wait for its first request beside the kept-alive ones, not in a thread."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Answer a request, and count it while it lasts."""
        with self.counting:
            self.answering += 1
        try:
            return super().handle_request(req, conn)
        finally:
            with self.counting:
                self.answering -= 1

    def leave(self, _number: int, _frame: Any) -> None:
        """Go once nothing is being answered, whoever still holds a connection."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.answering > 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        scratch.drop(os.getpid(), str(Path(tempfile.gettempdir()).parent))
        os._exit(os.EX_OK)

    handle_quit = handle_exit = leave
