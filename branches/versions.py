"""Optimistic locking: saving checks the record's version, and a conflict keeps both texts."""

from typing import Any, TypeVar

from django.db import models
from django.db.models import F

M = TypeVar("M", bound=models.Model)


class ConflictError(Exception):
    """Somebody saved first. `.current` is the row as it stands, `.mine` what this person tried to save."""

    def __init__(self, current: models.Model, mine: dict[str, Any]) -> None:
        """Keep both sides."""
        super().__init__("这条记录刚被他人修改过。")
        self.current = current
        self.mine = mine


def save_versioned(row: M, *, version: int, values: dict[str, Any]) -> M:
    """Write `values` if the row still has `version`, raising its version by one; raises ConflictError otherwise."""
    model = type(row)
    changed = model._base_manager.filter(pk=row.pk, version=version).update(**values, version=F("version") + 1)
    fresh = model._base_manager.get(pk=row.pk)
    if not changed:
        raise ConflictError(fresh, values)
    return fresh
