"""A scope: the part of the tree an account reaches with one action, today."""

import datetime as dt
from dataclasses import dataclass

from django.db.models.expressions import RawSQL

_REACH = """
WITH RECURSIVE reach(id) AS (
    SELECT id FROM branches_branch WHERE id IN ({roots})
    UNION
    SELECT p.branch_id FROM branches_placement p JOIN reach r ON p.parent_id = r.id
    WHERE p.starts_on <= %s AND (p.ends_on IS NULL OR p.ends_on > %s)
)
SELECT id FROM reach
"""

_ABOVE = """
WITH RECURSIVE above(id) AS (
    SELECT id FROM branches_branch WHERE id IN ({roots})
    UNION
    SELECT p.parent_id FROM branches_placement p JOIN above a ON p.branch_id = a.id
    WHERE p.parent_id IS NOT NULL AND p.starts_on <= %s AND (p.ends_on IS NULL OR p.ends_on > %s)
)
SELECT id FROM above
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Node ids whose subtrees are reached on `day`; `everything` spares the tree walk for a school-wide role.

    `lent` are roots reached only because somebody was told to inspect them: apps that know of such tasks show
    `account` the task's part of them and nothing else.
    """

    roots: frozenset[int]
    day: dt.date
    everything: bool = False
    lent: frozenset[int] = frozenset()
    account: int | None = None

    def __bool__(self) -> bool:
        """An empty scope reaches nothing."""
        return self.everything or bool(self.roots)

    @property
    def held(self) -> "Scope":
        """The part that comes from a role of one's own, without what is only lent."""
        return Scope(self.roots - self.lent, self.day, self.everything) if self.lent else self

    def branches(self) -> RawSQL:
        """Return a sub-select of all node ids reached, for `pk__in` or `branch__in`."""
        return self._walk(_REACH)

    def above(self) -> RawSQL:
        """Return a sub-select of the roots and every node above them: whose campaigns concern this scope."""
        return self._walk(_ABOVE)

    def _walk(self, sql: str) -> RawSQL:
        roots = sorted(self.roots) or [-1]
        marks = ", ".join(["%s"] * len(roots))
        return RawSQL(sql.format(roots=marks), [*roots, self.day, self.day])  # noqa: S611


NOTHING = Scope(frozenset(), dt.date.min)
