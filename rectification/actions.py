"""From confirmed findings to 销号. Every verb is one transaction with its record."""

import datetime as dt
from collections.abc import Collection, Iterable

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from assessments.models import SelfCheck
from audit.trail import record
from emailsec.lib.uploads import CheckedFile, Upload, check_upload
from emailsec.lib.wake import wake
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit
from inventory.models import Unit
from rectification.candidates import Candidate, candidates
from rectification.lifecycles import FINDING, NOTICE
from rectification.models import (
    Extension,
    Finding,
    Ground,
    Notice,
    NoticeItem,
    NoticeScan,
    Reply,
    ReplyEvidence,
)
from rectification.numbers import finding_number, notice_number

# Grounds that may carry an order; the rest goes to the annex 《安全建议》.
ORDERABLE = frozenset({Ground.STATUTE, Ground.STANDARD})


class Refused(Exception):
    """A rule of rectification forbids the act; `str(error)` is Chinese, meant for the person."""


# --- Findings -------------------------------------------------------------------------------


@transaction.atomic
def confirm_findings(selfcheck: SelfCheck, keys: Collection[str], *, by: User) -> list[Finding]:
    """Turn chosen candidates into findings, one per cause.

    A cause that already has an unclosed finding gets the new sources; a cause whose finding was
    closed is reopened, because the same cause has returned.

    Args:
        selfcheck: accepted.
        keys: keys of the candidates (`Candidate.key`).
        by: an office user with `finding.confirm`.

    Raises:
        Refused: not accepted yet, nothing chosen, or a key that is not proposed (stale page).
    """
    if not by.can("finding.confirm", selfcheck):
        raise PermissionDenied("finding.confirm")
    if selfcheck.status != SelfCheck.Status.ACCEPTED:
        raise Refused("复核通过后才能确认问题。")
    proposed = {c.key: c for c in candidates(selfcheck)}
    if not keys:
        raise Refused("请至少选择一个问题。")
    if not set(keys) <= proposed.keys():
        raise Refused("页面已过期，请刷新后重新选择。")
    findings = [
        _confirm(selfcheck, candidate, by)
        for key, candidate in proposed.items()
        if key in set(keys)
    ]
    record(
        "finding.confirm",
        selfcheck,
        by=by,
        details={"numbers": [finding.number for finding in findings]},
    )
    return findings


def _confirm(selfcheck: SelfCheck, candidate: Candidate, by: User) -> Finding:
    finding = candidate.existing or _returned(selfcheck.unit, candidate, by)
    if finding is None:
        finding = Finding.objects.create(
            number=finding_number(today().year),
            unit=selfcheck.unit,
            system=candidate.system,
            cause=candidate.cause,
            title=candidate.title,
            why=candidate.why[:400],
            advice=candidate.advice,
            severity=candidate.severity,
            major_risk=candidate.urgent,
            ground=candidate.ground.kind,
            basis="；".join(candidate.citations),
            confirmed_by=by,
        )
    known = set(finding.sources.values_list("sheet_id", "item", "verdict_id"))
    fresh = [s for s in candidate.sources if (s.sheet_id, s.item, s.verdict_id) not in known]
    for source in fresh:
        source.finding = finding
    finding.sources.bulk_create(fresh)
    return finding


def _returned(unit: Unit, candidate: Candidate, by: User) -> Finding | None:
    """Reopen the newest closed finding of the same cause, if there is one."""
    closed = (
        Finding.objects.filter(
            unit=unit,
            system=candidate.system,
            cause=candidate.cause,
            status=Finding.Status.CLOSED,
        )
        .order_by("-id")
        .first()
    )
    if closed is None:
        return None
    FINDING.move(
        closed,
        "reopen",
        by=by,
        reason="同一根因再次出现",
        also={"closed_on": None, "due_on": None, "severity": candidate.severity},
    )
    return closed


# --- Notices --------------------------------------------------------------------------------


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

    Raises:
        Refused: no findings, none that may be ordered, one of another unit or already notified,
            a deadline not in the future, or a missing case number.
    """
    if not by.can("notice.draft", unit):
        raise PermissionDenied("notice.draft")
    office = by.office
    assert office is not None
    chosen = list(findings)
    if not chosen:
        raise Refused("请至少选择一个问题。")
    if any(f.unit_id != unit.pk or f.status != Finding.Status.OPEN for f in chosen):
        raise Refused("所选问题中有已列入其他通知的，请刷新后重新选择。")
    if not any(f.ground in ORDERABLE for f in chosen):
        raise Refused("所选问题均只有方案要求或安全建议作依据，不能发限期整改通知书。")
    if deadline <= today():
        raise Refused("整改期限须晚于今天。")
    if not office.own_numbering and not case_number.strip():
        raise Refused("本机关由办案平台编号，请填写登记文号。")
    notice = Notice.objects.create(
        office=office,
        unit=unit,
        deadline=deadline,
        original_deadline=deadline,
        case_number=case_number.strip(),
        drafted_by=by,
    )
    chosen.sort(key=lambda f: (f.ground not in ORDERABLE, f.number))
    NoticeItem.objects.bulk_create(
        NoticeItem(notice=notice, finding=f, order=n, annex=f.ground not in ORDERABLE)
        for n, f in enumerate(chosen, start=1)
    )
    record(
        "notice.draft", notice, by=by, details={"findings": [finding.number for finding in chosen]}
    )
    tell_office(
        office,
        title=f"待审批：{unit}限期整改通知",
        url=reverse("rectification:notice_detail", args=[notice.pk]),
        roles=(Role.CHECKER, Role.APPROVER),
    )
    return notice


@transaction.atomic
def check_notice(notice: Notice, *, by: User) -> None:
    """审核: by another person than the drafter."""
    _another_person(notice, by)
    NOTICE.move(notice, "check", by=by)


@transaction.atomic
def approve_notice(notice: Notice, *, by: User) -> None:
    """批准并编号: by another person than the drafter; the paper follows at once.

    Raises:
        Refused: the drafter approves, or the deadline has meanwhile passed.
    """
    _another_person(notice, by)
    if notice.deadline <= today():
        raise Refused("整改期限已不在将来，请作废后重新拟制。")
    year = today().year
    if notice.office.own_numbering:
        sequence, number = notice_number(notice.office, year)
    else:
        sequence, number = None, notice.case_number
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
        title=f"已批准：{number}",
        body="文书生成后请打印用印、上传盖章件并送达。",
        url=reverse("rectification:notice_detail", args=[notice.pk]),
        roles=(Role.CASE_OFFICER,),
    )


def _another_person(notice: Notice, by: User) -> None:
    if notice.drafted_by_id == by.pk:
        raise Refused("拟稿人不能审核或批准自己拟制的通知。")


@transaction.atomic
def void_notice(notice: Notice, *, reason: str, by: User) -> None:
    """Void a notice before 送达; its number stays used, its findings are free again."""
    NOTICE.move(notice, "void", by=by, reason=reason)


@transaction.atomic
def add_scan(notice: Notice, kind: str, file: Upload, *, by: User) -> NoticeScan:
    """Keep a stamped scan: the notice and 送达回证 by the office, the report by the unit."""
    power = "notice.reply" if kind == NoticeScan.Kind.REPORT else "notice.serve"
    if not by.can(power, notice):
        raise PermissionDenied(power)
    checked = check_upload(file, kinds=("pdf", "png", "jpg"))
    scan = NoticeScan.objects.create(
        notice=notice, kind=kind, file=file, name=checked.name, sha256=checked.sha256, by=by
    )
    record("notice.scan", notice, by=by, details={"kind": kind, "sha256": checked.sha256})
    return scan


@transaction.atomic
def serve_notice(notice: Notice, *, by: User) -> None:
    """送达: the unit sees the notice from now on, and its findings are 已通知.

    Raises:
        Refused: the paper is not rendered yet, or its stamped scan is missing.
    """
    if not notice.documents.filter(kind="notice").exists():
        raise Refused("文书尚未生成，请稍候刷新。")
    if not notice.scans.filter(kind=NoticeScan.Kind.NOTICE).exists():
        raise Refused("请先打印用印，并上传盖章后的通知书扫描件。")
    NOTICE.move(notice, "serve", by=by, also={"served_on": today()})
    for item in notice.items.select_related("finding"):
        due = None if item.annex else notice.deadline
        if item.finding.status == Finding.Status.OPEN:
            FINDING.move(item.finding, "notify", by=by, also={"due_on": due})
        else:
            # A re-test has already passed: it stands in the notice and awaits 销号.
            Finding.objects.filter(pk=item.finding_id).update(due_on=due)
    tell_unit(
        notice.unit,
        title=f"收到限期整改通知：{notice.number}",
        body=f"整改期限：{notice.deadline:%Y年%-m月%-d日}。请及时签收。",
        url=reverse("rectification:notice_detail", args=[notice.pk]),
    )


@transaction.atomic
def sign_notice(notice: Notice, *, received_by: str, by: User) -> None:
    """The unit signs for the notice (签收)."""
    if not received_by.strip():
        raise Refused("请填写签收人姓名。")
    NOTICE.move(
        notice,
        "sign",
        by=by,
        also={"received_by": received_by.strip()[:30], "received_on": today()},
    )
    for item in notice.items.select_related("finding"):
        if item.finding.status == Finding.Status.NOTIFIED:
            FINDING.move(item.finding, "rectify", by=by)
    tell_office(
        notice.office,
        title=f"{notice.unit}已签收 {notice.number}",
        url=reverse("rectification:notice_detail", args=[notice.pk]),
        roles=(Role.CASE_OFFICER,),
    )


@transaction.atomic
def note_refusal(notice: Notice, *, officers: str, by: User) -> None:
    """Note 拒签, witnessed by two officers; the deadline runs all the same."""
    names = [n for n in officers.replace("，", "、").replace(",", "、").split("、") if n.strip()]
    if len(names) < 2:
        raise Refused("拒签须由两名民警注明，请填写两人姓名，用顿号隔开。")
    NOTICE.move(notice, "refuse", by=by, reason=f"见证人：{'、'.join(n.strip() for n in names)}")
    for item in notice.items.select_related("finding"):
        if item.finding.status == Finding.Status.NOTIFIED:
            FINDING.move(item.finding, "note_refusal", by=by)


# --- Extensions -----------------------------------------------------------------------------


@transaction.atomic
def ask_extension(
    notice: Notice, *, until: dt.date, reason: str, interim: str, by: User
) -> Extension:
    """The unit asks for a later deadline, before the present one has passed."""
    if not by.can("notice.ask_extension", notice):
        raise PermissionDenied("notice.ask_extension")
    if notice.status not in {Notice.Status.SIGNED, Notice.Status.SERVED}:
        raise Refused("当前状态不能申请延期。")
    if today() > notice.deadline:
        raise Refused("整改期限已过，不能再申请延期，请尽快完成整改并反馈。")
    if until <= notice.deadline:
        raise Refused("申请延至的日期须晚于现整改期限。")
    if notice.extensions.filter(status=Extension.Status.ASKED).exists():
        raise Refused("已有一份延期申请在审批中。")
    extension = Extension.objects.create(
        notice=notice, until=until, reason=reason, interim=interim, asked_by=by
    )
    record("extension.ask", notice, by=by, details={"until": until.isoformat()})
    tell_office(
        notice.office,
        title=f"{notice.unit}申请延期",
        body=reason,
        url=reverse("rectification:notice_detail", args=[notice.pk]),
    )
    return extension


@transaction.atomic
def decide_extension(extension: Extension, *, grant: bool, note: str, by: User) -> None:
    """The office decides; a granted extension moves the deadline of notice and findings."""
    notice = extension.notice
    if not by.can("notice.extend", notice):
        raise PermissionDenied("notice.extend")
    status = Extension.Status.GRANTED if grant else Extension.Status.REFUSED
    won = Extension.objects.filter(pk=extension.pk, status=Extension.Status.ASKED).update(
        status=status, decided_by=by, decided_at=timezone.now(), decision_note=note.strip()[:300]
    )
    if not won:
        raise Refused("此申请刚刚已被处理。")
    if grant:
        Notice.objects.filter(pk=notice.pk).update(deadline=extension.until)
        Finding.objects.filter(notice_items__notice=notice, due_on__isnull=False).update(
            due_on=extension.until
        )
    record(
        "extension.decide",
        notice,
        by=by,
        details={"granted": grant, "until": extension.until.isoformat()},
    )
    tell_unit(
        notice.unit,
        title=f"延期申请{'获同意' if grant else '未获同意'}：{notice.number}",
        body=note,
        url=reverse("rectification:notice_detail", args=[notice.pk]),
    )


# --- Replies --------------------------------------------------------------------------------


@transaction.atomic
def reply(
    notice: Notice,
    finding: Finding,
    *,
    analysis: str,
    measures: str,
    responsible: str,
    completed_on: dt.date,
    files: Collection[Upload],
    by: User,
) -> Reply:
    """The unit answers one finding; once all ordered findings are answered the notice is 已回复.

    Raises:
        Refused: not the turn of this finding, a completion in the future, or no evidence where
            nothing can be observed from outside.
        ValidationError: a file (Chinese).
    """
    if not by.can("notice.reply", notice):
        raise PermissionDenied("notice.reply")
    if notice.status not in {Notice.Status.SIGNED, Notice.Status.REFUSED}:
        raise Refused("请先签收通知，再提交整改反馈。")
    if completed_on > today():
        raise Refused("完成日期不能晚于今天；尚未完成的请先整改，或申请延期。")
    if not files and not finding.observable:
        raise Refused("此问题无法远程复测，请上传整改佐证。")
    checked: list[tuple[Upload, CheckedFile]] = [(f, check_upload(f)) for f in files]
    row = Reply.objects.create(
        notice=notice,
        finding=finding,
        analysis=analysis,
        measures=measures,
        responsible=responsible,
        completed_on=completed_on,
        by=by,
    )
    for file, kept in checked:
        ReplyEvidence.objects.create(reply=row, file=file, name=kept.name, sha256=kept.sha256)
    FINDING.move(finding, "reply", by=by)
    waiting = notice.items.filter(
        annex=False, finding__status__in=[Finding.Status.NOTIFIED, Finding.Status.RECTIFYING]
    )
    if not waiting.exists():
        NOTICE.move(notice, "reply", by=by)
        tell_office(
            notice.office,
            title=f"{notice.unit}已提交整改反馈：{notice.number}",
            url=reverse("rectification:notice_detail", args=[notice.pk]),
            roles=(Role.CASE_OFFICER,),
        )
    return row
