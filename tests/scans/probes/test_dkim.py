"""DKIM key records."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scans.probes.dkim import looks_like_key, parse


def der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    raw = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(raw).decode()


RSA_1024 = der(rsa.generate_private_key(65537, 1024))
RSA_2048 = der(rsa.generate_private_key(65537, 2048))


def test_sound_keys() -> None:
    assert parse(f"v=DKIM1; k=rsa; p={RSA_2048}")["bits"] == 2048
    assert parse(f"p={RSA_1024}")["bits"] == 1024
    folded = " ".join(RSA_2048[i : i + 40] for i in range(0, len(RSA_2048), 40))
    assert parse(f"v=DKIM1; p={folded} ;")["problems"] == []
    ed = parse("v=DKIM1; k=ed25519; p=" + base64.b64encode(b"k" * 32).decode())
    assert (ed["key_type"], ed["bits"], ed["problems"]) == ("ed25519", 256, [])


def test_a_revoked_key_is_not_a_broken_one() -> None:
    value = parse("v=DKIM1; p=")
    assert (value["revoked"], value["problems"]) == (True, [])


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("v=DKIM2; p=" + RSA_2048, "bad_version"),
        ("k=rsa; v=DKIM1; p=" + RSA_2048, "bad_version"),
        ("v=DKIM1; k=rsa", "no_key"),
        ("v=DKIM1; p=!!!", "bad_key"),
        ("v=DKIM1; p=" + base64.b64encode(b"nonsense").decode(), "bad_key"),
        ("v=DKIM1; p=" + der(ec.generate_private_key(ec.SECP256R1())), "bad_key"),
        ("v=DKIM1; k=ed25519; p=" + base64.b64encode(b"short").decode(), "bad_key"),
        ("v=DKIM1; k=sm2; p=" + RSA_2048, "unknown_key_type"),
        ("v=DKIM1; s=tlsrpt; p=" + RSA_2048, "not_for_mail"),
        ("v=DKIM1; p=" + RSA_2048 + "; p=", "repeated_tag"),
    ],
)
def test_broken_records(record: str, problem: str) -> None:
    assert problem in parse(record)["problems"]


def test_test_mode_and_what_is_no_key() -> None:
    assert parse(f"v=DKIM1; t=s:y; p={RSA_2048}")["testing"] is True
    assert looks_like_key("k=rsa; p=AAAA")
    assert not looks_like_key("v=spf1 -all")
    assert not looks_like_key("hello; shop=1")
