"""What is issued on paper. Every verb keeps the file, its register row and its audit event."""

import logging
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.actions import Invited, invite_unit
from accounts.models import User
from accounts.roles import Role
from assessments.models import SelfCheck
from audit.exports import record_print
from audit.trail import SYSTEM, record
from emailsec.lib.workdays import today
from inbox.actions import tell_person
from inventory.models import Unit
from rectification.models import Notice
from rectification.numbers import take
from reports import register
from reports.mapping import Incomplete, content_of
from reports.mapping.notice import DRAFTS, draft_paper, notice_paper
from reports.mapping.rectification_report import report_paper
from reports.mapping.selfcheck import selfcheck_paper
from reports.models import Document, RenderProblem, ReportWords, with_revision
from reports.paper import documents
from reports.paper.contexts import NoticePaper, Verification

log = logging.getLogger(__name__)


class Refused(Exception):
    """A rule of the register forbids the act; `str(error)` is Chinese, meant for the person."""


# --- Notices --------------------------------------------------------------------------------


def freeze_notice(notice: Notice) -> Document:
    """Render the paper of an approved notice once, with the office's own copies.

    Safe to repeat and to run twice at once: the constraint lets one document stand.

    Raises:
        Incomplete: the notice lacks something that its paper must say (Chinese).
        reports.paper.render.PaperError: the paper cannot be rendered as it must be.
    """
    frozen = notice.documents.filter(kind=Document.Kind.NOTICE).first()
    if frozen is not None:
        return frozen
    made = notice_paper(notice, register.new_verification())
    copy = replace(made, verification=register.new_verification())
    paper, office_paper = documents.notice(made), documents.notice_file(copy)
    pdf, office_pdf = paper.pdf(), office_paper.pdf()
    try:
        with transaction.atomic():
            entry = _notice_entry(notice, made, Document.Kind.NOTICE)
            document = register.keep(pdf, paper.title, entry, by=None)
            entry = _notice_entry(notice, copy, Document.Kind.NOTICE_FILE)
            register.keep(office_pdf, office_paper.title, entry, by=None)
            RenderProblem.objects.filter(notice=notice).delete()
            record("document.freeze", notice, by=SYSTEM, details=_details(document))
    except IntegrityError:
        winner = notice.documents.filter(kind=Document.Kind.NOTICE).first()
        if winner is None:
            raise
        return winner
    return document


def _notice_entry(notice: Notice, made: NoticePaper, kind: str) -> register.Entry:
    assert made.issued_on is not None  # a draft never gets here: notice_paper refuses it
    return register.Entry(
        kind=kind,
        unit=notice.unit,
        number=made.number,
        issuer=made.office.name,
        issued_on=made.issued_on,
        verification=made.verification,
        more={"notice": notice},
    )


def freeze_pending() -> int:
    """Freeze every approved notice that has no paper yet; return how many succeeded.

    A failure leaves its reason on the notice, where a person sees it, and is tried again.
    """
    waiting = (
        Notice.objects.filter(status=Notice.Status.APPROVED)
        .exclude(documents__kind=Document.Kind.NOTICE)
        .select_related("unit", "office", "drafted_by", "approved_by")
        .order_by("approved_on", "pk")
    )
    return sum(_try(notice) for notice in waiting)


def _try(notice: Notice) -> bool:
    try:
        freeze_notice(notice)
    except Incomplete as error:
        _note_problem(notice, str(error))
    except Exception:
        log.exception("notice %s could not be rendered", notice.pk)
        _note_problem(notice, "排版程序出错，详情见系统日志，请联系系统管理员。")
    else:
        return True
    return False


def _note_problem(notice: Notice, text: str) -> None:
    row, made = RenderProblem.objects.get_or_create(notice=notice, defaults={"text": text[:300]})
    if not made:
        row.text, row.attempts = text[:300], row.attempts + 1
        row.save()


# --- 整改报告 -------------------------------------------------------------------------------


@transaction.atomic
def write_report_words(
    notice: Notice, *, organisation: str, long_term: str, by: User
) -> ReportWords:
    """Keep what only the unit can say in its report."""
    if not by.can("notice.reply", notice):
        raise PermissionDenied("整改报告的文字由本单位填报人填写。")
    words, _ = ReportWords.objects.update_or_create(
        notice=notice,
        defaults={"organisation": organisation.strip(), "long_term": long_term.strip(), "by": by},
    )
    record("report.write", notice, by=by)
    return words


@dataclass(frozen=True)
class Issued:
    """The current 整改报告 of a notice; `fresh` if this press made it."""

    document: Document
    fresh: bool


def issue_report(notice: Notice, *, by: User) -> Issued:
    """Return the one current 整改报告 of a notice, made anew only where its facts have changed.

    A notice has one number for its reports; a report on changed facts is the next revision and
    supersedes the one before. Until 办结 it is a report on a stage (阶段性), which the unit owes
    before the deadline; the office takes no report before the end.

    Raises:
        Refused: nothing to report yet, or not yet for the office (Chinese).
    """
    if not by.can("report.print", notice):
        raise PermissionDenied("report.print")
    while True:
        notice.refresh_from_db()
        if reason := stage_refusal(notice, by):
            raise Refused(reason)
        issued = _issue_once(notice, by)
        if issued is not None:
            return issued


def stage_refusal(notice: Notice, user: User) -> str:
    """Why this person may take no report before the notice is 办结; "" if they may (Chinese)."""
    ended = notice.status == Notice.Status.FINISHED or notice.is_revoked
    if ended or user.is_unit_side:
        return ""
    unclosed = notice.items.filter(annex=False, ended_on=None).order_by("order")
    numbers = list(unclosed.values_list("finding__number", flat=True))
    return (
        f"通知尚未办结，还有 {len(numbers)} 个问题未了结（{'、'.join(numbers)}）。"
        "办结前只有单位可以生成阶段性报告。"
    )


def current_report(notice: Notice) -> Document | None:
    """The report that stands for the notice now, whoever made it."""
    rows = notice.documents.filter(kind=Document.Kind.REPORT, superseded_at=None)
    document: Document | None = rows.first()
    return document


def _issue_once(notice: Notice, by: User) -> Issued | None:
    """One attempt; None if another press issued a report meanwhile: look at the facts again."""
    day, verification = today(), register.new_verification()
    try:
        # Mapped before a number is taken, so that a refusal costs no number.
        made = report_paper(notice, serial="", reported_on=day, verification=verification)
    except Incomplete as error:
        raise Refused(str(error)) from error
    content = content_of(made)
    current = current_report(notice)
    if current is None:
        number, revision = _serial("report", "ZG"), 1
    elif current.content == content:
        return Issued(current, fresh=False)
    else:
        number, revision = current.number, current.revision + 1
    paper = documents.rectification_report(replace(made, serial=with_revision(number, revision)))
    pdf = paper.pdf()
    entry = register.Entry(
        kind=Document.Kind.REPORT,
        unit=notice.unit,
        number=number,
        issuer=notice.unit.name,
        issued_on=day,
        verification=verification,
        more={
            "notice": notice,
            "content": content,
            "revision": revision,
            "interim": made.interim,
        },
    )
    with transaction.atomic():
        # One row to queue at: the press that comes second finds the first one's report.
        Notice.objects.select_for_update().get(pk=notice.pk)
        if current_report(notice) != current:
            return None
        if current is not None:
            Document.objects.filter(pk=current.pk).update(superseded_at=timezone.now())
        document = register.keep(pdf, paper.title, entry, by=by)
        record("report.issue", notice, by=by, details=_details(document))
    return Issued(document, fresh=True)


# --- 自查表 ---------------------------------------------------------------------------------


def print_selfcheck(selfcheck: SelfCheck, *, by: User) -> Document:
    """Print a submitted self-check; the same content printed again is the same document.

    Raises:
        Refused: still being filled in (Chinese).
    """
    if not by.can("report.print", selfcheck):
        raise PermissionDenied("report.print")
    if selfcheck.editable:
        raise Refused("提交审签后才能打印自查表；打印件上的内容摘要须与提交的内容一致。")
    verification = register.new_verification()
    now = timezone.now()
    made = selfcheck_paper(selfcheck, serial="", printed_at=now, verification=verification)
    content = content_of(made)
    if (same := _same_sheet(selfcheck, content)) is not None:
        return same
    made = replace(made, serial=_serial("sheet", "ZC"), printed_by=by.label)
    entry = register.Entry(
        kind=Document.Kind.SHEET,
        unit=selfcheck.unit,
        number=made.serial,
        issuer=selfcheck.unit.name,
        issued_on=today(),
        verification=verification,
        more={"selfcheck": selfcheck, "content": content},
    )
    paper = documents.selfcheck(made)
    pdf = paper.pdf()
    with transaction.atomic():
        # One row to queue at: two presses print one document.
        SelfCheck.objects.select_for_update().get(pk=selfcheck.pk)
        if (same := _same_sheet(selfcheck, content)) is not None:
            return same
        document = register.keep(pdf, paper.title, entry, by=by)
        details = {**_details(document), "digest": made.digest}
        record("selfcheck.print", selfcheck, by=by, details=details)
    return document


def _same_sheet(selfcheck: SelfCheck, content: str) -> Document | None:
    rows = selfcheck.documents.filter(kind=Document.Kind.SHEET, content=content)
    document: Document | None = rows.first()
    return document


@transaction.atomic
def _serial(series: str, letters: str) -> str:
    """Take the next number of a series of documents, e.g. ZG-2026-00017.

    In a transaction of its own: rendering takes seconds, and nobody should wait for the counter
    meanwhile. A rendering that fails leaves a gap, which a register (unlike 文号) may have.
    """
    year = today().year
    return f"{letters}-{year}-{take(series, year):05d}"


def _details(document: Document) -> dict[str, Any]:
    return {"document": document.pk, "number": document.full_number, "sha256": document.sha256}


# --- Rendering without the register ---------------------------------------------------------


def preview_notice(notice: Notice) -> bytes:
    """The PDF of a notice: the frozen one if it stands, else as it would be rendered now."""
    if notice.status in DRAFTS:
        return documents.notice(draft_paper(notice)).pdf()
    frozen = notice.documents.filter(kind=Document.Kind.NOTICE).first()
    if frozen is not None:
        with frozen.file.open("rb") as file:
            return bytes(file.read())
    return documents.notice(notice_paper(notice, PREVIEW)).pdf()


def read_draft(notice: Notice, *, by: User) -> bytes:
    """The 预览稿 of a notice for those who decide on it, marked with its reader; only that it was
    read is recorded.

    Raises:
        Incomplete: not a draft (any more), or something that its paper must say is missing
            (Chinese).
    """
    if not (by.is_office_side and by.can("notice.read", notice)):
        raise PermissionDenied("notice.read")
    paper = documents.notice(draft_paper(notice))
    mark = record_print("notice.preview", notice, unit=notice.unit, by=by)
    return replace(paper, mark=mark).pdf()


def preview_report(notice: Notice) -> bytes:
    """The PDF of the 整改报告 as it would be issued now, without number and code."""
    made = report_paper(notice, serial="预览", reported_on=today(), verification=PREVIEW)
    return documents.rectification_report(made).pdf()


PREVIEW = Verification(code="预览稿", url="about:blank")


# --- Invitations ----------------------------------------------------------------------------


@transaction.atomic
def invite(*, unit: Unit, role: Role, by: User) -> Invited:
    """Invite to the account of `role` for its letter; tell its owner of a letter printed anew.

    Raises:
        accounts.actions.Refused: see `invite_unit`.
    """
    made = invite_unit(unit=unit, role=role, by=by)
    if made.renewed:
        tell_person(
            made.user,
            title="告知单已重新打印",
            body=f"{by.label}（{by.role_label}）重新打印了本账号的告知单，此前的邀请码已失效。"
            "如果您没有要求重新打印，请向监管机关核实。",
        )
    return made
