"""《远程检测授权书》: what the paper says, made once, refused where it could not be true."""

import re

import pytest
from django.urls import reverse
from pypdf import PdfReader

from inventory.models import Endpoint, Supervision
from reports.letters import issue_letter
from reports.mapping import Incomplete
from reports.models import Document
from tests.scans.conftest import declare_hosts, file_letter

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter(world):
    declare_hosts(world.system_a, "jia.gov.test")
    return file_letter(world.system_a, items="ordinary,smtp.relay")


def pdf_text(document):
    with document.file.open("rb") as file:
        pages = PdfReader(file).pages
        return re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))


def test_the_paper_names_hosts_items_dates_contact_and_how_to_stop(world, letter):
    document = issue_letter(letter, by=world.filler)
    text = pdf_text(document)
    for said in (
        letter.number,
        "甲市公安局：",
        "甲市数据管理局",
        "imap.jia.gov.test",
        "IMAP143、993",
        "☑是匿名转发测试",
        "李值班",
        "撤回授权",
        document.verification_code,
    ):
        assert said in text
    assert document.unit == world.unit_a


def test_printed_again_it_is_the_same_document(client, world, letter):
    client.force_login(world.filler)
    address = reverse("reports:authorization_letter", args=[letter.pk])
    assert client.get(address).status_code == 405
    assert Document.objects.count() == 0
    first, second = client.post(address), client.post(address)
    assert first["Content-Disposition"].startswith("attachment")
    assert first.content == second.content
    assert Document.objects.count() == 1


def test_an_item_not_ticked_is_printed_as_not_allowed(world):
    document = issue_letter(file_letter(world.system_a), by=world.filler)
    assert "☐否匿名转发测试" in pdf_text(document)


def test_a_providers_host_is_named_as_such(world, letter):
    Endpoint.objects.create(system=world.system_a, kind="mx", host="mxbiz1.qq.com")
    letter.hosts += "\nmxbiz1.qq.com"
    letter.save()
    assert "邮件服务商" in pdf_text(issue_letter(letter, by=world.filler))


def test_without_an_office_the_paper_is_refused_in_words(client, world, letter):
    Supervision.objects.filter(unit=world.unit_a).delete()
    with pytest.raises(Incomplete, match="还没有确定监管机关"):
        issue_letter(letter, by=world.filler)
    client.force_login(world.filler)
    answer = client.post(reverse("reports:authorization_letter", args=[letter.pk]))
    assert answer.url == reverse("scans:authorization_detail", args=[letter.pk])


def test_production_prints_no_letter_without_source_addresses(world, letter, settings):
    settings.PRODUCTION = True
    with pytest.raises(Incomplete, match="SCAN_SOURCE_ADDRESSES"):
        issue_letter(letter, by=world.filler)
    settings.SCAN_SOURCE_ADDRESSES = ["192.0.2.7"]
    assert "192.0.2.7" in pdf_text(issue_letter(letter, by=world.filler))


@pytest.mark.parametrize("who", ["filler_b", "officer_b", "filler_provincial", "audit_admin"])
def test_strangers_get_404(client, world, letter, who):
    client.force_login(getattr(world, who))
    assert client.post(reverse("reports:authorization_letter", args=[letter.pk])).status_code == 404
