"""Pieces: parts of exports that are drawn once and kept by the hash of what they show (design.md ideas 7 and 8)."""

import datetime as dt

from django.db import models
from django.db.models import Exists, OuterRef, Q

from reporting.models.exports import MAX_ATTEMPTS, Export


class PieceQuerySet(models.QuerySet["Piece"]):
    """Reads on pieces."""

    def open(self) -> "PieceQuerySet":
        """Keep what still has to be drawn."""
        return self.filter(state__in=Piece.OPEN)

    def drawing(self) -> "PieceQuerySet":
        """Keep what somebody draws."""
        return self.filter(state=Piece.State.DRAWING)

    def ready(self, moment: dt.datetime) -> "PieceQuerySet":
        """Keep what may be claimed now."""
        pause_over = Q(available_at__isnull=True) | Q(available_at__lte=moment)
        return self.filter(pause_over, state=Piece.State.WAITING)

    def unwanted(self) -> "PieceQuerySet":
        """Keep what no export is made of."""
        return self.filter(~Exists(Part.objects.filter(piece=OuterRef("pk"))))


class Piece(models.Model):
    """One document, or one run of pages, of whatever exports show the same: made once, whoever asked for it.

    `digest` is the hash of what it shows, with the version of code and fonts. `token` is a fencing token as that of an
    export. All moments are the database's.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "待生成"
        DRAWING = "drawing", "正在生成"
        DONE = "done", "已生成"
        FAILED = "failed", "未能生成"

    OPEN = (State.WAITING, State.DRAWING)

    digest = models.CharField("内容摘要", max_length=64, unique=True)
    format = models.CharField("格式", max_length=10, choices=Export.Format.choices)
    state = models.CharField("状态", max_length=20, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveSmallIntegerField("次数", default=0)
    token = models.PositiveBigIntegerField("令牌", default=0)
    lease_until = models.DateTimeField("租约到", null=True, blank=True)
    available_at = models.DateTimeField("可开始时间", null=True, blank=True)
    work_key = models.CharField("所依据的数据", max_length=200, blank=True)
    file_key = models.CharField("文件", max_length=200, blank=True)
    file_size = models.PositiveBigIntegerField("字节", default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    pages = models.PositiveIntegerField("页数", default=0)
    error = models.CharField("原因", max_length=300, blank=True)
    used_at = models.DateTimeField("最近使用")

    objects = PieceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "文件片段"
        ordering = ("pk",)
        indexes = (models.Index(fields=["state", "used_at"]),)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "drawing", "done", "failed"]), name="piece_state_known"
            ),
            models.CheckConstraint(condition=Q(format__in=["xlsx", "pdf"]), name="piece_format_known"),
            models.CheckConstraint(
                condition=~Q(state="done") | (~Q(file_key="") & ~Q(sha256="") & Q(pages__gte=1)),
                name="piece_done_has_file",
            ),
            models.CheckConstraint(
                condition=~Q(state="drawing") | Q(lease_until__isnull=False), name="piece_drawing_has_lease"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["waiting", "drawing"]) | ~Q(work_key=""), name="piece_open_has_work"
            ),
            models.CheckConstraint(condition=Q(attempt__lte=MAX_ATTEMPTS), name="piece_attempts_bounded"),
        )

    def __str__(self) -> str:
        return self.digest[:12]


class Part(models.Model):
    """The place of a piece in an export that is being made; rows go when the export has ended."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts", verbose_name="导出")
    piece = models.ForeignKey(Piece, on_delete=models.PROTECT, related_name="parts", verbose_name="文件片段")
    number = models.PositiveIntegerField("序号")
    group = models.CharField("党总支", max_length=200, blank=True)
    title = models.CharField("名称", max_length=200, blank=True)
    code = models.CharField("表单编码", max_length=20, blank=True)
    file_name = models.CharField("文件名", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "导出的组成"
        ordering = ("export", "number")
        constraints = (
            models.UniqueConstraint(fields=["export", "number"], name="part_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="part_numbers_from_one"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.title}".strip()
