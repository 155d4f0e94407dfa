"""Working days a site has entered itself: years the shipped calendar does not know yet, and single corrections."""

from django.db import models
from django.db.models import Q

from branches.models.people import Account


class CalendarYear(models.Model):
    """A year whose holidays and 调休 have all been entered from the State Council's notice (may be none)."""

    year = models.PositiveSmallIntegerField("年份", unique=True)
    document = models.CharField("依据", max_length=120)
    recorded_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="登记人"
    )
    recorded_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = verbose_name_plural = "放假安排"
        ordering = ("year",)
        constraints = (
            models.CheckConstraint(condition=Q(year__gte=2000, year__lte=2100), name="calendar_year_sensible"),
            models.CheckConstraint(condition=~Q(document=""), name="calendar_year_names_document"),
        )

    def __str__(self) -> str:
        return f"{self.year}年"


class CalendarDay(models.Model):
    """One day that is worked or free otherwise than the weekday, or the shipped calendar, says."""

    day = models.DateField("日期", unique=True)
    working = models.BooleanField("上班")
    name = models.CharField("名称", max_length=40)
    recorded_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="登记人"
    )
    recorded_at = models.DateTimeField("登记时间")

    class Meta:
        verbose_name = verbose_name_plural = "放假和调休"
        ordering = ("day",)
        constraints = (models.CheckConstraint(condition=~Q(name=""), name="calendar_day_has_name"),)

    def __str__(self) -> str:
        return f"{self.day} {'上班' if self.working else '放假'}"
