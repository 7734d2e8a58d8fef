"""A person's own messages."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PortalRequest
from emailsec.lib.http import whole
from inbox import actions
from inbox.models import Message

PAGE = 30


@require_GET
def message_list(request: PortalRequest) -> HttpResponse:
    mine = Message.objects.visible_to(request.user)
    page = Paginator(mine.order_by("-at", "-pk"), PAGE).get_page(request.GET.get("page"))
    newest = mine.order_by("-pk").values_list("pk", flat=True).first()
    context = {"page": page, "unread": mine.unread().count(), "newest": newest}
    return render(request, "inbox/message_list.html", context)


@require_POST
def read(request: PortalRequest, message_id: int) -> HttpResponse:
    """Mark as read and go on to the page where the matter is dealt with."""
    message = get_object_or_404(Message.objects.visible_to(request.user), pk=message_id)
    actions.mark_read(message, by=request.user)
    inside = url_has_allowed_host_and_scheme(message.url, allowed_hosts=None)
    if message.url and inside:
        return redirect(message.url)
    query = request.GET.urlencode()  # the page that the person was on
    return redirect(f"{reverse('inbox:list')}?{query}" if query else "inbox:list")


@require_POST
def read_all(request: PortalRequest) -> HttpResponse:
    known = whole(request.POST.get("upto", "")) or 0
    count = actions.mark_all_read(upto=known, by=request.user)
    messages.success(request, f"{count} 条消息已标为已读。")
    return redirect("inbox:list")
