"""Presets that were loaded: the notice families a campaign can be opened from."""

from django.db import models
from django.db.models import Q


class PresetQuerySet(models.QuerySet["Preset"]):
    """Reads on presets."""

    def newest(self) -> "PresetQuerySet":
        """Keep the newest version of each preset."""
        newer = Preset.objects.filter(code=models.OuterRef("code"), version__gt=models.OuterRef("version"))
        return self.filter(~models.Exists(newer))


class Preset(models.Model):
    """One version of a preset's campaign part; rubrics and scales it brings are rows of their own."""

    code = models.SlugField("代码", max_length=60)
    version = models.PositiveIntegerField("版本", default=1)
    title = models.CharField("名称", max_length=100)
    content = models.JSONField("内容", default=dict)
    digest = models.CharField("摘要", max_length=64)
    loaded_at = models.DateTimeField("载入时间")

    objects = PresetQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "预设"
        ordering = ("code", "-version")
        constraints = (
            models.UniqueConstraint(fields=["code", "version"], name="preset_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="preset_version_positive"),
        )

    def __str__(self) -> str:
        return f"{self.title} 第{self.version}版"
