from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from emailsec.demo.accounts import table
from emailsec.demo.cases import play
from emailsec.demo.clock import days_ago
from emailsec.demo.people import PUT_UP, cast, put_up
from inventory.divisions import load_divisions
from inventory.models import Unit


class Command(BaseCommand):
    help = "Load the demonstration: a fictional province with cases at every stage."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--accounts", action="store_true", help="print the demo accounts and do nothing else"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("生产环境不能载入演示数据。")
        if options["accounts"]:
            self.stdout.write(table(cast()))
            return
        if Unit.objects.exists():
            raise CommandError(
                "数据库中已有单位，不再载入演示数据。内置的演示库可用 make demo-reset 清空；"
                "用 DATABASE_URL 指定的数据库请换一个空的。"
            )
        load_divisions()
        with transaction.atomic(), days_ago(PUT_UP):
            stage = put_up()
        play(stage)
        self.stdout.write(f"演示数据已载入：{Unit.objects.count()} 个单位。")
