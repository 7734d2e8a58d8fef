"""Write the PDF of a notice's 整改报告 to a file."""

from reports.actions import preview_report
from reports.management.paper_command import PaperCommand


class Command(PaperCommand):
    help = "把一份整改通知的整改报告写成 PDF 文件：render_report 通知编号 -o 文件"
    render = staticmethod(preview_report)
