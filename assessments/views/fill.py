"""The unit's journey: overview, one page a section, autosave, evidence, summary."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.forms import ItemForm, SignForm, StampedForm
from assessments.models import Contradiction, Evidence, SelfCheck, Sheet
from assessments.pages import (
    ItemBlock,
    SectionLink,
    gaps_by_sheet,
    item_blocks,
    next_step,
    section_links,
)
from assessments.rules.schema import Field, Item
from assessments.sheets import LoadedSheet, conclude, content_digest, load_sheets
from audit.trail import record


def _selfcheck(request: PortalRequest, pk: int) -> SelfCheck:
    rows = SelfCheck.objects.visible_to(request.user)
    selfcheck: SelfCheck = get_object_or_404(
        rows.select_related("unit", "campaign__office", "questionnaire"), pk=pk
    )
    if not request.user.can("selfcheck.read", selfcheck):
        raise PermissionDenied("selfcheck.read")
    return selfcheck


def _sheet(request: PortalRequest, pk: int) -> Sheet:
    rows = Sheet.objects.visible_to(request.user)
    sheet: Sheet = get_object_or_404(
        rows.select_related(
            "selfcheck__unit", "selfcheck__campaign", "selfcheck__questionnaire", "system"
        ),
        pk=pk,
    )
    return sheet


def _item(loaded: LoadedSheet, code: str) -> Item:
    """The item, if it stands on this sheet."""
    item = loaded.definition.by_code.get(code)
    if item is None or loaded.definition.scope_of[code] != loaded.row.scope_name:
        raise actions.Refused("没有这道题，请刷新页面。")
    return item


def _field(item: Item, code: str) -> Field:
    try:
        return item.field(code)
    except KeyError:
        raise actions.Refused("没有这个填报项，请刷新页面。") from None


def _version(text: str | None) -> int:
    """The version that the page showed."""
    if text and not text.isdecimal():
        raise actions.Refused("页面版本有误，请刷新后重填。")
    return int(text or 0)


def _loaded(selfcheck: SelfCheck, sheet_id: int) -> tuple[list[LoadedSheet], LoadedSheet]:
    sheets = load_sheets(selfcheck)
    loaded = next((s for s in sheets if s.row.pk == sheet_id), None)
    if loaded is None:  # its system was retired meanwhile
        raise Http404
    return sheets, loaded


def _may_edit(request: PortalRequest, selfcheck: SelfCheck) -> bool:
    return selfcheck.editable and request.user.can("selfcheck.fill", selfcheck)


@require_GET
def selfcheck_detail(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = _selfcheck(request, pk)
    if _may_edit(request, selfcheck):
        actions.ensure_sheets(selfcheck)
    sheets = load_sheets(selfcheck)
    context = {
        "selfcheck": selfcheck,
        "sheets": [(s, section_links(s)) for s in sheets],
        "done": sum(s.progress.done for s in sheets),
        "total": sum(s.progress.total for s in sheets),
        "step": next_step(selfcheck, sheets, request.user),
        "remarks": [
            r for s in sheets for rows in s.remarks.values() for r in rows if not r.closed_at
        ],
        "changes": selfcheck.changes.all()[:20],
        "may_edit": _may_edit(request, selfcheck),
        "may_add_system": request.user.can("system.edit", selfcheck.unit),
    }
    return render(request, "assessments/selfcheck_detail.html", context)


@require_http_methods(["GET", "POST"])
def section(request: PortalRequest, pk: int, sheet_id: int, code: str) -> HttpResponse:
    """One section. POST is the way without JavaScript: all fields of one item at once."""
    selfcheck = _selfcheck(request, pk)
    sheet_row = get_object_or_404(selfcheck.sheets, pk=sheet_id)
    if request.method == "POST":
        return _save_item(request, selfcheck, sheet_row.pk, code)
    sheets, loaded = _loaded(selfcheck, sheet_row.pk)
    links = section_links(loaded, current=code)
    here = next((link for link in links if link.section.code == code), None)
    if here is None:
        return redirect("assessments:selfcheck_detail", pk=pk)
    may_edit = _may_edit(request, selfcheck)
    context = {
        "selfcheck": selfcheck,
        "sheet": loaded,
        "section": here.section,
        "links": links,
        "others": [s for s in sheets if s.row.pk != loaded.row.pk],
        "blocks": item_blocks(loaded, code, readonly=not may_edit),
        "progress": loaded.progress,
        "next": _neighbour(links, code),
        "may_edit": may_edit,
    }
    return render(request, "assessments/section.html", context)


def _neighbour(links: list[SectionLink], code: str) -> SectionLink | None:
    codes = [link.section.code for link in links]
    place = codes.index(code) + 1
    return links[place] if place < len(links) else None


def _save_item(
    request: PortalRequest, selfcheck: SelfCheck, sheet_id: int, section_code: str
) -> HttpResponse:
    _, loaded = _loaded(selfcheck, sheet_id)
    loaded.row.selfcheck = selfcheck
    try:
        item = _item(loaded, request.POST.get("item", ""))
        form = ItemForm(loaded, item, request.POST)
        if not form.is_valid():
            raise actions.Refused("请从选项中选择。")
        for code, value in form.plain_values().items():
            field = item.field(code)
            stored = loaded.answers.get((item.code, code))
            if field.source or value == (stored.value if stored else ""):
                continue
            version = _version(request.POST.get(f"version-{code}"))
            actions.save_answer(
                loaded.row, item, field, value, seen_version=version, by=request.user
            )
        messages.success(request, f"{item.code} 已保存。")
    except actions.Conflict as conflict:
        messages.error(
            request,
            f"{conflict.current.updated_by}刚刚修改了同一项，您的填写没有保存，请核对后重填。",
        )
    except (actions.Refused, ValueError) as error:
        messages.error(request, str(error))
    anchor = request.POST.get("item", "")
    url = redirect("assessments:section", pk=selfcheck.pk, sheet_id=sheet_id, code=section_code).url
    return redirect(f"{url}#item-{anchor}" if anchor.replace("-", "").isalnum() else url)


@require_POST
def answer_save(request: PortalRequest, sheet_id: int) -> JsonResponse:
    """Autosave of one field; the contract stands at the head of static/js/autosave.js."""
    sheet = _sheet(request, sheet_id)
    try:
        _, loaded = _loaded(sheet.selfcheck, sheet.pk)
        item = _item(loaded, request.POST.get("item", ""))
        field = _field(item, request.POST.get("field", ""))
        answer = actions.save_answer(
            sheet,
            item,
            field,
            ",".join(request.POST.getlist("value")),
            seen_version=_version(request.POST.get("version")),
            by=request.user,
        )
    except actions.Conflict as conflict:
        current = conflict.current
        values = current.value.split(",") if field.type == "multi" else [current.value]
        body = {
            "version": current.version,
            "value": values,
            "by": current.updated_by.name,
            "at": current.updated_at.isoformat(),
        }
        return JsonResponse(body, status=409)
    except PermissionDenied:
        return JsonResponse({"error": "您没有填报权限。"}, status=403)
    except (actions.Refused, ValueError) as error:
        return JsonResponse({"error": str(error)}, status=422)
    _, fresh = _loaded(sheet.selfcheck, sheet.pk)
    return JsonResponse(_saved(fresh, item, answer.version, answer.updated_at.isoformat()))


def _saved(loaded: LoadedSheet, item: Item, version: int, at: str) -> dict[str, Any]:
    """What the page must know after a save: visibility, this section's results, progress."""
    in_section = [
        one
        for one in loaded.definition.items_of(loaded.row.scope_name)
        if one.section == item.section
    ]
    visible: dict[str, bool] = {}
    for one in in_section:
        visible[one.code] = loaded.judged.shown(one.code)
        visible |= {
            f"{one.code}/{f.code}": loaded.judged.field_shown(one.code, f.code) for f in one.fields
        }
    progress = loaded.progress
    block = ItemBlock(loaded, item, readonly=False)
    links = section_links(loaded, current=item.section)
    return {
        "version": version,
        "saved_at": at,
        "visible": visible,
        "progress": {"done": progress.done, "total": progress.total},
        "results": {item.code: render_to_string("assessments/_item_result.html", {"block": block})},
        "state": {
            link.section.code: render_to_string("assessments/_section_state.html", {"link": link})
            for link in links
        },
    }


@require_POST
def evidence_upload(request: PortalRequest, sheet_id: int, code: str) -> HttpResponse:
    sheet = _sheet(request, sheet_id)
    wants_json = "application/json" in request.headers.get("Accept", "")
    error = ""
    _, loaded = _loaded(sheet.selfcheck, sheet.pk)
    try:
        item = _item(loaded, code)
        files = request.FILES.getlist("file")
        if not files:
            raise actions.Refused("请选择文件。")
        for file in files:
            actions.add_evidence(sheet, item, file, by=request.user)
    except ValidationError as problem:
        error = "".join(problem.messages)
    except actions.Refused as problem:
        error = str(problem)
    if wants_json:
        if error:
            return JsonResponse({"error": error}, status=422)
        _, fresh = _loaded(sheet.selfcheck, sheet.pk)
        block = ItemBlock(fresh, item, readonly=False)
        html = render_to_string("components/_files.html", {"files": block.files}, request=request)
        return JsonResponse({"html": html})
    if error:
        messages.error(request, f"{code} 佐证未上传：{error}")
    section_code = (
        loaded.definition.by_code[code].section if code in loaded.definition.by_code else ""
    )
    return redirect(
        "assessments:section", pk=sheet.selfcheck_id, sheet_id=sheet.pk, code=section_code
    )


@require_GET
def evidence_file(request: PortalRequest, pk: int) -> FileResponse:
    evidence = get_object_or_404(Evidence.objects.visible_to(request.user), pk=pk)
    if not request.user.can("selfcheck.read", evidence):
        raise PermissionDenied("selfcheck.read")
    record("evidence.download", evidence, by=request.user)
    return FileResponse(evidence.file.open("rb"), as_attachment=True, filename=evidence.name)


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
    _, loaded = _loaded(sheet.selfcheck, sheet.pk)
    code = loaded.definition.item(evidence.item).section
    return redirect("assessments:section", pk=sheet.selfcheck_id, sheet_id=sheet.pk, code=code)


@require_POST
def explain(request: PortalRequest, pk: int) -> HttpResponse:
    """The unit's word on a 疑点."""
    row = get_object_or_404(
        Contradiction.objects.visible_to(request.user).select_related("sheet__selfcheck__unit"),
        pk=pk,
    )
    try:
        actions.explain_contradiction(row, request.POST.get("text", ""), by=request.user)
        messages.success(request, "说明已保存，将随自查表一并提交。")
    except actions.Refused as error:
        messages.error(request, str(error))
    return redirect(f"{redirect('assessments:summary', pk=row.sheet.selfcheck_id).url}#doubts")


@require_GET
def summary(request: PortalRequest, pk: int) -> HttpResponse:
    """What is missing, what does not conform, what the outside view contradicts; then the act."""
    selfcheck = _selfcheck(request, pk)
    if _may_edit(request, selfcheck):
        actions.ensure_sheets(selfcheck)
        actions.sync_contradictions(selfcheck)
    return render(request, "assessments/summary.html", summary_context(request, selfcheck))


def summary_context(request: PortalRequest, selfcheck: SelfCheck, **more: Any) -> dict[str, Any]:
    """Context of the summary page, also for the signature forms that failed."""
    sheets = load_sheets(selfcheck)
    digest = content_digest(sheets)
    user = request.user
    to_sign = selfcheck.status == SelfCheck.Status.TO_SIGN
    gaps = gaps_by_sheet(sheets)
    return {
        "selfcheck": selfcheck,
        "sheets": sheets,
        "missing": sum(len(group.gaps) for group in gaps),
        "missing_by_sheet": gaps,
        "problems": [
            {"sheet": s, "outcome": o, "item": s.definition.item(o.item)}
            for s in sheets
            for o in s.outcomes.values()
            if o.has_finding
        ],
        "pending": sum(
            o.state == "pending_verification" for s in sheets for o in s.outcomes.values()
        ),
        "doubts": [
            (c, s.definition.item(c.item))
            for s in sheets
            for rows in s.contradictions.values()
            for c in rows
            if c.status in {"open", "explained", "upheld", "dismissed"}
        ],
        "unregistered": actions.unregistered(sheets),
        "conclusion": conclude(sheets),
        "digest": digest,
        "may_edit": _may_edit(request, selfcheck),
        "may_sign": to_sign and user.can("selfcheck.sign", selfcheck),
        "may_stamp": to_sign and user.can("selfcheck.fill", selfcheck),
        "sign_form": SignForm(initial={"digest": digest}, user=user),
        "stamped_form": StampedForm(),
        "signoff": selfcheck.signoffs.valid().first(),
        **more,
    }
