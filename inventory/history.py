"""What was done to a unit or a system, as its page tells it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from audit.models import AuditEvent, StatusChange
from inventory.models import MailSystem, Unit

_WORDS: Final = {
    "unit.register": "登记单位",
    "unit.update": "修改单位信息",
    "unit.transfer": "变更监管关系",
    "unit.superior": "设定上级单位",
    "unit.delegate": "授权查阅",
    "unit.delegate_end": "结束授权查阅",
    "system.register": "登记邮件系统",
    "system.update": "修改邮件系统",
    "system.retire": "停用邮件系统",
    "account.invite": "发放报送账号",
}


@dataclass(frozen=True)
class Entry:
    """One line of a history block: when, who, what, and a note."""

    at: datetime
    who: str
    what: str
    note: str = ""


def history_of(row: Unit | MailSystem, *, limit: int = 20) -> list[Entry]:
    """Return the newest events of the audit trail about `row`, newest first."""
    events = AuditEvent.objects.filter(
        object_type=row._meta.label_lower, object_id=str(row.pk), action__in=_WORDS, result="ok"
    )[:limit]
    return [
        Entry(at=e.at, who=e.actor_label, what=_WORDS[e.action], note=_note(e.action, e.details))
        for e in events
    ]


def moves_of(changes: Iterable[StatusChange]) -> list[Entry]:
    """Return the moves of one object's lifecycle in the order given."""
    return [Entry(at=c.at, who=c.by_name, what=c.action_label, note=c.reason) for c in changes]


def domains_at_retirement(system: MailSystem) -> list[str]:
    """Return the names (A-labels) that the system had when it was retired; none if it was not."""
    retired = AuditEvent.objects.filter(
        object_type=system._meta.label_lower,
        object_id=str(system.pk),
        action="system.retire",
        result="ok",
    ).first()
    return list(retired.details["domains"]) if retired else []


def _note(action: str, details: dict[str, Any]) -> str:
    if action == "unit.transfer":
        moved = details.get("region")
        place = f"；行政区划由“{moved[0]}”改为“{moved[1]}”" if moved else ""
        return f"{details['from'] or '（无）'} → {details['to']}；理由：{details['reason']}{place}"
    if action == "unit.delegate":
        return f"{details['to']}，至{details['until']}；事由：{details['reason']}"
    if action == "unit.delegate_end":
        return str(details["to"])
    if action == "unit.superior":
        return _superior_note(details)
    if action == "unit.register":
        return "批量导入" if details.get("import") else ""
    if action == "system.retire":
        return str(details["reason"])
    if action == "unit.update":
        return "；".join(_change(label, value) for label, value in details.items())
    if action == "system.register" and details.get("import"):
        return "批量导入"
    if action == "system.update":
        return "修改了" + "、".join(details)
    return ""


def _superior_note(details: dict[str, Any]) -> str:
    parts = []
    if "superior" in details:
        parts.append(f"由“{details['superior'][0] or '无'}”改为“{details['superior'][1] or '无'}”")
    if "may_read" in details:
        parts.append("可查阅本单位" if details["may_read"][1] else "不再可查阅本单位")
    return "；".join(parts)


def _change(label: str, value: Any) -> str:
    # What the unit is, is told in full, because documents carry it; the rest only by label.
    if label in Unit.identity_labels():
        return f"{label}由“{value[0]}”改为“{value[1]}”"
    return label
