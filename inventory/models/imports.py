"""Uploaded workbooks between preview and confirmation."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models

from inventory.models.places import Office
from inventory.scoping import is_present


def _workbook_path(instance: "ImportBatch", filename: str) -> str:
    return f"imports/{uuid.uuid4().hex}.xlsx"


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    def visible_to(self, user: Any) -> Self:
        """A person's own uploads; they hold telephone numbers, so nobody else's."""
        if not is_present(user):
            return self.none()
        return self.filter(by_id=user.pk)


class ImportBatch(models.Model):
    """One workbook that passed every check and waits for its uploader's confirmation.

    The file is deleted as soon as the batch is applied or given up.
    """

    # No foreign key: accounts lie above the inventory.
    by_id = models.BigIntegerField("上传人编号")
    by_label = models.CharField("上传人", max_length=150)
    office = models.ForeignKey(Office, models.PROTECT, related_name="+", verbose_name="监管机关")
    file = models.FileField("工作簿", upload_to=_workbook_path, max_length=200, blank=True)
    file_name = models.CharField("文件名", max_length=150)
    sha256 = models.CharField(max_length=64)
    counts = models.JSONField("数量", default=dict)
    created_at = models.DateTimeField("上传时间", auto_now_add=True)
    closed_at = models.DateTimeField("办结时间", null=True)
    applied = models.BooleanField("已导入", default=False)

    objects: ClassVar[Any] = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = "导入批次"
        verbose_name_plural = "导入批次"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name
