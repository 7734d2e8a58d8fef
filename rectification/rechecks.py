"""复查 and 销号: by rescan where something can be observed, else on paper or on site."""

from collections import defaultdict
from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.trail import record
from emailsec.lib.workdays import today
from inbox.actions import tell_unit
from inventory.models import MailSystem
from rectification.actions import Refused
from rectification.lifecycles import FINDING, NOTICE
from rectification.models import Finding, FindingSource, Notice, Recheck
from scans.actions import request_scan
from scans.evidence import observation_lines, with_evidence
from scans.models import Result, ScanRun, Verdict, Wave


@transaction.atomic
def start_rescan(findings: Iterable[Finding], *, by: User) -> list[Recheck]:
    """Ask for a rescan of the systems of observable findings that await 复查.

    Raises:
        Refused: none of them can be observed from outside.
        scans.actions.Refused: too soon after the last look (Chinese).
    """
    by_system: dict[MailSystem, list[Finding]] = defaultdict(list)
    for finding in findings:
        if not by.can("finding.recheck", finding):
            raise PermissionDenied("finding.recheck")
        if finding.status == Finding.Status.TO_RECHECK and finding.system and finding.observable:
            by_system[finding.system].append(finding)
    if not by_system:
        raise Refused("没有可以远程复测的待复查问题，请用书面或现场复查。")
    rows = []
    for system, group in by_system.items():
        wave = request_scan(system=system, by=by, reason=Wave.Reason.RECHECK)
        for finding in group:
            if not finding.rechecks.filter(wave=wave).exists():
                rows.append(
                    Recheck.objects.create(
                        finding=finding, kind=Recheck.Kind.RESCAN, wave=wave, by=by
                    )
                )
    return rows


def settle_rescans() -> int:
    """Fill in the result of rescans whose wave has ended; return how many. Safe to run twice.

    A repair counts at first sight; a non-conformity only once a second look has confirmed it;
    what could not be observed is neither.
    """
    pending = Recheck.objects.filter(result=Recheck.Result.PENDING, kind=Recheck.Kind.RESCAN)
    rows = pending.exclude(wave__status=Wave.Status.OPEN).select_related("wave", "finding")
    return sum(_settle(row) for row in rows)


def _settle(row: Recheck) -> bool:
    wave = row.wave
    assert wave is not None
    second = Wave.objects.filter(confirms=wave).first()
    if second is not None and second.status == Wave.Status.OPEN:
        return False
    last = second if second is not None and second.status == Wave.Status.DONE else wave
    sources = FindingSource.objects.filter(finding=row.finding, verdict__isnull=False)
    wanted = set(sources.values_list("rule", "verdict__run__domain_id"))
    verdicts = [
        v
        for v in with_evidence(Verdict.objects.filter(run__in=ScanRun.objects.filter(wave=last)))
        if (v.rule, v.run.domain_id) in wanted
    ]
    results = {v.result for v in verdicts}
    if Result.NONCONFORMING in results:
        result = Recheck.Result.FAILED
    elif len(verdicts) < len(wanted) or Result.UNKNOWN in results:
        result = Recheck.Result.UNKNOWN
    else:
        result = Recheck.Result.PASSED
    seen = "\n".join(line for v in verdicts for line in (v.text, *observation_lines(v)))
    if not verdicts:
        seen = wave.problem or "本次未能观测。"
    return bool(
        Recheck.objects.filter(pk=row.pk, result=Recheck.Result.PENDING).update(
            result=result, seen=seen, finished_at=timezone.now()
        )
    )


@transaction.atomic
def record_recheck(finding: Finding, *, kind: str, passed: bool, seen: str, by: User) -> Recheck:
    """Record a 书面 or 现场复查 and what was found."""
    if not by.can("finding.recheck", finding):
        raise PermissionDenied("finding.recheck")
    if finding.status != Finding.Status.TO_RECHECK:
        raise Refused(f"问题当前为“{finding.get_status_display()}”，不在待复查中。")
    if kind not in {Recheck.Kind.PAPER, Recheck.Kind.SITE}:
        raise Refused("请选择书面复查或现场复查。")
    if not seen.strip():
        raise Refused("请写明复查所见。")
    row = Recheck.objects.create(
        finding=finding,
        kind=kind,
        result=Recheck.Result.PASSED if passed else Recheck.Result.FAILED,
        seen=seen.strip(),
        by=by,
        finished_at=timezone.now(),
    )
    record("finding.recheck", finding, by=by, details={"kind": kind, "passed": passed})
    return row


def latest_recheck(finding: Finding) -> Recheck | None:
    """The newest 复查 since the last reply, finished or not."""
    newest = finding.replies.order_by("-id").first()
    rows = finding.rechecks.order_by("-id")
    if newest is not None:
        rows = rows.filter(at__gte=newest.at)
    return rows.first()


@transaction.atomic
def close(finding: Finding, *, by: User) -> None:
    """销号: only after a passed 复查; the last one finishes its notice.

    Raises:
        Refused: no 复查 has passed since the last reply.
    """
    latest = latest_recheck(finding)
    if latest is None or latest.result != Recheck.Result.PASSED:
        raise Refused("尚无通过的复查，不能销号；请先远程复测，或记录书面、现场复查。")
    FINDING.move(finding, "close", by=by, also={"closed_on": today()})
    for notice in Notice.objects.filter(items__finding=finding).exclude(
        status__in=[Notice.Status.FINISHED, Notice.Status.VOID]
    ):
        unclosed = notice.items.filter(annex=False).exclude(finding__status__in=Finding.ENDED)
        if not unclosed.exists():
            NOTICE.move(notice, "finish", by=by)
            tell_unit(
                notice.unit,
                title=f"整改办结：{notice.number}",
                body="全部问题已销号，可以导出整改报告。",
                url=reverse("rectification:notice_detail", args=[notice.pk]),
            )


@transaction.atomic
def fail(finding: Finding, *, reason: str, by: User) -> None:
    """复查不通过: back to the unit, with the reason."""
    FINDING.move(finding, "fail", by=by, reason=reason)
    for notice in Notice.objects.filter(items__finding=finding, status=Notice.Status.REPLIED):
        NOTICE.move(notice, "again", by=by)
    tell_unit(
        finding.unit,
        title=f"复查不通过：{finding.number} {finding.title}",
        body=reason,
        url=reverse("rectification:finding_detail", args=[finding.pk]),
    )
