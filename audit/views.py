"""The audit trail, for the 审计管理员: what was done, by whom, from where; and whether it holds."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audit import words
from audit.actions import ask_verification
from audit.exports import conditions, export_list
from audit.filters import EventFilter
from audit.models import AuditEvent
from audit.policy import policy
from audit.standing import proof_of, state
from emailsec.lib.workbook import Table

PAGE = 50
MOST_ROWS = 20_000  # of a workbook; beyond that it is no list to read
HEADS = (
    "编号",
    "时间",
    "操作人",
    "角色",
    "来源地址",
    "动作",
    "对象类别",
    "对象",
    "结果",
    "内容",
)
# What the keys of an event's content are called; others are shown as they stand.
KEYS = {
    "from": "原状态",
    "to": "新状态",
    "reason": "理由",
    "rows": "行数",
    "count": "个数",
    "filters": "筛选条件",
    "list": "清单",
    "item": "题目",
    "kind": "种类",
    "result": "结果",
    "role": "角色",
    "place": "单位（机关）",
    "username": "用户名",
    "way": "登录方式",
    "issuer": "认证方",
    "holder": "证书持有者",
    "fingerprint": "证书指纹",
    "subject": "主体标识",
    "uscc": "统一社会信用代码",
    "offices": "监管机关",
    "until": "至",
    "notice": "通知",
    "letter": "授权书",
    "letters": "授权书",
    "method": "方式",
    "replaced": "替换原有的",
    "route": "路由",
    "status": "应答",
    "keys": "对象编号",
    "decision": "决定",
    "superior": "上级单位",
    "may_read": "上级单位可查阅",
    "region": "行政区划",
    "spoke_with": "通话对象",
    "sha256": "文件摘要",
    "units": "涉及单位数",
    "units_sha256": "涉及单位摘要",
    "digest": "内容摘要",
    "unsealed": "尚未封存",
    "faults": "异常",
    "found": "异常日志",
    "warnings": "提示",
    "seconds": "用时（秒）",
    "since": "自",
    "grant": "授权",
    "taker": "接替人",
    "before": "此前",
    "after": "此后",
}


@dataclass(frozen=True)
class Row:
    """One event as page and workbook show it."""

    event: AuditEvent

    @property
    def act(self) -> str:
        return words.act(self.event.action)

    @property
    def kind(self) -> str:
        return words.object_kind(self.event.object_type)

    @property
    def result(self) -> str:
        return words.RESULTS.get(self.event.result, self.event.result)

    @property
    def content(self) -> list[tuple[str, str]]:
        return [(KEYS.get(k, k), self._said(k, v)) for k, v in self.event.details.items()]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What was changed: its name, before, after."""
        details = self.event.details
        rows = [
            (KEYS.get(name, name), _plain(value[0]), _plain(value[1]))
            for name, value in details.items()
            if self._is_pair(value)
        ]
        if {"from", "to"} <= details.keys():
            before, after = (self._said(name, details[name]) for name in ("from", "to"))
            rows.insert(0, (self.kind or "状态", before, after))
        return rows

    @property
    def rest(self) -> list[tuple[str, str]]:
        """The content without what `changes` tells."""
        told = {"from", "to"} if {"from", "to"} <= self.event.details.keys() else set()
        return [
            (KEYS.get(name, name), self._said(name, value))
            for name, value in self.event.details.items()
            if name not in told and not self._is_pair(value)
        ]

    def _is_pair(self, value: Any) -> bool:
        changed = self.event.action.endswith((".update", ".change"))
        return changed and isinstance(value, list) and len(value) == 2

    def _said(self, name: str, value: Any) -> str:
        if name in ("from", "to") and isinstance(value, str):
            return words.status(self.event.object_type, value)
        return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "，".join(f"{KEYS.get(k, k)}：{_plain(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "、".join(map(_plain, value))
    if isinstance(value, bool):
        return "是" if value else "否"
    return "—" if value is None else str(value)


def _require(request: HttpRequest) -> Any:
    """The person, if the trail is theirs to read."""
    user: Any = request.user
    if not user.can("audit.read"):
        raise PermissionDenied("审计日志由审计管理员查阅。")
    return user


def _found(request: HttpRequest) -> EventFilter:
    user = _require(request)
    return EventFilter(request.GET, AuditEvent.objects.visible_to(user).order_by("-at", "-id"))


@require_GET
def event_list(request: HttpRequest) -> HttpResponse:
    found = _found(request)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    context = {"filter": found, "page": page, "rows": [Row(event) for event in page]}
    return render(request, "audit/event_list.html", context)


@require_GET
def event_detail(request: HttpRequest, event_id: int) -> HttpResponse:
    """One event with everything that is stored of it, and whether it is as it was written."""
    rows = AuditEvent.objects.visible_to(_require(request))
    event = get_object_or_404(rows, pk=event_id)
    context = {"row": Row(event), "event": event, "proof": proof_of(event)}
    return render(request, "audit/event_detail.html", context)


@require_GET
def chain(request: HttpRequest) -> HttpResponse:
    _require(request)
    return render(request, "audit/chain.html", {"state": state(), "hours": policy().verify_hours})


@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    ask_verification(by=_require(request))
    messages.success(request, "已要求核验，结果出来后显示在本页；日志很多时需要几分钟。")
    return redirect("audit:chain")


def too_many(request: HttpRequest, found: EventFilter, page: str) -> HttpResponse | None:
    """Back to the page where its filters cannot be read or find too much for a workbook."""
    back = f"{reverse(page)}?{request.GET.urlencode()}"
    if found.form.errors:
        return redirect(back)
    count = found.qs.count()
    if count > MOST_ROWS:
        messages.error(
            request, f"共 {count} 条，超过一次可导出的 {MOST_ROWS} 条，请缩小时间范围后再导出。"
        )
        return redirect(back)
    return None


@require_GET
def event_export(request: HttpRequest) -> HttpResponse:
    """The same rows as the page; the export is an event itself."""
    found = _found(request)
    if refused := too_many(request, found, "audit:list"):
        return refused
    rows = tuple(
        (
            row.event.pk,
            row.event.at,
            row.event.actor_label,
            row.event.actor_role,
            row.event.address,
            row.act,
            row.kind,
            row.event.object_label,
            row.result,
            "\n".join(f"{key}：{value}" for key, value in row.content),
        )
        for row in map(Row, found.qs)
    )
    table = Table(title="审计日志", heads=HEADS, rows=rows)
    user: Any = request.user
    return export_list("audit", [table], by=user, filters=conditions(found.form), units=())
