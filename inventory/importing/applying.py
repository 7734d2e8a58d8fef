"""Carry out a plan that has no errors, in a fixed number of statements."""

from typing import Any

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from audit.trail import record, record_many
from inventory.actions.base import Refused, told
from inventory.importing.checking import Plan, check
from inventory.importing.columns import CONTACTS, DOMAINS, SYSTEMS, UNITS, Sheet
from inventory.importing.reading import read
from inventory.models import Contact, ImportBatch, MailDomain, MailSystem, Supervision, Unit

_SIZE = 500
# Parents first.
_MODELS: tuple[tuple[Sheet, type[Model]], ...] = (
    (UNITS, Unit),
    (CONTACTS, Contact),
    (SYSTEMS, MailSystem),
    (DOMAINS, MailDomain),
)


@transaction.atomic
def keep(*, file_name: str, content: bytes, sha256: str, plan: Plan, by: Any) -> ImportBatch:
    """Keep a clean workbook until its uploader confirms it.

    Raises:
        Refused: the plan has errors.
    """
    if plan.errors:
        raise Refused("工作簿中还有错误，不能导入。")
    batch = ImportBatch(
        by_id=by.pk,
        by_label=by.label,
        office=by.office,
        file_name=file_name,
        sha256=sha256,
        counts=plan.counts,
    )
    batch.file.save("import.xlsx", ContentFile(content), save=False)
    batch.save()
    return batch


def confirm(*, batch: ImportBatch, by: Any) -> Plan:
    """Check the kept workbook once more and import it; all or nothing.

    Raises:
        Refused: already imported or given up, or something changed since the preview.
    """
    try:
        with transaction.atomic():
            _claim(batch, applied=True)
            with batch.file.open("rb") as stream:
                plan = check(read(stream), user=by)
            if plan.errors:
                first = plan.errors[0]
                raise Refused(
                    f"预览之后有内容被他人改动，没有导入（{first.place}：{first.reason}）。请重新上传。"
                )
            _apply(plan)
            _tell(plan, batch, by)
            record(
                "inventory.import",
                batch,
                by=by,
                details={"sha256": batch.sha256, "counts": plan.counts},
            )
    except IntegrityError:
        raise Refused("导入期间有内容被他人登记，没有导入。请重新上传。") from None
    _forget_file(batch)
    return plan


def discard(*, batch: ImportBatch, by: Any) -> None:
    """Give up a kept workbook.

    Raises:
        Refused: already imported or given up.
    """
    with transaction.atomic():
        _claim(batch, applied=False)
    _forget_file(batch)


def _claim(batch: ImportBatch, *, applied: bool) -> None:
    won = ImportBatch.objects.filter(pk=batch.pk, closed_at=None).update(
        closed_at=timezone.now(), applied=applied
    )
    if won != 1:
        raise Refused("这份工作簿已经导入或放弃。")


def _forget_file(batch: ImportBatch) -> None:
    """Delete the workbook: it holds telephone numbers and has done its duty."""
    batch.file.delete(save=False)
    ImportBatch.objects.filter(pk=batch.pk).update(file="")


def _apply(plan: Plan) -> None:
    units: list[Unit] = plan.new.get(UNITS.name, [])
    Unit.objects.bulk_create(units, batch_size=_SIZE)
    Supervision.objects.bulk_create(
        [
            Supervision(unit=unit, kind=office.kind, office=office)
            for unit in units
            for office in plan.offices[unit.uscc]
        ],
        batch_size=_SIZE,
    )
    for sheet, model in _MODELS[1:]:
        # Takes the keys that the parents have just got.
        model._base_manager.bulk_create(plan.new.get(sheet.name, []), batch_size=_SIZE)
    for sheet, model in _MODELS:
        changed = plan.changed.get(sheet.name, [])
        if changed:
            names = sorted(set().union(*(old for _, old in changed)))
            model._base_manager.bulk_update([row for row, _ in changed], names, batch_size=_SIZE)


def _tell(plan: Plan, batch: ImportBatch, by: Any) -> None:
    """Record what the import did to each unit and system, so that their pages can tell it."""
    source = {"import": batch.pk}
    units: list[Unit] = plan.new.get(UNITS.name, [])
    offices = {unit.uscc: [str(office) for office in plan.offices[unit.uscc]] for unit in units}
    registered = ((u, {"uscc": u.uscc, "offices": offices[u.uscc]} | source) for u in units)
    record_many("unit.register", registered, by=by)
    record_many("system.register", ((s, source) for s in plan.new.get(SYSTEMS.name, [])), by=by)
    changes: dict[Any, dict[str, Any]] = {}
    for sheet in (UNITS, SYSTEMS):
        for row, old in plan.changed.get(sheet.name, []):
            changes[row] = told(row, old)
    for row in [*plan.new.get(CONTACTS.name, []), *_changed(plan, CONTACTS)]:
        if row.unit.uscc not in offices:
            roles = changes.setdefault(row.unit, {}).setdefault("联系人", [])
            roles.append(str(row.get_role_display()))
    created = {row.pk for row in plan.new.get(SYSTEMS.name, [])}
    for row in [*plan.new.get(DOMAINS.name, []), *_changed(plan, DOMAINS)]:
        if row.system_id not in created:
            changes.setdefault(row.system, {}).setdefault("邮件域名", []).append(row.name)
    for model, action in ((Unit, "unit.update"), (MailSystem, "system.update")):
        rows = ((row, each) for row, each in changes.items() if isinstance(row, model))
        record_many(action, rows, by=by)


def _changed(plan: Plan, sheet: Sheet) -> list[Any]:
    return [row for row, _ in plan.changed.get(sheet.name, [])]
