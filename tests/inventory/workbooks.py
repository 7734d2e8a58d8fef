"""Filled workbooks for the import's tests, made from the template that people download."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook
from stdnum.cn.uscc import calc_check_digit

from inventory.importing import template
from inventory.importing.checking import check
from inventory.importing.columns import CONFIRMED
from inventory.importing.reading import read

URL = "inventory:unit_import"


def code(number: int) -> str:
    body = f"12370100MB{number:07d}"
    return body + calc_check_digit(body)


def unit(number=1, **changes):
    cells = {
        "统一社会信用代码": code(number),
        "单位全称": f"第{number}中学",
        "单位类型": "事业单位",
        "隶属关系": "地（区、市、州、盟）",
        "行业类别": "教育",
        "行政区划代码": "370100",
    }
    return ("单位", cells | changes)


def contact(number=1, **changes):
    cells = {
        "统一社会信用代码": code(number),
        "角色": "联系人",
        "姓名": "张三",
        "办公电话": "0000-1234567",
    }
    return ("联系人", cells | changes)


def system(number=1, **changes):
    cells = {
        "统一社会信用代码": code(number),
        "系统名称": "邮箱",
        "非涉密确认": CONFIRMED,
        "部署网络": "互联网、电子政务外网",
        "建设方式": "购买公有云企业邮箱",
        "安全保护等级": "二级",
        "备案情况": "已取得备案证明",
        "备案证明编号": "1101019900121001",
        "投入运行日期": "2024/06/30",
        "账号总数": "10",
    }
    return ("邮件系统", cells | changes)


def domain(number=1, name=None, **changes):
    cells = {
        "统一社会信用代码": code(number),
        "系统名称": "邮箱",
        "邮件域名": name or f"d{number}.edu.test",
        "DKIM选择器": "s1，s2",
    }
    return ("域名", cells | changes)


WHOLE = (unit(), contact(), system(), domain())


def book(*rows, touch=None) -> bytes:
    """A workbook made from the template; `touch` may spoil it."""
    sheets = load_workbook(io.BytesIO(template.build({})))
    for name, cells in rows:
        heads = [cell.value for cell in sheets[name][1]]
        assert set(cells) <= set(heads)
        sheets[name].append([cells.get(head) for head in heads])
    if touch:
        touch(sheets)
    out = io.BytesIO()
    sheets.save(out)
    return out.getvalue()


def errors(content: bytes, user) -> list[tuple[str, str]]:
    plan = check(read(io.BytesIO(content)), user=user)
    return [(error.place, error.reason) for error in plan.errors]


def send(client, content, name="导入.xlsx"):
    return client.post(reverse(URL), {"file": SimpleUploadedFile(name, content)})
