"""ScanPolicy files: both shipped ones load, anything odd is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from scans.probes.policy import PRACTICE, PRODUCTION, PolicyError, load


def test_production_is_polite_and_practice_says_that_it_is_practice() -> None:
    production, practice = load(PRODUCTION), load(PRACTICE)
    assert not production.practice
    assert practice.practice
    assert production.pace.spacing >= 1
    assert production.pace.spacing_after_4xx >= 5
    assert production.pace.connections_per_host <= 18
    assert production.wave.confirm_after >= 600
    assert practice.pace.spacing == 0
    assert (production.limits, production.guard) == (practice.limits, practice.guard)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("spacing = 1.0", "spacings = 1.0", "unknown keys spacings"),
        ("connect = 5.0\n", "", "missing keys connect"),
        ("connect = 5.0", 'connect = "5"', "budget.connect: float"),
        ("connect = 5.0", "connect = 0", "budget.connect must be positive"),
        ("ipv6 = false", "ipv6 = 0", "guard.ipv6: bool"),
        ("mx_hosts = 10", "mx_hosts = true", "limits.mx_hosts: int"),
        ("ports = [25, ", 'ports = ["25", ', "guard.ports: int"),
        ("tries = [1.0, 4.0]", "tries = []", "dns.tries"),
        ("[guard]", "[guards]", "unknown keys guards"),
        ("[guard]", "[guard", "policy.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = PRODUCTION.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "policy.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyError, match=said):
        load(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        load(tmp_path / "none.toml")
