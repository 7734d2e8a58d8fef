"""Units, who supervises them, and whom to call there."""

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models

from inventory import codes
from inventory.models.places import Authority, KeyIndustry, Office, Region, Sector
from inventory.scoping import ScopedQuerySet, UnitQuerySet

phone_validator = RegexValidator(
    r"^[0-9+][0-9\- ]{4,24}$", "电话只能含数字、空格和连字符，例如 0000-1234567。"
)


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
    """An organ, institution or enterprise that answers for mail systems.

    Attributes:
        IDENTITY: the columns that say who the unit is and to whom it answers. Only the supervising
            office changes them; the unit itself asks for it.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("name", "uscc", "affiliation", "region")

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

    @classmethod
    def identity_labels(cls) -> set[str]:
        """The words of IDENTITY on the screen, by which the audit trail names changes."""
        fields: list[Any] = [cls._meta.get_field(name) for name in cls.IDENTITY]
        return {str(field.verbose_name) for field in fields}

    def police_office(self) -> Office | None:
        """The public-security office that supervises this unit."""
        row = self.supervisions.filter(kind=Authority.POLICE).select_related("office").first()
        return row.office if row else None

    def contact_office(self) -> Office | None:
        """The office to turn to: public security, else any that supervises this unit."""
        row = self.supervisions.exclude(kind=Authority.POLICE).select_related("office").first()
        return self.police_office() or (row.office if row else None)

    def is_supervised_by(self, user: Any) -> bool:
        """Say whether an office of `user`, or one below it, supervises this unit.

        Narrower than `visible_to`: a delegation lets an office read, not rule.
        """
        return bool(self.supervisions.filter(office__in=Office.objects.under(user)).exists())


class UnitOwnedQuerySet(ScopedQuerySet[Any]):
    scope_path = "unit"


class ContactRole(models.TextChoices):
    LEADER = "leader", "网络安全分管领导"
    HEAD = "head", "责任部门负责人"
    LIAISON = "liaison", "联系人"


class Contact(models.Model):
    """Who to call at a unit, one per role."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="contacts")
    role = models.CharField("角色", max_length=10, choices=ContactRole.choices)
    department = models.CharField("部门", max_length=60, blank=True)
    name = models.CharField("姓名", max_length=30)
    title = models.CharField("职务", max_length=40, blank=True)
    office_phone = models.CharField(
        "办公电话", max_length=25, blank=True, validators=[phone_validator]
    )
    mobile = models.CharField("手机", max_length=25, blank=True, validators=[phone_validator])

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
