"""One function per document: a frozen context in, a ``PaperDocument`` out.

``pdf()`` raises ``PaperError`` if the template asks for what the context lacks; contexts refuse
falsehoods themselves (see ``contexts``).
"""

from datetime import date, datetime, time
from typing import Any

from emailsec.lib.qr import qr_path
from reports.paper import wording
from reports.paper.contexts import (
    AuthorizationPaper,
    InvitationPaper,
    NoticePaper,
    RectificationReportPaper,
    SelfCheckPaper,
    Verification,
)
from reports.paper.render import PaperDocument

FOLDER = "reports/paper"
# An invitation with more characters in its names and tasks is set closer, to keep to its one page.
INVITATION_CHARACTERS = 230


def _start_of(day: date | None) -> datetime:
    """The moment that a paper stands for; a draft has no day of its own."""
    if day is None:
        return datetime.now(wording.CHINA)
    return datetime.combine(day, time(0), tzinfo=wording.CHINA)


def _qr(verification: Verification) -> dict[str, Any]:
    side, path = qr_path(verification.url)
    return {"qr_side": side, "qr_path": path, "verification": verification}


def notice(paper: NoticePaper) -> PaperDocument:
    """限期整改通知书, the copy for the notified unit, with the annex 《安全建议》; before the
    approval as a 预览稿, which says so on every page and carries no code."""
    draft = paper.issued_on is None
    return PaperDocument(
        template=f"{FOLDER}/notice.html",
        context={
            "paper": paper,
            "opening": wording.notice_opening(paper),
            "deadline_sentence": wording.deadline_sentence(paper.deadline, paper.office.name),
            "consequence": wording.consequence(paper.unit.kind),
            "phrases": wording.phrases()["notice"],
            "draft": wording.phrases()["draft"] if draft else "",
            **({} if draft else _qr(paper.verification)),
        },
        title=f"{paper.office.name}限期整改通知书（{'预览稿' if draft else paper.number}）",
        author=paper.office.name,
        subject="限期整改通知书",
        serial=paper.number,
        created=_start_of(paper.issued_on),
    )


def notice_file(paper: NoticePaper) -> PaperDocument:
    """第一联 存根 and 第三联 送达回证 of a notice: for the office's file, never for the unit."""
    return PaperDocument(
        template=f"{FOLDER}/notice_file.html",
        context={"paper": paper, **_qr(paper.verification)},
        title=f"限期整改通知书存根及送达回证（{paper.number}）",
        author=paper.office.name,
        subject="限期整改通知书存根及送达回证",
        serial=paper.number,
        created=_start_of(paper.issued_on),
    )


def rectification_report(paper: RectificationReportPaper) -> PaperDocument:
    """整改报告 of a unit on one notice, with the observations before and after; until the notice is
    办结 it is called a report on a stage."""
    stage = "（阶段性）" if paper.interim else ""
    return PaperDocument(
        template=f"{FOLDER}/rectification_report.html",
        context={"paper": paper, "stage": stage, **_qr(paper.verification)},
        title=f"关于{paper.notice_number}限期整改通知书整改情况的报告{stage}",
        author=paper.unit.name,
        subject=f"整改情况报告{stage}" if stage else "整改报告",
        serial=paper.serial,
        created=_start_of(paper.reported_on),
    )


def authorization(paper: AuthorizationPaper) -> PaperDocument:
    """远程检测授权书, to be signed and sealed by the unit."""
    return PaperDocument(
        template=f"{FOLDER}/authorization.html",
        context={"paper": paper, **_qr(paper.verification)},
        title=f"远程检测授权书（{paper.number}）",
        author=paper.unit.name,
        subject="远程检测授权书",
        serial=paper.number,
        created=_start_of(paper.valid_from),
    )


def selfcheck(paper: SelfCheckPaper) -> PaperDocument:
    """自查表 filled in, with the digest of its content at the foot of every page."""
    return PaperDocument(
        template=f"{FOLDER}/selfcheck.html",
        context={"paper": paper, **_qr(paper.verification)},
        title=f"{paper.unit.name}{paper.questionnaire}",
        author=paper.unit.name,
        subject="自查表",
        serial=paper.serial,
        created=paper.printed_at,
    )


def invitation(paper: InvitationPaper) -> PaperDocument:
    """One page that invites a unit to the self-check, with the code that opens an account."""
    side, path = qr_path(paper.link)
    office = paper.office
    names = paper.campaign + paper.unit.name + office.name * 2 + office.department
    dense = len(names) + sum(map(len, paper.tasks)) > INVITATION_CHARACTERS
    return PaperDocument(
        template=f"{FOLDER}/invitation.html",
        context={"paper": paper, "qr_side": side, "qr_path": path, "dense": dense},
        title=f"电子邮件系统安全自查告知单（{paper.unit.name}）",
        author=paper.office.name,
        subject="自查告知单",
        serial=paper.serial,
        created=_start_of(paper.issued_on),
    )
