"""What changes mail systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.trail import Actor, record
from emailsec.lib.wake import wake
from inventory.actions.base import Refused, changes_of
from inventory.models import Endpoint, MailDomain, MailSystem, Network


@dataclass(frozen=True)
class DomainEntry:
    """A mail domain as entered: `name` an A-label, `dkim_selectors` joined by commas."""

    name: str
    dkim_selectors: str = ""


@dataclass(frozen=True)
class EndpointEntry:
    """A service address as entered: `kind` of EndpointKind, `host` an A-label."""

    kind: str
    host: str
    address: str | None = None


@transaction.atomic
def save_system(
    *,
    system: MailSystem,
    domains: Sequence[DomainEntry],
    endpoints: Sequence[EndpointEntry] = (),
    by: Actor,
) -> MailSystem:
    """Save a mail system with its domains and addresses, new or changed.

    Args:
        system: validated, with its unit; unsaved for a new one.
        domains: all domains from now on; the others of the system are marked as removed.
        endpoints: all service addresses from now on.

    Raises:
        Refused: not confirmed as 非涉密, no domain, or a domain was registered in the meantime.
    """
    if not system.not_classified or set(system.networks.split(",")) - set(Network.values):
        raise Refused("未确认不是涉密信息系统的，不得在本平台登记。")
    if not domains:
        raise Refused("至少填写一个邮件域名。")
    if system.retired_on:
        raise Refused("该系统已停用，不能再修改。")
    is_new = system.pk is None
    changes = {} if is_new else changes_of(system)
    system.save()
    try:
        with transaction.atomic():
            moved = _set_domains(system, domains)
    except IntegrityError:
        raise Refused("所填域名中有的刚刚已被登记，如有疑问请联系监管机关。") from None
    if moved:
        changes["邮件域名"] = moved
    if moved := _set_endpoints(system, endpoints):
        changes["服务地址"] = moved
    if changes:
        record("system.register" if is_new else "system.update", system, by=by, details=changes)
    return system


def _set_domains(system: MailSystem, entries: Sequence[DomainEntry]) -> list[str]:
    ever = {row.name: row for row in MailDomain.ever.filter(system=system).order_by("pk")}
    now = {name for name, row in ever.items() if row.removed_on is None}
    wanted = {entry.name: entry.dkim_selectors for entry in entries}
    gone = sorted(now - set(wanted))
    MailDomain.objects.filter(system=system, name__in=gone).update(removed_on=timezone.localdate())
    moved = [f"-{name}" for name in gone]
    new, changed = [], []
    for name, selectors in wanted.items():
        row = ever.get(name)
        if row is None:
            new.append(MailDomain(system=system, name=name, dkim_selectors=selectors))
        elif row.removed_on or row.dkim_selectors != selectors:
            row.removed_on, row.dkim_selectors = None, selectors
            changed.append(row)
        else:
            continue
        moved.append(f"+{name}" if name not in now else f"{name} DKIM {selectors or '（空）'}")
    MailDomain.objects.bulk_create(new)
    MailDomain.ever.bulk_update(changed, ["removed_on", "dkim_selectors"])
    return moved


def _set_endpoints(system: MailSystem, entries: Sequence[EndpointEntry]) -> list[str]:
    now = {(e.kind, e.host): e for e in system.endpoints.all()}
    wanted = {(e.kind, e.host): e.address or None for e in entries}
    gone = sorted(now.keys() - wanted.keys())
    system.endpoints.filter(pk__in=[now[key].pk for key in gone]).delete()
    moved = [f"-{kind} {host}" for kind, host in gone]
    new, changed = [], []
    for (kind, host), address in wanted.items():
        row = now.get((kind, host))
        if row is None:
            new.append(Endpoint(system=system, kind=kind, host=host, address=address))
        elif row.address != address:
            row.address = address
            changed.append(row)
        else:
            continue
        moved.append(f"+{kind} {host} {address or ''}".strip())
    Endpoint.objects.bulk_create(new)
    Endpoint.objects.bulk_update(changed, ["address"])
    return moved


@transaction.atomic
def retire_system(*, system: MailSystem, retired_on: Any, reason: str, by: Actor) -> None:
    """Take a system out of service; its domains become free for another system.

    Raises:
        Refused: no reason, or already out of service.
    """
    if not reason.strip():
        raise Refused("停用系统须填写理由。")
    won = MailSystem.objects.filter(pk=system.pk, retired_on=None).update(retired_on=retired_on)
    if won != 1:
        raise Refused("该系统已经停用。")
    system.retired_on = retired_on
    names = list(system.domains.values_list("name", flat=True))
    system.domains.update(removed_on=retired_on)
    record(
        "system.retire",
        system,
        by=by,
        details={"on": str(retired_on), "reason": reason.strip(), "domains": names},
    )
    wake("scans.tasks.drain_due")  # its letters of authorisation end with it
