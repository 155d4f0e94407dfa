"""Application configuration."""

from django.apps import AppConfig

from branches import guards
from interviews import guarded


class InterviewsConfig(AppConfig):
    """Interviews application."""

    name = "interviews"
    verbose_name = "两访两创"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Guard what the database itself must refuse."""
        guards.protect(*guarded.guards())
