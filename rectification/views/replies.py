"""The unit's journey: answer finding by finding, ask for an extension; the office decides it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PortalRequest
from audit.models import StatusChange
from emailsec.lib.autosave import classified_answer, overtaken_answer
from emailsec.lib.http import whole
from emailsec.lib.workdays import today
from rectification import actions, pages
from rectification.actions.base import require_notice
from rectification.forms import DecisionForm, ExtensionForm, ReplyForm
from rectification.models import Extension, Notice, NoticeItem, Reply, ReplyEvidence
from rectification.views.notices import notice_page
from rectification.views.shared import (
    READ,
    attempt,
    download,
    get_notice,
    require,
    to_notice,
)


@require_http_methods(["GET", "POST"])
def reply(request: PortalRequest, notice_id: int) -> HttpResponse:
    """整改反馈: one form a finding, each sent by itself."""
    notice = get_notice(request, notice_id)
    require(request, "notice.reply", notice)
    if request.method == "GET":
        return _reply_page(request, notice)
    item = _item(notice, request.POST.get("finding", ""))
    form = ReplyForm(request.POST, request.FILES, finding=item.finding, drafts=item.drafts.all())

    def act() -> None:
        data = dict(form.cleaned_data)
        files = data.pop("evidence")
        actions.reply(notice, item.finding, files=files, by=request.user, **data)

    return attempt(
        request,
        act,
        done=f"{item.finding.number} 的整改反馈已提交，待复查。",
        to=redirect("rectification:reply", notice_id=notice.pk),
        form=form,
        again=lambda form: _reply_page(request, get_notice(request, notice_id), item, form),
        file_field="evidence",
    )


@require_POST
def reply_draft(request: PortalRequest, notice_id: int) -> JsonResponse:
    """Autosave of one field; the contract stands at the head of static/js/autosave.js."""
    notice = get_notice(request, notice_id)
    require(request, "notice.reply", notice)
    item = _item(notice, request.POST.get("item", ""))
    if refusal := classified_answer(request.POST.getlist("value")):
        return refusal
    try:
        draft = actions.save_reply_draft(
            notice,
            item,
            request.POST.get("field", ""),
            request.POST.get("value", ""),
            seen_version=whole(request.POST.get("version", "")) or 0,
            by=request.user,
        )
    except actions.Overtaken as overtaken:
        return overtaken_answer(overtaken.current, by=request.user.pk)
    except actions.Refused as refusal:
        return JsonResponse({"error": str(refusal)}, status=422)
    return JsonResponse({"version": draft.version, "saved_at": draft.updated_at.isoformat()})


def _item(notice: Notice, finding_id: str) -> NoticeItem:
    rows = notice.items.select_related("finding__system").prefetch_related("finding__sources")
    item: NoticeItem = get_object_or_404(rows, finding=whole(finding_id) or 0)
    return item


@dataclass
class ReplyRow:
    """One finding of the notice: its form where it waits for an answer, else what was said.
    `failed`: the 复查 that the answer must meet.
    `leads`: its button is the page's primary one."""

    item: NoticeItem
    form: ReplyForm | None
    replies: list[Reply]
    remedies: list[pages.Remedy]
    failed: StatusChange | None
    leads: bool = False

    @property
    def key(self) -> str:
        return str(self.item.finding_id)


def _form(
    request: PortalRequest, notice: Notice, item: NoticeItem, bound: ReplyForm | None
) -> ReplyForm | None:
    if bound is not None:
        return bound
    if not actions.may_reply(notice, item):
        return None
    initial = {"completed_on": today(), "responsible": request.user.name}
    return ReplyForm(finding=item.finding, drafts=item.drafts.all(), initial=initial)


def _reply_page(
    request: PortalRequest,
    notice: Notice,
    failed: NoticeItem | None = None,
    bound: Any = None,
) -> HttpResponse:
    sources = pages.with_sources()
    sources.add_prefix("finding")
    items = list(
        notice.items.select_related("finding__system").prefetch_related(
            sources, "drafts", "finding__replies__evidence", "finding__changes"
        )
    )
    rows = [
        ReplyRow(
            item=item,
            form=_form(request, notice, item, bound if failed and item.pk == failed.pk else None),
            replies=[r for r in item.finding.replies.all() if r.notice_id == notice.pk][::-1],
            remedies=pages.remedies(item.finding),
            failed=pages.failed_recheck(list(item.finding.changes.all())),
        )
        for item in items
    ]
    to_do = [row for row in rows if row.form is not None]
    if to_do:
        to_do[0].leads = True
    if not to_do:
        messages.info(request, "没有待反馈的问题。")
        return to_notice(notice)
    context = {
        "notice": notice,
        "rows": rows,
        "to_do": sum(not row.item.annex for row in to_do),
        "advised": sum(row.item.annex for row in to_do),
    }
    return render(request, "rectification/reply.html", context)


@require_GET
def evidence_file(request: PortalRequest, pk: int) -> HttpResponse:
    rows = ReplyEvidence.objects.visible_to(request.user).select_related("reply__finding__unit")
    evidence = get_object_or_404(rows, pk=pk, destroyed_at=None)
    require(request, READ, evidence)
    return download(request, evidence, "reply_evidence.download")


@require_POST
def extension_ask(request: PortalRequest, pk: int) -> HttpResponse:
    notice = get_notice(request, pk)
    require(request, "notice.ask_extension", notice)
    form = ExtensionForm(request.POST, key="extension", deadline=notice.deadline)
    return attempt(
        request,
        lambda: actions.ask_extension(notice, by=request.user, **form.cleaned_data),
        done="延期申请已提交，审批结果会在消息中告知。",
        to=to_notice(notice),
        form=form,
        again=lambda form: notice_page(request, get_notice(request, pk), extension=form),
    )


@require_POST
def extension_decide(request: PortalRequest, pk: int) -> HttpResponse:
    rows = Extension.objects.visible_to(request.user).select_related(
        "notice__unit", "notice__office"
    )
    extension = get_object_or_404(rows, pk=pk)
    require_notice(request.user, "notice.extend", extension.notice)
    form = DecisionForm(request.POST, key="decision")

    def act() -> None:
        data = form.cleaned_data
        actions.decide_extension(
            extension, grant=data["grant"], note=data["decision_note"], by=request.user
        )
        messages.success(request, "已同意延期。" if data["grant"] else "已不同意延期。")

    return attempt(
        request,
        act,
        done="",
        to=to_notice(extension.notice),
        form=form,
        again=lambda form: notice_page(
            request, get_notice(request, extension.notice_id), decision=form
        ),
    )
