"""Write the PDF of a notice's 整改报告 to a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rectification.models import Notice
from reports.actions import preview_report
from reports.mapping import Incomplete


class Command(BaseCommand):
    help = "把一份整改通知的整改报告写成 PDF 文件：render_report 通知编号 -o 文件"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="整改通知在平台的编号（地址栏中的数字）")
        parser.add_argument("-o", "--output", type=Path, required=True, help="写到哪个文件")

    def handle(self, *args: Any, **options: Any) -> None:
        notice = Notice.objects.filter(pk=options["id"]).first()
        if notice is None:
            raise CommandError(f"没有编号为 {options['id']} 的整改通知。")
        try:
            pdf = preview_report(notice)
        except Incomplete as error:
            raise CommandError(str(error)) from error
        options["output"].write_bytes(pdf)
        self.stdout.write(f"{options['output']}：{len(pdf)} 字节")
