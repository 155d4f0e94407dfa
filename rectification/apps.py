"""Application configuration."""

from django.apps import AppConfig


class RectificationConfig(AppConfig):
    """Rectification application."""

    name = "rectification"
    verbose_name = "整改提高"
    default_auto_field = "django.db.models.BigAutoField"
