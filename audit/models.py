"""The audit trail: what was done, by whom, from where, with what result."""

from typing import Any, Self

from django.conf import settings
from django.db import models


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Any) -> Self:
        """The whole trail to whoever may read it; to everyone else nothing."""
        if not getattr(user, "is_authenticated", False) or not user.can("audit.read"):
            return self.none()
        return self


class AuditEvent(models.Model):
    """One act. Append-only: rows outlive the objects they name, so they keep labels as text.

    The row carries an HMAC of its own content (`audit.trail.digest_of`); sealing rows into a
    chain is the work of a later step, for which `sealed_at` is the empty marker.
    """

    at = models.DateTimeField("时间", db_index=True)
    actor_id = models.BigIntegerField("操作人编号", null=True)
    actor_label = models.CharField("操作人", max_length=150)
    actor_role = models.CharField("角色", max_length=100, blank=True)
    address = models.GenericIPAddressField("来源地址", null=True)
    action = models.CharField("动作", max_length=60, db_index=True)
    object_type = models.CharField("对象类型", max_length=60)
    object_id = models.CharField("对象编号", max_length=40)
    object_label = models.CharField("对象", max_length=300)
    details = models.JSONField("内容", default=dict)
    result = models.CharField("结果", max_length=20, default="ok")
    digest = models.CharField("摘要", max_length=64)
    sealed_at = models.DateTimeField("封存时间", null=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = "审计日志"
        verbose_name_plural = "审计日志"
        ordering = ["-id"]
        indexes = [models.Index(fields=["object_type", "object_id"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_label} {self.action} {self.object_label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("audit events are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("audit events are never deleted")


# (change model, action) → its words; each Lifecycle enters its own table.
ACTION_LABELS: dict[tuple[str, str], str] = {}
# The same as the unit reads it, where that differs.
UNIT_LABELS: dict[tuple[str, str], str] = {}


class StatusChange(models.Model):
    """Abstract: one move of a lifecycle; each owning app adds the `subject` foreign key."""

    action = models.CharField("动作", max_length=40)
    source = models.CharField("原状态", max_length=20)
    target = models.CharField("新状态", max_length=20)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    by_label = models.CharField("操作人", max_length=150)
    at = models.DateTimeField("时间")
    reason = models.TextField("理由", blank=True)

    class Meta:
        abstract = True
        ordering = ["-id"]

    @property
    def by_name(self) -> str:
        """The person's name without the account, which only the audit trail needs."""
        return self.by_label.rsplit("（", 1)[0]

    @property
    def action_label(self) -> str:
        """What the act is called on screen, from the lifecycle's table."""
        return ACTION_LABELS.get((self._meta.label_lower, self.action), self.action)

    @property
    def unit_label(self) -> str:
        """What the unit reads for the same act."""
        return UNIT_LABELS.get((self._meta.label_lower, self.action), self.action_label)
