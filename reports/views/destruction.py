"""文件销毁: what is due, the lists, and the decision of a second person."""

from typing import Any, Final

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from reports.models import Destruction
from reports.retention import actions
from reports.retention.kinds import count_due, rules

PAGE: Final = 50


class DecisionForm(forms.Form):
    """Approve, or send back with a reason; the buttons carry the decision."""

    decision = forms.ChoiceField(
        choices=[("approve", "批准销毁"), ("refuse", "退回")], widget=forms.HiddenInput
    )
    reason = forms.CharField(
        label="退回理由（批准时不填）",
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout("reason")


def _require_reader(request: PortalRequest) -> None:
    if not request.user.can("destruction.read"):
        raise PermissionDenied("文件销毁由承办人提出、批准人批准。")


def _lists(request: PortalRequest) -> Any:
    return Destruction.objects.visible_to(request.user).select_related(
        "office", "proposed_by", "decided_by"
    )


@require_GET
def destruction_list(request: PortalRequest) -> HttpResponse:
    _require_reader(request)
    office = request.user.office
    waiting = count_due(office) if office else {}
    context = {
        "page": Paginator(_lists(request), PAGE).get_page(request.GET.get("page")),
        "kinds": [(rule, waiting.get(slug, 0)) for slug, rule in rules().items()],
        "may_propose": request.user.can("destruction.propose") and any(waiting.values()),
    }
    return render(request, "reports/destruction_list.html", context)


@require_POST
def destruction_propose(request: PortalRequest) -> HttpResponse:
    try:
        made = actions.propose(by=request.user)
    except actions.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("reports:destruction_list")
    messages.success(request, "已提出，等待批准人批准。")
    return redirect("reports:destruction_detail", made.pk)


def _detail(
    request: PortalRequest, made: Destruction, form: DecisionForm, status: int = 200
) -> HttpResponse:
    files = [(rules()[f.kind].label if f.kind in rules() else f.kind, f) for f in made.files.all()]
    user = request.user
    may_decide = made.approved is None and user.can("destruction.approve")
    context = {
        "made": made,
        "files": files,
        "form": form,
        "may_decide": may_decide and user.office == made.office,
        "own": made.proposed_by_id == user.pk,
    }
    return render(request, "reports/destruction_detail.html", context, status=status)


@require_GET
def destruction_detail(request: PortalRequest, pk: int) -> HttpResponse:
    _require_reader(request)
    return _detail(request, get_object_or_404(_lists(request), pk=pk), DecisionForm())


@require_POST
def destruction_decide(request: PortalRequest, pk: int) -> HttpResponse:
    _require_reader(request)
    made = get_object_or_404(_lists(request), pk=pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _detail(request, made, form, status=422)
    try:
        if form.cleaned_data["decision"] == "approve":
            actions.approve(destruction=made, by=request.user)
            messages.success(request, "已销毁，登记的名称、大小和摘要保留。")
        else:
            actions.refuse(destruction=made, reason=form.cleaned_data["reason"], by=request.user)
            messages.success(request, "已退回。")
    except actions.Refused as refusal:
        form.add_error("reason" if "理由" in str(refusal) else None, str(refusal))
        return _detail(request, made, form, status=422)
    return redirect("reports:destruction_detail", made.pk)
