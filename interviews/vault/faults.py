"""Why something could not be opened; each message is a Chinese sentence for the person who tried."""


class VaultError(Exception):
    """Something about keys or ciphertext is not as it should be."""


class KeyLost(VaultError):
    """There is no key for a record, or it cannot be unwrapped."""


class KeyErased(VaultError):
    """The key of a record was destroyed on purpose."""


class Tampered(VaultError):
    """A ciphertext does not belong where it stands, or was changed."""
