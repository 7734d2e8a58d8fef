"""`make demo-reset`: throw the demonstration's data away, so that the next start loads it anew.

Only ever the embedded SQLite database: what DATABASE_URL names is never touched.
"""

import os

from tools.common import ROOT, VAR, ToolError, main_guard, only_one, say
from tools.preparation import remove_data


def main(_arguments: list[str]) -> int:
    if os.environ.get("EMAILSEC_ENV") == "production" or os.environ.get("DATABASE_URL"):
        raise ToolError("make demo-reset 只清空内置的 SQLite 演示库；已设置的数据库不会被改动。")
    with only_one("run", busy="演示门户正在运行，请先按 Ctrl-C 停止它。"):
        remove_data()
    shown = VAR.relative_to(ROOT) if VAR.is_relative_to(ROOT) else VAR
    say(f"已清空 {shown}/ 中的演示数据。执行 make run 会重新载入。")
    return 0


if __name__ == "__main__":
    main_guard(main)
