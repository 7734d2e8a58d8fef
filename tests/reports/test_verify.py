"""The public page: what a stranger who holds a paper learns, and what not."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from rectification.models import Notice
from reports.models import Document
from reports.register import ALPHABET, new_verification, normal_code
from reports.views.verify import LIMIT
from tests.files import PDF

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(world):
    notice = Notice.objects.create(
        office=world.city_a,
        unit=world.unit_a,
        status="approved",
        number="甲公网安限字〔2026〕第1号",
        deadline=timezone.localdate(),
        drafted_by=world.officer,
    )
    import hashlib

    return Document.objects.create(
        kind="notice",
        unit=world.unit_a,
        notice=notice,
        title="甲市公安局限期整改通知书",
        number=notice.number,
        issuer="甲市公安局",
        issued_on=timezone.localdate(),
        verification_code="7F3K-92QM-4TXB",
        file=ContentFile(PDF, name="x.pdf"),
        sha256=hashlib.sha256(PDF).hexdigest(),
        pages=3,
    )


def ask(client, code):
    return client.get(reverse("reports:verify", args=[code]))


def test_anyone_may_verify_without_logging_in(client, document, world):
    answer = ask(client, "7F3K-92QM-4TXB")
    assert answer.status_code == 200
    for words in (
        "本平台登记有此文书",
        "限期整改通知书",
        document.number,
        "甲市公安局",
        document.sha256,
    ):
        assert words in answer.text
    assert world.unit_a.name not in answer.text
    assert document.file.name not in answer.text
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("typed", ["7f3k92qm4txb", " 7F3K 92QM 4TXB ", "7F3K－92QM－4TXB"])
def test_a_code_may_be_typed_as_people_type(client, document, typed):
    answer = client.post(reverse("reports:verify_form"), {"code": typed}, follow=True)
    assert "本平台登记有此文书" in answer.text


def test_an_unknown_code_is_said_to_be_unknown(client, document):
    answer = ask(client, "AAAA-BBBB-CCCC")
    assert answer.status_code == 404
    assert "没有登记验证码" in answer.text


def test_a_void_notice_is_said_to_be_void(client, document):
    Notice.objects.update(status="void")
    assert "已经作废" in ask(client, document.verification_code).text


@pytest.mark.parametrize(("content", "words"), [(PDF, "完全一致"), (PDF + b"!", "不一致")])
def test_a_file_is_compared_and_not_kept(client, document, content, words, settings):
    stored = set(document.file.storage.listdir(".")[1])
    answer = client.post(
        reverse("reports:verify_form"),
        {"code": document.verification_code, "file": SimpleUploadedFile("通知.pdf", content)},
    )
    assert answer.status_code == 200
    assert words in answer.text
    assert set(document.file.storage.listdir(".")[1]) == stored


def test_an_empty_form_says_what_is_missing(client):
    answer = client.post(reverse("reports:verify_form"), {})
    assert answer.status_code == 422
    assert "请填写文书上的验证码" in answer.text
    assert client.get(reverse("reports:verify_form")).status_code == 200
    assert client.put(reverse("reports:verify_form")).status_code == 405


def test_guessing_is_slowed_down(client, document):
    for _ in range(LIMIT):
        assert ask(client, document.verification_code).status_code == 200
    assert ask(client, document.verification_code).status_code == 429
    assert "过于频繁" in ask(client, document.verification_code).text


def test_codes_are_long_readable_and_never_alike():
    codes = {new_verification().code for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert len(code) == 14
        assert set(code) <= set(ALPHABET) | {"-"}
        assert normal_code(code.lower().replace("-", "")) == code
