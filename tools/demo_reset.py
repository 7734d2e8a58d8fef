"""`make demo-reset`: throw the demonstration's data away, so that the next start loads it anew.

Only ever the embedded SQLite database: what DATABASE_URL names is never touched.
"""

import os
import shutil

from tools.common import ROOT, VAR, ToolError, main_guard, only_one, say
from tools.run import DATABASE, PREPARED

# Fonts, logs and what bootstrap remembers stay.
FOLDERS = ("broker", "practice", "uploads")


def main(_arguments: list[str]) -> int:
    if os.environ.get("EMAILSEC_ENV") == "production" or os.environ.get("DATABASE_URL"):
        raise ToolError("make demo-reset 只清空内置的 SQLite 演示库；已设置的数据库不会被改动。")
    with only_one("run", busy="演示门户正在运行，请先按 Ctrl-C 停止它。"):
        PREPARED.unlink(missing_ok=True)
        # The write-ahead log first: a database without its log is older, a log alone is nothing.
        for name in (f"{DATABASE.name}-wal", f"{DATABASE.name}-shm", DATABASE.name):
            (VAR / name).unlink(missing_ok=True)
        for file in VAR.glob("celerybeat-schedule*"):
            file.unlink()
        for folder in FOLDERS:
            shutil.rmtree(VAR / folder, ignore_errors=True)
    shown = VAR.relative_to(ROOT) if VAR.is_relative_to(ROOT) else VAR
    say(f"已清空 {shown}/ 中的演示数据。执行 make run 会重新载入。")
    return 0


if __name__ == "__main__":
    main_guard(main)
