"""Further ways to prove who one is: the identity at the unified log-in, and certificates."""

from typing import Any, ClassVar, Self

from django.db import models
from django_otp.models import Device, TimestampMixin

from accounts.models.people import User


class IdentityQuerySet(models.QuerySet["UnifiedIdentity"]):
    def visible_to(self, user: Any) -> Self:
        """One's own."""
        return self.filter(user=user) if getattr(user, "is_authenticated", False) else self.none()

    def devices_for_user(self, user: Any, confirmed: bool | None = None) -> Self:
        """None: never among the factors that a person could be asked for (django-otp asks).

        The provider asks for its second factor while the person is there; nothing is typed here.
        """
        return self.none()


class UnifiedIdentity(Device):
    """Who the person is at the unified log-in (OpenID Connect): one issuer, one subject.

    A device of django-otp, so that a session which the provider opened after a second factor of
    its own (settings.OIDC_SECOND_FACTOR) counts as verified.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="unified_identities")
    issuer = models.CharField("认证方", max_length=255)
    subject = models.CharField("主体标识", max_length=255)
    linked_at = models.DateTimeField("绑定时间", auto_now_add=True)
    last_used_at = models.DateTimeField("最近使用", null=True, blank=True)

    objects: ClassVar[Any] = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name = "统一身份认证绑定"
        verbose_name_plural = "统一身份认证绑定"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_of_one_account"),
            models.UniqueConstraint(fields=["user", "issuer"], name="account_with_one_identity"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.name or self.subject}"


class CertificateQuerySet(models.QuerySet["ClientCertificate"]):
    def visible_to(self, user: Any) -> Self:
        """One's own."""
        return self.filter(user=user) if getattr(user, "is_authenticated", False) else self.none()

    def devices_for_user(self, user: Any, confirmed: bool | None = None) -> Self:
        """What django-otp asks of the manager of every kind of device."""
        rows = self.filter(user=user)
        return rows if confirmed is None else rows.filter(confirmed=confirmed)


class ClientCertificate(TimestampMixin, Device):
    """证书 (USB Key) of a person: the second factor where phones are barred.

    Recognised by the digest of the certificate, so by any algorithm that the proxy can verify.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="certificates")
    digest = models.CharField("证书指纹", max_length=64, unique=True)
    subject = models.CharField("持有者", max_length=500)
    issuer = models.CharField("签发机构", max_length=500)
    not_after = models.DateTimeField("有效期至")

    objects: ClassVar[Any] = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = "证书"
        verbose_name_plural = "证书"

    def __str__(self) -> str:
        return str(self.name)
