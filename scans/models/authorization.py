"""The recorded permission to probe a system."""

import datetime as dt
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from audit.models import StatusChange
from emailsec.lib.uploads import stored_path
from emailsec.lib.workdays import today
from inventory.codes import u_label
from inventory.models import MailSystem, Unit
from inventory.scoping import ScopedQuerySet


class AuthorizationItem(models.TextChoices):
    """What a letter may allow. Each extra is asked for by name and never implied."""

    ORDINARY = "ordinary", "常规观测"
    RELAY = "smtp.relay", "匿名转发测试"

    @property
    def detail(self) -> str:
        """How the item is carried out, as the letter and the form say it."""
        return ITEM_DETAILS[self]


ITEM_DETAILS = {
    AuthorizationItem.ORDINARY: (
        "查询 MX、SPF、DKIM、DMARC 等公开域名记录；与 25、465、587、143、993、110、995 端口建立"
        "连接，读取欢迎信息、能力列表和证书；访问 Webmail 首页。只读，不登录。"
    ),
    AuthorizationItem.RELAY: (
        "在 25 端口以外域发件人向外域收件人发出 MAIL、RCPT 命令，看是否接受，随即 RSET 撤销；"
        "不发送邮件内容（不发 DATA）。"
    ),
}


#: Why a letter is void whose system went out of service.
LAPSED = "已随系统停用失效"


class AuthorizationQuerySet(ScopedQuerySet["Authorization"]):
    scope_path = "system__unit"

    def in_force(self, on: dt.date | None = None) -> Self:
        """Filed letters with their scan whose dates hold `on` that day (default today).

        Those of a retired system have ended with it.
        """
        day = on or today()
        return self.filter(
            status=Authorization.Status.FILED, valid_from__lte=day, valid_to__gte=day
        ).exclude(Q(scan="") | Q(system__retired_on__lte=day))

    def of_retired(self) -> Self:
        """Drafts and filed letters of systems that are out of service: they have to lapse."""
        return self.filter(system__retired_on__lte=today()).exclude(
            status=Authorization.Status.VOID
        )


def authorization_path(instance: "Authorization", filename: str) -> str:
    return stored_path("authorizations", instance.system_id, filename)


class Authorization(models.Model):
    """A printed letter, stamped, its scan uploaded: who permits what, where, until when."""

    class Status(models.TextChoices):
        DRAFT = "draft", "待盖章上传"
        FILED = "filed", "已生效"
        VOID = "void", "已作废"

    system = models.ForeignKey(MailSystem, models.CASCADE, related_name="authorizations")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.DRAFT)
    hosts = models.TextField("授权检测的域名和主机", help_text="一行一个，A-label")
    items = models.CharField("授权项目", max_length=120, default=AuthorizationItem.ORDINARY)
    valid_from = models.DateField("自")
    valid_to = models.DateField("至")
    signed_by = models.CharField("授权人（单位负责人）", max_length=30)
    contact_name = models.CharField("24小时联系人", max_length=30)
    contact_phone = models.CharField("24小时联系电话", max_length=25)
    scan = models.FileField("盖章扫描件", upload_to=authorization_path, max_length=200, blank=True)
    scan_name = models.CharField("文件名", max_length=150, blank=True)
    scan_sha256 = models.CharField(max_length=64, blank=True)
    filed_at = models.DateTimeField("生效时间", null=True)
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    void_reason = models.CharField("作废理由", max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = AuthorizationQuerySet.as_manager()

    class Meta:
        verbose_name = "探测授权"
        verbose_name_plural = "探测授权"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__gte=models.F("valid_from")),
                name="authorization_dates_in_order",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "filed", "void"]),
                name="authorization_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="filed") | (~Q(scan="") & Q(filed_at__isnull=False)),
                name="a_filed_letter_has_its_scan",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system} 的探测授权（{self.valid_from} 至 {self.valid_to}）"

    @property
    def unit(self) -> Unit:
        return self.system.unit

    @property
    def lapsed(self) -> bool:
        """Whether it ended with its system, be it before the row was moved."""
        if self.status == self.Status.VOID:
            return self.void_reason == LAPSED
        retired = self.system.retired_on
        return retired is not None and retired <= today()

    @property
    def standing(self) -> str:
        """The status in words; a letter that ended with its system says so."""
        return LAPSED if self.lapsed else str(self.get_status_display())

    @property
    def number(self) -> str:
        """The letter's number, as printed on it and quoted by notices: SQ2026-00012."""
        return f"SQ{self.valid_from.year}-{self.pk:05d}"

    @property
    def host_list(self) -> list[str]:
        return [h.strip() for h in self.hosts.splitlines() if h.strip()]

    @property
    def shown_hosts(self) -> list[str]:
        """The hosts as a person reads them (U-labels)."""
        return [u_label(host) for host in self.host_list]

    @property
    def extras(self) -> list[str]:
        """Observation names that this letter allows beyond the ordinary ones."""
        return [i for i in self.items.split(",") if i and i != AuthorizationItem.ORDINARY]

    @property
    def item_labels(self) -> list[str]:
        return [str(AuthorizationItem(i).label) for i in self.items.split(",") if i]


class AuthorizationChange(StatusChange):
    subject = models.ForeignKey(Authorization, models.CASCADE, related_name="changes")
