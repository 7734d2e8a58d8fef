"""复查 and 销号: by rescan where something can be observed, else on paper or on site."""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.trail import SYSTEM, record
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit
from inventory.models import MailSystem
from rectification.actions.base import (
    Refused,
    end_in_notice,
    headline,
    live_item,
    lock,
    notice_url,
    office_in_charge,
    require_finding,
    written,
)
from rectification.lifecycles import FINDING, NOTICE
from rectification.models import (
    Finding,
    FindingChange,
    FindingSource,
    Notice,
    Recheck,
    WaveRead,
)
from scans.actions import request_scan
from scans.evidence import observation_lines, with_evidence
from scans.models import Result, Verdict, Wave

# What begins a new round: a 复查 from before it proves nothing any more.
_ROUND_BEGINS = ("reply", "reopen", "fail", "fail_open", "release")
_READ_AT_ONCE = 200


# --- By rescan ------------------------------------------------------------------------------


@transaction.atomic
def start_rescan(findings: Iterable[Finding], *, by: User) -> list[Recheck]:
    """Ask for a rescan of the systems of observable findings that await 复查.

    Returns:
        The new rows; none where the same rescan is already under way. Where no letter allows a
        look, they hang on a void wave that says why and are settled as 未能观测.

    Raises:
        Refused: none of them can be observed from outside.
        scans.actions.Refused: too soon after the last look (Chinese).
    """
    by_system: dict[MailSystem, list[Finding]] = defaultdict(list)
    for finding in findings:
        require_finding(by, "finding.recheck", finding)
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
    for row in rows:
        record("finding.rescan", row.finding, by=by, details={"wave": row.wave_id})
    return rows


def settle_rescans() -> int:
    """Fill in the result of rescans whose wave has ended; return how many. Safe to run twice."""
    pending = Recheck.objects.filter(result=Recheck.Result.PENDING, kind=Recheck.Kind.RESCAN)
    rows = pending.exclude(wave__status=Wave.Status.OPEN).select_related("wave", "finding")
    return sum(_settle(row) for row in rows)


@transaction.atomic
def _settle(row: Recheck) -> bool:
    assert row.wave is not None
    judged = judge(row.finding, row.wave)
    if judged is None:
        return False
    result, seen = judged
    won = Recheck.objects.filter(pk=row.pk, result=Recheck.Result.PENDING).update(
        result=result, seen=seen, finished_at=timezone.now()
    )
    if not won:
        return False
    label = str(Recheck.Result(result).label)
    details = {"wave": row.wave_id, "result": result}
    record("finding.recheck", row.finding, by=SYSTEM, details=details)
    if row.by is not None and row.by.office is not None:
        tell_office(
            row.by.office,
            title=headline(f"远程复测{label}：{row.finding}"),
            url=reverse("rectification:finding_detail", args=[row.finding_id]),
        )
    return True


def judge(finding: Finding, wave: Wave) -> tuple[str, str] | None:
    """Say what a finished look tells of a finding.

    A repair counts at first sight; a non-conformity only once a second look has confirmed it.
    What could not be observed, was not looked at or no longer applies is neither: a unit does
    not pass by taking a host out of the inventory or an item out of its letter.

    Returns:
        (Recheck.Result, what was seen, line by line), or None while a second look is to come.
    """
    wanted = set(
        FindingSource.objects.filter(finding=finding, verdict__isnull=False).values_list(
            "rule", "verdict__run__domain_id"
        )
    )
    verdicts = _of_wave(wave, wanted)
    doubtful = [v for v in verdicts if v.result == Result.NONCONFORMING and not v.confirmed]
    if doubtful:
        second = Wave.objects.filter(confirms=wave).first()
        if second is not None and second.status == Wave.Status.OPEN:
            return None
        if second is not None and second.status == Wave.Status.DONE:
            verdicts = _of_wave(second, wanted)
    seen = "\n".join(line for v in verdicts for line in (v.text, *observation_lines(v)))
    if not verdicts:
        seen = wave.problem or "本次未能观测。"
    return _result(verdicts, wanted), seen


def _of_wave(wave: Wave, wanted: set[tuple[str, int]]) -> list[Verdict]:
    rows = with_evidence(Verdict.objects.filter(run__wave=wave))
    return [v for v in rows if (v.rule, v.run.domain_id) in wanted]


def _result(verdicts: list[Verdict], wanted: set[tuple[str, int]]) -> str:
    if any(v.result == Result.NONCONFORMING and v.confirmed for v in verdicts):
        return Recheck.Result.FAILED
    good = {Result.CONFORMING, Result.WARNING}
    if wanted and len(verdicts) == len(wanted) and {Result(v.result) for v in verdicts} <= good:
        return Recheck.Result.PASSED
    return Recheck.Result.UNKNOWN


# --- Repairs that the regular look shows ------------------------------------------------------


def read_waves() -> int:
    """Read finished looks that nobody has read yet for repairs; return how many findings moved.

    Safe to run twice and at once: the marker row has one winner, written with what it causes.
    """
    waves = (
        Wave.objects.filter(status=Wave.Status.DONE, read_for_findings=None)
        .select_related("system")
        .order_by("pk")[:_READ_AT_ONCE]
    )
    return sum(_read(wave) for wave in waves)


@transaction.atomic
def _read(wave: Wave) -> int:
    _, mine = WaveRead.objects.get_or_create(wave=wave)
    if not mine:
        return 0
    waiting = Finding.objects.filter(
        system=wave.system_id,
        status__in=[Finding.Status.OPEN, Finding.Status.NOTIFIED],
        # Confirmed before the look began: an older look says nothing about a newer finding.
        sources__verdict__run__wave__lt=wave.pk,
    ).distinct()
    return sum(_repaired(finding, wave) for finding in waiting)


def _repaired(finding: Finding, wave: Wave) -> bool:
    newest = FindingSource.objects.filter(finding=finding, verdict__isnull=False)
    if newest.filter(verdict__run__wave__gte=wave.pk).exists():
        return False
    judged = judge(finding, wave)
    if judged is None or judged[0] != Recheck.Result.PASSED:
        return False
    FINDING.move(finding, "retest_passed", by=SYSTEM)
    Recheck.objects.create(
        finding=finding,
        kind=Recheck.Kind.RESCAN,
        result=Recheck.Result.PASSED,
        wave=wave,
        seen=judged[1],
        finished_at=timezone.now(),
    )
    item = live_item(finding)
    office = office_in_charge(item.notice) if item else finding.unit.police_office()
    tell_office(
        office,
        title=headline(f"定期探测显示已整改，待销号：{finding}"),
        url=reverse("rectification:finding_detail", args=[finding.pk]),
    )
    return True


# --- On paper and on site ---------------------------------------------------------------------


@transaction.atomic
def record_recheck(finding: Finding, *, kind: str, result: str, seen: str, by: User) -> Recheck:
    """Record a 书面 or 现场复查 and what was found; one that fails goes back to the unit at once.

    Args:
        kind: Recheck.Kind.PAPER or SITE.
        result: Recheck.Result.PASSED, FAILED or UNKNOWN (无法判断: nothing is decided by it).
        seen: what was found; the unit reads it as the reason where the 复查 fails.

    Raises:
        Refused: not awaiting 复查, an unknown kind or result, nothing written, or paper that is
            to pass what can be looked at (`why_not_on_paper`).
    """
    require_finding(by, "finding.recheck", finding)
    if finding.status != Finding.Status.TO_RECHECK:
        raise Refused(f"问题当前为“{finding.get_status_display()}”，不在待复查中。")
    if kind not in {Recheck.Kind.PAPER, Recheck.Kind.SITE}:
        raise Refused("请选择书面复查或现场复查。", field="kind")
    if result not in {Recheck.Result.PASSED, Recheck.Result.FAILED, Recheck.Result.UNKNOWN}:
        raise Refused("请选择复查结论。", field="result")
    seen = written(Recheck, "seen", seen)
    if (
        kind == Recheck.Kind.PAPER
        and result == Recheck.Result.PASSED
        and (reason := why_not_on_paper(finding, this_round(finding)))
    ):
        raise Refused(reason, field="kind")
    row = Recheck.objects.create(
        finding=finding,
        kind=kind,
        result=result,
        seen=seen,
        by=by,
        finished_at=timezone.now(),
    )
    record("finding.recheck", finding, by=by, details={"kind": kind, "result": result})
    if result == Recheck.Result.FAILED:
        fail(finding, reason=seen, by=by)
    if result == Recheck.Result.PASSED:
        tell_office(
            by.office,
            title=headline(f"{row.get_kind_display()}已通过，待另一人销号：{finding}"),
            body=f"复查由{by.name}记录。",
            url=reverse("rectification:finding_detail", args=[finding.pk]),
            roles=(Role.CHECKER, Role.APPROVER),
        )
    return row


# --- What the re-checks say ---------------------------------------------------------------------


def this_round(finding: Finding) -> list[Recheck]:
    """The re-checks since the last reply, reopening or failure, newest first."""
    began = finding.changes.filter(action__in=_ROUND_BEGINS).order_by("-id").first()
    rows = finding.rechecks.select_related("wave", "by").order_by("-id")
    return list(rows.filter(at__gte=began.at) if began else rows)


def with_rounds(findings: Iterable[Finding]) -> dict[int, list[Recheck]]:
    """`this_round` of many findings by their id, in one query."""
    ids = [finding.pk for finding in findings]
    began = FindingChange.objects.filter(
        subject=OuterRef("finding"), action__in=_ROUND_BEGINS
    ).order_by("-id")
    rows = (
        Recheck.objects.filter(finding__in=ids)
        .annotate(began=Subquery(began.values("at")[:1]))
        .filter(Q(began=None) | Q(at__gte=F("began")))
        .select_related("wave", "by")
        .order_by("-id")
    )
    grouped: dict[int, list[Recheck]] = {pk: [] for pk in ids}
    for row in rows:
        grouped[row.finding_id].append(row)
    return grouped


def why_not_closable(rows: list[Recheck]) -> str:
    """Say why a finding with these re-checks (newest first) cannot be 销号; "" if it can.

    Paper does not outrank what was seen: after a rescan that failed, another rescan or a look on
    site must pass.
    """
    latest = next((row for row in rows if row.result != Recheck.Result.PENDING), None)
    if latest is None or latest.result != Recheck.Result.PASSED:
        return "尚无通过的复查，不能销号；请先远程复测，或记录书面、现场复查。"
    if latest.kind == Recheck.Kind.PAPER:
        outranking = {Recheck.Kind.RESCAN, Recheck.Kind.SITE}
        settled = {Recheck.Result.PASSED, Recheck.Result.FAILED}
        before = next((r for r in rows if r.kind in outranking and r.result in settled), None)
        if before is not None and before.result == Recheck.Result.FAILED:
            return (
                f"此前{before.get_kind_display()}不符合，不能凭书面材料销号；"
                "请再次远程复测或现场复查。"
            )
    return ""


def why_not_on_paper(finding: Finding, rows: list[Recheck]) -> str:
    """Say why paper cannot pass a finding with these re-checks (newest first); "" if it can.

    What can be observed is looked at again: paper stands in only for a look that saw nothing.
    """
    if not finding.observable:
        return ""
    looks = [row for row in rows if row.kind != Recheck.Kind.PAPER]
    if not looks:
        return "此问题可以从外部观测，请先远程复测；未能观测的，再书面复查。"
    if looks[0].result == Recheck.Result.PENDING:
        return "远程复测正在进行，请等结果；未能观测的，再书面复查。"
    return why_not_closable([Recheck(kind=Recheck.Kind.PAPER, result="passed"), *rows])


def why_not_by(rows: list[Recheck], by: User) -> str:
    """Say why this person cannot close what these re-checks (newest first) have passed; "" if
    they can. What a person has judged another one closes; what a look has shown needs only one."""
    latest = next((row for row in rows if row.result != Recheck.Result.PENDING), None)
    if latest is None or latest.kind == Recheck.Kind.RESCAN or latest.by_id != by.pk:
        return ""
    return (
        f"{latest.get_kind_display()}由您记录，须由本机关另一人销号"
        "（其他承办人、审核人或批准人均可）。"
    )


# --- Endings ------------------------------------------------------------------------------------


@transaction.atomic
def close(finding: Finding, *, by: User) -> None:
    """销号: only after a passed 复查; the last one finishes its notice.

    Raises:
        Refused: no 复查 has passed since the last reply, or it was this person who recorded the
            one on paper or on site.
    """
    require_finding(by, "finding.close", finding)
    if finding.status == Finding.Status.TO_RECHECK:
        rows = this_round(finding)
        if reason := why_not_closable(rows) or why_not_by(rows, by):
            raise Refused(reason)
    FINDING.move(finding, "close", by=by, also={"closed_on": today()})
    end_in_notice(finding)
    tell_unit(
        finding.unit,
        title=headline(f"已销号：{finding}"),
        url=reverse("rectification:finding_detail", args=[finding.pk]),
    )


@transaction.atomic
def fail(finding: Finding, *, reason: str, by: User) -> None:
    """复查不通过: back to the unit, with the reason; back to 待整改 where no notice was served."""
    require_finding(by, "finding.recheck", finding)
    item = live_item(finding)
    served = item is not None and item.notice.status in Notice.SERVED_OR_LATER
    FINDING.move(finding, "fail" if served else "fail_open", by=by, reason=reason)
    url = reverse("rectification:finding_detail", args=[finding.pk])
    if item is not None:
        url = notice_url(item.notice)
        _again(item.notice, by, annex=item.annex)
    tell_unit(finding.unit, title=headline(f"复查不通过：{finding}"), body=reason, url=url)


def _again(notice: Notice, by: User, *, annex: bool) -> None:
    """An answered notice is under way again; advice of the annex does not hold it open."""
    lock(notice)
    if notice.status == Notice.Status.REPLIED and not annex:
        NOTICE.move(notice, "again" if notice.received_on else "again_refused", by=by)
