"""整改报告: what the unit reports on one notice, with the observations before and after."""

from datetime import date, datetime
from typing import Final

from django.db.models import Prefetch

from emailsec.lib.workdays import OFFICE_ZONE
from rectification.models import Extension, Finding, Notice, NoticeItem, Recheck, Reply
from reports.mapping import Incomplete, evidence_row
from reports.mapping.findings import after_of, said_of, seen_of, with_sources
from reports.mapping.parties import liaison_of, office_of, unit_of
from reports.models import ReportWords
from reports.paper import contexts as paper

NO_REPLY: Final = "尚未反馈。"
# A reply counts as a repair until a 复查 sends it back.
_ANSWERED: Final = frozenset({Finding.Status.TO_RECHECK, Finding.Status.CLOSED})


def report_paper(
    notice: Notice,
    *,
    serial: str,
    reported_on: date,
    verification: paper.Verification,
) -> paper.RectificationReportPaper:
    """Return the paper on a notice that the unit has answered, wholly or in part.

    Until the notice is 办结 it is a report on a stage: the order asks for one before the deadline,
    and the 复查 comes after it.

    Raises:
        Incomplete: the notice has not reached the unit or was revoked, or nothing has been
            answered yet.
    """
    if notice.is_revoked:
        raise Incomplete("此通知已撤销，不再出具整改报告。")
    received = notice.received_on or notice.served_on
    if received is None:
        raise Incomplete("通知尚未送达，不能生成整改报告。")
    items = items_of(notice)
    if not any(_reply(item) for item in items):
        raise Incomplete("还没有整改反馈，请先逐项反馈，再生成整改报告。")
    words = ReportWords.objects.filter(notice=notice).first()
    contact, phone = liaison_of(notice.unit)
    extension = notice.extensions.order_by("-id").first()
    return paper.RectificationReportPaper(
        office=office_of(notice.office),
        unit=unit_of(notice.unit),
        notice_number=notice.number,
        received_on=received,
        deadline=notice.deadline,
        serial=serial,
        interim=notice.status != Notice.Status.FINISHED,
        organisation=words.organisation if words else "",
        findings=tuple(_finding(one, extension) for one in items),
        long_term=words.long_term if words else "",
        contact=contact,
        phone=phone,
        reported_on=reported_on,
        verification=verification,
        evidence=tuple(row for one in items for row in _evidence(one)),
    )


def items_of(notice: Notice) -> list[NoticeItem]:
    """The ordered findings in the order of print, with all that the report reads."""
    found = (
        notice.items.filter(annex=False)
        .select_related("notice", "finding__system", "finding__unit")
        .prefetch_related(
            "finding__changes",
            with_sources("finding__"),
            Prefetch("finding__replies", Reply.objects.prefetch_related("evidence").order_by("id")),
            Prefetch(
                "finding__rechecks", Recheck.objects.select_related("by", "wave").order_by("id")
            ),
        )
    )
    return list(found)


def _replies(item: NoticeItem) -> list[Reply]:
    return [row for row in item.finding.replies.all() if row.notice_id == item.notice_id]


def _reply(item: NoticeItem) -> Reply | None:
    rows = _replies(item)
    return rows[-1] if rows else None


def _recheck(item: NoticeItem, until: datetime | None) -> Recheck | None:
    """The newest 复查 within the notice that has ended; of a closed finding the one that closed
    it."""
    ended = [
        row
        for row in item.finding.rechecks.all()
        if row.result != Recheck.Result.PENDING
        and row.at >= item.notice.created_at
        and (until is None or row.at <= until)
    ]
    if item.status == Finding.Status.CLOSED:
        ended = [row for row in ended if row.result == Recheck.Result.PASSED] or ended
    return ended[-1] if ended else None


def _failed_since(recheck: Recheck | None, reply: Reply | None) -> bool:
    """Whether a 复查 has found the unit's last answer insufficient: the report must not count the
    finding as repaired."""
    return (
        recheck is not None
        and recheck.result == Recheck.Result.FAILED
        and (reply is None or recheck.at >= reply.at)
    )


def _finding(item: NoticeItem, extension: Extension | None) -> paper.RectifiedFinding:
    """What became of a finding within its notice: a later 重新列为问题 changes nothing in it."""
    finding, status, ending = item.finding, item.status, item.ending
    until = ending.at if ending is not None else None
    reply, recheck = _reply(item), _recheck(item, until)
    done = status in _ANSWERED and not _failed_since(recheck, reply)
    rescan = recheck is not None and recheck.kind == Recheck.Kind.RESCAN
    granted = extension if extension and extension.status == Extension.Status.GRANTED else None
    return paper.RectifiedFinding(
        number=finding.number,
        sentence=finding.title,
        severity=finding.get_severity_display(),
        cause=reply.analysis if reply else "",
        measure=reply.measures if reply else NO_REPLY,
        responsible=reply.responsible if reply else "",
        state=str(status.label),
        finished_on=reply.completed_on if reply and done else None,
        before=seen_of(finding, until),
        after=after_of(finding, recheck) if recheck and rescan else (),
        said_before=said_of(finding, until),
        evidence=tuple(file.name for row in _replies(item) for file in row.evidence.all()),
        recheck=_recheck_row(recheck) if recheck else None,
        closed_on=item.ended_on if status == Finding.Status.CLOSED else None,
        interim=extension.interim if extension and not done else "",
        planned_on=granted.until if granted and not done else None,
    )


def _recheck_row(recheck: Recheck) -> paper.Recheck:
    result = recheck.result_words
    if recheck.kind != Recheck.Kind.RESCAN and recheck.seen:
        result = f"{result}。{recheck.seen}"
    return paper.Recheck(
        method=recheck.get_kind_display(),
        on=(recheck.finished_at or recheck.at).astimezone(OFFICE_ZONE).date(),
        result=result,
        by=recheck.by.name if recheck.by else "",
    )


def _evidence(item: NoticeItem) -> list[paper.EvidenceRow]:
    return [
        evidence_row(file, item.finding.number, row.at)
        for row in _replies(item)
        for file in row.evidence.all()
    ]
