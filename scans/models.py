"""What the outside sees: authorisations, waves, runs, observations, verdicts."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from inventory.models import MailDomain, MailSystem, Unit
from inventory.scoping import ScopedQuerySet


class AuthorizationItem(models.TextChoices):
    """What a letter may allow. The ordinary observation needs no extra tick."""

    ORDINARY = "ordinary", "常规观测（DNS、SMTP/IMAP/POP3/HTTPS 握手，只读）"
    RELAY = "smtp.relay", "匿名转发测试（只发 RCPT，随即 RSET，不发送邮件内容）"


class AuthorizationQuerySet(ScopedQuerySet["Authorization"]):
    scope_path = "system__unit"

    def in_force(self) -> Self:
        today = timezone.localdate()
        return self.filter(
            status=Authorization.Status.FILED, valid_from__lte=today, valid_to__gte=today
        ).exclude(scan="")


def authorization_path(instance: "Authorization", filename: str) -> str:
    return f"authorizations/{instance.system_id}/{uuid.uuid4().hex}.{filename.rsplit('.', 1)[-1]}"


class Authorization(models.Model):
    """The recorded permission to probe a system: a printed letter, stamped, its scan uploaded."""

    class Status(models.TextChoices):
        DRAFT = "draft", "待盖章上传"
        FILED = "filed", "已生效"
        VOID = "void", "已作废"

    system = models.ForeignKey(MailSystem, models.CASCADE, related_name="authorizations")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.DRAFT)
    hosts = models.TextField("授权探测的主机", help_text="一行一个主机名")
    items = models.CharField("授权项目", max_length=120, default=AuthorizationItem.ORDINARY)
    valid_from = models.DateField("自")
    valid_to = models.DateField("至")
    signed_by = models.CharField("授权人（单位负责人）", max_length=30)
    contact_name = models.CharField("24小时联系人", max_length=30)
    contact_phone = models.CharField("24小时联系电话", max_length=25)
    scan = models.FileField("盖章扫描件", upload_to=authorization_path, max_length=200, blank=True)
    scan_name = models.CharField("文件名", max_length=150, blank=True)
    scan_sha256 = models.CharField(max_length=64, blank=True)
    filed_at = models.DateTimeField("生效时间", null=True)
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    void_reason = models.CharField("作废理由", max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = AuthorizationQuerySet.as_manager()

    class Meta:
        verbose_name = "探测授权"
        verbose_name_plural = "探测授权"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__gte=models.F("valid_from")),
                name="authorization_dates_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.system} 的探测授权（{self.valid_from} 至 {self.valid_to}）"

    @property
    def unit(self) -> Unit:
        return self.system.unit

    @property
    def host_list(self) -> list[str]:
        return [h.strip() for h in self.hosts.splitlines() if h.strip()]

    @property
    def extras(self) -> list[str]:
        """Observation names that this letter allows beyond the ordinary ones."""
        return [i for i in self.items.split(",") if i and i != AuthorizationItem.ORDINARY]

    @property
    def item_labels(self) -> list[str]:
        return [str(AuthorizationItem(i).label) for i in self.items.split(",") if i]


class WaveQuerySet(ScopedQuerySet["Wave"]):
    scope_path = "system__unit"


class Wave(models.Model):
    """One look at a system: a run per domain; a second look confirms what did not conform."""

    class Status(models.TextChoices):
        OPEN = "open", "进行中"
        DONE = "done", "完成"
        VOID = "void", "作废"

    class Reason(models.TextChoices):
        SCHEDULE = "schedule", "定期"
        REQUEST = "request", "按需"
        CONFIRM = "confirm", "二次确认"
        RECHECK = "recheck", "整改复测"

    system = models.ForeignKey(MailSystem, models.CASCADE, related_name="waves")
    reason = models.CharField("原因", max_length=10, choices=Reason.choices)
    confirms = models.OneToOneField(
        "self", models.CASCADE, null=True, blank=True, related_name="confirmation"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    void_reason = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField("应于", db_index=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = WaveQuerySet.as_manager()

    class Meta:
        verbose_name = "探测批次"
        verbose_name_plural = "探测批次"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.system} {self.get_reason_display()}探测 #{self.pk}"

    @property
    def unit(self) -> Unit:
        return self.system.unit


class ScanRunQuerySet(ScopedQuerySet["ScanRun"]):
    scope_path = "domain__system__unit"

    def latest_done(self) -> Self:
        """The newest finished run of each domain in the set."""
        newest = (
            ScanRun.objects.filter(
                domain=models.OuterRef("domain"),
                status__in=[ScanRun.Status.DONE, ScanRun.Status.PARTIAL],
            )
            .order_by("-id")
            .values("pk")[:1]
        )
        return self.filter(pk=models.Subquery(newest))


class ScanRun(models.Model):
    """The look at one domain within a wave."""

    class Status(models.TextChoices):
        QUEUED = "queued", "排队中"
        RUNNING = "running", "探测中"
        DONE = "done", "完成"
        PARTIAL = "partial", "部分完成"
        FAILED = "failed", "失败"
        REFUSED = "refused", "未授权"

    wave = models.ForeignKey(Wave, models.CASCADE, related_name="runs")
    domain = models.ForeignKey(MailDomain, models.CASCADE, related_name="runs")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.QUEUED)
    problem = models.CharField("说明", max_length=300, blank=True)
    leased_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField("开始", null=True)
    finished_at = models.DateTimeField("结束", null=True)
    observations: ClassVar[Any] = models.ManyToManyField(
        "Observation", through="RunObservation", related_name="runs"
    )
    # The empty marker that `assessments` claims (see docs/architecture.md).
    ingested_at = models.DateTimeField(null=True, db_index=True)

    objects: ClassVar[Any] = ScanRunQuerySet.as_manager()

    class Meta:
        verbose_name = "探测"
        verbose_name_plural = "探测"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["wave", "domain"], name="one_run_per_domain")
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.get_status_display()}"

    @property
    def unit(self) -> Unit:
        return self.domain.system.unit


class ObservationQuerySet(ScopedQuerySet["Observation"]):
    scope_path = "wave__system__unit"


class Observation(models.Model):
    """What was seen, with its raw transcript. It never says good or bad; it is never changed."""

    wave = models.ForeignKey(Wave, models.CASCADE, related_name="observations")
    name = models.CharField(max_length=40)
    host = models.CharField(max_length=253, blank=True)
    address = models.CharField(max_length=45, blank=True)
    port = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=20)
    value = models.JSONField(default=dict)
    transcript = models.JSONField(default=list)
    seen_at = models.DateTimeField()

    objects: ClassVar[Any] = ObservationQuerySet.as_manager()

    class Meta:
        verbose_name = "观测"
        verbose_name_plural = "观测"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["wave", "name", "host", "address", "port"], name="observation_once_per_wave"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.host} {self.outcome}"


class RunObservation(models.Model):
    """Which runs of a wave share an observation (two domains on one host)."""

    run = models.ForeignKey(ScanRun, models.CASCADE)
    observation = models.ForeignKey(Observation, models.CASCADE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "observation"], name="observation_once_per_run")
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.observation_id}"


class Result(models.TextChoices):
    CONFORMING = "conforming", "符合"
    NONCONFORMING = "nonconforming", "不符合"
    WARNING = "warning", "提示"
    UNKNOWN = "unknown", "未能观测"
    NOT_APPLICABLE = "not_applicable", "不适用"


class VerdictQuerySet(ScopedQuerySet["Verdict"]):
    scope_path = "run__domain__system__unit"

    def of_latest_runs(self, system: MailSystem) -> Self:
        """Verdicts of the newest finished run of each of the system's domains."""
        runs = ScanRun.objects.filter(domain__system=system).latest_done()
        return self.filter(run__in=runs).select_related("run__domain", "run__wave")


class Verdict(models.Model):
    """What a rule says of a run's observations."""

    run = models.ForeignKey(ScanRun, models.CASCADE, related_name="verdicts")
    rule = models.CharField(max_length=40)
    rule_version = models.CharField(max_length=20)
    result = models.CharField("判定", max_length=15, choices=Result.choices)
    params = models.JSONField(default=dict)
    text = models.TextField("说明")
    # Seen in two looks far enough apart; only then may it contradict an answer.
    confirmed = models.BooleanField(default=False)

    objects: ClassVar[Any] = VerdictQuerySet.as_manager()

    class Meta:
        verbose_name = "判定"
        verbose_name_plural = "判定"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "rule"], name="one_verdict_per_rule")]

    def __str__(self) -> str:
        return f"{self.rule} {self.result}"
