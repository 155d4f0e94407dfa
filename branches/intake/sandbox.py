"""Reading an unknown workbook once in a process of its own, which may die (security.md row 21).

The process has a bound on memory and on processor time. Nothing comes back from it but a Chinese sentence: once the
file was read there without harm, it may be read here.
"""

import resource
import subprocess
import sys
from pathlib import Path

from branches.intake.plain import LONG_LISTS, read_plain
from branches.intake.uploads import DEFAULT_LIMITS, RefusedUpload, check_upload
from branches.intake.workbook import read_workbook

MEMORY = 1024 * 1024 * 1024
PROCESSOR_SECONDS = 30
WALL_SECONDS = 60
_REFUSED = 3
_TOO_MUCH = "读取这个文件要用的内存或时间太多，已拒收。请删去多余的行列、格式和图片，另存后再上传。"
_ROOT = Path(__file__).resolve().parent.parent.parent


def try_reading(
    name: str, data: bytes, *, memory: int = MEMORY, seconds: int = PROCESSOR_SECONDS, plain: bool = False
) -> None:
    """Check an upload, then read it in a child process with bounds; `plain` as a long list without looks.

    Raises RefusedUpload with a Chinese sentence when it is refused or the process did not survive it.
    """
    check_upload(name, data, LONG_LISTS if plain else DEFAULT_LIMITS)
    how = "plain" if plain else "full"
    command = [sys.executable, "-m", "branches.intake.sandbox", name, str(memory), str(seconds), how]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=WALL_SECONDS, cwd=_ROOT, check=False)  # noqa: S603 - fixed program, the name is one argument
    except subprocess.TimeoutExpired as error:
        raise RefusedUpload(_TOO_MUCH) from error
    if done.returncode == _REFUSED:
        raise RefusedUpload(done.stdout.decode("utf-8", "replace").strip() or _TOO_MUCH)
    if done.returncode != 0:
        raise RefusedUpload(_TOO_MUCH)


def main(name: str, memory: int, seconds: int, how: str = "full") -> int:
    """Read the workbook on standard input; print the reason and return 3 when it is refused."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        (read_plain if how == "plain" else read_workbook)(name, sys.stdin.buffer.read())
    except RefusedUpload as error:
        sys.stdout.buffer.write(str(error).encode())
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
