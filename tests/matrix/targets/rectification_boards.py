"""Targets of the boards of rectification: a round's lists, and a returned 附件6."""

import uuid

from django.core.files.uploadedfile import SimpleUploadedFile

from branches import clock
from branches.models import Upload
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round
from tests.matrix.world import World


@target("round_list_file")
def round_list_file(world: World, _relation: str, _name: str) -> Call:
    """A list of a round; a POST asks for its rows as a file."""
    return Call({"pk": _round(world).pk}, {"format": "csv"})


@target("returned_annex6")
def returned_annex6(world: World, _relation: str, _name: str) -> Call:
    """A round, and a file that is no workbook: it is refused with a sentence, which is an answer all the same."""
    return Call({"pk": _round(world).pk}, {"file": SimpleUploadedFile("附件6.xlsx", b"x")})


@target("kept_annex6", "own", "other")
def kept_annex6(world: World, relation: str, _name: str) -> Call:
    """A returned 附件6 the office is importing (own), or somebody else (other); the file itself is gone."""
    round_ = _round(world)
    account = world.accounts["office" if relation == "own" else "administrator"]
    row = Upload.objects.create(
        key=uuid.uuid4().hex, kind=f"annex6-{round_.pk}", name="附件6.xlsx", size=1, sha256="0" * 64, account=account,
        created_at=clock.now(),
    )  # fmt: skip
    return Call({"pk": round_.pk, "key": row.key})
