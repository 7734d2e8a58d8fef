"""Counters of wrong passwords; the rules stand in accounts/lockout.py."""

from django.db import models
from django.utils import timezone

from accounts.models.people import User


class FailureCount(models.Model):
    """Failures of one subject: a user name, a user name from one address, or an address.

    The subject is a keyed digest, because people also type passwords into the field for the name.
    """

    subject = models.CharField(max_length=64, unique=True)
    # Whose account it is, where there is one of that name; for the list of accounts alone.
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="failure_counts")
    failures = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)
    locks = models.PositiveIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "口令错误计数"
        verbose_name_plural = "口令错误计数"

    def __str__(self) -> str:
        return self.subject[:8]
