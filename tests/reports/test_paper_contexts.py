"""A context that would make a false or unlawful document does not come into being."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from reports.paper.contexts import FoundBy, Ground
from tests.reports import samples


def test_a_notice_orders_nothing_without_binding_ground():
    with pytest.raises(ValueError, match="annex only"):
        samples.notice(findings=(samples.SPF_ADVICE,), advice=())


def test_a_binding_finding_is_not_hidden_in_the_annex():
    with pytest.raises(ValueError, match="not advice"):
        samples.notice(advice=(replace(samples.SPF_ADVICE, ground=Ground.STATUTE),))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"findings": ()}, "without findings"),
        ({"deadline": samples.ISSUED}, "deadline"),
        ({"selfcheck": None}, "self-check"),
        ({"probe": None}, "probe"),
    ],
)
def test_a_notice_needs_findings_a_future_deadline_and_its_sources(changes, reason):
    with pytest.raises(ValueError, match=reason):
        samples.notice(**changes)


def test_a_source_that_no_finding_rests_on_is_not_needed():
    paper = samples.notice(findings=(samples.LOGS,), advice=(), probe=None)
    assert paper.severities == (("高", 1), ("中", 0), ("低", 0))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bases": ()}, "no basis"),
        ({"said": (), "found_by": FoundBy.SELF_CHECK}, "rest on answers"),
        ({"seen": (), "found_by": FoundBy.PROBE}, "rest on a probe"),
        ({"seen": (), "found_by": FoundBy.BOTH}, "rest on a probe"),
    ],
)
def test_a_finding_shows_what_it_rests_on(changes, reason):
    with pytest.raises(ValueError, match=reason):
        replace(samples.PLAIN_LOGIN, **changes)


def test_an_observation_has_an_aware_time():
    with pytest.raises(ValueError, match="aware"):
        samples.seen("220 ready", "mail.test:25", datetime(2026, 11, 18, 10, 0))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hosts": ()}, "no host"),
        ({"items": samples.authorization().items[-1:]}, "allows nothing"),
        ({"valid_until": date(2026, 11, 1)}, "ends before"),
    ],
)
def test_an_authorisation_permits_something_somewhere_for_some_time(changes, reason):
    with pytest.raises(ValueError, match=reason):
        samples.authorization(**changes)


def test_a_report_counts_what_is_finished_and_closed():
    paper = samples.report()
    assert (paper.finished_count, paper.closed_count) == (2, 1)
    assert [finding.number for finding in paper.unfinished] == [samples.LOGS.number]
    with pytest.raises(ValueError, match="without findings"):
        samples.report(findings=())


def test_an_invitation_leaves_time():
    with pytest.raises(ValueError, match="deadline"):
        samples.invitation(deadline=date(2026, 11, 10))
