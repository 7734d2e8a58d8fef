"""What somebody else set up in an account before its owner came in opens it no longer."""

import io
from urllib.parse import urlencode

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from accounts.models import Grant, UnifiedIdentity
from accounts.unified import Provider
from audit.models import AuditEvent
from tests.accounts.test_join import OWN, take_up
from tests.accounts.test_unified import configured, consent, logged_in, person, provider, through

__all__ = ["configured", "provider"]
pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
def admin(client, world):
    client.force_login(world.system_admin)
    return client


def code_for(admin, user):
    page = admin.post(reverse("accounts:password_reset", args=[user.pk]))
    return page.context["issued"].code


def bind(client, password, subject):
    begun = client.post(reverse("accounts:unified_link"), {"unified-password": password})
    return client.get(consent(client.get(begun.url).url, subject), follow=True)


def test_an_identity_bound_before_a_reset_opens_the_account_no_longer(admin, world, provider):
    """The administrator comes in with the code of a first reset and binds an identity; the code of
    the second one goes to the leader, to whom the role is then confirmed."""
    person(provider, "xitong")
    theirs = Client()
    take_up(theirs, code_for(admin, world.signer))
    bind(theirs, OWN, "xitong")
    assert UnifiedIdentity.objects.get().user == world.signer

    take_up(
        Client(),
        code_for(admin, world.signer),
        new_password1="Kw2-pond-larch-58",
        new_password2="Kw2-pond-larch-58",
    )
    grant = Grant.objects.get(status=Grant.Status.REQUESTED)
    security = Client()
    security.force_login(world.security_admin)
    security.post(reverse("accounts:grant", args=[grant.pk]), {"action": "confirm"})
    assert Grant.objects.get(pk=grant.pk).status == Grant.Status.CONFIRMED

    intruder = Client()
    through(intruder, "xitong")
    assert not logged_in(intruder)
    event = AuditEvent.objects.get(action="account.unified_unlink")
    assert (event.object_id, event.actor_id) == (str(world.signer.pk), world.system_admin.pk)


def test_an_identity_is_not_bound_by_a_log_in_that_a_reset_ended_meanwhile(
    admin, world, provider, monkeypatch
):
    """The provider takes its time; whoever waits for it may be reset while they wait."""
    person(provider, "xitong")
    theirs = Client()
    take_up(theirs, code_for(admin, world.signer))
    asked = Provider.identify

    def slow(self, **told):
        code_for(admin, world.signer)
        return asked(self, **told)

    monkeypatch.setattr(Provider, "identify", slow)
    assert "这次登录已经结束" in bind_as_far_as_it_goes(theirs, OWN, "xitong")
    assert not UnifiedIdentity.objects.exists()


def bind_as_far_as_it_goes(client, password, subject):
    begun = client.post(reverse("accounts:unified_link"), {"unified-password": password})
    back = client.get(consent(client.get(begun.url).url, subject))
    return "".join(str(m) for m in get_messages(back.wsgi_request))


class Late(io.BytesIO):
    """A body that somebody holds back until something else has happened."""

    def __init__(self, body, meanwhile):
        super().__init__(body)
        self.meanwhile = meanwhile

    def read(self, *args):
        act, self.meanwhile = self.meanwhile, lambda: None
        act()
        return super().read(*args)


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", MULTIPART_CONTENT])
def test_a_form_held_back_until_its_sender_was_stopped_does_nothing(admin, world, form):
    """Whoever came in with the code of a first reset sends the head of a change of the password,
    and the rest of it when the owner has come in and chosen theirs."""
    theirs = Client()
    take_up(theirs, code_for(admin, world.signer))
    owners = "Kw2-pond-larch-58"
    fields = {"old_password": OWN, "new_password1": "Zq9-fern-cobalt-77"}
    fields["new_password2"] = fields["new_password1"]
    body = encode_multipart(BOUNDARY, fields) if form == MULTIPART_CONTENT else urlencode(fields)
    body = body if isinstance(body, bytes) else body.encode()

    def owner_comes_in():
        code = code_for(admin, world.signer)
        take_up(Client(), code, new_password1=owners, new_password2=owners)

    answer = theirs.generic(
        "POST",
        reverse("accounts:password_change"),
        body,
        content_type=form,
        **{"wsgi.input": Late(body, owner_comes_in)},
    )
    assert answer.url.startswith(reverse("accounts:login"))
    world.signer.refresh_from_db()
    assert world.signer.check_password(owners)
