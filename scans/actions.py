"""What people do with the outside view: file letters of authorisation, ask for a look."""

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.lifecycle import IllegalMove
from audit.trail import SYSTEM, record
from emailsec.lib.uploads import check_upload
from emailsec.lib.words import cn_date, cn_time
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit
from inventory.models import MailSystem
from scans.lifecycles import AUTHORIZATION
from scans.looking import ensure_runs, refuse_runs
from scans.models import LAPSED, Authorization, ScanRun, Wave
from scans.permission import Refusal, may_probe
from scans.policy import scan_policy
from scans.queue import wake_drain

LETTER_KINDS = ("pdf", "png", "jpg")


class Refused(Exception):
    """A rule of scanning says no; the text is Chinese and meant for the person."""


def draft_authorization(*, system: MailSystem, by: User, fields: dict[str, Any]) -> Authorization:
    """Record what the letter will say, ready to be printed and stamped.

    Args:
        fields: columns of Authorization from the form: hosts (one a line), items (comma
            separated), valid_from, valid_to, signed_by, contact_name, contact_phone.

    Raises:
        Refused: the system is out of service.
    """
    if not by.can("authorization.file", system):
        raise PermissionDenied("authorization.file")
    if system.retired_on:
        raise Refused("该系统已停用，不能再授权探测。")
    with transaction.atomic():
        letter = Authorization.objects.create(system=system, created_by=by, **fields)
        details = {
            "hosts": letter.host_list,
            "items": letter.items,
            "from": str(letter.valid_from),
            "to": str(letter.valid_to),
        }
        record("authorization.draft", letter, by=by, details=details)
    return letter


def file_authorization(*, letter: Authorization, scan: "UploadedFile[Any]", by: User) -> None:
    """Take the stamped scan; from now on the letter is in force within its dates.

    Raises:
        ValidationError: the upload is not a pdf, png or jpg of the allowed size.
        IllegalMove: the letter was filed or voided meanwhile.
        Refused: its dates have passed, or its system is out of service.
    """
    if not by.can("authorization.file", letter):
        raise PermissionDenied("authorization.file")
    checked = check_upload(scan, kinds=LETTER_KINDS)
    if letter.lapsed:
        raise Refused("该系统已停用，授权书不能再生效。")
    if letter.valid_to < today():
        raise Refused(f"授权期限已于{cn_date(letter.valid_to)}届满，请重新填写授权书。")
    with transaction.atomic():
        fresh = Authorization.objects.select_for_update().get(pk=letter.pk)
        fresh.scan.save(f"letter.{checked.kind}", scan, save=False)
        stored = str(fresh.scan.name)
        columns = {
            "scan": stored,
            "scan_name": checked.name,
            "scan_sha256": checked.sha256,
            "filed_at": timezone.now(),
            "filed_by": by,
        }
        try:
            AUTHORIZATION.move(fresh, "file", by=by, also=columns)
        except Exception:
            fresh.scan.storage.delete(stored)
            raise
        tell_office(
            fresh.unit.police_office(),
            title=f"{fresh.unit.name}已上传《远程检测授权书》",
            body=f"{fresh.system.name}，{fresh.number}，有效期至{fresh.valid_to}。",
            url=reverse("scans:authorization_detail", args=[fresh.pk]),
        )
        wake_drain()
    letter.refresh_from_db()


def withdraw_authorization(*, letter: Authorization, by: User, reason: str = "") -> None:
    """The unit takes its letter back; it need not say why. Looks under way are stopped."""
    with transaction.atomic():
        AUTHORIZATION.move(
            letter, "withdraw", by=by, reason=reason, also={"void_reason": reason or "单位撤回"}
        )
        _stop(letter, "单位已撤回授权，探测停止。")
        tell_office(
            letter.unit.police_office(),
            title=f"{letter.unit.name}已撤回《远程检测授权书》",
            body=f"{letter.system.name}，{letter.number}。",
            url=reverse("scans:authorization_detail", args=[letter.pk]),
        )


def void_authorization(*, letter: Authorization, by: User, reason: str) -> None:
    """The office declares a letter void, with the reason."""
    with transaction.atomic():
        AUTHORIZATION.move(letter, "void", by=by, reason=reason, also={"void_reason": reason})
        _stop(letter, "授权书已作废，探测停止。")
        tell_unit(
            letter.unit,
            title=f"《远程检测授权书》（{letter.number}）已被作废",
            body=f"理由：{reason}。请按要求重新填写、盖章并上传。",
            url=reverse("scans:authorization_detail", args=[letter.pk]),
        )


def lapse_letters() -> int:
    """End the letters of systems that went out of service; return how many. Safe to run twice.

    `inventory` knows no letters: the date of retirement is the marker, found by the minute's task.
    """
    ended = 0
    for letter in Authorization.objects.of_retired().select_related("system__unit"):
        with transaction.atomic():
            try:
                AUTHORIZATION.move(
                    letter, "lapse", by=SYSTEM, reason="系统停用", also={"void_reason": LAPSED}
                )
            except IllegalMove:  # withdrawn or voided in the meantime
                continue
            _stop(letter, "系统已停用，探测停止。")
            ended += 1
    return ended


def _stop(letter: Authorization, reason: str) -> None:
    """End the open looks at a system that no letter covers any more."""
    if may_probe(letter.system).allowed:
        return
    for wave in letter.system.waves.open():
        refuse_runs(wave, reason)


def request_scan(*, system: MailSystem, by: User, reason: str = Wave.Reason.REQUEST) -> Wave:
    """Ask for a look now.

    Args:
        system: the mail system.
        by: who asks; needs `scan.request`.
        reason: Wave.Reason.REQUEST or RECHECK.

    Returns:
        The open wave (a second click gets the first one's), or, where no letter allows it, a void
        wave whose refused runs say why.

    Raises:
        PermissionDenied: `by` may not ask.
        Refused: asked too soon after the last look, or the system has no domain.
    """
    if not by.can("scan.request", system):
        raise PermissionDenied("scan.request")
    with transaction.atomic():
        # One row to queue at: two clicks see each other.
        MailSystem.objects.select_for_update().get(pk=system.pk)
        domains = list(system.domains.all())
        if not domains:
            raise Refused("该系统还没有登记邮件域名，无法探测；请先在系统资料中补充。")
        permission = may_probe(system)
        if isinstance(permission, Refusal):
            return _refused(system, by, reason, permission)
        if running := system.waves.open().filter(reason=reason).first():
            return running
        _not_too_soon(system)
        try:
            with transaction.atomic():
                wave = Wave.objects.create(
                    system=system,
                    reason=reason,
                    due_at=timezone.now(),
                    requested_by=by,
                    authorization=permission.authorization,
                )
        except IntegrityError:
            return system.waves.open().get(reason=reason)
        ensure_runs(wave, domains)
        record(
            "scan.request",
            wave,
            by=by,
            details={"reason": reason, "letter": permission.authorization.number},
        )
        wake_drain()
    return wave


def _not_too_soon(system: MailSystem) -> None:
    pause = dt.timedelta(seconds=scan_policy().wave.retest_interval)
    last = (
        system.waves.filter(reason__in=[Wave.Reason.REQUEST, Wave.Reason.RECHECK])
        .exclude(status=Wave.Status.VOID)
        .order_by("-created_at")
        .first()
    )
    if last is None or (at := last.created_at + pause) <= timezone.now():
        return
    minutes = max(1, round(pause.total_seconds() / 60))
    raise Refused(
        f"距上次探测不足 {minutes} 分钟；为不打扰对方服务器，请在 {cn_time(at)} 之后再试。"
    )


def _refused(system: MailSystem, by: User, reason: str, refusal: Refusal) -> Wave:
    """Leave a refused run a domain that says why; the same refusal within an hour leaves one."""
    hour_ago = timezone.now() - dt.timedelta(hours=1)
    again = system.waves.filter(
        status=Wave.Status.VOID, reason=reason, problem=refusal.reason, created_at__gt=hour_ago
    ).first()
    if again is not None:
        return again
    now = timezone.now()
    wave = Wave.objects.create(
        system=system,
        reason=reason,
        status=Wave.Status.VOID,
        problem=refusal.reason,
        due_at=now,
        finished_at=now,
        requested_by=by,
    )
    ScanRun.objects.bulk_create(
        ScanRun(
            wave=wave,
            domain=domain,
            status=ScanRun.Status.REFUSED,
            problem=refusal.reason,
            finished_at=now,
        )
        for domain in system.domains.all()
    )
    record("scan.request", wave, by=by, details={"refused": refusal.code}, result="denied")
    return wave
