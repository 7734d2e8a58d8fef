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
from rectification.actions.base import (
    Refused,
    drew_up,
    headline,
    lock,
    notice_url,
    office_in_charge,
    require_notice,
    written,
)
from rectification.models import Extension, Finding, Notice
from rectification.terms import terms

# The unit still has something to do before the deadline.
_RUNNING = frozenset({Notice.Status.SERVED, Notice.Status.SIGNED, Notice.Status.REFUSED})


@transaction.atomic
def ask_extension(
    notice: Notice, *, until: dt.date, reason: str, interim: str, by: User
) -> Extension:
    """The unit asks for a later deadline, at the latest on the day of the present one.

    Raises:
        Refused: not running, the deadline has ended, a date that is not later or too late, a
            missing or overlong reason or interim measure, or a request is already waiting.
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
    latest = terms().latest_extension(notice.deadline)
    if until > latest:
        days = terms().longest_extension_days
        raise Refused(f"一次最多延期 {days} 天，即至{cn_date(latest)}。", field="until")
    reason = written(Extension, "reason", reason, label="延期理由")
    interim = written(Extension, "interim", interim)
    if notice.extensions.filter(status=Extension.Status.ASKED).exists():
        raise Refused("已有一份延期申请在审批中。")
    extension = Extension.objects.create(
        notice=notice,
        until=until,
        reason=reason,
        interim=interim,
        asked_by=by,
    )
    record("extension.ask", notice, by=by, details={"until": until.isoformat()})
    tell_office(
        office_in_charge(notice),
        title=headline(f"{notice.unit}申请延期至{cn_date(until)}"),
        body=reason,
        url=notice_url(notice),
    )
    return extension


@transaction.atomic
def decide_extension(extension: Extension, *, grant: bool, note: str, by: User) -> None:
    """The 批准人 decides; a granted extension moves the deadline of the notice and of the
    ordered findings that have not ended in it.

    What was asked in time may be granted after the old deadline has ended: the finding is then
    no longer overdue.

    Raises:
        Refused: by the person who drew the notice up, decided meanwhile, a refusal without its
            reason, an overlong note, or nothing left to extend.
    """
    notice = extension.notice
    require_notice(by, "notice.extend", notice)
    if drew_up(by, notice):
        raise Refused("拟稿人不能审批自己所拟通知的延期，须由另一人办理。")
    note = written(Extension, "decision_note", note, required=False)
    if not grant and not note:
        raise Refused("不同意延期的，请写明理由。", field="decision_note")
    lock(notice)
    if grant and not notice.is_live:
        raise Refused(f"通知当前为“{notice.get_status_display()}”，不需要延期。")
    if grant and extension.until <= notice.deadline:
        raise Refused("申请延至的日期不晚于现整改期限。")
    status = Extension.Status.GRANTED if grant else Extension.Status.REFUSED
    won = Extension.objects.filter(pk=extension.pk, status=Extension.Status.ASKED).update(
        status=status, decided_by=by, decided_at=timezone.now(), decision_note=note
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


def drop_requests(notice: Notice, *, note: str, by: User) -> None:
    """Settle what still waits for a decision when its notice is revoked."""
    notice.extensions.filter(status=Extension.Status.ASKED).update(
        status=Extension.Status.REFUSED,
        decided_by=by,
        decided_at=timezone.now(),
        decision_note=note,
    )
