import datetime as dt
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import anchors
from audit.actions import run_verification
from audit.archives import NotArchived, archive
from audit.chain import Fault
from audit.sealing import seal
from emailsec.lib.workdays import OFFICE_ZONE


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"不是日期（YYYY-MM-DD）：{text}") from None


class Command(BaseCommand):
    help = "Seal, verify, anchor or archive the audit trail."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("seal", help="seal what waits, late commits included")
        verify = verbs.add_parser("verify", help="find altered, missing and reordered rows")
        verify.add_argument("--since", type=_day, help="only what was sealed from that day on")
        verbs.add_parser("anchor", help="write the anchor of today")
        archives = verbs.add_parser("archive", help="move old events into a signed file")
        archives.add_argument("--before", type=_day, required=True, help="the first day that stays")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = getattr(self, f"_{options['verb']}")
        verb(**{name: options[name] for name in ("since", "before") if name in options})

    def _seal(self) -> None:
        self.stdout.write(f"已封存 {seal(thorough=True)} 条。")

    def _verify(self, since: dt.date | None) -> None:
        begin = dt.datetime.combine(since, dt.time(), OFFICE_ZONE) if since else None
        report = run_verification(since=begin, on_fault=self._tell)
        for warning in report.warnings:
            self.stdout.write(f"提示：{warning}")
        rate = report.rows / report.seconds if report.seconds else 0
        self.stdout.write(
            f"rows={report.rows} unsealed={report.unsealed} faults={report.fault_count}"
            f" seconds={report.seconds:.1f} rows_per_second={rate:.0f}"
        )
        if report.fault_count:
            raise CommandError(f"审计日志有 {report.fault_count} 处异常，见上。")

    def _tell(self, fault: Fault) -> None:
        self.stdout.write(str(fault))

    def _anchor(self) -> None:
        seal(thorough=True)
        path = anchors.write()
        if path is None:
            raise CommandError("还没有审计日志，无可锚定。")
        anchor = anchors.read(path)
        self.stdout.write(f"{path}\n{anchor.line}\nSHA-256 {anchor.sha256}")

    def _archive(self, before: dt.date) -> None:
        try:
            made = archive(before=before)
        except NotArchived as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write(
            f"已归档封存序号 {made.first_seq} 至 {made.last_seq}：{made.path}\n"
            f"SHA-256 {made.rows_sha256}"
        )
