"""Paper: the register of issued documents."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from assessments.models import SelfCheck
from inventory.models import Unit
from inventory.scoping import ScopedQuerySet
from rectification.models import Notice


def document_path(instance: "Document", filename: str) -> str:
    return f"documents/{instance.kind}/{uuid.uuid4().hex}.pdf"


class DocumentQuerySet(ScopedQuerySet["Document"]):
    scope_path = "unit"


class Document(models.Model):
    """A rendered, frozen document. Anyone who holds the paper can verify it by its code."""

    class Kind(models.TextChoices):
        NOTICE = "notice", "限期整改通知书"
        REPORT = "report", "整改报告"
        SHEET = "sheet", "自查表"
        AUTHORIZATION = "authorization", "远程检测授权书"
        INVITATION = "invitation", "报送邀请函"

    kind = models.CharField("种类", max_length=15, choices=Kind.choices)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="documents")
    notice = models.ForeignKey(Notice, models.PROTECT, null=True, related_name="documents")
    selfcheck = models.ForeignKey(SelfCheck, models.PROTECT, null=True, related_name="documents")
    title = models.CharField("标题", max_length=200)
    number = models.CharField("文号", max_length=60, blank=True)
    verification_code = models.CharField("验证码", max_length=20, unique=True)
    file = models.FileField(upload_to=document_path, max_length=200)
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveSmallIntegerField("页数")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    made_at = models.DateTimeField("生成时间", auto_now_add=True)

    objects: ClassVar[Any] = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = "文书"
        verbose_name_plural = "文书"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["notice"],
                condition=models.Q(kind="notice"),
                name="a_notice_is_frozen_once",
            )
        ]

    def __str__(self) -> str:
        return self.title
