"""Instruments: a notice with its number, deadline and findings; its scans; extensions."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from audit.models import StatusChange
from emailsec.lib.uploads import stored_path
from emailsec.lib.workdays import OFFICE_ZONE, today
from inventory.models import Office, Unit
from inventory.scoping import ScopedQuerySet, scope_of
from rectification.models.findings import Finding, FindingChange, FindingQuerySet


class NoticeQuerySet(ScopedQuerySet["Notice"]):
    scope_path = "unit"
    UNFINISHED = "未办结的整改通知 {} 份"
    _revoked = Q(status="void", served_on__isnull=False)

    def visible_to(self, user: Any) -> Self:
        """What the user's own offices and those below them issued, always: also when the unit has
        passed to another office since. Of a visible unit what others issued, and for the unit
        itself any, only from 送达 on, and still when it was revoked afterwards."""
        units = Unit.objects.visible_to(user).values("pk")
        rule = Q(unit__in=units) & (Q(status__in=Notice.SERVED_OR_LATER) | self._revoked)
        for path in scope_of(user).office_paths:
            rule |= Q(office__path__startswith=path)
        return self.filter(rule)

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.exclude(status__in=(Notice.Status.FINISHED, Notice.Status.VOID))

    def with_counts(self) -> Self:
        """Adds `ordered` and `ordered_done`: findings to repair, and those 销号; nothing is done
        by a notice that was voided."""
        ordered = Q(items__annex=False)
        done = ordered & Q(items__ended_on__isnull=False) & ~Q(status="void")
        return self.annotate(
            ordered=models.Count("items", filter=ordered),
            ordered_done=models.Count("items", filter=done),
        )


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
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
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
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "drafted",
                        "checked",
                        "approved",
                        "served",
                        "signed",
                        "refused",
                        "replied",
                        "finished",
                        "void",
                    ]
                ),
                name="notice_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(drafted_by=F("checked_by"))
                & ~Q(drafted_by=F("approved_by"))
                & ~Q(checked_by=F("approved_by")),
                name="notice_passes_through_different_hands",
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"整改通知（拟稿 {self.pk}）"

    @property
    def is_revoked(self) -> bool:
        """Voided after the unit had it."""
        return self.status == self.Status.VOID and self.served_on is not None

    @property
    def status_words(self) -> str:
        """The status as it reads on screen: what the unit had is 撤销, what it never saw 作废."""
        return "已撤销" if self.is_revoked else str(self.get_status_display())

    @property
    def sent_back(self) -> "NoticeChange | None":
        """The 退回 that no revision of the draft has answered yet."""
        if self.status != self.Status.DRAFTED:
            return None
        last: NoticeChange | None = self.changes.first()
        return last if last is not None and last.action == "send_back" else None

    @property
    def is_live(self) -> bool:
        """The unit has it and something in it is still to be done."""
        return self.status in self.SERVED_OR_LATER and self.status != self.Status.FINISHED

    @property
    def is_overdue(self) -> bool:
        """The unit still has to act and the deadline has ended (with its day)."""
        with_unit = {self.Status.SERVED, self.Status.SIGNED, self.Status.REFUSED}
        return self.status in with_unit and self.deadline < today()


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


class NoticeOwnedQuerySet(ScopedQuerySet[Any]):
    """Base for what belongs to a notice: who sees the notice sees it."""

    scope_path = "notice__unit"

    def visible_to(self, user: Any) -> Self:
        return self.filter(notice__in=Notice.objects.visible_to(user).values("pk"))


class NoticeItemQuerySet(NoticeOwnedQuerySet):
    def live(self) -> Self:
        """Items whose finding has not ended within their notice, nor the notice been voided."""
        return self.filter(ended_on=None)


class NoticeItem(models.Model):
    """A finding in a notice: ordered, or advised in the annex 《安全建议》."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="items")
    finding = models.ForeignKey(Finding, models.PROTECT, related_name="notice_items")
    order = models.PositiveSmallIntegerField()
    annex = models.BooleanField("列入安全建议", default=False)
    # The day on which the finding ended within this notice, or the notice was voided. A cause
    # that returns afterwards belongs to a new notice and no longer moves this one.
    ended_on = models.DateField("了结日期", null=True)

    objects: ClassVar[Any] = NoticeItemQuerySet.as_manager()

    class Meta:
        ordering = ["annex", "order"]
        constraints = [
            models.UniqueConstraint(fields=["notice", "finding"], name="finding_once_per_notice"),
            # Two clicks, or two officers, cannot put one finding into two notices.
            models.UniqueConstraint(
                fields=["finding"], condition=Q(ended_on=None), name="one_live_notice_per_finding"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice} {self.finding}"

    @property
    def ending(self) -> FindingChange | None:
        """How the finding ended within this notice, None while it has not; what became of it
        afterwards is not the notice's affair. Reads `finding.changes` (prefetch for a list)."""
        ends = [
            change
            for change in self.finding.changes.all()  # newest first
            if change.target in Finding.ENDED
            and change.at >= self.notice.created_at
            and change.at.astimezone(OFFICE_ZONE).date() == self.ended_on
        ]
        return ends[-1] if ends else None

    @property
    def status(self) -> Finding.Status:
        """The status of the finding as far as this notice goes."""
        ending = self.ending
        return Finding.Status(ending.target if ending is not None else self.finding.status)


def free_for_notice(findings: FindingQuerySet) -> FindingQuerySet:
    """Those that are open and in no live notice: what a new notice may take up."""
    taken = NoticeItem.objects.live().filter(finding=models.OuterRef("pk"))
    return findings.filter(~models.Exists(taken), status=Finding.Status.OPEN)


def notice_scan_path(instance: "NoticeScan", filename: str) -> str:
    return stored_path("notices", instance.notice_id, filename)


class NoticeScanQuerySet(NoticeOwnedQuerySet):
    def visible_to(self, user: Any) -> Self:
        """Scans of visible notices; 送达回证 is the office's own copy."""
        rows = super().visible_to(user)
        if scope_of(user).office_paths:
            return rows
        return rows.exclude(kind=NoticeScan.Kind.RECEIPT)


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

    objects: ClassVar[Any] = NoticeOwnedQuerySet.as_manager()

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
