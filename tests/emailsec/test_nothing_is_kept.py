"""What a logged-in person was sent stays in no cache."""

import pytest
from django.urls import reverse

from reports.actions import freeze_notice
from tests.reports import case as cases
from tests.world import PASSWORD


@pytest.mark.django_db
def test_pages_files_and_refusals_of_a_person_are_not_kept(world, client):
    case = cases.approved(world)
    notice = freeze_notice(case.notice)
    assert client.login(username="officer", password=PASSWORD)
    for url, status in {
        reverse("dashboards:home"): 200,
        reverse("rectification:notice_list"): 200,
        reverse("reports:document_file", args=[notice.pk]): 200,
        reverse("dashboards:findings_export"): 200,
        reverse("reports:document_file", args=[notice.pk + 99]): 404,
        reverse("accounts:logout"): 405,
    }.items():
        answer = client.get(url)
        assert (answer.status_code, answer["Cache-Control"]) == (status, "no-store"), url
    assert client.post(reverse("accounts:logout"))["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_what_a_stranger_is_sent_is_left_as_it_was(client):
    assert "Cache-Control" not in client.get(reverse("dashboards:home"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"x=" + b"a" * (13 * 1024 * 1024), "application/x-www-form-urlencoded"),
        (b"--b\r\nX: " + b"n" * 3000 + b"\r\n\r\n\r\n--b--", "multipart/form-data; boundary=b"),
    ],
)
def test_what_cannot_be_read_is_answered_without_a_word_of_who_sent_it(world, client, body, kind):
    """It is refused before the log-in is looked at; the page may then stay in a cache."""
    assert client.login(username="officer", password=PASSWORD)
    home = client.get(reverse("dashboards:home")).content.decode()
    answer = client.generic("POST", reverse("accounts:password_change"), body, content_type=kind)
    assert answer.status_code == 400
    page = answer.content.decode()
    for said in (world.officer.name, str(world.officer.office), reverse("accounts:logout")):
        assert said in home
        assert said not in page
