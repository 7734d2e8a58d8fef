"""Filling in: sheets, answers, evidence."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from assessments.actions.base import Conflict, Refused, may_fill
from assessments.lifecycles import SELFCHECK
from assessments.models import (
    Answer,
    AnswerChange,
    Evidence,
    SelfCheck,
    Sheet,
)
from assessments.rules import triage
from assessments.rules.schema import CHOICE_TYPES, Field, Item
from assessments.sheets import (
    triage_codes,
)
from audit.trail import record
from emailsec.lib.classified import ADVICE, is_marked
from emailsec.lib.uploads import Upload, already_there, check_upload
from emailsec.lib.words import storable

MAX_STORED_TEXT = 5000


def ensure_sheets(selfcheck: SelfCheck) -> None:
    """Give an editable self-check the sheets that the triage and the inventory call for: the unit
    sheet, one sheet per system in use, and the 使用单位确认表 of a unit that only uses a shared
    mail system."""
    if selfcheck.archived or not selfcheck.editable:
        return
    selfcheck.sheets.filter(system__retired_on__isnull=False, dropped_at=None).update(
        dropped_at=timezone.now()
    )
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


def _storable(item: Item, field: Field, value: str) -> str:
    """Refuse what no honest page sends. A wrong number or date is kept and shown as a fault:
    a draft must never lose what a person typed."""
    value = storable(value).strip()
    if is_marked(value):
        raise Refused(ADVICE)
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
    may_fill(selfcheck, by)
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
        Refused: the same content stands at the item already; or as in `save_answer`.
        PermissionDenied: as in `save_answer`.
    """
    may_fill(sheet.selfcheck, by)
    checked = check_upload(file)
    same = sheet.evidence.current().filter(item=item.code, sha256=checked.sha256).first()
    if same is not None:
        raise Refused(already_there("本题", same.name))
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
    may_fill(evidence.sheet.selfcheck, by)
    evidence.removed_at = timezone.now()
    evidence.save(update_fields=["removed_at"])
    record("evidence.remove", evidence, by=by, details={"item": evidence.item})
