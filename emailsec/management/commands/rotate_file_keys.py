"""Bring every stored file under the first of FILE_KEYS."""

from collections import Counter
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError

from emailsec.lib.vault import Unreadable, Vault


class Command(BaseCommand):
    help = "Re-encrypt stored files under the first key; safe to repeat and to interrupt."

    def handle(self, **_options: Any) -> None:
        vault = default_storage
        assert isinstance(vault, Vault)
        found: Counter[str] = Counter()
        for path in vault.files():
            try:
                found[vault.renew(path)] += 1
            except FileNotFoundError:
                found["gone"] += 1
            except Unreadable as problem:
                found["unreadable"] += 1
                self.stderr.write(f"{path.relative_to(vault.base_location)}：{problem}。")
        self.stdout.write(
            f"换用新密钥 {found['renewed']} 个，原未加密、现已加密 {found['sealed']} 个，"
            f"已是新密钥 {found['current']} 个。"
        )
        if found["unreadable"]:
            raise CommandError(f"{found['unreadable']} 个文件无法读取，旧密钥请继续保留。")
