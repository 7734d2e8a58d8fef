"""What the facts of a mail system must not say at once; shared by the form and the import."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inventory.models import BuildMode, FilingState, Grade

_OWN: Final = {BuildMode.OWN_ROOM, BuildMode.OWN_CLOUD}
_BEGUN: Final = {FilingState.FILED, FilingState.SUBMITTED}


def problems(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (field, Chinese reason) for each contradiction among the facts of one system.

    Args:
        facts: values of the columns of MailSystem by name; a missing one counts as not given.
    """
    yield from _count_problems(facts)
    yield from _filing_problems(facts)
    graded, filed = facts.get("graded_on"), facts.get("filed_on")
    if graded and filed and filed < graded:
        yield "filed_on", "备案日期不能早于定级日期。"


def _count_problems(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    total, active, idle = (facts.get(f"accounts_{n}") for n in ("total", "active", "idle"))
    if total is not None and active is not None and active > total:
        yield "accounts_active", f"在用账号数不能多于账号总数（{total}）。"
    if active is not None and idle is not None and idle > active:
        yield "accounts_idle", f"近90日未登录账号数不能多于在用账号数（{active}）。"
    if active is None and total is not None and idle is not None and idle > total:
        yield "accounts_idle", f"近90日未登录账号数不能多于账号总数（{total}）。"
    if total is None and (active is not None or idle is not None):
        yield "accounts_total", "填写了在用或未登录账号数的，请同时填写账号总数。"


def _filing_problems(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    state, grade, number = facts.get("filing_state"), facts.get("grade"), facts.get("filing_number")
    if state in _BEGUN and grade == Grade.NONE:
        yield "grade", "已提交或取得备案的系统必然已经定级，请选择安全保护等级。"
    if state in _BEGUN and grade == Grade.ONE:
        yield "filing_state", "一级系统不需要备案；请核对等级，或选择“未备案”。"
    if state == FilingState.FILED and not number:
        yield "filing_number", "已取得备案证明的，请填写证明上的编号。"
    if state in {FilingState.SUBMITTED, FilingState.NONE} and number:
        yield "filing_number", "填写了编号的，备案情况应为“已取得备案证明”或“随平台备案”。"
    if state in {FilingState.SUBMITTED, FilingState.NONE} and facts.get("filed_on"):
        yield "filed_on", "尚未取得备案证明的，不填备案日期。"
    if state == FilingState.WITH_PLATFORM:
        if facts.get("build_mode") in _OWN:
            yield (
                "filing_state",
                "自建系统须由本单位备案；“随平台备案”只用于购买、共用或托管的系统。",
            )
        if not facts.get("platform_name"):
            yield "platform_name", "随平台备案的，请填写平台名称。"
        if not number:
            yield "filing_number", "随平台备案的，请填写平台的备案证明编号。"
    elif facts.get("platform_name"):
        yield "platform_name", "备案情况不是“随平台备案”的，不填平台名称。"
