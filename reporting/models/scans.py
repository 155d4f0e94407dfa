"""Scans: signed and stamped paper that came back, attached to the exact form version it was printed from."""

import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account
from reporting.models.forms import FormVersion

if TYPE_CHECKING:
    from branches.scopes import Scope


def scan_key(_instance: "ScanPage", name: str) -> str:
    """Return a storage key that tells nothing and cannot be guessed."""
    suffix = PurePosixPath(name).suffix.lower()[:10]
    token = secrets.token_hex(20)
    return f"scans/{token[:2]}/{token}{suffix}"


class ScanQuerySet(models.QuerySet["Scan"]):
    """Reads on scans."""

    def within(self, scope: "Scope") -> "ScanQuerySet":
        """Keep the scans of forms whose unit `scope` reaches today."""
        return self if scope.everything else self.filter(form__unit__in=scope.branches())

    def present(self) -> "ScanQuerySet":
        """Keep what was neither withdrawn nor replaced."""
        return self.filter(withdrawn_at__isnull=True)


class Scan(models.Model):
    """One signed copy of one form version, in one or more files. Withdrawing keeps the row and the files."""

    form = models.ForeignKey(FormVersion, on_delete=models.PROTECT, related_name="scans", verbose_name="表单版本")
    attached_at = models.DateTimeField("交回时间")
    attached_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="交回人"
    )
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="撤回人"
    )
    withdrawn_reason = models.CharField("撤回理由", max_length=200, blank=True)

    objects = ScanQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "扫描件"
        ordering = ("-attached_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["form"], condition=Q(withdrawn_at__isnull=True), name="scan_one_present_per_form"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason="")),
                name="scan_withdrawn_has_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.form_id} {self.attached_at:%Y-%m-%d}"

    @property
    def permission_branch_id(self) -> int:
        """The unit the form is about decides who may see the scan."""
        return self.form.unit_id


class ScanPageQuerySet(models.QuerySet["ScanPage"]):
    """Reads on files of scans."""

    def within(self, scope: "Scope") -> "ScanPageQuerySet":
        """Keep the files of forms whose unit `scope` reaches today."""
        return self if scope.everything else self.filter(scan__form__unit__in=scope.branches())


class ScanPage(models.Model):
    """One file of a scan: a PDF of all pages, or a photograph of one."""

    scan = models.ForeignKey(Scan, on_delete=models.PROTECT, related_name="pages", verbose_name="扫描件")
    ordinal = models.PositiveSmallIntegerField("序号")
    file = models.FileField("文件", upload_to=scan_key, max_length=120)
    name = models.CharField("文件名", max_length=200)
    size = models.PositiveBigIntegerField("大小")
    sha256 = models.CharField("SHA-256", max_length=64)
    content_type = models.CharField("类型", max_length=100)

    objects = ScanPageQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "扫描文件"
        ordering = ("scan", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["scan", "ordinal"], name="scan_page_once"),
            models.UniqueConstraint(fields=["scan", "sha256"], name="scan_page_not_twice"),
            models.CheckConstraint(condition=~Q(name="") & Q(size__gt=0), name="scan_page_not_empty"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def permission_branch_id(self) -> int:
        """The unit the form is about decides who may see the file."""
        return self.scan.form.unit_id
