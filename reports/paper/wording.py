"""Sentences that depend on facts. The fixed parts are data (wording.toml)."""

import tomllib
from collections.abc import Collection
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from reports.paper.contexts import FoundBy, NoticePaper, ProbeSource, SelfCheckSource, UnitKind

CHINA = ZoneInfo("Asia/Shanghai")


@cache
def phrases() -> dict[str, Any]:
    """The content of wording.toml."""
    with (Path(__file__).parent / "wording.toml").open("rb") as file:
        return tomllib.load(file)


def date_cn(day: date) -> str:
    """A date as GB/T 9704 writes it: Arabic figures, month and day without leading zero."""
    return f"{day.year}年{day.month}月{day.day}日"


def moment_cn(moment: datetime) -> str:
    """An aware moment in Asia/Shanghai, to the second.

    Raises:
        ValueError: the moment is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a naive datetime cannot be printed")
    local = moment.astimezone(CHINA)
    return f"{date_cn(local.date())} {local:%H:%M:%S}"


def period_cn(first: date, last: date) -> str:
    """A period, with the year and month said once where they are the same."""
    if first == last:
        return date_cn(first)
    if first.year != last.year:
        return f"{date_cn(first)}至{date_cn(last)}"
    if first.month != last.month:
        return f"{date_cn(first)}至{last.month}月{last.day}日"
    return f"{date_cn(first)}至{last.day}日"


def opening(
    *,
    ways: Collection[FoundBy],
    selfcheck: SelfCheckSource | None,
    probe: ProbeSource | None,
) -> str:
    """The sentence that introduces the findings and names exactly the sources they rest on.

    Args:
        ways: how each finding was found.
        selfcheck: the self-check, needed if a finding rests on an answer.
        probe: the remote check, needed if a finding rests on an observation.

    Raises:
        ValueError: no way is given, or a source that is needed is missing.
    """
    if not ways:
        raise ValueError("no finding to introduce")
    sources = []
    if set(ways) - {FoundBy.PROBE}:
        if selfcheck is None:
            raise ValueError("findings rest on a self-check that is not named")
        sources.append(f"你单位{date_cn(selfcheck.submitted_on)}提交的自查表")
    if set(ways) - {FoundBy.SELF_CHECK}:
        if probe is None:
            raise ValueError("findings rest on a probe that is not named")
        letter = (
            f"依《远程检测授权书》（{probe.authorization_number}）"
            if probe.authorization_number
            else ""
        )
        sources.append(
            f"{period_cn(probe.first_day, probe.last_day)}{letter}经你单位授权开展的远程技术检测"
        )
    return f"根据{'和'.join(sources)}，发现下列问题："


def notice_opening(notice: NoticePaper) -> str:
    """``opening`` for the findings that a notice orders to repair."""
    return opening(
        ways={finding.found_by for finding in notice.findings},
        selfcheck=notice.selfcheck,
        probe=notice.probe,
    )


def deadline_sentence(deadline: date, office_name: str) -> str:
    """The order itself, with a calendar date; the day named still belongs to the period."""
    return (
        f"请你单位于{date_cn(deadline)}前（含当日）完成整改，并在期限届满前将整改情况书面反馈"
        f"{office_name}。"
    )


def consequence(kind: UnitKind) -> str:
    """What follows if the unit does not repair; an organ of state reads of no fine."""
    notice = phrases()["notice"]
    return str(notice["consequence"][notice["consequence_of"][kind.value]])


def found_by_text(way: FoundBy) -> str:
    """How a finding was found, for the line 发现方式."""
    return str(phrases()["found_by"][way.value])
