"""Passwords that a person has chosen, as hashes, so that they do not come back."""

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class UsedPassword(models.Model):
    """The hash of a password that was set, the present one among them."""

    user = models.ForeignKey(User, models.CASCADE, related_name="used_passwords")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "用过的口令"
        verbose_name_plural = "用过的口令"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.set_at:%Y-%m-%d}"
