"""What reaches people: one inbox."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from inventory.models import Office, Unit
from inventory.scoping import is_present


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: Any) -> Self:
        """A person's own messages; nobody else's."""
        if not is_present(user):
            return self.none()
        return self.filter(recipient_id=user.pk)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Message(models.Model):
    """One note to one person, with the page where the matter is dealt with."""

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="inbox_messages"
    )
    title = models.CharField("标题", max_length=120)
    body = models.TextField("内容", blank=True)
    url = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField("时间", auto_now_add=True)
    read_at = models.DateTimeField("已读", null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = "消息"
        verbose_name_plural = "消息"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title


class HandOverQuerySet(models.QuerySet["HandOver"]):
    def visible_to(self, user: Any) -> Self:
        """Those of one's own, and those of the people whom one looks after."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        rule = Q(giver=user) | Q(taker=user) | Q(by=user)
        if user.can("staff.manage"):
            units = Unit.objects.visible_to(user)
            if not user.is_unit_side:
                units = units.filter(supervisions__office__in=Office.objects.under(user))
            else:
                units = units.filter(pk__in=user.scope.unit_ids)
            rule |= Q(unit__in=units.values("pk"))
        if user.can("colleague.manage"):
            rule |= Q(office__in=user.scope.office_ids)
        return self.filter(rule)


class HandOver(models.Model):
    """交接单: who left, who took over, what was handed over. Written once."""

    giver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    taker = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    office = models.ForeignKey(Office, models.PROTECT, null=True, related_name="+")
    roles = models.CharField("原任角色", max_length=60)
    reason = models.CharField("理由", max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", auto_now_add=True)

    objects = HandOverQuerySet.as_manager()

    class Meta:
        verbose_name = "交接单"
        verbose_name_plural = "交接单"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.giver.name}的交接单"

    @property
    def place(self) -> str:
        return str(self.unit or self.office)


class HandOverLine(models.Model):
    """One thing that passed from one to the other."""

    class Kind(models.TextChoices):
        WORK = "work", "在办事项"
        MESSAGE = "message", "未读消息"
        IMPORT = "import", "待确认的导入"

    sheet = models.ForeignKey(HandOver, models.CASCADE, related_name="lines")
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    text = models.CharField("事项", max_length=200)
    url = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
