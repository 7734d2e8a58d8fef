"""The demonstration: everybody whom a case needs is there, and nothing in it is nonsense."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from assessments.models import Answer, SelfCheck
from audit.models import AuditEvent
from emailsec.demo.accounts import table
from emailsec.demo.cases import seen_days_ago
from emailsec.demo.clock import days_ago
from emailsec.demo.people import cast
from emailsec.lib.workdays import today
from inbox.actions import tell_unit
from inbox.models import Message
from inventory.models import Contact, Office, Unit
from rectification.models import Finding, Notice
from reports.models import Document
from tests.reports.case import look

CHAIN = {"case_officer", "checker", "approver"}


def test_the_table_of_accounts_can_be_read_at_a_glance():
    lines = table(cast()).splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 90
    library = next(line for line in lines if "图书馆" in line)
    assert "tushuguan-tianbao" in library
    assert "tushuguan-shenqian" in library
    assert "有一份逾期的整改通知" in library


def test_the_clock_is_set_back_and_runs_again():
    with days_ago(30):
        then = today()
        assert then.weekday() < 5
    assert dt.timedelta(days=30) <= today() - then <= dt.timedelta(days=32)


@pytest.mark.slow
@pytest.mark.django_db
def test_the_demonstration_makes_sense(settings):
    settings.PRACTICE_RANGE_FILE = ""  # nothing is looked at: the cases do not need it
    call_command("demo", verbosity=0)
    _everybody_is_there()
    _numbers_are_plausible()
    _dates_follow_each_other()


def _everybody_is_there():
    printed = table(cast())
    for user in User.objects.all():
        assert user.username in printed
        assert user.check_password(cast()["password"])
    for office in Office.objects.filter(kind="police"):
        roles = {role for u in User.objects.all() if u.office == office for role in u.roles}
        assert roles == CHAIN, office
    for unit in Unit.objects.all():
        roles = {role for u in User.objects.all() if u.unit == unit for role in u.roles}
        assert roles == {"filler", "signer"}, unit


def _numbers_are_plausible():
    for unit in Unit.objects.select_related("region"):
        place = unit.name[:2]  # 甲市, 乙市, 丙省
        assert place in unit.competent_department, unit
    phones = [p for c in Contact.objects.all() for p in (c.office_phone, c.mobile) if p]
    assert len(phones) == len(set(phones))
    counted = {}
    for a in Answer.objects.filter(item__in=["U-207", "U-209"], value__regex=r"^\d+$"):
        counted.setdefault((a.sheet_id, a.item), {})[a.field] = int(a.value)
    assert counted
    for (_, item), numbers in counted.items():
        part = numbers.get("trained" if item == "U-207" else "signed", 0)
        assert 0 < part <= numbers.get("users", part), (item, numbers)
        assert numbers.get("users", 300) > 100


def _dates_follow_each_other():
    now, day = timezone.now(), today()
    published = SelfCheck.objects.first().campaign.changes.get(action="publish").at
    assert not AuditEvent.objects.filter(at__gt=now).exists()
    assert not SelfCheck.objects.filter(submitted_on__lt=published.date()).exists()
    assert not Finding.objects.filter(confirmed_at__lt=published).exists()
    notices = list(Notice.objects.select_related("unit"))
    assert len(notices) == 3
    for notice in notices:
        checked = SelfCheck.objects.get(unit=notice.unit)
        assert checked.submitted_on <= checked.concluded_on <= notice.approved_on
        assert notice.approved_on < notice.deadline
        paper = Document.objects.get(notice=notice, kind="notice")
        assert paper.issued_on == notice.approved_on == paper.made_at.date()
    overdue = [n.unit.name for n in notices if n.is_overdue]
    assert overdue == ["甲市图书馆"]
    in_order = sorted(notices, key=lambda n: n.sequence)
    assert [n.approved_on for n in in_order] == sorted(n.approved_on for n in notices)
    assert not Finding.objects.filter(closed_on__gt=day).exists()
    told = [m.at for m in Message.objects.exclude(title__contains="授权").order_by("pk")]
    assert [at.date() for at in told] == sorted(at.date() for at in told)


@pytest.mark.django_db
def test_the_messages_of_a_look_carry_its_date(world):
    page = reverse("scans:system_view", args=[world.system_a.pk])
    for url, title in ((page, "探测完成"), ("/", "别的")):
        tell_unit(world.unit_a, title=title, url=url)
    wave = look(world.system_a, [])
    seen_days_ago(world.unit_a, 5)
    wave.refresh_from_db()
    told = dict(Message.objects.values_list("title", "at"))
    assert told["探测完成"].date() == wave.finished_at.date() < told["别的"].date()
