"""How files leave the portal."""

import ast
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from assessments.models import Evidence, Sheet
from audit.models import AuditEvent
from tests.files import PDF, pdf
from tests.filled import add_file, open_selfcheck
from tests.scans.conftest import file_letter

ROOT = Path(__file__).resolve().parents[2]
ROOMS = "accounts assessments audit dashboards emailsec inbox inventory rectification reports scans"
MAKERS = {"FileResponse", "StreamingHttpResponse", "content_disposition_header"}


def _makes_files(source: str) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in MAKERS)
        or (isinstance(node, ast.Constant) and node.value == "Content-Disposition")
        for node in ast.walk(ast.parse(source))
    )


def test_files_leave_by_one_door_only():
    found = {
        str(path.relative_to(ROOT))
        for room in ROOMS.split()
        for path in (ROOT / room).rglob("*.py")
        if _makes_files(path.read_text(encoding="utf-8"))
    }
    assert found == {"audit/downloads.py"}


@pytest.fixture
def evidence(world) -> Evidence:
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    return add_file(Sheet.objects.filter(selfcheck=selfcheck).first(), "U-201", world.filler)


def take(client, evidence, user):
    client.force_login(user)
    return client.get(reverse("assessments:evidence_file", args=[evidence.pk]))


def test_a_download_is_an_attachment_that_nobody_keeps_or_runs(client, world, evidence):
    answer = take(client, evidence, world.officer)
    assert answer.content == PDF
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    assert "sandbox" in answer["Content-Security-Policy"]
    event = AuditEvent.objects.get(action="evidence.download")
    assert (event.actor_id, event.details["sha256"]) == (world.officer.pk, evidence.sha256)


def _remove(evidence):
    default_storage.delete(evidence.file.name)


def _swap(evidence):
    """Another sealed file in its place: only the digest on record tells."""
    other = default_storage.save("other.pdf", ContentFile(pdf("another")))
    Path(evidence.file.path).write_bytes(Path(default_storage.path(other)).read_bytes())


def _damage(evidence):
    Path(evidence.file.path).write_bytes(PDF)


@pytest.mark.parametrize(
    ("harm", "reason"), [(_remove, "不在原处"), (_swap, "摘要不符"), (_damage, "没有加密")]
)
def test_a_file_that_is_not_what_came_in_is_not_given_out(client, world, evidence, harm, reason):
    harm(evidence)
    answer = take(client, evidence, world.officer)
    assert answer.status_code == 503
    assert "文件暂时无法读取" in answer.text
    event = AuditEvent.objects.get(action="evidence.download")
    assert event.result == "failed"
    assert reason in event.details["reason"]


def test_without_its_key_the_page_says_so_and_not_which(client, world, evidence, settings):
    settings.FILE_KEYS = ["QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="]
    answer = take(client, evidence, world.officer)
    assert answer.status_code == 503
    assert "FILE_KEYS" not in answer.text


def test_the_scan_of_a_letter_is_on_the_trail(client, world):
    letter = file_letter(world.system_a)
    client.force_login(world.officer)
    client.get(reverse("scans:authorization_scan", args=[letter.pk]))
    event = AuditEvent.objects.get(action="authorization.download")
    assert event.object_id == str(letter.pk)
