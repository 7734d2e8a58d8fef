"""The reviewer's journey: answer, evidence, observation side by side; remark, return, accept."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.definitions import definition
from assessments.models import Contradiction, SelfCheck
from assessments.pages import ItemBlock, item_blocks
from assessments.remarks import SentRemark, sent_remarks
from assessments.sheets import LoadedSheet, conclude, load_sheets
from assessments.views.rows import doubt_of, remark_of, selfcheck_of, sheet_of
from audit.lifecycle import IllegalMove
from audit.readings import note_reading

# What a reviewer writes most often; one key press instead of a sentence.
READY_PHRASES = (
    "请补充佐证材料。",
    "佐证与填报内容不一致，请核对。",
    "填报与远程观测不一致，请核对更正或说明。",
    "“不适用”理由不充分，请补充。",
    "日期有误，请核对。",
)
# Order in which a reviewer should look: what may be untrue, then what is wrong, then the rest.
_RANK = {"nonconforming": 1, "partial": 2, "not_applicable": 3, "pending_verification": 4}
_QUIET = 9


def _reviewed(request: PortalRequest, pk: int) -> SelfCheck:
    """The self-check, for those who review it."""
    selfcheck = selfcheck_of(request, pk)
    if not actions.is_reviewer(request.user, selfcheck):
        raise PermissionDenied("selfcheck.review")
    return selfcheck


def _rank(block: ItemBlock) -> int:
    undecided = any(c.status in Contradiction.UNDECIDED for c in block.contradictions)
    return 0 if undecided else _RANK.get(block.outcome.state, _QUIET)


def _blocks(
    sheet: LoadedSheet, sent: Sequence[SentRemark]
) -> tuple[list[ItemBlock], list[ItemBlock]]:
    """(what a person must look at, the quiet rest), each in the order of looking."""
    blocks = item_blocks(sheet, readonly=True, sent=sent)
    ranked = sorted((block for block in blocks if block.shown), key=_rank)
    loud = [b for b in ranked if _rank(b) < _QUIET or b.remarks or b.contradictions]
    return loud, [b for b in ranked if b not in loud]


@require_GET
def review(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = _reviewed(request, pk)
    note_reading(selfcheck, unit=selfcheck.unit, by=request.user)
    return render(request, "assessments/review.html", _context(selfcheck))


def _context(selfcheck: SelfCheck, failed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Context of the review page; `failed` is a form on it that was refused: what, text, error."""
    sheets = load_sheets(selfcheck)
    sent = sent_remarks(sheets)
    return {
        "selfcheck": selfcheck,
        "sheets": [(s, *_blocks(s, sent)) for s in sheets],
        "doubts": [(s, doubt) for s in sheets for doubt in s.doubts if doubt.undecided],
        "unexplained": sum(doubt.unexplained for s in sheets for doubt in s.doubts),
        "drafts": [
            r for s in sheets for rows in s.remarks.values() for r in rows if r.sent_at is None
        ],
        "sent": sent,
        "conclusion": conclude(sheets),
        "phrases": READY_PHRASES,
        "signoff": selfcheck.signoffs.valid().first(),
        "under_review": selfcheck.status == SelfCheck.Status.TO_REVIEW,
        "changes": selfcheck.changes.all()[:20],
        "failed": failed or {},
    }


def _again(request: PortalRequest, selfcheck: SelfCheck, **failed: Any) -> HttpResponse:
    """The review with the error at the field it came from and the text still in it."""
    if not actions.is_reviewer(request.user, selfcheck):
        raise PermissionDenied("selfcheck.review")
    return render(request, "assessments/review.html", _context(selfcheck, failed), status=422)


def _back(selfcheck_id: int, sheet_id: int, item: str) -> HttpResponse:
    return redirect(f"{redirect('assessments:review', pk=selfcheck_id).url}#r-{sheet_id}-{item}")


@require_POST
def remark(request: PortalRequest, sheet_id: int, code: str) -> HttpResponse:
    sheet = sheet_of(request, sheet_id)
    questionnaire = definition(sheet.selfcheck.questionnaire)
    here = questionnaire.scope_of.get(code) == sheet.scope_name
    text = request.POST.get("text", "")
    try:
        if not here:
            raise actions.Refused("没有这道题，请刷新页面。")
        actions.add_remark(sheet, questionnaire.item(code), text, by=request.user)
    except actions.Refused as error:
        at = f"{sheet.pk}-{code}"
        return _again(request, sheet.selfcheck, remark=at, text=text, error=str(error))
    messages.success(request, f"已记下对 {code} 的意见，退回时一并发出。")
    return _back(sheet.selfcheck_id, sheet.pk, code)


@require_POST
def remark_drop(request: PortalRequest, pk: int) -> HttpResponse:
    row = remark_of(request, pk)
    sheet, item = row.sheet, row.item
    try:
        actions.drop_remark(row, by=request.user)
    except actions.Refused as error:
        messages.error(request, str(error))
    return _back(sheet.selfcheck_id, sheet.pk, item)


@require_POST
def decide(request: PortalRequest, pk: int) -> HttpResponse:
    """Uphold or dismiss one 疑点."""
    row = doubt_of(request, pk)
    uphold = request.POST.get("decision") == "uphold"
    text = request.POST.get("note", "")
    try:
        actions.decide_contradiction(row, uphold=uphold, reason=text, by=request.user)
    except actions.Refused as error:
        selfcheck = row.sheet.selfcheck
        return _again(request, selfcheck, doubt=row.pk, text=text, error=str(error))
    said = "确认属实" if uphold else "排除"
    messages.success(request, f"{row.item} 的疑点已{said}。")
    return _back(row.sheet.selfcheck_id, row.sheet_id, row.item)


@require_POST
def return_to_unit(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = _reviewed(request, pk)
    reason = request.POST.get("reason", "")
    try:
        count = actions.return_to_unit(selfcheck, reason=reason, by=request.user)
    except actions.Refused as error:
        return _again(request, selfcheck, back=True, text=reason, error=str(error))
    except IllegalMove as error:
        messages.error(request, str(error))
        return redirect("assessments:review", pk=pk)
    messages.success(request, f"已退回修改，发出 {count} 条逐项意见。")
    return redirect("assessments:selfcheck_detail", pk=pk)


@require_POST
def accept(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = _reviewed(request, pk)
    try:
        actions.accept(selfcheck, by=request.user)
    except (actions.Refused, IllegalMove) as error:
        messages.error(request, str(error))
        return redirect("assessments:review", pk=pk)
    messages.success(request, "复核通过。请确认需要整改的问题。")
    return redirect("rectification:confirm", selfcheck_id=pk)
