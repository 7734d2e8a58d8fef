"""Invitations: the one-time code by which a person takes an account into use."""

from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        """Those that still let somebody in."""
        return self.filter(
            used_at=None, withdrawn_at=None, expires_at__gt=timezone.now(), user__is_active=True
        )

    def visible_to(self, user: Any) -> Self:
        """Invitations to accounts that `user` manages."""
        return self.filter(user__in=User.objects.visible_to(user))


class Invitation(models.Model):
    """Leave to take `user` into use, once and until a day. Only the digest of the code is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    digest = models.CharField("邀请码摘要", max_length=64, unique=True)
    inviter = models.CharField("发放人", max_length=150)
    created_at = models.DateTimeField("发放时间", auto_now_add=True)
    expires_at = models.DateTimeField("有效期至")
    used_at = models.DateTimeField("启用时间", null=True)
    withdrawn_at = models.DateTimeField("收回时间", null=True)

    objects: ClassVar[Any] = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = "邀请"
        verbose_name_plural = "邀请"
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(used_at=None, withdrawn_at=None),
                name="one_open_invitation_per_user",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inviter} → {self.user}"
