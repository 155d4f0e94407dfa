"""Targets of the branches app."""

import json

from tests.matrix.targets import Call, target
from tests.matrix.world import World


@target("draft")
def draft(_world: World, _relation: str, _name: str) -> Call:
    """A draft belongs to whoever saves it; there is no address of anybody else's."""
    data = json.dumps({"sequence": 1, "data": {"note": "x"}})
    return Call({"form": "profile", "key": "1"}, data, content_type="application/json")
