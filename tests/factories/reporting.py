"""Factories of exports and signs of life."""

import datetime as dt
from typing import Any

import factory
from factory.django import DjangoModelFactory

from branches import clock
from reporting import models
from reporting.database_time import database_now
from tests.factories import branches

State = models.Export.State
PieceState = models.Piece.State


class ExportFactory(DjangoModelFactory):
    """An export row; `state=` brings what the state needs (lease, file)."""

    class Meta:
        model = models.Export

    unit = factory.SubFactory(branches.BranchFactory)
    owner = factory.SubFactory(branches.AccountFactory)
    kind = "annex5"
    format = models.Export.Format.XLSX
    params = factory.LazyFunction(dict)
    fingerprint = factory.Sequence(lambda n: f"{n:064d}")
    title = "附件5 党支部分类定级汇总表"
    requested_at = factory.LazyFunction(clock.now)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **given: Any) -> models.Export:
        state = given.get("state", State.QUEUED)
        if state == State.RUNNING:
            given = {"lease_until": database_now() + dt.timedelta(seconds=60), "token": 1, "attempt": 1} | given
        if state == State.DRAWING:
            given = {"file_name": "附件4.zip"} | given
        if state == State.DONE:
            held = {"file_key": "exports/201203/none.xlsx", "file_name": "附件5.xlsx", "sha256": "0" * 64}
            given = held | {"expires_at": clock.now() + dt.timedelta(hours=24)} | given
        return super()._create(model_class, *args, **given)


class PieceFactory(DjangoModelFactory):
    """A piece; `state=` brings what the state needs (lease, file)."""

    class Meta:
        model = models.Piece

    digest = factory.Sequence(lambda n: f"{n:064x}")
    format = models.Export.Format.PDF
    work_key = factory.Sequence(lambda n: f"pieces/201203/{n}.work")
    used_at = factory.LazyFunction(database_now)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **given: Any) -> models.Piece:
        state = given.get("state", PieceState.WAITING)
        if state == PieceState.DRAWING:
            given = {"lease_until": database_now() + dt.timedelta(seconds=60), "token": 1, "attempt": 1} | given
        if state == PieceState.DONE:
            file = {"file_key": "pieces/201203/none.pdf", "sha256": "0" * 64, "pages": 2}
            given = given | {"work_key": ""} | {name: given.get(name, value) for name, value in file.items()}
        return super()._create(model_class, *args, **given)


class PartFactory(DjangoModelFactory):
    class Meta:
        model = models.Part

    export = factory.SubFactory(ExportFactory, state=State.DRAWING)
    piece = factory.SubFactory(PieceFactory)
    number = factory.Sequence(lambda n: n + 1)
    title = factory.Sequence(lambda n: f"第{n + 1}党支部")


class WorkerHeartbeatFactory(DjangoModelFactory):
    class Meta:
        model = models.WorkerHeartbeat

    name = factory.Sequence(lambda n: f"host:{n + 1}")
    pid = factory.Sequence(lambda n: n + 1)
    started_at = factory.LazyFunction(database_now)
    seen_at = factory.LazyFunction(database_now)
