"""How talks are held and what they are about, as data of a campaign."""

from django.db import models
from django.db.models import Q

from branches.models import Campaign


class Channel(models.Model):
    """A way of talking, such as 面对面 or 电话."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="channels", verbose_name="活动")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("名称", max_length=40)
    face_to_face = models.BooleanField("面对面", default=False)
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("在用", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "访谈方式"
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="channel_code_once"),
            models.UniqueConstraint(fields=["campaign", "name"], name="channel_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="channel_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class Topic(models.Model):
    """What a talk may be about; a sensitive one is kept in the sealed part of a record only."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="topics", verbose_name="活动")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("名称", max_length=40)
    sensitive = models.BooleanField("敏感", default=False)
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("在用", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "访谈话题"
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="topic_code_once"),
            models.UniqueConstraint(fields=["campaign", "name"], name="topic_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="topic_has_name"),
        )

    def __str__(self) -> str:
        return self.name
