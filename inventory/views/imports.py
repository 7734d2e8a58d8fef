"""Importing a workbook: template, upload, preview, confirmation."""

from collections import Counter

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit.downloads import attachment
from emailsec.lib.http import SignedInRequest
from emailsec.lib.uploads import check_upload
from inventory.actions import Refused
from inventory.importing import applying
from inventory.importing import template as workbook
from inventory.importing.checking import check
from inventory.importing.reading import read
from inventory.models import ImportBatch

SHOWN_ERRORS = 500


class WorkbookForm(forms.Form):
    """One xlsx workbook; its kind is checked by its content."""

    file = forms.FileField(
        label="工作簿",
        error_messages={"required": "请选择填好的工作簿。"},
        widget=forms.FileInput(attrs={"accept": ".xlsx"}),
    )

    def clean_file(self) -> object:
        self.checked = check_upload(self.cleaned_data["file"], kinds=("xlsx",))
        return self.cleaned_data["file"]


def _may_import(request: SignedInRequest) -> None:
    if not request.user.can("inventory.import"):
        raise PermissionDenied("批量导入由监管机关承办人办理。")


@require_GET
def template(request: SignedInRequest) -> HttpResponse:
    _may_import(request)
    content = workbook.build(workbook.options_for(request.user))
    return attachment(content, "单位导入模板.xlsx")


@require_http_methods(["GET", "POST"])
def upload(request: SignedInRequest) -> HttpResponse:
    _may_import(request)
    form = WorkbookForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {"form": form}
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        plan = check(read(file.file), user=request.user)
        if not plan.errors:
            file.seek(0)
            batch = applying.keep(
                file_name=form.checked.name,
                content=file.read(),
                sha256=form.checked.sha256,
                plan=plan,
                by=request.user,
            )
            return redirect("inventory:import_preview", batch.pk)
        context |= {
            "file_name": form.checked.name,
            "errors": plan.errors[:SHOWN_ERRORS],
            "error_count": len(plan.errors),
            "sheets": list(Counter(error.sheet for error in plan.errors).items()),
        }
    status = 422 if request.method == "POST" else 200
    return render(request, "inventory/import_upload.html", context, status=status)


@require_GET
def preview(request: SignedInRequest, batch_id: int) -> HttpResponse:
    _may_import(request)
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=batch_id)
    return render(request, "inventory/import_preview.html", {"batch": batch})


@require_POST
def confirm(request: SignedInRequest, batch_id: int) -> HttpResponse:
    _may_import(request)
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=batch_id)
    try:
        plan = applying.confirm(batch=batch, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("inventory:unit_import")
    done = "、".join(
        f"{name}新增 {n['new']} 条、更新 {n['updated']} 条"
        for name, n in plan.counts.items()
        if n["new"] or n["updated"]
    )
    messages.success(request, f"导入完成：{done or '没有需要改动的内容'}。")
    return redirect("inventory:unit_list")


@require_POST
def discard(request: SignedInRequest, batch_id: int) -> HttpResponse:
    _may_import(request)
    batch = get_object_or_404(ImportBatch.objects.visible_to(request.user), pk=batch_id)
    try:
        applying.discard(batch=batch, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "已放弃这次导入，工作簿已删除。")
    return redirect("inventory:unit_import")
