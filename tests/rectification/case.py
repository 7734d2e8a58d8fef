"""One case brought to any point: an accepted self-check, looks as rows, findings, a notice.

What the scanner would have written stands here directly as rows: no sockets.
"""

import datetime as dt
from collections.abc import Mapping

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from assessments import actions as selfchecks
from assessments.models import SelfCheck
from assessments.sheets import content_digest, load_sheets
from emailsec.lib.workdays import today
from inventory.models import MailSystem
from rectification import actions, rechecks
from rectification.candidates import candidates
from rectification.models import Finding, Notice, NoticeScan
from reports.models import Document
from scans.models import Authorization, Observation, RunObservation, ScanRun, Verdict, Wave
from tests import files
from tests.files import PDF, PDF_SHA256
from tests.filled import complete_inventory, fill, open_selfcheck
from tests.world import World

# Said: nobody is responsible (statute), plain login is possible (等保, seen as well). DMARC is said
# to be enforced and seen not to be (advice only): a 疑点 that the reviewer upholds.
SAID = {("U-201", "answer"): "no", ("M-504", "answer"): "no"}
SEEN = {"dmarc.policy": "nonconforming", "imap.plain_login": "nonconforming"}
LINES = {
    "dmarc.policy": ("dns.dmarc", "_dmarc.jia.gov.test", "", 0, "（无 TXT 记录）"),
    "imap.plain_login": (
        "imap.capability",
        "imap.jia.gov.test",
        "127.77.1.10",
        143,
        "* CAPABILITY IMAP4rev1 AUTH=PLAIN",
    ),
}
REPAIRED = {
    "dmarc.policy": "v=DMARC1; p=quarantine; rua=mailto:d@jia.gov.test",
    "imap.plain_login": "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED",
}


def pdf(name: str = "盖章件.pdf", *, copy: int = 0) -> SimpleUploadedFile:
    """A PDF; another `copy` has another content."""
    content = files.pdf(f"copy {copy}") if copy else PDF
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def look(
    system: MailSystem,
    results: Mapping[str, str],
    *,
    confirmed: bool = True,
    reason: str = Wave.Reason.SCHEDULE,
    confirms: Wave | None = None,
    wave: Wave | None = None,
    status: str = Wave.Status.DONE,
) -> Wave:
    """A look at a system as rows: rule → result, each with the line that it rests on."""
    now = timezone.now()
    if wave is None:
        wave = Wave.objects.create(
            system=system, reason=reason, confirms=confirms, due_at=now, status=status
        )
    Wave.objects.filter(pk=wave.pk).update(status=status, finished_at=now)
    wave.refresh_from_db()
    if status != Wave.Status.DONE:
        return wave
    domain = system.domains.get()
    run, _ = ScanRun.objects.get_or_create(
        wave=wave, domain=domain, defaults={"status": "done", "started_at": now}
    )
    run.status, run.finished_at = "done", now
    run.save()
    for rule, result in results.items():
        name, host, address, port, bad = LINES[rule]
        line = bad if result == "nonconforming" else REPAIRED[rule]
        row = Observation.objects.create(
            wave=wave,
            name=name,
            host=host,
            address=address,
            port=port,
            outcome="timeout" if result == "unknown" else "observed",
            seen_at=now,
        )
        RunObservation.objects.create(run=run, observation=row)
        key = {"nonconforming": "offenders", "unknown": "unknown"}.get(result, "good")
        entry = {"observation": name, "host": host, "address": address, "port": port, "line": line}
        if result == "unknown":
            entry["kind"] = "timeout"
        Verdict.objects.create(
            run=run,
            rule=rule,
            rule_version="1",
            result=result,
            params={key: [entry]},
            text=f"{rule}：{result}。",
            confirmed=confirmed and result == "nonconforming",
        )
    return wave


def file_letter(system: MailSystem) -> Authorization:
    """A filed letter of authorisation in force."""
    letter = Authorization(
        system=system,
        status="filed",
        hosts="\n".join(d.name for d in system.domains.all()),
        valid_from=today(),
        valid_to=today() + dt.timedelta(days=90),
        signed_by="张局长",
        contact_name="李值班",
        contact_phone="13900000001",
        scan_name="授权书.pdf",
        scan_sha256=PDF_SHA256,
        filed_at=timezone.now(),
    )
    letter.scan.save("letter.pdf", ContentFile(PDF), save=False)
    letter.save()
    return letter


def accepted(world: World, said: Mapping = SAID, seen: Mapping = SEEN) -> SelfCheck:
    """The accepted self-check of 甲单位, with answers and verdicts that do not conform."""
    complete_inventory(world.unit_a)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    if seen:
        look(world.system_a, seen)
    fill(selfcheck, world.filler, said)
    selfchecks.submit(selfcheck, by=world.filler)
    digest = content_digest(load_sheets(selfcheck))
    selfchecks.sign_online(selfcheck, digest=digest, by=world.signer)
    for sheet in load_sheets(selfcheck):
        for rows in sheet.contradictions.values():
            for doubt in rows:
                selfchecks.decide_contradiction(doubt, uphold=True, reason="", by=world.officer)
    selfchecks.accept(selfcheck, by=world.officer)
    return selfcheck


def confirmed(world: World, selfcheck: SelfCheck | None = None) -> list[Finding]:
    """All that the review proposes, confirmed."""
    selfcheck = selfcheck or accepted(world)
    keys = [c.key for c in candidates(selfcheck)]
    return actions.confirm_findings(selfcheck, keys, by=world.officer)


def plain_finding(world: World, cause: str = "no-rulebook", **more) -> Finding:
    """A finding without a self-check behind it, for what does not ask where it came from."""
    from rectification.numbers import finding_number

    fields = {
        "number": finding_number(today().year),
        "unit": world.unit_a,
        "cause": cause,
        "title": "没有邮件系统安全管理制度",
        "severity": "medium",
        "ground": "statute",
        "basis": "《网络安全法》第二十三条",
        "confirmed_by": world.officer,
    }
    return Finding.objects.create(**fields | more)


def drafted(world: World, findings=None, *, days: int = 15, **more) -> Notice:
    findings = findings if findings is not None else [plain_finding(world)]
    return actions.draft_notice(
        world.unit_a,
        findings,
        deadline=today() + dt.timedelta(days=days),
        by=world.officer,
        **more,
    )


def paper(notice: Notice) -> Document:
    """The rendered paper, as the task of `reports` would register it."""
    document = Document(
        kind="notice",
        unit=notice.unit,
        notice=notice,
        title=f"限期整改通知书 {notice.number}",
        number=notice.number,
        issuer=str(notice.office),
        issued_on=notice.approved_on,
        verification_code=f"CODE-{notice.pk}",
        sha256=PDF_SHA256,
        pages=2,
    )
    document.file.save("notice.pdf", ContentFile(PDF), save=False)
    document.save()
    return document


def approved(world: World, notice: Notice | None = None, **more) -> Notice:
    notice = notice or drafted(world, **more)
    actions.approve_notice(notice, by=world.approver)
    paper(notice)
    return notice


def served(world: World, notice: Notice | None = None, **more) -> Notice:
    notice = approved(world, notice, **more)
    actions.add_scan(notice, NoticeScan.Kind.NOTICE, pdf(), by=world.officer)
    actions.serve_notice(notice, by=world.officer)
    return notice


def signed(world: World, notice: Notice | None = None, **more) -> Notice:
    notice = served(world, notice, **more)
    actions.sign_notice(notice, received_by="刘某", by=world.signer)
    return notice


def answer(world: World, notice: Notice, finding: Finding, **more) -> None:
    """The unit's reply to one finding."""
    finding.refresh_from_db()
    fields = {
        "analysis": "职责不清。",
        "measures": "已制定制度并印发。",
        "responsible": "王某",
        "completed_on": today(),
        "files": [pdf("佐证.pdf")],
    }
    actions.reply(notice, finding, by=world.filler, **fields | more)


def replied(world: World, notice: Notice | None = None, **more) -> Notice:
    notice = signed(world, notice, **more)
    for item in notice.items.filter(annex=False).select_related("finding"):
        answer(world, notice, item.finding)
    notice.refresh_from_db()
    return notice


def passed(world: World, finding: Finding, **more) -> None:
    finding.refresh_from_db()
    kind = "site" if finding.observable else "paper"
    fields = {"kind": kind, "result": "passed", "seen": "已核对制度文本。"}
    rechecks.record_recheck(finding, by=world.officer, **fields | more)


def closed_finding(world: World) -> Finding:
    """A finding that a whole case brought to 销号."""
    replied(world)
    finding = Finding.objects.get()
    passed(world, finding)
    rechecks.close(finding, by=world.approver)
    return finding


def promoted(world: World) -> None:
    """Let the drafter, 承办人 no longer, check and approve: what was drafted stays theirs."""
    world.officer.memberships.update(active=False)
    for role in ("checker", "approver"):
        world.officer.memberships.create(role=role, office=world.city_a)
    world.officer.__dict__.pop("_memberships", None)
