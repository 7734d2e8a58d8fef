"""Lifting a lock before its time."""

from django.db import transaction

from accounts.actions.base import Refused, not_portal_nor_self
from accounts.models import User
from audit.trail import Actor, record


@transaction.atomic
def unlock(*, user: User, by: Actor) -> None:
    """Let `user` try again at once.

    Raises:
        Refused: one's own account, one of the 三员, or it is not locked.
    """
    not_portal_nor_self(user, by)
    lift_lock(user=user, by=by)


@transaction.atomic
def lift_lock(*, user: User, by: Actor) -> None:
    """As `unlock`, for whoever may do it to anybody (the command line)."""
    if not user.failure_counts.filter(locked_until__isnull=False).exists():
        raise Refused("这个账号没有被锁定。")
    user.failure_counts.all().delete()
    record("account.unlock", user, by=by)
