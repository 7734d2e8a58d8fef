"""Findings: confirmed at 复核, reopened when a cause returns, ended as 误报 or by 移送."""

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from assessments.models import SelfCheck
from audit.trail import record
from emailsec.lib.workdays import today
from inbox.actions import tell_unit
from inventory.models import Unit
from rectification.actions.base import Refused, end_in_notice, headline, require_finding
from rectification.candidates import Candidate, candidates, worse
from rectification.lifecycles import FINDING
from rectification.models import Finding
from rectification.numbers import finding_number

# A finding that is open again has neither an end nor, before a notice, a deadline.
_AFRESH = {"closed_on": None, "due_on": None}


@transaction.atomic
def confirm_findings(selfcheck: SelfCheck, keys: Collection[str], *, by: User) -> list[Finding]:
    """Turn chosen candidates into findings, one per cause.

    A cause that already has an unclosed finding gets the new sources; a cause whose finding was
    closed is reopened, because the same cause has returned. Safe to repeat.

    Args:
        selfcheck: accepted.
        keys: keys of the candidates (`Candidate.key`).
        by: an officer with `finding.confirm` of an office that supervises the unit.

    Raises:
        Refused: not accepted yet, nothing chosen, or a key that is not proposed (stale page).

    Returns:
        The findings that this made, reopened or added to; those confirmed before are left out.
    """
    if not by.can("finding.confirm", selfcheck) or not selfcheck.unit.is_supervised_by(by):
        raise PermissionDenied("finding.confirm")
    if selfcheck.status != SelfCheck.Status.ACCEPTED:
        raise Refused("复核通过后才能确认问题。")
    if not keys:
        raise Refused("请至少选择一个问题。")
    # One row to queue at: two clicks see each other's findings.
    Unit.objects.select_for_update().get(pk=selfcheck.unit_id)
    proposed = {c.key: c for c in candidates(selfcheck)}
    if not set(keys) <= proposed.keys():
        raise Refused("页面已过期，请刷新后重新选择。")
    # What a finding already rests on, the very answers and verdicts, is nothing new.
    chosen = [c for key, c in proposed.items() if key in set(keys) and not c.done]
    findings = [_confirm(selfcheck.unit, candidate, by) for candidate in chosen]
    if findings:
        record(
            "finding.confirm",
            selfcheck,
            by=by,
            details={"numbers": [finding.number for finding in findings]},
        )
        tell_unit(
            selfcheck.unit,
            title=headline(f"复核确认了 {len(findings)} 个需要整改的问题"),
            body="可以先行整改；以收到的整改通知为准。",
            url=f"{reverse('rectification:finding_list')}?status=unclosed",
        )
    return findings


def _confirm(unit: Unit, candidate: Candidate, by: User) -> Finding:
    facts = {
        "title": candidate.title,
        "why": candidate.why,
        "advice": candidate.advice,
        "severity": candidate.severity,
        "major_risk": candidate.urgent,
        "ground": candidate.kept_ground,
        "basis": "；".join(candidate.citations),
        "clauses": " ".join(clause.slug for clause in candidate.ground.clauses),
        "days": candidate.days,
    }
    finding = candidate.existing or candidate.closed
    if finding is None:
        finding = Finding.objects.create(
            number=finding_number(today().year),
            unit=unit,
            system=candidate.system,
            cause=candidate.cause,
            confirmed_by=by,
            **facts,
        )
    elif candidate.existing is None:
        FINDING.move(
            finding,
            "reopen",
            by=by,
            reason="同一根因再次出现",
            also={**_AFRESH, "confirmed_by": by, **facts},
        )
    elif finding.status == Finding.Status.OPEN and not finding.notice_items.live().exists():
        # Nothing printed yet: the worse of the two is the truth.
        finding.severity = worse(finding.severity, candidate.severity)
        finding.major_risk = finding.major_risk or candidate.urgent
        finding.save(update_fields=["severity", "major_risk"])
    for source in candidate.fresh:
        source.finding = finding
    finding.sources.bulk_create(candidate.fresh)
    return finding


@transaction.atomic
def reopen(finding: Finding, *, reason: str, by: User) -> None:
    """重新列为问题: the 销号 did not hold. The finding waits for a notice once more.

    Raises:
        Refused: the same cause already stands in another unclosed finding.
    """
    require_finding(by, "finding.confirm", finding)
    # One row to queue at, as in `confirm_findings`.
    Unit.objects.select_for_update().get(pk=finding.unit_id)
    twins = Finding.objects.unclosed().filter(
        unit=finding.unit_id, system=finding.system_id, cause=finding.cause
    )
    if twin := twins.exclude(pk=finding.pk).first():
        raise Refused(f"同一根因已列为 {twin.number}，不能重复列出。")
    FINDING.move(finding, "reopen", by=by, reason=reason, also=_AFRESH | {"confirmed_by": by})
    tell_unit(
        finding.unit,
        title=headline(f"重新列为问题：{finding}"),
        body=reason,
        url=reverse("rectification:finding_detail", args=[finding.pk]),
    )


@transaction.atomic
def declare_false_alarm(finding: Finding, *, reason: str, by: User) -> None:
    """误报: a person other than the one who confirmed the finding ends it, with the reason.

    Raises:
        Refused: the same person.
    """
    require_finding(by, "notice.approve", finding)
    if finding.confirmed_by_id == by.pk:
        raise Refused("确认问题的人不能自己认定误报，须由另一人确认。")
    FINDING.move(finding, "dispute_upheld", by=by, reason=reason, also={"closed_on": today()})
    end_in_notice(finding)
    tell_unit(
        finding.unit,
        title=headline(f"认定为误报：{finding.number} {finding.title}"),
        body=reason,
        url=reverse("rectification:finding_detail", args=[finding.pk]),
    )


@transaction.atomic
def transfer(finding: Finding, *, reason: str, by: User) -> None:
    """移送: the duty is another authority's to enforce; the reason names where it went.

    Raises:
        Refused: the finding stands in a notice of ours.
    """
    require_finding(by, "notice.approve", finding)
    if finding.notice_items.live().exists():
        raise Refused("此问题已列入整改通知，请先作废通知。")
    FINDING.move(finding, "transfer", by=by, reason=reason)
