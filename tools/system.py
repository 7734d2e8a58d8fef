"""What the operating system must bring: asks first, installs as root, else names the command.

Written for Debian 12/13 and Ubuntu 24.04 and later; elsewhere the needs are only named.
"""

import ctypes
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools import environment, services
from tools.common import VAR, ToolError, run, say

SBIN = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Need:
    """One thing of the operating system: what it is for, its Debian package, how to see it."""

    purpose: str
    package: str
    present: Callable[[], bool]
    must: bool = True


def library(name: str) -> Callable[[], bool]:
    """A test whether a shared library (its soname) can be loaded, as WeasyPrint will do it."""

    def present() -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True

    return present


def noto_fonts() -> bool:
    """Whether Noto's Chinese Song and Hei faces are installed: every document ends in them."""
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
    return all(
        any(True for folder in folders for _ in folder.glob(f"**/Noto{face}CJK*Regular*"))
        for face in ("Sans", "Serif")
    )


def program(*names: str) -> Callable[[], bool]:
    """A test whether one of the programs is on the path or in the administrator's folders."""
    return lambda: any(shutil.which(name, path=SBIN) for name in names)


def chromium() -> str | None:
    """The browser of the tests: $CHROMIUM, else the first known name on the path."""
    if named := os.environ.get("CHROMIUM"):
        return named
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


def _venv_possible() -> bool:
    return environment.exists() or environment.can_make_venv()


TO_RUN = [
    Need("排版（Pango）", "libpango-1.0-0", library("libpango-1.0.so.0")),
    Need("排版（Pango 字体）", "libpangoft2-1.0-0", library("libpangoft2-1.0.so.0")),
    Need("PDF 字体子集", "libharfbuzz-subset0", library("libharfbuzz-subset.so.0")),
    Need("中文字体", "fonts-noto-cjk", noto_fonts),
    # environment.create() still has two ways without it, so its absence alone stops nobody.
    Need("Python 虚拟环境", "python3-venv", _venv_possible, must=False),
    Need("本机验证型 DNS 解析器", "unbound", program("unbound"), must=False),
]
TO_TEST = [
    Need("浏览器测试", "chromium", lambda: chromium() is not None),
    Need("PostgreSQL", "postgresql", services.postgres_available),
    Need("Redis", "redis-server", services.redis_available),
]


def ensure(needs: list[Need]) -> None:
    """Install what is missing.

    As root: one apt-get call for the must-haves and one for each wish, a refused wish being
    remembered in var/ so that it is not asked for at each start. Otherwise: wishes are named,
    must-haves end the program with the exact command.
    Raises ToolError when a must-have stays missing.
    """
    missing = [need for need in needs if not need.present()]
    if not missing:
        return
    musts = [need for need in missing if need.must]
    wishes = [need for need in missing if not need.must and not _refused(need).exists()]
    if not musts and not wishes:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        _tell(musts, wishes)
        return
    run(["apt-get", "update"], what="更新软件包列表")
    if musts:
        names = "、".join(need.purpose for need in musts)
        say(f"正在安装系统软件包：{names}……")
        _install([need.package for need in musts])
    for need in wishes:
        say(f"正在安装系统软件包：{need.purpose}……")
        try:
            _install([need.package])
        except ToolError:
            _refuse(need)
    if still := [need.package for need in musts if not need.present()]:
        raise ToolError(f"软件包已安装，但仍不可用：{' '.join(still)}")


def _install(packages: list[str]) -> None:
    run(
        ["apt-get", "install", "-y", "--no-install-recommends", *packages],
        what="安装系统软件包",
        env={"DEBIAN_FRONTEND": "noninteractive"},
    )


def command_for(needs: list[Need]) -> str:
    """The one command a person types to get the needs."""
    names = " ".join(need.package for need in needs)
    return f"sudo apt-get update && sudo apt-get install -y {names}"


def _tell(musts: list[Need], wishes: list[Need]) -> None:
    for need in wishes:
        _refuse(need)
    if musts:
        names = "、".join(need.purpose for need in musts)
        raise ToolError(f"缺少系统软件：{names}。请执行：\n  {command_for(musts + wishes)}")
    names = "、".join(need.purpose for need in wishes)
    say(f"提示：可另行安装 {names}（不影响启动）：{command_for(wishes)}")


def _refused(need: Need) -> Path:
    return VAR / "bootstrap" / f"{need.package}.refused"


def _refuse(need: Need) -> None:
    _refused(need).parent.mkdir(parents=True, exist_ok=True)
    _refused(need).write_text(f"{need.purpose}：未能安装。删除本文件后再次启动会重试。\n")
