"""Answers that an honest, well-run unit would give: found by asking the evaluator itself."""

from collections.abc import Mapping
from datetime import timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import User
from assessments.definitions import publish
from assessments.models import Answer, Campaign, Evidence, SelfCheck, Sheet
from assessments.rules import evaluate as rules
from assessments.rules.schema import Field
from assessments.sheets import LoadedSheet, load_sheets
from inventory.models import Office, Unit

QUESTIONNAIRE = "assessments/questionnaires/2026-1.toml"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

Ref = tuple[str, str]


def open_selfcheck(unit: Unit, office: Office, *, days: int = 20) -> SelfCheck:
    """A published campaign of `office` with the self-check of `unit`, its sheets made."""
    from pathlib import Path

    from assessments import actions

    version, _ = publish(Path(QUESTIONNAIRE))
    campaign = Campaign.objects.create(
        office=office,
        title="2026年电子邮件系统安全专项检查",
        questionnaire=version,
        status=Campaign.Status.PUBLISHED,
        deadline=timezone.localdate() + timedelta(days=days),
    )
    selfcheck = SelfCheck.objects.create(campaign=campaign, unit=unit, questionnaire=version)
    actions.ensure_sheets(selfcheck)
    return selfcheck


def _guesses(field: Field, sheet: LoadedSheet) -> list[str]:
    """Values worth trying for a field, the likely best first."""
    if field.type in {"single", "yn4", "multi"}:
        return [
            o.code
            for o in field.options
            if o.code not in {"unknown", "na"} and (o.when is None or o.when.holds(sheet.judged))
        ]
    if field.type == "number":
        low = int(field.minimum or 0)
        return [
            str(v)
            for v in (low, 12, 100, 365, 1, 0)
            if v >= low and (field.maximum is None or v <= field.maximum)
        ]
    if field.type == "date":
        return [(sheet.judged.facts.on - timedelta(days=3)).isoformat()]
    return ["已落实，有记录可查。"]


def _score(outcome: rules.Outcome) -> int:
    return {"high": 30, "medium": 20, "low": 10}.get(outcome.severity, 0) + 5 * bool(outcome.faults)


def honest_answers(sheet: LoadedSheet, wanted: Mapping[Ref, str] | None = None) -> dict[Ref, str]:
    """Values for every field that the sheet still misses, conforming wherever possible.

    Args:
        wanted: values to take as they are, e.g. {("M-1002", "days"): "90"}.
    """
    given: dict[Ref, str] = {}
    judged = sheet.judged
    base = {ref: a.value for ref, a in sheet.answers.items()} | {
        (i, f): judged.value(i, f)
        for i, f, _ in sheet.definition.sources()
        if sheet.definition.scope_of[i] == sheet.row.scope_name
    }
    base |= wanted or {}
    given |= {
        r: v
        for r, v in (wanted or {}).items()
        if sheet.definition.scope_of.get(r[0]) == sheet.row.scope_name
    }

    def view(values: Mapping[Ref, str]) -> rules.Sheet:
        return rules.Sheet(
            sheet.definition, sheet.row.scope_name, values, judged.facts, judged.evidenced
        )

    for _ in range(6):
        outcomes = rules.evaluate(view(base))
        gaps = [
            (i, f) for i, f in rules.missing(outcomes) if f != "evidence" and (i, f) not in given
        ]
        if not gaps:
            break
        for item_code, field_code in gaps:
            item = sheet.definition.item(item_code)
            best = min(
                _guesses(item.field(field_code), sheet),
                key=lambda v: _score(view(base | {(item_code, field_code): v}).outcome(item)),
            )
            base[item_code, field_code] = given[item_code, field_code] = best
    # Fields judged together (trained of users) need a second look once all of them are there.
    for ref in [r for r in given if r not in (wanted or {})]:
        item = sheet.definition.item(ref[0])
        if _score(view(base).outcome(item)):
            best = min(
                [base[ref], *_guesses(item.field(ref[1]), sheet)],
                key=lambda v: _score(view(base | {ref: v}).outcome(item)),
            )
            base[ref] = given[ref] = best
    return given


def fill(selfcheck: SelfCheck, by: User, wanted: Mapping[Ref, str] | None = None) -> None:
    """Complete all sheets of a self-check directly as rows, evidence included."""
    now = timezone.now()
    for sheet in load_sheets(selfcheck):
        rows = [
            Answer(sheet=sheet.row, item=i, field=f, value=v, updated_by=by, updated_at=now)
            for (i, f), v in honest_answers(sheet, wanted).items()
        ]
        Answer.objects.bulk_create(rows)
    for sheet in load_sheets(selfcheck):
        for item_code, field_code in sheet.missing:
            if field_code == "evidence":
                add_file(sheet.row, item_code, by)
    SelfCheck.objects.filter(pk=selfcheck.pk, status="not_started").update(status="filling")
    selfcheck.refresh_from_db()


def add_file(sheet: Sheet, item: str, by: User) -> Evidence:
    return Evidence.objects.create(
        sheet=sheet,
        item=item,
        file=ContentFile(PDF, name="x.pdf"),
        name="佐证.pdf",
        kind="pdf",
        size=len(PDF),
        sha256="0" * 64,
        uploaded_by=by,
    )


def complete_inventory(unit: Unit) -> None:
    """Give a unit and its systems every fact that the questionnaire takes from the inventory."""
    today = timezone.localdate()
    unit.address, unit.competent_department = "甲市政务大道1号", "甲市人民政府办公室"
    unit.save()
    for role in ("leader", "head", "liaison"):
        unit.contacts.update_or_create(
            role=role,
            defaults={
                "name": "王某",
                "title": "科长",
                "department": "办公室",
                "mobile": "13900000001",
                "office_phone": "0000-7654321",
            },
        )
    for system in unit.systems.all():
        unit.registered_domains.get_or_create(name=system.domains.get().name)
        for kind, host in (("mx", "mx"), ("submission", "mx"), ("imap", "mx"), ("webmail", "mail")):
            system.endpoints.get_or_create(kind=kind, host=f"{host}.{system.domains.get().name}")
        facts = {
            "product": "Postfix", "version": "3.9.1", "maker": "自行部署", "maker_uscc": "91110000600037341L",
            "maker_contact": "李某", "maker_phone": "0000-7654322", "service_scope": "staff",
            "hosting_place": "own_room", "hosting_detail": "甲市政务中心机房", "accounts_total": 320,
            "accounts_active": 300, "accounts_idle": 20, "access_methods": "webmail,imap,submission",
            "icp_number": "丙ICP备00000001号", "police_record": "37010002000001", "grade": 2,
            "graded_on": today - timedelta(days=700), "filing_state": "filed",
            "filing_number": "37010099001-21001", "filed_on": today - timedelta(days=690),
        }  # fmt: skip
        for name, value in facts.items():
            setattr(system, name, value)
        system.started_on = today - timedelta(days=710)
        system.save()
