"""Replies: the unit answers finding by finding, with evidence."""

import datetime as dt
from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.trail import record
from emailsec.lib.uploads import CheckedFile, Upload, already_there, check_upload
from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from inbox.actions import tell_office
from rectification.actions.base import (
    Refused,
    headline,
    lock,
    notice_url,
    office_in_charge,
    written,
)
from rectification.lifecycles import FINDING, NOTICE
from rectification.models import Finding, Notice, NoticeItem, Reply, ReplyEvidence

MAX_FILES = 10
_OPEN_FOR_REPLY = frozenset({Notice.Status.SIGNED, Notice.Status.REFUSED})
# Advice of the annex is not ordered: it may be answered late, even after the notice is finished.
_OPEN_FOR_ADVICE = _OPEN_FOR_REPLY | {Notice.Status.REPLIED, Notice.Status.FINISHED}


def may_reply(notice: Notice, item: NoticeItem) -> bool:
    """Say whether the unit may answer this finding now, by the states alone."""
    allowed = _OPEN_FOR_ADVICE if item.annex else _OPEN_FOR_REPLY
    rectifying = item.finding.status == Finding.Status.RECTIFYING
    return notice.status in allowed and rectifying and item.ended_on is None


@transaction.atomic
def reply(
    notice: Notice,
    finding: Finding,
    *,
    analysis: str,
    measures: str,
    responsible: str,
    completed_on: dt.date,
    files: Collection[Upload],
    by: User,
) -> Reply:
    """The unit answers one finding; once all ordered findings are answered the notice is 已回复.

    Raises:
        Refused: not the turn of this finding, a completion that cannot be (`completion_problem`),
            a text that is missing or too long, or no evidence where nothing can be observed from
            outside.
        IllegalMove: answered meanwhile (a second click).
        ValidationError: a file (Chinese).
    """
    if not by.can("notice.reply", notice):
        raise PermissionDenied("notice.reply")
    # One row to queue at: of two last answers at once, one sees the other.
    lock(notice)
    item = notice.items.live().filter(finding=finding).first()
    if item is None:
        raise Refused("此问题不在这份通知中，或已经了结。")
    if notice.status not in (_OPEN_FOR_ADVICE if item.annex else _OPEN_FOR_REPLY):
        raise Refused(
            "请先签收通知，再提交整改反馈。"
            if notice.status == Notice.Status.SERVED
            else f"通知当前为“{notice.get_status_display()}”，不能提交整改反馈。"
        )
    if problem := completion_problem(finding, completed_on):
        raise Refused(problem, field="completed_on")
    words = {
        column: written(Reply, column, text)
        for column, text in (
            ("analysis", analysis),
            ("measures", measures),
            ("responsible", responsible),
        )
    }
    if not files and not finding.observable:
        raise Refused("此问题无法远程复测，请上传整改佐证。", field="evidence")
    if len(files) > MAX_FILES:
        raise Refused(f"一次最多上传 {MAX_FILES} 个文件，请合并或删去一些。", field="evidence")
    checked: list[tuple[Upload, CheckedFile]] = [(f, check_upload(f)) for f in files]
    first: dict[str, str] = {}
    for _, kept in checked:
        if kept.sha256 in first:
            raise Refused(already_there("本次所选", first[kept.sha256]), field="evidence")
        first[kept.sha256] = kept.name
    # First the move, which exactly one of two clicks wins; files are written only after it.
    FINDING.move(finding, "reply", by=by)
    row = Reply.objects.create(
        notice=notice,
        finding=finding,
        **words,
        completed_on=completed_on,
        by=by,
    )
    for file, kept in checked:
        ReplyEvidence.objects.create(reply=row, file=file, name=kept.name, sha256=kept.sha256)
    if checked:
        hashes = [kept.sha256 for _, kept in checked]
        record("reply.evidence", row, by=by, details={"notice": notice.number, "sha256": hashes})
    item.drafts.all().delete()
    _all_answered(notice, by)
    return row


def completion_problem(finding: Finding, day: dt.date) -> str:
    """Say why a repair cannot have been completed on a day; "" if it can.

    A unit may repair before it is served, so that not 送达 is the bound but the last day on which
    the problem was still said or seen.
    """
    if day > today():
        return f"完成日期不能晚于今天；{not_yet(finding)}"
    if day < finding.still_there_on:
        return f"{cn_date(finding.still_there_on)}问题仍然存在，完成日期不能更早。"
    return ""


def not_yet(finding: Finding) -> str:
    """What to do about a finding whose repair is not completed; after the deadline, and without
    one, no extension can be asked."""
    running = finding.due_on is not None and finding.due_on >= today()
    return "尚未完成的请先整改，或申请延期。" if running else "尚未完成的请先整改。"


def _all_answered(notice: Notice, by: User) -> None:
    waiting = notice.items.live().filter(annex=False, finding__status__in=Finding.WITH_UNIT)
    if notice.status not in _OPEN_FOR_REPLY or waiting.exists():
        return
    NOTICE.move(notice, "reply", by=by)
    tell_office(
        office_in_charge(notice),
        title=headline(f"{notice.unit}已提交整改反馈：{notice.number}"),
        url=notice_url(notice),
        roles=(Role.CASE_OFFICER,),
    )
