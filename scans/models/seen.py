"""What was seen, and what the rules say of it."""

from typing import Any, ClassVar, Self

from django.db import models

from inventory.codes import u_label
from inventory.models import MailSystem, Unit
from inventory.scoping import ScopedQuerySet
from scans.models.waves import ScanRun, Wave


class ObservationQuerySet(ScopedQuerySet["Observation"]):
    scope_path = "wave__system__unit"


class Outcome(models.TextChoices):
    """How an attempt to observe ended, in the words of the page. Only the first two say
    something about the target."""

    OBSERVED = "observed", "已观测"
    ABSENT = "absent", "确认没有"
    REFUSED = "refused", "连接被拒绝"
    TIMEOUT = "timeout", "超时"
    RATE_LIMITED = "rate_limited", "被限速"
    TEMP_FAILURE = "temp_failure", "对方暂时拒绝"
    PROTOCOL_ERROR = "protocol_error", "应答不合协议"
    DNS_FAILURE = "dns_failure", "域名解析失败"
    BLOCKED_BY_GUARD = "blocked_by_guard", "目标地址不允许连接"


class Observation(models.Model):
    """What was seen, with its raw transcript. It never says good or bad; it is never changed, but
    for what two persons destroy when its period is over: first the transcript
    (`Wave.destroyed_at`), later the value (`Wave.values_destroyed_at`)."""

    wave = models.ForeignKey(Wave, models.CASCADE, related_name="observations")
    name = models.CharField(max_length=40)
    host = models.CharField(max_length=253, blank=True)
    address = models.CharField(max_length=45, blank=True)
    port = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    value = models.JSONField(default=dict)
    transcript = models.JSONField(default=list)
    attempts = models.PositiveSmallIntegerField(default=1)
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

    @property
    def unit(self) -> Unit:
        return self.wave.system.unit

    @property
    def place(self) -> str:
        """Where it was seen: `mx.example.cn [192.0.2.1]:25`."""
        return place_of(self.host, self.address, self.port)


def place_of(host: str, address: str | None, port: int | None) -> str:
    """Return `mx.example.cn [192.0.2.1]:25`, leaving out what does not apply (DNS)."""
    return "".join(
        [
            u_label(host) if host else "",
            f" [{address}]" if address else "",
            f":{port}" if port else "",
        ]
    ).strip()


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
        """Verdicts of the newest finished run of each of the system's present domains."""
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
        constraints = [
            models.UniqueConstraint(fields=["run", "rule"], name="one_verdict_per_rule"),
            # A timeout, a 4xx or the guard never confirms anything.
            models.CheckConstraint(
                condition=models.Q(confirmed=False) | models.Q(result="nonconforming"),
                name="only_nonconforming_is_confirmed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.result}"

    @property
    def unit(self) -> Unit:
        return self.run.unit

    @property
    def subject(self) -> str:
        """What was looked at, in words for the reader: the domain."""
        return str(self.run.domain)
