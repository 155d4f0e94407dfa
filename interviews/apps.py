"""Application configuration."""

from django.apps import AppConfig


class InterviewsConfig(AppConfig):
    """Interviews application."""

    name = "interviews"
    verbose_name = "两访两创"
    default_auto_field = "django.db.models.BigAutoField"
