"""A person's own messages, and the count in the frame of every page."""

import pytest
from django.urls import reverse

from accounts.roles import Role
from inbox.actions import tell_office, tell_unit
from inbox.models import Message

pytestmark = pytest.mark.django_db
LIST = "inbox:list"


def test_an_empty_inbox_says_so(client, world):
    client.force_login(world.filler)
    assert "现在没有消息" in client.get(reverse(LIST)).content.decode()


def test_messages_reach_the_people_of_a_place_and_nobody_else(client, world):
    assert tell_unit(world.unit_a, title="请填报", roles=(Role.FILLER,)) == 1
    assert tell_office(world.city_a, title="有单位报送") == 3
    assert tell_office(None, title="x") == 0
    client.force_login(world.filler)
    page = client.get(reverse(LIST)).content.decode()
    assert "请填报" in page
    assert "有单位报送" not in page
    assert '>1<span class="visually-hidden"> 条未读' in page
    client.force_login(world.signer)
    assert "请填报" not in client.get(reverse(LIST)).content.decode()


def test_reading_marks_and_leads_on(client, world):
    target = reverse("inventory:unit_detail", args=[world.unit_a.pk])
    tell_unit(world.unit_a, title="请填报", url=target, roles=(Role.FILLER,))
    message = Message.objects.get()
    client.force_login(world.filler)
    url = reverse("inbox:read", args=[message.pk])
    assert client.get(url).status_code == 405
    assert client.post(url).url == target
    message.refresh_from_db()
    first = message.read_at
    assert first is not None
    client.post(url)
    message.refresh_from_db()
    assert message.read_at == first  # the first reading counts
    assert "条未读" not in client.get(reverse(LIST)).content.decode()


def test_a_message_never_leads_off_the_portal(client, world):
    tell_unit(world.unit_a, title="x", url="//evil.test/", roles=(Role.FILLER,))
    client.force_login(world.filler)
    url = reverse("inbox:read", args=[Message.objects.get().pk])
    assert client.post(f"{url}?page=2").url == f"{reverse(LIST)}?page=2"


def test_a_foreign_message_is_not_found(client, world):
    tell_unit(world.unit_b, title="x")
    client.force_login(world.filler)
    message = Message.objects.get()
    assert client.post(reverse("inbox:read", args=[message.pk])).status_code == 404
    message.refresh_from_db()
    assert message.read_at is None


def test_all_at_once_but_not_what_came_after_the_page(client, world):
    for n in range(3):
        tell_unit(world.unit_a, title=f"第{n}条")
    client.force_login(world.filler)
    page = client.get(reverse(LIST))
    upto = page.context["newest"]
    assert f'name="upto" value="{upto}"' in page.content.decode()
    tell_unit(world.unit_a, title="刚到的一条", roles=(Role.FILLER,))
    done = client.post(reverse("inbox:read_all"), {"upto": upto}, follow=True)
    assert "3 条消息已标为已读" in done.content.decode()
    left = Message.objects.visible_to(world.filler).unread()
    assert [m.title for m in left] == ["刚到的一条"]
    assert Message.objects.visible_to(world.signer).unread().count() == 3


@pytest.mark.parametrize("upto", ["", "x", "-1", "９", "9" * 30])
def test_a_forged_end_marks_nothing(client, world, upto):
    tell_unit(world.unit_a, title="一条")
    client.force_login(world.filler)
    client.post(reverse("inbox:read_all"), {"upto": upto})
    assert Message.objects.visible_to(world.filler).unread().count() == 1


def test_the_list_is_paged_and_asks_a_fixed_number_of_times(
    client, world, django_assert_num_queries, django_assert_max_num_queries
):
    client.force_login(world.filler)
    for n in range(3):
        tell_unit(world.unit_a, title=f"第{n}条", roles=(Role.FILLER,))
    with django_assert_max_num_queries(12) as few:
        client.get(reverse(LIST))
    for n in range(3, 40):
        tell_unit(world.unit_a, title=f"第{n}条", roles=(Role.FILLER,))
    with django_assert_num_queries(len(few)):
        page = client.get(reverse(LIST)).context["page"]
    assert (len(page), page.paginator.count) == (30, 40)
    assert page[0].title == "第39条"


@pytest.mark.parametrize("name", ["list", "read_all"])
def test_anonymous_people_have_no_inbox(client, db, name):
    response = client.get(reverse(f"inbox:{name}"))
    assert response.status_code == 302
