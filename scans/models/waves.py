"""Waves and runs: one look at a system, domain by domain."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from inventory.models import MailDomain, MailSystem, Unit
from inventory.scoping import ScopedQuerySet


class WaveQuerySet(ScopedQuerySet["Wave"]):
    scope_path = "system__unit"

    def open(self) -> Self:
        return self.filter(status=Wave.Status.OPEN)


class Wave(models.Model):
    """One look at a system: a run per domain; a second look confirms what did not conform.

    `lease` names the worker that holds an open wave until `leased_until`. A worker that is killed
    lets the lease expire, and the next minute hands the wave to another.
    """

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
    problem = models.CharField("说明", max_length=300, blank=True)
    # The letter that the look rests on; notices quote its number.
    authorization = models.ForeignKey(
        "Authorization", models.PROTECT, null=True, blank=True, related_name="waves"
    )
    due_at = models.DateTimeField("应于", db_index=True)
    lease = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField("已尝试", default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # Their period was over: the transcripts are gone, the observations and verdicts stay.
    destroyed_at = models.DateTimeField("销毁时间", null=True)
    destroyed_by = models.CharField("销毁批准", max_length=200, blank=True)
    # Later the values of the observations as well; the verdicts stay.
    values_destroyed_at = models.DateTimeField("观测结果销毁时间", null=True)
    values_destroyed_by = models.CharField("观测结果销毁批准", max_length=200, blank=True)

    objects: ClassVar[Any] = WaveQuerySet.as_manager()

    class Meta:
        verbose_name = "探测批次"
        verbose_name_plural = "探测批次"
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status="open"), name="open_waves_by_due_time"
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["open", "done", "void"]), name="wave_status_is_known"
            ),
            # Two clicks, or two schedulers in the same minute, start one look.
            models.UniqueConstraint(
                fields=["system", "reason"],
                condition=Q(status="open") & ~Q(reason="confirm"),
                name="one_open_wave_per_system_and_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system} {self.get_reason_display()}探测 #{self.pk}"

    @property
    def unit(self) -> Unit:
        return self.system.unit


class ScanRunQuerySet(ScopedQuerySet["ScanRun"]):
    scope_path = "domain__system__unit"

    def finished(self) -> Self:
        return self.filter(status__in=[ScanRun.Status.DONE, ScanRun.Status.PARTIAL])

    def latest_done(self) -> Self:
        """The newest finished run of each domain in the set that is still registered.

        What was seen of a removed domain stays on record, but says nothing of the system any more.
        """
        return self._newest().filter(domain__removed_on=None)

    def last_of_removed(self) -> Self:
        """The last finished run of each domain in the set that has left its system."""
        return self._newest().filter(domain__removed_on__isnull=False)

    def _newest(self) -> Self:
        newest = (
            ScanRun.objects.finished()
            .filter(domain=models.OuterRef("domain"))
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

    ENDED = (Status.DONE, Status.PARTIAL, Status.FAILED, Status.REFUSED)

    wave = models.ForeignKey(Wave, models.CASCADE, related_name="runs")
    domain = models.ForeignKey(MailDomain, models.CASCADE, related_name="runs")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.QUEUED)
    problem = models.CharField("说明", max_length=300, blank=True)
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
            models.UniqueConstraint(fields=["wave", "domain"], name="one_run_per_domain"),
            models.CheckConstraint(
                condition=Q(
                    status__in=["queued", "running", "done", "partial", "failed", "refused"]
                ),
                name="scan_run_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.get_status_display()}"

    @property
    def unit(self) -> Unit:
        return self.domain.system.unit

    @property
    def ended(self) -> bool:
        return self.status in self.ENDED
