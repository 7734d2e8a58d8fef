"""The page before submission and signature: what is missing, wrong, doubted or returned; and the
unit's word on a 疑点 and on a remark."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from assessments import actions, gaps
from assessments.forms import SignForm, StampedForm
from assessments.models import Contradiction, ReviewRemark, SelfCheck
from assessments.remarks import sent_remarks
from assessments.sheets import conclude, content_digest, load_sheets
from assessments.views.fill import may_edit, readable
from assessments.views.rows import doubt_of, remark_of


@require_GET
def summary(request: PortalRequest, pk: int) -> HttpResponse:
    """What is missing, what does not conform, what the outside view contradicts; then the act."""
    selfcheck = readable(request, pk)
    if may_edit(request, selfcheck):
        actions.ensure_sheets(selfcheck)
        actions.sync_contradictions(selfcheck)
    if not selfcheck.sheets.exists():  # nobody of the unit has opened it yet
        messages.info(request, "单位还没有开始填报，没有可核对的内容。")
        return redirect("assessments:selfcheck_detail", pk=pk)
    return render(request, "assessments/summary.html", summary_context(request, selfcheck))


def summary_context(request: PortalRequest, selfcheck: SelfCheck, **more: Any) -> dict[str, Any]:
    """Context of the summary page, also for forms on it that failed."""
    sheets = load_sheets(selfcheck)
    digest = content_digest(sheets)
    user = request.user
    to_sign = selfcheck.status == SelfCheck.Status.TO_SIGN and not selfcheck.archived
    missing, faulty = gaps.missing_by_sheet(sheets), gaps.faults_by_sheet(sheets)
    doubts = [doubt for sheet in sheets for doubt in sheet.doubts]
    remarks = sent_remarks(sheets)
    outcomes = [(s, outcome) for s in sheets for outcome in s.outcomes.values()]
    return {
        "selfcheck": selfcheck,
        "sheets": sheets,
        "missing": gaps.count(missing),
        "missing_by_sheet": missing,
        "faulty": gaps.count(faulty),
        "faulty_by_sheet": faulty,
        "problems": [
            {"sheet": s, "outcome": o, "item": s.definition.item(o.item)}
            for s, o in outcomes
            if o.has_finding
        ],
        "pending": sum(o.state == "pending_verification" for _, o in outcomes),
        "doubts": doubts,
        "unexplained": [doubt for doubt in doubts if doubt.unexplained],
        "remarks": remarks,
        "undealt": [one for one in remarks if not one.dealt_with],
        "unregistered": actions.unregistered(sheets),
        "conclusion": conclude(sheets),
        "digest": digest,
        "may_edit": may_edit(request, selfcheck),
        "may_sign": to_sign and user.can("selfcheck.sign", selfcheck),
        "may_stamp": to_sign and user.can("selfcheck.fill", selfcheck),
        "sign_form": SignForm(initial={"digest": digest}, user=user, selfcheck=selfcheck),
        "stamped_form": StampedForm(),
        "signoff": selfcheck.signoffs.valid().first(),
        **more,
    }


def _keep_word(
    request: PortalRequest,
    selfcheck: SelfCheck,
    about: str,
    row: Contradiction | ReviewRemark,
    act: Callable[..., object],
    said: str,
) -> HttpResponse:
    """Keep the unit's word on a 疑点 or a remark (`about` is "doubt" or "remark"). What is wrong
    stands at the field it came from, with the text still in it."""
    text = request.POST.get("text", "")
    try:
        act(row, text, by=request.user)
    except actions.Refused as error:
        failed = {about: row.pk, "error": str(error), "text": text}
        context = summary_context(request, selfcheck, failed=failed)
        return render(request, "assessments/summary.html", context, status=422)
    messages.success(request, f"{said}已保存，将随自查表一并提交。")
    return redirect(f"{reverse('assessments:summary', args=[selfcheck.pk])}#{about}-{row.pk}")


@require_POST
def explain(request: PortalRequest, pk: int) -> HttpResponse:
    """The unit's word on a 疑点."""
    doubt = doubt_of(request, pk)
    act, said = actions.explain_contradiction, f"{doubt.item} 的说明"
    return _keep_word(request, doubt.sheet.selfcheck, "doubt", doubt, act, said)


@require_POST
def remark_reply(request: PortalRequest, pk: int) -> HttpResponse:
    """The unit's word on a remark that came with a return."""
    remark = remark_of(request, pk)
    act, said = actions.reply_to_remark, f"对 {remark.item} 意见的说明"
    return _keep_word(request, remark.sheet.selfcheck, "remark", remark, act, said)
