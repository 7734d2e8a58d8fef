"""限期整改通知书: from a numbered notice to its paper."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from emailsec.lib.words import u_label
from rectification.models import Finding, Ground, Notice
from rectification.trail import standing
from reports.mapping import NOWHERE, Incomplete
from reports.mapping.findings import (
    found_by,
    letters_of,
    said_of,
    seen_days,
    seen_of,
    with_sources,
)
from reports.mapping.parties import office_of, unit_of
from reports.paper import contexts as paper

# Printed where no confirmed clause is behind an item of the annex.
DRAFTS: Final = frozenset({Notice.Status.DRAFTED, Notice.Status.CHECKED})
NO_CLAUSE: Final = "安全建议，供参考"
NO_REQUIREMENT: Final = "请采取措施消除上述问题，并保存整改前后的佐证材料。"


NO_NUMBER: Final = "待编号"


def notice_paper(notice: Notice, verification: paper.Verification) -> paper.NoticePaper:
    """Return the paper of a notice that has its number.

    Raises:
        Incomplete: the notice lacks something that its paper must say (Chinese).
    """
    if notice.approved_on is None or not notice.number:
        raise Incomplete("通知尚未批准编号。")
    return _paper(notice, verification)


def draft_paper(notice: Notice) -> paper.NoticePaper:
    """Return what the paper of a draft would say: no number, no day of issue, no code.

    Raises:
        Incomplete: the draft lacks something that its paper must say (Chinese).
    """
    if notice.status not in DRAFTS:
        raise Incomplete("通知不在拟稿、审核中，没有预览稿。")
    return _paper(notice, NOWHERE)


def _paper(notice: Notice, verification: paper.Verification) -> paper.NoticePaper:
    rows = list(
        notice.items.select_related("finding__system").prefetch_related(with_sources("finding__"))
    )
    ordered = [row.finding for row in rows if not row.annex]
    advised = [row.finding for row in rows if row.annex]
    if not ordered:
        raise Incomplete("通知没有可以责令整改的问题。")
    everything = [*ordered, *advised]
    try:
        return paper.NoticePaper(
            office=office_of(notice.office, contact=notice.drafted_by.name),
            unit=unit_of(notice.unit),
            number=notice.number or NO_NUMBER,
            issued_on=notice.approved_on,
            deadline=notice.original_deadline or notice.deadline,
            findings=tuple(_finding(one) for one in ordered),
            advice=tuple(_finding(one) for one in advised),
            verification=verification,
            file=_file(notice) if notice.approved_on else None,
            selfcheck=_selfcheck(everything),
            probe=_probe(everything),
        )
    except ValueError as error:
        raise Incomplete(_why(notice, everything)) from error


def _finding(finding: Finding) -> paper.Finding:
    bases = tuple(part for part in finding.basis.split("；") if part)
    if not bases and finding.ground not in {Ground.STATUTE, Ground.STANDARD}:
        bases = (NO_CLAUSE,)
    return paper.Finding(
        number=finding.number,
        sentence=finding.title,
        severity=finding.get_severity_display(),
        system=system_name(finding),
        found_by=found_by(finding),
        ground=paper.Ground(finding.ground),
        bases=bases,
        requirement=finding.advice or NO_REQUIREMENT,
        said=said_of(finding),
        seen=seen_of(finding),
        major_risk=finding.major_risk,
    )


def system_name(finding: Finding) -> str:
    """The mail system with the domains concerned, "" for the whole unit."""
    if finding.system is None:
        return ""
    domains = sorted({u_label(s.domain) for s in finding.sources.all() if s.domain})
    return f"{finding.system.name}（{'、'.join(domains)}）" if domains else finding.system.name


def _selfcheck(findings: Iterable[Finding]) -> paper.SelfCheckSource | None:
    days: list[date] = [
        source.sheet.selfcheck.submitted_on
        for finding in findings
        for source in finding.sources.all()
        if source.sheet is not None and source.sheet.selfcheck.submitted_on is not None
    ]
    return paper.SelfCheckSource(submitted_on=max(days)) if days else None


def _probe(findings: list[Finding]) -> paper.ProbeSource | None:
    days = seen_days(findings)
    if days is None:
        return None
    return paper.ProbeSource(
        first_day=days[0], last_day=days[1], authorization_number=letters_of(findings)
    )


def _file(notice: Notice) -> paper.NoticeFile:
    assert notice.approved_on is not None
    checked = standing(list(notice.changes.select_related("by")), "check")
    approver = notice.approved_by
    return paper.NoticeFile(
        handlers=(notice.drafted_by.name,),
        checker=checked.by.name if checked and checked.by else "",
        approver=approver.name if approver else "",
        approved_on=notice.approved_on,
        issued_by=notice.drafted_by.name,
    )


def _why(notice: Notice, findings: Iterable[Finding]) -> str:
    """What a person can put right, where a context refused to exist."""
    for finding in findings:
        if not finding.basis and finding.ground in {Ground.STATUTE, Ground.STANDARD}:
            return f"问题 {finding.number} 没有印出的依据。"
        if not finding.sources.all():
            return f"问题 {finding.number} 没有来源。"
    if notice.approved_on and notice.deadline <= notice.approved_on:
        return "整改期限不晚于批准日期。"
    return "问题的来源或依据不完整，请核对各项问题后作废重拟。"
