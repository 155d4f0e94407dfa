"""紧急上报: whom to call, and named facts handed to the person on duty at once, with every step on record."""

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Campaign
from interviews.models.access import SealedRecord
from interviews.models.interview import Interview
from interviews.models.roster import RosterEntry


class EmergencyContact(models.Model):
    """Somebody on duty for a part of the tree. With an account they receive reports, without one they are a number."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="emergency_contacts", verbose_name="活动"
    )
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", verbose_name="负责范围")
    ordinal = models.PositiveSmallIntegerField("次序", default=1)
    duty = models.CharField("岗位", max_length=60)
    name = models.CharField("姓名", max_length=60, blank=True)
    phone = models.CharField("电话", max_length=60)
    hours = models.CharField("值守时间", max_length=60, blank=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="接报账号"
    )
    active = models.BooleanField("在用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "紧急联系人"
        ordering = ("campaign", "ordinal", "pk")
        constraints = (
            models.CheckConstraint(condition=~Q(duty=""), name="emergency_contact_duty"),
            models.CheckConstraint(condition=~Q(phone=""), name="emergency_contact_phone"),
        )

    def __str__(self) -> str:
        return f"{self.duty}　{self.name}".strip()


class EmergencyReport(models.Model):
    """Named facts on their way to one duty person. Only the reporter and that person read them."""

    class State(models.TextChoices):
        SENT = "sent", "待接报"
        ACKNOWLEDGED = "acknowledged", "已接报"
        CLOSED = "closed", "已处置"

    client_id = models.UUIDField("客户端编号", unique=True)
    record = models.OneToOneField(
        SealedRecord, on_delete=models.PROTECT, related_name="emergency", verbose_name="密存记录"
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="emergency_reports", verbose_name="活动"
    )
    contact = models.ForeignKey(EmergencyContact, on_delete=models.PROTECT, related_name="reports", verbose_name="岗位")
    duty = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="emergencies_received", verbose_name="值班人"
    )
    reporter = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="emergencies_sent", verbose_name="上报人"
    )
    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="当事人"
    )
    interview = models.ForeignKey(
        Interview, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="访谈"
    )
    state = models.CharField("状态", max_length=14, choices=State.choices, default=State.SENT)
    reported_at = models.DateTimeField("上报时间")
    acknowledged_at = models.DateTimeField("接报时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "紧急上报"
        ordering = ("-reported_at", "-pk")
        indexes = (models.Index(fields=["duty", "state"]),)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=["sent", "acknowledged", "closed"]), name="emergency_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="sent") | Q(acknowledged_at__isnull=False), name="emergency_acknowledged_at"
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def permission_branch_id(self) -> int:
        """The part of the tree the duty covers."""
        return self.contact.unit_id


class EmergencyStep(models.Model):
    """One thing that happened to a report. Rows are only ever added."""

    class What(models.TextChoices):
        SENT = "sent", "上报"
        MAILED = "mailed", "已发邮件提醒"
        MAIL_FAILED = "mail_failed", "邮件没有发出"
        NO_MAIL = "no_mail", "没有邮箱或没有配置邮件，只在系统内提醒"
        ACKNOWLEDGED = "acknowledged", "接报"
        CLOSED = "closed", "处置完毕"

    report = models.ForeignKey(EmergencyReport, on_delete=models.PROTECT, related_name="steps", verbose_name="紧急上报")
    at = models.DateTimeField("时间")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="经办人")
    what = models.CharField("事项", max_length=14, choices=What.choices)

    class Meta:
        verbose_name = verbose_name_plural = "上报经过"
        ordering = ("report", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(what__in=["sent", "mailed", "mail_failed", "no_mail", "acknowledged", "closed"]),
                name="emergency_step_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.report_id} {self.what}"
