"""The virtual environment: made with whatever the machine offers, filled from the hashed locks."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.common import ROOT, VENV, ToolError, digest, run, say, stamped, write_stamp

PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.txt"
DEV_LOCK = ROOT / "requirements-dev.txt"


def can_make_venv() -> bool:
    """Whether this Python brings ensurepip (Debian and Ubuntu ship it apart, in python3-venv)."""
    return importlib.util.find_spec("ensurepip") is not None


def has_pip() -> bool:
    """Whether this Python has pip of its own, which can fill another environment."""
    return importlib.util.find_spec("pip") is not None


def exists() -> bool:
    """Whether the environment is there and its interpreter (a link) still leads somewhere."""
    return PYTHON.exists()


def site_packages() -> Path:
    """The environment's site-packages folder."""
    found = sorted(VENV.glob("lib/python3.*/site-packages"))
    if not found:
        raise ToolError(f"虚拟环境 {VENV} 不完整，请删除后重试")
    return found[-1]


def create() -> None:
    """Make the environment.

    In this order: ensurepip; this Python's own pip (used from outside by `pip --python`); the pip
    wheel inside Debian's python3-pip-whl, which `apt-get download` brings without root.
    Raises ToolError with the one command to type when none of them is to be had.
    """
    say(f"正在创建虚拟环境 {VENV.name}……")
    if can_make_venv():
        run([sys.executable, "-m", "venv", "--clear", VENV], what="创建虚拟环境")
        return
    run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], what="创建虚拟环境")
    if has_pip():
        return
    with tempfile.TemporaryDirectory() as folder:
        wheel = _debian_pip_wheel(Path(folder))
        if wheel is None:
            shutil.rmtree(VENV)
            raise ToolError(
                "本机的 Python 缺少 venv 模块，也没有 pip。请先执行：\n"
                "  sudo apt-get update && sudo apt-get install -y python3-venv"
            )
        # A wheel is a zip file, and pip runs from inside one.
        run([PYTHON, wheel / "pip", "install", "--no-index", wheel], what="向虚拟环境安装 pip")


def _debian_pip_wheel(folder: Path) -> Path | None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    try:
        run(["apt-get", "download", "python3-pip-whl"], what="下载 pip", cwd=folder)
        for package in folder.glob("*.deb"):
            run(["dpkg-deb", "-x", package, folder / "x"], what="解开 pip")
    except ToolError:
        return None
    return next(iter(folder.glob("x/usr/share/python-wheels/pip-*.whl")), None)


def _pip() -> list[str]:
    inside = subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False)
    if inside.returncode == 0:
        return [str(PYTHON), "-m", "pip"]
    if has_pip():
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    raise ToolError(f"虚拟环境 {VENV} 中没有 pip，请删除该目录后重试")


def install(*locks: Path, what: str) -> None:
    """Install exactly what the locks pin, each archive checked against its recorded hash."""
    files = [part for lock in locks for part in ("--requirement", str(lock))]
    options = ["--require-hashes", "--no-input", "--disable-pip-version-check", "--quiet"]
    run([*_pip(), "install", *options, *files], what=what)


def ensure(*, dev: bool) -> None:
    """Bring the environment up to the locks; nothing to do when its stamp matches.

    A run-time call accepts an environment that holds the development tools as well.
    """
    if not exists():
        create()
    base = digest([LOCK])
    full = digest([LOCK, DEV_LOCK])
    stamp = VENV / ".requirements-stamp"
    if stamped(stamp, full) or (not dev and stamped(stamp, base)):
        return
    say("正在安装 Python 依赖（首次约需一分钟）……")
    install(*([LOCK, DEV_LOCK] if dev else [LOCK]), what="安装 Python 依赖")
    write_stamp(stamp, full if dev else base)
