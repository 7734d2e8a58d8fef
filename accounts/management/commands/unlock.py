from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions import Refused, lift_lock
from accounts.models import User
from audit.trail import SYSTEM


class Command(BaseCommand):
    help = "Lift the lock of an account whose password was wrong too often; also of the 三员."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError("没有这个账号。")
        try:
            lift_lock(user=user, by=SYSTEM)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"已解除账号“{user.username}”的登录锁定。")
