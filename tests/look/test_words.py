"""Dates, deadlines and names as the reader meets them."""

import datetime as dt

import pytest

from emailsec.lib.words import cn_date, cn_datetime, cn_time, due_words, u_label

UTC = dt.UTC


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (dt.date(2026, 11, 24), "2026年11月24日（周二）"),
        (dt.date(2026, 1, 4), "2026年1月4日（周日）"),
        # 16:30 UTC is half past midnight of the next day in Shanghai
        (dt.datetime(2026, 11, 23, 16, 30, tzinfo=UTC), "2026年11月24日（周二）"),
        (None, "—"),
        ("", "—"),
    ],
)
def test_cn_date(value, text):
    assert cn_date(value) == text


def test_moments_are_shown_in_local_time():
    moment = dt.datetime(2026, 11, 24, 6, 32, 5, tzinfo=UTC)
    assert cn_datetime(moment) == "2026年11月24日 14:32"
    assert cn_time(moment) == "14:32:05"
    assert cn_datetime(None) == cn_time(None) == "—"


@pytest.mark.parametrize(
    ("days", "words", "tone"),
    [
        (-120, "逾期 120 天", "over"),
        (-1, "逾期 1 天", "over"),
        (0, "今天到期", "today"),
        (1, "还剩 1 天", "soon"),
        (7, "还剩 7 天", "soon"),
        (8, "还剩 8 天", "far"),
    ],
)
def test_due_words(days, words, tone):
    today = dt.date(2026, 11, 24)
    assert due_words(today + dt.timedelta(days=days), today) == (words, tone)


def test_a_deadline_lasts_until_the_local_midnight(time_machine):
    deadline = dt.date(2026, 11, 24)
    time_machine.move_to(dt.datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC), tick=False)
    assert due_words(deadline) == ("今天到期", "today")
    time_machine.move_to(dt.datetime(2026, 11, 24, 16, 0, 0, tzinfo=UTC), tick=False)
    assert due_words(deadline) == ("逾期 1 天", "over")


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        ("jia.gov.test", "jia.gov.test"),
        ("xn--fiq228c.xn--fiqs8s", "中文.中国"),
        ("mail.XN--FIQ228C.test", "mail.中文.test"),
        ("xn--zzzzzz---.test", "xn--zzzzzz---.test"),  # no valid A-label: shown as recorded
        ("", ""),
    ],
)
def test_u_label(domain, text):
    assert u_label(domain) == text
