"""The sheets and columns of the import workbook: one description for writing and for reading."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from inventory import codes
from inventory.models import (
    AccessMethod,
    Affiliation,
    BuildMode,
    ContactRole,
    FilingState,
    Grade,
    HostingPlace,
    Network,
    ServiceScope,
    UnitKind,
)
from inventory.secrecy import CLASSIFIED_LABEL

MAX_ROWS: Final = 5000
CONFIRMED: Final = "已确认不是涉密信息系统"

Parser = Callable[[str], Any]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: name in the plan.
        head: text of its head.
        note: what to fill in, shown as a comment on the head.
        parse: makes a value of non-empty text or raises ValueError in Chinese.
        required: must be filled in every row.
        options: what the drop-down offers.
        from_table: "sector" or "office": a drop-down and a check against the database.
        width: in characters.
    """

    key: str
    head: str
    note: str = ""
    parse: Parser | None = None
    required: bool = False
    options: tuple[str, ...] = ()
    from_table: str = ""
    width: int = 16


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, and its columns from left to right."""

    name: str
    columns: tuple[Column, ...]


def text_up_to(limit: int) -> Parser:
    def parse(text: str) -> str:
        if len(text) > limit:
            raise ValueError(f"最多{limit}个字，现为{len(text)}个字。")
        return codes.opening(text)

    return parse


def one_of(choices: list[tuple[Any, str]]) -> Parser:
    """Accept a label of `choices`; give its value."""
    by_label = {label: value for value, label in choices}

    def parse(text: str) -> Any:
        if text not in by_label:
            raise ValueError(f"只能填：{'、'.join(by_label)}。")
        return by_label[text]

    return parse


def some_of(choices: list[tuple[Any, str]]) -> Parser:
    """Accept labels of `choices` separated by 、 or commas; give the values joined by commas."""
    single = one_of(choices)

    def parse(text: str) -> str:
        parts = [p.strip() for p in text.replace("，", "、").replace(",", "、").split("、")]
        return ",".join(dict.fromkeys(single(part) for part in parts if part))

    return parse


def past_day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(codes.narrow(text).replace("/", "-").replace(".", "-"))
    except ValueError:
        raise ValueError("日期请写成 2024-06-30 的样子。") from None
    if day > timezone.localdate():
        raise ValueError("日期不能晚于今天。")
    return day


def count(text: str) -> int:
    if not text.isdecimal() or int(text) > codes.MOST_ACCOUNTS:
        raise ValueError("请填写整数，从0到1000万。")
    return int(text)


def confirmed(text: str) -> bool:
    if text != CONFIRMED:
        raise ValueError(f"只能填“{CONFIRMED}”；不能确认的系统不得在本平台登记，请删去整行。")
    return True


def networks(text: str) -> str:
    if "涉密" in text:
        raise ValueError(
            f"{CLASSIFIED_LABEL}中的系统不得在本平台登记，请删去整行，线下按规定办理。"
        )
    return str(some_of(Network.choices)(text))


def _labels(choices: list[tuple[Any, str]]) -> tuple[str, ...]:
    return tuple(str(label) for _, label in choices)


_USCC = Column(
    "uscc", "统一社会信用代码", "18位，与“单位”表一致。", codes.credit_code, required=True, width=22
)
_SYSTEM = Column("system", "系统名称", "与“邮件系统”表一致。", text_up_to(80), True, width=26)

UNITS = Sheet(
    "单位",
    (
        Column("uscc", "统一社会信用代码", "18位。", codes.credit_code, required=True, width=22),
        Column("name", "单位全称", "与证书一致。", text_up_to(120), required=True, width=36),
        Column(
            "kind",
            "单位类型",
            "从列表选择。",
            one_of(UnitKind.choices),
            required=True,
            options=_labels(UnitKind.choices),
        ),
        Column(
            "affiliation",
            "隶属关系",
            "从列表选择。",
            one_of(Affiliation.choices),
            required=True,
            options=_labels(Affiliation.choices),
        ),
        Column("sector", "行业类别", "从列表选择。", required=True, from_table="sector"),
        Column("region", "行政区划代码", "六位数字。", codes.division, required=True, width=14),
        Column("address", "单位地址", "", text_up_to(150), width=30),
        Column("competent_department", "行业主管部门", "", text_up_to(80), width=20),
        Column(
            "office",
            "监管机关",
            "空着的归导入机关；只能是本机关或下级。",
            from_table="office",
            width=28,
        ),
    ),
)
CONTACTS = Sheet(
    "联系人",
    (
        _USCC,
        Column(
            "role",
            "角色",
            "从列表选择，每个角色一人。",
            one_of(ContactRole.choices),
            required=True,
            options=_labels(ContactRole.choices),
            width=20,
        ),
        Column("name", "姓名", "", text_up_to(30), required=True, width=12),
        Column("department", "部门", "", text_up_to(60), width=20),
        Column("title", "职务", "", text_up_to(40)),
        Column("office_phone", "办公电话", "与手机至少填一个。", codes.phone),
        Column("mobile", "手机", "", codes.phone),
    ),
)
SYSTEMS = Sheet(
    "邮件系统",
    (
        _USCC,
        Column("name", "系统名称", "同一单位内不重复。", text_up_to(80), required=True, width=26),
        Column(
            "not_classified",
            "非涉密确认",
            f"只能填“{CONFIRMED}”；不能确认的不得导入。",
            confirmed,
            required=True,
            options=(CONFIRMED,),
            width=24,
        ),
        Column("networks", "部署网络", "多个用顿号隔开。", networks, required=True),
        Column(
            "build_mode",
            "建设方式",
            "从列表选择。",
            one_of(BuildMode.choices),
            required=True,
            options=_labels(BuildMode.choices),
            width=24,
        ),
        Column("product", "产品品牌", "", text_up_to(60)),
        Column("version", "版本号及补丁级别", "", text_up_to(60), width=18),
        Column("maker", "生产（服务）企业", "", text_up_to(80), width=24),
        Column("started_on", "投入运行日期", "例如 2024-06-30。", past_day, width=14),
        Column(
            "service_scope",
            "服务范围与对象",
            "从列表选择。",
            one_of(ServiceScope.choices),
            options=_labels(ServiceScope.choices),
        ),
        Column(
            "hosting_place",
            "服务器及数据位置",
            "从列表选择。",
            one_of(HostingPlace.choices),
            options=_labels(HostingPlace.choices),
            width=18,
        ),
        Column("accounts_total", "账号总数", "整数。", count, width=10),
        Column("accounts_active", "在用账号数", "整数，不多于账号总数。", count, width=12),
        Column("accounts_idle", "近90日未登录账号数", "整数，不多于在用账号数。", count, width=18),
        Column("access_methods", "访问方式", "多个用顿号隔开。", some_of(AccessMethod.choices)),
        Column(
            "grade",
            "安全保护等级",
            "从列表选择。",
            one_of(Grade.choices),
            required=True,
            options=_labels(Grade.choices),
            width=14,
        ),
        Column("graded_on", "定级日期", "例如 2024-06-30。", past_day, width=14),
        Column(
            "filing_state",
            "备案情况",
            "从列表选择。",
            one_of(FilingState.choices),
            required=True,
            options=_labels(FilingState.choices),
        ),
        Column(
            "filing_number",
            "备案证明编号",
            "11位加5位数字；已取得备案证明和随平台备案的必填。",
            codes.filing_number,
            width=20,
        ),
        Column("filed_on", "备案日期", "例如 2024-06-30。", past_day, width=14),
        Column("platform_name", "所随平台名称", "只在随平台备案时填。", text_up_to(80), width=20),
    ),
)
DOMAINS = Sheet(
    "域名",
    (
        _USCC,
        _SYSTEM,
        Column(
            "name", "邮件域名", "一行一个，中文域名直接填写。", codes.domain_name, True, width=28
        ),
        Column("dkim_selectors", "DKIM选择器", "多个用逗号隔开。", codes.dkim_selectors, width=20),
    ),
)
SHEETS: Final = (UNITS, CONTACTS, SYSTEMS, DOMAINS)
# Sheets of our own template that carry no data.
SILENT_SHEETS: Final = frozenset({"填写说明", "字典"})
