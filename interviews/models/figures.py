"""Coverage as it was last shown, so that figures change only by as many people as the set size asks."""

from django.db import models

from branches.models import Campaign


class ShownFigures(models.Model):
    """The figures of a campaign that readers have seen: nothing but what may be shown to them."""

    campaign = models.OneToOneField(
        Campaign, on_delete=models.CASCADE, related_name="shown_figures", verbose_name="活动"
    )
    counted_at = models.DateTimeField("统计时间")
    basis = models.CharField("依据", max_length=200)
    tables = models.JSONField("统计表", default=dict)
    known = models.JSONField("每行最近一次显示的数", default=list)

    class Meta:
        verbose_name = verbose_name_plural = "显示过的覆盖数"

    def __str__(self) -> str:
        return f"{self.campaign_id}"
