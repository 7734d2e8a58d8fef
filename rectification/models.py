"""What must change: findings, notices, replies, re-checks, extensions."""

import datetime as dt
import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from assessments.models import Contradiction, Sheet
from audit.models import StatusChange
from emailsec.lib.workdays import today
from inventory.models import MailSystem, Office, Unit
from inventory.scoping import ScopedQuerySet, scope_of
from scans.models import Verdict, Wave


class Severity(models.TextChoices):
    HIGH = "high", "高"
    MEDIUM = "medium", "中"
    LOW = "low", "低"


class Ground(models.TextChoices):
    """The nature of the strongest confirmed clause behind a finding (see standards.grounds)."""

    STATUTE = "statute", "法定义务"
    STANDARD = "standard", "国家标准"
    PLAN = "plan", "方案要求"
    ADVICE = "advice", "安全建议"


class FindingQuerySet(ScopedQuerySet["Finding"]):
    scope_path = "unit"

    def unclosed(self) -> Self:
        return self.exclude(status__in=Finding.ENDED)

    def overdue(self, on: dt.date | None = None) -> Self:
        """Unclosed and past the deadline of the notice they stand in. Derived, never stored."""
        return self.unclosed().filter(due_on__lt=on or today())


_ENDED = ["closed", "false_alarm", "transferred"]


class Finding(models.Model):
    """One root cause in one unit or system, with all its sources."""

    class Status(models.TextChoices):
        OPEN = "open", "待整改"
        NOTIFIED = "notified", "已通知"
        RECTIFYING = "rectifying", "整改中"
        TO_RECHECK = "to_recheck", "待复查"
        CLOSED = "closed", "已销号"
        FALSE_ALARM = "false_alarm", "误报"
        TRANSFERRED = "transferred", "移送"

    ENDED = (Status.CLOSED, Status.FALSE_ALARM, Status.TRANSFERRED)

    number = models.CharField("问题编号", max_length=20, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="findings")
    system = models.ForeignKey(
        MailSystem, models.PROTECT, null=True, blank=True, related_name="findings"
    )
    cause = models.SlugField("根因", max_length=40)
    title = models.CharField("问题", max_length=200)
    why = models.CharField("危害", max_length=400, blank=True)
    advice = models.TextField("整改要求", blank=True)
    severity = models.CharField("严重程度", max_length=6, choices=Severity.choices)
    major_risk = models.BooleanField("重大风险隐患候选", default=False)
    ground = models.CharField("依据性质", max_length=10, choices=Ground.choices)
    basis = models.TextField("依据", blank=True, help_text="按确认当日有效条款印出的文字")
    status = models.CharField(
        "状态", max_length=12, choices=Status.choices, default=Status.OPEN, db_index=True
    )
    # The deadline of the notice that the finding stands in, moved by a granted extension.
    due_on = models.DateField("整改期限", null=True, blank=True, db_index=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField("确认时间", auto_now_add=True)
    closed_on = models.DateField("销号日期", null=True, blank=True)

    objects: ClassVar[Any] = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = "问题"
        verbose_name_plural = "问题"
        ordering = ["id"]
        constraints = [
            # Two constraints, because a missing system counts as distinct in a unique index.
            models.UniqueConstraint(
                fields=["system", "cause"],
                condition=Q(system__isnull=False) & ~Q(status__in=_ENDED),
                name="one_unclosed_finding_per_cause",
            ),
            models.UniqueConstraint(
                fields=["unit", "cause"],
                condition=Q(system__isnull=True) & ~Q(status__in=_ENDED),
                name="one_unclosed_unit_finding_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "open",
                        "notified",
                        "rectifying",
                        "to_recheck",
                        "closed",
                        "false_alarm",
                        "transferred",
                    ]
                ),
                name="finding_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    @property
    def observable(self) -> bool:
        """Whether the outside view can confirm the repair."""
        return any(source.verdict_id for source in self.sources.all())


class FindingChange(StatusChange):
    subject = models.ForeignKey(Finding, models.CASCADE, related_name="changes")


class FindingSourceQuerySet(ScopedQuerySet["FindingSource"]):
    scope_path = "finding__unit"


class FindingSource(models.Model):
    """One thing that a finding rests on: an answer, a verdict, or a confirmed contradiction."""

    class Kind(models.TextChoices):
        ANSWER = "answer", "自查填报"
        VERDICT = "verdict", "远程检测"
        CONTRADICTION = "contradiction", "疑点"

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=15, choices=Kind.choices)
    sheet = models.ForeignKey(Sheet, models.PROTECT, null=True, related_name="+")
    item = models.CharField("题号", max_length=10, blank=True)
    verdict = models.ForeignKey(Verdict, models.PROTECT, null=True, related_name="+")
    contradiction = models.ForeignKey(Contradiction, models.PROTECT, null=True, related_name="+")
    rule = models.CharField(max_length=40, blank=True)
    domain = models.CharField(max_length=253, blank=True)
    said = models.CharField("填报", max_length=300, blank=True)
    seen = models.TextField("观测", blank=True)
    at = models.DateTimeField("时间")

    objects: ClassVar[Any] = FindingSourceQuerySet.as_manager()

    class Meta:
        verbose_name = "问题来源"
        verbose_name_plural = "问题来源"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.item or self.rule}"


class NoticeQuerySet(ScopedQuerySet["Notice"]):
    scope_path = "unit"

    def visible_to(self, user: Any) -> Self:
        """Notices of visible units; a unit itself sees them from 送达 on, never a draft."""
        rows = super().visible_to(user)
        if scope_of(user).office_paths:
            return rows
        return rows.filter(status__in=Notice.SERVED_OR_LATER)


class Notice(models.Model):
    """An issued instrument: number, deadline, findings."""

    class Status(models.TextChoices):
        DRAFTED = "drafted", "拟稿"
        CHECKED = "checked", "已审核"
        APPROVED = "approved", "已批准"
        SERVED = "served", "已送达"
        SIGNED = "signed", "已签收"
        REFUSED = "refused", "拒签"
        REPLIED = "replied", "已回复"
        FINISHED = "finished", "办结"
        VOID = "void", "作废"

    SERVED_OR_LATER = (
        Status.SERVED,
        Status.SIGNED,
        Status.REFUSED,
        Status.REPLIED,
        Status.FINISHED,
    )

    office = models.ForeignKey(Office, models.PROTECT, related_name="notices")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="notices")
    status = models.CharField(
        "状态", max_length=10, choices=Status.choices, default=Status.DRAFTED, db_index=True
    )
    number = models.CharField("文号", max_length=60, blank=True)
    sequence = models.PositiveIntegerField("序号", null=True)
    year = models.PositiveSmallIntegerField("年度", null=True)
    case_number = models.CharField(
        "办案平台登记文号", max_length=60, blank=True, help_text="本机关由办案平台编号时填写"
    )
    deadline = models.DateField("整改期限")
    original_deadline = models.DateField("原整改期限", null=True)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    approved_on = models.DateField("批准日期", null=True)
    served_on = models.DateField("送达日期", null=True)
    received_by = models.CharField("签收人", max_length=30, blank=True)
    received_on = models.DateField("签收日期", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = "整改通知"
        verbose_name_plural = "整改通知"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["office", "year", "sequence"],
                condition=Q(sequence__isnull=False),
                name="gapless_number_once",
            ),
            models.UniqueConstraint(
                fields=["office", "number"], condition=~Q(number=""), name="notice_number_once"
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"整改通知（拟稿 {self.pk}）"


class NoticeChange(StatusChange):
    subject = models.ForeignKey(Notice, models.CASCADE, related_name="changes")


class Counter(models.Model):
    """The last number given in a series and year; the row is locked while a number is taken, so
    that a series has no gap and no number is given twice."""

    series = models.CharField(max_length=40)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "year"], name="one_counter_per_series_year")
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.year}: {self.last}"


class NoticeItem(models.Model):
    """A finding in a notice, in the order of print; `annex` puts it among the 安全建议."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="items")
    finding = models.ForeignKey(Finding, models.PROTECT, related_name="notice_items")
    order = models.PositiveSmallIntegerField()
    annex = models.BooleanField("列入安全建议", default=False)

    class Meta:
        ordering = ["annex", "order"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "finding"], name="finding_once_per_notice")
        ]

    def __str__(self) -> str:
        return f"{self.notice} {self.finding}"


def notice_scan_path(instance: "NoticeScan", filename: str) -> str:
    return f"notices/{instance.notice_id}/{uuid.uuid4().hex}.{filename.rsplit('.', 1)[-1]}"


class NoticeScanQuerySet(ScopedQuerySet["NoticeScan"]):
    scope_path = "notice__unit"


class NoticeScan(models.Model):
    """The stamped scan of a paper of the case: the notice itself, 送达回证, the unit's report."""

    class Kind(models.TextChoices):
        NOTICE = "notice", "盖章通知书"
        RECEIPT = "receipt", "送达回证"
        REPORT = "report", "盖章整改报告"

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="scans")
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    file = models.FileField(upload_to=notice_scan_path, max_length=200)
    name = models.CharField("文件名", max_length=150)
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = NoticeScanQuerySet.as_manager()

    class Meta:
        verbose_name = "盖章扫描件"
        verbose_name_plural = "盖章扫描件"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def unit(self) -> Unit:
        return self.notice.unit


class ReplyQuerySet(ScopedQuerySet["Reply"]):
    scope_path = "finding__unit"


class Reply(models.Model):
    """The unit's answer to one finding of a notice. A new round is a new row."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="replies")
    finding = models.ForeignKey(Finding, models.CASCADE, related_name="replies")
    analysis = models.TextField("原因分析", max_length=1000)
    measures = models.TextField("整改措施", max_length=2000)
    responsible = models.CharField("责任人", max_length=30)
    completed_on = models.DateField("完成日期")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", auto_now_add=True)

    objects: ClassVar[Any] = ReplyQuerySet.as_manager()

    class Meta:
        verbose_name = "整改反馈"
        verbose_name_plural = "整改反馈"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.finding} 的反馈"

    @property
    def unit(self) -> Unit:
        return self.finding.unit


def reply_evidence_path(instance: "ReplyEvidence", filename: str) -> str:
    return f"replies/{instance.reply_id}/{uuid.uuid4().hex}.{filename.rsplit('.', 1)[-1]}"


class ReplyEvidenceQuerySet(ScopedQuerySet["ReplyEvidence"]):
    scope_path = "reply__finding__unit"


class ReplyEvidence(models.Model):
    reply = models.ForeignKey(Reply, models.CASCADE, related_name="evidence")
    file = models.FileField(upload_to=reply_evidence_path, max_length=200)
    name = models.CharField("文件名", max_length=150)
    sha256 = models.CharField(max_length=64)

    objects: ClassVar[Any] = ReplyEvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = "整改佐证"
        verbose_name_plural = "整改佐证"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def unit(self) -> Unit:
        return self.reply.finding.unit


class RecheckQuerySet(ScopedQuerySet["Recheck"]):
    scope_path = "finding__unit"


class Recheck(models.Model):
    """A look at whether a finding is repaired: by rescan, on paper or on site."""

    class Kind(models.TextChoices):
        RESCAN = "rescan", "远程复测"
        PAPER = "paper", "书面复查"
        SITE = "site", "现场复查"

    class Result(models.TextChoices):
        PENDING = "pending", "进行中"
        PASSED = "passed", "通过"
        FAILED = "failed", "不通过"
        UNKNOWN = "unknown", "未能观测"

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="rechecks")
    kind = models.CharField("方式", max_length=10, choices=Kind.choices)
    result = models.CharField("结果", max_length=10, choices=Result.choices, default=Result.PENDING)
    wave = models.ForeignKey(Wave, models.PROTECT, null=True, related_name="rechecks")
    seen = models.TextField("复查所见", blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField("时间", auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = RecheckQuerySet.as_manager()

    class Meta:
        verbose_name = "复查"
        verbose_name_plural = "复查"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.finding} {self.get_kind_display()}"


class ExtensionQuerySet(ScopedQuerySet["Extension"]):
    scope_path = "notice__unit"


class Extension(models.Model):
    """A unit's request for a later deadline and the office's decision."""

    class Status(models.TextChoices):
        ASKED = "asked", "待审批"
        GRANTED = "granted", "同意"
        REFUSED = "refused", "不同意"

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="extensions")
    until = models.DateField("申请延至")
    reason = models.CharField("理由", max_length=500)
    interim = models.CharField("期间的临时措施", max_length=500)
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField("审批意见", max_length=300, blank=True)

    objects: ClassVar[Any] = ExtensionQuerySet.as_manager()

    class Meta:
        verbose_name = "延期申请"
        verbose_name_plural = "延期申请"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["notice"], condition=Q(status="asked"), name="one_open_extension_per_notice"
            )
        ]

    def __str__(self) -> str:
        return f"{self.notice} 延至 {self.until}"

    @property
    def unit(self) -> Unit:
        return self.notice.unit
