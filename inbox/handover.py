"""工作交接: somebody leaves, and what waited for them passes to who takes over, in one act."""

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from accounts.actions import Refused, leave
from accounts.models import User
from accounts.staff import may_stop
from audit.trail import record
from inbox.actions import tell_person
from inbox.models import HandOver, HandOverLine, Message
from inventory.models import ImportBatch

_Kind = HandOverLine.Kind


@transaction.atomic
def hand_over(
    *, giver: User, taker: User | None, reason: str, work: Iterable[tuple[str, str]], by: User
) -> HandOver:
    """Stop `giver` at once and pass what waits for them to `taker`. What they did keeps their name.

    Args:
        taker: a colleague in the same place; None where only somebody who merely reads leaves.
        work: what is open in the place, as (words, address): it belongs to the role and not to the
            person, and the 交接单 tells who takes over that it is there.

    Raises:
        PermissionDenied: the person is not `by`'s to stop.
        Refused: nobody takes over, or somebody who works elsewhere.
    """
    if not may_stop(by, giver):
        raise PermissionDenied("staff.manage")
    roles, unit, office = giver.role_names, giver.unit, giver.office
    if taker is None and giver.roles != {"reader"}:
        raise Refused("请选择接替人。")
    if taker is not None and (taker == giver or (taker.unit, taker.office) != (unit, office)):
        raise Refused("接替人须在同一单位（机关）任职。")
    sheet: HandOver = HandOver.objects.create(
        giver=giver,
        taker=taker,
        unit=unit,
        office=office,
        roles=roles,
        reason=reason,
        by=by,
    )
    lines = [HandOverLine(kind=_Kind.WORK, text=text[:200], url=url) for text, url in work]
    if taker is not None:
        lines += [*_pass_messages(giver, taker), *_pass_imports(giver, taker)]
    for line in lines:
        line.sheet = sheet
    HandOverLine.objects.bulk_create(lines)
    leave(user=giver, reason=reason, by=by)
    details = {"taker": taker.label if taker else None, "rows": len(lines), "reason": reason}
    record("account.hand_over", giver, by=by, details=details)
    if taker is not None:
        tell_person(
            taker,
            title=f"工作交接：{giver.name}的工作由您接替",
            body=f"{by.name}办理，交接事项 {len(lines)} 项。",
            url=reverse("dashboards:handover", args=[sheet.pk]),
        )
    return sheet


def _pass_messages(giver: User, taker: User) -> list[HandOverLine]:
    """Unread messages become the taker's, but for those that the taker was sent as well."""
    same = Message.objects.filter(
        recipient=taker, title=OuterRef("title"), body=OuterRef("body"), url=OuterRef("url")
    )
    rows = Message.objects.filter(recipient=giver).unread().filter(~Exists(same))
    passed = list(rows)
    Message.objects.filter(pk__in=[row.pk for row in passed]).update(recipient=taker)
    return [HandOverLine(kind=_Kind.MESSAGE, text=row.title, url=row.url) for row in passed]


def _pass_imports(giver: User, taker: User) -> list[HandOverLine]:
    """Workbooks that were looked through and not yet taken into the inventory."""
    rows = ImportBatch.objects.filter(by_id=giver.pk, closed_at=None)
    passed = list(rows)
    rows.update(by_id=taker.pk, by_label=taker.label)
    return [
        HandOverLine(
            kind=_Kind.IMPORT,
            text=f"待确认的导入：{row.file_name}（{timezone.localdate(row.created_at)}）",
            url="",
        )
        for row in passed
    ]
