"""The demonstration's cases, each brought to its point by the same actions that people use."""

import datetime as dt
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.utils import timezone
from weasyprint import HTML

from accounts.models import User
from assessments import actions as selfchecks
from assessments.definitions import publish
from assessments.lifecycles import SELFCHECK
from assessments.models import Answer, AnswerChange, Campaign, SelfCheck
from assessments.sheets import content_digest, load_sheets
from emailsec.demo.answers import honest_answers
from emailsec.demo.people import Stage, cast, never_logged_in_but
from emailsec.lib.workdays import today
from rectification import actions as rectification
from rectification import rechecks
from rectification.candidates import candidates
from rectification.models import Finding, Notice, NoticeScan
from reports.actions import freeze_notice
from scans import actions as scanning
from scans.models import Wave
from scans.tasks import drain_due

QUESTIONNAIRE = settings.BASE_DIR / "assessments" / "questionnaires" / "2026-1.toml"


def play(stage: Stage) -> None:
    """Publish the campaign and bring every unit's case to the point that its story names."""
    campaign = _campaign(stage)
    rows = {row["key"]: row for row in cast()["unit"]}
    never_logged_in_but(
        [u for key, u in stage.fillers.items() if rows[key]["story"] != "not_started"]
    )
    # The unit with twelve awkward domains is left to the worker: its tarpit would delay the start.
    later = [key for key, row in rows.items() if row["story"] == "started"]
    for key, row in rows.items():
        if row["domains"] and row["story"] != "not_started" and key not in later:
            _authorise(stage, key)
    _look()
    for key in later:
        _authorise(stage, key)
    for key, row in rows.items():
        selfcheck = SelfCheck.objects.get(campaign=campaign, unit=stage.units[key])
        wanted = {
            (ref.split(".")[0], ref.split(".")[1]): value
            for ref, value in row.get("wanted", {}).items()
        }
        _play_one(stage, key, row["story"], selfcheck, wanted)


def _campaign(stage: Stage) -> Campaign:
    version, _ = publish(Path(QUESTIONNAIRE))
    campaign = Campaign.objects.create(
        office=stage.offices["province"],
        title=f"{today().year}年党政机关事业单位国有企业电子邮件系统安全专项检查",
        document_number=f"丙公网安〔{today().year}〕第8号",
        questionnaire=version,
        deadline=today() + dt.timedelta(days=25),
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
                "signed_by": "刘某",
                "contact_name": "徐某",
                "contact_phone": "13900000000",
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


def _fill(
    selfcheck: SelfCheck, by: User, wanted: Mapping[tuple[str, str], str], *, part: float = 1.0
) -> None:
    """Give the answers of an honest unit, `part` of each sheet, and the evidence asked for."""
    selfchecks.ensure_sheets(selfcheck)
    now = timezone.now()
    for sheet in load_sheets(selfcheck):
        given = list(honest_answers(sheet, wanted).items())
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


def _play_one(
    stage: Stage,
    key: str,
    story: str,
    selfcheck: SelfCheck,
    wanted: Mapping[tuple[str, str], str],
) -> None:
    if story == "not_started":
        return
    filler = stage.fillers[key]
    selfchecks.ensure_sheets(selfcheck)
    SELFCHECK.move(selfcheck, "start", by=filler)
    if story in {"started", "filling"}:
        _fill(selfcheck, filler, wanted, part=0.6 if story == "filling" else 0.1)
        selfchecks.sync_contradictions(selfcheck)
        return
    _fill(selfcheck, filler, wanted)
    selfchecks.submit(selfcheck, by=filler)
    digest = content_digest(load_sheets(selfcheck))
    selfchecks.sign_online(selfcheck, digest=digest, by=stage.signers[key])
    if story == "to_review":
        return
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
    if story != "accepted":
        _rectify(stage, key, story, selfcheck)


def _decide(selfcheck: SelfCheck, officer: User) -> None:
    for sheet in load_sheets(selfcheck):
        for rows in sheet.contradictions.values():
            for doubt in rows:
                if doubt.status in {"open", "explained"}:
                    selfchecks.decide_contradiction(
                        doubt, uphold=True, reason="两次观测一致，以观测为准。", by=officer
                    )


def _rectify(stage: Stage, key: str, story: str, selfcheck: SelfCheck) -> None:
    officer, approver = stage.users["jia-chengban"], stage.users["jia-pizhun"]
    filler, signer = stage.fillers[key], stage.signers[key]
    keys = [c.key for c in candidates(selfcheck)]
    findings = rectification.confirm_findings(selfcheck, keys, by=officer)
    notice = rectification.draft_notice(
        selfcheck.unit, findings, deadline=today() + dt.timedelta(days=15), by=officer
    )
    rectification.approve_notice(notice, by=approver)
    _freeze(notice)
    scan = _paper("盖章通知书.pdf")
    rectification.add_scan(notice, NoticeScan.Kind.NOTICE, scan, by=officer)
    rectification.serve_notice(notice, by=officer)
    rectification.sign_notice(notice, received_by="刘某", by=signer)
    if story == "overdue":
        _shift_back(notice, days=23)
        return
    for item in notice.items.filter(annex=False).select_related("finding"):
        rectification.reply(
            notice,
            item.finding,
            analysis="管理职责不够明确，日常检查不到位。",
            measures="已按整改要求调整配置、补齐制度，并安排专人每周核对。",
            responsible="徐某",
            completed_on=today(),
            files=[_paper(f"{item.finding.number}整改佐证.pdf")],
            by=filler,
        )
        notice.refresh_from_db()
    if story == "closed":
        for item in notice.items.filter(annex=False).select_related("finding"):
            finding = Finding.objects.get(pk=item.finding_id)
            rechecks.record_recheck(
                finding,
                kind="paper",
                result="passed",
                seen="已核对整改佐证，材料齐全，与整改要求一致。",
                by=officer,
            )
            rechecks.close(finding, by=officer)


def _freeze(notice: Notice) -> None:
    freeze_notice(notice)


def _shift_back(notice: Notice, *, days: int) -> None:
    """Move a case into the past, so that the demonstration has one that is overdue."""
    back = dt.timedelta(days=days)
    for name in ("deadline", "original_deadline", "approved_on", "served_on", "received_on"):
        setattr(notice, name, getattr(notice, name) - back)
    notice.created_at -= back
    notice.save()
    notice.changes.update(at=F("at") - back)
    Finding.objects.filter(notice_items__notice=notice, due_on__isnull=False).update(
        due_on=notice.deadline
    )
