"""Where the present request comes from, so that audit entries can say it without passing it through every call."""

from contextvars import ContextVar

address: ContextVar[str | None] = ContextVar("address", default=None)
