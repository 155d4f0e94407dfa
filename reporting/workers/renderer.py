"""The child process that draws. It may die at any time: its parent decides what becomes of what it was doing."""

import contextlib
import gc
import hashlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.db import connections

from branches.permissions import Action, can
from grading.models import Round
from reporting.making import finishing, planning, storing
from reporting.making.drawing import SpoiltWorkError, draw, pack, unpack
from reporting.making.finishing import Finished, IncompleteError
from reporting.making.orders import NothingToShowError, order_of, stamp_for
from reporting.making.planning import Plan, Shape
from reporting.making.rendering import produce
from reporting.making.storing import Stored
from reporting.models import Export, Part
from reporting.services import jobs, pieces, plans
from reporting.services.jobs import Claim
from reporting.services.upkeep import FOLDER, PIECES
from reporting.workers.processes import Report, allow_more_time, as_line, memory_mb

PLANNINGS = 3
SPOILT = "部分内容已失效，正在重新生成。"


class GaveUpError(Exception):
    """The claim is lost or the owner cancelled: stop without a word."""


class PiecesLostError(Exception):
    """Files of finished pieces are gone or spoilt: the export has to be planned again."""


# --- Tasks ----------------------------------------------------------------------------------------------------------


def work(tasks: int, answers: int) -> None:
    """Do tasks from one pipe and answer on the other until the first is closed.

    The collector stays off: what a document leaves behind goes with the process, which its parent ends in time.
    """
    gc.disable()
    with os.fdopen(tasks, encoding="utf-8") as lines, os.fdopen(answers, "w", encoding="utf-8") as told:
        for line in lines:
            allow_more_time()
            report = replace(do(json.loads(line)), memory_mb=memory_mb())
            told.write(as_line(report) + "\n")
            told.flush()


def do(task: Mapping[str, Any]) -> Report:
    """Do one task: draw a piece, or make an export."""
    try:
        if "work" in task:
            return draw_piece(task["work"])
        return make_export(task["export"], task["token"])
    except GaveUpError:
        return Report(ok=False)
    except (NothingToShowError, IncompleteError) as error:
        return explain(error)
    except Exception as error:  # noqa: BLE001 - every fault becomes a readable reason; the trace goes to the log
        traceback.print_exc(file=sys.stderr)
        return explain(error)
    finally:
        connections.close_all()


def explain(error: BaseException) -> Report:
    """Say in a sentence what went wrong; what is wrong with the request itself is final."""
    if isinstance(error, NothingToShowError | IncompleteError):
        return Report(ok=False, reason=str(error), final=True)
    if isinstance(error, KeyError | Round.DoesNotExist):
        return Report(ok=False, reason="所申请的报表或轮次已不存在。", final=True)
    if isinstance(error, MemoryError):
        return Report(ok=False, reason="内存不足，没能生成。")
    if isinstance(error, PiecesLostError | SpoiltWorkError):
        return Report(ok=False, reason=SPOILT)
    if isinstance(error, OSError) and error.errno in storing.NO_ROOM:
        return Report(ok=False, reason=storing.FULL)
    return Report(ok=False, reason=f"生成时出错（{type(error).__name__}），请重试；仍不行请联系系统管理员。")


# --- A piece --------------------------------------------------------------------------------------------------------


def draw_piece(work_key: str) -> Report:
    """Draw a piece from the facts stored for it."""
    stored = unpack(storing.read(work_key))
    content, pages = draw(stored)
    return _report(storing.store_bytes(content, PIECES, f".{stored.format}"), pages=pages)


def _report(stored: Stored, **more: Any) -> Report:
    return Report(ok=True, **asdict(stored), **more)


# --- An export ------------------------------------------------------------------------------------------------------


def make_export(export_id: int, token: int) -> Report:
    """Make, plan or merge the export whose claim has `token`."""
    export = Export.objects.select_related("owner__person", "unit").get(pk=export_id)
    if export.state != Export.State.RUNNING or export.token != token:
        raise GaveUpError
    return make(export, token)


def make(export: Export, token: int) -> Report:
    """Do what the export needs next: merge it when its pieces are drawn, else plan it or make it at once."""
    if not can(export.owner, Action.EXPORT, export.unit):
        return Report(ok=False, reason=jobs.NO_LONGER_ALLOWED, final=True)
    if export.parts.exists():
        return merge(export, token)
    for _ in range(PLANNINGS):
        made = planning.plan(order_of(export), stamp_for(export.owner), export.owner)
        if made.shape == Shape.WHOLE:
            return make_at_once(export, token, made)
        with contextlib.suppress(plans.VanishedError):
            left = write_plan(export, token, made)
            return Report(ok=True, left=left) if left else merge(export, token)
    raise PiecesLostError


def _going_on(export: Export, token: int, done: int, total: int) -> None:
    if not jobs.report(export.pk, token, done=done, total=total):
        raise GaveUpError
    allow_more_time()


def make_at_once(export: Export, token: int, made: Plan) -> Report:
    """Make and store the file of a small plan."""
    with tempfile.TemporaryDirectory(prefix="zhibu-render-") as folder:
        product = produce(
            order_of(export), made, Path(folder), lambda done, total: _going_on(export, token, done, total)
        )
        stored = storing.store_file(product.path, FOLDER, Path(product.name).suffix)
    return _report(stored, name=product.name, digest=product.digest)


def write_plan(export: Export, token: int, made: Plan) -> int:
    """Store the facts of missing pieces and write the plan down; returns how many are to be drawn."""
    documents = made.documents
    _going_on(export, token, 0, len(documents))
    known = plans.usable([document.digest for document in documents])
    works = {}
    for document in documents:
        if document.digest not in known and document.digest not in works:
            works[document.digest] = storing.store_bytes(pack(document.work), PIECES, ".work").key
    drafts = [
        plans.Draft(d.digest, d.work.format, d.title, d.group, d.code, d.file_name) for d in documents
    ]  # fmt: skip
    held = Claim(export.pk, token, export.attempt)
    left = plans.write(held, drafts, works, name=made.name, digest=made.digest)
    if left is None:
        pieces.delete_files(works.values())
        raise GaveUpError
    return left


def merge(export: Export, token: int) -> Report:
    """Put the file of an export together from its pieces, and store it."""
    order = order_of(export)
    shape = planning.shape_of(order)
    export.refresh_from_db()
    with tempfile.TemporaryDirectory(prefix="zhibu-merge-") as name, contextlib.ExitStack() as open_files:
        folder = Path(name)
        parts = list(_finished(export, token, folder, open_files))
        storing.require_room(sum(part.path.stat().st_size for part in parts if part.path))
        target = folder / "whole"
        note = finishing.finish(order, shape, parts, target)
        stored = storing.store_file(target, FOLDER, Path(export.file_name).suffix)
    return _report(stored, name=export.file_name, digest=export.data_digest, note=note)


def _finished(export: Export, token: int, folder: Path, open_files: contextlib.ExitStack) -> Iterator[Finished]:
    """Yield the parts of an export, each compared with its row. Raises PiecesLostError."""
    spoilt = []
    for part in Part.objects.filter(export=export).select_related("piece").order_by("number"):
        piece, path = part.piece, None
        if not piece.error:
            path = open_files.enter_context(storing.at_hand(piece.file_key, folder))
            if not _whole(path, piece.sha256):
                spoilt.append(piece)
        yield Finished(
            part.number, path, piece.pages, part.title, part.group, part.code, part.file_name, piece.error
        )  # fmt: skip
    if spoilt:
        pieces.set_aside(spoilt)
        plans.tear_up(Claim(export.pk, token, export.attempt))
        raise PiecesLostError


def _whole(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False
