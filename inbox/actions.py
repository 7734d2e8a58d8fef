"""Put messages into inboxes and mark them as read."""

from django.utils import timezone

from accounts.models import Membership, User
from accounts.roles import Role
from inbox.models import Message
from inventory.models import Office, Unit


def _post(users: set[int], title: str, body: str, url: str) -> int:
    rows = [Message(recipient_id=pk, title=title, body=body, url=url) for pk in sorted(users)]
    return len(Message.objects.bulk_create(rows))


def tell_unit(
    unit: Unit, *, title: str, body: str = "", url: str = "", roles: tuple[Role, ...] = ()
) -> int:
    """Put a message into the inbox of the unit's people; return how many were reached."""
    seats = Membership.objects.filter(unit=unit, active=True, user__is_active=True)
    if roles:
        seats = seats.filter(role__in=roles)
    return _post(set(seats.values_list("user_id", flat=True)), title, body, url)


def tell_office(
    office: Office | None,
    *,
    title: str,
    body: str = "",
    url: str = "",
    roles: tuple[Role, ...] = (),
) -> int:
    """Put a message into the inbox of the office's people; return how many were reached."""
    if office is None:
        return 0
    seats = Membership.objects.filter(office=office, active=True, user__is_active=True)
    if roles:
        seats = seats.filter(role__in=roles)
    return _post(set(seats.values_list("user_id", flat=True)), title, body, url)


def mark_read(message: Message, *, by: User) -> None:
    """Mark one of the person's own messages as read."""
    if message.recipient_id == by.pk and message.read_at is None:
        message.read_at = timezone.now()
        message.save(update_fields=["read_at"])


def mark_all_read(*, by: User) -> int:
    """Mark all of the person's messages as read; return how many were new."""
    return Message.objects.visible_to(by).unread().update(read_at=timezone.now())
