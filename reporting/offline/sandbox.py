"""Reading returned workbooks in a process of its own, which may die (security.md row 21).

One process reads many: it is told the keys and the files, and answers with a line of JSON for each. When it dies, the
file after the last answer is the culprit; a fresh process goes on behind it.
"""

import json
import resource
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from branches.intake.sandbox import MEMORY
from branches.intake.uploads import RefusedUpload
from reporting.offline.bundle import Sent
from reporting.offline.reader import Reading, read, reading_of

PROCESSOR_SECONDS = 60
WALL_SECONDS = 120
TOO_MUCH = "读取这个文件要用的内存或时间太多，已拒收。请重新下载离线表，把内容填进新表。"
NOT_READ = "这一批里有多个文件读取时占用太多，后面的没有再读。请把这份表单独上传。"
#: Whoever sends a batch of such files holds up a thread of the web server for no longer than this many of them take.
MOST_DEATHS = 5
_LENGTH = struct.Struct(">I")
_ROOT = Path(__file__).resolve().parent.parent.parent


def read_all(
    files: Sequence[Sent], keys: Sequence[bytes], *, memory: int = MEMORY, seconds: int = PROCESSOR_SECONDS
) -> list[Reading | str]:
    """Return for each file its reading, or the sentence that refuses it."""
    answers: list[Reading | str] = []
    deaths = 0
    while len(answers) < len(files) and deaths < MOST_DEATHS:
        rest = files[len(answers) :]
        found = _ask(rest, keys, memory, seconds)
        answers += found
        if len(found) < len(rest):
            answers.append(TOO_MUCH)
            deaths += 1
    return answers + [NOT_READ] * (len(files) - len(answers))


def _ask(files: Sequence[Sent], keys: Sequence[bytes], memory: int, seconds: int) -> list[Reading | str]:
    """Let one process read; it may answer for fewer files than it was given."""
    command = [sys.executable, "-m", "reporting.offline.sandbox", str(memory), str(seconds)]
    sent = b"".join(_packed(part) for part in (json.dumps([key.hex() for key in keys]).encode(), *_parts(files)))
    try:
        done = subprocess.run(command, input=sent, capture_output=True, timeout=WALL_SECONDS, cwd=_ROOT, check=False)  # noqa: S603 - a fixed program without foreign arguments
        said = done.stdout
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
    return [_answer(json.loads(line)) for line in said.split(b"\n")[:-1]]


def _parts(files: Sequence[Sent]) -> Iterator[bytes]:
    for file in files:
        yield file.name.encode()
        yield file.data


def _packed(part: bytes) -> bytes:
    return _LENGTH.pack(len(part)) + part


def _answer(given: dict[str, Any]) -> Reading | str:
    return str(given["refused"]) if "refused" in given else reading_of(given)


def _unpacked(stream: BinaryIO) -> Iterator[bytes]:
    while head := stream.read(_LENGTH.size):
        yield stream.read(_LENGTH.unpack(head)[0])


def main(memory: int, seconds: int) -> int:
    """Read what stands on standard input and answer on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parts = _unpacked(sys.stdin.buffer)
    keys = [bytes.fromhex(key) for key in json.loads(next(parts))]
    for name in parts:
        try:
            answer = read(name.decode(), next(parts), keys).plain()
        except RefusedUpload as error:
            answer = {"refused": str(error)}
        sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
