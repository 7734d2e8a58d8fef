"""Log-ins: one row for each, from getting in to its end, so that people can see and end them."""

import datetime as dt
from typing import Any, Self

from django.db import models
from django.utils import timezone

from accounts.models.people import User
from accounts.models.ways import ClientCertificate, UnifiedIdentity
from accounts.policy import policy


class EndOfLogin(models.TextChoices):
    """Why a log-in ended."""

    LOGOUT = "logout", "退出登录"
    IDLE = "idle", "长时间没有操作"
    ABSOLUTE = "absolute", "登录时间到限"
    OWN = "own", "本人在别处结束"
    PASSWORD = "password", "口令已更改"
    STOPPED = "stopped", "账号停用"
    ROLE = "role", "角色变动"
    FACTOR = "factor", "二次验证重置"
    GUESSED = "guessed", "口令连续输错"
    WAY = "way", "登录方式解除"


# What the log-in page says to whoever asks on with a log-in that has ended.
SAYS = {
    EndOfLogin.IDLE: "您长时间没有操作，已自动退出，请重新登录。",
    EndOfLogin.ABSOLUTE: "本次登录时间已到上限，已自动退出，请重新登录。",
    EndOfLogin.OWN: "您已在另一处结束了这次登录，请重新登录。",
    EndOfLogin.PASSWORD: "口令已更改，请用新口令重新登录。",
    EndOfLogin.STOPPED: "这个账号已停用，不能再登录；有疑问请联系发放账号的一方。",
    EndOfLogin.ROLE: "您的角色有变动，请重新登录。",
    EndOfLogin.FACTOR: "二次验证已重置，请重新登录。",
    EndOfLogin.GUESSED: "口令连续输错，为防止他人冒用已退出登录，请稍后重新登录。",
    EndOfLogin.WAY: "您登录时所用的统一身份认证或证书已解除绑定，请用其他方式重新登录。",
}


def _idle_since() -> dt.datetime:
    return timezone.now() - dt.timedelta(minutes=policy().session.idle_minutes)


def _begun_since() -> dt.datetime:
    return timezone.now() - dt.timedelta(hours=policy().session.absolute_hours)


class LoginSessionQuerySet(models.QuerySet["LoginSession"]):
    def visible_to(self, user: Any) -> Self:
        """One's own, whatever one's role."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        return self.filter(user=user)

    def live(self) -> Self:
        """Neither ended nor beyond one of the two limits."""
        return self.filter(ended_at=None, seen_at__gt=_idle_since(), started_at__gt=_begun_since())

    def beyond_limits(self) -> Self:
        """Not marked as ended, although one of the limits has passed."""
        late = models.Q(seen_at__lte=_idle_since()) | models.Q(started_at__lte=_begun_since())
        return self.filter(late, ended_at=None)


class LoginSession(models.Model):
    """One log-in. The session that the browser's cookie names carries this row's key; the row knows
    nothing of the cookie, so that a copy of the table opens no session.

    `identity` and `certificate` say by which further way the person came in, so that the log-in
    ends with the way.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="logins")
    started_at = models.DateTimeField("登录时间", default=timezone.now)
    seen_at = models.DateTimeField("最近操作", default=timezone.now)
    address = models.GenericIPAddressField("来源地址", null=True)
    browser = models.CharField("浏览器", max_length=60)
    identity = models.ForeignKey(UnifiedIdentity, models.SET_NULL, null=True, related_name="logins")
    certificate = models.ForeignKey(
        ClientCertificate, models.SET_NULL, null=True, related_name="logins"
    )
    ended_at = models.DateTimeField("结束时间", null=True)
    ended_why = models.CharField("结束原因", max_length=10, blank=True, choices=EndOfLogin.choices)

    objects = LoginSessionQuerySet.as_manager()

    class Meta:
        verbose_name = "登录"
        verbose_name_plural = "登录"
        ordering = ["-seen_at", "-pk"]
        indexes = [models.Index(fields=["ended_at", "seen_at"])]
        constraints = [
            models.CheckConstraint(
                name="login_ends_for_a_reason",
                condition=models.Q(ended_at=None, ended_why="")
                | models.Q(ended_at__isnull=False, ended_why__in=EndOfLogin.values),
            )
        ]

    def __str__(self) -> str:
        return f"{self.browser} {self.address or ''}".strip()

    @property
    def limit_passed(self) -> EndOfLogin | None:
        """The limit of the policy that has run out, if one has."""
        if self.started_at <= _begun_since():
            return EndOfLogin.ABSOLUTE
        return EndOfLogin.IDLE if self.seen_at <= _idle_since() else None
