"""What reaches people: one inbox."""

from typing import Any, Self

from django.conf import settings
from django.db import models

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
