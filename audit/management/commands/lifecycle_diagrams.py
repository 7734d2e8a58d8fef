from typing import Any

from django.core.management.base import BaseCommand

from audit.diagrams import document


class Command(BaseCommand):
    help = "Print every state machine as Markdown (docs/lifecycles.md)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(document(), ending="")
