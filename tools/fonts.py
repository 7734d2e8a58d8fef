"""The free FangSong and Kai faces (Fandol) that official documents are set in.

Debian ships them inside a TeX package; it is only unpacked into var/fonts, nothing of TeX is
installed. Without them documents are set in Noto, so their absence never stops a start.
"""

import shutil
import tempfile
from pathlib import Path

from tools.common import VAR, ToolError, run, say

PACKAGE = "texlive-lang-chinese"
FOLDER = VAR / "fonts"
INSIDE = "usr/share/texlive/texmf-dist/fonts/opentype/public/fandol"
WANTED = (
    "FandolFang-Regular.otf",
    "FandolHei-Bold.otf",
    "FandolHei-Regular.otf",
    "FandolKai-Regular.otf",
    "FandolSong-Bold.otf",
    "FandolSong-Regular.otf",
)


def ensure() -> None:
    """Put the faces into var/fonts; a machine that cannot get them is asked only once."""
    tried = VAR / "bootstrap" / "fandol.refused"
    if all((FOLDER / name).is_file() for name in WANTED) or tried.exists():
        return
    if installed := _system_folder():
        _copy(installed)
        return
    say("正在取得公文字体（Fandol 仿宋、楷体，约 49 MB，仅一次）……")
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            # apt drops to its own user when it downloads and cannot write into a private folder.
            folder.chmod(0o777)
            run(["apt-get", "download", PACKAGE], what="下载字体", cwd=folder)
            for package in folder.glob("*.deb"):
                run(["dpkg-deb", "-x", package, folder / "x"], what="解开字体")
            _copy(folder / "x" / INSIDE)
    except (ToolError, OSError) as error:
        say("提示：未能取得 Fandol 字体，文书改用 Noto 字体。")
        tried.parent.mkdir(parents=True, exist_ok=True)
        tried.write_text(f"{error}\n删除本文件后再次启动会重试。\n")


def _system_folder() -> Path | None:
    folders = (Path("/") / INSIDE, Path("/usr/share/fonts/opentype/fandol"))
    return next((folder for folder in folders if (folder / WANTED[0]).is_file()), None)


def _copy(source: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in WANTED:
        shutil.copyfile(source / name, FOLDER / name)
