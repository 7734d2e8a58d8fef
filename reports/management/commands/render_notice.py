"""Write the PDF of a notice's 限期整改通知书 to a file."""

from reports.actions import preview_notice
from reports.management.paper_command import PaperCommand


class Command(PaperCommand):
    help = "把一份整改通知的限期整改通知书写成 PDF 文件：render_notice 通知编号 -o 文件"
    render = staticmethod(preview_notice)
