"""The people of a unit or an office, and one who leaves."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from audit.models import AuditEvent
from inbox.actions import tell_person
from inbox.models import HandOver, Message
from inventory.models import ImportBatch
from rectification.models import Notice
from tests.rectification.case import drafted, served
from tests.world import make_user

pytestmark = pytest.mark.django_db


def as_(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def leave(client, user, **form):
    return client.post(reverse("dashboards:leave", args=[user.pk]), form)


def people_of(unit):
    return reverse("dashboards:unit_people", args=[unit.pk])


def test_a_successor_gets_what_waited_and_the_leaver_is_out_at_once(world):
    notice = served(world)
    Message.objects.all().delete()
    theirs = as_(world.filler)
    other = make_user("other", Role.FILLER, world.unit_a)
    tell_person(world.filler, title="请补正", body="第三题", url="/x/")
    for user in (world.filler, other):
        tell_person(user, title="两人都有", url="/y/")
    signer = as_(world.signer)
    page = signer.get(reverse("dashboards:leave", args=[world.filler.pk])).content.decode()
    assert "未读消息 2 条" in page
    assert notice.number in page
    assert "请补正" not in page
    leave(signer, world.filler, successor=str(other.pk), reason="调离")
    assert not User.objects.get(pk=world.filler.pk).is_active
    assert theirs.get(reverse("inbox:list")).status_code == 302
    titles = set(Message.objects.filter(recipient=other).values_list("title", flat=True))
    assert titles == {"请补正", "两人都有", "工作交接：filler的工作由您接替"}
    assert Message.objects.filter(recipient=other, title="两人都有").count() == 1
    sheet = HandOver.objects.get()
    assert (sheet.giver, sheet.taker, sheet.by) == (world.filler, other, world.signer)
    assert {line.kind for line in sheet.lines.all()} == {"work", "message"}
    event = AuditEvent.objects.get(action="account.hand_over")
    assert event.details["taker"] == other.label
    url = reverse("dashboards:handover", args=[sheet.pk])
    for who in (other, world.signer, world.officer):
        assert "请补正" in as_(who).get(url).content.decode()
    for who in (world.filler_b, world.officer_b, world.system_admin):
        assert as_(who).get(url).status_code == 404


def test_a_new_successor_is_invited_in_the_same_act(world):
    answer = leave(as_(world.signer), world.filler, successor="new", reason="退休")
    page = answer.content.decode()
    issued = answer.context["issued"]
    assert issued.code in page
    assert "交接单" in page
    taker = User.objects.get(pk=issued.user.pk)
    assert (taker.unit, taker.roles) == (world.unit_a, {"filler"})
    assert HandOver.objects.get().taker == taker
    assert issued.code not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("form", [{"reason": "调离"}, {"successor": "new"}])
def test_successor_and_reason_are_asked_for(world, form):
    answer = leave(as_(world.signer), world.filler, **form)
    assert answer.context["form"].errors
    assert User.objects.get(pk=world.filler.pk).is_active


def test_a_colleague_of_another_place_does_not_take_over(world):
    answer = leave(as_(world.signer), world.filler, successor=str(world.filler_b.pk), reason="调离")
    assert "successor" in answer.context["form"].errors
    assert not HandOver.objects.exists()


def test_a_reader_leaves_without_a_successor(world):
    reader = make_user("reader", Role.READER, world.unit_a)
    leave(as_(world.signer), reader, reason="退休")
    assert not User.objects.get(pk=reader.pk).is_active
    assert HandOver.objects.get().taker is None


def test_the_signer_is_stopped_by_the_office_alone(world):
    second = make_user("second", Role.SIGNER, world.unit_a)
    for target in (world.signer, second):
        answer = leave(as_(world.signer), target, successor="new", reason="x")
        assert answer.status_code == 403
    answer = leave(as_(world.officer), world.signer, successor=str(second.pk), reason="调任")
    assert answer.status_code == 302
    assert not User.objects.get(pk=world.signer.pk).is_active


@pytest.mark.parametrize(
    ("by", "role", "given"),
    [
        ("signer", "reader", True),
        ("signer", "filler", True),
        ("signer", "signer", False),
        ("officer", "signer", True),
    ],
)
def test_who_invites_whom(world, by, role, given):
    before = User.objects.count()
    answer = as_(getattr(world, by)).post(people_of(world.unit_a), {"role": role})
    assert ("issued" in answer.context) == given
    assert User.objects.count() == before + given
    if given:
        user = User.objects.get(pk=answer.context["issued"].user.pk)
        assert (user.unit, user.roles) == (world.unit_a, {role})


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("signer", 200),
        ("officer", 200),
        ("filler", 403),
        ("approver", 403),
        ("filler_b", 404),
        ("officer_b", 404),
        ("system_admin", 404),
    ],
)
def test_who_sees_the_people_of_a_unit(world, who, status):
    answer = as_(getattr(world, who)).get(people_of(world.unit_a))
    assert answer.status_code == status
    if status == 200:
        assert world.filler.username in answer.content.decode()
        assert world.filler_b.username not in answer.content.decode()


def test_the_approver_hands_a_case_officers_cases_to_a_colleague(world):
    notice = drafted(world)
    colleague = make_user("colleague", Role.CASE_OFFICER, office=world.city_a)
    batch = ImportBatch.objects.create(
        by_id=world.officer.pk,
        by_label=world.officer.label,
        office=world.city_a,
        file_name="单位.xlsx",
        sha256="0" * 64,
    )
    approver = as_(world.approver)
    page = approver.get(reverse("dashboards:people")).content.decode()
    assert world.officer.username in page
    assert world.officer_b.username not in page
    leave(approver, world.officer, successor=str(colleague.pk), reason="调离")
    assert not User.objects.get(pk=world.officer.pk).is_active
    batch.refresh_from_db()
    assert batch.by_id == colleague.pk
    assert Notice.objects.get(pk=notice.pk).drafted_by == world.officer  # history keeps the name
    sheet = as_(colleague).get(reverse("dashboards:handover", args=[HandOver.objects.get().pk]))
    assert str(notice) in sheet.content.decode()
    assert "单位.xlsx" in sheet.content.decode()
    for other in (world.approver, world.officer_b, world.filler):
        assert leave(approver, other, successor="", reason="x").status_code in {403, 404}


def test_the_list_costs_the_same_for_many(world):
    client = as_(world.signer)

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(people_of(world.unit_a))
        return len(queries)

    count()
    few = count()
    for n in range(20):
        make_user(f"reader-{n}", Role.READER, world.unit_a)
    assert count() == few
