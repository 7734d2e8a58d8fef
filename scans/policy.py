"""Where the probes find their way: the ScanPolicy file and, outside production, the practice range.

Production refuses the practice policy and any range file: a port map or an allow-list there would
turn the target guard off.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from scans.probes.policy import PolicyError, ScanPolicy, load

PRODUCTION_FILE = Path(__file__).parent / "policy.toml"


class PolicyRefused(Exception):
    """The settings may not be used for scanning; the text is Chinese."""


@dataclass(frozen=True)
class Outside:
    """How to reach the outside.

    Attributes:
        policy: intervals, budgets and limits.
        resolver: `IP` or `IP:PORT`; None for the system's.
        allow_net: the practice range's networks, empty in production.
        ca_file: the practice range's own root, or None.
        port_map: logical port → port of the practice range, or None.
        control: a domain of our own, looked at before each batch; "" for none.
    """

    policy: ScanPolicy
    resolver: str | None = None
    allow_net: tuple[str, ...] = ()
    ca_file: Path | None = None
    port_map: dict[int, int] | None = field(default=None)
    control: str = ""

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of `scans.probes.probe_domains`."""
        return {
            "policy": self.policy,
            "resolver": self.resolver,
            "allow_net": self.allow_net,
            "ca_file": self.ca_file,
            "port_map": self.port_map,
        }


@lru_cache(maxsize=8)
def _load(path: str, _changed: int) -> ScanPolicy:
    return load(path)


def scan_policy() -> ScanPolicy:
    """Return the policy that settings.SCAN_POLICY_FILE names, read again when it has changed.

    Raises:
        PolicyRefused: unreadable, or the practice file in production.
    """
    path = Path(settings.SCAN_POLICY_FILE)
    try:
        policy = _load(str(path), path.stat().st_mtime_ns)
    except (OSError, PolicyError) as error:
        raise PolicyRefused(f"探测策略文件不可用：{error}") from error
    if settings.PRODUCTION and policy.practice:
        raise PolicyRefused("正式环境不得使用演练靶场的探测策略。")
    return policy


def apart() -> str:
    """Say how far apart two looks are that confirm each other (Chinese); "" without a policy.

    The practice range confirms within seconds; there the words say so, and what holds outside it.
    """
    try:
        policy = scan_policy()
    except PolicyRefused:
        return ""
    words = f"间隔至少{_span(policy.wave.confirm_after)}"
    if not policy.practice:
        return words
    real = load(PRODUCTION_FILE).wave.confirm_after
    return f"{words}，为演练设置；正式环境间隔至少{_span(real)}"


def _span(seconds: int) -> str:
    for size, unit in ((3600, "小时"), (60, "分钟")):
        if seconds >= size and seconds % size == 0:
            return f" {seconds // size} {unit}"
    return f" {seconds} 秒"


def outside() -> Outside:
    """Return how to reach the outside now: the practice range while its state file exists.

    Raises:
        PolicyRefused: see `scan_policy`; a range file in production; an unreadable range file.
    """
    policy = scan_policy()
    control = settings.SCAN_CONTROL_DOMAIN
    resolver = settings.SCAN_RESOLVER or None
    if not settings.PRACTICE_RANGE_FILE:
        if settings.PRODUCTION and not control:
            raise PolicyRefused(
                "未配置自检对照域名（SCAN_CONTROL_DOMAIN），正式环境不发起探测：无法区分是对方"
                "没有应答，还是本平台出网异常。"
            )
        return Outside(policy, resolver, control=control)
    if settings.PRODUCTION:
        raise PolicyRefused("正式环境不得指向演练靶场（PRACTICE_RANGE_FILE）。")
    if not policy.practice:
        # A real policy in a demonstration: the range is not for it.
        return Outside(policy, resolver, control=control)
    return _range(policy, Path(settings.PRACTICE_RANGE_FILE))


def _range(policy: ScanPolicy, path: Path) -> Outside:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        names = {entry["domain"] for entry in state["domains"]}
        return Outside(
            policy,
            resolver=state["resolver"],
            allow_net=(state["net"],),
            ca_file=Path(state["ca_file"]),
            port_map={int(port): real for port, real in state["port_map"].items()},
            control="control.test" if "control.test" in names else "",
        )
    except FileNotFoundError:
        raise PolicyRefused(
            "演练靶场没有运行（找不到其状态文件），演示环境只探测靶场。请先启动靶场。"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PolicyRefused(f"演练靶场的状态文件不可用：{error}") from error
