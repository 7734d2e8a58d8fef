"""Pages of the frame itself: errors and the gallery of parts for developers."""

import datetime as dt
import logging
import sys
import uuid

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET

from audit.refusals import note_refusal
from emailsec import gallery as gallery_data
from emailsec.lib.http import wants_json

log = logging.getLogger(__name__)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without a valid token: usually a page that was open across a log-in.

    Scripts get 403 {"reason": "csrf"}, which autosave.js takes as "log in again, then go on".
    """
    log.warning("csrf refused path=%s reason=%s", request.path, reason)
    if wants_json(request):
        return JsonResponse(
            {"reason": "csrf", "error": "页面已过期，请重新登录后继续。"}, status=403
        )
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler400. The exception's text is English and for the log only."""
    reason = _unreadable(exception)
    if wants_json(request):
        error = reason or "提交的内容无法识别，请刷新页面后重试。"
        return JsonResponse({"error": error}, status=400)
    return render(request, "400.html", {"reason": reason}, status=400)


def _unreadable(exception: Exception | None) -> str:
    """What a person can do about a request that Django cannot read; "" where nothing is known."""
    if isinstance(exception, MultiPartParserError) and "header size" in str(exception):
        # Django reads at most 1,024 bytes of headers a part; only a file name grows that long.
        return "文件名过长，没有上传；请把文件名改短到 120 字以内后再传。"
    if isinstance(exception, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1048576
        return f"一次提交的内容超过 {limit} MB，没有保存；请精简后再提交。"
    return ""


def too_large(request: HttpRequest) -> HttpResponse:
    """413: said before the request is read, so without knowing who asks."""
    limit = settings.REQUEST_MAX_BYTES // 1048576
    text = f"一次提交的内容超过 {limit} MB，没有保存；请减少文件后分次提交。"
    if wants_json(request):
        return JsonResponse({"error": text}, status=413)
    return HttpResponse(render_to_string("413.html", {"text": text}), status=413)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler403. A PermissionDenied("中文") of ours says why; others get the general text."""
    note_refusal(request, 403)
    said = str(exception) if exception else ""
    reason = said if any("一" <= c <= "鿿" for c in said) else ""
    if wants_json(request):
        return JsonResponse({"error": reason or "您的角色不能执行这一步。"}, status=403)
    return render(request, "403.html", {"reason": reason}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404: the same page for "does not exist" and "outside your scope"."""
    note_refusal(request, 404)
    if wants_json(request):
        return JsonResponse({"error": "没有找到，可能已移走或不在您的范围内。"}, status=404)
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: an id on the page that leads to the trace in the log.

    Rendered without the request's context, because what failed may be the database or a context
    processor.
    """
    error_id = uuid.uuid4().hex[:10]
    log.error("error_id=%s path=%s", error_id, request.path, exc_info=sys.exc_info())
    if wants_json(request):
        text = f"平台出错，没有保存。错误编号 {error_id}。"
        return JsonResponse({"error": text, "error_id": error_id}, status=500)
    return HttpResponse(render_to_string("500.html", {"error_id": error_id}), status=500)


@login_not_required
@require_GET
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a weakness of this portal (RFC 9116); 404 where the operator names nobody."""
    if not settings.SECURITY_CONTACT:
        raise Http404
    until = timezone.now().replace(microsecond=0) + dt.timedelta(days=180)
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {until.isoformat()}",
        "Preferred-Languages: zh, en",
        f"Canonical: {settings.PUBLIC_URL}{request.path}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_GET
def gallery(request: HttpRequest) -> HttpResponse:
    """Every part of the look with typical, empty and overfull data; never in production."""
    if settings.ENVIRONMENT == "production" and not settings.DEBUG:
        raise Http404
    return render(request, "gallery.html", gallery_data.context(request))
