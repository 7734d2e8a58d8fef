"""`python -m scans.probes DOMAIN…`: look at domains and print one JSON object per domain."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from . import text
from .dns import to_unicode
from .guard import read_port_map
from .model import CARRIED_OUT, EXTRAS, DomainResult, Target
from .policy import PRODUCTION, PolicyError, load
from .run import probe_domains_sync

_SERVICES = ("smtp", "imap", "pop3", "webmail")


_EXIT_CODES = """exit codes: 0 every domain has its result, whatever was seen (a text that is no
domain name, too: everything about it is unknown); 1 the reader of the output has left; 2 wrong
arguments or files; 130 interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns one of `_EXIT_CODES`."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        targets = _targets(options)
        policy = load(options.policy)
        port_map = read_port_map(options.port_map) if options.port_map else None
    except (OSError, ValueError, PolicyError) as error:
        parser.error(str(error))
    if not targets:
        parser.error("没有域名：请给出 DOMAIN 或 --domains-file")
    show = _json_line if options.json else _chinese
    try:
        probe_domains_sync(
            targets,
            policy=policy,
            resolver=options.resolver,
            allow_net=options.allow_net,
            ca_file=options.ca_file,
            port_map=port_map,
            concurrency=options.concurrency,
            on_result=show,
        )
    except BrokenPipeError:
        sys.stderr.close()  # the reader has left; nothing more can be said
        return 1
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scans.probes", description=__doc__, epilog=_EXIT_CODES
    )
    parser.add_argument("domain", nargs="*", metavar="DOMAIN")
    parser.add_argument("--domains-file", metavar="F", help="one domain per line, # for comments")
    parser.add_argument("--resolver", metavar="IP[:PORT]", help="default: the system's")
    parser.add_argument(
        "--allow-net",
        metavar="CIDR",
        nargs="+",
        action="extend",
        default=[],
        help="practice range: contact these networks and no others",
    )
    parser.add_argument("--ca-file", metavar="PEM", help="further trusted roots")
    parser.add_argument(
        "--dkim-selector",
        metavar="S",
        nargs="+",
        action="extend",
        default=[],
        help="known DKIM selectors",
    )
    parser.add_argument("--policy", metavar="FILE", default=PRODUCTION, help="ScanPolicy TOML")
    parser.add_argument(
        "--port-map", metavar="FILE", help="JSON of port → port; needs --allow-net in 127.0.0.0/8"
    )
    parser.add_argument(
        "--with",
        metavar="NAMES",
        dest="extras",
        default="",
        help=f"of {','.join(EXTRAS)}; each needs its own written authorisation",
    )
    parser.add_argument(
        "--endpoint",
        metavar="SERVICE=HOST",
        nargs="+",
        action="extend",
        default=[],
        help=f"declared host of {', '.join(_SERVICES)}; {{domain}} is replaced",
    )
    parser.add_argument(
        "--no-discover", action="store_true", help="look at MX and declared hosts only"
    )
    parser.add_argument("--concurrency", type=int, default=8, metavar="N")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _targets(options: argparse.Namespace) -> list[Target]:
    _give_back(options)
    names: list[str] = list(options.domain)
    if options.domains_file:
        for line in Path(options.domains_file).read_text(encoding="utf-8").splitlines():
            if name := line.partition("#")[0].strip():
                names.append(name)
    extras = frozenset(word.strip() for word in options.extras.split(",") if word.strip())
    if unknown := extras - set(EXTRAS):
        raise ValueError(f"--with: {', '.join(sorted(unknown))}?")
    for name in sorted(extras - CARRIED_OUT):
        sys.stderr.write(f"--with {name}: a reserved name, not looked at yet\n")
    if options.concurrency < 1:
        raise ValueError("--concurrency must be at least 1")
    declared: dict[str, list[str]] = {service: [] for service in _SERVICES}
    for entry in options.endpoint:
        service, _, host = entry.partition("=")
        if service not in declared or not host:
            raise ValueError(f"--endpoint {entry}: SERVICE=HOST is needed")
        declared[service].append(host)
    return [
        Target(
            domain=name,
            dkim_selectors=tuple(options.dkim_selector),
            extras=extras,
            discover=not options.no_discover,
            **{k: tuple(h.replace("{domain}", name) for h in v) for k, v in declared.items()},
        )
        for name in dict.fromkeys(names)
    ]


def _give_back(options: argparse.Namespace) -> None:
    """Undo that `--allow-net NET DOMAIN` takes the domain for a network (options take lists)."""
    for option, is_value in (("allow_net", _is_net), ("endpoint", lambda word: "=" in word)):
        words: list[str] = getattr(options, option)
        setattr(options, option, [word for word in words if is_value(word)])
        options.domain += [word for word in words if not is_value(word)]
    if not options.domain and not options.domains_file:
        options.domain = [word for word in options.dkim_selector[1:] if "." in word]
        options.dkim_selector = [w for w in options.dkim_selector if w not in options.domain]


def _is_net(word: str) -> bool:
    return word.replace("/", "").replace(".", "").isdigit() or ":" in word


def _json_line(result: DomainResult) -> None:
    sys.stdout.write(json.dumps(result.to_json(), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _chinese(result: DomainResult) -> None:
    sys.stdout.write(f"{to_unicode(result.domain)}\n")
    for verdict in result.verdicts:
        label = text.RESULTS[verdict.result]
        sys.stdout.write(f"  {label:<5}{verdict.rule:<28}{text.describe(verdict)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
