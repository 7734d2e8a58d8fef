"""Write audit events. The caller's transaction carries the row: no act without its record."""

import json
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Protocol

from django.db import models
from django.utils import timezone

from audit import digests
from audit.models import AuditEvent

# The address of the request being served; empty in tasks and commands.
origin_address: ContextVar[str | None] = ContextVar("origin_address", default=None)


class Actor(Protocol):
    """Who acts: a user of `accounts`, or SYSTEM."""

    pk: Any

    def can(self, power: str, obj: Any = None) -> bool: ...

    @property
    def label(self) -> str: ...

    @property
    def role_label(self) -> str: ...


class SystemActor:
    """The portal itself, for moves that no person makes (power "system" only)."""

    pk = None
    label = "系统"
    role_label = "系统"

    def can(self, power: str, obj: Any = None) -> bool:
        return power == "system"


SYSTEM = SystemActor()


def digest_of(event: AuditEvent) -> str:
    """Return the hex HMAC over the content of one event, by the algorithm and key that it names.

    Raises:
        audit.digests.UnknownKey: the portal does not hold that key.
    """
    content = [
        event.algorithm,
        event.key_id,
        str(event.uid),
        digests.moment(event.at),
        event.actor_id,
        event.actor_label,
        event.actor_role,
        digests.address(event.address),
        event.action,
        event.object_type,
        event.object_id,
        event.object_label,
        event.details,
        event.result,
    ]
    return digests.mac(content, event.algorithm, event.key_id)


def record(
    action: str,
    obj: models.Model | None,
    *,
    by: Actor | None,
    details: dict[str, Any] | None = None,
    result: str = "ok",
    label: str = "",
) -> AuditEvent:
    """Append one event within the caller's transaction.

    Args:
        action: stable slug `<noun>.<verb>`, e.g. "notice.approve".
        obj: what was acted upon; None for acts without a row (failed logins, exports of lists).
        by: the acting user, SYSTEM, or None for an anonymous visitor.
        details: JSON-ready before/after values; never file contents, passwords or answers.
        result: "ok", "denied" or "failed".
        label: text for acts without an object.
    """
    event = _event(action, obj, by, details, result, label)
    event.save(force_insert=True)
    return event


def record_many(
    action: str, rows: Iterable[tuple[models.Model, dict[str, Any]]], *, by: Actor
) -> None:
    """Append one event per (object, details): the same act on many rows, in few statements."""
    events = [_event(action, obj, by, details) for obj, details in rows]
    AuditEvent.objects.bulk_create(events, batch_size=500)


def _event(
    action: str,
    obj: models.Model | None,
    by: Actor | None,
    details: dict[str, Any] | None,
    result: str = "ok",
    label: str = "",
) -> AuditEvent:
    algorithm, key_id = digests.current()
    event = AuditEvent(
        at=timezone.now(),
        actor_id=by.pk if by is not None else None,
        actor_label=by.label if by is not None else "未登录",
        # The role stands at the end, behind the name of a unit that may be long.
        actor_role=by.role_label[-100:] if by is not None else "",
        address=origin_address.get(),
        action=action,
        object_type=obj._meta.label_lower if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        object_label=(label or (str(obj) if obj is not None else ""))[:300],
        # As the database will give it back: keys as text, tuples as lists.
        details=json.loads(json.dumps(details or {})),
        result=result,
        algorithm=algorithm,
        key_id=key_id,
    )
    event.digest = digest_of(event)
    return event
