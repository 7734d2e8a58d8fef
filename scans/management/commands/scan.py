"""`manage.py scan`: look at a domain or at a system, only under a letter in force."""

import json
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from audit.trail import SYSTEM, record
from inventory import codes
from inventory.models import MailDomain, MailSystem
from scans import policy
from scans.looking import look_once, target_of
from scans.permission import Permission, Refusal, may_probe
from scans.probes import DomainResult, Target, text

NOT_ALLOWED = 2


class Command(BaseCommand):
    help = "探测一个已登记的域名或一个邮件系统的全部域名；没有有效授权书的一律拒绝（退出码 2）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("domain", nargs="?", help="已登记的邮件域名")
        parser.add_argument("--system", type=int, metavar="ID", help="邮件系统编号")
        parser.add_argument("--json", action="store_true", help="每个域名输出一行 JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line a domain as each finishes; nothing is stored.

        Exit codes: 0 looked; 1 unknown domain or system, or scanning not possible here; 2 no
        letter in force.
        """
        self._json = options["json"]
        domains = self._domains(options["domain"], options["system"])
        targets = [self._target(domain) for domain in domains]
        try:
            way = policy.outside()
        except policy.PolicyRefused as refused:
            raise CommandError(str(refused)) from refused
        permissions = {target.domain: permission for target, permission in targets}
        names = {name: one.authorization.number for name, one in permissions.items()}
        record("scan.command", domains[0].system, by=SYSTEM, details={"letters": names})
        look_once([target for target, _ in targets], permissions, way, self._print)

    def _domains(self, name: str | None, system_id: int | None) -> list[MailDomain]:
        if (name is None) == (system_id is None):
            raise CommandError("请给出一个域名，或者用 --system 给出邮件系统编号。")
        rows = MailDomain.objects.select_related("system__unit").prefetch_related(
            "system__authorizations", "system__endpoints"
        )
        if system_id is not None:
            if not MailSystem.objects.filter(pk=system_id).exists():
                raise CommandError(f"没有编号为 {system_id} 的邮件系统。")
            found = list(rows.filter(system=system_id))
            if not found:
                raise CommandError("该系统没有登记邮件域名。")
            return found
        try:
            found = list(rows.filter(name=codes.domain_name(name or "")))
        except ValueError as error:
            raise CommandError(str(error)) from error
        if not found:
            self._refuse(f"{name} 没有登记在任何邮件系统中，也就没有授权，不得探测。")
        return found

    def _target(self, domain: MailDomain) -> tuple[Target, Permission]:
        permission = may_probe(domain.system)
        if isinstance(permission, Refusal):
            self._refuse(f"{domain}：{permission.reason}{permission.advice}")
        if not permission.covers(domain.name):
            self._refuse(f"{domain}：授权书（{permission.authorization.number}）没有列明此域名。")
        target, left_out = target_of(domain.system, domain, permission)
        if left_out:
            self.stderr.write(f"{domain}：授权书没有列明、不探测：{'、'.join(left_out)}")
        return target, permission

    def _refuse(self, reason: str) -> NoReturn:
        record("scan.command", None, by=SYSTEM, label=reason, result="denied")
        self.stderr.write(reason)
        sys.exit(NOT_ALLOWED)

    def _print(self, result: DomainResult) -> None:
        if self._json:
            self.stdout.write(json.dumps(result.to_json(), ensure_ascii=False))
        else:
            self.stdout.write(codes.u_label(result.domain))
            for verdict in result.verdicts:
                self.stdout.write(f"  {text.RESULTS[verdict.result]}　{text.describe(verdict)}")
        self.stdout.flush()
