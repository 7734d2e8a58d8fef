"""The unit's journey: overview, one page a section, autosave."""

import re
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from assessments import actions
from assessments.forms import ItemForm, RefusedItem
from assessments.models import Answer, SelfCheck
from assessments.pages import ItemBlock, SectionLink, item_blocks, next_step, section_links
from assessments.remarks import sent_remarks
from assessments.rules.schema import Field, Item
from assessments.sheets import LoadedSheet, load_sheets
from assessments.views.rows import selfcheck_of, sheet_of
from audit.readings import note_reading
from audit.refusals import note_refusal
from emailsec.lib.autosave import classified_answer, overtaken_answer
from emailsec.lib.http import whole
from emailsec.lib.words import cn_time

# A code of the questionnaire, as it may stand in an address.
_CODE = re.compile(r"[A-Z]-\d{3,4}")


def readable(request: PortalRequest, pk: int) -> SelfCheck:
    """The self-check, for those who may read it."""
    selfcheck = selfcheck_of(request, pk)
    if not request.user.can("selfcheck.read", selfcheck):
        raise PermissionDenied("selfcheck.read")
    note_reading(selfcheck, unit=selfcheck.unit, by=request.user)
    return selfcheck


def item_on(loaded: LoadedSheet, code: str) -> Item:
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
    version = whole(text or "0")
    if version is None:
        raise actions.Refused("页面版本有误，请刷新后重填。")
    return version


def loaded_of(selfcheck: SelfCheck, sheet_id: int) -> tuple[list[LoadedSheet], LoadedSheet]:
    sheets = load_sheets(selfcheck)
    loaded = next((s for s in sheets if s.row.pk == sheet_id), None)
    if loaded is None:  # its system was retired meanwhile
        raise Http404
    return sheets, loaded


def may_edit(request: PortalRequest, selfcheck: SelfCheck) -> bool:
    if selfcheck.archived or not selfcheck.editable:
        return False
    return request.user.can("selfcheck.fill", selfcheck)


@require_GET
def selfcheck_detail(request: PortalRequest, pk: int) -> HttpResponse:
    selfcheck = readable(request, pk)
    if may_edit(request, selfcheck):
        actions.ensure_sheets(selfcheck)
    sheets = load_sheets(selfcheck)
    changes = list(selfcheck.changes.all()[:20])
    context = {
        "selfcheck": selfcheck,
        "sheets": [(s, section_links(s)) for s in sheets],
        "done": sum(s.progress.done for s in sheets),
        "total": sum(s.progress.total for s in sheets),
        "step": next_step(selfcheck, sheets, request.user),
        "remarks": sent_remarks(sheets),
        "changes": changes,
        "may_edit": may_edit(request, selfcheck),
        "may_add_system": request.user.can("system.edit", selfcheck.unit),
    }
    return render(request, "assessments/selfcheck_detail.html", context)


@require_http_methods(["GET", "POST"])
def section(request: PortalRequest, pk: int, sheet_id: int, code: str) -> HttpResponse:
    """One section. POST is the way without JavaScript: all fields of one item at once."""
    selfcheck = readable(request, pk)
    sheet_row = get_object_or_404(selfcheck.sheets, pk=sheet_id)
    refused = None
    if request.method == "POST":
        try:
            refused = _save_item(request, selfcheck, sheet_row.pk)
        except actions.Refused as error:
            messages.error(request, str(error))
        if refused is None:
            anchor = request.POST.get("item", "")
            return redirect(
                f"{request.path}#item-{anchor}" if _CODE.fullmatch(anchor) else request.path
            )
    sheets, loaded = loaded_of(selfcheck, sheet_row.pk)
    links = section_links(loaded, current=code)
    here = next((link for link in links if link.section.code == code), None)
    if here is None:
        return redirect("assessments:selfcheck_detail", pk=pk)
    editable = may_edit(request, selfcheck)
    context = {
        "selfcheck": selfcheck,
        "sheet": loaded,
        "section": here.section,
        "links": links,
        "others": [s for s in sheets if s.row.pk != loaded.row.pk],
        "blocks": item_blocks(
            loaded, code, readonly=not editable, sent=sent_remarks(sheets), refused=refused
        ),
        "progress": loaded.progress,
        "next": _neighbour(links, code),
        "may_edit": editable,
    }
    return render(request, "assessments/section.html", context, status=422 if refused else 200)


def _neighbour(links: list[SectionLink], code: str) -> SectionLink | None:
    codes = [link.section.code for link in links]
    place = codes.index(code) + 1
    return links[place] if place < len(links) else None


def _save_item(request: PortalRequest, selfcheck: SelfCheck, sheet_id: int) -> RefusedItem | None:
    """Save the fields of one item, each by itself; return those that were refused with their texts.

    Raises:
        Refused: the request names no item of the sheet.
    """
    _, loaded = loaded_of(selfcheck, sheet_id)
    loaded.row.selfcheck = selfcheck
    item = item_on(loaded, request.POST.get("item", ""))
    form = ItemForm(loaded, item, request.POST)
    form.is_valid()
    cleaned = form.plain_values()
    values, errors, versions = {}, {}, {}
    for field in item.fields:
        code, said = field.code, request.POST.getlist(field.code)
        stored = loaded.answers.get((item.code, code))
        if field.source or (not said and f"version-{code}" not in request.POST):
            continue
        values[code] = cleaned.get(code, ",".join(said))
        if values[code] == (stored.value if stored else ""):
            continue
        try:
            if code not in cleaned:
                raise actions.Refused(" ".join(map(str, form.errors[code])))
            version = _version(request.POST.get(f"version-{code}"))
            actions.save_answer(
                loaded.row, item, field, values[code], seen_version=version, by=request.user
            )
        except actions.Conflict as conflict:
            now = conflict.current
            errors[code], versions[code] = _overtaken(now, field, request.user.pk), now.version
        except actions.Refused as error:
            errors[code] = str(error)
            if stored:
                versions[code] = int(request.POST.get(f"version-{code}") or 0)
    if errors:
        return RefusedItem(item, values, errors, versions)
    messages.success(request, f"{item.code} 已保存。")
    return None


def _overtaken(now: Answer, field: Field, user_id: int) -> str:
    options = [option for code in now.value.split(",") if (option := field.option(code))]
    stored = "、".join(option.label for option in options) or now.value or "（空）"
    who = "您在另一个窗口" if now.updated_by_id == user_id else str(now.updated_by)
    return (
        f"{who}在 {cn_time(now.updated_at)} 已把这一项改为“{stored}”，您的填写还没有保存；"
        "再次保存将以您的为准。"
    )


@require_POST
def answer_save(request: PortalRequest, sheet_id: int) -> JsonResponse:
    """Autosave of one field; the contract stands at the head of static/js/autosave.js."""
    sheet = sheet_of(request, sheet_id)
    try:
        _, loaded = loaded_of(sheet.selfcheck, sheet.pk)
        item = item_on(loaded, request.POST.get("item", ""))
        field = _field(item, request.POST.get("field", ""))
        if refusal := classified_answer(request.POST.getlist("value")):
            return refusal
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
        outcome = loaded_of(sheet.selfcheck, sheet.pk)[1].outcomes[item.code]
        return overtaken_answer(
            current,
            by=request.user.pk,
            value=current.value.split(",") if field.type == "multi" else None,
            fault=outcome.faults.get(field.code, ""),
        )
    except PermissionDenied:
        note_refusal(request, 403)
        return JsonResponse({"error": "您没有填报权限。"}, status=403)
    except (actions.Refused, ValueError) as error:
        return JsonResponse({"error": str(error)}, status=422)
    _, fresh = loaded_of(sheet.selfcheck, sheet.pk)
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
    faults = {
        f"{one.code}/{f.code}": loaded.outcomes[one.code].faults.get(f.code, "")
        for one in in_section
        for f in one.fields
        if not f.source
    }
    progress = loaded.progress
    block = ItemBlock(loaded, item, readonly=False)
    links = section_links(loaded, current=item.section)
    return {
        "version": version,
        "saved_at": at,
        "visible": visible,
        "faults": faults,
        "progress": {"done": progress.done, "total": progress.total},
        "results": {item.code: render_to_string("assessments/_item_result.html", {"block": block})},
        "state": {
            link.section.code: render_to_string("assessments/_section_state.html", {"link": link})
            for link in links
        },
    }
