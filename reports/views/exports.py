"""Workbooks: the register, and the list of those to be urged."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from accounts.requests import PortalRequest
from assessments import urging
from audit.exports import conditions, export_list
from emailsec.lib.workbook import Table, Value
from inventory.models import Contact
from reports.models import Document
from reports.views.documents import registered

URGE_HEADS = (
    "单位",
    "行政区划",
    "专项行动",
    "截止日期",
    "状态",
    "最近登录",
    "联系人及电话",
    "通话次数",
    "最近通话",
)
REGISTER_HEADS = (
    "种类",
    "文号",
    "版次",
    "效力",
    "单位",
    "制发单位",
    "落款日期",
    "生成时间",
    "生成人",
    "页数",
    "验证码",
    "文件摘要（SHA-256）",
)


@require_GET
def register_export(request: PortalRequest) -> HttpResponse:
    """文书登记簿: the same rows as the page, with the same filter."""
    if not request.user.can("notice.read") or not request.user.can("list.export"):
        raise PermissionDenied("清单由监管机关导出。")
    found = registered(request)
    table = Table(
        title="文书登记簿",
        heads=REGISTER_HEADS,
        rows=tuple(_document_row(document) for document in found.qs),
    )
    units = [document.unit for document in found.qs]
    said = conditions(found.form)
    return export_list("register", [table], by=request.user, filters=said, units=units)


def _document_row(document: Document) -> tuple[Value, ...]:
    return (
        document.kind_label,
        document.number,
        document.revision,
        document.standing or "有效",
        document.unit.name,
        document.issuer,
        document.issued_on,
        document.made_at,
        document.made_by.label if document.made_by else "系统",
        document.pages,
        document.verification_code,
        document.sha256,
    )


@require_GET
def urge_export(request: PortalRequest) -> HttpResponse:
    """催报: the same rows as the page, with the same filter."""
    if not request.user.can("call.record") or not request.user.can("list.export"):
        raise PermissionDenied("催报清单由承办人导出。")
    kind = request.GET.get("kind", "")
    campaign = urging.campaign_named(request.user, request.GET.get("campaign", ""))
    found = urging.urged(request.user, campaign, kind)
    rows = tuple(_urge_row(selfcheck) for selfcheck in found)
    said = {"专项行动": campaign.title} if campaign else {}
    if kind in urging.KINDS:
        said["状态"] = urging.KINDS[kind]
    table = Table(title="催报清单", heads=URGE_HEADS, rows=rows)
    units = [selfcheck.unit for selfcheck in found]
    return export_list("urge", [table], by=request.user, filters=said, units=units)


def _urge_row(selfcheck: Any) -> tuple[Value, ...]:
    calls = list(selfcheck.calls.all())
    last = calls[0] if calls else None
    return (
        selfcheck.unit.name,
        selfcheck.unit.region.name,
        selfcheck.campaign.title,
        selfcheck.campaign.deadline,
        urging.KINDS[selfcheck.kind],
        selfcheck.last_login,
        "\n".join(_contact(contact) for contact in selfcheck.unit.contacts.all()),
        len(calls),
        f"{last.spoke_with}：{last.note}" if last else None,
    )


def _contact(contact: Contact) -> str:
    phones = "、".join(phone for phone in (contact.office_phone, contact.mobile) if phone)
    return f"{contact.get_role_display()} {contact.name} {phones}".strip()
