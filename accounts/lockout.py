"""How often a password may be wrong: by account with back-off, and by address across accounts.

Rules (their figures: [lockout] of accounts/policy.toml):
- An attempt is counted before its password is looked at, so that a hundred at the same time are not
  a hundred guesses. The right password sets the account's counter back, never the address's.
- An account is counted apart for each address from which its owner has been in of late. Strangers
  lock the name for strangers; its owner still gets in from the usual desk, so that nobody can shut
  the 三员 out by typing their names.
- A name that nobody bears is counted and locked as any other.
- The unified log-in asks for no password and is not counted here.

Own tables instead of django-axes, which counts after the check, keeps the typed names, knows one
limit and one time for all subjects, and forgets the address with the account.
"""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import FailureCount, LoginSession, User
from accounts.policy import policy
from audit.trail import origin_address, record
from emailsec.lib.pace import neighbourhood

_DAY: Final = dt.timedelta(days=1)
_HOUR: Final = dt.timedelta(hours=1)


class Locked(Exception):
    """No password is looked at now. `minutes` is how long, rounded up."""

    def __init__(self, until: dt.datetime) -> None:
        self.minutes = max(1, math.ceil((until - timezone.now()).total_seconds() / 60))
        super().__init__(f"口令连续输错的次数过多，请在 {self.minutes} 分钟后重试。")


@dataclass(frozen=True)
class Attempt:
    """One password that is being tried. Exactly one of `passed` and `failed` is called.

    Attributes:
        last: it was the last that the account had; it is locked unless the password is right.
    """

    username: str
    address: str | None  # of IPv6 the /64
    row: int
    last: bool

    def passed(self) -> None:
        """The password was right."""
        row = FailureCount.objects.filter(pk=self.row)
        if self.last:
            row.update(failures=0, locked_until=None, locks=F("locks") - 1)
        else:
            row.update(failures=0)

    def failed(self) -> None:
        """The password was wrong.

        Raises:
            Locked: there is no further attempt.
        """
        ends = [_lock_address(self.address)] if self.address else []
        if self.last:
            row = FailureCount.objects.get(pk=self.row)
            _tell("账号", row.user, self.username, row.locked_until)
            ends.append(row.locked_until)
        if until := max(filter(None, ends), default=None):
            raise Locked(until)


def begin(username: str) -> Attempt:
    """Count an attempt to log in as `username` from the address of the request.

    Raises:
        Locked: the account or the address is locked; the password must not be looked at.
    """
    name, address = username.strip().casefold()[:150], origin_address.get()
    place = neighbourhood(address) if address else None
    user = User.objects.filter(username__iexact=name).first()
    with transaction.atomic():
        until = _locked(_subject("address", place)) if place else None
        row = _row(_subject("account", name, address if _is_familiar(name, address) else None))
        now = timezone.now()
        until = until or (row.locked_until if row.locked_until and row.locked_until > now else None)
        last = until is None and _count(row, policy().lockout.account_failures, _DAY)
        if last:
            minutes = policy().lockout.account_minutes
            recent = row.locked_at is not None and row.locked_at > now - _DAY
            row.locks = row.locks + 1 if recent else 1
            _lock(row, minutes[min(row.locks, len(minutes)) - 1])
        row.user = user
        row.save()
    if until is not None:
        raise Locked(until)
    return Attempt(username=username, address=place, row=row.pk, last=last)


def check_password(
    *,
    user: User,
    password: str,
    act: str = "account.password_wrong",
    obj: models.Model | None = None,
) -> bool:
    """Ask for the password once more within a log-in, under the same counters.

    Args:
        act: what a wrong one is called on the audit trail.
        obj: what the person was about to act upon; their account where None.

    Raises:
        Locked: there is no further attempt; accounts.middleware.LiveLogin logs out whoever sits
            there.
    """
    attempt = begin(user.username)
    if user.check_password(password):
        attempt.passed()
        return True
    record(act, obj or user, by=user, result="failed")
    attempt.failed()
    return False


def forget() -> None:
    """Delete the counters that no rule asks any more."""
    before = timezone.now() - _DAY
    old = FailureCount.objects.filter(since__lt=before)
    old.exclude(locked_until__gt=before).delete()


def _subject(kind: str, name: str | None, address: str | None = None) -> str:
    value = "\n".join((kind, name or "", address or ""))
    return salted_hmac("accounts.lockout", value, algorithm="sha256").hexdigest()


def _is_familiar(name: str, address: str | None) -> bool:
    logins = LoginSession.objects.filter(user__username__iexact=name, address=address)
    return address is not None and logins.exists()


def _row(subject: str) -> FailureCount:
    FailureCount.objects.get_or_create(subject=subject)
    return FailureCount.objects.select_for_update().get(subject=subject)


def _locked(subject: str) -> dt.datetime | None:
    rows = FailureCount.objects.filter(subject=subject, locked_until__gt=timezone.now())
    return rows.values_list("locked_until", flat=True).first()


def _count(row: FailureCount, limit: int, within: dt.timedelta) -> bool:
    """Count one failure of `row`; whether it is the last of `limit` within the time."""
    if row.since <= timezone.now() - within:
        row.since, row.failures = timezone.now(), 0
    row.failures += 1
    return row.failures >= limit


def _lock(row: FailureCount, minutes: int) -> None:
    now = timezone.now()
    row.failures, row.since = 0, now
    row.locked_at, row.locked_until = now, now + dt.timedelta(minutes=minutes)


def _lock_address(address: str) -> dt.datetime | None:
    """Count a failure of the address; until when it is locked, where this was its last."""
    limits = policy().lockout
    with transaction.atomic():
        row = _row(_subject("address", address))
        last = _count(row, limits.address_failures, _HOUR)
        if last:
            _lock(row, limits.address_minutes)
        row.save()
    if last:
        _tell("地址", None, address, row.locked_until)
    return row.locked_until if last else None


def _tell(kind: str, user: User | None, label: str, until: dt.datetime | None) -> None:
    details = {"kind": kind, "until": until.isoformat(timespec="minutes") if until else ""}
    if kind == "账号" and user is None:
        label = masked(label)
    record("account.lock", user, by=None, result="denied", label=label, details=details)


def masked(name: str) -> str:
    """A name that nobody bears, as the trail tells it.

    Perhaps a password in the wrong box: enough to count, too little to use.
    """
    return f"（无此用户）{name[:2]}…"
