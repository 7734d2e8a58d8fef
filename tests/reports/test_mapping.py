"""From rows to the contexts of paper: the notice, the 整改报告 and the 自查表 of one real case."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from assessments.models import SelfCheck
from assessments.sheets import content_digest, load_sheets
from emailsec.lib.words import cn_date
from emailsec.lib.workdays import today
from rectification import actions
from rectification.candidates import candidates
from rectification.models import Extension, Finding, FindingSource
from reports import register
from reports.actions import freeze_notice, write_report_words
from reports.mapping import Incomplete, content_of
from reports.mapping.findings import found_by, of_verdict
from reports.mapping.notice import notice_paper
from reports.mapping.parties import liaison_of, office_of, unit_of
from reports.mapping.rectification_report import report_paper
from reports.mapping.selfcheck import selfcheck_paper
from reports.paper import contexts as paper
from reports.paper import documents
from scans.models import Verdict
from tests.reports import case as cases

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
CODE = paper.Verification(code="7F3K-92QM-4TXB", url="http://example.test/")


@pytest.fixture
def case(world):
    return cases.approved(world)


def printed(case):
    return notice_paper(case.notice, CODE)


def by_cause(case, cause):
    number = Finding.objects.get(cause=cause).number
    made = printed(case)
    return next(f for f in made.findings + made.advice if f.number == number)


def test_office_and_unit_are_named_as_they_sign(world):
    office = office_of(world.city_a, contact="officer")
    assert (office.name, office.department) == ("甲市公安局", "网安支队")
    kinds = {
        "party": "party",
        "government": "government",
        "institution": "institution",
        "soe": "enterprise",
        "assembly": "other_organ",
        "other": "other",
    }
    for ours, theirs in kinds.items():
        world.unit_a.kind = ours
        assert unit_of(world.unit_a).kind == theirs


def test_the_liaison_is_whoever_can_be_reached(world):
    assert liaison_of(world.unit_a) == ("甲联络", "13900000001")
    world.unit_a.contacts.all().delete()
    assert liaison_of(world.unit_a) == ("", "")


def test_a_notice_prints_its_findings_in_order_and_the_rest_as_advice(case):
    made = printed(case)
    items = list(case.notice.items.select_related("finding"))
    assert [f.number for f in made.findings] == [i.finding.number for i in items if not i.annex]
    assert [f.number for f in made.advice] == [i.finding.number for i in items if i.annex]
    assert made.findings
    assert made.number == case.notice.number == f"甲公网安限字〔{today().year}〕第1号"
    assert (made.issued_on, made.deadline) == (today(), case.notice.deadline)
    assert made.unit.name == case.world.unit_a.name
    assert all(f.ground in paper.BINDING_GROUNDS for f in made.findings)
    assert not any(f.ground in paper.BINDING_GROUNDS for f in made.advice)


def test_a_line_seen_on_several_ports_is_printed_once_with_all_of_them(world):
    line = "CN=mx.jia.gov.test; 2025-01-01 – 2026-01-01"
    rows = [("cert.valid", "nonconforming", "cert", "mx", 25, line)]
    wave = cases.look(world.system_a, rows)
    verdict = Verdict.objects.get(run__wave=wave)
    [first] = verdict.params["offenders"]
    verdict.params["offenders"] = [
        first,
        {**first, "port": 465},
        {**first, "host": "pop.jia.gov.test", "address": "192.0.2.11", "port": 995},
        {**first, "port": 587, "line": "另一张证书"},
    ]
    verdict.text = f"证书已过期：{line}"
    together, other = of_verdict(verdict)
    assert together.line == line
    assert together.address == (
        "mx.jia.gov.test [192.0.2.10]:25、465；pop.jia.gov.test [192.0.2.11]:995"
    )
    assert together.summary == "证书已过期"
    assert (other.line, other.summary) == ("另一张证书", "")


def test_a_contradiction_prints_what_was_said_and_the_line_seen(case):
    login = by_cause(case, "plaintext-login")
    assert login.found_by == paper.FoundBy.CONTRADICTION
    assert "M-504" in {said.code for said in login.said}
    [seen] = login.seen
    assert seen.line == cases.IMAP_BEFORE
    assert seen.address == "imap.jia.gov.test [192.0.2.10]:143"
    assert timezone.now() - seen.at > dt.timedelta(days=1)
    assert "不符合" in seen.summary


def test_an_answer_alone_prints_no_observation(case):
    logs = next(f for f in printed(case).findings if "M-1002" in {s.code for s in f.said})
    assert logs.found_by == paper.FoundBy.SELF_CHECK
    assert logs.seen == ()
    assert "90" in next(s.answer for s in logs.said if s.code == "M-1002")
    assert logs.said[0].on == case.selfcheck.submitted_on


def test_page_and_paper_name_the_day_on_which_the_unit_handed_in(case, client):
    """Of a 疑点 too, whose own moment is that of the observation."""
    day = case.selfcheck.submitted_on - dt.timedelta(days=1)
    SelfCheck.objects.filter(pk=case.selfcheck.pk).update(submitted_on=day)
    assert {said.on for said in by_cause(case, "plaintext-login").said} == {day}
    client.force_login(case.world.officer)
    finding = Finding.objects.get(cause="plaintext-login")
    seen_on = finding.sources.get(kind="contradiction").at.date()
    assert seen_on != day
    page = client.get(reverse("rectification:finding_detail", args=[finding.pk]))
    assert f"{cn_date(day)}填报" in page.content.decode()
    assert f"{cn_date(seen_on)}填报" not in page.content.decode()
    sources = [s for c in candidates(case.selfcheck) for s in c.sources]
    assert {source.said_on for source in sources if source.said} == {day}


def kinds(*names):
    return [FindingSource(kind=name) for name in names]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["answer"], "self_check"),
        (["verdict"], "probe"),
        (["answer", "verdict"], "both"),
        (["contradiction"], "contradiction"),
        (["answer", "verdict", "contradiction"], "contradiction"),
    ],
)
def test_how_a_finding_was_found_is_told_truly(sources, expected):
    finding = Finding(pk=1)
    finding._prefetched_objects_cache = {"sources": kinds(*sources)}
    assert found_by(finding) == expected


def test_the_probe_names_its_days_and_its_letter(case):
    made = printed(case)
    assert made.probe.authorization_number == case.letter.number
    day = today() - dt.timedelta(days=2)
    assert (made.probe.first_day, made.probe.last_day) == (day, day)
    assert made.selfcheck.submitted_on == case.selfcheck.submitted_on


def test_the_offices_copies_name_the_people(case):
    file = printed(case).file
    assert (file.handlers, file.checker, file.approver) == (("officer",), "checker", "approver")


def test_a_notice_without_number_or_basis_has_no_paper(case):
    finding = case.notice.items.filter(annex=False).first().finding
    Finding.objects.filter(pk=finding.pk).update(basis="")
    with pytest.raises(Incomplete, match=f"问题 {finding.number} 没有印出的依据"):
        printed(case)
    case.notice.number = ""
    with pytest.raises(Incomplete, match="尚未批准编号"):
        printed(case)


def test_an_extension_changes_the_notice_row_but_not_its_paper(case):
    case.notice.original_deadline = case.notice.deadline
    first = case.notice.deadline
    case.notice.deadline = first + dt.timedelta(days=9)
    assert printed(case).deadline == first


def report(case):
    return report_paper(case.notice, serial="ZG-1", reported_on=today(), verification=CODE)


def test_the_report_waits_for_service_and_for_a_reply(case):
    with pytest.raises(Incomplete, match="尚未送达"):
        report(case)
    freeze_notice(case.notice)
    cases.served(case)
    with pytest.raises(Incomplete, match="还没有整改反馈"):
        report(case)


def test_the_report_shows_before_and_after_and_how_it_was_rechecked(case):
    freeze_notice(case.notice)
    cases.served(case)
    cases.answered(case)
    half = report(case)
    assert half.closed_count == 0
    assert all(f.recheck is None and f.after == () for f in half.findings)
    cases.closed(case)
    assert case.notice.status == "finished"
    made = report(case)
    login = next(f for f in made.findings if f.before)
    assert [s.line for s in login.before] == [cases.IMAP_BEFORE]
    assert [s.line for s in login.after] == [cases.IMAP_AFTER]
    assert login.after[0].at > login.before[0].at
    assert login.recheck.method == "远程复测"
    assert login.recheck.result == "通过"
    assert (login.state, login.closed_on) == ("已销号", today())
    paper_only = next(f for f in made.findings if not f.before)
    assert paper_only.recheck.result == "通过。已查阅日志平台截图。"
    assert paper_only.after == ()
    assert made.closed_count == made.finished_count == len(made.findings)
    assert len(made.evidence) == len(made.findings)
    assert all(len(row.digest) == 64 for row in made.evidence)
    assert {row.finding_number for row in made.evidence} == {f.number for f in made.findings}


def test_the_report_prints_the_units_own_words_or_nothing(case):
    freeze_notice(case.notice)
    cases.served(case)
    cases.answered(case)
    assert (report(case).organisation, report(case).long_term) == ("", "")
    html = documents.rectification_report(report(case)).html()
    assert "四、未完成事项" in html
    assert "五、" not in html
    write_report_words(
        case.notice, organisation="局长牵头。", long_term="每季度检查。", by=case.world.filler
    )
    assert (report(case).organisation, report(case).long_term) == ("局长牵头。", "每季度检查。")


def test_a_finding_that_returns_changes_nothing_in_the_report_of_its_old_notice(case):
    freeze_notice(case.notice)
    cases.served(case)
    cases.answered(case)
    cases.closed(case)
    before = report(case)
    items = case.notice.items.filter(annex=False).select_related("finding")
    seen = next(i.finding for i in items if i.finding.observable)
    actions.reopen(seen, reason="抽查又可明文登录。", by=case.world.officer)
    # It is seen once more, and the new look is a source of the finding.
    cases.look(case.world.system_a, cases.BEFORE, case.letter)
    actions.confirm_findings(
        case.selfcheck, [c.key for c in candidates(case.selfcheck)], by=case.world.officer
    )
    assert content_of(report(case)) == content_of(before)
    assert {f.state for f in before.findings} == {"已销号"}

    again = actions.draft_notice(
        case.world.unit_a,
        Finding.objects.filter(pk=seen.pk),
        deadline=today() + dt.timedelta(days=15),
        by=case.world.officer,
    )
    actions.check_notice(again, by=case.world.checker)
    actions.approve_notice(again, by=case.world.approver)
    second = cases.Case(case.world, case.selfcheck, case.letter, [seen], again)
    freeze_notice(again)
    cases.served(second)
    cases.answered(second)
    [row] = report(second).findings
    assert (row.state, row.recheck, row.closed_on) == ("待复查", None, None)
    assert content_of(report(case)) == content_of(before)


def test_what_is_unfinished_carries_the_interim_of_the_extension(case):
    freeze_notice(case.notice)
    cases.served(case)
    until = case.notice.deadline + dt.timedelta(days=20)
    Extension.objects.create(
        notice=case.notice,
        until=until,
        reason="采购中",
        interim="已限制来源地址",
        status="granted",
        asked_by=case.world.filler,
    )
    item = case.notice.items.filter(annex=False).select_related("finding").first()
    cases.answered(case)
    Finding.objects.filter(pk=item.finding_id).update(status="rectifying")
    made = report(case)
    [open_one] = made.unfinished
    assert open_one.number == item.finding.number
    assert (open_one.interim, open_one.planned_on) == ("已限制来源地址", until)


def sheet(case, **more):
    fields = {"serial": "ZC-1", "printed_at": timezone.now(), "verification": CODE} | more
    return selfcheck_paper(case.selfcheck, **fields)


def test_the_printed_selfcheck_carries_the_digest_that_was_signed(case):
    made = sheet(case)
    assert made.digest == content_digest(load_sheets(case.selfcheck))
    assert made.digest == case.selfcheck.signoffs.get().digest
    assert made.signature.name == "signer"
    assert made.filled_by == "filler"
    assert [s.title for s in made.sheets] == ["单位表", "邮件系统：邮件系统"]
    assert made.answered_count == made.row_count > 60


def test_a_row_shows_answer_observation_doubt_and_evidence(case):
    good = ("dmarc.policy", "conforming", "dns.dmarc", "", 0, "v=DMARC1; p=reject")
    cases.look(case.world.system_a, [*cases.BEFORE, good], case.letter)
    rows = {row.code: row for row in sheet(case).rows}
    assert rows["M-504"].contradiction
    assert "jia.gov.test" in rows["M-504"].contradiction
    assert any(line.count("jia.gov.test") == 1 for line in rows["M-603"].seen)
    assert rows["M-1002"].result in {"不符合", "部分符合"}
    assert "90" in rows["M-1002"].answer + rows["M-1002"].detail
    assert any(row.evidence == ("佐证.pdf",) for row in rows.values())
    people = [*rows["U-109"].answer.splitlines(), *rows["U-109"].detail.splitlines()]
    assert [line.split("（")[0] for line in people] == ["分管领导", "责任部门负责人", "联系人"]


def test_the_same_content_printed_again_is_the_same(case):
    later = timezone.now() + dt.timedelta(hours=1)
    other = register.new_verification()
    assert content_of(sheet(case)) == content_of(
        sheet(case, serial="ZC-2", printed_at=later, verification=other)
    )
    signed = content_of(sheet(case))
    case.selfcheck.signoffs.all().delete()
    assert content_of(sheet(case)) != signed


def test_a_doubt_on_paper_shows_the_observation_that_raised_it(case):
    before = {row.code: row for row in sheet(case).rows}["M-504"]
    assert "imap.plain_login 不符合" in before.contradiction
    cases.look(case.world.system_a, cases.AFTER, case.letter)
    after = {row.code: row for row in sheet(case).rows}["M-504"]
    assert after == before
