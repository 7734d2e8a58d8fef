"""The audit trail: what was done, by whom, from where, with what result."""

import uuid
from typing import Any, Final, Self

from django.conf import settings
from django.db import connection, models


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Any) -> Self:
        """The whole trail to whoever may read it; to everyone else nothing."""
        if not getattr(user, "is_authenticated", False) or not user.can("audit.read"):
            return self.none()
        return self

    def object_types(self) -> list[str]:
        """Every kind of object in the trail, by leaps over its index and not by reading it."""
        with connection.cursor() as cursor:
            cursor.execute(_OBJECT_TYPES)
            return [kind for (kind,) in cursor.fetchall()]


_OBJECT_TYPES: Final = """
WITH RECURSIVE kinds(kind) AS (
    SELECT MIN(object_type) FROM audit_auditevent
    UNION ALL
    SELECT (SELECT MIN(object_type) FROM audit_auditevent WHERE object_type > kinds.kind)
    FROM kinds WHERE kinds.kind IS NOT NULL
)
SELECT kind FROM kinds WHERE kind <> ''
"""


class AppendOnly(models.Model):
    """Abstract: rows are added and read. The database refuses the rest as well (audit.guards)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("the audit trail is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("the audit trail is never deleted from")


class AuditEvent(AppendOnly):
    """One act. Rows outlive the objects they name, so they keep labels as text.

    The row carries a keyed digest of its own content (`audit.trail.digest_of`), made in the
    transaction of the act; its place in the chain is given by an AuditSeal soon afterwards, so
    that acts never queue behind one head of the chain.
    """

    uid = models.UUIDField("唯一编号", default=uuid.uuid4, unique=True, editable=False)
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
    algorithm = models.CharField("摘要算法", max_length=10)
    key_id = models.CharField("密钥编号", max_length=8)
    digest = models.CharField("摘要", max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = "审计日志"
        verbose_name_plural = "审计日志"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_type", "object_id"]),
            # What somebody did lately: readings and refusals are told once within a time.
            models.Index(fields=["actor_id", "action", "at"]),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_label} {self.action} {self.object_label}"


class AuditSeal(AppendOnly):
    """The place of one event in the chain: a row of its own, so that no event is ever updated.

    `digest` repeats that of the event as it was when sealed, and `chain` runs over the previous
    seal's chain, this row's number, event and digest (`audit.sealing.chain_of`).
    """

    seq = models.BigIntegerField("封存序号", primary_key=True)
    # No foreign key: the seal tells of an event also when the event is gone.
    event_id = models.BigIntegerField("日志编号", unique=True)
    digest = models.CharField("摘要", max_length=64)
    chain = models.CharField("链值", max_length=64)
    sealed_at = models.DateTimeField("封存时间", db_index=True)
    algorithm = models.CharField("摘要算法", max_length=10)
    key_id = models.CharField("密钥编号", max_length=8)

    class Meta:
        verbose_name = "审计封存"
        verbose_name_plural = "审计封存"
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq}: {self.event_id}"


class Taken(AppendOnly):
    """One unit whose rows were in what an event says left the portal (`audit.taken`)."""

    # No foreign keys: the event may be archived, and units lie above this room.
    event_id = models.BigIntegerField("日志编号", db_index=True)
    unit_id = models.BigIntegerField("单位编号")

    class Meta:
        verbose_name = "导出涉及单位"
        verbose_name_plural = "导出涉及单位"
        indexes = [models.Index(fields=["unit_id", "event_id"])]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.unit_id}"


class TakenUnit(AppendOnly):
    """A unit of which something was taken, by the name and code that it had then, under a keyed
    digest (`audit.taken.name_digest`): whoever could rename it would hide what was taken."""

    unit_id = models.BigIntegerField("单位编号")
    name = models.CharField("单位名称", max_length=120)
    code = models.CharField("统一社会信用代码", max_length=18, db_index=True)
    algorithm = models.CharField("摘要算法", max_length=10)
    key_id = models.CharField("密钥编号", max_length=8)
    digest = models.CharField("摘要", max_length=64)

    class Meta:
        verbose_name = "导出涉及单位名称"
        verbose_name_plural = "导出涉及单位名称"
        constraints = [
            models.UniqueConstraint(fields=["unit_id", "name", "code"], name="one_name_of_a_unit")
        ]

    def __str__(self) -> str:
        return self.name


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
