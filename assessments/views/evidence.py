"""Evidence beside the answers: up, down, away."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.gaps import item_url
from assessments.models import Evidence
from assessments.pages import ItemBlock
from assessments.views.fill import item_on, loaded_of
from assessments.views.rows import sheet_of
from audit.downloads import hand_out
from emailsec.lib.http import wants_json
from emailsec.lib.uploads import clean_name


@require_POST
def evidence_upload(request: PortalRequest, sheet_id: int, code: str) -> HttpResponse:
    """Files for one item. Each stands by itself: a refused one does not hold up the others."""
    sheet = sheet_of(request, sheet_id)
    _, loaded = loaded_of(sheet.selfcheck, sheet.pk)
    errors, kept = [], 0
    try:
        item = item_on(loaded, code)
        files = request.FILES.getlist("file")
        if not files:
            raise actions.Refused("请选择文件。")
    except actions.Refused as problem:
        errors, files = [str(problem)], []
    for file in files:
        try:
            actions.add_evidence(sheet, item, file, by=request.user)
            kept += 1
        except ValidationError as problem:
            errors.append(f"“{clean_name(file.name or '')}”没有上传：{''.join(problem.messages)}")
        except actions.Refused as problem:
            errors.append(f"“{clean_name(file.name or '')}”没有上传：{problem}")
    if wants_json(request):
        if errors:
            return JsonResponse({"error": "\n".join(errors)}, status=422)
        _, fresh = loaded_of(sheet.selfcheck, sheet.pk)
        block = ItemBlock(fresh, item, readonly=False)
        html = render_to_string("components/_files.html", {"files": block.files}, request=request)
        return JsonResponse({"html": html})
    for error in errors:
        messages.error(request, f"{code} 佐证：{error}")
    if kept:
        messages.success(request, f"{code} 佐证已上传 {kept} 个文件。")
    known = loaded.definition.by_code.get(code)
    if known is None:
        return redirect("assessments:selfcheck_detail", pk=sheet.selfcheck_id)
    return redirect(item_url(loaded, known))


@require_GET
def evidence_file(request: PortalRequest, pk: int) -> HttpResponse:
    rows = Evidence.objects.visible_to(request.user).filter(destroyed_at=None)
    evidence = get_object_or_404(rows, pk=pk)
    if not request.user.can("selfcheck.read", evidence):
        raise PermissionDenied("selfcheck.read")
    return hand_out(
        evidence.file,
        evidence,
        "evidence.download",
        by=request.user,
        name=evidence.name,
        sha256=evidence.sha256,
    )


@require_POST
def evidence_remove(request: PortalRequest, pk: int) -> HttpResponse:
    evidence = get_object_or_404(
        Evidence.objects.visible_to(request.user).select_related("sheet__selfcheck__unit"), pk=pk
    )
    try:
        actions.remove_evidence(evidence, by=request.user)
        messages.success(request, f"已移除“{evidence.name}”。")
    except actions.Refused as error:
        messages.error(request, str(error))
    sheet = evidence.sheet
    _, loaded = loaded_of(sheet.selfcheck, sheet.pk)
    return redirect(item_url(loaded, loaded.definition.item(evidence.item)))
