"""The self-check through its actions: filling, signing, returning, accepting."""

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile

from assessments import actions
from assessments.models import Answer, AnswerChange, SelfCheck
from assessments.sheets import content_digest, load_sheets
from audit.lifecycle import IllegalMove
from audit.models import AuditEvent
from tests.assessments.test_pages import as_
from tests.files import PDF
from tests.filled import add_file, complete_inventory, fill, open_selfcheck
from tests.world import make_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def selfcheck(world) -> SelfCheck:
    complete_inventory(world.unit_a)
    return open_selfcheck(world.unit_a, world.city_a)


def sheet_of(selfcheck, system=None):
    return next(s for s in load_sheets(selfcheck) if s.row.system == system)


def save(selfcheck, world, code, field, value, version=0, system=None, by=None):
    loaded = sheet_of(selfcheck, system)
    item = loaded.definition.item(code)
    return actions.save_answer(
        loaded.row, item, item.field(field), value, seen_version=version, by=by or world.filler
    )


def test_the_first_save_starts_the_selfcheck_and_every_value_is_kept(world, selfcheck):
    first = save(selfcheck, world, "U-201", "answer", "no")
    selfcheck.refresh_from_db()
    assert selfcheck.status == "filling"
    second = save(selfcheck, world, "U-201", "answer", "yes", version=first.version)
    assert (second.value, second.version) == ("yes", 2)
    assert list(AnswerChange.objects.values_list("value", "version").order_by("version")) == [
        ("no", 1),
        ("yes", 2),
    ]


def test_a_stale_save_is_a_conflict_and_loses_nothing(world, selfcheck):
    first = save(selfcheck, world, "U-201", "answer", "no")
    save(selfcheck, world, "U-201", "answer", "yes", version=first.version)
    with pytest.raises(actions.Conflict) as conflict:
        save(selfcheck, world, "U-201", "answer", "partial", version=first.version)
    assert conflict.value.current.value == "yes"
    with pytest.raises(actions.Conflict):
        save(selfcheck, world, "U-201", "answer", "partial", version=0)
    assert Answer.objects.get().value == "yes"


def test_a_wrong_number_is_kept_and_told_but_a_forged_option_is_refused(world, selfcheck):
    loaded = sheet_of(selfcheck, world.system_a)
    number = next(
        (i, f)
        for i in loaded.definition.items_of("system")
        for f in i.fields
        if f.type == "number" and not f.source and i.code == "M-1002"
    )
    save(selfcheck, world, number[0].code, number[1].code, "很多", system=world.system_a)
    outcome = sheet_of(selfcheck, world.system_a).outcomes["M-1002"]
    assert "请填写数字" in outcome.faults[number[1].code]
    with pytest.raises(actions.Refused, match="从选项中选择"):
        save(selfcheck, world, "U-201", "answer", "maybe")


def test_fields_of_the_inventory_are_not_answered_here(world, selfcheck):
    with pytest.raises(actions.Refused, match="台账"):
        save(selfcheck, world, "U-101", "name", "别的单位")
    assert sheet_of(selfcheck).judged.value("U-101", "name") == world.unit_a.name


@pytest.mark.parametrize("who", ["signer", "officer", "filler_b", "filler_provincial", "nobody"])
def test_only_the_units_own_filler_fills(world, selfcheck, who):
    with pytest.raises(PermissionDenied):
        save(selfcheck, world, "U-201", "answer", "no", by=getattr(world, who))


def test_submission_wants_everything_and_then_freezes(world, selfcheck):
    save(selfcheck, world, "U-201", "answer", "yes")
    selfcheck.refresh_from_db()
    with pytest.raises(actions.Refused, match=r"还有 \d+ 处未填完"):
        actions.submit(selfcheck, by=world.filler)
    fill(selfcheck, world.filler)
    assert actions.missing_of(load_sheets(selfcheck)) == []
    actions.submit(selfcheck, by=world.filler)
    assert selfcheck.status == "to_sign"
    with pytest.raises(actions.Refused, match="不能修改"):
        save(selfcheck, world, "U-201", "answer", "no", version=1)


def test_what_was_signed_does_not_change_with_the_inventory(world, selfcheck):
    fill(selfcheck, world.filler)
    actions.submit(selfcheck, by=world.filler)
    before = content_digest(load_sheets(selfcheck))
    world.unit_a.name = "改名后的单位"
    world.unit_a.save()
    assert content_digest(load_sheets(SelfCheck.objects.get(pk=selfcheck.pk))) == before


def submitted(world, selfcheck) -> SelfCheck:
    fill(selfcheck, world.filler)
    actions.submit(selfcheck, by=world.filler)
    return selfcheck


def test_online_signature_stands_under_the_digest_that_was_read(world, selfcheck):
    submitted(world, selfcheck)
    with pytest.raises(actions.Refused, match="内容已变化"):
        actions.sign_online(selfcheck, digest="0" * 64, by=world.signer)
    digest = content_digest(load_sheets(selfcheck))
    with pytest.raises(PermissionDenied):
        actions.sign_online(selfcheck, digest=digest, by=world.filler)
    actions.sign_online(selfcheck, digest=digest, by=world.signer)
    assert selfcheck.status == "to_review"
    assert world.officer.inbox_messages.filter(title__contains="已报送").count() == 1
    with pytest.raises(IllegalMove):
        actions.sign_online(selfcheck, digest=digest, by=world.signer)


def test_a_stamped_print_of_other_content_is_refused(world, selfcheck):
    submitted(world, selfcheck)
    digest = content_digest(load_sheets(selfcheck))
    upload = SimpleUploadedFile("盖章.pdf", PDF)
    with pytest.raises(actions.Refused, match="不一致"):
        actions.sign_stamped(selfcheck, upload, digest_head="00000000", by=world.filler)
    actions.sign_stamped(selfcheck, upload, digest_head=digest[:8], by=world.filler)
    signoff = selfcheck.signoffs.get()
    assert signoff.scan.read() == PDF
    # The signer, who took no part in it, is told and can look at the scan.
    told = world.signer.inbox_messages.get(title__startswith="盖章扫描件已报送")
    assert world.filler.name in told.body
    page = as_(world.signer).get(told.url).content.decode()
    assert f"{signoff.scan_name}</a>" in page


def signed(world, selfcheck) -> SelfCheck:
    submitted(world, selfcheck)
    digest = content_digest(load_sheets(selfcheck))
    actions.sign_online(selfcheck, digest=digest, by=world.signer)
    return selfcheck


def test_a_return_sends_the_remarks_and_voids_the_signature(world, selfcheck):
    signed(world, selfcheck)
    loaded = sheet_of(selfcheck)
    with pytest.raises(actions.Refused, match="至少写一条"):
        actions.return_to_unit(selfcheck, reason="", by=world.officer)
    actions.add_remark(
        loaded.row, loaded.definition.item("U-202"), "请补充制度发文号", by=world.officer
    )
    with pytest.raises(actions.Refused, match="未发出"):
        actions.accept(selfcheck, by=world.officer)
    assert actions.return_to_unit(selfcheck, reason="", by=world.officer) == 1
    assert (selfcheck.status, selfcheck.returned, selfcheck.submitted_on) == ("filling", True, None)
    assert not selfcheck.signoffs.valid().exists()
    answer = Answer.objects.get(sheet=loaded.row, item="U-202", field="answer")
    save(selfcheck, world, "U-202", "answer", "partial", version=answer.version)


def test_acceptance_freezes_with_a_dated_conclusion(world, selfcheck):
    signed(world, selfcheck)
    actions.accept(selfcheck, by=world.officer)
    assert (selfcheck.status, selfcheck.conclusion) == ("accepted", "clean")
    assert selfcheck.concluded_on is not None
    assert AuditEvent.objects.filter(action="selfcheck.accept").count() == 1


def test_evidence_is_checked_and_its_removal_leaves_the_row(world, selfcheck):
    loaded = sheet_of(selfcheck)
    item = loaded.definition.item("U-202")
    upload = SimpleUploadedFile("../../制度.pdf", PDF)
    evidence = actions.add_evidence(loaded.row, item, upload, by=world.filler)
    assert evidence.name == "制度.pdf"
    actions.remove_evidence(evidence, by=world.filler)
    assert sheet_of(selfcheck).evidence.get("U-202", []) == []
    evidence.refresh_from_db()
    assert evidence.removed_at is not None


def test_enrolment_is_repeatable_and_follows_supervision(world, selfcheck):
    campaign = selfcheck.campaign
    assert actions.enrol(campaign) == 0
    campaign.office = world.province
    campaign.save()
    assert actions.enrol(campaign) == 2
    assert set(campaign.selfchecks.values_list("unit__name", flat=True)) == {
        world.unit_a.name,
        world.unit_b.name,
        world.unit_provincial.name,
    }


def test_a_file_counts_as_evidence_of_its_item_only(world, selfcheck):
    loaded = sheet_of(selfcheck)
    add_file(loaded.row, "U-201", world.filler)
    assert sheet_of(selfcheck).evidence.keys() == {"U-201"}


def triage(world, selfcheck, value, version=0):
    save(selfcheck, world, "U-001", "answer", value, version=version)
    selfcheck.refresh_from_db()
    actions.ensure_sheets(selfcheck)
    return [s.row.kind for s in load_sheets(selfcheck)]


def test_a_unit_that_only_uses_a_shared_mailbox_fills_the_short_sheet(world):
    world.system_a.delete()
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    assert triage(world, selfcheck, "shared") == ["unit", "user"]
    short = next(s for s in load_sheets(selfcheck) if s.row.kind == "user")
    asked = {code for code, outcome in short.outcomes.items() if outcome.applicable}
    assert {"M-401", "M-403", "M-408", "M-803"} <= asked
    assert len(asked) < 15
    assert triage(world, selfcheck, "own", version=1) == ["unit"]
    assert triage(world, selfcheck, "shared", version=2) == ["unit", "user"]


def test_whoever_runs_or_buys_mail_must_register_it_before_submitting(world):
    world.system_a.delete()
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    triage(world, selfcheck, "bought")
    with pytest.raises(actions.Refused, match="请先登记"):
        actions.submit(selfcheck, by=world.filler)


def test_a_unit_without_mail_answers_the_unit_sheet_only(world):
    world.system_a.delete()
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    assert triage(world, selfcheck, "none") == ["unit"]
    assert actions.unregistered(load_sheets(selfcheck)) == ""


def test_another_authority_reads_but_does_not_review(world):
    complete_inventory(world.unit_b)
    selfcheck = open_selfcheck(world.unit_b, world.city_b)
    fill(selfcheck, world.filler_b)
    actions.submit(selfcheck, by=world.filler_b)
    SelfCheck.objects.filter(pk=selfcheck.pk).update(status="to_review")
    selfcheck.refresh_from_db()
    assert selfcheck in SelfCheck.objects.visible_to(world.officer_industry)
    with pytest.raises(PermissionDenied):
        actions.accept(selfcheck, by=world.officer_industry)
    actions.accept(selfcheck, by=world.officer_b)


def test_the_sheet_of_a_retired_system_no_longer_blocks_the_unit(world):
    complete_inventory(world.unit_a)
    selfcheck = open_selfcheck(world.unit_a, world.city_a)
    mistaken = make_system(world.unit_a, "mistake.gov.test", name="误登记的系统")
    actions.ensure_sheets(selfcheck)
    fill(selfcheck, world.filler)
    assert actions.missing_of(load_sheets(selfcheck))
    mistaken.retired_on = mistaken.created_at.date()
    mistaken.save()
    actions.submit(selfcheck, by=world.filler)
    assert [s.row.system for s in load_sheets(selfcheck)] == [None, world.system_a]
    assert selfcheck.sheets.get(system=mistaken).dropped_at is not None
