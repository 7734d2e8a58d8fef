"""外部观测 as people see it: the unit and its office the same, strangers nothing."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from emailsec.lib.workdays import today
from inventory import actions
from inventory.models import MailDomain
from scans.models import Observation, RunObservation, ScanRun, Verdict, Wave
from scans.policy import PRODUCTION_FILE
from scans.rules import all_rules
from tests.scans.conftest import file_letter

pytestmark = pytest.mark.django_db


def url(name, *args):
    return reverse(f"scans:{name}", args=args)


def look_at(system, result="nonconforming", waves=1):
    """A finished look at every domain, every rule with one result; rows as `store` writes them."""
    for _ in range(waves):
        now = timezone.now()
        wave = Wave.objects.create(
            system=system, reason="request", status="done", due_at=now, finished_at=now
        )
        for domain in system.domains.all():
            run = ScanRun.objects.create(
                wave=wave, domain=domain, status="done", started_at=now, finished_at=now
            )
            for number, rule in enumerate(all_rules()):
                where = {"host": f"mx{number}.{domain.name}", "address": "192.0.2.1", "port": 25}
                seen = Observation.objects.create(
                    wave=wave,
                    name=rule.needs[0],
                    outcome="observed",
                    transcript=["C: EHLO x", f"S: 250 {domain.name} <b>"],
                    seen_at=now,
                    **where,
                )
                RunObservation.objects.create(run=run, observation=seen)
                entry = where | {"observation": rule.needs[0], "kind": "x", "line": "250 <b>HI"}
                Verdict.objects.create(
                    run=run,
                    rule=rule.id,
                    rule_version="1",
                    result=result,
                    params={
                        "kind": "x",
                        "offenders": [entry],
                        "unknown": [entry | {"kind": "timeout", "line": ""}],
                    },
                    text=f"{domain.name} 的判定 {rule.id}",
                )
    return wave


def test_unit_and_office_see_the_same_lines(client, world):
    file_letter(world.system_a)
    look_at(world.system_a)
    pages = []
    for who in (world.filler, world.signer, world.officer, world.officer_province):
        client.force_login(who)
        page = client.get(url("system_view", world.system_a.pk))
        assert page.status_code == 200
        pages.append(page.content.decode())
    for page in pages:
        assert page.count("jia.gov.test 的判定") == 17
        assert "250 &lt;b&gt;HI" in page
        assert "<b>HI" not in page
        assert "mx0.jia.gov.test [192.0.2.1]:25" in page
        assert "观测覆盖 17/17 项" in page


@pytest.mark.parametrize(
    "who", ["filler_b", "officer_b", "filler_provincial", "officer_industry", "audit_admin"]
)
def test_strangers_get_404_everywhere(client, world, who):
    file_letter(world.system_a)
    wave = look_at(world.system_a)
    observation = Observation.objects.first()
    client.force_login(getattr(world, who))
    for name, pk in [
        ("system_view", world.system_a.pk),
        ("progress", world.system_a.pk),
        ("wave_detail", wave.pk),
        ("transcript", observation.pk),
    ]:
        assert client.get(url(name, pk)).status_code == 404
    assert client.post(url("rescan", world.system_a.pk)).status_code == 404


def test_who_may_only_read_cannot_ask_for_a_look(client, world):
    file_letter(world.system_a)
    client.force_login(world.signer)
    page = client.get(url("system_view", world.system_a.pk))
    assert url("rescan", world.system_a.pk) not in page.content.decode()
    assert client.post(url("rescan", world.system_a.pk)).status_code == 403
    assert client.get(url("rescan", world.system_a.pk)).status_code == 405


def test_what_was_not_observed_stays_apart_with_its_reason(client, world):
    file_letter(world.system_a)
    look_at(world.system_a, result="unknown")
    client.force_login(world.filler)
    page = client.get(url("system_view", world.system_a.pk))
    text = page.content.decode()
    assert page.context["totals"]["unknown"] == 17
    assert page.context["totals"]["observed"] == 0
    assert "未能观测 17 项：不等于符合，也不等于不符合" in text
    assert "tag-verdict tone-unknown" in text
    assert "tone-green" not in text.split('id="content"')[1].split("page-aside")[0]


def test_the_refused_state_says_why_and_what_to_do(client, world):
    client.force_login(world.filler)
    page = client.get(url("system_view", world.system_a.pk)).content.decode()
    assert "该系统没有有效的《远程检测授权书》" in page
    assert url("authorization_create", world.system_a.pk) in page
    assert url("rescan", world.system_a.pk) not in page
    answer = client.post(url("rescan", world.system_a.pk), follow=True).content.decode()
    assert answer.count("该系统没有有效的《远程检测授权书》") >= 2
    run = ScanRun.objects.get()
    assert run.status == "refused"


def test_a_click_starts_one_look_and_the_page_watches_it_to_its_end(client, world):
    file_letter(world.system_a)
    client.force_login(world.filler)
    for _ in range(2):
        client.post(url("rescan", world.system_a.pk))
    wave = Wave.objects.get()
    page = client.get(url("system_view", world.system_a.pk)).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert url("rescan", world.system_a.pk) not in page
    going = client.get(url("progress", world.system_a.pk), headers={"HX-Request": "true"})
    assert "HX-Refresh" not in going
    assert "排队中" in going.content.decode()
    assert going["Vary"].find("HX-Request") >= 0
    Wave.objects.filter(pk=wave.pk).update(status="done", finished_at=timezone.now())
    done = client.get(url("progress", world.system_a.pk), headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true"
    assert "hx-trigger" not in done.content.decode()
    plain = client.get(url("progress", world.system_a.pk))
    assert plain.url == url("system_view", world.system_a.pk)


def test_a_transcript_is_a_page_and_a_fragment(client, world):
    look_at(world.system_a)
    observation = Observation.objects.first()
    client.force_login(world.officer)
    page = client.get(url("transcript", observation.pk)).content.decode()
    part = client.get(url("transcript", observation.pk), headers={"HX-Request": "true"})
    assert "S: 250 jia.gov.test &lt;b&gt;" in page
    assert "S: 250 jia.gov.test &lt;b&gt;" in part.content.decode()
    assert "<html" in page
    assert "<html" not in part.content.decode()


def queries(client, address):
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_the_number_of_queries_does_not_grow_with_domains_or_history(client, world):
    client.force_login(world.filler)
    system = world.system_a
    file_letter(system)
    look_at(system, waves=2)
    addresses = [url("system_view", system.pk), url("wave_detail", Wave.objects.first().pk)]
    few = [queries(client, address) for address in addresses]
    for number in range(9):
        MailDomain.objects.create(system=system, name=f"d{number}.test")
        file_letter(system)
    wave = look_at(system, waves=5)
    many = [queries(client, addresses[0]), queries(client, url("wave_detail", wave.pk))]
    assert many == few


def test_the_same_problem_on_a_shared_host_is_told_once(client, world):
    wave = look_at(world.system_a)
    second = MailDomain.objects.create(system=world.system_a, name="zweit.test")
    first = ScanRun.objects.get()
    run = ScanRun.objects.create(
        wave=wave, domain=second, status="done", finished_at=timezone.now()
    )
    for link in RunObservation.objects.filter(run=first):
        RunObservation.objects.create(run=run, observation=link.observation)
    for verdict in first.verdicts.all():
        verdict.pk, verdict.run = None, run
        verdict.save()
    client.force_login(world.filler)
    page = client.get(url("system_view", world.system_a.pk)).content.decode()
    assert page.count("同一台主机的同一问题") == 17
    assert page.count("怎么改") == 17


def keep_only(system, *names, by):
    actions.save_system(system=system, domains=[actions.DomainEntry(n) for n in names], by=by)


def test_a_removed_domain_no_longer_counts_and_its_last_look_stays_readable(client, world):
    file_letter(world.system_a)
    MailDomain.objects.create(system=world.system_a, name="zwei.jia.gov.test")
    wave = look_at(world.system_a)
    keep_only(world.system_a, "jia.gov.test", by=world.filler)
    for who in (world.filler, world.officer):
        client.force_login(who)
        page = client.get(url("system_view", world.system_a.pk))
        assert page.status_code == 200
        assert [str(view.domain) for view in page.context["views"]] == ["jia.gov.test"]
        assert page.context["totals"]["problems"] == 17
        removed = page.content.decode().split("已移除的域名")[1]
        assert "zwei.jia.gov.test" in removed
        assert url("wave_detail", wave.pk) in removed
        looked = client.get(url("wave_detail", wave.pk))
        assert "zwei.jia.gov.test" in looked.content.decode()
    client.force_login(world.filler)
    home = client.get("/").content.decode()
    assert "不符合 17" in home.replace("<b>", "").replace("</b>", "")


def test_a_renamed_domain_starts_without_a_result(client, world):
    look_at(world.system_a)
    keep_only(world.system_a, "neu.jia.gov.test", by=world.filler)
    client.force_login(world.filler)
    page = client.get(url("system_view", world.system_a.pk))
    assert page.status_code == 200
    assert page.context["totals"]["applicable"] == 0
    assert "还没有观测结果" in page.content.decode()
    keep_only(world.system_a, "jia.gov.test", by=world.filler)  # and back again
    page = client.get(url("system_view", world.system_a.pk))
    assert page.context["totals"]["problems"] == 17
    assert [str(run.domain) for run in page.context["removed"]] == []


def test_a_retired_system_shows_what_it_had_and_what_was_removed_before(client, world):
    MailDomain.objects.create(system=world.system_a, name="alt.jia.gov.test")
    look_at(world.system_a)
    keep_only(world.system_a, "jia.gov.test", by=world.filler)
    actions.retire_system(
        system=world.system_a, retired_on=today(), reason="改用统一平台", by=world.filler
    )
    client.force_login(world.officer)
    page = client.get(url("system_view", world.system_a.pk))
    assert page.status_code == 200
    assert page.context["totals"]["applicable"] == 0
    assert len(page.context["removed"]) == 2
    assert "还没有登记邮件域名" not in page.content.decode()
    detail = client.get(reverse("inventory:system_detail", args=[world.system_a.pk]))
    assert [d.name for d in detail.context["domains"]] == ["jia.gov.test"]
    assert [d.name for d in detail.context["former"]] == ["alt.jia.gov.test"]
    assert "已移除的域名 1 个" in detail.content.decode()


def test_the_page_says_how_far_apart_two_looks_confirm(client, world, settings):
    look_at(world.system_a)
    client.force_login(world.filler)
    page = client.get(url("system_view", world.system_a.pk)).content.decode()
    assert "待二次观测确认（间隔至少 2 秒，为演练设置；正式环境间隔至少 10 分钟）" in page
    settings.SCAN_POLICY_FILE = str(PRODUCTION_FILE)
    page = client.get(url("system_view", world.system_a.pk)).content.decode()
    assert "待二次观测确认（间隔至少 10 分钟）" in page
    assert "演练" not in page.split("<main", 1)[1]
