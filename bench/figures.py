"""Figures of `make bench`: what is measured, against which goal, and the few ways of measuring.

A module of this package that has figures lists them in `FIGURES`; nothing else needs to know of it. Ratios are medians
of runs taken in turns, in seconds of this process's CPU unless a figure says wall.
"""

import gc
import re
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

RUNS = 5
_BOUND = re.compile(r"([≤≥])\s*([\d.]+)")


@dataclass(frozen=True, slots=True)
class Result:
    """What one measurement found.

    Args:
        value: the number the goal is about.
        unit: written after it, such as MB.
        how: the parts it was made of, for a reader who wants to know.
    """

    value: float
    unit: str = ""
    how: str = ""

    @property
    def text(self) -> str:
        """The number as printed, with three digits that count."""
        digits = 0 if abs(self.value) >= 100 else 1 if abs(self.value) >= 10 else 2 if abs(self.value) >= 1 else 3
        return f"{self.value:.{digits}f} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Args:
        name: what is measured, in one line; `python -m bench WORD` runs the figures whose name contains the word.
        goal: such as "≤ 1.4"; "" for what is only measured.
        stretch: the same, for the goal beyond.
        measure: does it; may take long, and returns one number.
    """

    name: str
    goal: str
    stretch: str
    measure: Callable[[], Result]


def holds(bound: str, value: float) -> bool | None:
    """Tell whether a value keeps a bound such as "≤ 1.4" or "≥ 7 times"; None where there is no bound.

    Raises:
        ValueError: for a bound that names no number.
    """
    if not bound:
        return None
    found = _BOUND.match(bound)
    if found is None:
        raise ValueError(f"a goal begins with ≤ or ≥ and a number: {bound!r}")
    limit = float(found[2])
    return value <= limit if found[1] == "≤" else value >= limit


def seconds(
    work: Callable[[], object], clock: Callable[[], float] = time.process_time, *, collector: bool = True
) -> float:
    """Return how long one run takes; the heap is tidy when it begins, what it leaves behind is its own.

    Without `collector` it is held off, as in the child of a worker that makes exports.
    """
    gc.collect()
    collecting = gc.isenabled()
    if not collector:
        gc.disable()
    started = clock()
    work()
    taken = clock() - started
    if collecting:
        gc.enable()
    return taken


def in_turns(
    works: Mapping[str, Callable[[], object]],
    runs: int = RUNS,
    clock: Callable[[], float] = time.process_time,
    *,
    collector: bool = True,
) -> dict[str, float]:
    """Return the median seconds of each work; they take turns, so that a busy minute falls on all of them.

    What was made before, for other works too, is kept out of the collector's way: no worker would hold it.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    gc.freeze()
    for _ in range(runs):
        for name, work in works.items():
            taken[name].append(seconds(work, clock, collector=collector))
    gc.unfreeze()
    return {name: statistics.median(times) for name, times in taken.items()}


def over(first: float, second: float, unit: str = "s") -> str:
    """Return the parts of a ratio as text."""
    return f"{first:.3f} {unit} ÷ {second:.3f} {unit}"


def _status(field: str) -> float:
    """Return a field of this process's memory in megabytes (Linux)."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise OSError(f"the system does not tell {field}")
    return int(found[1]) / 1024


def highest_megabytes() -> float:
    """Return the highest resident memory of this program so far.

    Unlike getrusage's ru_maxrss, which a fresh program inherits from the process that started it.
    """
    return _status("VmHWM")


def peak_megabytes(work: Callable[[], object]) -> float:
    """Return how much the highest resident memory during a work lies above that before it. Call it `in_child`."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    work()
    return highest_megabytes() - before


def _answer(pipe: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    pipe.send(function(*arguments))
    pipe.close()


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function of a module returns in a fresh process: for memory, and for what begins cold.

    Raises:
        EOFError: when the process died or the function raised (its traceback is on the terminal).
    """
    context = get_context("spawn")
    mine, other = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(other, function, arguments))
    child.start()
    other.close()
    try:
        return mine.recv()
    finally:
        child.join()
