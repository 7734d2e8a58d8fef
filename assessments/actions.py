"""What units and offices do to self-checks. Every verb is one transaction with its record."""

import datetime as dt
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from assessments.lifecycles import CAMPAIGN, SELFCHECK
from assessments.models import (
    Answer,
    AnswerChange,
    CallRecord,
    Campaign,
    Contradiction,
    Evidence,
    ReviewRemark,
    SelfCheck,
    Sheet,
    SignOff,
)
from assessments.rules import triage
from assessments.rules.schema import CHOICE_TYPES, Field, Item
from assessments.sheets import (
    LoadedSheet,
    conclude,
    content_digest,
    load_sheets,
    triage_codes,
)
from audit.trail import record
from emailsec.lib.uploads import Upload, check_upload
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit
from inventory.models import Supervision, Unit

MAX_STORED_TEXT = 5000


class Refused(Exception):
    """A rule of the self-check forbids the act; `str(error)` is Chinese, meant for the person."""


@dataclass
class Conflict(Exception):
    """Somebody else saved the same answer first; `current` is what is stored now."""

    current: Answer


# --- Campaigns ------------------------------------------------------------------------------


@transaction.atomic
def publish_campaign(campaign: Campaign, *, by: User) -> int:
    """Publish and ask every unit that the campaign's office supervises; return how many."""
    CAMPAIGN.move(campaign, "publish", by=by)
    return enrol(campaign)


def enrol(campaign: Campaign) -> int:
    """Add self-checks for supervised units that have none yet, set-based; safe to repeat."""
    supervised = Supervision.objects.filter(
        unit=OuterRef("pk"), office__path__startswith=campaign.office.path
    )
    already = SelfCheck.objects.filter(unit=OuterRef("pk"), campaign=campaign)
    units = Unit.objects.filter(Exists(supervised), ~Exists(already)).values_list("pk", flat=True)
    rows = [
        SelfCheck(campaign=campaign, unit_id=pk, questionnaire_id=campaign.questionnaire_id)
        for pk in units
    ]
    SelfCheck.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    return len(rows)


# --- Filling in -----------------------------------------------------------------------------


def ensure_sheets(selfcheck: SelfCheck) -> None:
    """Give an editable self-check the sheets that the triage and the inventory call for: the unit
    sheet, one sheet per system in use, and the 使用单位确认表 of a unit that only uses a shared
    mail system."""
    if not selfcheck.editable:
        return
    have = set(selfcheck.sheets.values_list("kind", "system_id"))
    want: set[tuple[str, int | None]] = {(Sheet.Kind.UNIT, None)}
    systems = selfcheck.unit.systems.filter(retired_on=None).values_list("pk", flat=True)
    want |= {(Sheet.Kind.SYSTEM, pk) for pk in systems}
    if triage.short_sheet(triage_codes(selfcheck)):
        want.add((Sheet.Kind.USER, None))
    rows = [
        Sheet(selfcheck=selfcheck, kind=kind, system_id=pk)
        for kind, pk in sorted(want - have, key=lambda one: (one[1] or 0, one[0]))
    ]
    if rows:
        Sheet.objects.bulk_create(rows, ignore_conflicts=True)


def _may_fill(selfcheck: SelfCheck, by: User) -> None:
    if not by.can("selfcheck.fill", selfcheck):
        raise PermissionDenied("selfcheck.fill")
    if not selfcheck.editable:
        raise Refused(
            f"自查表当前为“{selfcheck.get_status_display()}”，不能修改；如需修改请先撤回或等待退回。"
        )


def _storable(item: Item, field: Field, value: str) -> str:
    """Refuse what no honest page sends. A wrong number or date is kept and shown as a fault:
    a draft must never lose what a person typed."""
    value = value.strip()
    if len(value) > MAX_STORED_TEXT:
        raise Refused(f"内容过长：最多 {MAX_STORED_TEXT} 字，现为 {len(value)} 字。")
    if value and field.type in CHOICE_TYPES and not field.options_from:
        allowed = {option.code for option in field.options}
        if item.unknown:
            allowed.add("unknown")
        if item.na and field is item.main:
            allowed.add("na")
        if not set(value.split(",")) <= allowed:
            raise Refused("请从选项中选择。")
    return value


@transaction.atomic
def save_answer(
    sheet: Sheet, item: Item, field: Field, value: str, *, seen_version: int, by: User
) -> Answer:
    """Save one field; the first save of a self-check starts it.

    Args:
        sheet: the sheet, its self-check loaded.
        item, field: from the pinned questionnaire; a field with a source is refused, because
            the inventory holds it.
        value: plain text form (see assessments.models.Answer).
        seen_version: version that the person's page showed; 0 where it showed none.
        by: the filler.

    Raises:
        Conflict: the stored version is another one.
        Refused: not editable, or a value that is no option.
        PermissionDenied: not a filler of this unit.
    """
    selfcheck = sheet.selfcheck
    _may_fill(selfcheck, by)
    if field.source:
        raise Refused("此项取自单位台账，请在台账中修改。")
    value = _storable(item, field, value)
    if selfcheck.status == SelfCheck.Status.NOT_STARTED:
        SELFCHECK.move(selfcheck, "start", by=by)
    key = {"sheet": sheet, "item": item.code, "field": field.code}
    now = timezone.now()
    if seen_version == 0:
        try:
            with transaction.atomic():
                answer = Answer.objects.create(**key, value=value, updated_by=by, updated_at=now)
        except IntegrityError:
            raise Conflict(Answer.objects.select_related("updated_by").get(**key)) from None
    else:
        won = Answer.objects.filter(**key, version=seen_version).update(
            value=value,
            version=seen_version + 1,
            source=Answer.Source.WEB,
            updated_by=by,
            updated_at=now,
        )
        current = Answer.objects.select_related("updated_by").filter(**key).first()
        if current is None:
            raise Refused("此答案不存在，请刷新页面后重填。")
        if not won:
            raise Conflict(current)
        answer = current
    AnswerChange.objects.create(
        answer=answer, value=value, version=answer.version, source=answer.source, by=by, at=now
    )
    return answer


@transaction.atomic
def add_evidence(sheet: Sheet, item: Item, file: Upload, *, by: User) -> Evidence:
    """Keep a checked file beside an item.

    Raises:
        ValidationError: size, kind or content (Chinese).
        Refused, PermissionDenied: as in `save_answer`.
    """
    _may_fill(sheet.selfcheck, by)
    checked = check_upload(file)
    if sheet.selfcheck.status == SelfCheck.Status.NOT_STARTED:
        SELFCHECK.move(sheet.selfcheck, "start", by=by)
    evidence = Evidence.objects.create(
        sheet=sheet,
        item=item.code,
        file=file,
        name=checked.name,
        kind=checked.kind,
        size=checked.size,
        sha256=checked.sha256,
        uploaded_by=by,
    )
    record("evidence.add", evidence, by=by, details={"item": item.code, "sha256": checked.sha256})
    return evidence


@transaction.atomic
def remove_evidence(evidence: Evidence, *, by: User) -> None:
    """Take a file off the sheet; the row and its hash stay."""
    _may_fill(evidence.sheet.selfcheck, by)
    evidence.removed_at = timezone.now()
    evidence.save(update_fields=["removed_at"])
    record("evidence.remove", evidence, by=by, details={"item": evidence.item})


# --- Said against seen ----------------------------------------------------------------------


@transaction.atomic
def sync_contradictions(selfcheck: SelfCheck, sheets: list[LoadedSheet] | None = None) -> int:
    """Bring the 疑点 of a self-check up to date; return how many stand open.

    A new disagreement opens a row; one that no longer holds becomes "resolved". What a person
    decided stays decided.
    """
    sheets = load_sheets(selfcheck) if sheets is None else sheets
    standing = 0
    for sheet in sheets:
        seen_rows = {(v.rule, v.subject): v.row for v in sheet.verdicts}
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
            if key not in still and row.status in {"open", "explained"}:
                row.status = Contradiction.Status.RESOLVED
                row.save(update_fields=["status"])
        standing += sum(row.status == "open" for row in known.values())
    return standing


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
    _may_fill(contradiction.sheet.selfcheck, by)
    if not text.strip():
        raise Refused("请填写说明。")
    contradiction.explanation = text.strip()[:500]
    contradiction.status = Contradiction.Status.EXPLAINED
    contradiction.save(update_fields=["explanation", "status"])
    record("contradiction.explain", contradiction, by=by)


@transaction.atomic
def decide_contradiction(
    contradiction: Contradiction, *, uphold: bool, note: str, by: User
) -> None:
    """The office decides: the observation holds, or it is dismissed with a reason."""
    selfcheck = contradiction.sheet.selfcheck
    if not by.can("selfcheck.review", selfcheck):
        raise PermissionDenied("selfcheck.review")
    if selfcheck.status != SelfCheck.Status.TO_REVIEW:
        raise Refused("只有待复核的自查表可以裁定疑点。")
    if not uphold and not note.strip():
        raise Refused("排除疑点须写明理由。")
    status = Contradiction.Status.UPHELD if uphold else Contradiction.Status.DISMISSED
    contradiction.status = status
    contradiction.decision_note = note.strip()[:500]
    contradiction.decided_by = by
    contradiction.save(update_fields=["status", "decision_note", "decided_by"])
    record("contradiction.decide", contradiction, by=by, details={"decision": status})


# --- Submission and signature ---------------------------------------------------------------


def missing_of(sheets: list[LoadedSheet]) -> list[tuple[LoadedSheet, str, str]]:
    """(sheet, item, field) of everything that stands between the unit and submission."""
    return [(sheet, item, field) for sheet in sheets for item, field in sheet.missing]


def unregistered(sheets: list[LoadedSheet]) -> str:
    """Why the unit must register a mail system first (Chinese); "" if it need not."""
    unit_sheet = next(s for s in sheets if s.row.kind == Sheet.Kind.UNIT)
    codes = triage.codes_of(unit_sheet.judged.value(*triage.TRIAGE))
    if triage.system_sheets(codes) and not any(s.row.system_id for s in sheets):
        return "本单位自建或购买了邮箱，还没有登记邮件系统；请先登记，再填写该系统的自查表。"
    return ""


@transaction.atomic
def submit(selfcheck: SelfCheck, *, by: User) -> None:
    """Freeze the answers and hand them to the unit's leader for signature.

    Inventory values are snapshotted as answers, so that later edits of the inventory do not
    change what was signed.

    Raises:
        Refused: something is missing, or no system is registered.
    """
    _may_fill(selfcheck, by)
    ensure_sheets(selfcheck)
    sheets = load_sheets(selfcheck)
    if reason := unregistered(sheets):
        raise Refused(reason)
    gaps = missing_of(sheets)
    if gaps:
        raise Refused(f"还有 {len(gaps)} 处未填完，请先补充。")
    now = timezone.now()
    for sheet in sheets:
        _snapshot_sources(sheet, by, now)
    sync_contradictions(selfcheck, sheets)
    SELFCHECK.move(selfcheck, "submit", by=by, also={"submitted_on": today()})
    tell_unit(
        selfcheck.unit,
        title=f"请审签：{selfcheck.campaign.title}",
        body="填报人已提交自查表，请核对后在线审签，或打印盖章后上传。",
        url=reverse("assessments:summary", args=[selfcheck.pk]),
        roles=(Role.SIGNER,),
    )


def _snapshot_sources(sheet: LoadedSheet, by: User, now: dt.datetime) -> None:
    for code, field, _path in sheet.definition.sources():
        value = sheet.judged.value(code, field)
        answer = sheet.answers.get((code, field))
        if (answer is None and not value) or (answer is not None and answer.value == value):
            continue
        if answer is None:
            answer = Answer(sheet=sheet.row, item=code, field=field, version=0)
        answer.value, answer.version = value, answer.version + 1
        answer.source, answer.updated_by, answer.updated_at = Answer.Source.INVENTORY, by, now
        answer.save()
        AnswerChange.objects.create(
            answer=answer,
            value=value,
            version=answer.version,
            source=answer.source,
            by=by,
            at=now,
        )


def _hand_in(selfcheck: SelfCheck, signoff: SignOff, action: str, *, by: User) -> None:
    signoff.save()
    SELFCHECK.move(selfcheck, action, by=by, also={"returned": False})
    record(
        "selfcheck.signoff",
        selfcheck,
        by=by,
        details={"method": signoff.method, "digest": signoff.digest},
    )
    tell_office(
        selfcheck.unit.police_office(),
        title=f"{selfcheck.unit}已报送自查表",
        url=reverse("assessments:review", args=[selfcheck.pk]),
        roles=(Role.CASE_OFFICER,),
    )


@transaction.atomic
def sign_online(selfcheck: SelfCheck, *, digest: str, by: User) -> SignOff:
    """The leader signs what was on the screen.

    Args:
        digest: content digest printed on the page that the leader read.

    Raises:
        Refused: the content is no longer the one that was read.
    """
    if content_digest(load_sheets(selfcheck)) != digest:
        raise Refused("自查表内容已变化，请刷新页面核对后再审签。")
    signoff = SignOff(selfcheck=selfcheck, method=SignOff.Method.ONLINE, digest=digest, by=by)
    _hand_in(selfcheck, signoff, "sign", by=by)
    return signoff


@transaction.atomic
def sign_stamped(selfcheck: SelfCheck, file: Upload, *, digest_head: str, by: User) -> SignOff:
    """The filler uploads the printed, stamped sheet.

    Args:
        digest_head: the first eight characters of the digest printed on the paper.

    Raises:
        Refused: the paper is of another content.
        ValidationError: the file (Chinese).
    """
    digest = content_digest(load_sheets(selfcheck))
    if digest_head.strip().lower() != digest[:8]:
        raise Refused("纸质件页脚的内容摘要与当前内容不一致，请重新打印、盖章后上传。")
    checked = check_upload(file, kinds=("pdf", "png", "jpg"))
    signoff = SignOff(
        selfcheck=selfcheck,
        method=SignOff.Method.STAMPED,
        digest=digest,
        scan=file,
        scan_name=checked.name,
        by=by,
    )
    _hand_in(selfcheck, signoff, "sign_stamped", by=by)
    return signoff


@transaction.atomic
def refuse_signature(selfcheck: SelfCheck, *, reason: str, by: User) -> None:
    """The leader sends the sheet back to the filler."""
    SELFCHECK.move(selfcheck, "refuse", by=by, reason=reason, also={"submitted_on": None})
    tell_unit(
        selfcheck.unit,
        title="审签人退回了自查表",
        body=reason,
        url=reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
        roles=(Role.FILLER,),
    )


@transaction.atomic
def withdraw(selfcheck: SelfCheck, *, by: User) -> None:
    """The filler takes the sheet back before it is signed."""
    SELFCHECK.move(selfcheck, "withdraw", by=by, also={"submitted_on": None})


# --- Review ---------------------------------------------------------------------------------


def _may_review(selfcheck: SelfCheck, by: User) -> None:
    if not by.can("selfcheck.review", selfcheck):
        raise PermissionDenied("selfcheck.review")
    if selfcheck.status != SelfCheck.Status.TO_REVIEW:
        raise Refused(f"自查表当前为“{selfcheck.get_status_display()}”，不在复核中。")


@transaction.atomic
def add_remark(sheet: Sheet, item: Item, text: str, *, by: User) -> ReviewRemark:
    """Note at an item what the unit must correct; sent with the return."""
    _may_review(sheet.selfcheck, by)
    if not text.strip():
        raise Refused("请填写意见。")
    remark, _ = ReviewRemark.objects.update_or_create(
        sheet=sheet,
        item=item.code,
        sent_at=None,
        closed_at=None,
        defaults={"text": text.strip()[:500], "by": by},
    )
    return remark


@transaction.atomic
def drop_remark(remark: ReviewRemark, *, by: User) -> None:
    """Take back a remark that was not sent yet."""
    _may_review(remark.sheet.selfcheck, by)
    if remark.sent_at is not None:
        raise Refused("意见已随退回发出，不能删除。")
    remark.delete()


@transaction.atomic
def return_to_unit(selfcheck: SelfCheck, *, reason: str, by: User) -> int:
    """Send the sheet back with its remarks; the signature is void. Return the remarks sent."""
    _may_review(selfcheck, by)
    remarks = ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, sent_at=None)
    count = remarks.count()
    if not count and not reason.strip():
        raise Refused("请至少写一条逐项意见或总体理由。")
    now = timezone.now()
    remarks.update(sent_at=now)
    selfcheck.signoffs.filter(voided_at=None).update(voided_at=now)
    SELFCHECK.move(
        selfcheck,
        "return",
        by=by,
        reason=reason.strip() or f"请按 {count} 条逐项意见修改。",
        also={"submitted_on": None, "returned": True},
    )
    tell_unit(
        selfcheck.unit,
        title=f"自查表被退回：{count} 条意见",
        body=reason,
        url=reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
        roles=(Role.FILLER, Role.SIGNER),
    )
    return count


@transaction.atomic
def accept(selfcheck: SelfCheck, *, by: User) -> None:
    """Pass the review: the self-check is frozen and its conclusion dated.

    Raises:
        Refused: a 疑点 is undecided, or remarks were written but not sent.
    """
    _may_review(selfcheck, by)
    undecided = Contradiction.objects.filter(
        sheet__selfcheck=selfcheck, status__in=["open", "explained"]
    ).count()
    if undecided:
        raise Refused(f"还有 {undecided} 处疑点未裁定，请先逐项裁定。")
    if ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, sent_at=None).exists():
        raise Refused("还有未发出的逐项意见；请退回修改，或先删除这些意见。")
    result = conclude(load_sheets(selfcheck))
    upheld = Contradiction.objects.filter(sheet__selfcheck=selfcheck, status="upheld").exists()
    conclusion = result.code
    if upheld and conclusion == "clean":
        conclusion = "problems"
    ReviewRemark.objects.filter(sheet__selfcheck=selfcheck, closed_at=None).update(
        closed_at=timezone.now()
    )
    SELFCHECK.move(
        selfcheck, "accept", by=by, also={"conclusion": conclusion, "concluded_on": today()}
    )
    tell_unit(
        selfcheck.unit,
        title="自查表已复核通过",
        body=f"审核结论：{selfcheck.get_conclusion_display()}",
        url=reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
    )


@transaction.atomic
def record_call(selfcheck: SelfCheck, *, spoke_with: str, note: str, by: User) -> CallRecord:
    """Keep the record of a call made to urge a unit."""
    if not by.can("call.record", selfcheck):
        raise PermissionDenied("call.record")
    call = CallRecord.objects.create(selfcheck=selfcheck, spoke_with=spoke_with, note=note, by=by)
    record("selfcheck.call", selfcheck, by=by, details={"spoke_with": spoke_with})
    return call


# --- What the scans left behind -------------------------------------------------------------


def ingest_run(run_id: int) -> bool:
    """Take in one finished run: refresh the 疑点 of the unit's open self-checks.

    Claims by conditional UPDATE, so that two workers never take the same run.
    """
    from scans.models import ScanRun

    with transaction.atomic():
        won = ScanRun.objects.filter(pk=run_id, ingested_at=None).update(ingested_at=timezone.now())
        if not won:
            return False
        run = ScanRun.objects.select_related("domain__system").get(pk=run_id)
        open_checks = SelfCheck.objects.filter(
            Q(status__in=["filling", "to_sign", "to_review"]), unit_id=run.domain.system.unit_id
        ).select_related("unit", "campaign", "questionnaire")
        for selfcheck in open_checks:
            sync_contradictions(selfcheck)
    return True
