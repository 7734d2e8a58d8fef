"""Confirming findings at 复核, the list of findings, and one finding as a case."""

from collections.abc import Callable
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
from audit.readings import note_reading
from emailsec.lib.workdays import today
from inventory.models import Unit
from rectification import actions, pages, rechecks
from rectification.actions.base import live_item, may_handle_finding
from rectification.candidates import candidates
from rectification.filters import FindingFilter
from rectification.forms import PlainForm, ReasonForm, RecheckForm
from rectification.models import Finding, Notice, NoticeItem, Recheck, Reply
from rectification.views.shared import (
    READ,
    attempt,
    get_finding,
    own_finding,
    require,
    say_unplaced,
    to_finding,
)

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
            if findings:
                messages.success(request, f"已确认 {len(findings)} 个问题，请拟制整改通知。")
            else:
                messages.info(request, "所选问题此前已经确认，没有新的问题。")
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
    return render(request, "rectification/confirm.html", context, status=422 if error else 200)


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
    # The heading tells of the same place and words as the list, by status; its links keep them.
    place = request.GET.copy()
    for name in ("status", "severity", "overdue"):
        place.pop(name, None)
    counted = FindingFilter(place, mine, units=units, one_unit=one_unit).qs
    figures = counted.aggregate(
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


REASONS = {
    "fail": "退回的理由",
    "false_alarm": "认定误报的理由",
    "transfer": "移送何机关、为什么",
    "reopen": "重新列为问题的理由",
}


def _forms(
    request: PortalRequest, finding: Finding, card: pages.Card, item: NoticeItem | None
) -> dict[str, PlainForm]:
    """The forms that the person may send now, by the name of their act."""
    status, rescan = finding.status, card.rescan
    names = []
    if card.may_recheck and rescan is not None and rescan.result == Recheck.Result.FAILED:
        # The look itself is the 复查 on record; what remains is to send the finding back.
        names.append("fail")
    if may_handle_finding(request.user, "notice.approve", finding):
        if status not in Finding.ENDED:
            names.append("false_alarm")
        if status == Finding.Status.OPEN and item is None:
            names.append("transfer")
    if status == Finding.Status.CLOSED and may_handle_finding(
        request.user, "finding.confirm", finding
    ):
        names.append("reopen")
    forms: dict[str, PlainForm] = {n: ReasonForm(key=n, label=REASONS[n]) for n in names}
    if card.may_recheck:
        forms["recheck"] = RecheckForm(key="recheck", initial={"kind": Recheck.Kind.PAPER})
    return forms


@require_GET
def finding_detail(request: PortalRequest, pk: int) -> HttpResponse:
    finding = get_finding(request, pk)
    note_reading(finding, unit=finding.unit, by=request.user)
    return finding_page(request, finding)


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
    changes = list(finding.changes.all())
    offered = _forms(request, finding, card, item)
    say_unplaced(request, bound, offered)
    visible = item is not None and (
        request.user.is_office_side or item.notice.status in Notice.SERVED_OR_LATER
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
        "places": finding.notice_items.filter(notice__in=Notice.objects.visible_to(request.user))
        .select_related("notice")
        .order_by("-pk"),
        "replies": replies,
        "responsible": next((r.responsible for r in replies), ""),
        "may_reply": item is not None
        and visible
        and actions.may_reply(item.notice, item)
        and request.user.can("notice.reply", finding),
        "all_rechecks": finding.rechecks.select_related("by", "wave").order_by("-id"),
        "forms": offered | {k: v for k, v in bound.items() if k in offered},
        "history": pages.history(changes[:30], office=request.user.is_office_side),
        "failed": pages.failed_recheck(changes),
        "self_confirmed": finding.confirmed_by_id == request.user.pk,
        "may_draft": item is None
        and finding.status == Finding.Status.OPEN
        and request.user.can("notice.draft", finding.unit),
    }
    return render(request, "rectification/finding_detail.html", context)


def _with_reason(
    request: PortalRequest, finding: Finding, name: str, act: Callable[..., object], done: str
) -> HttpResponse:
    """Act with a reason; its errors stand at the field of the finding's page."""
    form = ReasonForm(request.POST, key=name, label=REASONS[name])
    return attempt(
        request,
        lambda: act(finding, reason=form.cleaned_data["reason"], by=request.user),
        done=done,
        to=to_finding(finding),
        form=form,
        again=lambda form: finding_page(request, get_finding(request, finding.pk), **{name: form}),
    )


@require_POST
def false_alarm(request: PortalRequest, pk: int) -> HttpResponse:
    finding = own_finding(request, pk, "notice.approve")
    done = "已认定为误报，并告知单位。"
    return _with_reason(request, finding, "false_alarm", actions.declare_false_alarm, done)


@require_POST
def transfer(request: PortalRequest, pk: int) -> HttpResponse:
    finding = own_finding(request, pk, "notice.approve")
    return _with_reason(request, finding, "transfer", actions.transfer, "已移送。")


@require_POST
def reopen(request: PortalRequest, pk: int) -> HttpResponse:
    finding = own_finding(request, pk, "finding.confirm")
    done = "已重新列为问题，可以拟制整改通知。"
    return _with_reason(request, finding, "reopen", actions.reopen, done)


@require_POST
def fail(request: PortalRequest, pk: int) -> HttpResponse:
    finding = own_finding(request, pk, "finding.recheck")
    return _with_reason(request, finding, "fail", rechecks.fail, "已退回单位继续整改。")
