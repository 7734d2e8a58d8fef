"""复查 and 销号: rescan, paper, site; back to the unit; closed."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.requests import PortalRequest
from emailsec.lib.wake import wake
from rectification import pages, rechecks
from rectification.actions.base import live_item
from rectification.forms import RecheckForm
from rectification.models import Finding, Notice, Recheck
from rectification.views.findings import finding_page
from rectification.views.shared import (
    attempt,
    get_finding,
    get_notice,
    own_finding,
    to_finding,
    to_notice,
)
from scans.models import Wave

SETTLE = "rectification.tasks.settle_rescans"


def waiting_cards(request: PortalRequest, notice: Notice) -> list[pages.Card]:
    """The findings of a notice that await 复查, with what the re-checks say."""
    findings = (
        Finding.objects.visible_to(request.user)
        .filter(pk__in=notice.items.live().values("finding"), status=Finding.Status.TO_RECHECK)
        .select_related("unit", "system")
        .prefetch_related(pages.with_sources())
        .order_by("id")
    )
    return pages.cards(findings, request.user)


def _fragment(
    request: PortalRequest, cards: list[pages.Card], notice: Notice | None = None
) -> HttpResponse:
    if any(card.wave_ended for card in cards):
        # The look is over and only waits to be read; the minute's beat would do it as well.
        wake(SETTLE)
    context = {
        "cards": cards,
        "watching": any(card.pending for card in cards),
        "poll_url": request.path,
        "notice": notice,
    }
    response = render(request, "rectification/_rechecks.html", context)
    if not context["watching"]:
        response["HX-Refresh"] = "true"
    return response


@require_GET
@vary_on_headers("HX-Request")
def finding_rechecks(request: PortalRequest, pk: int) -> HttpResponse:
    """What the page asks for while a rescan is under way."""
    finding = get_finding(request, pk)
    if not request.htmx:
        return to_finding(finding)
    return _fragment(request, pages.cards([finding], request.user))


@require_GET
@vary_on_headers("HX-Request")
def notice_rechecks(request: PortalRequest, pk: int) -> HttpResponse:
    """The same for all findings of a notice."""
    notice = get_notice(request, pk)
    if not request.htmx:
        return to_notice(notice)
    return _fragment(request, waiting_cards(request, notice), notice)


def _rescan(request: PortalRequest, findings: list[Finding], to: HttpResponse) -> HttpResponse:
    def act() -> None:
        rows = rechecks.start_rescan(findings, by=request.user)
        void = next((r for r in rows if r.wave and r.wave.status == Wave.Status.VOID), None)
        if void is not None and void.wave is not None:
            messages.error(request, f"复测没有进行：{void.wave.problem}")
        elif rows:
            messages.success(request, "已开始远程复测，一般 1 至 2 分钟，结果显示在本页。")
        else:
            messages.info(request, "同一复测已在进行或刚刚没有成功，请查看下面的结果。")

    return attempt(request, act, done="", to=to)


@require_POST
def finding_rescan(request: PortalRequest, pk: int) -> HttpResponse:
    finding = get_finding(request, pk)
    return _rescan(request, [finding], to_finding(finding))


@require_POST
def notice_rescan(request: PortalRequest, pk: int) -> HttpResponse:
    """Rescan whatever of a notice awaits 复查 and can be seen from outside."""
    notice = get_notice(request, pk)
    findings = [card.finding for card in waiting_cards(request, notice)]
    return _rescan(request, findings, to_notice(notice))


@require_POST
def record_recheck(request: PortalRequest, pk: int) -> HttpResponse:
    finding = own_finding(request, pk, "finding.recheck")
    form = RecheckForm(request.POST, key="recheck")

    def act() -> None:
        row = rechecks.record_recheck(finding, by=request.user, **form.cleaned_data)
        failed = row.result == Recheck.Result.FAILED
        messages.success(request, f"复查已记录{'，已退回单位继续整改' if failed else ''}。")

    return attempt(
        request,
        act,
        done="",
        to=to_finding(finding),
        form=form,
        again=lambda form: finding_page(request, get_finding(request, pk), recheck=form),
    )


@require_POST
def close(request: PortalRequest, pk: int) -> HttpResponse:
    """销号; back to the notice if that is where the button stood."""
    finding = own_finding(request, pk, "finding.close")
    item = live_item(finding)
    to = to_finding(finding)
    if item is not None and request.POST.get("notice") == str(item.notice_id):
        to = to_notice(item.notice)
    return attempt(
        request,
        lambda: rechecks.close(finding, by=request.user),
        done=f"{finding.number} 已销号。",
        to=to,
    )
