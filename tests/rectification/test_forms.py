"""What every form of a case does: the power before the fields, nothing cut, nothing lost."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from emailsec.lib.manyrows import ManyRowsField
from emailsec.lib.workdays import today
from rectification import actions
from rectification.models import Finding, Notice, Reply
from tests.rectification.case import (
    answer,
    approved,
    closed_finding,
    drafted,
    pdf,
    plain_finding,
    replied,
    served,
    signed,
)

pytestmark = pytest.mark.django_db

LATER = (today() + dt.timedelta(days=30)).isoformat()


def notice_of(make):
    return lambda world: make(world).pk


def finding_of(make):
    def key(world):
        make(world)
        return Finding.objects.get().pk

    return key


def extension(world):
    until = today() + dt.timedelta(days=30)
    notice = signed(world)
    words = {"reason": "采购", "interim": "限制访问"}
    return actions.ask_extension(notice, until=until, by=world.filler, **words).pk


# act → what it is done to, and somebody who sees it and may not act
WITHOUT_POWER = {
    "send_back": (notice_of(drafted), "officer"),
    "withdraw": (notice_of(drafted), "approver"),
    "notice_edit": (notice_of(drafted), "checker"),
    "void": (notice_of(approved), "officer"),
    "revoke": (notice_of(served), "officer"),
    "sign": (notice_of(served), "filler"),
    "refuse": (notice_of(served), "checker"),
    "extension_ask": (notice_of(signed), "signer"),
    "extension_decide": (extension, "officer"),
    "reply": (notice_of(signed), "signer"),
    "recheck": (finding_of(replied), "approver"),
    "fail": (finding_of(replied), "approver"),
    "false_alarm": (finding_of(plain_finding), "officer"),
    "transfer": (finding_of(plain_finding), "checker"),
    "reopen": (finding_of(closed_finding), "approver"),
}


@pytest.mark.parametrize("act", WITHOUT_POWER)
def test_an_empty_form_without_the_power_is_403(world, people, act):
    make, who = WITHOUT_POWER[act]
    assert people(getattr(world, who)).post(act, make(world)).status_code == 403


@pytest.mark.parametrize(("kind", "who"), [("notice", "filler"), ("report", "officer")])
def test_a_scan_is_asked_for_only_of_whom_may_send_it(world, people, kind, who):
    notice = served(world)
    assert people(getattr(world, who)).post("scan_upload", notice.pk, kind).status_code == 403


def test_no_scan_of_an_unknown_kind(world, people):
    notice = served(world)
    response = people(world.officer).post("scan_upload", notice.pk, "passport", file=pdf())
    assert response.status_code == 404


def long(length):
    return "字" * (length + 1)


# act → what it is done to, who, the field, how many characters it holds, and the other fields
TOO_LONG = {
    "send_back": (notice_of(drafted), "approver", "reason", 500, {}),
    "withdraw": (notice_of(drafted), "officer", "reason", 500, {}),
    "void": (notice_of(approved), "approver", "reason", 500, {}),
    "revoke": (notice_of(served), "approver", "reason", 500, {}),
    "sign": (notice_of(served), "signer", "received_by", 30, {}),
    "refuse": (notice_of(served), "officer", "officers", 60, {}),
    "extension_ask": (
        notice_of(signed),
        "filler",
        "interim",
        500,
        {"until": LATER, "reason": "采购"},
    ),
    "extension_decide": (extension, "approver", "decision_note", 300, {"decision": "refuse"}),
    "fail": (finding_of(replied), "officer", "reason", 500, {}),
    "false_alarm": (finding_of(plain_finding), "approver", "reason", 500, {}),
    "reopen": (finding_of(closed_finding), "officer", "reason", 500, {}),
}


@pytest.mark.parametrize("act", TOO_LONG)
def test_too_long_a_text_is_told_and_not_cut(world, people, act):
    make, who, field, longest, more = TOO_LONG[act]
    response = people(getattr(world, who)).post(act, make(world), **{field: long(longest)} | more)
    assert response.status_code == 422
    page = response.content.decode()
    assert f"最多 {longest} 字，现为 {longest + 1} 字，请精简" in page
    if act != "fail":  # its form stands on the page only after a look that failed
        assert long(longest) in page


def test_the_actions_themselves_cut_nothing(world):
    notice = signed(world)
    finding = Finding.objects.get()
    until = today() + dt.timedelta(days=30)
    with pytest.raises(actions.Refused, match="最多 500 字"):
        actions.ask_extension(
            notice, until=until, reason=long(500), interim="限制", by=world.filler
        )
    with pytest.raises(actions.Refused, match="最多 30 字"):
        answer(world, notice, finding, responsible=long(30))
    assert not Reply.objects.exists()


def test_what_a_finding_says_is_kept_whole(world):
    """Titles and dangers come from the questionnaire, however long."""
    finding = plain_finding(world, title="题" * 400, why="危" * 900)
    finding.refresh_from_db()
    assert (len(finding.title), len(finding.why)) == (400, 900)


def test_who_files_or_voids_a_letter_is_asked_before_the_form(world, client):
    from tests.rectification.case import file_letter

    letter = file_letter(world.system_a)
    for who, act in ((world.officer, "file"), (world.filler, "void"), (world.officer, "withdraw")):
        client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
        url = reverse(f"scans:authorization_{act}", args=[letter.pk])
        assert client.post(url).status_code == 403, act


@pytest.mark.parametrize("wrong", ["9" * 20, "-" + "9" * 20, "٣", "1e3", "", "x' or 1=1"])
def test_a_forged_choice_of_findings_is_told_at_the_field(world, people, wrong):
    finding = plain_finding(world)
    response = people(world.officer).post(
        "notice_create", world.unit_a.pk, findings=[finding.pk, wrong], deadline=LATER
    )
    assert response.status_code == 422
    assert "所选问题中有已列入其他通知或不存在的" in response.content.decode()
    assert not Notice.objects.exists()
    draft = drafted(world, [finding])
    response = people(world.officer).post("notice_edit", draft.pk, findings=wrong, deadline=LATER)
    assert response.status_code == 422


def test_an_id_that_no_column_holds_is_not_asked_of_the_database(django_assert_num_queries):
    """PostgreSQL finds nothing, SQLite raises OverflowError."""
    field = ManyRowsField(queryset=Finding.objects.all())
    with django_assert_num_queries(0), pytest.raises(ValidationError):
        field.clean(["9" * 20])


@pytest.mark.parametrize("page", ["finding_list", "notice_list"])
@pytest.mark.parametrize("wrong", ["9" * 20, "-1", "\x00", "٣", "' or 1=1"])
@pytest.mark.parametrize("name", ["sector", "unit", "region", "status", "page", "q", "own"])
def test_a_forged_filter_is_no_fault_of_ours(world, people, page, name, wrong):
    query = {"own": "1", "region": wrong} if name == "own" else {name: wrong}
    assert people(world.officer).get(page, **query).status_code == 200


@pytest.mark.parametrize("wrong", ["9" * 20, "-1", "x", "٣", "\x00"])
def test_a_reply_to_a_forged_finding_is_not_found(world, people, wrong):
    notice = signed(world)
    assert people(world.filler).post("reply", notice.pk, finding=wrong).status_code == 404
