"""The practice range: every posture gets the verdicts that its ground truth states."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import practice
from scans.probes import DomainResult, Result, Target, judge, load_policy, probe_domains_sync
from scans.probes.policy import PRACTICE

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.slow
POSTURES = list(practice.postures())
# Shorter than the range's tarpit (8 s), longer than its greet pause (1 s).
_PRACTICE = load_policy(PRACTICE)
HASTY = dataclasses.replace(
    _PRACTICE,
    budget=dataclasses.replace(_PRACTICE.budget, banner=5.0),
    dns=dataclasses.replace(_PRACTICE.dns, tries=(1.0, 1.0)),
)


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[practice.Range]:
    with practice.start_range(Path(tmp_path_factory.mktemp("range"))) as running:
        yield running


def scan(grounds: practice.Range, *targets: Target, **more: Any) -> list[DomainResult]:
    options: dict[str, Any] = {
        "policy": HASTY,
        "resolver": grounds.resolver,
        "allow_net": [grounds.net],
        "ca_file": grounds.ca_file,
        "port_map": grounds.port_map,
        "concurrency": 16,
    }
    return probe_domains_sync(targets, **(options | more))


@pytest.fixture(scope="module")
def results(grounds: practice.Range) -> dict[str, DomainResult]:
    """One wave over the whole cast, by posture."""
    entries = grounds.describe()["domains"]
    targets = [
        Target(entry["domain"], dkim_selectors=("s1",), extras=frozenset({"smtp.relay"}))
        for entry in entries
    ]
    grounds.reset_stats()
    found = scan(grounds, *targets)
    return {entry["posture"]: result for entry, result in zip(entries, found, strict=True)}


@pytest.mark.parametrize("posture", POSTURES)
def test_each_posture_gets_its_verdicts(results: dict[str, DomainResult], posture: str) -> None:
    if posture not in results:
        pytest.skip("no domain of the cast has this posture")
    expected = practice.expectations()[posture]
    found = {v.rule: str(v.result) for v in results[posture].verdicts}
    assert found == expected


def test_exemplary_has_nothing_to_object_to(results: dict[str, DomainResult]) -> None:
    assert {v.result for v in results["exemplary"].verdicts} == {Result.CONFORMING}


def test_stored_observations_are_judged_alike(results: dict[str, DomainResult]) -> None:
    for result in results.values():
        stored = json.loads(json.dumps(result.to_json()))
        again = [verdict.to_json() for verdict in judge(stored["observations"])]
        assert again == stored["verdicts"]


def test_the_wave_was_polite_and_touched_no_trap(
    grounds: practice.Range, results: dict[str, DomainResult]
) -> None:
    stats = grounds.stats()
    totals = stats["totals"]
    assert totals["canary_connections"] == 0
    assert totals["data"] == totals["auth"] == totals["early_talkers"] == 0
    for name, host in stats["hosts"].items():
        assert host["peak_open"] <= 1, name
        assert host["connections"] <= 18, name


def test_a_shared_host_is_visited_once(grounds: practice.Range) -> None:
    grounds.reset_stats()
    targets = [Target(d, dkim_selectors=("s1",)) for d in ("exemplary.test", "hosted.test")]
    first, second = scan(grounds, *targets)
    host = grounds.stats()["hosts"]["mx.exemplary.test"]
    assert host["ports"]["25"] == 2  # the session, and the question for old TLS versions
    assert [o for o in first.observations if o.name == "smtp.banner"] == [
        o for o in second.observations if o.name == "smtp.banner"
    ]


def test_a_repair_is_seen(grounds: practice.Range) -> None:
    target = Target("no-starttls.test", dkim_selectors=("s1",))
    rule = "smtp.starttls"

    def now() -> str:
        return next(str(v.result) for v in scan(grounds, target)[0].verdicts if v.rule == rule)

    try:
        assert now() == "nonconforming"
        grounds.set_posture("no-starttls.test", "exemplary")
        assert now() == "conforming"
    finally:
        grounds.set_posture("no-starttls.test", "no-starttls")


def test_without_known_selectors_dkim_is_looked_for(grounds: practice.Range) -> None:
    found, missing = scan(grounds, Target("exemplary.test"), Target("dkim-missing.test"))
    assert [o.value["selector"] for o in found.observations if o.name == "dns.dkim"] == ["s1"]
    (absent,) = [o for o in missing.observations if o.name == "dns.dkim"]
    assert (str(absent.outcome), absent.target.host) == ("absent", "_domainkey.dkim-missing.test")


def test_only_declared_hosts_where_discovery_is_off(grounds: practice.Range) -> None:
    target = Target("exemplary.test", imap=("mx.exemplary.test",), discover=False)
    (result,) = scan(grounds, target)
    assert {o.target.port for o in result.observations} == {None, 25, 143, 993}
    assert not any(o.name == "smtp.relay" for o in result.observations)


def test_a_dead_resolver_leaves_everything_unknown(grounds: practice.Range) -> None:
    (result,) = scan(grounds, Target("exemplary.test"), resolver="127.0.0.1:1")
    assert {str(v.result) for v in result.verdicts} == {"unknown"}


def test_slow_dns_gets_half_of_the_domains_time_at_most(grounds: practice.Range) -> None:
    slow = dataclasses.replace(
        HASTY,
        dns=dataclasses.replace(HASTY.dns, tries=(30.0,)),
        budget=dataclasses.replace(HASTY.budget, domain=2.0),
    )
    started = time.monotonic()
    target = Target("dns-silent.test", extras=frozenset({"smtp.relay"}))
    (result,) = scan(grounds, target, policy=slow)
    assert time.monotonic() - started < 3.0
    assert {str(v.result) for v in result.verdicts} == {"unknown"}


@pytest.mark.parametrize("name", ["a..test", "-\u200b", "x" * 300, "a b.test", ""])
def test_what_is_no_domain_is_no_crash(grounds: practice.Range, name: str) -> None:
    (result,) = scan(grounds, Target(name))
    assert {str(v.result) for v in result.verdicts} <= {"unknown", "not_applicable"}


def command(grounds: practice.Range, *arguments: str) -> subprocess.CompletedProcess[str]:
    fixed = ["--resolver", grounds.resolver, "--ca-file", str(grounds.ca_file),
             "--policy", str(PRACTICE)]  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "scans.probes", *arguments, *fixed],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip


def test_the_command_prints_one_json_object_a_line(grounds: practice.Range, tmp_path: Path) -> None:
    file = tmp_path / "domains.txt"
    file.write_text("# the cast\njia.gov.test\n邮件示例.test  # IDN\n\n", encoding="utf-8")
    maps = ["--allow-net", grounds.net, "--port-map", str(grounds.port_map_file)]
    done = command(grounds, "--domains-file", str(file), *maps, "--dkim-selector", "s1", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = {r["domain"]: r for r in map(json.loads, done.stdout.splitlines())}
    assert set(found) == {"jia.gov.test", "xn--5nqzn608hevt.test"}
    jia = found["jia.gov.test"]
    assert set(jia) == {"domain", "observations", "verdicts", "started", "finished"}
    observation = next(o for o in jia["observations"] if o["name"] == "submission.auth_before_tls")
    assert observation["target"]["port"] == 587
    assert "S: 250-AUTH LOGIN PLAIN" in observation["transcript"]
    assert {"rule", "version", "result", "params"} == set(jia["verdicts"][0])


def test_the_command_in_chinese(grounds: practice.Range) -> None:
    maps = ["--allow-net", grounds.net, "jia.gov.test", "--port-map", str(grounds.port_map_file)]
    done = command(grounds, *maps)
    assert done.returncode == 0
    assert "不符合  dmarc.policy" in done.stdout
    assert "未查询到 DMARC 记录" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "没有域名"),
        (["a.test", "--with", "smtp.everything"], "smtp.everything"),
        (["a.test", "--policy", "/nonexistent.toml"], "nonexistent"),
        (["a.test", "--concurrency", "0"], "concurrency"),
        (["a.test", "--endpoint", "ftp=x.test"], "SERVICE=HOST"),
        (["a.test", "--resolver", "ns.example.com"], "ns.example.com"),
    ],
)
def test_wrong_arguments(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scans.probes", *arguments],
        capture_output=True, text=True, timeout=30, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("nets", [[], ["--allow-net", "10.0.0.0/8"]])
def test_a_port_map_alone_is_refused(grounds: practice.Range, nets: list[str]) -> None:
    done = command(grounds, "jia.gov.test", *nets, "--port-map", str(grounds.port_map_file))
    assert done.returncode == 2
    assert "port map" in done.stderr
