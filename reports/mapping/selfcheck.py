"""自查表: from a submitted self-check to the paper that is signed and sealed."""

from datetime import datetime

from accounts.roles import Role
from assessments.models import Evidence, SelfCheck, SignOff
from assessments.pages import ItemBlock, item_blocks
from assessments.rules.schema import CHOICE_TYPES
from assessments.sheets import LoadedSheet, content_digest, load_sheets
from reports.mapping import evidence_row
from reports.mapping.parties import liaison_of, office_of, unit_of
from reports.paper import contexts as paper


def selfcheck_paper(
    selfcheck: SelfCheck,
    *,
    serial: str,
    printed_at: datetime,
    verification: paper.Verification,
) -> paper.SelfCheckPaper:
    """Return the paper of a self-check with the digest that its signature covers."""
    sheets = load_sheets(selfcheck)
    filled_by, phone = _filler(selfcheck)
    return paper.SelfCheckPaper(
        unit=unit_of(selfcheck.unit),
        office=office_of(selfcheck.unit.police_office() or selfcheck.campaign.office),
        campaign=selfcheck.campaign.title,
        questionnaire=selfcheck.questionnaire.title,
        version=f"{selfcheck.questionnaire.version}版",
        serial=serial,
        sheets=tuple(_sheet(sheet) for sheet in sheets),
        filled_by=filled_by,
        filled_phone=phone,
        printed_at=printed_at,
        digest=content_digest(sheets),
        verification=verification,
        signature=_signature(selfcheck),
        evidence=tuple(
            evidence_row(file, file.item, file.uploaded_at)
            for sheet in sheets
            for file in _files(sheet)
        ),
    )


def _sheet(sheet: LoadedSheet) -> paper.AnswerSheet:
    sections = tuple(
        paper.AnswerSection(
            title=f"{section.code} {section.title}",
            rows=tuple(
                _row(block)
                for block in item_blocks(sheet, section.code, readonly=True)
                if block.shown
            ),
        )
        for section in sheet.sections()
    )
    row = sheet.row
    title = f"邮件系统：{row.system.name}" if row.system else "单位表"
    return paper.AnswerSheet(title=title, sections=tuple(s for s in sections if s.rows))


def _row(block: ItemBlock) -> paper.AnswerRow:
    # A later look may see something else; beside a 疑点 stands what raised it, not the newest.
    doubted = {(row.rule, row.domain) for row in block.contradictions}
    lines = [(field, words) for field, words in block.lines if words]
    main = block.item.main
    answer = next((words for field, words in lines if field is main), "")
    if answer and main and main.type not in CHOICE_TYPES and len(block.lines) > 1:
        # Not a choice that answers the question itself, but one of several facts.
        answer = f"{main.label}：{answer}"
    detail = [f"{field.label}：{words}" for field, words in lines if field is not main]
    if not answer and block.answered_elsewhere:
        answer = f"由{block.party_label}负责"
    return paper.AnswerRow(
        code=block.code,
        question=block.item.question,
        answer=answer or ("见下" if detail else ""),
        detail="\n".join(detail),
        seen=tuple(one.text for one in block.meetings if (one.rule, one.subject) not in doubted),
        evidence=tuple(str(file["name"]) for file in block.files),
        contradiction="；".join(_doubt(block)),
        result=block.state_label,
    )


def _doubt(block: ItemBlock) -> list[str]:
    return [
        f"{row.domain}填报“{row.said}”，观测“{row.seen.splitlines()[0] if row.seen else ''}”"
        + (f"，单位说明：{row.explanation}" if row.explanation else "")
        for row in block.contradictions
    ]


def _files(sheet: LoadedSheet) -> list[Evidence]:
    return [file for item in sorted(sheet.evidence) for file in sheet.evidence[item]]


def _filler(selfcheck: SelfCheck) -> tuple[str, str]:
    """Who submitted the sheet, with a telephone; the unit's liaison where nobody is on record."""
    name, phone = liaison_of(selfcheck.unit)
    change = selfcheck.changes.filter(action="submit").select_related("by").first()
    if change is None or change.by is None:
        return name, phone
    return change.by.name, change.by.phone or phone


def _signature(selfcheck: SelfCheck) -> paper.Signature | None:
    signed = (
        selfcheck.signoffs.valid().filter(method=SignOff.Method.ONLINE).select_related("by").first()
    )
    if signed is None:
        return None
    return paper.Signature(name=signed.by.name, title=str(Role.SIGNER.label), at=signed.at)
