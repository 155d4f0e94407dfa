"""Application configuration."""

from django.apps import AppConfig


class ReportingConfig(AppConfig):
    """Tables, annexes and everything that leaves the system."""

    name = "reporting"
    verbose_name = "报表导出"
    default_auto_field = "django.db.models.BigAutoField"
