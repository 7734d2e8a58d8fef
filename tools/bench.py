"""`make bench`: how long a page, a document and a scan take on this machine.

Measured on a copy of the demonstration's database, which a `make run` must have loaded; compare
figures of one run with each other, not with those of another machine.
"""

import json
import os
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tools import environment
from tools.bootstrap import bootstrap
from tools.common import ROOT, VAR, ToolError, main_guard, say
from tools.preparation import DATABASE, LOADED, PREPARED
from tools.processes import Keeper, end_groups, spawn

RANGE_SECONDS = 60.0
SCANS = 3
DOMAINS = ("exemplary.test", "jia.gov.test")


def copied_var(folder: Path) -> Path:
    """A var folder with a copy of the demonstration's database; fonts and uploads are shared."""
    loaded = json.loads(PREPARED.read_text()) if PREPARED.exists() else {}
    if loaded.get("demo") != LOADED or not DATABASE.exists():
        raise ToolError("还没有演示数据。请先执行一次 make run，再执行 make bench。")
    var = folder / "var"
    var.mkdir()
    with (
        closing(sqlite3.connect(DATABASE)) as source,
        closing(sqlite3.connect(var / DATABASE.name)) as target,
    ):
        source.backup(target)
    for name in ("fonts", "uploads"):
        if (VAR / name).is_dir():
            (var / name).symlink_to(VAR / name)
    return var


def measure_portal(env: dict[str, str]) -> None:
    """Pages and documents, in one warm process (tools/bench_portal.py)."""
    command = [str(environment.PYTHON), "-m", "tools.bench_portal"]
    if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode:
        raise ToolError("页面与文书的测量未完成。")


def measure_scans(folder: Path, env: dict[str, str]) -> None:
    """`python -m scans.probes` as a whole command, against a practice range of its own."""
    state = folder / "practice"
    state.mkdir()
    described = state / "range.json"
    python = str(environment.PYTHON)
    keeper = Keeper()
    with (folder / "practice.log").open("wb") as log:
        serve = [python, "-m", "practice", "serve", "--state", str(state)]
        process = spawn(serve, output=log, env=env)
    keeper.add(process.pid)
    try:
        limit = time.monotonic() + RANGE_SECONDS
        while not described.exists():
            if process.poll() is not None or time.monotonic() > limit:
                raise ToolError(f"靶场未能启动：\n{(folder / 'practice.log').read_text()}")
            time.sleep(0.05)
        where = json.loads(described.read_text())
        probe = [python, "-m", "scans.probes", "--json", "--resolver", where["resolver"]]
        probe += ["--allow-net", where["net"], "--ca-file", where["ca_file"]]
        probe += ["--port-map", where["port_map_file"]]
        probe += ["--policy", str(ROOT / "scans" / "policy.practice.toml")]
        for domain in DOMAINS:
            times = []
            for _ in range(SCANS):
                begun = time.monotonic()
                done = subprocess.run(
                    [*probe, domain], cwd=ROOT, env=env, capture_output=True, text=True, check=False
                )
                times.append(time.monotonic() - begun)
                if done.returncode or not json.loads(done.stdout)["observations"]:
                    raise ToolError(f"探测 {domain} 失败：\n{done.stderr}")
            say(f"探测 {domain}（整条命令）：{sorted(times)[SCANS // 2]:.2f} 秒")
    finally:
        end_groups([process.pid], grace=lambda: 3.0, reap=lambda: [process.poll()].clear())
        process.wait()
        keeper.forget(process.pid)
        keeper.close()


def main(_arguments: list[str]) -> int:
    bootstrap(dev=False)
    with tempfile.TemporaryDirectory(prefix="emailsec-bench-") as name:
        folder = Path(name)
        env = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        env |= {"EMAILSEC_VAR_DIR": str(copied_var(folder)), "LOG_LEVEL": "ERROR"}
        env |= {"DJANGO_SETTINGS_MODULE": "emailsec.settings"}
        measure_portal(env)
        measure_scans(folder, env)
    return 0


if __name__ == "__main__":
    main_guard(main)
