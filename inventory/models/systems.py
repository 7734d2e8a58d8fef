"""Mail systems with their domains and service endpoints."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from inventory import codes
from inventory.models.units import Unit, UnitOwnedQuerySet, phone_validator
from inventory.scoping import ScopedQuerySet


class SystemOwnedQuerySet(ScopedQuerySet[Any]):
    scope_path = "system__unit"


class BuildMode(models.TextChoices):
    OWN_ROOM = "own_room", "自建（本地机房）"
    OWN_CLOUD = "own_cloud", "自建（云主机/政务云）"
    PUBLIC_CLOUD = "public_cloud", "购买公有云企业邮箱"
    SHARED = "shared", "使用上级或地方统一建设"
    HOSTED = "hosted", "托管给第三方"
    OTHER = "other", "其他"


class Grade(models.IntegerChoices):
    NONE = 0, "未定级"
    ONE = 1, "一级"
    TWO = 2, "二级"
    THREE = 3, "三级"
    FOUR = 4, "四级"


class FilingState(models.TextChoices):
    FILED = "filed", "已取得备案证明"
    SUBMITTED = "submitted", "已提交未取证"
    WITH_PLATFORM = "with_platform", "随平台备案"
    NONE = "none", "未备案"


class ServiceScope(models.TextChoices):
    STAFF = "staff", "单位内部人员"
    SUBORDINATES = "subordinates", "含下属单位"
    PUBLIC = "public", "社会公众"
    BOTH = "both", "两者均包括"


class HostingPlace(models.TextChoices):
    OWN_ROOM = "own_room", "境内自有机房"
    CLOUD = "cloud", "境内云平台"
    COLOCATION = "colocation", "境内托管机房"
    ABROAD = "abroad", "境外"


class Network(models.TextChoices):
    """Networks a system may stand in. 涉密网络 is offered only to be refused, never stored."""

    INTERNET = "internet", "互联网"
    GOVNET = "govnet", "电子政务外网"
    PRIVATE = "private", "业务专网"
    OTHER = "other", "其他"


class AccessMethod(models.TextChoices):
    WEBMAIL = "webmail", "Webmail"
    SUBMISSION = "submission", "SMTP 提交"
    IMAP = "imap", "IMAP"
    POP3 = "pop3", "POP3"
    EAS = "eas", "ActiveSync/EAS"
    MAPI = "mapi", "MAPI/RPC"
    APP = "app", "专用 App"
    API = "api", "API"


class MailSystem(models.Model):
    """What is graded, filed, self-checked and scanned. Saved only once confirmed 非涉密."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="systems", verbose_name="单位")
    name = models.CharField("系统名称", max_length=80)
    build_mode = models.CharField("建设方式", max_length=15, choices=BuildMode.choices)
    networks = models.CharField("部署网络", max_length=60, help_text="Network 值，逗号分隔")
    product = models.CharField("产品品牌", max_length=60, blank=True)
    version = models.CharField("版本号及补丁级别", max_length=60, blank=True)
    maker = models.CharField("生产（服务）企业", max_length=80, blank=True)
    maker_uscc = models.CharField("企业统一社会信用代码", max_length=18, blank=True)
    maker_contact = models.CharField("企业联系人", max_length=30, blank=True)
    maker_phone = models.CharField(
        "企业联系电话", max_length=25, blank=True, validators=[phone_validator]
    )
    started_on = models.DateField("投入运行日期", null=True, blank=True)
    service_scope = models.CharField(
        "服务范围与对象", max_length=15, choices=ServiceScope.choices, blank=True
    )
    hosting_place = models.CharField(
        "服务器及数据位置", max_length=15, choices=HostingPlace.choices, blank=True
    )
    hosting_detail = models.CharField("机房地址或云平台名称", max_length=100, blank=True)
    accounts_total = models.PositiveIntegerField("账号总数", null=True, blank=True)
    accounts_active = models.PositiveIntegerField("在用账号数", null=True, blank=True)
    accounts_idle = models.PositiveIntegerField("近90日未登录账号数", null=True, blank=True)
    access_methods = models.CharField("对用户开放的访问方式", max_length=80, blank=True)
    icp_number = models.CharField("ICP备案号", max_length=60, blank=True)
    police_record = models.CharField("公安联网备案号", max_length=60, blank=True)
    grade = models.PositiveSmallIntegerField("安全保护等级", choices=Grade.choices, default=0)
    graded_on = models.DateField("定级日期", null=True, blank=True)
    filing_state = models.CharField(
        "备案情况", max_length=15, choices=FilingState.choices, default=FilingState.NONE
    )
    filing_number = models.CharField("备案证明编号", max_length=17, blank=True)
    filed_on = models.DateField("备案日期", null=True, blank=True)
    platform_name = models.CharField("所随平台名称", max_length=80, blank=True)
    not_classified = models.BooleanField("已确认本系统不是涉密信息系统", default=False)
    no_active_probe = models.BooleanField("未经书面批准不得主动探测", default=False)
    retired_on = models.DateField("停用日期", null=True, blank=True)
    created_at = models.DateTimeField("登记时间", auto_now_add=True)

    objects: ClassVar[Any] = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "邮件系统"
        verbose_name_plural = "邮件系统"
        ordering = ["unit_id", "name"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "name"], name="system_name_once_per_unit"),
            models.CheckConstraint(
                condition=Q(not_classified=True), name="classified_systems_are_never_stored"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}"

    @property
    def network_labels(self) -> list[str]:
        return [str(Network(n).label) for n in self.networks.split(",") if n]

    @property
    def access_labels(self) -> list[str]:
        return [str(AccessMethod(a).label) for a in self.access_methods.split(",") if a]

    @property
    def shared_host(self) -> bool:
        """A provider's or platform's host: only DNS and ordinary handshakes may be probed."""
        return self.build_mode in {BuildMode.PUBLIC_CLOUD, BuildMode.SHARED, BuildMode.HOSTED}


class CurrentDomains(models.Manager.from_queryset(SystemOwnedQuerySet)):  # type: ignore[misc]
    """Domains in use. Also what `system.domains` shows."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(removed_on=None)


class MailDomain(models.Model):
    """A mail domain of a system, stored as A-label. One domain belongs to one system at a time.

    A domain that leaves its system is marked, not deleted: what was seen of it hangs on the row.
    """

    system = models.ForeignKey(MailSystem, models.CASCADE, related_name="domains")
    name = models.CharField("邮件域名", max_length=253)
    dkim_selectors = models.CharField(
        "DKIM 选择器", max_length=200, blank=True, help_text="多个用逗号分隔"
    )
    removed_on = models.DateField("移除日期", null=True, blank=True)

    objects: ClassVar[Any] = CurrentDomains()
    ever: ClassVar[Any] = SystemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "邮件域名"
        verbose_name_plural = "邮件域名"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(removed_on=None),
                name="a_domain_belongs_to_one_system",
            )
        ]

    def __str__(self) -> str:
        return codes.u_label(self.name)

    @property
    def selectors(self) -> list[str]:
        return [s for s in self.dkim_selectors.replace("，", ",").replace(" ", "").split(",") if s]


class EndpointKind(models.TextChoices):
    MX = "mx", "MX（25）"
    SUBMISSION = "submission", "SMTP 提交（465/587）"
    IMAP = "imap", "IMAP（143/993）"
    POP3 = "pop3", "POP3（110/995）"
    WEBMAIL = "webmail", "Webmail"


class Endpoint(models.Model):
    """A declared service host of a system, one row a kind and host."""

    system = models.ForeignKey(MailSystem, models.CASCADE, related_name="endpoints")
    kind = models.CharField("服务", max_length=12, choices=EndpointKind.choices)
    host = models.CharField("主机名", max_length=253)
    address = models.GenericIPAddressField("公网IP", null=True, blank=True)

    objects: ClassVar[Any] = SystemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "服务地址"
        verbose_name_plural = "服务地址"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["system", "kind", "host"], name="endpoint_once_per_system"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {codes.u_label(self.host)}"
