"""A command that writes the PDF of a notice's paper to a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rectification.models import Notice
from reports.mapping import Incomplete


class PaperCommand(BaseCommand):
    """Attributes: `render`, from a notice to its PDF; may raise `Incomplete`."""

    render: Callable[[Notice], bytes]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="整改通知在平台的编号（地址栏中的数字）")
        parser.add_argument("-o", "--output", type=Path, required=True, help="写到哪个文件")

    def handle(self, *args: Any, **options: Any) -> None:
        notice = Notice.objects.filter(pk=options["id"]).first()
        if notice is None:
            raise CommandError(f"没有编号为 {options['id']} 的整改通知。")
        try:
            pdf = type(self).render(notice)
        except Incomplete as error:
            raise CommandError(str(error)) from error
        options["output"].write_bytes(pdf)
        self.stdout.write(f"{options['output']}：{len(pdf)} 字节")
