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
        _UNIT_READ
        | {
            "selfcheck.sign",
            "notice.receive",
            "report.print",
            "authorization.file",
            "staff.manage",
        }
    ),
    Role.READER: frozenset(_UNIT_READ),
    Role.CASE_OFFICER: frozenset(
        _OFFICE_READ
        | {
            "campaign.manage",
            "inventory.import",
            "unit.manage",
            "staff.manage",
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
            "destruction.read",
            "destruction.propose",
        }
    ),
    Role.CHECKER: frozenset(
        _OFFICE_READ
        | {"notice.check", "notice.return", "finding.close", "selfcheck.review", "report.print"}
    ),
    # Who set the deadline by approving it is who may move it.
    Role.APPROVER: frozenset(
        _OFFICE_READ
        | {
            "notice.approve",
            "notice.return",
            "notice.void",
            "notice.extend",
            "colleague.manage",
            "finding.close",
            "report.print",
            "destruction.read",
            "destruction.approve",
        }
    ),
    Role.SYSTEM_ADMIN: frozenset({"account.manage", "reference.manage"}),
    Role.SECURITY_ADMIN: frozenset({"grant.manage"}),
    Role.AUDIT_ADMIN: frozenset({"audit.read"}),
}

# What people of an office hold that supervises nobody (邮件服务提供方), whatever their role.
READING: frozenset[str] = frozenset(_UNIT_READ | {"dashboard.read"})


# What each power permits, in the order of a case; 权限一览 shows them so.
POWER_LABELS: dict[str, str] = {
    "dashboard.read": "查看总览",
    "unit.read": "查阅单位",
    "unit.edit": "修改本单位资料",
    "unit.manage": "登记、修改、移交单位",
    "staff.manage": "管理单位人员",
    "colleague.manage": "办理本机关人员交接",
    "inventory.import": "批量导入台账",
    "system.read": "查阅邮件系统",
    "system.edit": "登记、修改邮件系统",
    "authorization.file": "提交探测授权书",
    "authorization.void": "作废探测授权",
    "scan.request": "申请探测",
    "campaign.manage": "组织专项行动",
    "selfcheck.read": "查阅自查表",
    "selfcheck.fill": "填报自查表",
    "selfcheck.sign": "审签自查表",
    "selfcheck.review": "复核自查表",
    "call.record": "催报",
    "finding.confirm": "确认问题",
    "finding.recheck": "复查",
    "finding.close": "销号",
    "notice.read": "查阅问题和整改通知",
    "notice.draft": "拟稿",
    "notice.check": "审核通知",
    "notice.approve": "批准通知",
    "notice.return": "退回拟稿",
    "notice.serve": "送达通知",
    "notice.receive": "签收通知",
    "notice.reply": "反馈整改",
    "notice.ask_extension": "申请延期",
    "notice.extend": "审批延期",
    "notice.void": "作废、撤销通知",
    "report.print": "打印文书",
    "destruction.read": "查阅文件销毁清单",
    "destruction.propose": "提出文件销毁",
    "destruction.approve": "批准文件销毁",
    "list.export": "导出清单",
    "account.manage": "管理账号",
    "reference.manage": "维护基础数据",
    "grant.manage": "确认、撤销授权",
    "audit.read": "查阅审计日志",
}


def powers_of(roles: set[str]) -> frozenset[str]:
    """Return the union of the powers of `roles`."""
    return frozenset().union(*(POWERS[Role(role)] for role in roles))


# Powers without business data, held over the whole portal.
PORTAL_POWERS = powers_of({role.value for role in PORTAL_ROLES})
