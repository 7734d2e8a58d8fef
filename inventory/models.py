"""What exists: regions, sectors, offices, units, who supervises whom, and mail systems."""

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from inventory import codes
from inventory.scoping import ScopedQuerySet, UnitQuerySet


class Region(models.Model):
    """An administrative division (GB/T 2260): six digits, padded with zeros."""

    code = models.CharField("区划代码", max_length=6, primary_key=True)
    name = models.CharField("名称", max_length=60)
    level = models.PositiveSmallIntegerField("层级", choices=[(1, "省"), (2, "市"), (3, "县")])
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children"
    )
    valid_to = models.DateField("停用日期", null=True, blank=True)

    class Meta:
        verbose_name = "行政区划"
        verbose_name_plural = "行政区划"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    @property
    def full_name(self) -> str:
        names = [self.name]
        region = self.parent
        while region is not None:
            names.insert(0, region.name)
            region = region.parent
        return "".join(names)


class Sector(models.Model):
    """A sector of the 等保备案表 dictionary (item 10); offices may edit it."""

    code = models.CharField("代码", max_length=4, primary_key=True)
    name = models.CharField("行业类别", max_length=40)
    active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = "行业类别"
        verbose_name_plural = "行业类别"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class KeyIndustry(models.Model):
    """One of the key industries that the action plan names (二（一）)."""

    code = models.SlugField("代码", primary_key=True)
    name = models.CharField("重点行业", max_length=20)

    class Meta:
        verbose_name = "重点行业"
        verbose_name_plural = "重点行业"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Authority(models.TextChoices):
    """Kinds of authority that supervise units; each has its own tree of offices."""

    POLICE = "police", "公安网安"
    SECRECY = "secrecy", "保密行政管理"
    TELECOM = "telecom", "通信管理"
    INDUSTRY = "industry", "行业主管"
    GOVNET = "govnet", "外网办/平台运营"


class Office(models.Model):
    """A supervising office in its tree. `path` is the materialised path of ids, `000001.000007.`"""

    kind = models.CharField("类别", max_length=10, choices=Authority.choices)
    name = models.CharField("名称", max_length=80, unique=True)
    short_name = models.CharField("简称", max_length=30)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name="上级"
    )
    path = models.CharField("路径", max_length=200, db_index=True, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, verbose_name="所在区划")
    issuer_name = models.CharField("发文机关", max_length=80, help_text="印在文书上的机关名称")
    number_prefix = models.CharField("发文代字", max_length=20, help_text="例如 甲公网安")
    own_numbering = models.BooleanField(
        "由本平台编号", default=True, help_text="否：填写本机关办案平台登记的文号"
    )
    address = models.CharField("地址", max_length=120, blank=True)
    phone = models.CharField("联系电话", max_length=30, blank=True)

    class Meta:
        verbose_name = "监管机关"
        verbose_name_plural = "监管机关"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        path = f"{self.parent.path if self.parent else ''}{self.pk:06d}."
        if path != self.path:
            self.path = path
            type(self).objects.filter(pk=self.pk).update(path=path)


class UnitKind(models.TextChoices):
    PARTY = "party", "党委机关"
    GOVERNMENT = "government", "政府机关"
    INSTITUTION = "institution", "事业单位"
    SOE = "soe", "国有企业"
    ASSEMBLY = "assembly", "人大政协监察审判检察机关及群团"
    OTHER = "other", "其他"


class Affiliation(models.TextChoices):
    """隶属关系 of the 等保备案表 (item 08)."""

    CENTRAL = "1", "中央"
    PROVINCE = "2", "省（自治区、直辖市）"
    CITY = "3", "地（区、市、州、盟）"
    COUNTY = "4", "县（区、市、旗）"
    OTHER = "9", "其他"


class Unit(models.Model):
    """An organ, institution or enterprise that answers for mail systems."""

    name = models.CharField("单位全称", max_length=120)
    uscc = models.CharField("统一社会信用代码", max_length=18, unique=True)
    kind = models.CharField("单位类型", max_length=12, choices=UnitKind.choices)
    affiliation = models.CharField("隶属关系", max_length=1, choices=Affiliation.choices)
    sector = models.ForeignKey(Sector, models.PROTECT, verbose_name="行业类别")
    key_industries = models.ManyToManyField(KeyIndustry, blank=True, verbose_name="重点行业")
    region = models.ForeignKey(Region, models.PROTECT, verbose_name="行政区划")
    address = models.CharField("单位地址", max_length=150, blank=True)
    competent_department = models.CharField("行业主管（监管）部门", max_length=80, blank=True)
    superior = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="subordinates",
        verbose_name="上级单位",
    )
    superior_may_read = models.BooleanField("上级单位可查阅", default=False)
    created_at = models.DateTimeField("登记时间", auto_now_add=True)

    objects: ClassVar[Any] = UnitQuerySet.as_manager()

    class Meta:
        verbose_name = "单位"
        verbose_name_plural = "单位"
        ordering = ["region_id", "name"]

    def __str__(self) -> str:
        return self.name

    def police_office(self) -> "Office | None":
        """The public-security office that supervises this unit."""
        row = self.supervisions.filter(kind=Authority.POLICE).select_related("office").first()
        return row.office if row else None


class UnitOwnedQuerySet(ScopedQuerySet[Any]):
    scope_path = "unit"


class SystemOwnedQuerySet(ScopedQuerySet[Any]):
    scope_path = "system__unit"


class Supervision(models.Model):
    """Which office supervises a unit, one office per kind of authority."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="supervisions")
    kind = models.CharField("类别", max_length=10, choices=Authority.choices)
    office = models.ForeignKey(Office, models.PROTECT, related_name="supervisions")
    since = models.DateField("自", auto_now_add=True)

    objects: ClassVar[Any] = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "监管关系"
        verbose_name_plural = "监管关系"
        constraints = [
            models.UniqueConstraint(fields=["unit", "kind"], name="one_office_per_unit_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.office} → {self.unit}"


class SupervisionTransfer(models.Model):
    """The record of a unit's move from one office to another."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="transfers")
    kind = models.CharField(max_length=10, choices=Authority.choices)
    from_office = models.ForeignKey(Office, models.PROTECT, null=True, related_name="+")
    to_office = models.ForeignKey(Office, models.PROTECT, related_name="+")
    reason = models.CharField("理由", max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "监管关系变更"
        verbose_name_plural = "监管关系变更"
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.unit}: {self.from_office} → {self.to_office}"


class Delegation(models.Model):
    """An office may see a unit that it does not supervise, until a date."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="delegations")
    office = models.ForeignKey(Office, models.CASCADE, related_name="delegations")
    until = models.DateField("截止日期")
    reason = models.CharField("事由", max_length=200)

    objects: ClassVar[Any] = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "授权查阅"
        verbose_name_plural = "授权查阅"

    def __str__(self) -> str:
        return f"{self.office} 可查阅 {self.unit}"


class ContactRole(models.TextChoices):
    LEADER = "leader", "网络安全分管领导"
    HEAD = "head", "责任部门负责人"
    LIAISON = "liaison", "联系人"


_phone = RegexValidator(
    r"^[0-9+][0-9\- ]{4,24}$", "电话只能含数字、空格和连字符，例如 0000-1234567。"
)


class Contact(models.Model):
    """Who to call at a unit, one per role."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="contacts")
    role = models.CharField("角色", max_length=10, choices=ContactRole.choices)
    department = models.CharField("部门", max_length=60, blank=True)
    name = models.CharField("姓名", max_length=30)
    title = models.CharField("职务", max_length=40, blank=True)
    office_phone = models.CharField("办公电话", max_length=25, blank=True, validators=[_phone])
    mobile = models.CharField("手机", max_length=25, blank=True, validators=[_phone])

    objects: ClassVar[Any] = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "联系人"
        verbose_name_plural = "联系人"
        ordering = ["unit", "role"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "role"], name="one_contact_per_unit_and_role")
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.get_role_display()}）"


class UnitDomain(models.Model):
    """A registered domain of a unit, for mail or not; used to find systems left out."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="registered_domains")
    name = models.CharField("域名", max_length=253)

    objects: ClassVar[Any] = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "已注册域名"
        verbose_name_plural = "已注册域名"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "name"], name="registered_domain_once")
        ]

    def __str__(self) -> str:
        return codes.u_label(self.name)


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
    """Networks a system may stand in. 涉密网络 is offered only to be refused; it is never stored."""

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
    maker_phone = models.CharField("企业联系电话", max_length=25, blank=True, validators=[_phone])
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


class MailDomain(models.Model):
    """A mail domain of a system, stored as A-label. One domain belongs to one system."""

    system = models.ForeignKey(MailSystem, models.CASCADE, related_name="domains")
    name = models.CharField(
        "邮件域名", max_length=253, unique=True, error_messages={"unique": "此域名已被登记。"}
    )
    dkim_selectors = models.CharField(
        "DKIM 选择器", max_length=200, blank=True, help_text="多个用逗号分隔"
    )

    objects: ClassVar[Any] = SystemOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = "邮件域名"
        verbose_name_plural = "邮件域名"
        ordering = ["pk"]

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
