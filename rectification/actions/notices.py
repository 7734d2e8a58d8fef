"""A numbered notice: served, signed for or refused, voided before 送达, revoked after it."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.trail import record
from emailsec.lib.uploads import Upload, check_upload
from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit
from rectification.actions.base import (
    Refused,
    headline,
    lock,
    notice_url,
    office_in_charge,
    require_notice,
    written,
)
from rectification.actions.drafts import still_needed
from rectification.actions.extensions import drop_requests
from rectification.lifecycles import FINDING, NOTICE
from rectification.models import Finding, Notice, NoticeScan

SCAN_KINDS = ("pdf", "png", "jpg")
_CARRIED = FINDING.transitions["release"].sources


@transaction.atomic
def void_notice(notice: Notice, *, reason: str, by: User) -> None:
    """Void a notice before 送达; its number stays used, its findings are free again."""
    require_notice(by, "notice.void", notice)
    NOTICE.move(notice, "void", by=by, reason=reason)
    notice.items.live().update(ended_on=today())


@transaction.atomic
def revoke_notice(notice: Notice, *, reason: str, by: User) -> None:
    """撤销: a served notice that was wrong. Its number stays used, what it ordered and what has not
    ended is open again, and the unit is told; what the unit answered stays on record."""
    require_notice(by, "notice.void", notice)
    lock(notice)
    NOTICE.move(notice, "revoke", by=by, reason=reason)
    live = notice.items.live()
    for item in live.select_related("finding"):
        if item.finding.status in _CARRIED:
            because = f"{notice.number}已撤销：{reason}"
            FINDING.move(item.finding, "release", by=by, reason=because, also={"due_on": None})
    live.update(ended_on=today())
    drop_requests(notice, note="整改通知已撤销，不再审批。", by=by)
    title = headline(f"整改通知已撤销：{notice.number}")
    body = f"撤销理由：{reason}"
    tell_unit(notice.unit, title=title, body=body, url=notice_url(notice))
    tell_office(
        office_in_charge(notice),
        title=title,
        body=body,
        url=notice_url(notice),
        roles=(Role.CASE_OFFICER,),
    )


@transaction.atomic
def add_scan(notice: Notice, kind: str, file: Upload, *, by: User) -> NoticeScan:
    """Keep a stamped scan: the notice and 送达回证 by the office, the report by the unit.

    Raises:
        Refused: not the time for this kind of scan.
        ValidationError: the file (Chinese).
    """
    if kind == NoticeScan.Kind.REPORT:
        if not by.can("notice.reply", notice):
            raise PermissionDenied("notice.reply")
        allowed = set(Notice.SERVED_OR_LATER)
    else:
        require_notice(by, "notice.serve", notice)
        allowed = set(Notice.SERVED_OR_LATER)
        if kind == NoticeScan.Kind.NOTICE:
            allowed = {Notice.Status.APPROVED}
    if kind not in NoticeScan.Kind.values or notice.status not in allowed:
        raise Refused("当前状态不能上传此扫描件。")
    checked = check_upload(file, kinds=SCAN_KINDS)
    scan = NoticeScan.objects.create(
        notice=notice, kind=kind, file=file, name=checked.name, sha256=checked.sha256, by=by
    )
    record("notice.scan", notice, by=by, details={"kind": kind, "sha256": checked.sha256})
    return scan


@transaction.atomic
def serve_notice(notice: Notice, *, by: User) -> None:
    """送达: the unit sees the notice from now on, and its findings are 已通知.

    Raises:
        Refused: the paper is not rendered yet, its stamped scan is missing, the deadline is no
            longer in the future, or nothing in the notice is left to order.
    """
    require_notice(by, "notice.serve", notice)
    lock(notice)
    if notice.status == Notice.Status.APPROVED:
        if not notice.documents.filter(kind="notice").exists():
            raise Refused("文书尚未生成，请稍候刷新。")
        if not notice.scans.filter(kind=NoticeScan.Kind.NOTICE).exists():
            raise Refused("请先打印用印，并上传盖章后的通知书扫描件。")
        if notice.deadline <= today():
            raise Refused("整改期限已不在将来，不能送达，请作废后重新拟制。")
        still_needed(notice)
    NOTICE.move(notice, "serve", by=by, also={"served_on": today()})
    for item in notice.items.live().select_related("finding"):
        due = None if item.annex else notice.deadline
        if item.finding.status == Finding.Status.OPEN:
            FINDING.move(item.finding, "notify", by=by, also={"due_on": due})
        else:
            # A re-test has already passed: it stands in the notice and awaits 销号.
            Finding.objects.filter(pk=item.finding_id).update(due_on=due)
    tell_unit(
        notice.unit,
        title=headline(f"收到限期整改通知：{notice.number}"),
        body=f"整改期限：{cn_date(notice.deadline)}。请及时签收。",
        url=notice_url(notice),
    )


@transaction.atomic
def sign_notice(notice: Notice, *, received_by: str, by: User) -> None:
    """The unit signs for the notice (签收)."""
    received_by = written(Notice, "received_by", received_by, label="签收人姓名")
    NOTICE.move(
        notice,
        "sign",
        by=by,
        also={"received_by": received_by, "received_on": today()},
    )
    for item in notice.items.live().select_related("finding"):
        if item.finding.status == Finding.Status.NOTIFIED:
            FINDING.move(item.finding, "rectify", by=by)
    tell_office(
        office_in_charge(notice),
        title=headline(f"{notice.unit}已签收 {notice.number}"),
        url=notice_url(notice),
        roles=(Role.CASE_OFFICER,),
    )


@transaction.atomic
def note_refusal(notice: Notice, *, officers: str, by: User) -> None:
    """Note 拒签, witnessed by two officers; the deadline runs all the same."""
    require_notice(by, "notice.serve", notice)
    names = [n.strip() for n in officers.replace("，", "、").replace(",", "、").split("、")]
    names = list(dict.fromkeys(name for name in names if name))
    if len(names) < 2:
        raise Refused("拒签须由两名民警注明，请填写两人姓名，用顿号隔开。", field="officers")
    NOTICE.move(notice, "refuse", by=by, reason=f"见证人：{'、'.join(names)}")
    for item in notice.items.live().select_related("finding"):
        if item.finding.status == Finding.Status.NOTIFIED:
            FINDING.move(item.finding, "note_refusal", by=by)
