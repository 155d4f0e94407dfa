"""What a service answers when it cannot do what was asked."""

from collections.abc import Iterable, Mapping


class RefusedError(Exception):
    """The input is wrong or the time is; `.sentences` tell a person what to put right, `.fields` where."""

    def __init__(self, sentences: Iterable[str], fields: Mapping[str, str] | None = None) -> None:
        """Keep the sentences, and those that belong to one field by its name."""
        self.sentences = list(sentences)
        self.fields = dict(fields or {})
        super().__init__("；".join(self.sentences))


def refuse(*sentences: str) -> None:
    """Raise RefusedError with these sentences."""
    raise RefusedError(sentences)
