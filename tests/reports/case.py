"""One real case, made by the actions themselves: from the self-check to 销号."""

import datetime as dt
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from assessments import actions as filling
from assessments.models import Contradiction, SelfCheck
from assessments.sheets import content_digest, load_sheets
from emailsec.lib.workdays import today
from inventory.models import MailSystem
from rectification import actions, rechecks
from rectification.candidates import candidates
from rectification.models import Finding, Notice, Recheck
from scans.models import Authorization, Observation, RunObservation, ScanRun, Verdict, Wave
from tests.files import PDF
from tests.filled import complete_inventory, fill, open_selfcheck
from tests.world import World

IMAP_BEFORE = "* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN STARTTLS"
IMAP_AFTER = "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"
SPF_BEFORE = "v=spf1 ip4:192.0.2.10 ~all"
SPF_AFTER = "v=spf1 ip4:192.0.2.10 -all"
BEFORE = [
    ("imap.plain_login", "nonconforming", "imap.capability", "imap", 143, IMAP_BEFORE),
    ("spf.policy", "nonconforming", "dns.spf", "", 0, SPF_BEFORE),
]
AFTER = [
    ("imap.plain_login", "conforming", "imap.capability", "imap", 143, IMAP_AFTER),
    ("spf.policy", "conforming", "dns.spf", "", 0, SPF_AFTER),
]


@dataclass
class Case:
    world: World
    selfcheck: SelfCheck
    letter: Authorization
    findings: list[Finding]
    notice: Notice


def letter_for(system: MailSystem) -> Authorization:
    """A letter in force."""
    return Authorization.objects.create(
        system=system,
        status="filed",
        hosts=f"{system.domains.get().name}",
        valid_from=today() - dt.timedelta(days=10),
        valid_to=today() + dt.timedelta(days=90),
        signed_by="王局长",
        contact_name="李某",
        contact_phone="13900000002",
        scan=ContentFile(PDF, name="letter.pdf"),
        filed_at=timezone.now(),
    )


def look(
    system: MailSystem, rows, letter=None, *, reason="schedule", days_ago=0, wave=None
) -> Wave:
    """A finished look at the system's domain with these verdicts; nonconforming ones confirmed."""
    at = timezone.now() - dt.timedelta(days=days_ago)
    if wave is None:
        wave = Wave.objects.create(system=system, reason=reason, due_at=at, authorization=letter)
    Wave.objects.filter(pk=wave.pk).update(status="done", finished_at=at)
    wave.refresh_from_db()
    domain = system.domains.get()
    run, _ = ScanRun.objects.get_or_create(wave=wave, domain=domain)
    ScanRun.objects.filter(pk=run.pk).update(status="done", started_at=at, finished_at=at)
    for rule, result, name, host, port, line in rows:
        host = f"{host}.{domain.name}" if host else domain.name
        where = {"host": host, "address": "192.0.2.10" if port else "", "port": port}
        seen = Observation.objects.create(
            wave=wave, name=name, outcome="observed", seen_at=at, value={"line": line}, **where
        )
        RunObservation.objects.create(run=run, observation=seen)
        group = "offenders" if result == "nonconforming" else "good"
        Verdict.objects.create(
            run=run,
            rule=rule,
            rule_version="2026-1",
            result=result,
            params={group: [{"observation": name, "line": line, **where}]},
            text=f"{domain.name} 的 {rule} {'不符合' if group == 'offenders' else '符合'}。",
            confirmed=result == "nonconforming",
        )
    return wave


def accepted(world: World, *, days: str = "90") -> SelfCheck:
    """The self-check of unit_a, accepted, with a log finding, an upheld 疑点 and a seen SPF."""
    complete_inventory(world.unit_a)
    world.system_a.refresh_from_db()
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    fill(selfcheck, world.filler, {("M-1002", "days"): days})
    filling.submit(selfcheck, by=world.filler)
    digest = content_digest(load_sheets(selfcheck))
    filling.sign_online(selfcheck, digest=digest, by=world.signer)
    for doubt in Contradiction.objects.filter(sheet__selfcheck=selfcheck).exclude(
        status="resolved"
    ):
        filling.decide_contradiction(doubt, uphold=True, reason="", by=world.officer)
    filling.accept(selfcheck, by=world.officer)
    return selfcheck


def approved(world: World) -> Case:
    """A case up to the approved notice (no paper yet)."""
    complete_inventory(world.unit_a)
    letter = letter_for(world.system_a)
    look(world.system_a, BEFORE, letter, days_ago=2)
    selfcheck = accepted(world)
    keys = [c.key for c in candidates(selfcheck)]
    findings = actions.confirm_findings(selfcheck, keys, by=world.officer)
    notice = actions.draft_notice(
        world.unit_a,
        Finding.objects.filter(unit=world.unit_a),
        deadline=today() + dt.timedelta(days=15),
        by=world.officer,
    )
    actions.check_notice(notice, by=world.checker)
    actions.approve_notice(notice, by=world.approver)
    return Case(world, selfcheck, letter, findings, notice)


def served(case: Case) -> None:
    """Serve and sign for the notice; its paper must exist."""
    world, notice = case.world, case.notice
    scan = SimpleUploadedFile("盖章.pdf", PDF)
    actions.add_scan(notice, "notice", scan, by=world.officer)
    actions.serve_notice(notice, by=world.officer)
    actions.sign_notice(notice, received_by="张三", by=world.signer)


def answered(case: Case) -> None:
    """The unit replies to every ordered finding with evidence."""
    for item in case.notice.items.filter(annex=False).select_related("finding"):
        actions.reply(
            case.notice,
            item.finding,
            analysis="配置沿用默认值。",
            measures="已关闭明文登录并核对。",
            responsible="李四",
            completed_on=today(),
            files=[SimpleUploadedFile("整改截图.pdf", PDF)],
            by=case.world.filler,
        )
    case.notice.refresh_from_db()


def closed(case: Case) -> None:
    """Recheck by rescan where it can be observed, else on paper, and close."""
    world = case.world
    wave = None
    for item in case.notice.items.filter(annex=False).select_related("finding"):
        finding = item.finding
        if finding.observable:
            if wave is None:
                wave = look(world.system_a, AFTER, case.letter, reason="recheck")
            Recheck.objects.create(finding=finding, kind="rescan", wave=wave, by=world.officer)
        else:
            rechecks.record_recheck(
                finding,
                kind="paper",
                result="passed",
                seen="已查阅日志平台截图。",
                by=world.officer,
            )
    rechecks.settle_rescans()
    for item in case.notice.items.filter(annex=False).select_related("finding"):
        rechecks.close(item.finding, by=world.approver)
    case.notice.refresh_from_db()
