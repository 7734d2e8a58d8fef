from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from assessments.definitions import publish
from assessments.rules.predicates import SchemaError


class Command(BaseCommand):
    help = "Publish a questionnaire file (TOML); the same content twice is the same version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row, created = publish(options["file"])
        except OSError as error:
            raise CommandError(f"无法读取文件：{error}") from error
        except (SchemaError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{row}：{'已发布' if created else '已存在，内容相同'}。")
