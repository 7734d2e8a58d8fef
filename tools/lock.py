"""`make lock`: regenerate every lock file from what is asked for (requirements*.in, package.json).

The Python locks hold for all platforms and from Python 3.11.0 on, with hashes and without any
address, so that a plain pip can install them from whatever index the machine uses.
"""

import os
import shutil

from tools import frontend
from tools.bootstrap import bootstrap
from tools.common import ROOT, VENV, ToolError, main_guard, run, say

OPTIONS = ["--universal", "--python-version=3.11.0", "--generate-hashes"]
OPTIONS += ["--no-header", "--no-annotate", "--quiet"]
# In this order: the development lock is constrained by the run-time lock.
SOURCES = ("requirements", "requirements-dev", "tools/requirements-node")


def uv() -> str:
    """The uv program; raises ToolError when it is not installed."""
    found = shutil.which("uv", path=f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise ToolError("make lock 需要 uv。请执行：pip install uv（或 pipx install uv）")
    return found


def main(_arguments: list[str]) -> int:
    bootstrap(dev=True)
    for source in SOURCES:
        target = ROOT / f"{source}.txt"
        command = [uv(), "pip", "compile", f"{source}.in", *OPTIONS, f"--output-file={target}"]
        run(command, what=f"锁定 {source}.in", env={"UV_PYTHON_DOWNLOADS": "never"})
        if "://" in target.read_text():
            raise ToolError(f"{target.name} 中出现了网络地址，不应提交；请检查 uv 的配置")
        say(f"已更新 {target.relative_to(ROOT)}")
    lock = ["install", "--package-lock-only", "--ignore-scripts", "--loglevel=error"]
    run([*frontend.npm(), *lock], what="锁定 package.json")
    if '"resolved"' in (ROOT / "package-lock.json").read_text():
        raise ToolError("package-lock.json 中出现了下载地址，不应提交；请检查 .npmrc")
    say("已更新 package-lock.json")
    return 0


if __name__ == "__main__":
    main_guard(main)
