"""What the unit answers, and whether it holds: replies, their evidence, re-checks."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from emailsec.lib.uploads import stored_path
from inventory.models import Unit
from inventory.scoping import ScopedQuerySet
from rectification.models.findings import Finding
from rectification.models.notices import Notice, NoticeItem
from scans.models import Wave


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
    return stored_path("replies", instance.reply_id, filename)


class ReplyEvidenceQuerySet(ScopedQuerySet["ReplyEvidence"]):
    scope_path = "reply__finding__unit"


class ReplyEvidence(models.Model):
    reply = models.ForeignKey(Reply, models.CASCADE, related_name="evidence")
    file = models.FileField(upload_to=reply_evidence_path, max_length=200)
    name = models.CharField("文件名", max_length=150)
    sha256 = models.CharField(max_length=64)
    # Its period was over: the file is gone, the row stays.
    destroyed_at = models.DateTimeField("销毁时间", null=True)
    destroyed_by = models.CharField("销毁批准", max_length=200, blank=True)

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


class ReplyDraftQuerySet(ScopedQuerySet["ReplyDraft"]):
    scope_path = "item__finding__unit"


class ReplyDraft(models.Model):
    """What a unit has typed into one field of a reply and not yet handed in; the reply clears it.
    It belongs to the item of the notice, not to a person: colleagues work on one text."""

    item = models.ForeignKey(NoticeItem, models.CASCADE, related_name="drafts")
    field = models.CharField("填写项", max_length=20)
    value = models.TextField("内容", blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField("时间")

    objects: ClassVar[Any] = ReplyDraftQuerySet.as_manager()

    class Meta:
        verbose_name = "整改反馈草稿"
        verbose_name_plural = "整改反馈草稿"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "field"], name="one_draft_per_reply_field")
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.field}"

    @property
    def unit(self) -> Unit:
        return self.item.finding.unit


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

    @property
    def result_words(self) -> str:
        """The result as it reads on screen and paper: a person judges, a look observes."""
        if self.result == self.Result.UNKNOWN and self.kind != self.Kind.RESCAN:
            return "无法判断"
        return str(self.get_result_display())


class WaveRead(models.Model):
    """The marker that a finished wave was read for repairs of findings: one row, one winner."""

    wave = models.OneToOneField(Wave, models.CASCADE, related_name="read_for_findings")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.wave_id}"
