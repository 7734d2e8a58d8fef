"""The template tags: shape and word in every state, addresses of lists, charts."""

import datetime as dt
import re

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError, engines
from django.test import RequestFactory

from emailsec.lib.marks import SEVERITIES, SHAPES, STATES, VERDICTS


def render(source, path="/list/", **context):
    request = RequestFactory().get(path)
    return Template("{% load portal %}" + source).render(Context({"request": request, **context}))


@pytest.mark.parametrize(
    ("level", "word"),
    [("high", "高"), ("medium", "中"), ("low", "低"), ("高", "高"), ("", "未定"), (None, "未定")],
)
def test_severity_has_word_and_shape(level, word):
    html = render("{% severity level %}", level=level)
    assert f"{word}</span>" in html
    assert '<svg class="shape"' in html


def test_an_unknown_severity_is_a_bug_not_a_colour():
    with pytest.raises(KeyError):
        render("{% severity 'critical' %}")


def test_severities_and_verdicts_differ_in_shape_not_only_in_colour():
    for table in (SEVERITIES, VERDICTS):
        shapes = [shape for _, shape, _ in table.values()]
        assert len(set(shapes)) == len(shapes)
        assert set(shapes) <= set(SHAPES)


def test_not_observed_is_never_green_and_never_red():
    assert VERDICTS["unknown"][2] == "unknown"
    assert "tone-unknown" in render("{% verdict 'unknown' %}")
    assert "未能观测" in render("{% verdict None %}")


def test_every_state_has_a_known_shape_and_green_means_closed():
    assert {shape for shape, _ in STATES.values()} <= set(SHAPES)
    green = {slug for slug, (_, tone) in STATES.items() if tone == "green"}
    assert green == {"accepted", "closed", "finished", "done"}


def test_state_escapes_its_label_and_survives_a_new_slug():
    html = render("{% state slug label %}", slug="brand_new", label="<b>新</b>")
    assert "&lt;b&gt;新&lt;/b&gt;" in html
    assert "tone-grey" in html


def test_due_carries_its_tone(time_machine):
    time_machine.move_to(dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC), tick=False)
    html = render("{{ day|due }}", day=dt.date(2026, 11, 21))
    assert 'class="due due-over"' in html
    assert "逾期 3 天" in html
    assert render("{{ day|due }}", day=None) == ""


def test_progress_tells_figures_and_bears_an_empty_total():
    html = render("{% progress 12 40 '自查进度' %}")
    assert 'value="12" max="40" aria-label="自查进度"' in html
    assert "<b data-done>12</b>/<span data-total>40</span>" in html
    assert "30</span>%" in html
    assert 'max="1"' in render("{% progress 0 0 %}")


def test_progress_never_rounds_up_to_done():
    assert "99</span>%" in render("{% progress 999 1000 %}")


def test_icon_is_hidden_unless_it_stands_alone():
    assert 'aria-hidden="true"' in render("{% icon 'inbox' %}")
    assert 'role="img" aria-label="去掉"' in render("{% icon 'x-lg' '去掉' %}")


def test_every_icon_that_a_template_names_exists(settings):
    sprite = (settings.BASE_DIR / "static" / "img" / "icons.svg").read_text()
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = set()
    for folder in engines["django"].template_dirs:
        for file in folder.rglob("*.html"):
            if ".venv" not in file.parts and folder.is_relative_to(settings.BASE_DIR):
                named |= set(re.findall(r'{% icon "([^"]+)"', file.read_text()))
    assert len(named) > 10
    assert named <= known


def test_page_query_keeps_the_rest_and_removes_empties():
    source = "{% page_query page=2 %} {% page_query sector=None %} {% page_query sector='a&b' %}"
    html = render(source, path="/list/?sector=edu&tag=a&tag=b&page=9")
    one, two, three = html.split(" ")
    assert one == "?sector=edu&amp;tag=a&amp;tag=b&amp;page=2"
    assert two == "?tag=a&amp;tag=b&amp;page=9"
    assert "sector=a%26b" in three


@pytest.mark.parametrize(
    ("path", "aria", "leads_to"),
    [
        ("/l/", "none", "order=unit"),
        ("/l/?order=unit&page=3", "ascending", "order=-unit"),
        ("/l/?order=-unit", "descending", "order=unit"),
    ],
)
def test_sort_link_turns_the_order_and_starts_at_page_one(path, aria, leads_to):
    html = render("{% sort_link 'unit' as s %}{{ s.aria }} {{ s.url }}", path=path)
    assert html == f"{aria} ?{leads_to}"


def test_sort_link_knows_the_default_order():
    assert render("{% sort_link 'due' '-due' as s %}{{ s.aria }}") == "descending"


class _Filter(forms.Form):
    q = forms.CharField(label="名称", required=False)
    sector = forms.MultipleChoiceField(
        label="行业", choices=[("edu", "教育"), ("energy", "能源")], required=False
    )


def test_filter_chips_name_what_is_in_force_and_lead_to_the_list_without_it():
    request = RequestFactory().get("/l/?q=&sector=edu&sector=energy&page=4")
    html = Template(
        "{% load portal %}{% filter_chips form as chips %}"
        "{% for c in chips %}[{{ c.label }}:{{ c.text }}:{{ c.url }}]{% endfor %}"
    ).render(Context({"request": request, "form": _Filter(request.GET)}))
    assert html == "[行业:教育:?q=&amp;sector=energy][行业:能源:?q=&amp;sector=edu]"


def test_bars_are_zero_based_and_leave_room_for_their_number():
    rows = [{"label": "a", "value": 50}, {"label": "b", "value": 0}, {"label": "c", "value": 100}]
    html = render("{% bars rows as d %}{% for r in d %}{{ r.width }} {% endfor %}", rows=rows)
    assert html.split() == ["42.00", "0.00", "84.00"]
    html = render("{% bars rows 200 as d %}{% for r in d %}{{ r.width }} {% endfor %}", rows=rows)
    assert html.split() == ["21.00", "0.00", "42.00"]
    assert render("{% bars rows as d %}{{ d|length }}", rows=[]) == "0"


def test_the_chart_shows_the_same_figures_as_its_table():
    rows = [{"label": "甲市", "value": 1234, "url": "/a/"}, {"label": "乙市", "value": 7}]
    html = render("{% include 'components/_bar_chart.html' with title='甲市最多' %}", rows=rows)
    drawn = re.findall(r"<text[^>]*>([^<]+)</text>", html)
    listed = re.findall(r'<td class="num">([^<]+)</td>', html)
    assert drawn == listed == ["1,234", "7"]
    assert "style=" not in html


def test_pager_shows_the_count_on_a_single_page_and_a_gap_on_many():
    one = render("{% include 'components/_pager.html' %}", page=Paginator(range(3), 20).page(1))
    assert "共 3 条" in one
    assert "<ul>" not in one
    many = render(
        "{% include 'components/_pager.html' %}",
        path="/l/?sector=edu",
        page=Paginator(range(312), 20).page(8),
    )
    assert "共 312 条，第 8/16 页" in many
    assert 'href="?sector=edu&amp;page=9" rel="next"' in many
    assert many.count("<span>…</span>") == 2


def test_repeat_block_prints_the_block_of_the_page_twice():
    base = Template(
        "{% load portal %}<title>{% block title %}空{% endblock %}</title>"
        "<h1>{% repeat_block title %}</h1>"
    )
    page = Template("{% extends base %}{% block title %}问题 {{ n }}{% endblock %}")
    html = page.render(Context({"base": base, "n": 12}))
    assert html == "<title>问题 12</title><h1>问题 12</h1>"


def test_repeat_block_wants_one_name():
    with pytest.raises(TemplateSyntaxError):
        Template("{% load portal %}{% repeat_block %}")


def test_key_choices_are_a_labelled_radio_group():
    html = render(
        "{% include 'components/_key_choices.html' with name='a' legend='已加密？' value='no' %}",
        choices=[("yes", "是"), ("partial", "部分"), ("no", "否"), ("na", "不适用")],
    )
    assert html.count('type="radio"') == 4
    assert re.search(r'value="no" checked', html)
    assert html.count(" checked") == 1
    assert "<legend" in html
    assert "已加密？" in html


def test_figures_are_grouped():
    assert render("{{ n|figure }}", n=1234567) == "1,234,567"
