"""What units hand in: self-checks, sheets, answers, evidence, signatures."""

import datetime as dt
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from assessments.models.campaigns import Campaign, Questionnaire
from audit.models import StatusChange
from emailsec.lib.uploads import stored_path
from emailsec.lib.workdays import today
from inventory.models import MailSystem, Unit
from inventory.scoping import ScopedQuerySet


class SelfCheckQuerySet(ScopedQuerySet["SelfCheck"]):
    scope_path = "unit"

    def reported(self) -> Self:
        """Signed and handed in, whether or not the office has looked at it."""
        return self.filter(status__in=SelfCheck.REPORTED)

    def to_be_urged(self) -> Self:
        """Not handed in yet (催报)."""
        return self.exclude(status__in=SelfCheck.REPORTED)


class SelfCheck(models.Model):
    """One unit in one campaign: a unit sheet and one sheet per mail system."""

    class Status(models.TextChoices):
        NOT_STARTED = "not_started", "待填报"
        FILLING = "filling", "填报中"
        TO_SIGN = "to_sign", "待单位审签"
        TO_REVIEW = "to_review", "待复核（公安）"
        ACCEPTED = "accepted", "已通过"

    REPORTED = (Status.TO_REVIEW, Status.ACCEPTED)

    class Conclusion(models.TextChoices):
        NONE = "", "—"
        URGENT = "urgent", "存在紧急风险"
        PROBLEMS = "problems", "存在需整改问题"
        CLEAN = "clean", "未发现问题"

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="selfchecks")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="selfchecks")
    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT, related_name="+")
    status = models.CharField(
        "状态", max_length=15, choices=Status.choices, default=Status.NOT_STARTED, db_index=True
    )
    returned = models.BooleanField("曾被退回且未再报送", default=False)
    submitted_on = models.DateField("提交日期", null=True)
    conclusion = models.CharField(
        "审核结论", max_length=10, choices=Conclusion.choices, default="", blank=True
    )
    concluded_on = models.DateField("结论日期", null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SelfCheckQuerySet.as_manager()

    class Meta:
        verbose_name = "自查"
        verbose_name_plural = "自查"
        ordering = ["campaign_id", "unit_id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "unit"], name="one_selfcheck_per_campaign"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "not_started",
                        "filling",
                        "to_sign",
                        "to_review",
                        "accepted",
                    ]
                ),
                name="selfcheck_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.campaign}"

    @property
    def editable(self) -> bool:
        return self.status in {self.Status.NOT_STARTED, self.Status.FILLING}

    @cached_property
    def back(self) -> "SelfCheckChange | None":
        """The act that sent the sheet back to the filler, while the filler has not answered it.

        The signer's refusal stands until the next submission, the office's return until the sheet
        is handed in again. One query, none where `changes` was prefetched or nothing can be back.
        """
        if not self.editable:
            return None
        changes = list(self.changes.all())
        if changes and changes[0].action == "refuse":
            return changes[0]
        if not self.returned:
            return None
        return next((change for change in changes if change.action == "return"), None)

    @property
    def state(self) -> str:
        """The slug of what the reader is told of the sheet: its status, or that it came back."""
        return "returned" if self.back else self.status

    @property
    def state_label(self) -> str:
        """The word for it: 被退回 or 审签人退回 (from the lifecycle), else the status."""
        return self.back.unit_label if self.back else self.get_status_display()

    @property
    def archived(self) -> bool:
        """Whether its campaign is over for good: it can be read, and nothing else."""
        return self.campaign.status == Campaign.Status.ARCHIVED

    @property
    def overdue(self) -> bool:
        """Whether it should have been handed in and was not."""
        return self.status not in self.REPORTED and self.campaign.overdue

    @property
    def judged_on(self) -> dt.date:
        """The day on which dates are judged: the day of submission, or today while filling."""
        return self.submitted_on or today()


class SelfCheckChange(StatusChange):
    subject = models.ForeignKey(SelfCheck, models.CASCADE, related_name="changes")


class SheetQuerySet(ScopedQuerySet["Sheet"]):
    scope_path = "selfcheck__unit"


class Sheet(models.Model):
    """The unit sheet, the sheet of one mail system, or the 使用单位确认表 of a unit that only
    uses another's mail system."""

    class Kind(models.TextChoices):
        UNIT = "unit", "单位情况"
        SYSTEM = "system", "邮件系统"
        USER = "user", "使用单位确认表"

    selfcheck = models.ForeignKey(SelfCheck, models.CASCADE, related_name="sheets")
    kind = models.CharField("种类", max_length=6, choices=Kind.choices, default=Kind.UNIT)
    system = models.ForeignKey(MailSystem, models.PROTECT, null=True, related_name="sheets")
    # Set when its system was retired while the sheet was open: kept, but no longer asked.
    dropped_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = SheetQuerySet.as_manager()

    class Meta:
        verbose_name = "自查表"
        verbose_name_plural = "自查表"
        ordering = ["selfcheck_id", models.F("system_id").asc(nulls_first=True), "kind"]
        constraints = [
            models.UniqueConstraint(fields=["selfcheck", "system"], name="one_sheet_per_system"),
            models.UniqueConstraint(
                fields=["selfcheck", "kind"],
                condition=Q(system=None),
                name="one_sheet_without_a_system_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="system", system__isnull=False)
                | Q(kind__in=["unit", "user"], system__isnull=True),
                name="only_a_system_sheet_has_a_system",
            ),
        ]

    def __str__(self) -> str:
        return str(self.system) if self.system else str(self.Kind(self.kind).label)

    @property
    def unit(self) -> Unit:
        return self.selfcheck.unit

    @property
    def scope_name(self) -> str:
        """Which sections of the questionnaire this sheet holds: "unit" or "system"."""
        return "unit" if self.kind == self.Kind.UNIT else "system"


class AnswerQuerySet(ScopedQuerySet["Answer"]):
    scope_path = "sheet__selfcheck__unit"


class Answer(models.Model):
    """The present value of one field of one item on one sheet.

    `value` is text in the form that the evaluator reads: an option's slug, slugs joined by
    commas, an ISO date, a decimal number, or free text. `version` grows by one a save; a save
    names the version that it saw, so that the last writer cannot win unnoticed.
    """

    class Source(models.TextChoices):
        WEB = "web", "网页填报"
        INVENTORY = "inventory", "取自台账"

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="answers")
    item = models.CharField("题号", max_length=10)
    field = models.CharField("字段", max_length=30)
    value = models.TextField("值", blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.WEB)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField("更新时间")

    objects: ClassVar[Any] = AnswerQuerySet.as_manager()

    class Meta:
        verbose_name = "答案"
        verbose_name_plural = "答案"
        ordering = ["sheet_id", "item", "field"]
        constraints = [
            models.UniqueConstraint(fields=["sheet", "item", "field"], name="one_answer_per_field")
        ]

    def __str__(self) -> str:
        return f"{self.item}.{self.field}={self.value[:40]}"


class AnswerChange(models.Model):
    """The history of an answer: every value it ever had, who gave it and when."""

    answer = models.ForeignKey(Answer, models.CASCADE, related_name="history")
    value = models.TextField(blank=True)
    version = models.PositiveIntegerField()
    source = models.CharField(max_length=10, choices=Answer.Source.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["answer", "version"], name="one_change_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.answer_id} v{self.version}"


def evidence_path(instance: "Evidence", filename: str) -> str:
    return stored_path("evidence", instance.sheet.selfcheck_id, filename)


class EvidenceQuerySet(ScopedQuerySet["Evidence"]):
    scope_path = "sheet__selfcheck__unit"

    def current(self) -> Self:
        return self.filter(removed_at=None)


class Evidence(models.Model):
    """A file that backs the answer to an item. Its hash is kept; removal leaves the row."""

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="evidence")
    item = models.CharField("题号", max_length=10)
    file = models.FileField(upload_to=evidence_path, max_length=200)
    name = models.CharField("文件名", max_length=150)
    kind = models.CharField("类型", max_length=5)
    size = models.PositiveIntegerField("字节")
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField("上传时间", auto_now_add=True)
    removed_at = models.DateTimeField(null=True)
    # Its period was over: the file is gone, the row stays.
    destroyed_at = models.DateTimeField("销毁时间", null=True)
    destroyed_by = models.CharField("销毁批准", max_length=200, blank=True)

    objects: ClassVar[Any] = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = "佐证"
        verbose_name_plural = "佐证"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def unit(self) -> Unit:
        return self.sheet.selfcheck.unit


def signoff_path(instance: "SignOff", filename: str) -> str:
    return stored_path("signoffs", instance.selfcheck_id, filename)


class SignOffQuerySet(ScopedQuerySet["SignOff"]):
    scope_path = "selfcheck__unit"

    def valid(self) -> Self:
        return self.filter(voided_at=None)


class SignOff(models.Model):
    """The signature of the unit's leader under one content digest; a changed answer voids it."""

    class Method(models.TextChoices):
        ONLINE = "online", "在线审签"
        STAMPED = "stamped", "盖章扫描件"

    selfcheck = models.ForeignKey(SelfCheck, models.CASCADE, related_name="signoffs")
    method = models.CharField("方式", max_length=10, choices=Method.choices)
    digest = models.CharField("内容摘要", max_length=64)
    scan = models.FileField(upload_to=signoff_path, max_length=200, blank=True)
    scan_name = models.CharField(max_length=150, blank=True)
    scan_sha256 = models.CharField(max_length=64, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", auto_now_add=True)
    voided_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = SignOffQuerySet.as_manager()

    class Meta:
        verbose_name = "审签"
        verbose_name_plural = "审签"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_method_display()} {self.digest[:12]}"

    @property
    def unit(self) -> Unit:
        return self.selfcheck.unit
