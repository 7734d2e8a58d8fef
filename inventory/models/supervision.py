"""Who supervises a unit, how it passes from one office to another, and who else may read it."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from inventory.models.places import Authority, Office, Region
from inventory.models.units import Unit, UnitOwnedQuerySet


class SupervisionQuerySet(UnitOwnedQuerySet):
    UNFINISHED = "监管的单位 {} 个"

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.all()


class Supervision(models.Model):
    """Which office supervises a unit, one office per kind of authority."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="supervisions")
    kind = models.CharField("类别", max_length=10, choices=Authority.choices)
    office = models.ForeignKey(Office, models.PROTECT, related_name="supervisions")
    since = models.DateField("自", auto_now_add=True)

    objects: ClassVar[Any] = SupervisionQuerySet.as_manager()

    class Meta:
        verbose_name = "监管关系"
        verbose_name_plural = "监管关系"
        constraints = [
            models.UniqueConstraint(fields=["unit", "kind"], name="one_office_per_unit_and_kind"),
            models.CheckConstraint(
                condition=~Q(kind=Authority.PROVIDER), name="providers_supervise_nobody"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.office} → {self.unit}"


class TransferQuerySet(models.QuerySet["SupervisionTransfer"]):
    UNFINISHED = "待接收的移交 {} 项"

    def visible_to(self, user: Any) -> Self:
        """Hand-overs from or to the user's own offices and what lies below them. Who is to take a
        unit reads of it what the hand-over says, not the unit; the unit itself does not read it."""
        mine = Office.objects.under(user).values("pk")
        return self.filter(Q(from_office__in=mine) | Q(to_office__in=mine))

    def waiting(self) -> Self:
        return self.filter(status=SupervisionTransfer.Status.PROPOSED)

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.waiting()


class SupervisionTransfer(models.Model):
    """A unit's way from one office to another: proposed by the one, accepted by the other, or
    ordered by an office that stands above both. Until then nothing changes."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", "待接收"
        ACCEPTED = "accepted", "已接收"
        DECLINED = "declined", "未接收"
        WITHDRAWN = "withdrawn", "已撤回"
        ORDERED = "ordered", "上级决定"

    DONE = (Status.ACCEPTED, Status.ORDERED)

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="transfers")
    kind = models.CharField("类别", max_length=10, choices=Authority.choices)
    from_office = models.ForeignKey(Office, models.PROTECT, null=True, related_name="+")
    to_office = models.ForeignKey(Office, models.PROTECT, related_name="+")
    region = models.ForeignKey(Region, models.PROTECT, null=True, related_name="+")
    reason = models.CharField("理由", max_length=200)
    status = models.CharField(
        "状态", max_length=10, choices=Status.choices, default=Status.PROPOSED
    )
    at = models.DateTimeField("提出时间", auto_now_add=True)
    by_label = models.CharField("提出人", max_length=150, blank=True)
    answer = models.CharField("答复", max_length=200, blank=True)
    answered_at = models.DateTimeField("答复时间", null=True)
    answered_by = models.CharField("答复人", max_length=150, blank=True)
    # Empty: the people whom the status concerns have not been told yet.
    told_at = models.DateTimeField("通知时间", null=True, db_index=True)
    # Empty: unserved notices of the giving office still stand (`rectification` ends them).
    settled_at = models.DateTimeField(null=True, db_index=True)

    objects: ClassVar[Any] = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = "监管关系变更"
        verbose_name_plural = "监管关系变更"
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "kind"],
                condition=Q(status="proposed"),
                name="one_open_transfer_per_unit_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["proposed", "accepted", "declined", "withdrawn", "ordered"]
                ),
                name="transfer_status_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {self.from_office} → {self.to_office}"


class DelegationQuerySet(UnitOwnedQuerySet):
    UNFINISHED = "有效的授权查阅 {} 项"

    def in_force(self) -> Self:
        return self.filter(until__gte=timezone.localdate())

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.in_force()


class Delegation(models.Model):
    """An office may see a unit that it does not supervise, until a date."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="delegations")
    office = models.ForeignKey(Office, models.CASCADE, related_name="delegations")
    until = models.DateField("截止日期")
    reason = models.CharField("事由", max_length=200)
    given_by = models.CharField("授权人", max_length=150, blank=True)
    given_at = models.DateTimeField("授权时间", auto_now_add=True)

    objects: ClassVar[Any] = DelegationQuerySet.as_manager()

    class Meta:
        verbose_name = "授权查阅"
        verbose_name_plural = "授权查阅"
        ordering = ["until", "pk"]

    def __str__(self) -> str:
        return f"{self.office} 可查阅 {self.unit}"
