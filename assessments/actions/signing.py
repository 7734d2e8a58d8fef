"""Submission, and the signature of the unit's leader."""

import datetime as dt

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from assessments.actions.base import Refused, may_fill, note
from assessments.actions.doubts import sync_contradictions
from assessments.actions.filling import ensure_sheets
from assessments.lifecycles import SELFCHECK
from assessments.models import (
    Answer,
    AnswerChange,
    SelfCheck,
    Sheet,
    SignOff,
)
from assessments.remarks import sent_remarks
from assessments.rules import triage
from assessments.sheets import (
    LoadedSheet,
    content_digest,
    load_sheets,
)
from audit.trail import record
from emailsec.lib.uploads import Upload, check_upload
from emailsec.lib.words import cn_datetime
from emailsec.lib.workdays import today
from inbox.actions import tell_office, tell_unit


def missing_of(sheets: list[LoadedSheet]) -> list[tuple[LoadedSheet, str, str]]:
    """(sheet, item, field) of everything that the unit must still fill."""
    return [(sheet, item, field) for sheet in sheets for item, field in sheet.missing]


def unregistered(sheets: list[LoadedSheet]) -> str:
    """Why the unit must register a mail system first (Chinese); "" if it need not."""
    unit_sheet = next(s for s in sheets if s.row.kind == Sheet.Kind.UNIT)
    codes = triage.codes_of(unit_sheet.judged.value(*triage.TRIAGE))
    if triage.system_sheets(codes) and not any(s.row.system_id for s in sheets):
        return "本单位自建或购买了邮箱，还没有登记邮件系统；请先登记，再填写该系统的自查表。"
    return ""


def _unfinished(sheets: list[LoadedSheet]) -> str:
    """What stands between the unit and submission, in one sentence; "" where nothing does."""
    counts = {
        "处未填完": len(missing_of(sheets)),
        "处填写有误": sum(len(sheet.faults) for sheet in sheets),
        "条退回意见未处理": sum(not one.dealt_with for one in sent_remarks(sheets)),
    }
    parts = [f"{count} {words}" for words, count in counts.items() if count]
    return f"还有 {'、'.join(parts)}，请先补充更正。" if parts else ""


@transaction.atomic
def submit(selfcheck: SelfCheck, *, by: User) -> None:
    """Freeze the answers and hand them to the unit's leader for signature.

    Inventory values are snapshotted as answers, so that later edits of the inventory do not
    change what was signed.

    Raises:
        Refused: something is missing or wrong, a remark of the return is not dealt with, or no
            system is registered.
    """
    may_fill(selfcheck, by)
    ensure_sheets(selfcheck)
    sheets = load_sheets(selfcheck)
    if reason := unregistered(sheets):
        raise Refused(reason)
    if reason := _unfinished(sheets):
        raise Refused(reason)
    now = timezone.now()
    for sheet in sheets:
        _snapshot_sources(sheet, by, now)
    sync_contradictions(selfcheck, sheets)
    SELFCHECK.move(selfcheck, "submit", by=by, also={"submitted_on": today()})
    tell_unit(
        selfcheck.unit,
        title=f"请审签：{selfcheck.campaign.title}",
        body="填报人已提交自查表，请核对后在线审签，或打印盖章后上传。",
        url=reverse("assessments:summary", args=[selfcheck.pk]),
        roles=(Role.SIGNER,),
    )


def _snapshot_sources(sheet: LoadedSheet, by: User, now: dt.datetime) -> None:
    for code, field, _path in sheet.definition.sources():
        value = sheet.judged.value(code, field)
        answer = sheet.answers.get((code, field))
        if (answer is None and not value) or (answer is not None and answer.value == value):
            continue
        if answer is None:
            answer = Answer(sheet=sheet.row, item=code, field=field, version=0)
        answer.value, answer.version = value, answer.version + 1
        answer.source, answer.updated_by, answer.updated_at = Answer.Source.INVENTORY, by, now
        answer.save()
        AnswerChange.objects.create(
            answer=answer,
            value=value,
            version=answer.version,
            source=answer.source,
            by=by,
            at=now,
        )


def _hand_in(selfcheck: SelfCheck, signoff: SignOff, action: str, *, by: User) -> None:
    signoff.save()
    SELFCHECK.move(selfcheck, action, by=by, also={"returned": False})
    record(
        "selfcheck.signoff",
        selfcheck,
        by=by,
        details={"method": signoff.method, "digest": signoff.digest},
    )
    tell_office(
        selfcheck.unit.police_office(),
        title=f"{selfcheck.unit}已报送自查表",
        url=reverse("assessments:review", args=[selfcheck.pk]),
        roles=(Role.CASE_OFFICER,),
    )


@transaction.atomic
def sign_online(selfcheck: SelfCheck, *, digest: str, by: User) -> SignOff:
    """The leader signs what was on the screen.

    Args:
        digest: content digest printed on the page that the leader read.

    Raises:
        Refused: the content is no longer the one that was read.
    """
    if content_digest(load_sheets(selfcheck)) != digest:
        raise Refused("自查表内容已变化，请刷新页面核对后再审签。")
    signoff = SignOff(selfcheck=selfcheck, method=SignOff.Method.ONLINE, digest=digest, by=by)
    _hand_in(selfcheck, signoff, "sign", by=by)
    return signoff


@transaction.atomic
def sign_stamped(selfcheck: SelfCheck, file: Upload, *, digest_head: str, by: User) -> SignOff:
    """The filler uploads the printed, stamped sheet.

    Args:
        digest_head: the first eight characters of the digest printed on the paper.

    Raises:
        Refused: the paper is of another content.
        ValidationError: the file (Chinese).
    """
    digest = content_digest(load_sheets(selfcheck))
    if digest_head.strip().lower() != digest[:8]:
        raise Refused("纸质件页脚的内容摘要与当前内容不一致，请重新打印、盖章后上传。")
    checked = check_upload(file, kinds=("pdf", "png", "jpg"))
    signoff = SignOff(
        selfcheck=selfcheck,
        method=SignOff.Method.STAMPED,
        digest=digest,
        scan=file,
        scan_name=checked.name,
        scan_sha256=checked.sha256,
        by=by,
    )
    _hand_in(selfcheck, signoff, "sign_stamped", by=by)
    tell_unit(
        selfcheck.unit,
        title=f"盖章扫描件已报送：{selfcheck.campaign.title}",
        body=f"{by.name}于 {cn_datetime(signoff.at)} 上传盖章扫描件并报送监管机关，可打开核对。",
        url=reverse("assessments:summary", args=[selfcheck.pk]),
        roles=(Role.SIGNER,),
    )
    return signoff


@transaction.atomic
def refuse_signature(selfcheck: SelfCheck, *, reason: str, by: User) -> None:
    """The leader sends the sheet back to the filler.

    Raises:
        Refused: no reason, or one that is too long.
    """
    reason = note(reason, ask="请写明退回填报人的理由。")
    SELFCHECK.move(selfcheck, "refuse", by=by, reason=reason, also={"submitted_on": None})
    tell_unit(
        selfcheck.unit,
        title="审签人退回了自查表",
        body=reason,
        url=reverse("assessments:selfcheck_detail", args=[selfcheck.pk]),
        roles=(Role.FILLER,),
    )


@transaction.atomic
def withdraw(selfcheck: SelfCheck, *, by: User) -> None:
    """The filler takes the sheet back before it is signed."""
    SELFCHECK.move(selfcheck, "withdraw", by=by, also={"submitted_on": None})
