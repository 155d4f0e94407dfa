"""Both brokers as something that can be stopped, started and emptied."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import redis

from tests.servers import wait_for_port


class FileBroker:
    """The folder of messages. Stopped: a file stands in its place, which not even root can list or write into."""

    name = "filesystem broker"

    def __init__(self, folder: Path) -> None:
        self.folder, self.aside = folder, folder.with_name(folder.name + "-aside")

    def stop(self) -> None:
        self.folder.rename(self.aside)
        self.folder.write_text("")

    def start(self) -> None:
        if self.aside.exists():
            self.folder.unlink(missing_ok=True)
            self.aside.rename(self.folder)
        self.folder.mkdir(exist_ok=True)

    def flush(self) -> None:
        self.folder.mkdir(exist_ok=True)
        for message in self.folder.glob("*.msg"):
            message.unlink(missing_ok=True)

    def lose(self) -> None:
        """Remove the folder itself, as a clean-up by hand would."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def depth(self) -> int:
        return sum(1 for _ in self.folder.glob("*.heavy.msg"))

    def close(self) -> None:
        self.start()


class RedisBroker:
    """A Redis of the tests' own: shut down without saving, so that a restart begins empty."""

    name = "Redis"

    def __init__(self, url: str) -> None:
        self.url, self.port = url, urlparse(url).port
        self.client = redis.Redis.from_url(url, socket_timeout=5)
        self.home = tempfile.mkdtemp(prefix="zhibu-redis-")
        self.process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        self.client.shutdown(nosave=True)
        self.client.close()
        if self.process is not None:
            self.process.wait(timeout=10)

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            ["redis-server", *options, "--dir", self.home], stdout=subprocess.DEVNULL, start_new_session=True
        )
        wait_for_port(self.port)

    def flush(self) -> None:
        self.client.flushall()

    def lose(self) -> None:
        """Lose everything at once: a restart without a word."""
        self.stop()
        self.start()

    def depth(self) -> int:
        return int(self.client.llen("heavy"))

    def close(self) -> None:
        self.client.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
        shutil.rmtree(self.home, ignore_errors=True)
