from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.actions import create_account
from accounts.models import User
from accounts.passwords import initial_password
from accounts.roles import PORTAL_ROLES, Role
from audit.trail import SYSTEM, record


class Command(BaseCommand):
    help = (
        "Create one of the 三员 accounts, or give an existing one a new one-time password. "
        "The password is printed once and must be changed at the first log-in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=sorted(role.value for role in PORTAL_ROLES))
        parser.add_argument("--name", default="")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        username, role = options["username"], options["role"]
        password = initial_password()
        user = User.objects.filter(username=username).first()
        if user is None:
            if not role:
                raise CommandError("新建账号须用 --role 指明角色。")
            name = options["name"] or str(Role(role).label)
            create_account(
                username=username, name=name, role=Role(role), password=password, by=SYSTEM
            )
        elif not user.is_portal_side:
            raise CommandError("不是三员账号；请由系统管理员在平台内重置。")
        else:
            user.set_password(password)
            user.must_change_password = True
            user.save(update_fields=["password", "must_change_password"])
            record("account.reset_password", user, by=SYSTEM)
        self.stdout.write(f"用户名 {username}\n一次性口令 {password}")
