"""Data of the gallery of parts: typical, empty and overfull, all of it invented."""

import datetime as dt
from typing import Any, Final

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils import timezone

from emailsec.context import ENVIRONMENT_LABELS, PRODUCT, Me, Portal
from emailsec.lib.marks import STATES

# Sixty characters: the longest name that a list, a heading or a bar must bear.
LONG_NAME: Final = (
    "某某省某某市某某高新技术产业开发区管理委员会国有资产监督管理与企业服务局"
    "下属电子政务和大数据应用技术服务中心信息网络安全处"
)

STATE_LABELS: Final = {
    "not_started": "待填报",
    "filling": "填报中",
    "to_sign": "待单位审签",
    "to_review": "待复核",
    "accepted": "已通过",
    "returned": "退回修改",
    "open": "待整改",
    "notified": "已通知",
    "rectifying": "整改中",
    "to_recheck": "待复查",
    "closed": "已销号",
    "false_alarm": "误报",
    "transferred": "移送",
    "overdue": "逾期",
    "drafted": "拟稿",
    "served": "送达",
    "refused": "拒签",
    "finished": "办结",
    "void": "作废",
    "running": "探测中",
    "partial": "部分完成",
    "failed": "失败",
}

KEY_CHOICES: Final = [("yes", "是"), ("partial", "部分"), ("no", "否"), ("na", "不适用")]


class GalleryFilter(forms.Form):
    """What a FilterSet shows of itself: the row of filters and their chips."""

    q = forms.CharField(label="单位名称", required=False)
    sector = forms.ChoiceField(
        label="行业",
        choices=[("", "全部"), ("edu", "教育"), ("health", "卫生健康"), ("energy", "能源")],
        required=False,
    )
    severity = forms.ChoiceField(
        label="严重程度",
        choices=[("", "全部"), ("high", "高"), ("medium", "中"), ("low", "低")],
        required=False,
    )


def _findings(today: dt.date) -> list[dict[str, Any]]:
    rows = [
        ("甲市教育局", "jia.gov.test", "未发布 DMARC 记录", "high", "overdue", -3),
        (LONG_NAME, "xn--fiq228c.xn--fiqs8s", "25 端口未提供 STARTTLS", "medium", "rectifying", 0),
        ("甲市第一中学", "yi.edu.test", "SPF 记录以 ~all 结尾", "medium", "notified", 6),
        ("甲市自来水有限公司", "a" * 40 + ".example.test", "未启用 HSTS", "low", "to_recheck", 41),
    ]
    return [
        {
            "unit": unit,
            "domain": domain,
            "what": what,
            "severity": severity,
            "state": state,
            "label": STATE_LABELS[state],
            "deadline": today + dt.timedelta(days=days),
        }
        for unit, domain, what, severity, state, days in rows
    ]


def context(request: HttpRequest) -> dict[str, Any]:
    """Everything that gallery.html draws.

    Args:
        request: its query feeds the filters, the order and the pager.

    Returns:
        the context of gallery.html.
    """
    now = timezone.localtime()
    today = now.date()
    history = [
        {
            "at": now - dt.timedelta(hours=3),
            "who": "李四（甲市支队 批准人）",
            "what": "批准并编号",
            "note": "",
        },
        {
            "at": now - dt.timedelta(days=1, hours=2),
            "who": f"王五（{LONG_NAME} 审签人）",
            "what": "退回修改",
            "note": "第 3 题的佐证看不清，请上传原件扫描件；第 7 题请写明已做和未做的部分。",
        },
        {
            "at": now - dt.timedelta(days=6),
            "who": "系统",
            "what": "由复核生成",
            "note": "来源：自查表 M-603、探测 dmarc.policy",
        },
    ]
    cities = [("甲市", 92), ("乙市", 78), ("丙市", 54), ("丁市", 31), ("戊市", 0)]
    return {
        "nav": [
            {"label": label, "url": "#", "active": label == "自查"}
            for label in (
                "首页",
                "单位",
                "邮件系统",
                "探测",
                "自查",
                "问题",
                "通知",
                "文书",
                "审计",
            )
        ],
        "portal": Portal(
            product=PRODUCT,
            environment_label=ENVIRONMENT_LABELS["demo"],
            me=Me(name="欧阳文静", role="承办人", place=LONG_NAME),
            home_url="#",
            home_label="总览",
            inbox_url="#",
            logout_url="#",
            password_days_left=9,
            password_url="#",  # noqa: S106
            ways_url="#",
            sessions_url="#",
            security_url="#",
        ),
        "inbox_unread": 12,
        "long_name": LONG_NAME,
        "today": today,
        "now": now,
        "deadlines": [today + dt.timedelta(days=d) for d in (-120, -3, 0, 1, 7, 8, 90)],
        "states": [(slug, STATE_LABELS.get(slug, slug)) for slug in STATES if slug in STATE_LABELS],
        "columns": [
            {"label": "单位", "key": "unit", "css": "words"},
            {"label": "域名", "key": "domain"},
            {"label": "问题", "css": "words"},
            {"label": "严重程度", "key": "severity", "css": "fit"},
            {"label": "状态", "key": "state", "css": "fit"},
            {"label": "期限", "key": "deadline", "css": "fit"},
        ],
        "findings": _findings(today),
        "page_one": Paginator(range(3), 20).page(1),
        "page_many": Paginator(range(312), 20).get_page(request.GET.get("page", "4")),
        "filter": {"form": GalleryFilter(request.GET)},
        "history": history,
        "rates": [
            {
                "label": name,
                "value": value,
                "text": f"{value}%",
                "url": "#",
                "tone": "red" if value < 60 else "blue",
            }
            for name, value in cities
        ],
        "verdict_bars": [
            {"label": "符合", "value": 212, "tone": "green", "url": "#"},
            {"label": "不符合", "value": 67, "tone": "red", "url": "#"},
            {"label": "提示", "value": 18, "tone": "amber", "url": "#"},
            {"label": "未能观测", "value": 43, "tone": "unknown", "url": "#"},
        ],
        "long_bars": [
            {"label": LONG_NAME, "value": 12345, "url": "#"},
            {"label": "甲市教育局", "value": 3, "url": "#"},
        ],
        "key_choices": KEY_CHOICES,
        "files": [
            {
                "name": "信息系统安全等级保护备案证明（扫描件）.pdf",
                "size": 1_482_113,
                "url": "#",
                "at": now,
                "remove_url": "#",
            },
            {
                "name": f"{LONG_NAME}邮件系统口令策略截图.png",
                "size": 9_912_113,
                "url": "#",
                "at": now,
                "remove_url": "#",
            },
        ],
        "steps": [
            ("U1 单位基本信息", "accepted", "已填"),
            ("M5 传输加密", "filling", "填报中"),
            ("M6 防伪造", "nonconforming", "2 项不符合"),
            ("M7 反垃圾与中继", "contradicts", "1 处疑点"),
            ("M8 账号与口令", "not_started", "未填"),
        ],
    }
