"""A notice before it has its number: drafted, reworked, withdrawn, checked, sent back, approved."""

import datetime as dt
import re
from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.roles import Role
from audit.trail import record
from emailsec.lib.wake import wake
from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from inbox.actions import tell_office
from inventory.models import Office, Unit
from rectification.actions.base import (
    Refused,
    drew_up,
    headline,
    lock,
    notice_url,
    number_taken,
    require_notice,
    written,
)
from rectification.lifecycles import NOTICE
from rectification.models import (
    Finding,
    FindingQuerySet,
    Notice,
    NoticeItem,
    Placement,
    free_for_notice,
)
from rectification.numbers import notice_number
from rectification.terms import terms

# A document number as a case platform prints it: words, year in brackets, number, 号.
_CASE_NUMBER = re.compile(r"[\u4e00-\u9fffA-Za-z0-9〔〕（）()\[\]-]*[0-9]+号")


@transaction.atomic
def draft_notice(
    unit: Unit,
    findings: Iterable[Finding],
    *,
    deadline: dt.date,
    case_number: str = "",
    by: User,
) -> Notice:
    """Draft a notice over open findings of one unit.

    Args:
        deadline: last day for the repair; must lie after today and within the bound of terms.toml.
        case_number: the registered number, where the office's case platform gives the numbers.
        by: an officer with `notice.draft` of an office that supervises the unit.

    Raises:
        Refused: no findings, none that this authority may order, one that is another
            authority's to enforce, one of another unit or already in a notice, a deadline out of
            bounds, a missing case number or one that is taken.
    """
    office = by.office
    if not by.can("notice.draft", unit) or office is None or not unit.is_supervised_by(by):
        raise PermissionDenied("notice.draft")
    Unit.objects.select_for_update().get(pk=unit.pk)
    free = free_for_notice(Finding.objects.filter(unit=unit))
    placed = _placed(free, findings, office)
    case_number = _checked_terms(office, deadline, case_number)
    notice = Notice.objects.create(
        office=office,
        unit=unit,
        deadline=deadline,
        original_deadline=deadline,
        case_number=case_number,
        drafted_by=by,
    )
    numbers = _fill(notice, placed)
    record("notice.draft", notice, by=by, details={"findings": numbers})
    _tell_judges(notice, f"待审批：{unit}限期整改通知")
    return notice


@transaction.atomic
def revise_notice(
    notice: Notice,
    findings: Iterable[Finding],
    *,
    deadline: dt.date,
    case_number: str = "",
    by: User,
) -> None:
    """修改拟稿: choose anew what the draft holds and until when; it awaits 审批 once more.

    Args:
        findings, deadline, case_number: as in `draft_notice`.
        by: an officer with `notice.draft` of the office that drafts.

    Raises:
        Refused: as in `draft_notice`.
        IllegalMove: no draft any more.
    """
    require_notice(by, "notice.draft", notice)
    Unit.objects.select_for_update().get(pk=notice.unit_id)
    lock(notice)
    placed = _placed(open_to_draft(notice), findings, notice.office)
    case_number = _checked_terms(notice.office, deadline, case_number, but=notice)
    before = set(notice.items.live().values_list("finding__number", flat=True))
    # Nothing was issued yet: what a draft once held is told by its history.
    notice.items.all().delete()
    numbers = _fill(notice, placed)
    changed = [
        f"整改期限改为{cn_date(deadline)}" if deadline != notice.deadline else "",
        f"登记文号改为{case_number}" if case_number != notice.case_number else "",
        _listed("列入", set(numbers) - before),
        _listed("去掉", before - set(numbers)),
    ]
    NOTICE.move(
        notice,
        "revise",
        by=by,
        reason="；".join(filter(None, changed)) or "未作改动，再次提交",
        also={
            "deadline": deadline,
            "original_deadline": deadline,
            "case_number": case_number,
        },
    )
    _tell_judges(notice, f"拟稿已修改，待审批：{notice.unit}限期整改通知")


@transaction.atomic
def withdraw_notice(notice: Notice, *, reason: str, by: User) -> None:
    """撤回拟稿: the draft is given up, its findings are free again."""
    require_notice(by, "notice.draft", notice)
    NOTICE.move(notice, "withdraw", by=by, reason=reason)
    notice.items.live().update(ended_on=today())


def open_to_draft(notice: Notice) -> FindingQuerySet:
    """What a draft may hold: the free findings of its unit, and those that it holds already."""
    own = Q(pk__in=notice.items.live().values("finding"))
    rows = Finding.objects.filter(unit=notice.unit_id)
    free = free_for_notice(rows).values("pk")
    found: FindingQuerySet = rows.filter(own | Q(pk__in=free))
    return found


def _placed(
    free: FindingQuerySet, findings: Iterable[Finding], office: Office
) -> list[tuple[Finding, Placement]]:
    """The chosen findings and where each stands; call with the unit's row locked, so that two
    drafts cannot take the same one."""
    wanted = {finding.pk for finding in findings}
    if not wanted:
        raise Refused("请至少选择一个问题。", field="findings")
    chosen = list(free.filter(pk__in=wanted))
    if len(chosen) != len(wanted):
        raise Refused("所选问题中有已列入其他通知的，请刷新后重新选择。", field="findings")
    placed = [(finding, finding.placement(office.kind)) for finding in chosen]
    if foreign := [f.number for f, place in placed if place == Placement.ELSEWHERE]:
        raise Refused(
            f"{'、'.join(foreign)} 的依据由其他机关执行，不能列入本机关的通知，请移送。",
            field="findings",
        )
    if all(place != Placement.ORDER for _, place in placed):
        raise Refused(
            "所选问题均只有方案要求或安全建议作依据，不能发限期整改通知书。", field="findings"
        )
    return sorted(placed, key=lambda one: (one[1] != Placement.ORDER, one[0].number))


def _fill(notice: Notice, placed: list[tuple[Finding, Placement]]) -> list[str]:
    """Write the items of a draft; return the numbers of its findings in their order."""
    NoticeItem.objects.bulk_create(
        NoticeItem(notice=notice, finding=finding, order=n, annex=place != Placement.ORDER)
        for n, (finding, place) in enumerate(placed, start=1)
    )
    return [finding.number for finding, _ in placed]


def _listed(verb: str, numbers: set[str]) -> str:
    return f"{verb} {'、'.join(sorted(numbers))}" if numbers else ""


def _checked_terms(
    office: Office, deadline: dt.date, case_number: str, *, but: Notice | None = None
) -> str:
    """Check deadline and number; return the number, "" where the office gives its own."""
    if problem := deadline_problem(deadline):
        raise Refused(problem, field="deadline")
    if office.own_numbering:
        return ""
    case_number = written(Notice, "case_number", case_number)
    if not _CASE_NUMBER.fullmatch(case_number):
        raise Refused(
            "文号只用汉字、字母、数字和括号，以“号”结尾，例如 甲公网安限字〔2026〕77号。",
            field="case_number",
        )
    if number_taken(office, case_number, but=but):
        raise Refused("此文号已用于另一份通知，请核对。", field="case_number")
    return case_number


def deadline_problem(deadline: dt.date) -> str:
    """Say what is wrong with the deadline of a draft; "" if nothing is."""
    if deadline <= today():
        return "整改期限须晚于今天。"
    latest = terms().latest_deadline(today())
    if deadline > latest:
        return f"整改期限最长 {terms().longest_days} 天，即至{cn_date(latest)}，请核对年份。"
    return ""


def _tell_judges(notice: Notice, title: str) -> None:
    tell_office(
        notice.office,
        title=headline(title),
        url=notice_url(notice),
        roles=(Role.CHECKER, Role.APPROVER),
    )


# --- 审核 and 批准 ----------------------------------------------------------------------------


@transaction.atomic
def check_notice(notice: Notice, *, by: User) -> None:
    """审核: by another person than the drafter."""
    require_notice(by, "notice.check", notice)
    _may_judge(notice, by)
    NOTICE.move(notice, "check", by=by, also={"checked_by": by})


@transaction.atomic
def send_back(notice: Notice, *, reason: str, by: User) -> None:
    """退回拟稿: 审核人 or 批准人 return a draft to be reworked; an earlier 审核 no longer holds."""
    require_notice(by, "notice.return", notice)
    lock(notice)
    NOTICE.move(notice, "send_back", by=by, reason=reason, also={"checked_by": None})
    tell_office(
        notice.office,
        title=headline(f"拟稿被退回：{notice.unit}限期整改通知"),
        body=f"{by.name}退回，理由：{reason}",
        url=notice_url(notice),
        roles=(Role.CASE_OFFICER,),
    )


@transaction.atomic
def approve_notice(notice: Notice, *, by: User) -> None:
    """批准并编号: by another person than drafted and checked it; the paper follows at once.

    Raises:
        Refused: the drafter or the checker approves, the draft was sent back, the deadline has
            meanwhile passed, or nothing in the notice is left to order.
    """
    require_notice(by, "notice.approve", notice)
    _may_judge(notice, by)
    if notice.checked_by_id == by.pk:
        raise Refused("审核人不能批准自己审核的通知，须由另一人办理。")
    still_needed(notice)
    if notice.deadline <= today():
        raise Refused("整改期限已不在将来，请退回承办人修改。")
    # Before a number is taken: a lost race or a wrong state must not touch the series.
    year = today().year
    sequence: int | None = None
    number = notice.case_number
    if notice.office.own_numbering:
        sequence, number = notice_number(notice.office, year)
    elif number_taken(notice.office, number, but=notice):
        raise Refused("登记文号已用于另一份通知，请退回承办人修改。")
    NOTICE.move(
        notice,
        "approve",
        by=by,
        also={
            "sequence": sequence,
            "year": year,
            "number": number,
            "approved_by": by,
            "approved_on": today(),
        },
    )
    wake("reports.tasks.render_pending")
    tell_office(
        notice.office,
        title=headline(f"已批准：{number}"),
        body="文书生成后请打印用印、上传盖章件并送达。",
        url=notice_url(notice),
        roles=(Role.CASE_OFFICER,),
    )


def _may_judge(notice: Notice, by: User) -> None:
    lock(notice)
    if drew_up(by, notice):
        raise Refused("拟稿人不能审核或批准自己拟制的通知，须由另一人办理。")
    if notice.sent_back:
        raise Refused("拟稿已退回承办人，修改后再审批。")


def still_needed(notice: Notice) -> None:
    """Refuse a notice whose ordered findings have all ended meanwhile."""
    if not notice.items.live().filter(annex=False).exists():
        raise Refused("所列责令整改的问题均已了结，请作废此通知。")
