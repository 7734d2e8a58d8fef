"""外部观测: what the outside sees of a system, how it was seen, and how to look again."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.requests import PortalRequest
from audit.readings import note_reading
from inventory.models import MailSystem
from scans import actions, pages
from scans.models import Observation, Wave
from scans.permission import may_probe
from scans.policy import apart


def _system(request: PortalRequest, system_id: int) -> MailSystem:
    rows = (
        MailSystem.objects.visible_to(request.user)
        .select_related("unit")
        .prefetch_related("domains", "authorizations")
    )
    system: MailSystem = get_object_or_404(rows, pk=system_id)
    return system


@require_GET
def system_view(request: PortalRequest, system_id: int) -> HttpResponse:
    system = _system(request, system_id)
    note_reading(system, unit=system.unit, by=request.user)
    permission = may_probe(system)
    views = pages.domain_views(system, permission)
    context = {
        "system": system,
        "views": views,
        "totals": pages.totals(views),
        "apart": apart(),
        "removed": pages.removed_domains(system),
        "permission": permission,
        "letters": system.authorizations.all(),
        "progress": pages.progress_of(system),
        "history": pages.history_of(system),
        "next_look": pages.next_look(system),
        "may_ask": request.user.can("scan.request", system),
        "may_file": request.user.can("authorization.file", system),
    }
    return render(request, "scans/system_view.html", context)


@require_POST
def rescan(request: PortalRequest, system_id: int) -> HttpResponse:
    system = _system(request, system_id)
    try:
        wave = actions.request_scan(system=system, by=request.user)
    except actions.Refused as error:
        messages.error(request, str(error))
    else:
        if wave.status == Wave.Status.VOID:
            messages.error(request, wave.problem)
        else:
            messages.success(request, "探测已开始，结果出来后显示在本页；离开本页不影响探测。")
    return redirect("scans:system_view", system.pk)


@require_GET
@vary_on_headers("HX-Request")
def progress(request: PortalRequest, system_id: int) -> HttpResponse:
    """What the page asks for while a look is under way; at its end the page reloads."""
    system = _system(request, system_id)
    state = pages.progress_of(system)
    if not request.headers.get("HX-Request"):
        return redirect("scans:system_view", system.pk)
    response = render(request, "scans/_progress.html", {"system": system, "progress": state})
    if not state.watching:
        response["HX-Refresh"] = "true"
    return response


@require_GET
def wave_detail(request: PortalRequest, wave_id: int) -> HttpResponse:
    """One look: every observation with its outcome, and the way to its transcript."""
    rows = Wave.objects.visible_to(request.user).select_related(
        "system__unit", "requested_by", "authorization", "confirms"
    )
    wave = get_object_or_404(rows, pk=wave_id)
    runs = list(wave.runs.select_related("domain").order_by("pk"))
    seen = list(wave.observations.defer("transcript").order_by("host", "port", "pk"))
    context = {
        "wave": wave,
        "system": wave.system,
        "runs": runs,
        "rows": pages.seen_rows(seen, wave),
    }
    return render(request, "scans/wave_detail.html", context)


@require_GET
@vary_on_headers("HX-Request")
def transcript(request: PortalRequest, observation_id: int) -> HttpResponse:
    rows = Observation.objects.visible_to(request.user).select_related("wave__system__unit")
    observation = get_object_or_404(rows, pk=observation_id)
    [row] = pages.seen_rows([observation], observation.wave)
    context = {
        "observation": observation,
        "row": row,
        "wave": observation.wave,
        "system": observation.wave.system,
    }
    fragment = request.headers.get("HX-Request") == "true"
    name = "scans/_transcript.html" if fragment else "scans/transcript.html"
    return render(request, name, context)
