"""The register, its files, and what is printed on demand."""

from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from assessments.models import SelfCheck
from audit.downloads import attachment
from rectification.models import Notice
from reports import actions
from reports.filters import DocumentFilter
from reports.forms import ReportWordsForm
from reports.mapping import Incomplete
from reports.models import Document, ReportWords
from reports.views.shared import download

PAGE: Final = 50
# What one must be allowed to read for a file of that kind.
POWERS: Final = {
    Document.Kind.NOTICE: "notice.read",
    Document.Kind.NOTICE_FILE: "notice.read",
    Document.Kind.REPORT: "notice.read",
    Document.Kind.SHEET: "selfcheck.read",
    Document.Kind.AUTHORIZATION: "system.read",
}


@require_GET
def register(request: PortalRequest) -> HttpResponse:
    """The documents of the person's scope, newest first."""
    if not request.user.can("notice.read"):
        raise PermissionDenied
    found = registered(request)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    context = {"filter": found, "page": page, "may_export": request.user.can("list.export")}
    return render(request, "reports/document_list.html", context)


def registered(request: PortalRequest) -> DocumentFilter:
    """The rows of the register that the person may see and asked for."""
    rows = Document.objects.visible_to(request.user).select_related(
        "unit", "made_by", "notice", "authorization"
    )
    return DocumentFilter(request.GET, rows)


@require_GET
def document_file(request: PortalRequest, document_id: int) -> HttpResponse:
    """A document as a download; each is an audit event."""
    document = get_object_or_404(Document.objects.visible_to(request.user), pk=document_id)
    power = POWERS[Document.Kind(document.kind)]
    if not request.user.can(power, document):
        raise PermissionDenied(power)
    return download(request, document)


@require_POST
def selfcheck_print(request: PortalRequest, selfcheck_id: int) -> HttpResponse:
    """The submitted 自查表 as PDF; unchanged content gives the same document again."""
    rows = SelfCheck.objects.visible_to(request.user).select_related(
        "unit", "campaign__office", "questionnaire"
    )
    selfcheck = get_object_or_404(rows, pk=selfcheck_id)
    try:
        document = actions.print_selfcheck(selfcheck, by=request.user)
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("assessments:summary", selfcheck.pk)
    return download(request, document)


@require_GET
def notice_preview(request: PortalRequest, notice_id: int) -> HttpResponse:
    """The 预览稿 that 审核人 and 批准人 read before they decide; never the unit."""
    if not (request.user.is_office_side and request.user.can("notice.read")):
        raise PermissionDenied("notice.read")
    rows = Notice.objects.visible_to(request.user).select_related("unit", "office", "drafted_by")
    notice = get_object_or_404(rows, pk=notice_id)
    try:
        pdf = actions.read_draft(notice, by=request.user)
    except Incomplete as problem:
        messages.error(request, str(problem))
        return redirect("rectification:notice_detail", notice.pk)
    return attachment(pdf, f"限期整改通知书（预览稿{notice.pk}）.pdf", inline=True)


@require_http_methods(["GET", "POST"])
def report_issue(request: PortalRequest, notice_id: int) -> HttpResponse:
    """整改报告: the unit's own words, and the one current report of the case."""
    rows = Notice.objects.visible_to(request.user).select_related("unit", "office")
    notice = get_object_or_404(rows, pk=notice_id)
    if not request.user.can("report.print", notice):
        raise PermissionDenied("report.print")
    may_write = request.user.can("notice.reply", notice)
    words = ReportWords.objects.visible_to(request.user).filter(notice=notice).first()
    # A bare POST (the button of another page) exports with the words written before.
    sent = request.POST if "long_term" in request.POST else None
    form = ReportWordsForm(sent if may_write else None, instance=words)
    if request.method == "POST" and (not form.is_bound or form.is_valid()):
        try:
            if form.is_bound:
                actions.write_report_words(notice, by=request.user, **form.cleaned_data)
            issued = actions.issue_report(notice, by=request.user)
        except actions.Refused as refusal:
            messages.error(request, str(refusal))
        else:
            _tell(request, issued)
        return redirect("reports:report_issue", notice.pk)
    reports = Document.objects.visible_to(request.user).filter(
        notice=notice, kind=Document.Kind.REPORT
    )
    context = {
        "notice": notice,
        "form": form if may_write else None,
        "words": words,
        "issued": reports.select_related("made_by"),
        "refusal": actions.stage_refusal(notice, request.user),
        "items": notice.items.filter(annex=False)
        .select_related("notice", "finding")
        .prefetch_related("finding__changes"),
    }
    return render(request, "reports/report_issue.html", context)


def _tell(request: PortalRequest, issued: actions.Issued) -> None:
    document = issued.document
    if not issued.fresh:
        text = f"自上次生成以来情况没有变化，仍为 {document.full_number}，可以直接下载。"
        messages.info(request, text)
        return
    older = "，上一版已被替代" if document.revision > 1 else ""
    text = f"{document.kind_label}已生成，编号 {document.full_number}{older}，可以下载盖章。"
    messages.success(request, text)
