"""Configuration on the trail: what is set by files and by the environment has no form to record."""

import hashlib
from pathlib import Path
from typing import Final

from django.conf import settings

from audit import digests
from audit.models import AuditEvent
from audit.trail import SYSTEM, record

CHANGED: Final = "config.change"
# The rules that the machine's administrator may exchange; each is data of its app.
FILES: Final = ("accounts/policy.toml", "audit/policy.toml")


def in_force() -> dict[str, str]:
    """What is set now, by its name on screen; never a secret, of files only a short digest."""
    paths = [Path(settings.BASE_DIR, name) for name in FILES] + [Path(settings.SCAN_POLICY_FILE)]
    algorithm, key_id = digests.current()
    return {
        **{f"{path.parent.name}/{path.name}": _short(path) for path in paths},
        "审计摘要算法": algorithm,
        "审计密钥编号": key_id,
        "登录方式": "、".join(name.rpartition(".")[2] for name in settings.AUTHENTICATION_BACKENDS),
        "调试模式": "开" if settings.DEBUG else "关",
    }


def _short(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "无"


def note_configuration() -> None:
    """Record what differs from what was last recorded; the first call records everything."""
    now = in_force()
    last = AuditEvent.objects.filter(action=CHANGED).first()
    before = {name: pair[1] for name, pair in last.details.items()} if last else {}
    if before != now:
        names = sorted(before.keys() | now.keys())
        pairs = {name: [before.get(name, "无"), now.get(name, "无")] for name in names}
        record(CHANGED, None, by=SYSTEM, label="门户配置", details=pairs)
