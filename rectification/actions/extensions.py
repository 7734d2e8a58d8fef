"""Extensions: asked for by the unit before the deadline has ended, decided by the office."""

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.trail import record
from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit
from rectification.actions.base import Refused, headline, lock, notice_url, require_notice
from rectification.models import Extension, Finding, Notice

# The unit still has something to do before the deadline.
_RUNNING = frozenset({Notice.Status.SERVED, Notice.Status.SIGNED, Notice.Status.REFUSED})


@transaction.atomic
def ask_extension(
    notice: Notice, *, until: dt.date, reason: str, interim: str, by: User
) -> Extension:
    """The unit asks for a later deadline, at the latest on the day of the present one.

    Raises:
        Refused: not running, the deadline has ended, a date that is not later, a missing reason
            or interim measure, or a request is already waiting.
    """
    if not by.can("notice.ask_extension", notice):
        raise PermissionDenied("notice.ask_extension")
    lock(notice)
    if notice.status not in _RUNNING:
        raise Refused(f"通知当前为“{notice.get_status_display()}”，不能申请延期。")
    if today() > notice.deadline:
        raise Refused("整改期限已过，不能再申请延期，请尽快完成整改并反馈。")
    if until <= notice.deadline:
        raise Refused("申请延至的日期须晚于现整改期限。", field="until")
    if not reason.strip():
        raise Refused("请写明延期理由。", field="reason")
    if not interim.strip():
        raise Refused("请写明延期期间的临时措施。", field="interim")
    if notice.extensions.filter(status=Extension.Status.ASKED).exists():
        raise Refused("已有一份延期申请在审批中。")
    extension = Extension.objects.create(
        notice=notice,
        until=until,
        reason=reason.strip()[:500],
        interim=interim.strip()[:500],
        asked_by=by,
    )
    record("extension.ask", notice, by=by, details={"until": until.isoformat()})
    tell_office(
        notice.office,
        title=headline(f"{notice.unit}申请延期至{cn_date(until)}"),
        body=reason,
        url=notice_url(notice),
    )
    return extension


@transaction.atomic
def decide_extension(extension: Extension, *, grant: bool, note: str, by: User) -> None:
    """The office decides; a granted extension moves the deadline of the notice and of the
    ordered findings that have not ended in it.

    What was asked in time may be granted after the old deadline has ended: the finding is then
    no longer overdue.

    Raises:
        Refused: decided meanwhile, a refusal without its reason, or nothing left to extend.
    """
    notice = extension.notice
    require_notice(by, "notice.extend", notice)
    if not grant and not note.strip():
        raise Refused("不同意延期的，请写明理由。", field="note")
    lock(notice)
    if grant and not notice.is_live:
        raise Refused(f"通知当前为“{notice.get_status_display()}”，不需要延期。")
    if grant and extension.until <= notice.deadline:
        raise Refused("申请延至的日期不晚于现整改期限。")
    status = Extension.Status.GRANTED if grant else Extension.Status.REFUSED
    won = Extension.objects.filter(pk=extension.pk, status=Extension.Status.ASKED).update(
        status=status, decided_by=by, decided_at=timezone.now(), decision_note=note.strip()[:300]
    )
    if not won:
        raise Refused("此申请刚刚已被处理。")
    if grant:
        Notice.objects.filter(pk=notice.pk).update(deadline=extension.until)
        notice.deadline = extension.until
        carried = notice.items.live().filter(annex=False).values("finding")
        Finding.objects.filter(pk__in=carried, due_on__isnull=False).update(due_on=extension.until)
    record(
        "extension.decide",
        notice,
        by=by,
        details={"granted": grant, "until": extension.until.isoformat()},
    )
    tell_unit(
        notice.unit,
        title=headline(f"延期申请{'获同意' if grant else '未获同意'}：{notice.number}"),
        body=note or f"整改期限改为{cn_date(extension.until)}。",
        url=notice_url(notice),
    )
