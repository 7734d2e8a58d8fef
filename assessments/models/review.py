"""What offices note: remarks, 疑点, calls."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models

from assessments.models.selfchecks import SelfCheck, Sheet
from inventory.models import Unit
from inventory.scoping import ScopedQuerySet
from scans.models import Verdict


class ReviewRemarkQuerySet(ScopedQuerySet["ReviewRemark"]):
    scope_path = "sheet__selfcheck__unit"

    def open(self) -> Self:
        return self.filter(closed_at=None)


class ReviewRemark(models.Model):
    """What the reviewer asks the unit to correct at one item. Open until the review that follows
    the unit's work on it: closed by the acceptance or the next return, which may repeat it."""

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="remarks")
    item = models.CharField("题号", max_length=10)
    text = models.CharField("意见", max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", auto_now_add=True)
    sent_at = models.DateTimeField("随退回发出", null=True)
    closed_at = models.DateTimeField("办结", null=True)
    reply = models.CharField("单位对意见的说明", max_length=500, blank=True)
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    replied_at = models.DateTimeField("说明时间", null=True)

    objects: ClassVar[Any] = ReviewRemarkQuerySet.as_manager()

    class Meta:
        verbose_name = "逐项意见"
        verbose_name_plural = "逐项意见"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.item} {self.text}"

    @property
    def unit(self) -> Unit:
        return self.sheet.selfcheck.unit


class ContradictionQuerySet(ScopedQuerySet["Contradiction"]):
    scope_path = "sheet__selfcheck__unit"


class Contradiction(models.Model):
    """An answer and a confirmed verdict that disagree (疑点). A person decides; no machine edits
    an answer."""

    class Status(models.TextChoices):
        OPEN = "open", "待处理"
        EXPLAINED = "explained", "单位已说明"
        RESOLVED = "resolved", "已一致"
        UPHELD = "upheld", "确认属实"
        DISMISSED = "dismissed", "已排除"

    UNDECIDED = (Status.OPEN, Status.EXPLAINED)

    sheet = models.ForeignKey(Sheet, models.CASCADE, related_name="contradictions")
    item = models.CharField("题号", max_length=10)
    verdict = models.ForeignKey(Verdict, models.PROTECT, related_name="contradictions")
    rule = models.CharField(max_length=40)
    domain = models.CharField(max_length=253)
    said = models.CharField("填报", max_length=200)
    seen = models.TextField("观测")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.OPEN)
    explanation = models.CharField("单位说明", max_length=500, blank=True)
    decision_note = models.CharField("裁定说明", max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = ContradictionQuerySet.as_manager()

    class Meta:
        verbose_name = "疑点"
        verbose_name_plural = "疑点"
        ordering = ["sheet_id", "item", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sheet", "item", "rule", "domain"], name="one_contradiction_per_rule"
            )
        ]

    def __str__(self) -> str:
        return f"{self.item}：填报“{self.said}”，观测“{self.seen}”"

    @property
    def unit(self) -> Unit:
        return self.sheet.selfcheck.unit


class CallRecordQuerySet(ScopedQuerySet["CallRecord"]):
    scope_path = "selfcheck__unit"


class CallRecord(models.Model):
    """A call made to urge a unit to report (催报)."""

    selfcheck = models.ForeignKey(SelfCheck, models.CASCADE, related_name="calls")
    spoke_with = models.CharField("通话对象", max_length=60)
    note = models.CharField("通话情况", max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", auto_now_add=True)

    objects: ClassVar[Any] = CallRecordQuerySet.as_manager()

    class Meta:
        verbose_name = "催报记录"
        verbose_name_plural = "催报记录"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.spoke_with} {self.note}"
