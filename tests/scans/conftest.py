"""The outside view against the real practice range: real sockets, a real database."""

import datetime as dt

import pytest
from django.core.files.base import ContentFile

from emailsec.lib.workdays import today
from inventory.models import Endpoint, MailDomain
from practice import start_range
from scans.models import Authorization
from tests.files import PDF, PDF_SHA256

CAST = {
    "jia.gov.test": "weak-start",
    "yi.edu.test": "exemplary",
    "shengzhi.gov.test": "tarpit",
    "open-relay.test": "open-relay",
    "silent.test": "silent",
    "control.test": "exemplary",
}


@pytest.fixture(scope="session")
def range_(tmp_path_factory):
    with start_range(tmp_path_factory.mktemp("range"), cast=CAST) as practice:
        yield practice


@pytest.fixture
def practice(range_, settings):
    """The range as the portal finds it; every posture as in CAST again afterwards."""
    settings.PRACTICE_RANGE_FILE = str(range_.state / "range.json")
    range_.reset_stats()
    yield range_
    for domain, posture in CAST.items():
        range_.set_posture(domain, posture)


def file_letter(system, *, hosts=None, items="ordinary", days=90, starts=0, **more):
    """A filed letter that names the system's domains and declared hosts."""
    named = [d.name for d in MailDomain.objects.filter(system=system)]
    named += [e.host for e in Endpoint.objects.filter(system=system)]
    letter = Authorization(
        system=system,
        status="filed",
        hosts="\n".join(hosts if hosts is not None else named),
        items=items,
        valid_from=today() + dt.timedelta(days=starts),
        valid_to=today() + dt.timedelta(days=days),
        signed_by="张局长",
        contact_name="李值班",
        contact_phone="13900000001",
        scan_name="授权书.pdf",
        scan_sha256=PDF_SHA256,
        filed_at=dt.datetime.now(dt.UTC),
        **more,
    )
    letter.scan.save("letter.pdf", ContentFile(PDF), save=False)
    letter.save()
    return letter


def declare_hosts(system, domain):
    """The endpoints that the practice range serves for a domain."""
    for kind, host in [
        ("mx", f"mx.{domain}"),
        ("submission", f"smtp.{domain}"),
        ("imap", f"imap.{domain}"),
        ("pop3", f"pop.{domain}"),
        ("webmail", f"mail.{domain}"),
    ]:
        Endpoint.objects.create(system=system, kind=kind, host=host)
