"""Put messages into inboxes and mark them as read."""

from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Registration, User
from accounts.roles import Role
from inbox.models import Message
from inventory.models import Office, SupervisionTransfer, Unit

_TITLE = 120


def _post(users: set[int], title: str, body: str, url: str) -> int:
    if len(title) > _TITLE:  # the name of a unit alone may be that long
        title = f"{title[: _TITLE - 1]}…"
    rows = [Message(recipient_id=pk, title=title, body=body, url=url) for pk in sorted(users)]
    return len(Message.objects.bulk_create(rows))


def tell_person(user: User, *, title: str, body: str = "", url: str = "") -> None:
    """Put a message into one person's inbox."""
    _post({user.pk}, title, body, url)


def tell_unit(
    unit: Unit, *, title: str, body: str = "", url: str = "", roles: tuple[Role, ...] = ()
) -> int:
    """Put a message into the inbox of the unit's people; return how many were reached."""
    return tell_units([unit.pk], title=title, body=body, url=url, roles=roles)


def tell_units(
    units: Any, *, title: str, body: str = "", url: str = "", roles: tuple[Role, ...] = ()
) -> int:
    """The same for many units at once, in two statements.

    Args:
        units: keys of the units, or a query of them.
    """
    seats = Membership.objects.filter(unit__in=units, active=True, user__is_active=True)
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


@transaction.atomic
def tell_transfer(transfer: SupervisionTransfer) -> bool:
    """Tell of a hand-over what its status asks for, once; return whether it was this call."""
    waiting = SupervisionTransfer.objects.filter(
        pk=transfer.pk, told_at=None, status=transfer.status
    )
    if waiting.update(told_at=timezone.now()) != 1:
        return False
    if transfer.status in SupervisionTransfer.DONE:
        _tell_done(transfer)
    elif transfer.status == SupervisionTransfer.Status.PROPOSED:
        _tell_of(
            transfer,
            transfer.to_office,
            f"请接收移交：{transfer.unit}",
            f"{transfer.from_office or '其他机关'}提请贵机关接收“{transfer.unit}”"
            f"（{transfer.unit.uscc}）。理由：{transfer.reason}",
        )
    elif transfer.status == SupervisionTransfer.Status.DECLINED:
        _tell_of(
            transfer,
            transfer.from_office,
            f"未接收移交：{transfer.unit}",
            f"{transfer.to_office}不予接收，监管关系不变。理由：{transfer.answer}",
        )
    else:
        title = f"移交已撤回：{transfer.unit}"
        _tell_of(transfer, transfer.to_office, title, "无需再答复。")
    return True


def _tell_of(transfer: SupervisionTransfer, office: Office | None, title: str, body: str) -> None:
    url = reverse("inventory:transfer_detail", args=[transfer.pk])
    tell_office(office, title=title, body=body, url=url, roles=(Role.CASE_OFFICER,))


def _tell_done(transfer: SupervisionTransfer) -> None:
    """Tell both offices and the unit that it has passed over."""
    unit, giver, taker = transfer.unit, transfer.from_office, transfer.to_office
    why = f"理由：{transfer.reason}"
    url = reverse("inventory:unit_detail", args=[unit.pk])
    whence = f"由{giver}移交" if giver else "由其他机关登记"
    tell_office(
        taker,
        title=f"收到移交：{unit}",
        body=f"“{unit}”（{unit.uscc}）{whence}，现由{taker}监管。{why}",
        url=url,
        roles=(Role.CASE_OFFICER,),
    )
    _tell_of(
        transfer,
        giver,
        f"已移交：{unit}",
        f"“{unit}”（{unit.uscc}）已移交{taker}监管，自查、问题和已送达的通知随之移交；"
        f"本机关制发的通知和文书仍可查阅。{why}",
    )
    tell_unit(
        unit,
        title="监管机关变更",
        body=f"贵单位的监管机关{f'由{giver}' if giver else ''}变更为{taker}"
        f"{f'，联系电话 {taker.phone}' if taker.phone else ''}。",
        url=url,
    )


@transaction.atomic
def tell_registration(registration: Registration) -> bool:
    """Tell the office of an application, once; return whether it was this call."""
    waiting = Registration.objects.filter(pk=registration.pk, told_at=None)
    if waiting.update(told_at=timezone.now()) != 1:
        return False
    tell_office(
        registration.office,
        title=f"注册申请：{registration}",
        body=f"“{registration}”（{registration.uscc}）申请注册，请核对证明材料后办理。",
        url=reverse("accounts:registration_detail", args=[registration.pk]),
        roles=(Role.CASE_OFFICER,),
    )
    return True


def mark_read(message: Message, *, by: User) -> None:
    """Mark one of the person's own messages as read."""
    if message.recipient_id == by.pk and message.read_at is None:
        message.read_at = timezone.now()
        message.save(update_fields=["read_at"])


def mark_all_read(*, upto: int, by: User) -> int:
    """Mark the person's messages as read; return how many were new.

    Args:
        upto: key of the newest message that the person's page knew of. What came later was not
            seen and stays new.
    """
    rows = Message.objects.visible_to(by).unread().filter(pk__lte=upto)
    return rows.update(read_at=timezone.now())
