"""Writes that only an import needs: codes and founding dates of nodes, and the entry about the import as a whole."""

from typing import Any

from django.db import transaction

from branches import audit
from branches.models import Account, Branch
from branches.partial_dates import PartialDate
from branches.versions import save_versioned


@transaction.atomic
def correct_node(
    *, by: Account | None, branch: Branch, code: str | None = None, founded: PartialDate | None = None
) -> Branch:
    """Give a node another code or founding date; None leaves it. Raises IntegrityError when the code is taken."""
    values: dict[str, Any] = {}
    if code is not None and code != branch.code:
        values["code"] = code
    if founded is not None and founded != branch.founded:
        values["founded"] = founded
    if not values:
        return branch
    before = {"code": branch.code, "founded": str(branch.founded or "")}
    fresh = save_versioned(branch, version=branch.version, values=values)
    audit.record(
        by=by, action="branch.correct", thing=fresh, branch=fresh, summary="更正编号或成立时间",
        before=before, after={"code": fresh.code, "founded": str(fresh.founded or "")},
    )  # fmt: skip
    return fresh


@transaction.atomic
def note_import(*, by: Account | None, root: Branch, summary: str, facts: dict[str, Any]) -> None:
    """Write the entry about a whole import."""
    audit.record(by=by, action="roster.import", thing=root, branch=root, summary=summary, after=facts)
