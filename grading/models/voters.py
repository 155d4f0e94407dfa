"""Voter groups of an appraisal: 党员, 群众代表 …, each with its own weight in the score of its source."""

from django.db import models
from django.db.models import Q

from grading.models.round import Source


class VoterGroup(models.Model):
    """One group of voters of an appraisal source. A source without any counts all its ballots together."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="groups", verbose_name="来源")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("评议人员", max_length=40)
    weight = models.DecimalField("权重（%）", max_digits=5, decimal_places=2)

    class Meta:
        verbose_name = verbose_name_plural = "评议人员分类"
        ordering = ("source", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["source", "code"], name="voter_group_code_once"),
            models.UniqueConstraint(fields=["source", "ordinal"], name="voter_group_ordinal_once"),
            models.UniqueConstraint(fields=["source", "name"], name="voter_group_name_once"),
            models.CheckConstraint(
                condition=Q(weight__gt=0, weight__lte=100),
                name="voter_group_weight_percent",
                violation_error_message="评议人员的权重应大于 0、不超过 100。",
            ),
        )

    def __str__(self) -> str:
        return self.name
