"""Questionnaire versions and the campaigns that ask them."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q

from audit.models import StatusChange
from emailsec.lib.workdays import today
from inventory.models import Office, Unit
from inventory.scoping import scope_of


class Questionnaire(models.Model):
    """A published version of the 自查表. It never changes: a self-check pins it for ever.

    The source is kept whole, so that an old sheet can be read and printed years later.
    """

    version = models.CharField("版本", max_length=20, unique=True)
    title = models.CharField("名称", max_length=80)
    source = models.TextField("TOML 原文")
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField("发布时间", auto_now_add=True)

    class Meta:
        verbose_name = "自查表版本"
        verbose_name_plural = "自查表版本"
        ordering = ["-published_at"]

    def __str__(self) -> str:
        return f"{self.title}（{self.version}）"


class CampaignQuerySet(models.QuerySet["Campaign"]):
    UNFINISHED = "未归档的专项行动 {} 项"

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.exclude(status=Campaign.Status.ARCHIVED)

    def visible_to(self, user: Any) -> Self:
        """Campaigns of offices in the user's subtree or that ask a unit the user may see."""
        units = Unit.objects.visible_to(user).values("pk")
        asked = Campaign._base_manager.filter(selfchecks__unit__in=units)
        rule = Q(pk__in=asked.values("pk"))
        for path in scope_of(user).office_paths:
            rule |= Q(office__path__startswith=path)
        return self.filter(rule)


class Campaign(models.Model):
    """Who must answer which questionnaire by when."""

    class Status(models.TextChoices):
        DRAFT = "draft", "草稿"
        PUBLISHED = "published", "已发布"
        CLOSED = "closed", "已截止"
        ARCHIVED = "archived", "已归档"

    # Units may still hand in: late is better than never.
    TAKING = (Status.PUBLISHED, Status.CLOSED)

    office = models.ForeignKey(Office, models.PROTECT, related_name="campaigns")
    title = models.CharField("名称", max_length=120)
    document_number = models.CharField("文号", max_length=60, blank=True)
    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT, related_name="campaigns")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.DRAFT)
    deadline = models.DateField("报送截止日期")
    second_factor = models.BooleanField("单位人员须使用二次验证", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = "专项行动"
        verbose_name_plural = "专项行动"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.title

    @property
    def mark(self) -> str:
        """How its status is drawn: 已截止 says that time is up, not that a thing was proven."""
        return self.Status.ARCHIVED if self.status == self.Status.CLOSED else self.status

    @property
    def overdue(self) -> bool:
        """Whether the day on which units had to hand in is over."""
        return self.status in self.TAKING and self.deadline < today()


class CampaignChange(StatusChange):
    subject = models.ForeignKey(Campaign, models.CASCADE, related_name="changes")
