"""Application configuration."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from branches import database_roles, guards


def _lift_guards(using: str, plan: Any = (), **_: object) -> None:
    """Take the triggers off before tables change: moving frozen rows into a new table is no tampering."""
    if plan and not settings.TESTING:
        guards.remove(connections[using])


def _install_guards(using: str, **_: object) -> None:
    """Put the triggers back after a migrate, and give the web role its rights on new tables."""
    if not settings.TESTING:
        guards.install(connections[using])
        database_roles.prepare(connections[using])


def _on_connect(connection: Any, **_: object) -> None:
    database_roles.on_connect(connection)


class BranchesConfig(AppConfig):
    """Organisation, people, campaigns and the foundations every other app stands on."""

    name = "branches"
    verbose_name = "组织与活动"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Fill the registries and guard the tables that must not change."""
        from branches.registries import autodiscover  # noqa: PLC0415  models must be loaded first

        autodiscover()
        connection_created.connect(_on_connect, dispatch_uid="zhibu-restrict")
        pre_migrate.connect(_lift_guards, sender=self, dispatch_uid="zhibu-lift-guards")
        post_migrate.connect(_install_guards, sender=self, dispatch_uid="zhibu-guards")
