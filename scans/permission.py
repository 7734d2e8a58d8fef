"""The one rule of what may be probed: `may_probe`. No letter in force, no probe."""

import datetime as dt
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from inventory.models import MailSystem
from scans.models import Authorization

PROVIDERS_FILE = Path(__file__).parent / "providers.toml"


@dataclass(frozen=True)
class Permission:
    """What the letter in force allows.

    Attributes:
        authorization: the letter.
        hosts: names it lists (A-labels): domains and hosts.
        extras: observation names beyond the ordinary ones, none on shared hosts.
        withheld: extras that the letter ticks and that are not used, with the reason (Chinese).
    """

    authorization: Authorization
    hosts: frozenset[str]
    extras: frozenset[str] = frozenset()
    withheld: str = ""

    allowed: bool = field(default=True, init=False)

    def covers(self, host: str) -> bool:
        """Whether the letter names `host` (A-label)."""
        return host.lower() in self.hosts


@dataclass(frozen=True)
class Refusal:
    """Why a system may not be probed, and what to do about it (Chinese).

    Attributes:
        code: retired, no_active_probe, draft, not_yet, expired or none.
        letter: the draft that waits for its stamp, for `draft`.
    """

    code: str
    reason: str
    advice: str
    letter: Authorization | None = None

    allowed: bool = field(default=False, init=False)

    def __str__(self) -> str:
        return self.reason


@cache
def _provider_suffixes() -> tuple[str, ...]:
    data: dict[str, Any] = tomllib.loads(PROVIDERS_FILE.read_text(encoding="utf-8"))
    return tuple(data["suffixes"])


def is_provider_host(host: str) -> bool:
    """Whether `host` belongs to a mail provider known to serve many customers."""
    name = host.lower().rstrip(".")
    return any(name == suffix or name.endswith("." + suffix) for suffix in _provider_suffixes())


def may_probe(system: MailSystem, on: dt.date | None = None) -> Permission | Refusal:
    """Say whether `system` may be probed on that day, and what.

    Args:
        system: the mail system.
        on: the day, default today (Asia/Shanghai).

    Returns:
        Permission, or Refusal with the Chinese reason. At most one query.
    """
    day = on or today()
    if system.retired_on is not None and system.retired_on <= day:
        return Refusal(
            "retired",
            f"该系统已于{cn_date(system.retired_on)}停用，不再探测。",
            "停用后不能恢复；如系统仍在运行，请重新登记。",
        )
    if system.no_active_probe:
        return Refusal(
            "no_active_probe",
            "监管机关已设置“未经书面批准不得主动探测”，本平台不对该系统发起探测。",
            "相关题目请以佐证材料或现场查验说明；如有疑问请联系监管机关。",
        )
    # Filtered here, so that prefetched rows cost no query.
    letters = [a for a in system.authorizations.all() if a.status != Authorization.Status.VOID]
    in_force = [letter for letter in letters if _in_force(letter, day)]
    if in_force:
        return _permission(system, max(in_force, key=lambda letter: letter.pk))
    return _missing(letters, day)


def _in_force(letter: Authorization, day: dt.date) -> bool:
    return (
        letter.status == Authorization.Status.FILED
        and bool(letter.scan)
        and letter.valid_from <= day <= letter.valid_to
    )


def _permission(system: MailSystem, letter: Authorization) -> Permission:
    hosts = frozenset(host.lower() for host in letter.host_list)
    extras = frozenset(letter.extras)
    if not extras:
        return Permission(letter, hosts)
    if system.shared_host:
        why = "系统由服务商或上级平台运营，只作域名解析和常规握手"
        return Permission(letter, hosts, withheld=why)
    if shared := sorted(host for host in hosts if is_provider_host(host)):
        why = f"{shared[0]} 由邮件服务商运营，只作域名解析和常规握手"
        return Permission(letter, hosts, withheld=why)
    return Permission(letter, hosts, extras)


def _missing(letters: list[Authorization], day: dt.date) -> Refusal:
    filed = [letter for letter in letters if letter.status == Authorization.Status.FILED]
    if drafts := [one for one in letters if one.status == Authorization.Status.DRAFT]:
        return Refusal(
            "draft",
            f"授权书（{drafts[0].number}）尚未盖章上传，探测不能开始。",
            "请打印授权书，由单位负责人签名并加盖公章，再把扫描件上传。",
            drafts[0],
        )
    if later := [letter for letter in filed if letter.valid_from > day]:
        first = min(later, key=lambda letter: letter.valid_from)
        return Refusal(
            "not_yet",
            f"授权自{cn_date(first.valid_from)}起生效，此前不探测。",
            "请在生效之后再发起探测。",
        )
    if filed:
        last = max(filed, key=lambda letter: letter.valid_to)
        return Refusal(
            "expired",
            f"授权已于{cn_date(last.valid_to)}到期，不再探测。",
            "请重新填写、盖章并上传授权书。",
        )
    return Refusal(
        "none",
        "该系统没有有效的《远程检测授权书》，未经授权不得探测。",
        "请填写授权书，打印盖章后上传扫描件。",
    )
