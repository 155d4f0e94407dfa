"""Application configuration."""

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import post_migrate

from branches import guards


def _install_guards(using: str, **_: object) -> None:
    """Put the triggers back after a migrate, which may have rebuilt their tables."""
    if not settings.TESTING:
        guards.install(connections[using])


class BranchesConfig(AppConfig):
    """Organisation, people, campaigns and the foundations every other app stands on."""

    name = "branches"
    verbose_name = "组织与活动"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Fill the registries and guard the tables that must not change."""
        from branches.registries import autodiscover  # noqa: PLC0415  models must be loaded first

        autodiscover()
        post_migrate.connect(_install_guards, sender=self, dispatch_uid="zhibu-guards")
