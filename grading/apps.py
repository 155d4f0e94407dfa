"""Application configuration."""

from django.apps import AppConfig


class GradingConfig(AppConfig):
    """Grading application."""

    name = "grading"
    verbose_name = "分类定级"
    default_auto_field = "django.db.models.BigAutoField"
