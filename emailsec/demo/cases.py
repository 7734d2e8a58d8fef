"""The demonstration's cases, each brought to its point by the same actions that people use."""

import datetime as dt
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from stdnum.cn.uscc import calc_check_digit
from weasyprint import HTML

from accounts import actions as accounts
from accounts.models import Registration, User
from assessments import actions as selfchecks
from assessments.definitions import publish
from assessments.lifecycles import SELFCHECK
from assessments.models import Answer, AnswerChange, Campaign, SelfCheck
from assessments.sheets import content_digest, load_sheets
from emailsec.demo.answers import Ref, honest_answers
from emailsec.demo.clock import days_ago
from emailsec.demo.people import Stage, cast, logged_in
from emailsec.lib.uploads import check_upload
from emailsec.lib.workdays import today
from inbox.models import Message
from inventory.models import Unit
from rectification import actions as rectification
from rectification import rechecks
from rectification.candidates import candidates
from rectification.models import Finding, Notice, NoticeScan
from reports.actions import freeze_notice
from scans import actions as scanning
from scans.models import Observation, ScanRun, Wave
from scans.tasks import drain_due

Row = Mapping[str, Any]

QUESTIONNAIRE = settings.BASE_DIR / "assessments" / "questionnaires" / "2026-1.toml"


# Fields that count the people who have a mailbox.
PEOPLE_ASKED = (("U-207", "users"), ("U-207", "trained"), ("U-209", "users"), ("U-209", "signed"))
# When the campaign was published, in days before today, and how long units have for it.
PUBLISHED, ALLOWED = 45, 70


def play(stage: Stage) -> None:
    """Publish the campaign and bring every unit's case to the point that its story names."""
    rows = cast()["unit"]
    with days_ago(PUBLISHED):
        campaign = _campaign(stage)
    # The unit with twelve awkward domains is left to the worker: its tarpit would delay the start.
    late = [row for row in rows if row["story"] == "started"]
    early = [row for row in rows if row["domains"] and row not in late]
    for row in sorted(early, key=lambda row: -row["days"]["fill"]):
        with days_ago(row["days"]["fill"] + 1):
            _authorise(stage, row["key"])
    now = timezone.now()
    Wave.objects.filter(status=Wave.Status.OPEN).update(created_at=now, due_at=now)
    _look()
    for row in early:
        seen_days_ago(stage.units[row["key"]], row["days"]["fill"] + 1)
    for row in late:
        _authorise(stage, row["key"])
    # Day by day, so that numbers, messages and the audit trail follow the dates.
    checks = {c.unit_id: c for c in SelfCheck.objects.filter(campaign=campaign)}
    steps = [
        step for row in rows for step in _steps(stage, row, checks[stage.units[row["key"]].pk])
    ]
    steps.append((1, lambda: _apply(stage)))
    for ago, act in sorted(steps, key=lambda step: -step[0]):
        with days_ago(ago):
            act()


def _steps(stage: Stage, row: Row, selfcheck: SelfCheck) -> list[tuple[int, Callable[[], object]]]:
    """What happens in one unit's story: how many days ago, and what."""
    officer = stage.users["jia-chengban"]
    filler, signer = stage.fillers[row["key"]], stage.signers[row["key"]]
    acts: dict[str, Callable[[], object]] = {
        "fill": lambda: _fill_and_sign(stage, row, selfcheck),
        "review": lambda: _review(stage, row["story"], selfcheck),
        "notice": lambda: _serve(stage, selfcheck, signer),
        "reply": lambda: _reply(Notice.objects.get(unit=selfcheck.unit), filler),
        "close": lambda: _close(
            Notice.objects.get(unit=selfcheck.unit), officer, stage.users["jia-pizhun"]
        ),
    }
    return [(ago, acts[step]) for step, ago in row.get("days", {}).items()]


def _campaign(stage: Stage) -> Campaign:
    version, _ = publish(Path(QUESTIONNAIRE))
    campaign = Campaign.objects.create(
        office=stage.offices["province"],
        title=f"{today().year}年党政机关事业单位国有企业电子邮件系统安全专项检查",
        document_number=f"丙公网安〔{today().year}〕第8号",
        questionnaire=version,
        deadline=today() + dt.timedelta(days=ALLOWED),
    )
    selfchecks.publish_campaign(campaign, by=stage.users["sheng-chengban"])
    return campaign


@cache
def _page() -> bytes:
    """A one-page PDF that stands for any stamped scan or piece of evidence; rendered once."""
    page = "<h1>演示用扫描件</h1><p>代替加盖公章的纸质件或佐证材料。</p>"
    style = "<style>body{font-family:'Noto Sans CJK SC'}</style>"
    pdf: bytes = HTML(string=style + page).write_pdf()
    return pdf


def _paper(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, _page(), content_type="application/pdf")


def _apply(stage: Stage) -> None:
    """A unit that is not registered applies to be."""
    row = cast()["registration"]
    fields = {k: v for k, v in row.items() if k not in {"body", "office", "region", "sector"}}
    scan = _paper("统一社会信用代码证书.pdf")
    accounts.submit_registration(
        registration=Registration(
            **fields,
            uscc=row["body"] + calc_check_digit(row["body"]),
            nonce="demo",
            office=stage.offices[row["office"]],
            region_id=row["region"],
            sector_id=row["sector"],
        ),
        proof=accounts.Proof(file=scan, checked=check_upload(scan)),
    )


def _authorise(stage: Stage, key: str) -> None:
    filler, unit = stage.fillers[key], stage.units[key]
    for system in unit.systems.all():
        hosts = [e.host for e in system.endpoints.all()]
        for domain in system.domains.all():
            hosts += [domain.name, f"mx.{domain.name}", f"mail.{domain.name}"]
        letter = scanning.draft_authorization(
            system=system,
            by=filler,
            fields={
                "hosts": "\n".join(dict.fromkeys(hosts)),
                "items": "ordinary,smtp.relay",
                "valid_from": today(),
                "valid_to": today() + dt.timedelta(days=364),
                "signed_by": stage.signers[key].name,
                "contact_name": filler.name,
                "contact_phone": unit.contacts.get(role="liaison").mobile,
            },
        )
        scan = _paper("远程检测授权书（盖章）.pdf")
        scanning.file_authorization(letter=letter, scan=scan, by=filler)
        scanning.request_scan(system=system, by=filler)


def _look() -> None:
    """Carry out the queued looks and their second looks, if the practice range is running."""
    if not (settings.PRACTICE_RANGE_FILE and Path(settings.PRACTICE_RANGE_FILE).exists()):
        return
    until = time.monotonic() + 120
    while Wave.objects.filter(status=Wave.Status.OPEN).exists() and time.monotonic() < until:
        drain_due()
        time.sleep(0.3)


def seen_days_ago(unit: Unit, days: int) -> None:
    """Move a unit's looks back to the day before it filled in: hosts answer only in the present,
    so that the looks themselves cannot be played under the clock set back."""
    back = dt.timedelta(days=days)
    # The messages that told of the looks; nothing else leads to these pages yet.
    pages = [reverse("scans:system_view", args=[system.pk]) for system in unit.systems.all()]
    for rows, names in (
        (Wave.objects.filter(system__unit=unit), ("created_at", "due_at", "finished_at")),
        (
            ScanRun.objects.filter(wave__system__unit=unit),
            ("started_at", "finished_at", "ingested_at"),
        ),
        (Observation.objects.filter(wave__system__unit=unit), ("seen_at",)),
        (Message.objects.filter(url__in=pages), ("at",)),
    ):
        rows.update(**{name: F(name) - back for name in names})


def _likely(selfcheck: SelfCheck) -> dict[Ref, str]:
    """Plausible answers: those of the cast, and as many people as the systems have accounts."""
    users = sum(s.accounts_active or 0 for s in selfcheck.unit.systems.all())
    people = {(item, field): str(users) for item, field in PEOPLE_ASKED}
    return _refs(cast()["answers"]) | people


def _refs(values: Mapping[str, str]) -> dict[Ref, str]:
    """{"M-1002.days": "90"} as {("M-1002", "days"): "90"}."""
    return {(ref.split(".")[0], ref.split(".")[1]): value for ref, value in values.items()}


def _fill(selfcheck: SelfCheck, by: User, wanted: Mapping[Ref, str], *, part: float = 1.0) -> None:
    """Give the answers of an honest unit, `part` of each sheet, and the evidence asked for."""
    selfchecks.ensure_sheets(selfcheck)
    now, likely = timezone.now(), _likely(selfcheck)
    for sheet in load_sheets(selfcheck):
        given = list(honest_answers(sheet, wanted, likely).items())
        rows = [
            Answer(sheet=sheet.row, item=i, field=f, value=v, updated_by=by, updated_at=now)
            for (i, f), v in given[: int(len(given) * part)]
        ]
        Answer.objects.bulk_create(rows)
        AnswerChange.objects.bulk_create(
            AnswerChange(answer=a, value=a.value, version=1, source=a.source, by=by, at=now)
            for a in Answer.objects.filter(sheet=sheet.row)
        )
    if part < 1:
        return
    for sheet in load_sheets(selfcheck):
        for code, field in sheet.missing:
            if field == "evidence":
                item = sheet.definition.item(code)
                file = _paper(f"{code}佐证.pdf")
                selfchecks.add_evidence(sheet.row, item, file, by=by)


def _fill_and_sign(stage: Stage, row: Row, selfcheck: SelfCheck) -> None:
    filler, signer = stage.fillers[row["key"]], stage.signers[row["key"]]
    wanted = _refs(row.get("wanted", {}))
    logged_in(filler)
    selfchecks.ensure_sheets(selfcheck)
    SELFCHECK.move(selfcheck, "start", by=filler)
    if row["story"] in {"started", "filling"}:
        _fill(selfcheck, filler, wanted, part=0.6 if row["story"] == "filling" else 0.1)
        selfchecks.sync_contradictions(selfcheck)
        return
    _fill(selfcheck, filler, wanted)
    selfchecks.submit(selfcheck, by=filler)
    logged_in(signer)
    digest = content_digest(load_sheets(selfcheck))
    selfchecks.sign_online(selfcheck, digest=digest, by=signer)


def _review(stage: Stage, story: str, selfcheck: SelfCheck) -> None:
    officer = stage.users["jia-chengban"]
    if story == "returned":
        sheet = next(s for s in load_sheets(selfcheck) if s.row.system_id)
        item = sheet.definition.item("M-808")
        text = "请补充最近一次备份日志的截图，并写明备份保存地点。"
        selfchecks.add_remark(sheet.row, item, text, by=officer)
        selfchecks.return_to_unit(selfcheck, reason="", by=officer)
        return
    _decide(selfcheck, officer)
    selfchecks.accept(selfcheck, by=officer)


def _decide(selfcheck: SelfCheck, officer: User) -> None:
    for sheet in load_sheets(selfcheck):
        for rows in sheet.contradictions.values():
            for doubt in rows:
                if doubt.status in {"open", "explained"}:
                    selfchecks.decide_contradiction(
                        doubt, uphold=True, reason="两次观测一致，以观测为准。", by=officer
                    )


def _serve(stage: Stage, selfcheck: SelfCheck, signer: User) -> None:
    officer, approver = stage.users["jia-chengban"], stage.users["jia-pizhun"]
    keys = [c.key for c in candidates(selfcheck)]
    findings = rectification.confirm_findings(selfcheck, keys, by=officer)
    notice = rectification.draft_notice(
        selfcheck.unit, findings, deadline=today() + dt.timedelta(days=15), by=officer
    )
    rectification.check_notice(notice, by=stage.users["jia-shenhe"])
    rectification.approve_notice(notice, by=approver)
    freeze_notice(notice)
    scan = _paper("盖章通知书.pdf")
    rectification.add_scan(notice, NoticeScan.Kind.NOTICE, scan, by=officer)
    rectification.serve_notice(notice, by=officer)
    rectification.sign_notice(notice, received_by=signer.name, by=signer)


def _reply(notice: Notice, filler: User) -> None:
    for item in notice.items.filter(annex=False).select_related("finding"):
        rectification.reply(
            notice,
            item.finding,
            analysis="管理职责不够明确，日常检查不到位。",
            measures="已按整改要求调整配置、补齐制度，并安排专人每周核对。",
            responsible=filler.name,
            completed_on=today(),
            files=[_paper(f"{item.finding.number}整改佐证.pdf")],
            by=filler,
        )
        notice.refresh_from_db()


def _close(notice: Notice, officer: User, closer: User) -> None:
    for item in notice.items.filter(annex=False).select_related("finding"):
        finding = Finding.objects.get(pk=item.finding_id)
        rechecks.record_recheck(
            finding,
            kind="site" if finding.observable else "paper",
            result="passed",
            seen="已核对配置和整改佐证，与整改要求一致。",
            by=officer,
        )
        rechecks.close(finding, by=closer)
