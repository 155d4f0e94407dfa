"""What the export pages say about a row: the words of its state, what can be done with it, how long it may take."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from branches import clock, wording
from reporting.models import Export, WorkerHeartbeat
from reporting.services import upkeep
from reporting.services.versions import Changes
from reporting.workers import queue

S = Export.State
SOONEST = 3
_FORMATS = {"xlsx": "Excel", "pdf": "PDF", "csv": "CSV"}
_SHAPES = {
    S.QUEUED: "todo",
    S.RUNNING: "info",
    S.DRAWING: "info",
    S.DONE: "ok",
    S.FAILED: "bad",
    S.CANCELLED: "todo",
    S.EXPIRED: "todo",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One export as a row of a page."""

    export: Export
    shape: str
    words: str
    note: str
    format: str

    @property
    def live(self) -> bool:
        """Tell whether it can still change by itself."""
        return self.export.state in Export.ALIVE

    @property
    def counted(self) -> bool:
        """Tell whether progress is known."""
        return self.export.state in Export.BEGUN and self.export.total > 1


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One `manage.py worker` as a row of the queue page."""

    name: str
    shape: str
    words: str
    seen: str
    does: str


def worker_line(worker: WorkerHeartbeat, now: dt.datetime) -> WorkerLine:
    """Return what the queue page says about a worker; `now` is the database's time, as its heartbeat is."""
    silent = now - worker.seen_at
    shape, words = ("warn", "消息服务连不上") if worker.broker_error else ("ok", "正常")
    if silent > upkeep.ALIVE_WITHIN:
        shape, words = "bad", "没有心跳"
    does = f"生成进程 {worker.heavy} 个，轻任务进程 {worker.light} 个"
    restarts = f"，重新启动过 {worker.restarts} 次" if worker.restarts else ""
    return WorkerLine(worker.name, shape, words, _ago(silent), f"{does}{restarts}")


def _ago(gone: dt.timedelta) -> str:
    seconds = max(0, round(gone.total_seconds()))
    if seconds < 90:
        return f"{seconds} 秒前"
    return f"{seconds // 60} 分钟前" if seconds < 5400 else f"{seconds // 3600} 小时前"


def format_of(export: Export) -> str:
    """Return Excel, PDF, or PDF 压缩包."""
    inner = _FORMATS.get(export.params.get("inner", ""), "")
    return f"{inner} 压缩包".strip() if export.format == Export.Format.ZIP else export.get_format_display()


def seconds_left(export: Export, now: dt.datetime) -> int | None:
    """Return how long a running export may still take, by its pace so far; None while that says little."""
    if not export.started_at or export.done < 1 or export.total <= export.done:
        return None
    gone = (now - export.started_at).total_seconds()
    if gone < SOONEST:
        return None
    return round(gone / export.done * (export.total - export.done))


def _left(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return f"约还需 {seconds} 秒" if seconds < 90 else f"约还需 {round(seconds / 60)} 分钟"


def _running(export: Export, now: dt.datetime) -> tuple[str, str]:
    if export.cancel_requested:
        return "正在取消", ""
    if export.total > 1 and export.done == export.total:
        return "正在合并", ""
    if export.total > 1:
        return f"正在生成 {export.done}/{export.total}", _left(seconds_left(export, now))
    return "正在生成", ""


def _done(export: Export, now: dt.datetime, changed: dt.datetime | None) -> str:
    parts = [export.note] if export.note else []
    parts.append(wording.file_size(export.file_size))
    if changed is not None:
        parts.append(f"生成后数据有变动（{wording.zh_moment(timezone.localtime(changed), now)}），可重新生成")
    elif export.expires_at:
        parts.append(f"{wording.zh_moment(timezone.localtime(export.expires_at), now)} 到期")
    return " · ".join(parts)


def line(export: Export, now: dt.datetime, *, changed: dt.datetime | None = None, ahead: int = 0) -> Line:
    """Return what a page says about one export; `changed` is when its data changed since, `ahead` its queue."""
    words, note = str(export.get_state_display()), ""
    shape = "warn" if export.state == S.DONE and export.note else _SHAPES[S(export.state)]
    if export.state == S.QUEUED:
        words = f"排队中，前面 {ahead} 个" if ahead else "排队中"
        note = f"上次没有成功：{export.error}" if export.error else ""
    elif export.state in Export.BEGUN:
        words, note = _running(export, now)
    elif export.state == S.DONE:
        note = _done(export, now, changed)
    elif export.state == S.FAILED:
        note = export.error
    return Line(export, shape, words, note, format_of(export))


def lines(exports: Iterable[Export]) -> list[Line]:
    """Return the rows of a page, in a number of queries that grows only with what is queued."""
    rows = list(exports)
    now, done = clock.now(), [row.data_version for row in rows if row.state == S.DONE]
    changes = Changes(min(done)) if done else None
    return [
        line(
            row, now, ahead=queue.position(row) if row.state == S.QUEUED else 0,
            changed=changes.at(row.unit_id, row.data_version) if changes and row.state == S.DONE else None,
        )
        for row in rows
    ]  # fmt: skip
