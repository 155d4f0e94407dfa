"""Application configuration."""

from django.apps import AppConfig

from branches import guards


class GradingConfig(AppConfig):
    """Grading application."""

    name = "grading"
    verbose_name = "分类定级"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Guard what must never change: frozen results, final rounds, published rubrics."""
        guards.protect(guards.Guard("grading_result", when="OLD.frozen_at IS NOT NULL"))
        guards.protect(guards.Guard("grading_round", when="OLD.state = 'final'"))
        guards.protect(guards.Guard("grading_rubric", when="OLD.state = 'published'"))
        guards.protect(guards.Guard("grading_localguidance", when="OLD.state = 'published'"))
