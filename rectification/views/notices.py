"""The office's journey of a notice: list, draft, approve, serve, revoke; the unit signs."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from audit.lifecycle import IllegalMove
from audit.readings import note_reading
from emailsec.lib.workdays import today
from inventory.models import Unit
from rectification import actions
from rectification.actions.base import require_notice
from rectification.drafting import propose
from rectification.filters import NoticeFilter
from rectification.forms import NoticeForm, PlainForm, ReasonForm, RefusalForm, ScanForm, SignForm
from rectification.models import Finding, Notice, NoticeScan, free_for_notice
from rectification.notice_page import REASONS, context_of
from rectification.views.rechecks import waiting_cards
from rectification.views.shared import (
    READ,
    attempt,
    download,
    get_notice,
    own_notice,
    require,
    say_unplaced,
    to_notice,
)

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
    # Only drafts of the person's own offices: those of another authority are its own affair.
    drafts = Notice.objects.visible_to(request.user).filter(
        unit=unit, status__in=["drafted", "checked", "approved"]
    )
    return _draft(
        request,
        {"unit": unit, "form": form, "proposal": proposal, "drafts": drafts.order_by("-id")},
        lambda: actions.draft_notice(unit, by=request.user, **form.cleaned_data),
    )


@require_http_methods(["GET", "POST"])
def notice_edit(request: PortalRequest, pk: int) -> HttpResponse:
    """修改拟稿: the same form over what the draft holds and what is free."""
    notice = own_notice(request, pk, "notice.draft")
    if notice.status != Notice.Status.DRAFTED:
        messages.error(request, f"通知当前为“{notice.status_words}”，不能再修改。")
        return to_notice(notice)
    rows = actions.open_to_draft(notice)
    proposal = propose(rows.select_related("system").worst_first(), notice.office)
    initial = {
        "deadline": notice.deadline,
        "case_number": notice.case_number,
        "findings": list(notice.items.live().values_list("finding", flat=True)),
    }
    form = NoticeForm(request.POST or None, office=notice.office, findings=rows, initial=initial)

    def act() -> Notice:
        actions.revise_notice(notice, by=request.user, **form.cleaned_data)
        messages.success(request, "拟稿已修改，待审批。")
        return notice

    context = {"unit": notice.unit, "form": form, "proposal": proposal, "notice": notice}
    return _draft(request, context, act)


def _draft(
    request: PortalRequest, context: dict[str, Any], act: Callable[[], Notice]
) -> HttpResponse:
    """The page of a draft, and what its form asks for; errors stand at the field."""
    form: NoticeForm = context["form"]
    if request.method == "POST" and form.is_valid():
        try:
            return to_notice(act())
        except actions.Refused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        except IllegalMove as error:
            form.add_error(None, str(error))
    chosen = form["findings"].value() or []
    context |= {"chosen": {str(getattr(one, "pk", one)) for one in chosen}, "today": today()}
    status = 422 if form.errors else 200
    return render(request, "rectification/notice_form.html", context, status=status)


@require_GET
def notice_detail(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    note_reading(notice, unit=notice.unit, by=request.user)
    return notice_page(request, notice)


def notice_page(request: PortalRequest, notice: Notice, **bound: PlainForm) -> HttpResponse:
    """The whole case; `bound` are forms with errors, by the name of their act."""
    cards = waiting_cards(request, notice)
    context = context_of(notice, request.user, cards, bound)
    say_unplaced(request, bound, context["forms"])
    return render(request, "rectification/notice_detail.html", context)


def _step(
    request: PortalRequest, pk: int, power: str, act: Callable[..., object], done: str
) -> HttpResponse:
    """A step that asks for nothing but the press of its button."""
    notice = own_notice(request, pk, power)
    return attempt(request, lambda: act(notice, by=request.user), done=done, to=to_notice(notice))


def _with_form(
    request: PortalRequest,
    notice: Notice,
    name: str,
    form: PlainForm,
    act: Callable[..., object],
    done: str,
) -> HttpResponse:
    """Act with the fields of a form of the case's page; its errors stand there."""
    return attempt(
        request,
        lambda: act(notice, by=request.user, **form.cleaned_data),
        done=done,
        to=to_notice(notice),
        form=form,
        again=lambda form: notice_page(request, get_notice(request, notice.pk), **{name: form}),
    )


def _with_reason(
    request: PortalRequest, notice: Notice, name: str, act: Callable[..., object], done: str
) -> HttpResponse:
    form = ReasonForm(request.POST, key=name, label=REASONS[name])
    return _with_form(request, notice, name, form, act, done)


@require_POST
def check(request: PortalRequest, pk: int) -> HttpResponse:
    return _step(request, pk, "notice.check", actions.check_notice, "审核通过，待批准。")


@require_POST
def approve(request: PortalRequest, pk: int) -> HttpResponse:
    done = "已批准并编号，文书正在生成。"
    return _step(request, pk, "notice.approve", actions.approve_notice, done)


@require_POST
def serve(request: PortalRequest, pk: int) -> HttpResponse:
    done = "已送达，单位现在可以看到并签收。"
    return _step(request, pk, "notice.serve", actions.serve_notice, done)


@require_POST
def withdraw(request: PortalRequest, pk: int) -> HttpResponse:
    notice = own_notice(request, pk, "notice.draft")
    done = "拟稿已撤回，所列问题可以重新拟制通知。"
    return _with_reason(request, notice, "withdraw", actions.withdraw_notice, done)


@require_POST
def send_back(request: PortalRequest, pk: int) -> HttpResponse:
    notice = own_notice(request, pk, "notice.return")
    return _with_reason(request, notice, "send_back", actions.send_back, "已退回承办人修改。")


@require_POST
def void(request: PortalRequest, pk: int) -> HttpResponse:
    notice = own_notice(request, pk, "notice.void")
    done = "已作废，所列问题可以重新拟制通知。"
    return _with_reason(request, notice, "void", actions.void_notice, done)


@require_POST
def revoke(request: PortalRequest, pk: int) -> HttpResponse:
    notice = own_notice(request, pk, "notice.void")
    done = "已撤销，并告知单位；未了结的问题恢复为待整改。"
    return _with_reason(request, notice, "revoke", actions.revoke_notice, done)


@require_POST
def sign(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    require(request, "notice.receive", notice)
    form = SignForm(request.POST, key="sign")
    done = "已签收，请按期整改并逐项反馈。"
    return _with_form(request, notice, "sign", form, actions.sign_notice, done)


@require_POST
def refuse(request: PortalRequest, pk: int) -> HttpResponse:
    notice = own_notice(request, pk, "notice.serve")
    form = RefusalForm(request.POST, key="refuse")
    done = "已注明拒签，整改期限照算。"
    return _with_form(request, notice, "refuse", form, actions.note_refusal, done)


@require_POST
def scan_upload(request: PortalRequest, pk: int, kind: str) -> HttpResponse:
    """A stamped scan: notice, receipt or report."""
    notice = get_notice(request, pk)
    if kind == NoticeScan.Kind.REPORT:
        require(request, "notice.reply", notice)
    else:
        require_notice(request.user, "notice.serve", notice)
    if kind not in NoticeScan.Kind.values:
        raise Http404
    form = ScanForm(request.POST, request.FILES, key=f"scan_{kind}")
    act = partial(actions.add_scan, kind=kind)
    return _with_form(request, notice, f"scan_{kind}", form, act, "扫描件已上传。")


@require_GET
def scan_file(request: PortalRequest, pk: int) -> HttpResponse:
    rows = NoticeScan.objects.visible_to(request.user).select_related("notice__unit")
    scan = get_object_or_404(rows, pk=pk)
    require(request, READ, scan)
    return download(request, scan, "notice_scan.download")
