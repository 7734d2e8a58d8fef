"""The reviewer's journey: answer, evidence, observation side by side; remark, return, accept."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.models import Contradiction, ReviewRemark, SelfCheck, Sheet
from assessments.pages import ItemBlock
from assessments.sheets import LoadedSheet, conclude, load_sheets
from audit.lifecycle import IllegalMove

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


def _selfcheck(request: PortalRequest, pk: int) -> SelfCheck:
    rows = SelfCheck.objects.visible_to(request.user)
    selfcheck: SelfCheck = get_object_or_404(
        rows.select_related("unit", "campaign__office", "questionnaire"), pk=pk
    )
    if not actions.is_reviewer(request.user, selfcheck):
        raise PermissionDenied("selfcheck.review")
    return selfcheck


def _rank(block: ItemBlock) -> int:
    undecided = any(c.status in {"open", "explained"} for c in block.contradictions)
    return 0 if undecided else _RANK.get(block.outcome.state, _QUIET)


def _blocks(sheet: LoadedSheet) -> tuple[list[ItemBlock], list[ItemBlock]]:
    """(what a person must look at, the quiet rest), each in the order of looking."""
    blocks = [
        ItemBlock(sheet, item, readonly=True)
        for item in sheet.definition.items_of(sheet.row.scope_name)
        if not item.derived and sheet.judged.shown(item.code)
    ]
    ranked = sorted(blocks, key=_rank)
    loud = [b for b in ranked if _rank(b) < _QUIET or b.remarks or b.contradictions]
    return loud, [b for b in ranked if b not in loud]


@require_GET
def review(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = _selfcheck(request, pk)
    sheets = load_sheets(selfcheck)
    doubts = [
        c
        for s in sheets
        for rows in s.contradictions.values()
        for c in rows
        if c.status in {"open", "explained"}
    ]
    drafts = [r for s in sheets for rows in s.remarks.values() for r in rows if r.sent_at is None]
    context = {
        "selfcheck": selfcheck,
        "sheets": [(s, *_blocks(s)) for s in sheets],
        "doubts": doubts,
        "drafts": drafts,
        "conclusion": conclude(sheets),
        "phrases": READY_PHRASES,
        "signoff": selfcheck.signoffs.valid().first(),
        "under_review": selfcheck.status == SelfCheck.Status.TO_REVIEW,
        "changes": selfcheck.changes.all()[:20],
    }
    return render(request, "assessments/review.html", context)


def _back(selfcheck_id: int, sheet_id: int, item: str) -> HttpResponse:
    return redirect(f"{redirect('assessments:review', pk=selfcheck_id).url}#r-{sheet_id}-{item}")


@require_POST
def remark(request: PortalRequest, sheet_id: int, code: str) -> HttpResponse:
    sheet = get_object_or_404(
        Sheet.objects.visible_to(request.user).select_related(
            "selfcheck__unit", "selfcheck__questionnaire"
        ),
        pk=sheet_id,
    )
    loaded = next(s for s in load_sheets(sheet.selfcheck) if s.row.pk == sheet.pk)
    item = loaded.definition.by_code.get(code)
    try:
        if item is None:
            raise actions.Refused("没有这道题，请刷新页面。")
        actions.add_remark(sheet, item, request.POST.get("text", ""), by=request.user)
    except actions.Refused as error:
        messages.error(request, str(error))
    return _back(sheet.selfcheck_id, sheet.pk, code)


@require_POST
def remark_drop(request: PortalRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(
        ReviewRemark.objects.visible_to(request.user).select_related("sheet__selfcheck__unit"),
        pk=pk,
    )
    sheet, item = row.sheet, row.item
    try:
        actions.drop_remark(row, by=request.user)
    except actions.Refused as error:
        messages.error(request, str(error))
    return _back(sheet.selfcheck_id, sheet.pk, item)


@require_POST
def decide(request: PortalRequest, pk: int) -> HttpResponse:
    """Uphold or dismiss one 疑点."""
    row = get_object_or_404(
        Contradiction.objects.visible_to(request.user).select_related("sheet__selfcheck__unit"),
        pk=pk,
    )
    try:
        actions.decide_contradiction(
            row,
            uphold=request.POST.get("decision") == "uphold",
            note=request.POST.get("note", ""),
            by=request.user,
        )
    except actions.Refused as error:
        messages.error(request, str(error))
    return _back(row.sheet.selfcheck_id, row.sheet_id, row.item)


@require_POST
def return_to_unit(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = _selfcheck(request, pk)
    try:
        count = actions.return_to_unit(
            selfcheck, reason=request.POST.get("reason", ""), by=request.user
        )
        messages.success(request, f"已退回修改，发出 {count} 条逐项意见。")
    except (actions.Refused, IllegalMove) as error:
        messages.error(request, str(error))
        return redirect("assessments:review", pk=pk)
    return redirect("assessments:selfcheck_detail", pk=pk)


@require_POST
def accept(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = _selfcheck(request, pk)
    try:
        actions.accept(selfcheck, by=request.user)
    except (actions.Refused, IllegalMove) as error:
        messages.error(request, str(error))
        return redirect("assessments:review", pk=pk)
    messages.success(request, "复核通过。请确认需要整改的问题。")
    return redirect("rectification:confirm", selfcheck_id=pk)
