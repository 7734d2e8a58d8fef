"""注册申请: a unit that no office has registered yet asks to be."""

import datetime as dt
import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.policy import policy
from audit.models import StatusChange
from inventory.models import Affiliation, Office, Region, Sector, Unit, UnitKind
from inventory.scoping import scope_of


def proof_path(instance: "Registration", filename: str) -> str:
    return f"registrations/{uuid.uuid4().hex}.{instance.proof_kind}"


class RegistrationQuerySet(models.QuerySet["Registration"]):
    UNFINISHED = "待审批的注册申请 {} 件"

    def visible_to(self, user: Any) -> Self:
        """Applications that lie with an office of `user`, or with one below it."""
        rule = Q(pk__in=[])
        for path in scope_of(user).office_paths:
            rule |= Q(office__path__startswith=path)
        return self.filter(rule)

    def waiting(self) -> Self:
        return self.filter(status=Registration.Status.PENDING)

    def unfinished(self) -> Self:
        """See inventory.offices.left_of."""
        return self.waiting()

    def proofs_due(self) -> Self:
        """Refused applications whose proof has been kept for as long as the policy allows."""
        day = timezone.now() - dt.timedelta(days=policy().registration.proof_days)
        return self.filter(status=Registration.Status.REFUSED, decided_at__lt=day).exclude(proof="")


class Registration(models.Model):
    """What an applicant says of the unit, and what became of it.

    Attributes:
        receipt: number by which the applicant asks for the state.
        nonce: of the page that the form was sent from: one page, one application.
        office: with whom it lies.
        domains: A-labels, one a line.
        unit: the unit that was registered by it.
        told_at: empty while the people of the office have not been told.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "待审批"
        APPROVED = "approved", "已通过"
        REFUSED = "refused", "未通过"

    receipt = models.CharField("受理号", max_length=20, unique=True)
    nonce = models.CharField(max_length=32, unique=True)
    status = models.CharField(
        "状态", max_length=10, choices=Status.choices, default=Status.PENDING, db_index=True
    )
    office = models.ForeignKey(Office, models.PROTECT, related_name="registrations")
    name = models.CharField("单位全称", max_length=120)
    uscc = models.CharField("统一社会信用代码", max_length=18, db_index=True)
    kind = models.CharField("单位类型", max_length=12, choices=UnitKind.choices)
    affiliation = models.CharField("隶属关系", max_length=1, choices=Affiliation.choices)
    sector = models.ForeignKey(Sector, models.PROTECT, verbose_name="行业类别")
    region = models.ForeignKey(Region, models.PROTECT, verbose_name="行政区划")
    contact_name = models.CharField("联系人", max_length=30)
    contact_department = models.CharField("部门", max_length=60, blank=True)
    contact_phone = models.CharField("联系电话", max_length=25)
    domains = models.TextField("邮件域名", blank=True)
    proof = models.FileField("证明材料", upload_to=proof_path, max_length=200, blank=True)
    proof_name = models.CharField("文件名", max_length=150)
    proof_kind = models.CharField("类型", max_length=5)
    proof_sha256 = models.CharField(max_length=64)
    unit = models.OneToOneField(
        Unit, models.PROTECT, null=True, related_name="registration", verbose_name="单位"
    )
    submitted_at = models.DateTimeField("申请时间", auto_now_add=True)
    decided_at = models.DateTimeField("办理时间", null=True)
    told_at = models.DateTimeField("通知时间", null=True, db_index=True)

    objects: ClassVar[Any] = RegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = "注册申请"
        verbose_name_plural = "注册申请"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="registration_status_is_legal",
                condition=Q(status__in=["pending", "approved", "refused"]),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def domain_list(self) -> list[str]:
        return self.domains.split()

    @property
    def refusal(self) -> str:
        """Why it was refused, as the applicant reads it; "" where it was not."""
        change = self.changes.filter(action="refuse").first()
        return change.reason if change else ""

    def offices(self) -> models.QuerySet[Office]:
        """Offices of the same kind whose area the unit lies in, without the present one."""
        codes = [place.pk for place in self.region.line]
        rows: models.QuerySet[Office] = Office.objects.in_use().filter(
            kind=self.office.kind, region_id__in=codes
        )
        return rows.exclude(pk=self.office_id)


class RegistrationChange(StatusChange):
    """One move of an application."""

    subject = models.ForeignKey(Registration, models.CASCADE, related_name="changes")

    class Meta(StatusChange.Meta):
        verbose_name = "注册申请变更"
        verbose_name_plural = "注册申请变更"
