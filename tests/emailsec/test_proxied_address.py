"""Whose address the audit trail names when a reverse proxy stands in front."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from tests.world import PASSWORD

PROXY = "172.18.0.1"
CALLER = "203.0.113.7"


@pytest.mark.parametrize(
    ("behind", "forwarded", "noted"),
    [
        (True, CALLER, CALLER),
        (True, f"198.51.100.66, {CALLER}", CALLER),
        (True, "2001:db8::7", "2001:db8::7"),
        (True, "", PROXY),
        (True, f"{CALLER}, unknown", PROXY),
        (False, CALLER, PROXY),
    ],
)
def test_only_the_proxy_s_own_word_counts(client, world, settings, behind, forwarded, noted):
    settings.BEHIND_PROXY = behind
    client.post(
        reverse("accounts:login"),
        {"username": world.filler.username, "password": PASSWORD},
        REMOTE_ADDR=PROXY,
        HTTP_X_FORWARDED_FOR=forwarded,
    )
    assert AuditEvent.objects.latest("pk").address == noted
