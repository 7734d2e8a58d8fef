"""Roles and powers: one table, read by the lifecycles, the views and the navigation.

A power says what may be done; `visible_to` says to which rows. Both are asked, always.
"""

from django.db import models


class Role(models.TextChoices):
    FILLER = "filler", "填报人"
    SIGNER = "signer", "审签人"
    READER = "reader", "查阅"
    CASE_OFFICER = "case_officer", "承办人"
    CHECKER = "checker", "审核人"
    APPROVER = "approver", "批准人"
    SYSTEM_ADMIN = "system_admin", "系统管理员"
    SECURITY_ADMIN = "security_admin", "安全管理员"
    AUDIT_ADMIN = "audit_admin", "审计管理员"


UNIT_ROLES = frozenset({Role.FILLER, Role.SIGNER, Role.READER})
OFFICE_ROLES = frozenset({Role.CASE_OFFICER, Role.CHECKER, Role.APPROVER})
# 三员: mutually exclusive and without business data.
PORTAL_ROLES = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})

_UNIT_READ = {"unit.read", "system.read", "selfcheck.read", "notice.read"}
_OFFICE_READ = _UNIT_READ | {"dashboard.read", "list.export"}

POWERS: dict[Role, frozenset[str]] = {
    Role.FILLER: frozenset(
        _UNIT_READ
        | {
            "unit.edit",
            "system.edit",
            "authorization.file",
            "scan.request",
            "selfcheck.fill",
            "notice.reply",
            "notice.ask_extension",
            "report.print",
        }
    ),
    Role.SIGNER: frozenset(
        _UNIT_READ | {"selfcheck.sign", "notice.receive", "report.print", "authorization.file"}
    ),
    Role.READER: frozenset(_UNIT_READ),
    Role.CASE_OFFICER: frozenset(
        _OFFICE_READ
        | {
            "campaign.manage",
            "inventory.import",
            "unit.manage",
            "authorization.void",
            "scan.request",
            "selfcheck.review",
            "finding.confirm",
            "finding.recheck",
            "finding.close",
            "notice.draft",
            "notice.serve",
            "call.record",
            "report.print",
        }
    ),
    Role.CHECKER: frozenset(
        _OFFICE_READ | {"notice.check", "notice.return", "selfcheck.review", "report.print"}
    ),
    # Who set the deadline by approving it is who may move it.
    Role.APPROVER: frozenset(
        _OFFICE_READ
        | {"notice.approve", "notice.return", "notice.void", "notice.extend", "report.print"}
    ),
    Role.SYSTEM_ADMIN: frozenset({"account.manage", "reference.manage"}),
    Role.SECURITY_ADMIN: frozenset({"grant.manage"}),
    Role.AUDIT_ADMIN: frozenset({"audit.read"}),
}


def powers_of(roles: set[str]) -> frozenset[str]:
    """Return the union of the powers of `roles`."""
    return frozenset().union(*(POWERS[Role(role)] for role in roles))
