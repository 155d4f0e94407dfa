"""Targets of the branches app: nodes, posts, people, campaigns, a roster being imported, drafts."""

import json
import uuid

from branches import clock
from branches.models import Upload
from tests.factories.branches import AppointmentFactory, PersonFactory
from tests.matrix.targets import Call, target
from tests.matrix.world import World


@target("draft")
def draft(_world: World, _relation: str, _name: str) -> Call:
    """A draft belongs to whoever saves it; there is no address of anybody else's."""
    data = json.dumps({"sequence": 1, "data": {"note": "x"}})
    return Call({"form": "profile", "key": "1"}, data, content_type="application/json")


@target("branch", "own", "sibling", "other")
def branch(world: World, relation: str, _name: str) -> Call:
    """A 党支部."""
    return Call({"pk": world.branch(relation).pk})


@target("post", "own", "sibling", "other")
def post(world: World, relation: str, _name: str) -> Call:
    """A post held in a branch."""
    row = AppointmentFactory(branch=world.branch(relation), post="deputy")
    return Call({"pk": row.pk}, {"on": "2026-01-01", "reason": "工作调动"})


@target("person", "own", "sibling", "other")
def person(world: World, relation: str, _name: str) -> Call:
    """Somebody who belongs to a branch and holds no post."""
    return Call({"pk": PersonFactory(unit=world.branch(relation)).pk})


@target("roster_step", "own", "other")
def roster_step(world: World, relation: str, _name: str) -> Call:
    """A roster the office imported: the office of the world itself (own), or somebody else (other)."""
    account = world.accounts["office" if relation == "own" else "administrator"]
    row = Upload.objects.create(
        key=uuid.uuid4().hex, kind="roster", name="名册.xlsx", size=1, sha256="0" * 64, account=account,
        created_at=clock.now(), state=Upload.State.DROPPED, finished_at=clock.now(),
    )  # fmt: skip
    return Call({"key": row.key, "step": "preview"})
