"""What happened to an item: progress, files, verification, re-checks, and changes that needed consent."""

import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Person
from rectification.models.item import Item

if TYPE_CHECKING:
    from branches.scopes import Scope


class ItemOwnedQuerySet(models.QuerySet["models.Model"]):
    """Reads on rows that hang on an item by `item`."""

    def within(self, scope: "Scope") -> "ItemOwnedQuerySet":
        """Keep rows whose item `scope` reaches."""
        return self if scope.everything else self.filter(item__plan__branch__in=scope.held.branches())


@property
def branch_of_item(row: Any) -> int:
    """The node permission is asked for when a row hangs on an item (as `permission_branch_id`)."""
    return row.item.plan.branch_id


class Progress(models.Model):
    """One entry of what was done; the request for 销号 is one too, with 100 %."""

    class Kind(models.TextChoices):
        ENTRY = "entry", "进展"
        REQUEST = "request", "申请销号"
        CARRIED = "carried", "转入时的进展"

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="progress", verbose_name="整改项目")
    kind = models.CharField("种类", max_length=10, choices=Kind.choices, default=Kind.ENTRY)
    at = models.DateTimeField("时间")
    percent = models.PositiveSmallIntegerField("进度（%）")
    text = models.TextField("内容")
    by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="登记人")
    on_behalf = models.BooleanField("代录", default=False)

    objects = ItemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "进展"
        ordering = ("item", "-at", "-pk")
        constraints = (
            models.CheckConstraint(condition=Q(percent__lte=100), name="progress_percent_at_most_100"),
            models.CheckConstraint(condition=~Q(text=""), name="progress_has_text"),
        )

    permission_branch_id = branch_of_item

    def __str__(self) -> str:
        return f"{self.item_id} {self.percent}%"


def item_file_key(_instance: "ItemFile", name: str) -> str:
    """Return a storage key that tells nothing and cannot be guessed; the shown name is kept in the row."""
    suffix = PurePosixPath(name).suffix.lower()[:10]
    token = secrets.token_hex(20)
    return f"rectification/{token[:2]}/{token}{suffix}"


class ItemFile(models.Model):
    """A file that shows what was done. Removing keeps the row."""

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="files", verbose_name="整改项目")
    file = models.FileField("文件", upload_to=item_file_key, max_length=120)
    name = models.CharField("文件名", max_length=200)
    size = models.PositiveBigIntegerField("大小")
    sha256 = models.CharField("SHA-256", max_length=64)
    content_type = models.CharField("类型", max_length=100)
    uploaded_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="上传人"
    )
    uploaded_at = models.DateTimeField("上传时间")
    removed_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="移除人"
    )
    removed_at = models.DateTimeField("移除时间", null=True, blank=True)

    objects = ItemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改材料"
        ordering = ("item", "pk")
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="item_file_name_not_empty"),
            models.CheckConstraint(condition=Q(size__gt=0), name="item_file_not_empty"),
            models.UniqueConstraint(
                fields=["item", "sha256"], condition=Q(removed_at__isnull=True), name="item_file_once"
            ),
        )

    permission_branch_id = branch_of_item

    def __str__(self) -> str:
        return self.name


class Verification(models.Model):
    """Somebody of the level above looked. Who owned and led the item and who asked are copied: none of them may."""

    class Outcome(models.TextChoices):
        PASSED = "passed", "销号"
        FAILED = "failed", "未通过"

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="verifications", verbose_name="整改项目")
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="核实人")
    by_person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="核实人（人员）"
    )
    owner_person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="当时的责任人"
    )
    leader_person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="当时的责任领导"
    )
    requested_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="申请销号人"
    )
    at = models.DateTimeField("登记时间")
    on = models.DateField("核实日期")
    on_site = models.BooleanField("现场核实", default=False)
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices)
    finding = models.TextField("核实情况")

    objects = ItemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "核实"
        ordering = ("item", "-at", "-pk")
        constraints = (
            models.CheckConstraint(condition=Q(outcome__in=["passed", "failed"]), name="verification_outcome_known"),
            models.CheckConstraint(condition=~Q(finding=""), name="verification_has_finding"),
            models.CheckConstraint(
                condition=Q(owner_person__isnull=True) | Q(by_person__isnull=True) | ~Q(by_person=F("owner_person")),
                name="verification_not_by_owner",
                violation_error_message="责任人不能核实自己负责的项目。",
            ),
            models.CheckConstraint(
                condition=Q(leader_person__isnull=True) | Q(by_person__isnull=True) | ~Q(by_person=F("leader_person")),
                name="verification_not_by_leader",
                violation_error_message="责任领导不能核实自己负责的项目。",
            ),
            models.CheckConstraint(
                condition=Q(requested_by__isnull=True) | ~Q(by=F("requested_by")),
                name="verification_not_by_requester",
                violation_error_message="申请销号的人不能自己核实。",
            ),
        )

    permission_branch_id = branch_of_item

    def __str__(self) -> str:
        return f"{self.item_id} {self.outcome}"


class Recheck(models.Model):
    """A later look whether a verified item has relapsed (回弹)."""

    class Outcome(models.TextChoices):
        HELD = "held", "没有回弹"
        RELAPSED = "relapsed", "出现回弹"

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="rechecks", verbose_name="整改项目")
    due_on = models.DateField("复查日期")
    planned_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="安排人"
    )
    planned_at = models.DateTimeField("安排时间")
    done_on = models.DateField("实际复查日期", null=True, blank=True)
    done_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="复查人"
    )
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices, blank=True)
    finding = models.CharField("复查情况", max_length=500, blank=True)

    objects = ItemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "回弹复查"
        ordering = ("item", "due_on", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["item"], condition=Q(done_on__isnull=True), name="recheck_one_open",
                violation_error_message="这一项已安排复查。",
            ),
            models.CheckConstraint(
                condition=Q(done_on__isnull=True, outcome="")
                | Q(done_on__isnull=False, done_by__isnull=False, outcome__in=["held", "relapsed"]) & ~Q(finding=""),
                name="recheck_done_has_outcome",
            ),
        )  # fmt: skip

    permission_branch_id = branch_of_item

    def __str__(self) -> str:
        return f"{self.item_id} {self.due_on}"


class Change(models.Model):
    """A change of an approved item, asked for by the branch and decided above it. What it was before stays on record.

    `old` and `new` hold fields of the item as plain values. 责任人 and 措施 change without consent, but are kept here.
    """

    class Kind(models.TextChoices):
        DEADLINE = "deadline", "调整完成时限"
        EXTENSION = "extension", "延期"
        GOAL = "goal", "调整目标"
        TERM = "term", "调整期限类型"
        PAUSE = "pause", "暂停"
        RESUME = "resume", "恢复"
        ESCALATION = "escalation", "提请上级解决"
        DETAILS = "details", "调整措施或责任人"

    class State(models.TextChoices):
        PROPOSED = "proposed", "待审批"
        APPROVED = "approved", "已批准"
        REFUSED = "refused", "不同意"
        WITHDRAWN = "withdrawn", "已撤回"
        RECORDED = "recorded", "已登记"

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="changes", verbose_name="整改项目")
    kind = models.CharField("种类", max_length=12, choices=Kind.choices)
    old: Any = models.JSONField("原来", default=dict)
    new: Any = models.JSONField("改为", default=dict)
    reason = models.CharField("理由", max_length=500)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.PROPOSED)
    requested_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="申请人"
    )
    requested_at = models.DateTimeField("申请时间")
    decided_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="审批人"
    )
    decided_at = models.DateTimeField("审批时间", null=True, blank=True)
    answer = models.CharField("审批意见", max_length=500, blank=True)

    objects = ItemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改变更"
        ordering = ("item", "-requested_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["item", "kind"], condition=Q(state="proposed"), name="change_one_open_a_kind",
                violation_error_message="这一项已有同类申请待审批。",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="change_has_reason"),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "approved", "refused", "withdrawn", "recorded"]),
                name="change_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="recorded") | Q(kind="details"), name="change_recorded_only_details"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "refused"])
                | Q(decided_at__isnull=False, decided_by__isnull=False)
                & (Q(requested_by__isnull=True) | ~Q(decided_by=F("requested_by"))),
                name="change_decided_by_a_second_person",
            ),
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(answer=""), name="change_refused_says_why"),
        )  # fmt: skip

    permission_branch_id = branch_of_item

    def __str__(self) -> str:
        return f"{self.item_id} {self.kind} {self.state}"
