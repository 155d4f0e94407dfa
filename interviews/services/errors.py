"""What a service answers when it cannot do what was asked. None of these ever carries a confidential text."""

from collections.abc import Iterable, Mapping
from typing import NoReturn


class RefusedError(Exception):
    """The input is wrong or the time is; `.sentences` tell a person what to put right, `.fields` where."""

    def __init__(self, sentences: Iterable[str], fields: Mapping[str, str] | None = None) -> None:
        """Keep the sentences, and those that belong to one field by its name."""
        self.fields = dict(fields or {})
        self.sentences = [*sentences, *self.fields.values()]
        super().__init__("；".join(self.sentences))


class NotReadableError(RefusedError):
    """A record is not this account's to open: for it, the record does not exist (404). The attempt is on record."""


class UnopenableError(RefusedError):
    """A record may be opened but cannot: erased, its key lost, or its ciphertext changed. The attempt is on record."""


def refuse(*sentences: str, **fields: str) -> NoReturn:
    """Raise RefusedError with these sentences; a keyword names the field a sentence belongs to."""
    raise RefusedError(sentences, fields)
