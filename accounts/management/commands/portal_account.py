from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.actions import (
    Invited,
    Refused,
    join_address,
    open_account,
    reset_second_factor,
    stop_and_invite,
)
from accounts.models import User
from accounts.roles import PORTAL_ROLES, Role
from audit.trail import SYSTEM


class Command(BaseCommand):
    help = (
        "Create one of the 三员 accounts, or stop the password of an existing one. "
        "Prints a link, and the same as a code, with which its owner sets a password, once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=sorted(role.value for role in PORTAL_ROLES))
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--reset-second-factor",
            action="store_true",
            help="Take away the second factors of one of the 三员 who lost them; nothing else.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reset_second_factor"]:
            self._reset(options["username"])
            return
        issued = self._issue(options["username"], options["role"], options["name"])
        until = timezone.localtime(issued.expires_at)
        self.stdout.write(
            f"用户名 {issued.user.username}\n"
            f"链接 {issued.link}\n"
            f"或打开 {join_address()} 输入邀请码 {issued.code}\n"
            f"只能用一次，有效期至 {until:%Y-%m-%d %H:%M}"
        )

    def _reset(self, username: str) -> None:
        user = User.objects.filter(username=username).first()
        if user is None or not user.is_portal_side:
            raise CommandError("不是三员账号；其他账号由系统管理员在平台内解除。")
        try:
            reset_second_factor(user=user, by=SYSTEM)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"已解除 {username} 的二次验证；下次登录须重新设置。")

    def _issue(self, username: str, role: str | None, name: str) -> Invited:
        user = User.objects.filter(username=username).first()
        if user is None:
            if not role:
                raise CommandError("新建账号须用 --role 指明角色。")
            named = name or str(Role(role).label)
            return open_account(username=username, name=named, role=Role(role), by=SYSTEM)
        if not user.is_portal_side:
            raise CommandError("不是三员账号；请由系统管理员在平台内重置。")
        return stop_and_invite(user=user, by=SYSTEM)
