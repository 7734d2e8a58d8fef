"""Paper: the register of issued documents, and what stood in the way of one."""

from typing import Any, ClassVar, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from assessments.models import SelfCheck
from emailsec.lib.uploads import stored_path
from inventory.models import Office, Unit
from inventory.scoping import ScopedQuerySet, scope_of
from rectification.models import Notice, NoticeOwnedQuerySet
from scans.models import Authorization

STAGE_LABEL: Final = "整改情况报告（阶段性）"


def with_revision(number: str, revision: int) -> str:
    """Return a number with its revision; the first revision is not named."""
    return number if revision == 1 else f"{number}（第{revision}版）"


def document_path(instance: "Document", filename: str) -> str:
    return stored_path("documents", instance.kind, filename)


class DocumentQuerySet(ScopedQuerySet["Document"]):
    scope_path = "unit"

    def visible_to(self, user: Any) -> Self:
        """Documents of visible units, and those of visible notices (to the unit and to other
        authorities from 送达 on); a unit never sees the office's own copies."""
        units = Unit.objects.visible_to(user).values("pk")
        notices = Notice.objects.visible_to(user).values("pk")
        rows = self.filter(Q(notice=None, unit__in=units) | Q(notice__in=notices))
        if scope_of(user).office_paths:
            return rows
        return rows.exclude(kind=Document.Kind.NOTICE_FILE)


class Document(models.Model):
    """A rendered, frozen document. Anyone who holds the paper can verify it by its code."""

    class Kind(models.TextChoices):
        NOTICE = "notice", "限期整改通知书"
        NOTICE_FILE = "notice_file", "通知书存根及送达回证"
        REPORT = "report", "整改报告"
        SHEET = "sheet", "自查表"
        AUTHORIZATION = "authorization", "远程检测授权书"

    kind = models.CharField("种类", max_length=15, choices=Kind.choices)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="documents")
    notice = models.ForeignKey(Notice, models.PROTECT, null=True, related_name="documents")
    selfcheck = models.ForeignKey(SelfCheck, models.PROTECT, null=True, related_name="documents")
    authorization = models.ForeignKey(
        Authorization, models.PROTECT, null=True, related_name="documents"
    )
    title = models.CharField("标题", max_length=200)
    number = models.CharField("文号", max_length=60, blank=True)
    # A 整改报告 on changed facts keeps its number and gets the next revision.
    revision = models.PositiveSmallIntegerField("版次", default=1)
    superseded_at = models.DateTimeField("被替代时间", null=True, blank=True)
    # 阶段性: a 整改报告 made before its notice was 办结.
    interim = models.BooleanField("阶段性", default=False)
    issuer = models.CharField("制发单位", max_length=120)
    issued_on = models.DateField("落款日期")
    verification_code = models.CharField("验证码", max_length=20, unique=True)
    file = models.FileField(upload_to=document_path, max_length=200)
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveSmallIntegerField("页数")
    # Digest of what the document says, its own number and time apart: the same content printed
    # again is the same document.
    content = models.CharField(max_length=64, blank=True)
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
                fields=["notice", "kind"],
                condition=Q(kind__in=["notice", "notice_file"]),
                name="a_notice_is_frozen_once",
            ),
            models.UniqueConstraint(
                fields=["notice"],
                condition=Q(kind="report", superseded_at=None),
                name="one_current_report_of_a_notice",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def kind_label(self) -> str:
        """What the paper calls itself."""
        return STAGE_LABEL if self.interim else str(self.get_kind_display())

    @property
    def full_number(self) -> str:
        """The number with the revision: ZG-2026-00017（第2版）."""
        return with_revision(self.number, self.revision)

    @property
    def standing(self) -> str:
        """已作废, 已被替代, or "" for a document that stands."""
        return "已作废" if self.void else "已被替代" if self.superseded_at else ""

    @property
    def void(self) -> bool:
        """Whether what the paper stands for was withdrawn."""
        if self.notice is not None and self.kind in {self.Kind.NOTICE, self.Kind.NOTICE_FILE}:
            return bool(self.notice.status == Notice.Status.VOID)
        if self.authorization is not None:
            return bool(self.authorization.status == Authorization.Status.VOID)
        return False


class RenderProblem(models.Model):
    """Why an approved notice has no paper yet, in words for a person. Gone once it has."""

    notice = models.OneToOneField(Notice, models.CASCADE, related_name="render_problem")
    text = models.CharField("原因", max_length=300)
    attempts = models.PositiveIntegerField("已尝试", default=1)
    at = models.DateTimeField("最近一次", auto_now=True)

    objects: ClassVar[Any] = NoticeOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "文书生成失败"
        verbose_name_plural = "文书生成失败"

    def __str__(self) -> str:
        return self.text

    @property
    def unit(self) -> Unit:
        return self.notice.unit


class ReportWords(models.Model):
    """What only the unit can say in its 整改报告; kept, so that each export prints it."""

    notice = models.OneToOneField(Notice, models.CASCADE, related_name="report_words")
    organisation = models.TextField("组织领导", max_length=2000, blank=True)
    long_term = models.TextField("长效机制", max_length=2000, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField("时间", auto_now=True)

    objects: ClassVar[Any] = NoticeOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "整改报告文字"
        verbose_name_plural = "整改报告文字"

    def __str__(self) -> str:
        return f"{self.notice} 的整改报告"

    @property
    def unit(self) -> Unit:
        return self.notice.unit


class DestructionQuerySet(models.QuerySet["Destruction"]):
    UNFINISHED = "待批准的文件销毁清单 {} 份"

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.filter(approved=None)

    def visible_to(self, user: Any) -> Self:
        """Lists of the user's office, and of those below it."""
        rule = Q(pk__in=[])
        for path in scope_of(user).office_paths:
            rule |= Q(office__path__startswith=path)
        return self.filter(rule)


class Destruction(models.Model):
    """A list of files whose period is over: proposed by one person, destroyed by another.

    Attributes:
        approved: None while it waits.
    """

    office = models.ForeignKey(Office, models.PROTECT, related_name="destructions")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField("提出时间", auto_now_add=True)
    approved = models.BooleanField("已批准", null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField("办理时间", null=True)
    reason = models.CharField("退回理由", max_length=200, blank=True)

    objects: ClassVar[Any] = DestructionQuerySet.as_manager()

    class Meta:
        verbose_name = "文件销毁清单"
        verbose_name_plural = "文件销毁清单"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("proposed_by")),
                name="destruction_takes_two_persons",
            ),
            models.CheckConstraint(
                condition=Q(approved=None, decided_by=None, decided_at=None)
                | Q(approved__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
                name="destruction_is_decided_by_someone",
            ),
            models.UniqueConstraint(
                fields=["office"],
                condition=Q(approved=None),
                name="one_destruction_waits_in_an_office",
            ),
        ]

    def __str__(self) -> str:
        return f"文件销毁清单第{self.pk}号"

    @property
    def standing(self) -> str:
        """Where it stands, in words."""
        return {None: "待批准", True: "已销毁", False: "未批准"}[self.approved]


class DestroyedFile(models.Model):
    """One file of a list: what stays of it when it is gone.

    Attributes:
        kind, object_id: slug of retention.toml, and the key of the row that held it.
        place: the unit, by the name that it had then.
        ended_on: the day from which its period ran.
        path: where it lay on disk; `gone_at` is empty until it lies there no more.
        released: the list was sent back.
    """

    destruction = models.ForeignKey(Destruction, models.CASCADE, related_name="files")
    kind = models.CharField("种类", max_length=20)
    object_id = models.BigIntegerField()
    place = models.CharField("单位", max_length=120)
    name = models.CharField("文件名", max_length=150)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField("字节")
    ended_on = models.DateField("起算日期")
    path = models.CharField(max_length=200)
    gone_at = models.DateTimeField(null=True)
    released = models.BooleanField(default=False)

    class Meta:
        verbose_name = "销毁的文件"
        verbose_name_plural = "销毁的文件"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id"],
                condition=Q(released=False),
                name="a_file_is_destroyed_once",
            )
        ]

    def __str__(self) -> str:
        return self.name
