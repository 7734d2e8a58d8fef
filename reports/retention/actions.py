"""A list of what is past its period: one person proposes, another destroys; the record stays."""

import hashlib
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.trail import record
from inbox.actions import tell_office
from reports.models import DestroyedFile, Destruction
from reports.retention.kinds import KINDS, Due, due

MOST: Final = 500  # entries of one list: as many as a person can look through


class Refused(Exception):
    """A rule forbids the step; the text is Chinese."""


def propose(*, by: User) -> Destruction:
    """Put everything that is due in the person's office on a list for another to approve.

    Raises:
        PermissionDenied: not one of those who propose.
        Refused: nothing is due, or a list is waiting already.
    """
    office = by.office
    if office is None or not by.can("destruction.propose"):
        raise PermissionDenied("文件销毁由承办人提出。")
    found = list(due(office, most=MOST))
    if not found:
        raise Refused("没有保存期满、可以销毁的文件、原始应答或观测结果。")
    try:
        with transaction.atomic():
            made = Destruction.objects.create(office=office, proposed_by=by)
            DestroyedFile.objects.bulk_create([_entry(made, one) for one in found])
            record("destruction.propose", made, by=by, details=_told(made))
            tell_office(
                office,
                title=f"文件销毁清单待批准：{len(found)} 项",
                body=f"{by.name}提出，请核对后批准或退回。",
                url=reverse("reports:destruction_detail", args=[made.pk]),
                roles=(Role.APPROVER,),
            )
    except IntegrityError:
        raise Refused("已有一份销毁清单等待批准，请先办理。") from None
    return made


def approve(*, destruction: Destruction, by: User) -> None:
    """Destroy what the list names; all of it, or nothing where something is due no longer.

    Raises:
        PermissionDenied, Refused: as `refuse`, and something that is due no longer.
    """
    _may_decide(destruction, by)
    with transaction.atomic():
        _claim(destruction, by, approved=True)
        files = list(destruction.files.all())
        found = due(destruction.office, most=len(files), within=destruction)
        still = {(one.kind.slug, one.row.pk) for one in found}
        lost = [file for file in files if (file.kind, file.object_id) not in still]
        if lost:
            raise Refused(
                f"“{lost[0].name}”等 {len(lost)} 项的案件有了变化，不再到期；请退回后重新提出。"
            )
        who = f"{destruction.office} {by.name}"
        for slug, kind in KINDS.items():
            keys = [file.object_id for file in files if file.kind == slug]
            kind.empty(keys)
            kind.model.objects.filter(pk__in=keys).update(
                **{f"{kind.mark}_at": timezone.now(), f"{kind.mark}_by": who}
            )
        destruction.files.filter(path="").update(gone_at=timezone.now())
        record("destruction.approve", destruction, by=by, details=_told(destruction))
        transaction.on_commit(sweep)


def refuse(*, destruction: Destruction, reason: str, by: User) -> None:
    """Send the list back; its files may stand in another one.

    Raises:
        PermissionDenied: not one of those who approve in that office.
        Refused: the proposer's own list, decided already, or no reason.
    """
    _may_decide(destruction, by)
    if not reason.strip():
        raise Refused("退回须写明理由。")
    with transaction.atomic():
        _claim(destruction, by, approved=False, reason=reason.strip()[:200])
        destruction.files.update(released=True)
        told = _told(destruction) | {"reason": reason.strip()[:200]}
        record("destruction.refuse", destruction, by=by, details=told)


def sweep() -> int:
    """Take destroyed files off the disk and return how many; safe to run twice. What a crash left
    between the decision and the disk is done by the next run."""
    waiting = DestroyedFile.objects.filter(destruction__approved=True, gone_at=None)
    count = 0
    for file in waiting:
        default_storage.delete(file.path)
        DestroyedFile.objects.filter(pk=file.pk).update(gone_at=timezone.now())
        count += 1
    return count


def _may_decide(destruction: Destruction, by: User) -> None:
    if not by.can("destruction.approve") or by.office != destruction.office:
        raise PermissionDenied("文件销毁由本机关批准人批准。")
    if by.pk == destruction.proposed_by_id:
        raise Refused("提出人不能批准自己提出的销毁清单。")


def _claim(destruction: Destruction, by: User, *, approved: bool, reason: str = "") -> None:
    won = Destruction.objects.filter(pk=destruction.pk, decided_at=None).update(
        approved=approved, decided_by=by, decided_at=timezone.now(), reason=reason
    )
    if won != 1:
        raise Refused("这份清单已经办理。")
    destruction.refresh_from_db()


def _entry(made: Destruction, one: Due) -> DestroyedFile:
    told = one.kind.told(one.row)
    return DestroyedFile(
        destruction=made,
        kind=one.kind.slug,
        object_id=one.row.pk,
        place=one.row.unit.name,
        name=told.name,
        sha256=told.sha256,
        size=told.size,
        ended_on=one.ended_on,
        path=told.path,
    )


def _told(destruction: Destruction) -> dict[str, Any]:
    digests = list(destruction.files.order_by("pk").values_list("sha256", flat=True))
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()
    return {"count": len(digests), "sha256": whole}
