"""Names of files and files that come twice."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from assessments.models import Evidence
from emailsec.lib.uploads import NAME_LENGTH, clean_name
from tests.assessments.test_pages import as_, unit_sheet
from tests.files import PDF
from tests.filled import complete_inventory, open_selfcheck

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload(world):
    complete_inventory(world.unit_a)
    sheet = unit_sheet(open_selfcheck(world.unit_a, world.city_a))
    client = as_(world.filler)

    def send(*files, item="U-201", accept="application/json"):
        url = reverse("assessments:evidence_upload", args=[sheet.pk, item])
        sent = [SimpleUploadedFile(name, content) for name, content in files]
        return client.post(url, {"file": sent}, headers={"Accept": accept})

    return send


@pytest.mark.parametrize(
    "name", ["<script>alert(1).pdf", "a&b “引号”.pdf", "佐证 (最终版)!.pdf", "长" * 100 + ".pdf"]
)
def test_a_name_is_kept_and_shown_harmlessly(upload, name):
    response = upload((name, PDF))
    assert response.status_code == 200
    assert Evidence.objects.get().name == name
    assert "<script>" not in response.json()["html"]


def test_a_long_name_is_shortened_in_its_middle(upload):
    name = "开头" + "a" * 200 + "结尾.pdf"
    upload((name, PDF))
    kept = Evidence.objects.get().name
    assert len(kept) == NAME_LENGTH
    assert kept.startswith("开头")
    assert kept.endswith("结尾.pdf")
    assert "…" in kept
    assert clean_name(kept) == kept


def test_a_name_that_cannot_be_read_at_all_is_told_in_chinese(world):
    """400 Chinese characters exceed what Django reads of a part's headers."""
    complete_inventory(world.unit_a)
    sheet = unit_sheet(open_selfcheck(world.unit_a, world.city_a))
    url = reverse("assessments:evidence_upload", args=[sheet.pk, "U-201"])
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="'
        + ("长" * 400).encode()
        + b'.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
        + PDF
        + b"\r\n--x--\r\n"
    )
    response = as_(world.filler).post(
        url,
        body,
        content_type="multipart/form-data; boundary=x",
        headers={"Accept": "application/json"},
    )
    assert response.status_code == 400
    assert "文件名过长" in response.json()["error"]


def test_the_same_content_is_kept_once_at_an_item(upload):
    upload(("责任书.pdf", PDF))
    again = upload(("责任书(1).pdf", PDF))
    assert again.status_code == 422
    assert again.json()["error"] == (
        "“责任书(1).pdf”没有上传：本题已有内容相同的文件“责任书.pdf”，不必重复上传。"
    )
    assert upload(("责任书.pdf", PDF), item="U-202").status_code == 200  # another item may have it
    assert Evidence.objects.count() == 2


def test_one_bad_file_does_not_hold_up_the_others(upload):
    response = upload(("坏.exe", b"MZ"), ("好.pdf", PDF), accept="text/html")
    assert response.status_code == 302
    assert Evidence.objects.get().name == "好.pdf"
    assert response.url.endswith("#item-U-201")
