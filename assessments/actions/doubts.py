"""疑点: where an answer and a confirmed verdict disagree, and what people say of it."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from assessments.actions.base import Refused, is_reviewer, may_fill, not_over, note
from assessments.models import (
    Campaign,
    Contradiction,
    SelfCheck,
)
from assessments.rules.meeting import meet
from assessments.rules.schema import Item
from assessments.sheets import LoadedSheet, SeenVerdict, load_sheets
from audit.trail import record
from scans.models import Result, ScanRun


@transaction.atomic
def sync_contradictions(selfcheck: SelfCheck, sheets: list[LoadedSheet] | None = None) -> None:
    """Bring the 疑点 of a self-check up to date.

    A new disagreement opens a row; one that no longer holds becomes "resolved". A look that could
    not observe it again clears nothing: then the verdict that the row rests on still speaks. What
    a person decided stays decided.
    """
    sheets = load_sheets(selfcheck) if sheets is None else sheets
    for sheet in sheets:
        seen_rows = {(v.rule, v.subject): v.row for v in sheet.verdicts}
        unseen = {(v.rule, v.subject) for v in sheet.verdicts if v.result == Result.UNKNOWN}
        known = {
            (c.item, c.rule, c.domain): c for rows in sheet.contradictions.values() for c in rows
        }
        still: set[tuple[str, str, str]] = set()
        for item in sheet.definition.items_of(sheet.row.scope_name):
            for meeting in sheet.meetings(item):
                if meeting.kind not in {"contradicts", "awaiting"}:
                    continue
                key = (item.code, meeting.rule, meeting.subject)
                still.add(key)
                if meeting.kind == "contradicts":
                    verdict = seen_rows[meeting.rule, meeting.subject]
                    said = sheet.display(item, meeting.field)[:200]
                    _open_contradiction(sheet, item, key, verdict.pk, said, verdict.text, known)
        for key, row in known.items():
            if key in still or row.status not in Contradiction.UNDECIDED:
                continue
            if key[1:] in unseen and _still_contradicts(sheet, row):
                continue
            row.status = Contradiction.Status.RESOLVED
            row.save(update_fields=["status"])


def _still_contradicts(sheet: LoadedSheet, row: Contradiction) -> bool:
    """Whether the verdict that the row rests on contradicts the answer as it stands now."""
    item = sheet.definition.item(row.item)
    meetings = meet(item, sheet.judged, [SeenVerdict(row.verdict)])
    return any(one.kind == "contradicts" for one in meetings)


def _open_contradiction(
    sheet: LoadedSheet,
    item: Item,
    key: tuple[str, str, str],
    verdict_id: int,
    said: str,
    seen: str,
    known: dict[tuple[str, str, str], Contradiction],
) -> None:
    row = known.get(key)
    if row is None:
        row = Contradiction.objects.create(
            sheet=sheet.row,
            item=item.code,
            rule=key[1],
            domain=key[2],
            verdict_id=verdict_id,
            said=said,
            seen=seen,
        )
        known[key] = row
        sheet.contradictions.setdefault(item.code, []).append(row)
    elif row.status == "resolved" or (
        row.status == "open" and (row.said, row.seen) != (said, seen)
    ):
        row.status, row.said, row.seen = Contradiction.Status.OPEN, said, seen
        row.verdict_id = verdict_id
        row.save(update_fields=["status", "said", "seen", "verdict"])


@transaction.atomic
def explain_contradiction(contradiction: Contradiction, text: str, *, by: User) -> None:
    """The unit explains why answer and observation differ."""
    may_fill(contradiction.sheet.selfcheck, by)
    contradiction.explanation = note(text, ask="请写明填报与观测不同的原因。")
    contradiction.status = Contradiction.Status.EXPLAINED
    contradiction.save(update_fields=["explanation", "status"])
    record("contradiction.explain", contradiction, by=by)


@transaction.atomic
def decide_contradiction(
    contradiction: Contradiction, *, uphold: bool, reason: str, by: User
) -> None:
    """The office decides: the observation holds, or it is dismissed with a reason."""
    selfcheck = contradiction.sheet.selfcheck
    if not is_reviewer(by, selfcheck):
        raise PermissionDenied("selfcheck.review")
    not_over(selfcheck)
    if selfcheck.status != SelfCheck.Status.TO_REVIEW:
        raise Refused("只有待复核的自查表可以裁定疑点。")
    reason = note(reason, ask="" if uphold else "排除疑点须写明理由。")
    status = Contradiction.Status.UPHELD if uphold else Contradiction.Status.DISMISSED
    contradiction.status = status
    contradiction.decision_note = reason
    contradiction.decided_by = by
    contradiction.save(update_fields=["status", "decision_note", "decided_by"])
    record("contradiction.decide", contradiction, by=by, details={"decision": status})


def ingest_run(run_id: int) -> bool:
    """Take in one finished run: refresh the 疑点 of the unit's open self-checks.

    Claims by conditional UPDATE, so that two workers never take the same run.
    """

    with transaction.atomic():
        won = ScanRun.objects.filter(pk=run_id, ingested_at=None).update(ingested_at=timezone.now())
        if not won:
            return False
        run = ScanRun.objects.select_related("domain__system").get(pk=run_id)
        open_checks = SelfCheck.objects.filter(
            status__in=["filling", "to_sign", "to_review"],
            unit_id=run.domain.system.unit_id,
            campaign__status__in=Campaign.TAKING,
        ).select_related("unit", "campaign", "questionnaire")
        for selfcheck in open_checks:
            sync_contradictions(selfcheck)
    return True
