"""The vault of this installation: where its keys lie is a matter of settings."""

from django.conf import settings

from interviews.vault import store
from interviews.vault.journal import Journal
from interviews.vault.keks import Keks
from interviews.vault.store import Vault


def vault() -> Vault:
    """Return the vault of this installation."""
    return Vault(
        settings.INTERVIEW_VAULT_DIR, Keks(settings.INTERVIEW_KEY_DIR), Journal(settings.INTERVIEW_JOURNAL_DIR)
    )


def ready() -> Vault:
    """Return the vault, with its first master key made where nothing was ever sealed. Raises KeyLost."""
    found = vault()
    if not found.keks.ids():
        store.found(found)
    return found
