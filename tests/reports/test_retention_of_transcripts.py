"""Transcripts whose period is over: on what a look still rests, and what stays of it."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from assessments.models import Contradiction, SelfCheck, Sheet
from emailsec.lib.workdays import today
from rectification.models import Finding, FindingSource, Recheck
from reports.models import DestroyedFile, Destruction
from reports.retention import actions, kinds
from scans.models import Observation, RunObservation, ScanRun, Verdict, Wave
from tests.filled import open_selfcheck

pytestmark = pytest.mark.django_db

LINES = ["C: EHLO portal.test", "S: 250 mx.jia.gov.test"]


def ago(days: int) -> dt.date:
    return today() - dt.timedelta(days=days)


def look(world, days: int = 400, *, reason: str = "schedule", confirms: Wave | None = None) -> Wave:
    """A finished look at the unit's system, one observation and one verdict, so many days ago."""
    at = timezone.now() - dt.timedelta(days=days)
    wave = Wave.objects.create(
        system=world.system_a,
        reason=reason,
        confirms=confirms,
        status="done",
        due_at=at,
        finished_at=at,
    )
    run = ScanRun.objects.create(
        wave=wave, domain=world.system_a.domains.first(), status="done", finished_at=at
    )
    seen = Observation.objects.create(
        wave=wave,
        name="smtp.banner",
        host="mx.jia.gov.test",
        port=25,
        outcome="observed",
        value={"banner": "mx"},
        transcript=LINES,
        seen_at=at,
    )
    RunObservation.objects.create(run=run, observation=seen)
    Verdict.objects.create(run=run, rule="x", rule_version="1", result="nonconforming", text="x")
    return wave


def found(world, *, status: str, closed_on: dt.date | None) -> Finding:
    number = Finding.objects.count()
    return Finding.objects.create(
        number=f"WT-{number}",
        unit=world.unit_a,
        cause=f"cause-{number}",
        title="问题",
        severity="high",
        ground="statute",
        status=status,
        closed_on=closed_on,
        confirmed_by=world.officer,
    )


def rests(finding: Finding, wave: Wave) -> None:
    verdict = Verdict.objects.get(run__wave=wave)
    FindingSource.objects.create(
        finding=finding, kind="verdict", verdict=verdict, at=timezone.now()
    )


def doubt(world, wave: Wave, *, status: str, check: str = "accepted") -> Contradiction:
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    SelfCheck.objects.filter(pk=selfcheck.pk).update(status=check)
    return Contradiction.objects.create(
        sheet=Sheet.objects.filter(selfcheck=selfcheck).first(),
        item="S-101",
        verdict=Verdict.objects.get(run__wave=wave),
        rule="x",
        domain="jia.gov.test",
        said="是",
        seen="否",
        status=status,
    )


def due(world) -> dict[int, tuple[str, dt.date]]:
    rows = kinds.due(world.city_a, most=99)
    return {one.row.pk: (one.kind.slug, one.ended_on) for one in rows}


@pytest.mark.parametrize(
    ("status", "closed", "is_due"),
    [
        ("closed", 365, True),
        ("closed", 364, False),
        ("rectifying", None, False),
        ("to_recheck", None, False),
        ("transferred", None, False),
        ("false_alarm", None, True),
    ],
)
def test_a_transcript_is_kept_for_a_year_after_the_last_finding(world, status, closed, is_due):
    wave = look(world, 800)
    rests(found(world, status="closed", closed_on=ago(500)), wave)
    rests(found(world, status=status, closed_on=closed and ago(closed)), wave)
    ended = ago(closed or 500)
    assert due(world) == ({wave.pk: ("transcript", ended)} if is_due else {})
    assert sum(kinds.count_due(world.city_a).values()) == is_due


def test_a_finding_holds_the_second_look_the_repair_and_what_a_doubt_was_seen_in(world):
    first = look(world, 800)
    second = look(world, 799, reason="confirm", confirms=first)
    repair, doubted, other = look(world, 700), look(world, 600), look(world, 500)
    finding = found(world, status="to_recheck", closed_on=None)
    rests(finding, first)
    Recheck.objects.create(finding=finding, kind="rescan", wave=repair)
    FindingSource.objects.create(
        finding=finding,
        kind="contradiction",
        contradiction=doubt(world, doubted, status="upheld"),
        at=timezone.now(),
    )
    assert set(due(world)) == {other.pk}
    Finding.objects.update(status="closed", closed_on=ago(400))
    held = {wave.pk: ("transcript", ago(400)) for wave in (first, second, repair, doubted)}
    assert due(world) == held | {other.pk: ("transcript_alone", ago(500))}


def test_a_look_on_which_nothing_rests_has_a_period_of_its_own(world):
    old = look(world, 365)
    look(world, 364)
    look(world, 400, reason="request").observations.update(transcript=[])
    Wave.objects.create(
        system=world.system_a, reason="recheck", due_at=timezone.now() - dt.timedelta(days=400)
    ).observations.create(name="x", outcome="observed", transcript=LINES, seen_at=timezone.now())
    assert due(world) == {old.pk: ("transcript_alone", ago(365))}
    assert list(kinds.due(world.city_b, most=9)) == list(kinds.due(world.province, most=9)) == []


@pytest.mark.parametrize(
    ("status", "check", "is_due"),
    [
        ("dismissed", "accepted", True),
        ("open", "accepted", False),
        ("explained", "accepted", False),
        ("dismissed", "to_review", False),
    ],
)
def test_an_open_doubt_and_a_check_under_way_hold_their_look(world, status, check, is_due):
    wave = look(world, 500)
    look(world, 10)  # the newest look is another
    doubt(world, wave, status=status, check=check)
    assert (wave.pk in due(world)) is is_due


def test_a_check_under_way_holds_the_newest_look(world):
    older, newest = look(world, 500), look(world, 400)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    assert set(due(world)) == {older.pk}
    SelfCheck.objects.filter(pk=selfcheck.pk).update(status="accepted")
    assert set(due(world)) == {older.pk, newest.pk}


def test_two_persons_empty_the_transcripts_and_the_rest_stays(world, client):
    wave, kept = look(world), look(world, 10)
    client.force_login(world.officer)
    assert "探测原始应答（未涉及问题）" in client.get(reverse("reports:destruction_list")).text
    client.post(reverse("reports:destruction_propose"))
    made = Destruction.objects.get()
    seen = wave.observations.get()
    before = Observation.objects.filter(pk=seen.pk).values().get()
    assert before["transcript"] == LINES
    client.force_login(world.approver)
    page = client.get(reverse("reports:destruction_detail", args=[made.pk])).text
    assert f"#{wave.pk} 的原始应答 1 份" in page
    decide = reverse("reports:destruction_decide", args=[made.pk])
    assert client.post(decide, {"decision": "approve"}).status_code == 302
    after = Observation.objects.filter(pk=seen.pk).values().get()
    assert after == before | {"transcript": []}
    assert kept.observations.get().transcript == LINES
    assert Verdict.objects.filter(run__wave=wave).count() == 1
    entry = DestroyedFile.objects.get()
    assert entry.gone_at is not None
    assert (len(entry.sha256), entry.size > 30) == (64, True)
    assert due(world) == {}
    client.force_login(world.filler)
    for name, pk in (("wave_detail", wave.pk), ("transcript", seen.pk)):
        shown = client.get(reverse(f"scans:{name}", args=[pk])).text
        assert "已按规定销毁" in shown
        assert world.approver.name in shown
        assert "EHLO" not in shown
        assert reverse("scans:transcript", args=[seen.pk]) not in shown


def test_a_finding_that_is_opened_again_stops_the_destruction(world):
    wave = look(world, 800)
    finding = found(world, status="closed", closed_on=ago(400))
    rests(finding, wave)
    made = actions.propose(by=world.officer)
    Finding.objects.filter(pk=finding.pk).update(status="open", closed_on=None)
    with pytest.raises(actions.Refused, match="不再到期"):
        actions.approve(destruction=made, by=world.approver)
    assert wave.observations.get().transcript == LINES


def test_a_look_of_many_stays_a_few_queries(world, django_assert_max_num_queries):
    waves = [look(world, 400 + n) for n in range(8)]
    finding = found(world, status="closed", closed_on=ago(380))
    for wave in waves[:4]:
        rests(finding, wave)
    with django_assert_max_num_queries(6):
        assert len(due(world)) == 8
    made = actions.propose(by=world.officer)
    with django_assert_max_num_queries(25):
        actions.approve(destruction=made, by=world.approver)


# --- Values ----------------------------------------------------------------------------------


def emptied(world, days: int) -> Wave:
    """A look whose transcripts are gone."""
    wave = look(world, days)
    wave.observations.update(transcript=[])
    Wave.objects.filter(pk=wave.pk).update(destroyed_at=timezone.now())
    return wave


def test_a_value_goes_after_its_transcript_and_never_from_the_newest_look(world):
    old = emptied(world, 1095)
    emptied(world, 1094)
    whole = look(world, 1200)
    assert due(world) == {
        whole.pk: ("transcript_alone", ago(1200)),
        old.pk: ("value_alone", ago(1095)),
    }
    Wave.objects.exclude(pk=old.pk).delete()
    assert due(world) == {}


@pytest.mark.parametrize(
    ("status", "closed", "is_due"),
    [("closed", 1095, True), ("closed", 1094, False), ("rectifying", None, False)],
)
def test_a_value_is_kept_for_years_after_the_last_finding(world, status, closed, is_due):
    wave = emptied(world, 2000)
    look(world, 10)
    rests(found(world, status=status, closed_on=closed and ago(closed)), wave)
    assert due(world) == ({wave.pk: ("value", ago(1095))} if is_due else {})


def test_an_emptied_observation_says_so_and_the_verdict_stays(world, client):
    wave = look(world, 1200)
    look(world, 10)
    texts = list(Verdict.objects.order_by("pk").values("pk", "text", "params"))
    for what in ("原始应答", "观测结果"):  # one after the other, two lists of one look
        made = actions.propose(by=world.officer)
        assert what in made.files.get().name
        actions.approve(destruction=made, by=world.approver)
    assert due(world) == {}
    wave.refresh_from_db()
    assert wave.values_destroyed_by == wave.destroyed_by != ""
    seen = wave.observations.get()
    assert (seen.value, seen.outcome) == ({}, "observed")
    assert list(Verdict.objects.order_by("pk").values("pk", "text", "params")) == texts
    client.force_login(world.filler)
    for name, pk in (("wave_detail", wave.pk), ("transcript", seen.pk)):
        assert "（已销毁）" in client.get(reverse(f"scans:{name}", args=[pk])).text
