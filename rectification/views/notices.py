"""The office's journey of a notice: list, draft, check, approve, serve, void; the unit signs."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from emailsec.lib.workdays import today
from inventory.models import Unit
from rectification import actions
from rectification.drafting import Proposal, propose
from rectification.filters import NoticeFilter
from rectification.forms import NoticeForm, PlainForm, ReasonForm, RefusalForm, ScanForm, SignForm
from rectification.models import Finding, Notice, NoticeScan, free_for_notice
from rectification.notice_page import context_of
from rectification.views.rechecks import waiting_cards
from rectification.views.shared import READ, attempt, download, get_notice, require, to_notice

PAGE = 50


@require_GET
def notice_list(request: PortalRequest) -> HttpResponse:
    require(request, READ)
    rows = Notice.objects.visible_to(request.user).select_related("unit__region", "office")
    units = Unit.objects.visible_to(request.user)
    one_unit = request.user.is_unit_side and units.count() < 2
    found = NoticeFilter(request.GET, rows.with_counts(), units=units, one_unit=one_unit)
    page = Paginator(found.qs.order_by("-id"), PAGE).get_page(request.GET.get("page"))
    may_export = request.user.can("list.export")
    context = {"filter": found, "page": page, "one_unit": one_unit, "may_export": may_export}
    return render(request, "rectification/notice_list.html", context)


@require_http_methods(["GET", "POST"])
def notice_create(request: PortalRequest, unit_id: int) -> HttpResponse:
    """拟制整改通知: choose open findings of one unit and a deadline."""
    unit = get_object_or_404(Unit.objects.visible_to(request.user), pk=unit_id)
    office = request.user.office
    may = request.user.can("notice.draft", unit) and unit.is_supervised_by(request.user)
    if office is None or not may:
        raise PermissionDenied("notice.draft")
    free = free_for_notice(Finding.objects.visible_to(request.user).filter(unit=unit))
    proposal = propose(free.select_related("system").worst_first(), office)
    initial = {"deadline": proposal.deadline, "findings": proposal.preselected}
    form = NoticeForm(request.POST or None, office=office, findings=free, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            notice = actions.draft_notice(unit, by=request.user, **form.cleaned_data)
        except actions.Refused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            return redirect("rectification:notice_detail", pk=notice.pk)
    context = _drafting(request, unit, form, proposal)
    return render(request, "rectification/notice_create.html", context)


def _drafting(
    request: PortalRequest, unit: Unit, form: NoticeForm, proposal: Proposal
) -> dict[str, Any]:
    chosen = form["findings"].value() or []
    # Only drafts of the person's own offices: those of another authority are its own affair.
    drafts = Notice.objects.visible_to(request.user).filter(
        unit=unit, status__in=["drafted", "checked", "approved"]
    )
    return {
        "unit": unit,
        "form": form,
        "proposal": proposal,
        "chosen": {str(getattr(one, "pk", one)) for one in chosen},
        "drafts": drafts.order_by("-id"),
        "today": today(),
    }


@require_GET
def notice_detail(request: PortalRequest, pk: int) -> HttpResponse:
    return notice_page(request, get_notice(request, pk))


def notice_page(request: PortalRequest, notice: Notice, **bound: PlainForm) -> HttpResponse:
    """The whole case; `bound` are forms with errors, by the name of their act."""
    cards = waiting_cards(request, notice)
    context = context_of(notice, request.user, cards, bound)
    return render(request, "rectification/notice_detail.html", context)


def _with_form(
    request: PortalRequest, notice: Notice, name: str, form: PlainForm, act: Any, done: str
) -> HttpResponse:
    """Act with what a form of the case's page says; its errors stand at the field."""
    return attempt(
        request,
        lambda: act(form.cleaned_data),
        done=done,
        to=to_notice(notice),
        form=form,
        again=lambda form: notice_page(request, get_notice(request, notice.pk), **{name: form}),
    )


@require_POST
def check(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    return attempt(
        request,
        lambda: actions.check_notice(notice, by=request.user),
        done="审核通过，待批准。",
        to=to_notice(notice),
    )


@require_POST
def approve(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    return attempt(
        request,
        lambda: actions.approve_notice(notice, by=request.user),
        done="已批准并编号，文书正在生成。",
        to=to_notice(notice),
    )


@require_POST
def void(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    form = ReasonForm(request.POST, key="void", label="作废理由")

    def act(data: dict[str, Any]) -> None:
        actions.void_notice(notice, reason=data["reason"], by=request.user)

    return _with_form(request, notice, "void", form, act, "已作废，所列问题可以重新拟制通知。")


@require_POST
def serve(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    return attempt(
        request,
        lambda: actions.serve_notice(notice, by=request.user),
        done="已送达，单位现在可以看到并签收。",
        to=to_notice(notice),
    )


@require_POST
def sign(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    form = SignForm(request.POST, key="sign")

    def act(data: dict[str, Any]) -> None:
        actions.sign_notice(notice, received_by=data["received_by"], by=request.user)

    return _with_form(request, notice, "sign", form, act, "已签收，请按期整改并逐项反馈。")


@require_POST
def refuse(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    form = RefusalForm(request.POST, key="refuse")

    def act(data: dict[str, Any]) -> None:
        actions.note_refusal(notice, officers=data["officers"], by=request.user)

    return _with_form(request, notice, "refuse", form, act, "已注明拒签，整改期限照算。")


@require_POST
def scan_upload(request: PortalRequest, pk: int, kind: str) -> HttpResponse:
    """A stamped scan: notice, receipt or report."""
    notice = get_notice(request, pk)
    form = ScanForm(request.POST, request.FILES, key=f"scan_{kind}")

    def act(data: dict[str, Any]) -> None:
        actions.add_scan(notice, kind, data["file"], by=request.user)

    return _with_form(request, notice, f"scan_{kind}", form, act, "扫描件已上传。")


@require_GET
def scan_file(request: PortalRequest, pk: int) -> FileResponse:
    rows = NoticeScan.objects.visible_to(request.user).select_related("notice__unit")
    scan = get_object_or_404(rows, pk=pk)
    require(request, READ, scan)
    return download(request, scan, "notice_scan.download")
