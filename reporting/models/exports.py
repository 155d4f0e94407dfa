"""Export rows: the truth about every file that leaves the system. Celery only triggers (design.md idea 7)."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Branch

if TYPE_CHECKING:
    from branches.scopes import Scope

MAX_ATTEMPTS = 3


class ExportQuerySet(models.QuerySet["Export"]):
    """Reads on export rows."""

    def within(self, scope: "Scope") -> "ExportQuerySet":
        """Keep the exports of units that `scope` reaches today."""
        return self if scope.everything else self.filter(unit__in=scope.branches())

    def of(self, account: Account) -> "ExportQuerySet":
        """Keep the exports an account asked for."""
        return self.filter(owner=account)

    def waiting(self) -> "ExportQuerySet":
        """Keep what stands in the queue."""
        return self.filter(state=Export.State.QUEUED)

    def running(self) -> "ExportQuerySet":
        """Keep what somebody holds a claim on."""
        return self.filter(state=Export.State.RUNNING)

    def drawing(self) -> "ExportQuerySet":
        """Keep what is planned and waits for its pieces."""
        return self.filter(state=Export.State.DRAWING)

    def drawn(self) -> "ExportQuerySet":
        """Keep what is planned and has no piece left to draw: it may be merged."""
        return self.drawing().exclude(parts__piece__state__in=("waiting", "drawing"))

    def begun(self) -> "ExportQuerySet":
        """Keep what takes one of its owner's places: running, or with pieces being drawn."""
        return self.filter(state__in=Export.BEGUN)

    def alive(self) -> "ExportQuerySet":
        """Keep what has not ended."""
        return self.filter(state__in=Export.ALIVE)

    def recent(self, since: dt.datetime) -> "ExportQuerySet":
        """Keep what is alive, still offered, or was asked for since a moment."""
        return self.filter(Q(state__in=(*Export.ALIVE, Export.State.DONE)) | Q(requested_at__gte=since))


class Export(models.Model):
    """One file somebody asked for: what, for which unit, how far it is, and where it lies.

    `token` is the fencing token: every claim raises it, and only the holder of the present one may report progress or
    publish. An export of many documents is planned under a claim, then waits in DRAWING without one while its pieces
    (`reporting.models.pieces`) are drawn, and is merged under a claim again. `lease_until`, `heartbeat_at` and
    `available_at` are the database's time; other moments are the product's.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "正在生成"
        DRAWING = "drawing", "正在逐份生成"
        DONE = "done", "已完成"
        FAILED = "failed", "未能生成"
        CANCELLED = "cancelled", "已取消"
        EXPIRED = "expired", "已过期"

    class Format(models.TextChoices):
        XLSX = "xlsx", "Excel"
        PDF = "pdf", "PDF"
        CSV = "csv", "CSV"
        ZIP = "zip", "压缩包"

    BEGUN = (State.RUNNING, State.DRAWING)
    ALIVE = (State.QUEUED, *BEGUN)

    owner = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="exports", verbose_name="申请人")
    kind = models.SlugField("报表", max_length=40)
    format = models.CharField("格式", max_length=10, choices=Format.choices)
    params = models.JSONField("参数", default=dict)
    fingerprint = models.CharField("申请摘要", max_length=64)
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="exports", verbose_name="范围")
    title = models.CharField("名称", max_length=120)
    scope_summary = models.CharField("范围说明", max_length=200, blank=True)
    state = models.CharField("状态", max_length=20, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField("已完成份数", default=0)
    total = models.PositiveIntegerField("总份数", default=0)
    attempt = models.PositiveSmallIntegerField("次数", default=0)
    token = models.PositiveBigIntegerField("令牌", default=0)
    lease_until = models.DateTimeField("租约到", null=True, blank=True)
    heartbeat_at = models.DateTimeField("最近心跳", null=True, blank=True)
    available_at = models.DateTimeField("可开始时间", null=True, blank=True)
    nudged_at = models.DateTimeField("最近通知", null=True, blank=True)
    cancel_requested = models.BooleanField("要求取消", default=False)
    file_key = models.CharField("文件", max_length=200, blank=True)
    file_name = models.CharField("文件名", max_length=200, blank=True)
    file_size = models.PositiveBigIntegerField("字节", default=0)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    data_digest = models.CharField("数据摘要", max_length=64, blank=True)
    data_version = models.PositiveBigIntegerField("数据版本", default=0)
    error = models.CharField("原因", max_length=300, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)
    requested_at = models.DateTimeField("申请时间")
    started_at = models.DateTimeField("开始时间", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)
    expires_at = models.DateTimeField("到期时间", null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "导出"
        ordering = ("-requested_at", "-pk")
        indexes = (
            models.Index(fields=["state", "available_at"]),
            models.Index(fields=["owner", "fingerprint"]),
            models.Index(fields=["owner", "-requested_at"]),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "fingerprint"], condition=Q(state="queued"), name="export_one_queued_alike"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "drawing", "done", "failed", "cancelled", "expired"]),
                name="export_state_known",
            ),
            models.CheckConstraint(condition=Q(format__in=["xlsx", "pdf", "csv", "zip"]), name="export_format_known"),
            models.CheckConstraint(
                condition=~Q(state="done") | (~Q(file_key="") & ~Q(sha256="") & Q(expires_at__isnull=False)),
                name="export_done_has_file",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False), name="export_running_has_lease"
            ),
            models.CheckConstraint(condition=~Q(state="drawing") | ~Q(file_name=""), name="export_drawing_is_planned"),
            models.CheckConstraint(condition=Q(attempt__lte=MAX_ATTEMPTS), name="export_attempts_bounded"),
            models.CheckConstraint(condition=Q(done__lte=F("total")) | Q(total=0), name="export_done_within_total"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def permission_branch_id(self) -> int:
        """The unit decides who may export, retry, download."""
        return self.unit_id

    @property
    def percent(self) -> int:
        """Share of the work done, 0–100."""
        return self.done * 100 // self.total if self.total else 0


class WorkerHeartbeat(models.Model):
    """One row per running `manage.py worker`: the sign of life that doctor and the queue page read."""

    name = models.CharField("名称", max_length=120, unique=True)
    pid = models.PositiveIntegerField("进程号")
    light = models.PositiveSmallIntegerField("轻任务进程", default=0)
    heavy = models.PositiveSmallIntegerField("重任务进程", default=0)
    restarts = models.PositiveIntegerField("重启次数", default=0)
    broker_error = models.CharField("消息服务", max_length=200, blank=True)
    started_at = models.DateTimeField("启动时间")
    seen_at = models.DateTimeField("最近心跳")

    class Meta:
        verbose_name = verbose_name_plural = "后台进程"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
