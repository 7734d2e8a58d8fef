"""What is issued on paper. Every verb keeps the file, its register row and its audit event."""

import logging
from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from assessments.models import SelfCheck
from audit.trail import SYSTEM, record
from emailsec.lib.workdays import today
from rectification.models import Notice
from rectification.numbers import take
from reports import register
from reports.mapping import Incomplete
from reports.mapping.notice import notice_paper
from reports.mapping.rectification_report import report_paper
from reports.mapping.selfcheck import content_of, selfcheck_paper
from reports.models import Document, RenderProblem, ReportWords
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


def issue_report(notice: Notice, *, by: User) -> Document:
    """Export the 整改报告 as it stands now; each export is a document of its own.

    Raises:
        Refused: nothing to report yet (Chinese).
    """
    if not by.can("report.print", notice):
        raise PermissionDenied("report.print")
    day, verification = today(), register.new_verification()
    try:
        # Mapped before a number is taken, so that a refusal costs no number.
        made = report_paper(notice, serial="", reported_on=day, verification=verification)
    except Incomplete as error:
        raise Refused(str(error)) from error
    made = replace(made, serial=_serial("report", "ZG"))
    entry = register.Entry(
        kind=Document.Kind.REPORT,
        unit=notice.unit,
        number=made.serial,
        issuer=notice.unit.name,
        issued_on=day,
        verification=verification,
        more={"notice": notice},
    )
    paper = documents.rectification_report(made)
    pdf = paper.pdf()
    with transaction.atomic():
        document = register.keep(pdf, paper.title, entry, by=by)
        record("report.issue", notice, by=by, details=_details(document))
    return document


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
    same = selfcheck.documents.filter(kind=Document.Kind.SHEET, content=content).first()
    if same is not None:
        return same
    made = replace(made, serial=_serial("sheet", "ZC"))
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
        document = register.keep(pdf, paper.title, entry, by=by)
        details = {**_details(document), "digest": made.digest}
        record("selfcheck.print", selfcheck, by=by, details=details)
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
    return {"document": document.pk, "number": document.number, "sha256": document.sha256}


# --- Rendering without the register ---------------------------------------------------------


def preview_notice(notice: Notice) -> bytes:
    """The PDF of a notice: the frozen one if it stands, else as it would be rendered now."""
    frozen = notice.documents.filter(kind=Document.Kind.NOTICE).first()
    if frozen is not None:
        with frozen.file.open("rb") as file:
            return bytes(file.read())
    return documents.notice(notice_paper(notice, PREVIEW)).pdf()


def preview_report(notice: Notice) -> bytes:
    """The PDF of the 整改报告 as it would be issued now, without number and code."""
    made = report_paper(notice, serial="预览", reported_on=today(), verification=PREVIEW)
    return documents.rectification_report(made).pdf()


PREVIEW = Verification(code="预览稿", url="about:blank")
