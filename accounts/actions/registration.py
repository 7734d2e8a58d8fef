"""注册申请: sent in by whoever has no account yet, decided by the office of the region."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.actions.base import Refused
from accounts.lifecycles import REGISTRATION
from accounts.models import Registration
from audit.lifecycle import IllegalMove
from audit.trail import Actor, record
from emailsec.lib import readable
from emailsec.lib.uploads import CheckedFile, Upload
from inventory.actions import ContactEntry, register_unit
from inventory.actions import Refused as NotRegistered
from inventory.models import ContactRole, Office, Unit
from inventory.ownership import Clash, clashes

# 25^12 receipt numbers, 55 bits; a query needs the credit code too.
_GROUPS, _GROUP = 3, 4


@dataclass(frozen=True)
class Proof:
    """The proof of a unit's existence, checked by emailsec.lib.uploads."""

    file: Upload
    checked: CheckedFile


@transaction.atomic
def submit_registration(*, registration: Registration, proof: Proof) -> Registration:
    """Keep an application under a fresh receipt number.

    Args:
        registration: unsaved and validated, with its office and nonce.

    Returns:
        The application; the earlier one where the same page is sent a second time.
    """
    registration.receipt = readable.new_code(_GROUPS, _GROUP)
    registration.proof_name = proof.checked.name
    registration.proof_kind = proof.checked.kind
    registration.proof_sha256 = proof.checked.sha256
    earlier: Registration | None = Registration.objects.filter(nonce=registration.nonce).first()
    if earlier is not None:
        return earlier
    try:
        with transaction.atomic():
            registration.save(force_insert=True)
    except IntegrityError:  # the other press of the button was quicker
        return Registration.objects.get(nonce=registration.nonce)
    registration.proof.save(proof.checked.name, proof.file)
    details = {"uscc": registration.uscc, "office": str(registration.office)}
    record("registration.submit", registration, by=None, details=details)
    return registration


@transaction.atomic
def approve_registration(*, registration: Registration, by: Actor) -> Unit:
    """Register the unit as it applied, under the office with which the application lies.

    Domains at, under or above what another unit holds are left out: a name once entered stands
    against others, and an application proves the unit, not its names. Where they are the unit's,
    the office enters them in the form of the unit, which knows who may have one in common.

    Raises:
        Refused: the unit cannot be registered (Chinese), or somebody has decided meanwhile.
    """
    row = _locked(registration)
    held = clashes_of(row, by=by)
    left_out = "、".join(clash.name for clash in held.values())
    _move(row, "approve", by, f"未登记与其他单位冲突的域名：{left_out}" if held else "")
    try:
        row.unit = register_unit(
            unit=Unit(
                name=row.name,
                uscc=row.uscc,
                kind=row.kind,
                affiliation=row.affiliation,
                sector=row.sector,
                region=row.region,
            ),
            office=row.office,
            by=by,
            contacts=[
                ContactEntry(
                    role=ContactRole.LIAISON,
                    name=row.contact_name,
                    department=row.contact_department,
                    mobile=row.contact_phone,
                )
            ],
            domains=[name for name in row.domain_list if name not in held],
        )
    except NotRegistered as refusal:
        raise Refused(str(refusal)) from None
    row.save(update_fields=["unit"])
    return row.unit


def clashes_of(registration: Registration, *, by: Any) -> dict[str, Clash]:
    """What other units hold at, under or above the domains of an application that waits."""
    if registration.status != Registration.Status.PENDING:
        return {}
    return clashes(registration.domain_list, user=by)


def refuse_registration(*, registration: Registration, reason: str, by: Actor) -> None:
    """Refuse with a reason, which the applicant reads.

    Raises:
        Refused: no reason, or somebody has decided meanwhile.
    """
    with transaction.atomic():
        _move(_locked(registration), "refuse", by, reason)


@transaction.atomic
def pass_on_registration(
    *, registration: Registration, office: Office, reason: str, by: Actor
) -> None:
    """Give the application to another office, whose people are then told.

    Raises:
        Refused: not an office of the same kind whose area the unit lies in, no reason, or somebody
            has decided meanwhile.
    """
    row = _locked(registration)
    if not row.offices().filter(pk=office.pk).exists():
        raise Refused("只能转交给同类机关中辖区包含该单位的其他机关。")
    _move(row, "pass_on", by, f"转交{office}：{reason}" if reason.strip() else "")
    row.office, row.told_at = office, None
    row.save(update_fields=["office", "told_at"])


def _locked(registration: Registration) -> Registration:
    """The row as it stands, held until the end of the transaction: it may lie elsewhere by now."""
    rows = Registration.objects.select_for_update(of=("self",)).select_related("office", "unit")
    return rows.get(pk=registration.pk)


def _move(row: Registration, action: str, by: Actor, reason: str = "") -> None:
    decided = {} if action == "pass_on" else {"decided_at": timezone.now()}
    try:
        REGISTRATION.move(row, action, by=by, reason=reason, also=decided)
    except IllegalMove as refusal:
        raise Refused(str(refusal)) from None


def unit_with_code(registration: Registration) -> bool:
    """Whether another unit with the credit code of the application is registered, by whomever."""
    if registration.unit_id is not None:
        return False
    return bool(Unit.objects.filter(uscc=registration.uscc).exists())


def find_registration(*, receipt: str, uscc: str) -> Registration | None:
    """The application with this receipt number and credit code, for its applicant."""
    number = readable.grouped(receipt, _GROUP)
    rows = Registration.objects.select_related("office")
    found: Registration | None = rows.filter(receipt=number, uscc=uscc).first()
    return found
