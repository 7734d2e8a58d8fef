"""One full case a unit: a row of every kind that a page can be asked for, in every state that an
act starts from. Rows are written directly, so that a change of an action cannot shrink the walk.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import Model
from django.utils import timezone

from accounts.models import (
    ClientCertificate,
    FailureCount,
    Grant,
    Invitation,
    LoginSession,
    Membership,
    Registration,
    UnifiedIdentity,
    User,
)
from accounts.roles import Role
from assessments.models import (
    Answer,
    Campaign,
    Contradiction,
    Evidence,
    Questionnaire,
    ReviewRemark,
    SelfCheck,
    Sheet,
    SignOff,
)
from assessments.sheets import content_digest, load_sheets
from audit.trail import record
from emailsec.lib.workdays import today
from inbox.models import HandOver, Message
from inventory.models import (
    Delegation,
    ImportBatch,
    MailDomain,
    MailSystem,
    Office,
    SupervisionTransfer,
    Unit,
)
from rectification.candidates import candidates
from rectification.models import (
    Extension,
    Finding,
    FindingSource,
    Notice,
    NoticeItem,
    NoticeScan,
    Recheck,
    Reply,
    ReplyEvidence,
)
from reports import register
from reports.mapping import content_of
from reports.mapping.selfcheck import selfcheck_paper
from reports.models import Destruction, Document
from scans.models import Authorization, Observation, RunObservation, ScanRun, Verdict, Wave
from tests.files import pdf
from tests.world import make_office

# Another content than the one that the walk uploads: the same twice would be refused.
KEPT = pdf("kept")
KEPT_SHA256 = hashlib.sha256(KEPT).hexdigest()
ITEM, FIELD, SECTION, UNIT_SECTION = "M-301", "answer", "M3", "U2"


@dataclass
class Owner:
    """Whose case it is, and who acts in it."""

    slug: str
    unit: Unit
    system: MailSystem
    office: Office
    filler: User
    officer: User
    taker: Office  # to whom a hand-over of the unit is proposed


@dataclass
class Case:
    """The rows of one owner by name, and what must never be read by others.

    Attributes:
        judge: who approved its notices; holds nothing, a role was asked for.
        rows: name → row; the names are those of matrix.toml.
        marks: texts that occur in nothing but this owner's rows; in ASCII, so that they are found
            in an escaped or encoded text as well.
        digest: content digest of the sheet that awaits signature.
        candidate: key of a finding that the accepted sheet proposes.
    """

    owner: Owner
    judge: User
    rows: dict[str, Model] = field(default_factory=dict)
    marks: tuple[str, ...] = ()
    digest: str = ""
    candidate: str = ""

    @property
    def mark(self) -> str:
        """A word that stands in every free text of the case."""
        return f"密记{self.owner.slug}7319"


def build_case(owner: Owner, questionnaire: Questionnaire) -> Case:
    """Write the whole case of `owner`."""
    judge = User.objects.create(username=f"judge-{owner.slug}", name="判官")
    case = Case(owner, judge)
    _inventory(case)
    _scans(case)
    _selfchecks(case, questionnaire)
    _findings(case)
    _notices(case)
    _paper(case)
    case.rows["event"] = record("unit.update", owner.unit, by=owner.filler)
    case.marks = (f"{owner.slug}7319", owner.unit.uscc, owner.system.domains.get().name)
    case.digest = content_digest(load_sheets(case.rows["to_sign_check"]))
    case.candidate = candidates(case.rows["accepted_check"])[0].key
    return case


def _pdf(case: Case) -> ContentFile:
    return ContentFile(KEPT, name=f"{case.owner.slug}.pdf")


def _inventory(case: Case) -> None:
    owner, mark = case.owner, case.mark
    MailSystem.objects.filter(pk=owner.system.pk).update(name=f"{mark}系统", maker=mark)
    owner.system.refresh_from_db()
    # Neither name nor domain of the demonstration: the gallery and the hints on forms show those.
    owner.system.domains.update(name=f"walk-{owner.slug}.test")
    owner.unit.name = f"{mark}局"
    owner.unit.save()
    owner.unit.contacts.update(name=mark)
    batch = ImportBatch(
        by_id=owner.officer.pk,
        by_label=owner.officer.label,
        office=owner.office,
        file_name=f"{mark}.xlsx",
        sha256="0" * 64,
    )
    batch.file.save("x.xlsx", ContentFile(b"PK"))
    Invitation.objects.create(
        user=owner.filler,
        digest=owner.slug,
        inviter=mark,
        expires_at=timezone.now() + dt.timedelta(days=7),
    )
    asks = Registration.objects.create(
        receipt=owner.slug,
        nonce=owner.slug,
        office=owner.office,
        name=f"{mark}新单位",
        uscc=f"NEW{owner.slug}",
        kind="government",
        affiliation=owner.unit.affiliation,
        sector=owner.unit.sector,
        region=owner.unit.region,
        contact_name=mark,
        contact_phone="0000-1234567",
        proof_name=f"{mark}.pdf",
        proof_kind="pdf",
        proof_sha256=hashlib.sha256(KEPT).hexdigest(),
    )
    asks.proof.save("x.pdf", _pdf(case))
    asked = Membership.objects.create(
        user=case.judge, role=Role.CHECKER, office=owner.office, active=False
    )
    handover = HandOver.objects.create(
        giver=case.judge,
        taker=owner.filler,
        unit=owner.unit,
        roles="填报人",
        reason=mark,
        by=owner.officer,
    )
    case.rows |= {
        "handover": handover,
        "registration": asks,
        "other_office": asks.offices()[0],
        "transfer": SupervisionTransfer.objects.create(
            unit=owner.unit,
            kind=owner.office.kind,
            from_office=owner.office,
            to_office=owner.taker,
            region=owner.taker.region,
            reason=mark,
        ),
        "delegation": Delegation.objects.create(
            unit=owner.unit, office=owner.taker, until=today() + dt.timedelta(days=9), reason=mark
        ),
        "unit": owner.unit,
        "office": owner.office,
        "empty_office": make_office(f"空置机关{owner.slug}", owner.unit.region),
        "retired_office": make_office(
            f"停用机关{owner.slug}", owner.unit.region, retired_on=today()
        ),
        "system": owner.system,
        "batch": batch,
        "person": owner.filler,
        "identity": UnifiedIdentity.objects.create(
            user=owner.filler, issuer="https://id.test", subject=owner.slug, name=owner.slug
        ),
        # Not confirmed, or the 填报人 would be asked for it before every page.
        "certificate": ClientCertificate.objects.create(
            user=owner.filler,
            name=mark,
            confirmed=False,
            digest=owner.slug,
            subject=mark,
            not_after=timezone.now() + dt.timedelta(days=365),
        ),
        "lock": FailureCount.objects.create(
            subject=owner.slug, user=owner.filler, locked_until=timezone.now()
        ),
        "login": LoginSession.objects.create(user=owner.filler, browser=mark),
        "grant": Grant.objects.create(membership=asked, requested_by=owner.officer, reason=mark),
        "message": Message.objects.create(recipient=owner.filler, title=mark, body=mark, url="/"),
    }


def _scans(case: Case) -> None:
    system, now = case.owner.system, timezone.now()
    domain: MailDomain = system.domains.get()
    letter = {
        "system": system,
        "hosts": domain.name,
        "valid_from": today(),
        "valid_to": today() + dt.timedelta(days=90),
        "signed_by": case.mark,
        "contact_name": case.mark,
        "contact_phone": "0000-1234567",
        "created_by": case.owner.filler,
    }
    filed = Authorization.objects.create(
        **letter,
        status="filed",
        scan=_pdf(case),
        scan_name=f"{case.mark}.pdf",
        scan_sha256=KEPT_SHA256,
        filed_at=now,
        filed_by=case.owner.filler,
    )
    wave = Wave.objects.create(
        system=system,
        reason="schedule",
        status="done",
        due_at=now,
        finished_at=now,
        authorization=filed,
    )
    run = ScanRun.objects.create(
        wave=wave, domain=domain, status="done", started_at=now, finished_at=now, ingested_at=now
    )
    line = f"* CAPABILITY IMAP4rev1 {case.mark}"
    seen = Observation.objects.create(
        wave=wave,
        name="imap.capability",
        host=f"imap.{domain.name}",
        address="192.0.2.10",
        port=143,
        outcome="observed",
        value={"line": line},
        transcript=[{"at": 0, "from": "server", "text": line}],
        seen_at=now,
    )
    RunObservation.objects.create(run=run, observation=seen)
    verdict = Verdict.objects.create(
        run=run,
        rule="imap.plain_login",
        rule_version="2026-1",
        result="nonconforming",
        params={"offenders": [{"host": seen.host, "line": line}]},
        text=f"{domain.name} 明文登录 {case.mark}",
        confirmed=True,
    )
    case.rows |= {
        "letter": filed,
        "draft_letter": Authorization.objects.create(**letter),
        "wave": wave,
        "observation": seen,
        "verdict": verdict,
    }


def _selfchecks(case: Case, questionnaire: Questionnaire) -> None:
    owner = case.owner
    for name, status in (
        ("not_started", "not_started"),
        ("filling", "filling"),
        ("to_sign", "to_sign"),
        ("to_review", "to_review"),
        ("accepted", "accepted"),
        ("ready", "to_review"),
    ):
        campaign = Campaign.objects.create(
            office=owner.office,
            title=f"{case.mark}{name}检查",
            questionnaire=questionnaire,
            status="published",
            deadline=today() + dt.timedelta(days=20),
        )
        check = SelfCheck.objects.create(
            campaign=campaign,
            unit=owner.unit,
            questionnaire=questionnaire,
            status=status,
            submitted_on=None if status in {"not_started", "filling"} else today(),
        )
        case.rows |= {"campaign": campaign, f"{name}_check": check}
        _sheets(case, check, name)
    for name, status in (("overdue", "published"), ("closed", "closed")):
        campaign = Campaign.objects.create(
            office=owner.office,
            title=f"{case.mark}{name}检查",
            questionnaire=questionnaire,
            status=status,
            deadline=today() - dt.timedelta(days=3),
        )
        SelfCheck.objects.create(campaign=campaign, unit=owner.unit, questionnaire=questionnaire)
        case.rows[f"{name}_campaign"] = campaign
    case.rows["draft_campaign"] = Campaign.objects.create(
        office=owner.office,
        title=f"{case.mark}草稿",
        questionnaire=questionnaire,
        deadline=today() + dt.timedelta(days=20),
    )


def _sheets(case: Case, check: SelfCheck, name: str) -> None:
    owner, mark, now = case.owner, case.mark, timezone.now()
    Sheet.objects.create(selfcheck=check)
    sheet = Sheet.objects.create(selfcheck=check, kind="system", system=owner.system)
    Answer.objects.create(
        sheet=sheet, item=ITEM, field="note", value=mark, updated_by=owner.filler, updated_at=now
    )
    case.rows[f"{name}_sheet"] = sheet
    if name == "accepted":
        _nonconforming(case, sheet)
    case.rows[f"{name}_evidence"] = Evidence.objects.create(
        sheet=sheet,
        item=ITEM,
        file=_pdf(case),
        name=f"{mark}.pdf",
        kind="pdf",
        size=len(KEPT),
        sha256=KEPT_SHA256,
        uploaded_by=owner.filler,
    )
    if name == "ready":  # nothing stands in the way of its acceptance
        return
    case.rows[f"{name}_doubt"] = Contradiction.objects.create(
        sheet=sheet,
        item="M-504",
        verdict=case.rows["verdict"],
        rule="imap.plain_login",
        domain=owner.system.domains.get().name,
        said=mark,
        seen=mark,
    )
    case.rows[f"{name}_remark"] = ReviewRemark.objects.create(
        sheet=sheet,
        item=ITEM,
        text=mark,
        by=owner.officer,
        sent_at=now if name == "filling" else None,
    )
    case.rows[f"{name}_signoff"] = SignOff.objects.create(
        selfcheck=check,
        method="stamped",
        digest="0" * 64,
        scan=_pdf(case),
        scan_name=f"{mark}.pdf",
        scan_sha256=KEPT_SHA256,
        by=owner.filler,
    )


def _nonconforming(case: Case, sheet: Sheet) -> None:
    Answer.objects.create(
        sheet=sheet,
        item=ITEM,
        field=FIELD,
        value="no",
        updated_by=case.owner.filler,
        updated_at=timezone.now(),
    )


def _findings(case: Case) -> None:
    owner = case.owner
    status = {
        "open": "open",
        "spare": "open",
        "drafted": "open",
        "checked": "open",
        "approved": "open",
        "served": "notified",
        "rectifying": "rectifying",
        "to_recheck": "to_recheck",
        "seen": "to_recheck",
        "closed": "closed",
    }
    for n, name in enumerate(status, start=1):
        found = Finding.objects.create(
            number=f"{case.mark}-{n}",
            unit=owner.unit,
            system=owner.system,
            cause=f"cause-{name}",
            title=case.mark,
            severity="high",
            ground="statute",
            basis=case.mark,
            status=status[name],
            confirmed_by=owner.officer,
            due_on=today() + dt.timedelta(days=15),
        )
        FindingSource.objects.create(
            finding=found,
            kind="answer",
            sheet=case.rows["accepted_sheet"],
            item=ITEM,
            said=case.mark,
            at=timezone.now(),
        )
        case.rows[f"{name}_finding"] = found
    FindingSource.objects.create(
        finding=case.rows["seen_finding"],
        kind="verdict",
        verdict=case.rows["verdict"],
        rule="imap.plain_login",
        domain=owner.system.domains.get().name,
        seen=case.mark,
        at=timezone.now(),
    )
    # A look has passed: whoever may close can.
    case.rows["recheck"] = Recheck.objects.create(
        finding=case.rows["to_recheck_finding"],
        kind="rescan",
        result="passed",
        seen=case.mark,
        by=owner.officer,
        finished_at=timezone.now(),
    )


def _notices(case: Case) -> None:
    owner, day = case.owner, today()
    for n, (name, finding) in enumerate(
        (
            ("drafted", "drafted"),
            ("checked", "checked"),
            ("approved", "approved"),
            ("served", "served"),
            ("signed", "rectifying"),
            ("replied", "to_recheck"),
            ("seen", "seen"),
        ),
        start=1,
    ):
        numbered = name not in {"drafted", "checked"}
        notice = Notice.objects.create(
            office=owner.office,
            unit=owner.unit,
            status="replied" if name == "seen" else name,
            number=f"{case.mark}〔2026〕{n}号" if numbered else "",
            sequence=9000 + n if numbered else None,
            year=day.year if numbered else None,
            deadline=day + dt.timedelta(days=15),
            original_deadline=day + dt.timedelta(days=15),
            drafted_by=owner.officer,
            approved_by=case.judge if numbered else None,
            approved_on=day if numbered else None,
            served_on=day if name in {"served", "signed", "replied", "seen"} else None,
        )
        NoticeItem.objects.create(notice=notice, finding=case.rows[f"{finding}_finding"], order=1)
        case.rows[f"{name}_notice"] = notice
        for kind in ("notice", "receipt", "report"):
            case.rows[f"{name}_{kind}_scan"] = NoticeScan.objects.create(
                notice=notice,
                kind=kind,
                file=_pdf(case),
                name=f"{case.mark}.pdf",
                sha256=KEPT_SHA256,
                by=owner.officer,
            )
    reply = Reply.objects.create(
        notice=case.rows["replied_notice"],
        finding=case.rows["to_recheck_finding"],
        analysis=case.mark,
        measures=case.mark,
        responsible=case.mark,
        completed_on=day,
        by=owner.filler,
    )
    case.rows |= {
        "reply": reply,
        "reply_evidence": ReplyEvidence.objects.create(
            reply=reply, file=_pdf(case), name=f"{case.mark}.pdf", sha256=KEPT_SHA256
        ),
        "extension": Extension.objects.create(
            notice=case.rows["signed_notice"],
            until=day + dt.timedelta(days=25),
            reason=case.mark,
            interim=case.mark,
            asked_by=owner.filler,
        ),
    }


def _paper(case: Case) -> None:
    links: dict[str, dict[str, Any]] = {
        "notice": {"notice": case.rows["served_notice"]},
        "notice_file": {"notice": case.rows["served_notice"]},
        "unserved_notice": {"notice": case.rows["approved_notice"]},
        "report": {"notice": case.rows["replied_notice"]},
        "sheet": {"selfcheck": case.rows["accepted_check"], "content": _content(case)},
        "authorization": {"authorization": case.rows["letter"]},
    }
    for n, (name, link) in enumerate(links.items()):
        case.rows[f"{name}_document"] = Document.objects.create(
            kind=name.removeprefix("unserved_"),
            unit=case.owner.unit,
            title=case.mark,
            number=f"第{n}号",
            issuer=case.owner.office.name,
            issued_on=today(),
            verification_code=f"{case.owner.slug.upper():A<4}"[:4] + f"-7319-000{n}",
            file=_pdf(case),
            sha256=KEPT_SHA256,
            pages=1,
            **link,
        )
    listed = Destruction.objects.create(office=case.owner.office, proposed_by=case.owner.officer)
    listed.files.create(
        kind="evidence",
        object_id=case.owner.unit.pk,
        place=case.mark,
        name=f"{case.mark}.pdf",
        sha256=KEPT_SHA256,
        size=len(KEPT),
        ended_on=today(),
        path=f"{case.owner.slug}.pdf",
    )
    case.rows["destruction"] = listed


def _content(case: Case) -> str:
    """The digest by which a second print finds the first, so that nothing is typeset here."""
    made = selfcheck_paper(
        case.rows["accepted_check"],
        serial="",
        printed_at=timezone.now(),
        verification=register.new_verification(),
    )
    return content_of(made)
