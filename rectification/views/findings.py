"""Confirming findings at 复核, the list of findings, and one finding as a case."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from assessments.models import SelfCheck
from emailsec.lib.workdays import today
from inventory.models import Unit
from rectification import actions, pages
from rectification.actions.base import live_item, may_handle_finding
from rectification.candidates import candidates
from rectification.filters import FindingFilter
from rectification.forms import ReasonForm, RecheckForm
from rectification.models import Finding, Recheck, Reply
from rectification.views.shared import READ, attempt, get_finding, require, to_finding

PAGE = 50


@require_http_methods(["GET", "POST"])
def confirm(request: PortalRequest, selfcheck_id: int) -> HttpResponse:
    """确认问题: what the review proposes, one row per cause."""
    rows = SelfCheck.objects.visible_to(request.user)
    selfcheck = get_object_or_404(
        rows.select_related("unit", "campaign__office", "questionnaire"), pk=selfcheck_id
    )
    office = request.user.office
    if office is None or not request.user.can("finding.confirm", selfcheck):
        raise PermissionDenied("finding.confirm")
    keys = request.POST.getlist("keys")
    error = ""
    if request.method == "POST":
        try:
            findings = actions.confirm_findings(selfcheck, keys, by=request.user)
        except actions.Refused as refusal:
            error = str(refusal)
        else:
            messages.success(request, f"已确认 {len(findings)} 个问题，请拟制整改通知。")
            return redirect("rectification:notice_create", unit_id=selfcheck.unit_id)
    proposed = candidates(selfcheck)
    context = {
        "selfcheck": selfcheck,
        "rows": [
            {
                "candidate": c,
                "placement": c.placement(office.kind),
                "said": pages.said_of(c.sources),
                "seen": pages.seen_of(c.sources),
                "chosen": c.key in keys if request.method == "POST" else not c.done,
            }
            for c in proposed
        ],
        "fresh": sum(not c.done for c in proposed),
        "accepted": selfcheck.status == SelfCheck.Status.ACCEPTED,
        "error": error,
    }
    return render(request, "rectification/confirm.html", context)


@require_GET
def finding_list(request: PortalRequest) -> HttpResponse:
    require(request, READ)
    mine = Finding.objects.visible_to(request.user)
    rows = mine.select_related("unit__region", "unit__sector", "system").worst_first()
    units = Unit.objects.visible_to(request.user)
    one_unit = request.user.is_unit_side and units.count() < 2
    found = FindingFilter(request.GET, rows, units=units, one_unit=one_unit)
    page = Paginator(found.qs, PAGE).get_page(request.GET.get("page"))
    unclosed = ~Q(status__in=Finding.ENDED)
    late = Q(status__in=Finding.WITH_UNIT, due_on__lt=today())
    figures = mine.aggregate(
        unclosed=Count("pk", filter=unclosed),
        high=Count("pk", filter=unclosed & Q(severity="high")),
        overdue=Count("pk", filter=late),
        to_recheck=Count("pk", filter=Q(status=Finding.Status.TO_RECHECK)),
        closed=Count("pk", filter=Q(status=Finding.Status.CLOSED)),
    )
    context = {
        "filter": found,
        "page": page,
        "figures": figures,
        "one_unit": one_unit,
        "may_export": request.user.can("list.export"),
    }
    return render(request, "rectification/finding_list.html", context)


@require_GET
def finding_detail(request: PortalRequest, pk: int) -> HttpResponse:
    return finding_page(request, get_finding(request, pk))


def finding_page(request: PortalRequest, finding: Finding, **bound: Any) -> HttpResponse:
    """One finding as a case; `bound` are forms with errors, by the name of their act."""
    [card] = pages.cards([finding], request.user)
    item = live_item(finding)
    replies = (
        Reply.objects.visible_to(request.user)
        .filter(finding=finding)
        .select_related("by", "notice")
        .prefetch_related("evidence")
        .order_by("-id")
    )
    judging = may_handle_finding(request.user, "notice.approve", finding)
    status = finding.status
    offered: dict[str, Any] = {}
    if card.may_recheck:
        offered["recheck"] = RecheckForm(key="recheck", initial={"kind": Recheck.Kind.PAPER})
        offered["fail"] = ReasonForm(key="fail", label="不通过的理由")
    if judging and status not in Finding.ENDED:
        offered["false_alarm"] = ReasonForm(key="false_alarm", label="认定误报的理由")
    if judging and status == Finding.Status.OPEN and item is None:
        offered["transfer"] = ReasonForm(key="transfer", label="移送何机关、为什么")
    visible = item is not None and (
        request.user.is_office_side or item.notice.is_live or item.notice.status == "finished"
    )
    context = {
        "finding": finding,
        "card": card,
        "card_list": [card],
        "poll_url": reverse("rectification:finding_rechecks", args=[finding.pk]),
        "said": pages.said_of(finding.sources.all()),
        "seen": pages.seen_of(finding.sources.all()),
        "remedies": pages.remedies(finding),
        "item": item if visible else None,
        "replies": replies,
        "responsible": next((r.responsible for r in replies), ""),
        "may_reply": item is not None
        and visible
        and actions.may_reply(item.notice, item)
        and request.user.can("notice.reply", finding),
        "all_rechecks": finding.rechecks.select_related("by", "wave").order_by("-id"),
        "forms": offered | {k: v for k, v in bound.items() if k in offered},
        "history": pages.history(finding.changes.all()[:30]),
        "self_confirmed": finding.confirmed_by_id == request.user.pk,
        "may_draft": item is None
        and status == Finding.Status.OPEN
        and request.user.can("notice.draft", finding.unit),
    }
    return render(request, "rectification/finding_detail.html", context)


def _judge(request: PortalRequest, pk: int, name: str, done: str) -> HttpResponse:
    finding = get_finding(request, pk)
    form = ReasonForm(request.POST, key=name)
    act = {"false_alarm": actions.declare_false_alarm, "transfer": actions.transfer}[name]
    return attempt(
        request,
        lambda: act(finding, reason=form.cleaned_data["reason"], by=request.user),
        done=done,
        to=to_finding(finding),
        form=form,
        again=lambda form: finding_page(request, get_finding(request, pk), **{name: form}),
    )


@require_POST
def false_alarm(request: PortalRequest, pk: int) -> HttpResponse:
    return _judge(request, pk, "false_alarm", "已认定为误报，并告知单位。")


@require_POST
def transfer(request: PortalRequest, pk: int) -> HttpResponse:
    return _judge(request, pk, "transfer", "已移送。")
