"""`python -m practice serve | set | list | stats`; see docs/practice.md."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from practice.control import NotRunningError, ask
from practice.running import serve
from practice.tables import TableError, postures, read_domains

DEFAULT_STATE = Path("var/practice")


def main(argv: list[str] | None = None) -> int:
    """Runs one command. Returns: exit status, 0 done, 1 refused, 2 wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m practice", description="演练靶场")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument(
            "--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help="状态目录"
        )
        return one

    run = command("serve", "在前台运行靶场")
    run.add_argument("--net", default="auto", metavar="auto|127.77.N.0/24", help="使用的回环网段")
    run.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="应答延迟")
    change = command("set", "改变一个域名的姿态，立即生效")
    change.add_argument("domain", metavar="DOMAIN")
    change.add_argument("posture", metavar="POSTURE")
    listing = command("list", "列出域名及其姿态")
    listing.add_argument("--postures", action="store_true", help="列出可用的姿态")
    counts = command("stats", "连接和命令计数（JSON）")
    counts.add_argument("--reset", action="store_true", help="计数归零")
    given = parser.parse_args(argv)
    try:
        match given.command:
            case "serve":
                serve(given.state, given.net, given.latency)
            case "set":
                ask(given.state, {"do": "set", "domain": given.domain, "posture": given.posture})
                print(f"{given.domain} → {given.posture}：{postures()[given.posture].title}")
            case "list":
                _list(given.state, given.postures)
            case "stats":
                request = {"do": "reset" if given.reset else "stats"}
                print(json.dumps(ask(given.state, request), ensure_ascii=False, indent=1))
    except (TableError, OSError, ValueError) as error:
        print(f"practice: {error}", file=sys.stderr)
        return 1
    return 0


def _list(state: Path, only_postures: bool) -> None:
    if only_postures:
        for name, one in postures().items():
            print(f"{name:24}{one.title}")
        return
    try:
        entries = ask(state, {"do": "describe"})["domains"]
    except NotRunningError:
        entries = [
            {
                "unicode": one.unicode,
                "posture": one.posture,
                "title": one.title or postures()[one.posture].title,
            }
            for one in read_domains()
        ]
    for entry in entries:
        print(f"{entry['unicode']:32}{entry['posture']:24}{entry['title']}")


if __name__ == "__main__":
    sys.exit(main())
