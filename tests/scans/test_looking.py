"""A look from the request to the verdicts, over real sockets."""

import datetime as dt
import time
from pathlib import Path

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from emailsec.lib.workdays import today
from inbox.models import Message
from inventory.models import MailDomain
from scans import evidence, queue, writing
from scans.actions import Refused, request_scan, withdraw_authorization
from scans.looking import ensure_runs
from scans.models import Observation, RunObservation, ScanRun, Verdict, Wave
from scans.tasks import drain_due
from tests.scans.conftest import declare_hosts, file_letter

pytestmark = pytest.mark.django_db


def results(run):
    return dict(run.verdicts.values_list("rule", "result"))


def later(seconds=3):
    """Let the pause before the second look pass: move all that was seen into the past."""
    gap = dt.timedelta(seconds=seconds)
    for run in ScanRun.objects.exclude(finished_at=None):
        ScanRun.objects.filter(pk=run.pk).update(
            started_at=run.started_at - gap, finished_at=run.finished_at - gap
        )
    Wave.objects.filter(status="open").update(due_at=timezone.now() - gap)


@pytest.fixture
def system(world):
    declare_hosts(world.system_a, "jia.gov.test")
    return world.system_a


def test_a_requested_look_ends_with_observations_verdicts_and_lines(world, system, practice):
    letter = file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    drain_due()
    wave.refresh_from_db()
    run = wave.runs.get()
    assert (wave.status, run.status) == ("done", "done")
    assert wave.authorization == letter
    found = results(run)
    assert found["spf.policy"] == "nonconforming"
    assert found["submission.auth_before_tls"] == "nonconforming"
    assert found["imap.plain_login"] == "nonconforming"
    assert found["cert.valid"] == "nonconforming"
    assert found["smtp.starttls"] == "conforming"
    assert found["smtp.relay"] == "not_applicable"  # not asked for
    assert run.ingested_at is None
    login = next(v for v in evidence.latest_verdicts(system) if v.rule == "imap.plain_login")
    [line] = evidence.seen_lines(login)
    assert "imap.jia.gov.test [127.77." in line.place
    assert line.place.endswith(":143")
    assert "CAPABILITY" in line.line
    assert line.observation_id
    assert str(timezone.localtime(line.at).year) in evidence.observation_lines(login)[0]
    stored = Observation.objects.get(pk=line.observation_id)
    assert any(text.startswith("S: ") for text in stored.transcript)
    assert AuditEvent.objects.filter(action="scan.finish", object_id=str(wave.pk)).count() == 1
    assert Message.objects.filter(recipient=world.filler, title__contains="探测完成").exists()


def test_without_a_letter_no_packet_leaves_and_the_refused_run_says_why(world, system, practice):
    wave = request_scan(system=system, by=world.filler)
    drain_due()
    run = wave.runs.get()
    assert (wave.status, run.status) == ("void", "refused")
    assert "没有有效的《远程检测授权书》" in run.problem
    assert practice.stats()["totals"]["connections"] == 0
    assert request_scan(system=system, by=world.filler) == wave
    denied = AuditEvent.objects.filter(action="scan.request", result="denied")
    assert denied.count() == 1


def test_a_letter_that_ends_between_request_and_look_stops_the_look(world, system, practice):
    letter = file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    letter.valid_from = letter.valid_to = timezone.localdate() - dt.timedelta(days=1)
    letter.save()
    drain_due()
    wave.refresh_from_db()
    run = wave.runs.get()
    assert (wave.status, run.status) == ("void", "refused")
    assert "到期" in run.problem
    assert practice.stats()["totals"]["connections"] == 0


def test_hosts_that_the_letter_does_not_name_are_left_alone_and_named(world, system, practice):
    file_letter(system, hosts=["jia.gov.test", "smtp.jia.gov.test"])
    wave = request_scan(system=system, by=world.filler)
    drain_due()
    run = wave.runs.get()
    assert "imap.jia.gov.test" in run.problem
    assert not run.observations.filter(host="imap.jia.gov.test").exists()
    assert run.observations.filter(host="smtp.jia.gov.test").exists()
    assert results(run)["imap.plain_login"] == "not_applicable"


def test_a_domain_that_the_letter_does_not_name_is_refused_by_itself(world, system, practice):
    MailDomain.objects.create(system=system, name="silent.test")
    file_letter(system, hosts=["jia.gov.test"])
    wave = request_scan(system=system, by=world.filler)
    drain_due()
    wave.refresh_from_db()
    status = dict(wave.runs.values_list("domain__name", "status"))
    assert status == {"jia.gov.test": "done", "silent.test": "refused"}
    assert wave.status == "done"


def test_a_domain_removed_before_its_look_is_left_alone(world, system, practice):
    kept = MailDomain.objects.get(system=system)
    gone = MailDomain.objects.create(system=system, name="silent.test")
    file_letter(system, hosts=[kept.name, gone.name])
    wave = request_scan(system=system, by=world.filler)
    ensure_runs(wave, [kept, gone])
    MailDomain.objects.filter(pk=gone.pk).update(removed_on=today())
    drain_due()
    run = wave.runs.get(domain_id=gone.pk)
    assert (run.status, run.problem) == ("refused", "此域名已从邮件系统移除")
    assert not run.observations.exists()
    assert wave.runs.get(domain=kept).status == "done"


def test_two_looks_far_enough_apart_confirm_and_one_does_not(world, system, practice):
    file_letter(system)
    first = request_scan(system=system, by=world.filler)
    drain_due()
    assert not Verdict.objects.filter(confirmed=True).exists()
    second = Wave.objects.get(confirms=first)
    assert second.due_at > timezone.now() - dt.timedelta(seconds=1)
    later()
    drain_due()
    second.refresh_from_db()
    assert second.status == "done"
    pairs = Verdict.objects.filter(rule="spf.policy").values_list("run__wave", "confirmed")
    assert dict(pairs) == {first.pk: True, second.pk: True}
    assert not Verdict.objects.exclude(result="nonconforming").filter(confirmed=True).exists()
    assert Message.objects.filter(title__contains="两次确认", recipient=world.signer).exists()
    assert not Wave.objects.filter(confirms=second).exists()


def test_two_looks_too_close_together_confirm_nothing(world, system, practice):
    file_letter(system)
    request_scan(system=system, by=world.filler)
    drain_due()
    Wave.objects.filter(reason="confirm").update(due_at=timezone.now())
    ScanRun.objects.update(finished_at=timezone.now() + dt.timedelta(seconds=1))
    drain_due()
    assert ScanRun.objects.finished().count() == 2
    assert not Verdict.objects.filter(confirmed=True).exists()


def test_what_was_repaired_before_the_second_look_is_not_confirmed(world, system, practice):
    file_letter(system)
    request_scan(system=system, by=world.filler)
    drain_due()
    practice.set_posture("jia.gov.test", "exemplary")
    later()
    drain_due()
    assert not Verdict.objects.filter(confirmed=True).exists()
    before = Verdict.objects.filter(rule="imap.plain_login").order_by("pk").first()
    comparison = evidence.before_and_after(before)
    assert comparison.change == "repaired"
    assert "已符合" in comparison.sentence
    assert comparison.before[0].line != comparison.after[0].line


@pytest.mark.slow
def test_silence_stays_unknown_twice_and_confirms_nothing(world, practice):
    system = world.system_a
    MailDomain.objects.filter(system=system).update(name="silent.test")
    file_letter(system)
    request_scan(system=system, by=world.filler)
    drain_due()
    run = ScanRun.objects.get(wave__reason="request")
    assert run.status == "partial"
    assert results(run)["smtp.starttls"] == "unknown"
    later()
    drain_due()
    again = ScanRun.objects.filter(wave__reason="confirm").first()
    assert again is None or results(again)["smtp.starttls"] == "unknown"
    assert not Verdict.objects.filter(rule="smtp.starttls", confirmed=True).exists()
    verdict = next(v for v in evidence.latest_verdicts(system) if v.rule == "smtp.starttls")
    [line] = evidence.seen_lines(verdict)
    assert line.could_not_observe
    assert "超时" in line.line


def test_relay_is_asked_only_with_the_ticked_item_on_own_hosts(world, practice):
    system = world.system_a
    MailDomain.objects.filter(system=system).update(name="open-relay.test")
    named = ["open-relay.test", "mx.open-relay.test"]
    file_letter(system, hosts=named)
    request_scan(system=system, by=world.filler)
    drain_due()
    assert not Observation.objects.filter(name="smtp.relay", outcome="observed").exists()
    later()
    Wave.objects.all().update(created_at=timezone.now() - dt.timedelta(days=1))
    # Ticked, but the host that MX names is not in the letter.
    file_letter(system, hosts=["open-relay.test"], items="ordinary,smtp.relay")
    request_scan(system=system, by=world.filler)
    drain_due()
    assert not Observation.objects.filter(name="smtp.relay", outcome="observed").exists()
    later()
    Wave.objects.all().update(created_at=timezone.now() - dt.timedelta(days=1))
    file_letter(system, hosts=named, items="ordinary,smtp.relay")
    wave = request_scan(system=system, by=world.filler)
    drain_due()
    assert results(wave.runs.get())["smtp.relay"] == "nonconforming"


def test_a_provider_run_system_gets_no_extra_whatever_is_ticked(world, practice):
    system = world.system_a
    system.build_mode = "public_cloud"
    system.save()
    MailDomain.objects.filter(system=system).update(name="open-relay.test")
    file_letter(
        system, hosts=["open-relay.test", "mx.open-relay.test"], items="ordinary,smtp.relay"
    )
    wave = request_scan(system=system, by=world.filler)
    drain_due()
    run = wave.runs.get()
    assert results(run)["smtp.relay"] == "not_applicable"
    assert not run.observations.filter(name="smtp.relay").exists()


def test_an_ill_outside_of_our_own_puts_the_wave_back(world, system, practice):
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    practice.set_posture("control.test", "refused")
    drain_due()
    wave.refresh_from_db()
    assert (wave.status, wave.lease) == ("open", "")
    assert "自检未通过" in wave.problem
    assert wave.due_at > timezone.now()
    assert not Verdict.objects.exists()
    practice.set_posture("control.test", "exemplary")
    Wave.objects.update(due_at=timezone.now())
    drain_due()
    wave.refresh_from_db()
    assert (wave.status, wave.problem) == ("done", "")


def test_domains_on_one_host_share_its_observations(world, practice):
    system = world.system_a
    MailDomain.objects.create(system=system, name="yi-alias.test")
    declare_hosts(system, "jia.gov.test")
    MailDomain.objects.filter(name="yi-alias.test").update(name="control.test")
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    drain_due()
    shared = Observation.objects.get(wave=wave, name="imap.banner")
    assert RunObservation.objects.filter(observation=shared).count() == 2


def test_a_crash_of_the_probes_leaves_a_row_and_is_tried_again(
    world, system, practice, monkeypatch
):
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)

    async def broken(*args, **kwargs):
        raise RuntimeError("boom")

    with monkeypatch.context() as patch:
        patch.setattr("scans.looking._without_foreign_relays", broken)
        for _ in range(queue.MAX_ATTEMPTS):
            Wave.objects.update(due_at=timezone.now())
            drain_due()
    wave.refresh_from_db()
    run = wave.runs.get()
    assert (wave.status, run.status) == ("void", "failed")
    assert "探测程序出错（编号" in run.problem


def test_a_withdrawn_letter_stops_the_probes_under_way(world, practice, monkeypatch):
    system = world.system_a
    MailDomain.objects.filter(system=system).update(name="silent.test")
    letter = file_letter(system)
    file_letter(world.system_provincial)  # its domain is a tarpit: no result for a while
    wave = request_scan(system=system, by=world.filler)
    other = request_scan(system=world.system_provincial, by=world.filler_provincial)
    asked = []

    def meanwhile(lease, wave_ids):
        if not asked:
            withdraw_authorization(letter=letter, by=world.filler)
        asked.append(queue_holds(lease, wave_ids))
        return asked[-1]

    queue_holds = queue.holds
    monkeypatch.setattr("scans.looking.LOOK_AROUND", 0.3)
    monkeypatch.setattr(queue, "holds", meanwhile)
    begin = time.monotonic()
    drain_due()
    assert time.monotonic() - begin < 6  # silence would be waited for at least twice 7 s
    wave.refresh_from_db()
    other.refresh_from_db()
    assert asked == [False]
    assert (wave.status, wave.runs.get().status) == ("void", "refused")
    assert not Verdict.objects.exists()
    assert (other.status, other.lease, other.attempts) == ("open", "", 0)


@pytest.mark.parametrize("change", [{"retired_on": today()}, {"no_active_probe": True}])
def test_a_system_closed_meanwhile_is_left_alone(world, practice, monkeypatch, change):
    system = world.system_a
    MailDomain.objects.filter(system=system).update(name="silent.test")
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    queue_holds = queue.holds

    def meanwhile(lease, wave_ids):
        type(system).objects.filter(pk=system.pk).update(**change)
        return queue_holds(lease, wave_ids)

    monkeypatch.setattr("scans.looking.LOOK_AROUND", 0.3)
    monkeypatch.setattr(queue, "holds", meanwhile)
    begin = time.monotonic()
    drain_due()
    assert time.monotonic() - begin < 6
    monkeypatch.undo()
    before = practice.stats()["totals"]["connections"]
    drain_due()
    wave.refresh_from_db()
    assert (wave.status, wave.runs.get().status) == ("void", "refused")
    assert practice.stats()["totals"]["connections"] == before


def test_starttls_struck_out_on_our_own_way_voids_no_host(world, system, practice):
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    practice.set_posture("control.test", "no-starttls")
    drain_due()
    wave.refresh_from_db()
    assert (wave.status, "STARTTLS" in wave.problem) == ("open", True)
    assert not Verdict.objects.exists()


def test_a_domain_without_a_result_is_tried_again_and_then_given_up(
    world, system, practice, monkeypatch
):
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)

    async def nothing(*args, **kwargs):
        return []

    monkeypatch.setattr("scans.looking._ill", lambda way: "")
    monkeypatch.setattr("scans.looking.probe_domains", nothing)
    for attempt in range(1, queue.MAX_ATTEMPTS + 1):
        Wave.objects.update(due_at=timezone.now())
        drain_due()
        wave.refresh_from_db()
        assert wave.attempts == attempt
    assert (wave.status, wave.runs.get().status) == ("void", "failed")
    assert "没有得到结果" in wave.problem


def test_a_result_that_cannot_be_stored_fails_its_own_run_only(
    world, system, practice, monkeypatch
):
    MailDomain.objects.create(system=system, name="control.test")
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    describe = writing.describe

    def broken(verdict):
        if "_dmarc.control.test" in str(verdict.params):
            raise RuntimeError("boom")
        return describe(verdict)

    monkeypatch.setattr(writing, "describe", broken)
    drain_due()
    wave.refresh_from_db()
    status = dict(wave.runs.values_list("domain__name", "status"))
    assert status == {"jia.gov.test": "done", "control.test": "failed"}
    assert wave.status == "done"
    assert "未能保存（编号" in wave.runs.get(domain__name="control.test").problem


def test_asking_again_too_soon_is_refused_with_the_time(
    world, system, practice, settings, tmp_path
):
    text = Path(settings.SCAN_POLICY_FILE).read_text("utf-8")
    strict = tmp_path / "policy.toml"
    strict.write_text(text.replace("retest_interval = 2", "retest_interval = 600"), "utf-8")
    settings.SCAN_POLICY_FILE = str(strict)
    file_letter(system)
    wave = request_scan(system=system, by=world.filler)
    assert request_scan(system=system, by=world.filler) == wave
    drain_due()
    with pytest.raises(Refused, match="不足 10 分钟"):
        request_scan(system=system, by=world.officer)
