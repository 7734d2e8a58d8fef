"""Answers that an honest, well-run unit would give: found by asking the evaluator itself."""

from collections.abc import Mapping
from datetime import timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.models import User
from assessments.definitions import publish
from assessments.models import Answer, Campaign, Evidence, SelfCheck, Sheet
from assessments.sheets import load_sheets
from emailsec.demo.answers import Ref, honest_answers
from inventory.models import Office, Unit
from tests.files import PDF, PDF_SHA256

QUESTIONNAIRE = "assessments/questionnaires/2026-1.toml"


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
        sha256=PDF_SHA256,
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
            "product": "Postfix",
            "version": "3.9.1",
            "maker": "自行部署",
            "maker_uscc": "91110000600037341L",
            "maker_contact": "李某",
            "maker_phone": "0000-7654322",
            "service_scope": "staff",
            "hosting_place": "own_room",
            "hosting_detail": "甲市政务中心机房",
            "accounts_total": 320,
            "accounts_active": 300,
            "accounts_idle": 20,
            "access_methods": "webmail,imap,submission",
            "icp_number": "丙ICP备00000001号",
            "police_record": "37010002000001",
            "grade": 2,
            "graded_on": today - timedelta(days=700),
            "filing_state": "filed",
            "filing_number": "37010099001-21001",
            "filed_on": today - timedelta(days=690),
        }
        for name, value in facts.items():
            setattr(system, name, value)
        system.started_on = today - timedelta(days=710)
        system.save()
