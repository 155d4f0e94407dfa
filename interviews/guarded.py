"""Tables of talks the database itself keeps clean (branches.guards)."""

from branches.guards import Guard

_SENSITIVE = "EXISTS (SELECT 1 FROM interviews_focusgroup g WHERE g.id = {row}.group_id AND g.sensitive)"


def guards() -> tuple[Guard, ...]:
    """Return the guards: nobody is ever put into a sensitive focus group by name."""
    return (Guard("interviews_focusmembership", when="1 = 0", arriving=_SENSITIVE),)
