from typing import Any

from django.core.management.base import BaseCommand

from inventory.divisions import load_divisions


class Command(BaseCommand):
    help = "Load administrative divisions and sectors; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        regions, sectors = load_divisions()
        self.stdout.write(f"行政区划 {regions} 条，行业类别 {sectors} 条。")
