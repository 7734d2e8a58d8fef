"""Notices: drafted, checked, approved and numbered, served, signed for or refused, voided."""

import datetime as dt
from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.trail import record
from emailsec.lib.uploads import Upload, check_upload
from emailsec.lib.wake import wake
from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit
from inventory.models import Office, Unit
from rectification.actions.base import (
    Refused,
    headline,
    lock,
    notice_url,
    number_taken,
    require_notice,
)
from rectification.lifecycles import FINDING, NOTICE
from rectification.models import (
    Finding,
    Notice,
    NoticeItem,
    NoticeScan,
    Placement,
    free_for_notice,
)
from rectification.numbers import notice_number

SCAN_KINDS = ("pdf", "png", "jpg")


@transaction.atomic
def draft_notice(
    unit: Unit,
    findings: Iterable[Finding],
    *,
    deadline: dt.date,
    case_number: str = "",
    by: User,
) -> Notice:
    """Draft a notice over open findings of one unit.

    Args:
        deadline: last day for the repair; must lie after today.
        case_number: the registered number, where the office's case platform gives the numbers.
        by: an officer with `notice.draft` of an office that supervises the unit.

    Raises:
        Refused: no findings, none that this authority may order, one that is another
            authority's to enforce, one of another unit or already in a notice, a deadline not
            in the future, a missing case number or one that is taken.
    """
    office = by.office
    if not by.can("notice.draft", unit) or office is None or not unit.is_supervised_by(by):
        raise PermissionDenied("notice.draft")
    chosen = _chosen(unit, findings)
    places = {finding.pk: finding.placement(office.kind) for finding in chosen}
    if foreign := [f.number for f in chosen if places[f.pk] == Placement.ELSEWHERE]:
        raise Refused(
            f"{'、'.join(foreign)} 的依据由其他机关执行，不能列入本机关的通知，请移送。",
            field="findings",
        )
    if Placement.ORDER not in places.values():
        raise Refused(
            "所选问题均只有方案要求或安全建议作依据，不能发限期整改通知书。", field="findings"
        )
    case_number = case_number.strip()
    _check_terms(office, deadline, case_number)
    notice = Notice.objects.create(
        office=office,
        unit=unit,
        deadline=deadline,
        original_deadline=deadline,
        case_number=case_number,
        drafted_by=by,
    )
    chosen.sort(key=lambda f: (places[f.pk] != Placement.ORDER, f.number))
    NoticeItem.objects.bulk_create(
        NoticeItem(notice=notice, finding=f, order=n, annex=places[f.pk] != Placement.ORDER)
        for n, f in enumerate(chosen, start=1)
    )
    record("notice.draft", notice, by=by, details={"findings": [f.number for f in chosen]})
    tell_office(
        office,
        title=headline(f"待审批：{unit}限期整改通知"),
        url=notice_url(notice),
        roles=(Role.CHECKER, Role.APPROVER),
    )
    return notice


def _chosen(unit: Unit, findings: Iterable[Finding]) -> list[Finding]:
    """The findings, their rows locked, so that two drafts cannot take the same one."""
    wanted = {finding.pk for finding in findings}
    if not wanted:
        raise Refused("请至少选择一个问题。", field="findings")
    Unit.objects.select_for_update().get(pk=unit.pk)
    free = free_for_notice(Finding.objects.filter(unit=unit, pk__in=wanted))
    rows = list(free)
    if len(rows) != len(wanted):
        raise Refused("所选问题中有已列入其他通知的，请刷新后重新选择。", field="findings")
    return rows


def _check_terms(office: Office, deadline: dt.date, case_number: str) -> None:
    if deadline <= today():
        raise Refused("整改期限须晚于今天。", field="deadline")
    if office.own_numbering:
        return
    if not case_number:
        raise Refused("本机关由办案平台编号，请填写登记文号。", field="case_number")
    if number_taken(office, case_number):
        raise Refused("此文号已用于另一份通知，请核对。", field="case_number")


@transaction.atomic
def check_notice(notice: Notice, *, by: User) -> None:
    """审核: by another person than the drafter."""
    require_notice(by, "notice.check", notice)
    _another_person(notice, by)
    NOTICE.move(notice, "check", by=by)


@transaction.atomic
def approve_notice(notice: Notice, *, by: User) -> None:
    """批准并编号: by another person than the drafter; the paper follows at once.

    Raises:
        Refused: the drafter approves, the deadline has meanwhile passed, or nothing in the
            notice is left to order.
    """
    require_notice(by, "notice.approve", notice)
    _another_person(notice, by)
    lock(notice)
    _still_needed(notice)
    if notice.deadline <= today():
        raise Refused("整改期限已不在将来，请作废后重新拟制。")
    # Before a number is taken: a lost race or a wrong state must not touch the series.
    year = today().year
    sequence: int | None = None
    number = notice.case_number
    if notice.office.own_numbering:
        sequence, number = notice_number(notice.office, year)
    elif number_taken(notice.office, number, but=notice):
        raise Refused("登记文号已用于另一份通知，请作废后重新拟制。")
    NOTICE.move(
        notice,
        "approve",
        by=by,
        also={
            "sequence": sequence,
            "year": year,
            "number": number,
            "approved_by": by,
            "approved_on": today(),
        },
    )
    wake("reports.tasks.render_pending")
    tell_office(
        notice.office,
        title=headline(f"已批准：{number}"),
        body="文书生成后请打印用印、上传盖章件并送达。",
        url=notice_url(notice),
        roles=(Role.CASE_OFFICER,),
    )


def _another_person(notice: Notice, by: User) -> None:
    if notice.drafted_by_id == by.pk:
        raise Refused("拟稿人不能审核或批准自己拟制的通知，须由另一人办理。")


def _still_needed(notice: Notice) -> None:
    if not notice.items.live().filter(annex=False).exists():
        raise Refused("所列责令整改的问题均已了结，请作废此通知。")


@transaction.atomic
def void_notice(notice: Notice, *, reason: str, by: User) -> None:
    """Void a notice before 送达; its number stays used, its findings are free again."""
    require_notice(by, "notice.void", notice)
    NOTICE.move(notice, "void", by=by, reason=reason)
    notice.items.live().update(ended_on=today())


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
        _still_needed(notice)
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
    if not received_by.strip():
        raise Refused("请填写签收人姓名。", field="received_by")
    NOTICE.move(
        notice,
        "sign",
        by=by,
        also={"received_by": received_by.strip()[:30], "received_on": today()},
    )
    for item in notice.items.live().select_related("finding"):
        if item.finding.status == Finding.Status.NOTIFIED:
            FINDING.move(item.finding, "rectify", by=by)
    tell_office(
        notice.office,
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
