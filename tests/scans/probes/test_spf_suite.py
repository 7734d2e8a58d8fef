"""The SPF evaluator against the RFC 7208 test suite (openspf.org, release 2014.04)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from scans.probes.dns import Answer, BadName, DnsFailure, to_ascii
from scans.probes.spf import check_host

# The suite lies in pyspf's source package; it is fetched by hash, never committed.
PYSPF = "pyspf==2.0.14"
SDIST_SHA256 = "57a7ef01bda090173aafb6af0106251686ed73f03db4e911fcd34c57fc347186"
CACHE = Path(__file__).resolve().parents[3] / "var" / "suites"


def suite_text() -> str:
    """Return the suite: RFC7208_SUITE, the cache, or pyspf's source package from the index."""
    if path := os.environ.get("RFC7208_SUITE"):
        return Path(path).read_text(encoding="utf-8")
    cached = CACHE / "rfc7208-tests.yml"
    if not cached.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-binary",
            "pyspf",
            "-d",
            str(CACHE),
            PYSPF,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        archives = list(CACHE.glob("pyspf-2.0.14*.tar.gz"))
        if not archives:
            message = f"the RFC 7208 suite could not be fetched: {done.stderr[-300:]}"
            if os.environ.get("REQUIRE_SERVICES") == "1":
                pytest.fail(message)
            pytest.skip(message)
        assert hashlib.sha256(archives[0].read_bytes()).hexdigest() == SDIST_SHA256
        with tarfile.open(archives[0]) as archive:
            member = next(m for m in archive.getmembers() if m.name.endswith("rfc7208-tests.yml"))
            content = archive.extractfile(member)
            assert content is not None
            cached.write_bytes(content.read())
    return cached.read_text(encoding="utf-8")


class Zone:
    """Answers questions from one scenario's zonedata, by the suite's own conventions."""

    def __init__(self, zonedata: dict[str, list[Any]]) -> None:
        self.names = {name.lower().rstrip("."): entries for name, entries in zonedata.items()}

    async def query(self, name: str, rdtype: str) -> Answer:
        key = name.lower().removesuffix(".")
        if len(key) > 253 or not all(0 < len(label) < 64 for label in key.split(".")):
            raise BadName(name)
        for _ in range(10):
            entries = self.names.get(key)
            if entries is None:
                return Answer(name, rdtype, False)
            dicts = [entry for entry in entries if isinstance(entry, dict)]
            cname = next((entry["CNAME"] for entry in dicts if "CNAME" in entry), None)
            if cname is None:
                break
            key = cname.lower().removesuffix(".")
        # SPF entries stand for TXT unless the name has TXT entries of its own.
        has_txt = any("TXT" in entry for entry in dicts)
        wanted = "SPF" if rdtype == "TXT" and not has_txt else rdtype
        found = [entry[wanted] for entry in dicts if entry.get(wanted, "NONE") != "NONE"]
        if "TIMEOUT" in entries and not found:
            raise DnsFailure("timeout", name)
        if rdtype == "TXT":
            texts = ["".join(v) if isinstance(v, list) else v for v in found]
            return Answer(name, rdtype, True, tuple(texts))
        if rdtype == "MX":
            pairs = tuple(sorted((pref, host.lower().removesuffix(".")) for pref, host in found))
            return Answer(name, rdtype, True, tuple(host for _, host in pairs), pairs)
        return Answer(name, rdtype, True, tuple(str(value) for value in found))


@pytest.mark.slow
def test_all_203_cases_of_the_suite() -> None:
    wrong: list[str] = []
    count = 0
    for scenario in yaml.safe_load_all(suite_text()):
        zone = Zone(scenario["zonedata"])
        for name, case in scenario["tests"].items():
            count += 1
            mailfrom = case["mailfrom"]
            domain = mailfrom.rpartition("@")[2] if mailfrom else case["helo"]
            expected = case["result"]
            result = asyncio.run(check_host(zone, case["host"], domain, mailfrom, case["helo"]))
            if result not in (expected if isinstance(expected, list) else [expected]):
                wrong.append(f"{scenario['description']}: {name}: {result}, not {expected}")
    assert count == 203
    assert wrong == []


def test_names_are_a_labels() -> None:
    assert to_ascii("邮件.Example.测试.") == "xn--5nq051n.example.xn--0zwm56d"
