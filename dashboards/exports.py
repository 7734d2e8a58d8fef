"""The lists behind the figures as workbooks: the same rows, more columns."""

from collections.abc import Iterable
from typing import Any, Final

from assessments.lifecycles import SELFCHECK
from assessments.models import SelfCheck
from emailsec.lib.words import u_label
from emailsec.lib.workbook import Table
from rectification.models import Finding

UNIT_HEADS: Final = (
    "单位",
    "统一社会信用代码",
    "单位类型",
    "隶属关系",
    "行政区划",
    "行业类别",
    "报送情况",
    "邮件系统",
    "高",
    "中",
    "低",
    "逾期",
    "已销号",
)
SELFCHECK_HEADS: Final = (
    "单位",
    "统一社会信用代码",
    "行政区划",
    "行业类别",
    "状态",
    "报送日期",
    "审核结论",
    "结论日期",
)
SYSTEM_HEADS: Final = (
    "系统",
    "单位",
    "行政区划",
    "行业类别",
    "邮件域名",
    "建设方式",
    "产品品牌",
    "版本",
    "账号总数",
    "等级",
    "备案情况",
    "备案证明编号",
    "有未销号问题",
)
FINDING_HEADS: Final = (
    "编号",
    "单位",
    "行政区划",
    "行业类别",
    "系统",
    "问题",
    "严重程度",
    "依据性质",
    "状态",
    "整改期限",
    "销号日期",
    "依据",
)
NOTICE_HEADS: Final = (
    "文号",
    "单位",
    "统一社会信用代码",
    "行政区划",
    "行业类别",
    "制发机关",
    "状态",
    "整改期限",
    "批准日期",
    "送达日期",
    "签收日期",
    "责令整改问题",
    "已了结",
)


def report_label(unit: Any) -> str:
    """The unit's state in the campaign."""
    if unit.check_id is None:
        return "未下达任务"
    return _status(SelfCheck(status=unit.check_status, returned=unit.check_returned))


def _status(selfcheck: SelfCheck) -> str:
    # Of many rows at once, from their own columns: the signer's refusal is the unit's own affair.
    if selfcheck.returned and selfcheck.editable:
        return SELFCHECK.transitions["return"].unit_label
    return selfcheck.get_status_display()


def unit_table(units: Iterable[Any]) -> Table:
    rows = [
        (
            unit.name,
            unit.uscc,
            unit.get_kind_display(),
            unit.get_affiliation_display(),
            unit.region.name,
            unit.sector.name,
            report_label(unit),
            unit.systems_in_use,
            unit.high,
            unit.medium,
            unit.low,
            unit.overdue,
            unit.closed,
        )
        for unit in units
    ]
    return Table(title="单位清单", heads=UNIT_HEADS, rows=rows)


def selfcheck_table(selfchecks: Iterable[SelfCheck]) -> Table:
    rows = [
        (
            selfcheck.unit.name,
            selfcheck.unit.uscc,
            selfcheck.unit.region.name,
            selfcheck.unit.sector.name,
            _status(selfcheck),
            selfcheck.submitted_on,
            selfcheck.get_conclusion_display(),
            selfcheck.concluded_on,
        )
        for selfcheck in selfchecks
    ]
    return Table(title="报送情况清单", heads=SELFCHECK_HEADS, rows=rows)


def system_table(systems: Iterable[Any]) -> Table:
    rows = [
        (
            system.name,
            system.unit.name,
            system.unit.region.name,
            system.unit.sector.name,
            "、".join(u_label(domain.name) for domain in system.domains.all()),
            system.get_build_mode_display(),
            system.product,
            system.version,
            system.accounts_total,
            system.get_grade_display(),
            system.get_filing_state_display(),
            system.filing_number,
            "是" if system.has_finding else "否",
        )
        for system in systems
    ]
    return Table(title="邮件系统清单", heads=SYSTEM_HEADS, rows=rows)


def finding_table(findings: Iterable[Finding]) -> Table:
    rows = [
        (
            finding.number,
            finding.unit.name,
            finding.unit.region.name,
            finding.unit.sector.name,
            finding.system.name if finding.system else "单位整体",
            finding.title,
            finding.get_severity_display(),
            finding.get_ground_display(),
            finding.get_status_display() + ("（逾期）" if finding.is_overdue else ""),
            finding.due_on,
            finding.closed_on,
            finding.basis,
        )
        for finding in findings
    ]
    return Table(title="问题清单", heads=FINDING_HEADS, rows=rows)


def notice_table(notices: Iterable[Any]) -> Table:
    """Notices counted by `with_counts`."""
    rows = [
        (
            str(notice),
            notice.unit.name,
            notice.unit.uscc,
            notice.unit.region.name,
            notice.unit.sector.name,
            notice.office.short_name,
            notice.status_words + ("（逾期）" if notice.is_overdue else ""),
            notice.deadline,
            notice.approved_on,
            notice.served_on,
            notice.received_on,
            notice.ordered,
            notice.ordered_done,
        )
        for notice in notices
    ]
    return Table(title="整改通知清单", heads=NOTICE_HEADS, rows=rows)
