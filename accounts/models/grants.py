"""Grants: who asked that a person hold a role, who confirmed it, how it ended."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models.people import Membership, User
from audit.models import StatusChange
from inventory.models import Office, Unit


class GrantQuerySet(models.QuerySet["Grant"]):
    def visible_to(self, user: Any) -> Self:
        """Grants are shown only to whoever asks for them or confirms them."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        if not (user.can("account.manage") or user.can("grant.manage")):
            return self.none()
        return self.all()

    def waiting(self) -> Self:
        """Those that somebody still has to decide."""
        return self.filter(status=Grant.Status.REQUESTED)

    def with_people(self) -> Self:
        """With the person, the place and whoever asked and decided, for lists."""
        return self.select_related(
            "membership__user",
            "membership__unit",
            "membership__office",
            "requested_by",
            "decided_by",
        )

    def waiting_first(self) -> Self:
        """Those that wait, the oldest first; then the others, the newest first."""
        waits = Q(status=Grant.Status.REQUESTED)
        return self.order_by(
            models.Case(models.When(waits, then=0), default=1),
            models.Case(models.When(waits, then=F("pk")), default=-F("pk")),
        )


class Grant(models.Model):
    """One period in which a person holds a role, from the request to its end.

    The membership counts (`active`) only while its grant is confirmed. A role that ended and is
    given anew is a new grant of the same membership.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", "待确认"
        CONFIRMED = "confirmed", "有效"
        REFUSED = "refused", "未同意"
        WITHDRAWN = "withdrawn", "已撤回"
        ENDED = "ended", "已终止"

    membership = models.ForeignKey(Membership, models.PROTECT, related_name="grants")
    status = models.CharField(
        "状态", max_length=10, choices=Status.choices, default=Status.REQUESTED, db_index=True
    )
    reason = models.CharField("申请理由", max_length=200, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    requested_at = models.DateTimeField("申请时间", auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    since = models.DateTimeField("生效时间", null=True)
    until = models.DateTimeField("终止时间", null=True)

    objects: ClassVar[Any] = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = "授权"
        verbose_name_plural = "授权"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(status__in=["requested", "confirmed"]),
                name="one_live_grant_per_membership",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["requested", "confirmed", "refused", "withdrawn", "ended"]),
                name="grant_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None)
                | Q(requested_by=None)
                | ~Q(decided_by=F("requested_by")),
                name="grant_takes_two_people",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.label} {self.place} {self.membership.get_role_display()}"

    @property
    def user(self) -> User:
        return self.membership.user

    @property
    def unit(self) -> Unit | None:
        return self.membership.unit

    @property
    def office(self) -> Office | None:
        return self.membership.office

    @property
    def place(self) -> str:
        return self.membership.place


class GrantChange(StatusChange):
    subject = models.ForeignKey(Grant, models.CASCADE, related_name="changes")
