"""The frame's own pages: errors, the expired page, the gallery, the navigation."""

import json
import logging
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.test import RequestFactory

from emailsec import nav, views
from emailsec.middleware import MethodNotAllowedPage


@pytest.fixture
def get():
    def build(path="/x/", **headers):
        request = RequestFactory().get(path, headers=headers)
        request.user = AnonymousUser()
        return request

    return build


JSON = {"accept": "application/json"}


@pytest.mark.parametrize(
    ("view", "status", "says"),
    [
        (views.bad_request, 400, "无法识别"),
        (views.forbidden, 403, "没有做这件事的权限"),
        (views.not_found, 404, "没有找到这个页面"),
        (views.csrf_failure, 403, "页面已过期，这次没有提交"),
        (views.server_error, 500, "平台出了错"),
    ],
)
def test_errors_say_what_why_and_what_to_do_in_chinese(get, view, status, says):
    response = view(get())
    text = response.content.decode()
    assert response.status_code == status
    assert says in text
    assert "请" in text
    assert "本平台为非涉密系统，严禁填报国家秘密和工作秘密" in text
    assert not re.search(r"[A-Z][a-z]+ (Found|Error|Denied|Forbidden)", text)
    answer = view(get(**JSON))
    assert answer.status_code == status
    assert json.loads(answer.content)["error"].endswith("。")


def test_a_refusal_of_ours_gives_its_reason_but_english_stays_in_the_log(get):
    said = views.forbidden(get(), PermissionDenied("只有批准人可以批准。")).content.decode()
    assert "只有批准人可以批准。" in said
    english = views.forbidden(get(), PermissionDenied("User lacks power")).content.decode()
    assert "User lacks power" not in english


def test_csrf_tells_the_script_why(get):
    assert json.loads(views.csrf_failure(get(**JSON)).content)["reason"] == "csrf"


def test_a_crash_shows_an_id_that_leads_to_the_trace(get, caplog):
    caplog.set_level(logging.ERROR)
    try:
        raise RuntimeError("secret detail")
    except RuntimeError:
        text = views.server_error(get("/boom/")).content.decode()
    error_id = re.search(r"错误编号 ([0-9a-f]{10})", text).group(1)
    assert f"error_id={error_id} path=/boom/" in caplog.text
    assert "secret detail" in caplog.text
    assert "secret detail" not in text


def test_an_empty_405_gets_a_page(get):
    middleware = MethodNotAllowedPage(lambda request: HttpResponseNotAllowed(["POST"]))
    response = middleware(get())
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert "这个地址不能直接打开" in response.content.decode()


def test_the_gallery_draws_every_part_and_is_hidden_in_production(get, settings):
    html = views.gallery(get("/gallery/?sector=edu&order=unit")).content.decode()
    for word in ("未能观测", "逾期 3 天", "还没有记录", "行业：教育", "中文.中国", "他人已修改"):
        assert word in html
    assert 'aria-sort="ascending"' in html
    settings.ENVIRONMENT = "production"
    with pytest.raises(Http404):
        views.gallery(get("/gallery/"))


def test_no_page_of_the_frame_needs_inline_code(get):
    html = views.gallery(get()).content.decode()
    for name in ("accounts/lockout.html", "404.html", "500.html"):
        html += render_to_string(name, {})
    assert not re.search(r"<[^>]*\sstyle=", html)
    assert not re.search(r"<[^>]*\son[a-z]+=", html)
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert "<style" not in html


def test_ids_of_the_gallery_are_unique_and_labels_lead_somewhere(get):
    html = views.gallery(get()).content.decode()
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    pointed = re.findall(r'\s(?:for|aria-labelledby)="([^"]+)"', html)
    pointed += " ".join(re.findall(r'\saria-describedby="([^"]+)"', html)).split()
    assert set(pointed) <= set(ids)


ENTRIES = (
    nav.Entry("登录", "accounts:login"),
    nav.Entry("审计", "accounts:password_change", "audit.read"),
)


def test_nav_shows_what_the_user_can_and_marks_where_she_is(get):
    request = get("/accounts/login/more/")
    assert nav.build(request, ENTRIES) == []
    request.user = SimpleNamespace(is_authenticated=True, can=lambda power: False)
    (only,) = nav.build(request, ENTRIES)
    assert (only.label, only.active) == ("登录", True)
    request.user = SimpleNamespace(is_authenticated=True, can=lambda power: power == "audit.read")
    assert [(e.label, e.active) for e in nav.build(request, ENTRIES)] == [
        ("登录", True),
        ("审计", False),
    ]


def test_the_root_is_active_only_on_itself():
    assert nav._at_or_below("/", "/")
    assert not nav._at_or_below("/findings/", "/")
    assert nav._at_or_below("/findings/7/", "/findings/")
