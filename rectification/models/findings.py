"""What must change: one root cause, its ground, and everything that it rests on."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from assessments.models import Contradiction, Sheet
from audit.models import StatusChange
from emailsec.lib.workdays import OFFICE_ZONE, today
from inventory.models import MailSystem, Unit
from inventory.scoping import ScopedQuerySet
from scans.models import Verdict
from standards import grounds


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


class Placement(models.TextChoices):
    """Where a finding may stand in the instrument of one authority."""

    ORDER = "order", "列入责令整改"
    ANNEX = "annex", "仅列入附件《安全建议》"
    # The duty is another authority's to enforce: neither ours to order nor mere advice.
    ELSEWHERE = "elsewhere", "依据由其他机关执行，不列入"


def placement_of(ground: str, clauses: Sequence[grounds.Clause], authority: str) -> Placement:
    """Say where a finding on this ground may stand.

    Args:
        ground: a value of Ground.
        clauses: the confirmed clauses that carry the ground.
        authority: kind of the office that would issue the instrument (inventory.Authority).
    """
    if ground not in {Ground.STATUTE, Ground.STANDARD}:
        return Placement.ANNEX
    via = next((c.via for c in clauses if c.via is not None), None)
    carried = grounds.Ground(kind=ground, clauses=tuple(clauses), via=via)
    if grounds.may_enter_notice(carried, authority=authority):
        return Placement.ORDER
    return Placement.ELSEWHERE


class FindingQuerySet(ScopedQuerySet["Finding"]):
    scope_path = "unit"

    def unclosed(self) -> Self:
        return self.exclude(status__in=Finding.ENDED)

    def overdue(self, on: dt.date | None = None) -> Self:
        """Past the deadline while the unit still has to act. Derived, never stored.

        The deadline ends with its day. What has been answered waits for the office and is not
        overdue; it is again once a 复查 has failed.
        """
        return self.filter(status__in=Finding.WITH_UNIT, due_on__lt=on or today())

    def worst_first(self, on: dt.date | None = None) -> Self:
        """Overdue, then what is open, then what has ended; each by severity and deadline."""
        late = Q(status__in=Finding.WITH_UNIT, due_on__lt=on or today())
        return self.annotate(
            late_rank=models.Case(
                models.When(late, then=0), models.When(status__in=_ENDED, then=2), default=1
            ),
            severity_rank=models.Case(
                models.When(severity=Severity.HIGH, then=0),
                models.When(severity=Severity.MEDIUM, then=1),
                default=2,
            ),
        ).order_by("late_rank", "severity_rank", models.F("due_on").asc(nulls_last=True), "id")


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
    WITH_UNIT = (Status.NOTIFIED, Status.RECTIFYING)

    number = models.CharField("问题编号", max_length=20, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="findings")
    system = models.ForeignKey(
        MailSystem, models.PROTECT, null=True, blank=True, related_name="findings"
    )
    cause = models.SlugField("根因", max_length=40)
    title = models.TextField("问题")
    why = models.TextField("危害", blank=True)
    advice = models.TextField("整改要求", blank=True)
    severity = models.CharField("严重程度", max_length=6, choices=Severity.choices)
    major_risk = models.BooleanField("重大风险隐患候选", default=False)
    ground = models.CharField("依据性质", max_length=10, choices=Ground.choices)
    basis = models.TextField("依据", blank=True, help_text="按确认当日有效条款印出的文字")
    # Slugs of the clauses that carry the ground, separated by spaces: each authority asks of
    # them whether they are its own to enforce.
    clauses = models.TextField("依据条款", blank=True)
    days = models.PositiveSmallIntegerField("默认整改天数", default=30)
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

    @property
    def still_there_on(self) -> dt.date:
        """The last day on which the problem was said or seen; no repair can be older."""
        days = [source.at for source in self.sources.all()] or [self.confirmed_at]
        return max(days).astimezone(OFFICE_ZONE).date()

    @property
    def advised(self) -> bool:
        """Whether no authority can order the repair: it is 安全建议, without a deadline."""
        return self.ground not in {Ground.STATUTE, Ground.STANDARD}

    @property
    def is_overdue(self) -> bool:
        """The rule of `FindingQuerySet.overdue` for one row."""
        late = self.due_on is not None and self.due_on < today()
        return late and self.status in self.WITH_UNIT

    def placement(self, authority: str) -> Placement:
        """Where this finding may stand in a notice of an office of kind `authority`."""
        known = grounds.current().clauses
        clauses = [known[slug] for slug in self.clauses.split() if slug in known]
        if not clauses and self.ground in {Ground.STATUTE, Ground.STANDARD}:
            # The ground was judged when the finding was confirmed; only its clauses are gone.
            return Placement.ORDER
        return placement_of(self.ground, clauses, authority)


class FindingChange(StatusChange):
    subject = models.ForeignKey(Finding, models.CASCADE, related_name="changes")


class FindingSourceQuerySet(ScopedQuerySet["FindingSource"]):
    scope_path = "finding__unit"


class FindingSource(models.Model):
    """One thing that a finding rests on: an answer, a verdict, or a confirmed contradiction."""

    class Kind(models.TextChoices):
        ANSWER = "answer", "自查填报"
        VERDICT = "verdict", "外部观测"
        CONTRADICTION = "contradiction", "疑点"

    finding = models.ForeignKey(Finding, models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=15, choices=Kind.choices)
    sheet = models.ForeignKey(Sheet, models.PROTECT, null=True, related_name="+")
    item = models.CharField("题号", max_length=10, blank=True)
    verdict = models.ForeignKey(Verdict, models.PROTECT, null=True, related_name="+")
    contradiction = models.ForeignKey(Contradiction, models.PROTECT, null=True, related_name="+")
    rule = models.CharField(max_length=40, blank=True)
    domain = models.CharField(max_length=253, blank=True)
    said = models.TextField("填报", blank=True)
    seen = models.TextField("观测", blank=True)
    at = models.DateTimeField("时间")

    objects: ClassVar[Any] = FindingSourceQuerySet.as_manager()

    class Meta:
        verbose_name = "问题来源"
        verbose_name_plural = "问题来源"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.item or self.rule}"

    @property
    def said_on(self) -> dt.date:
        """The day on which the unit handed in what it said; `at` is the day of the observation
        where the source is a 疑点."""
        submitted = self.sheet.selfcheck.submitted_on if self.sheet is not None else None
        return submitted or self.at.astimezone(OFFICE_ZONE).date()
