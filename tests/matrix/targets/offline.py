"""Targets of 附件4 offline: the workbooks of a 党总支, and a workbook somebody sent back."""

import uuid

from branches import clock
from branches.models import Upload
from reporting.offline.reader import read
from reporting.services import offline
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round, _unit
from tests.matrix.world import World


@target("offline_group", "own", "other")
def offline_group(world: World, relation: str, _name: str) -> Call:
    """All branches of a 党总支."""
    return Call({"pk": _round(world).pk, "group": str(world.unit(relation).pk)})


@target("offline_upload", "own", "other")
def offline_upload(world: World, relation: str, name: str) -> Call:
    """A workbook that waits: software's, sent by its secretary (own), or one of the letters, sent by the office."""
    row = _unit(world, relation)
    ((file_name, data),) = offline.workbooks(units=[row])
    reading = read(file_name, data, offline.signing_keys()).plain()
    batch = uuid.uuid4().hex
    upload = Upload.objects.create(
        key=uuid.uuid4().hex, kind=offline.KIND, name=file_name, size=1, sha256="0" * 64, created_at=clock.now(),
        account=world.accounts["secretary" if relation == "own" else "office"],
        choices={"batch": batch, "round": row.round_id, "unit": None, "reading": reading, "sides": {}},
    )  # fmt: skip
    return Call({"key": batch if name == "offline-batch" else upload.key}, {"do": "drop", "drop": upload.key})
