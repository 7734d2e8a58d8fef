"""Where and under whom: regions, sectors, and the tree of supervising offices."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Concat, Substr

from inventory.scoping import scope_of


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
        return "".join(region.name for region in self.line)

    @property
    def line(self) -> "list[Region]":
        """The region with those above it, the province first."""
        line, region = [self], self.parent
        while region is not None:
            line.insert(0, region)
            region = region.parent
        return line

    @property
    def prefix(self) -> str:
        """The digits that every code within this region starts with."""
        return self.code[: 2 * self.level]


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
    """Kinds of offices; each has its own tree. All but PROVIDER supervise units: a provider runs
    mail systems for others, and reads the units that are delegated to it."""

    POLICE = "police", "公安网安"
    SECRECY = "secrecy", "保密行政管理"
    TELECOM = "telecom", "通信管理"
    INDUSTRY = "industry", "行业主管"
    GOVNET = "govnet", "外网办/平台运营"
    PROVIDER = "provider", "邮件服务提供方"


class OfficeQuerySet(models.QuerySet["Office"]):
    UNFINISHED = "在用的下级机关 {} 个"

    def in_use(self) -> Self:
        """Those that may be chosen; a retired one is only named by what it did."""
        return self.filter(retired_on=None)

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.in_use()

    def under(self, user: Any) -> Self:
        """The offices in which `user` works, and all below them."""
        rule = Q(pk__in=[])
        for path in scope_of(user).office_paths:
            rule |= Q(path__startswith=path)
        return self.filter(rule)


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
    retired_on = models.DateField("停用日期", null=True, editable=False)

    objects: ClassVar[Any] = OfficeQuerySet.as_manager()

    class Meta:
        verbose_name = "监管机关"
        verbose_name_plural = "监管机关"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        old, path = self.path, f"{self.parent.path if self.parent else ''}{self.pk:06d}."
        if path == old:
            return
        self.path = path
        offices = type(self).objects
        offices.filter(pk=self.pk).update(path=path)
        if old:  # those below move along
            tail = Concat(Value(path), Substr("path", len(old) + 1))
            offices.filter(path__startswith=old).exclude(pk=self.pk).update(path=tail)

    @property
    def only_reads(self) -> bool:
        return self.kind == Authority.PROVIDER
