"""Application configuration."""

from django.apps import AppConfig

from branches import guards
from grading import frozen


class GradingConfig(AppConfig):
    """Grading application."""

    name = "grading"
    verbose_name = "分类定级"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Guard what must never change: frozen results and what they rest on, published rubrics, receipts."""
        guards.protect(*frozen.guards())
