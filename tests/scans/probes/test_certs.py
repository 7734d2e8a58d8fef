"""Which check a certificate fails, one by one."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scans.probes.certs import TrustStore, inspect, matches

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOST = "mx.a.test"


@pytest.fixture(scope="module")
def root() -> trustme.CA:
    return trustme.CA(organization_name="Root of the test")


@pytest.fixture(scope="module")
def trust(root: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> TrustStore:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    root.cert_pem.write_to_path(file)
    return TrustStore(file, system=False)


def chain(leaf: trustme.LeafCert) -> list[bytes]:
    return [
        x509.load_pem_x509_certificate(blob.bytes()).public_bytes(serialization.Encoding.DER)
        for blob in leaf.cert_chain_pems
    ]


def issue(ca: trustme.CA, *names: str, start: int = -30, end: int = 30) -> list[bytes]:
    leaf = ca.issue_cert(
        *(names or (HOST,)), not_before=NOW + start * DAY, not_after=NOW + end * DAY
    )
    return chain(leaf)


def problems(certificates: list[bytes], trust: TrustStore, host: str = HOST) -> list[str]:
    return inspect(certificates, host, trust, NOW)["problems"]


def test_a_good_certificate(root: trustme.CA, trust: TrustStore) -> None:
    value = inspect(issue(root), HOST, trust, NOW)
    assert value["problems"] == []
    assert value["days_left"] == 30
    assert value["names"] == [HOST]


def test_an_intermediate_must_be_sent(root: trustme.CA, trust: TrustStore) -> None:
    middle = trustme.CA(root, path_length=8, organization_name="Root of the test")
    assert problems(issue(middle), trust) == []
    assert problems(issue(middle)[:1], trust) == ["incomplete_chain"]
    lower = trustme.CA(middle, path_length=7, organization_name="Root of the test")
    assert problems(issue(lower), trust) == []
    leaf, first, second = issue(lower)
    assert problems([leaf, second, first], trust) == []  # order is the sender's affair
    assert problems([leaf, first], trust) == ["incomplete_chain"]
    # Nothing in a lone certificate says whose link is missing: then its issuer is unknown.
    assert problems(issue(root.create_child_ca())[:1], trust) == ["unknown_issuer"]


def test_validity(root: trustme.CA, trust: TrustStore) -> None:
    assert problems(issue(root, start=-90, end=-1), trust) == ["expired"]
    assert problems(issue(root, start=1, end=90), trust) == ["not_yet_valid"]


def test_trust(root: trustme.CA, trust: TrustStore) -> None:
    stranger = trustme.CA(organization_name="Somebody else")
    assert problems(issue(stranger), trust) == ["unknown_issuer"]
    child = stranger.create_child_ca()
    whole = [*issue(child), x509.load_pem_x509_certificate(stranger.cert_pem.bytes()).public_bytes(
        serialization.Encoding.DER)]  # fmt: skip
    assert problems(whole, trust) == ["unknown_issuer"]
    own = x509.load_pem_x509_certificate(stranger.cert_pem.bytes())
    alone = [own.public_bytes(serialization.Encoding.DER)]
    assert problems(alone, trust) == ["self_signed", "wrong_name"]


def test_a_leaf_may_not_issue(root: trustme.CA, trust: TrustStore) -> None:
    """A trusted leaf's key cannot vouch for another name: basicConstraints is read."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    good = root.issue_cert("good.test", not_before=NOW - DAY, not_after=NOW + 30 * DAY)
    signer = x509.load_pem_x509_certificate(good.cert_chain_pems[0].bytes())
    key = serialization.load_pem_private_key(good.private_key_pem.bytes(), None)
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(signer.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=True)
        .sign(key, hashes.SHA256())  # type: ignore[arg-type]
    )
    encoded = [c.public_bytes(serialization.Encoding.DER) for c in (forged, signer)]
    assert "self_signed" not in problems(encoded, trust)
    assert set(problems(encoded, trust)) & {"unknown_issuer", "incomplete_chain"}


def test_several_faults_are_all_named(trust: TrustStore) -> None:
    stranger = trustme.CA(organization_name="Somebody else")
    faults = problems(issue(stranger, "other.test", start=-90, end=-1), trust)
    assert faults == ["expired", "unknown_issuer", "wrong_name"]


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (["mx.a.test"], "MX.a.test.", True),
        (["*.a.test"], "mx.a.test", True),
        (["*.a.test"], "a.test", False),
        (["*.a.test"], "x.mx.a.test", False),
        (["*.test"], "a.test", False),
        (["mx.*.test"], "mx.a.test", False),
        (["m*.a.test"], "mx.a.test", False),
        (["IP:192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1"], "192.0.2.1", False),
        ([], "mx.a.test", False),
    ],
)
def test_names(names: list[str], host: str, expected: bool) -> None:
    assert matches(names, host) is expected


def test_garbage_is_unreadable(trust: TrustStore) -> None:
    assert problems([b"garbage"], trust) == ["unreadable"]
    assert problems([], trust) == ["unreadable"]


def test_the_system_store_is_read_without_noise(tmp_path: Path) -> None:
    assert isinstance(TrustStore().roots, dict)


def test_many_certificates_that_issued_each_other_cost_no_walk_over_every_order(
    trust: TrustStore,
) -> None:
    """Ten of them used to take minutes, in the loop that serves every other domain."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mesh")])
    key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def made(subject: x509.Name, public: ec.EllipticCurvePublicKey, *, ca: bool) -> bytes:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(name)
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    leaf = made(x509.Name([]), leaf_key.public_key(), ca=False)
    mesh = [made(name, key.public_key(), ca=True) for _ in range(40)]
    started = time.monotonic()
    assert problems([leaf, *mesh], trust) == ["unknown_issuer", "wrong_name"]
    assert time.monotonic() - started < 5


def test_a_chain_of_intermediates_is_followed_to_the_root(
    root: trustme.CA, trust: TrustStore
) -> None:
    middle = root.create_child_ca().create_child_ca()
    leaf, *others = issue(middle, start=-1, end=1)
    now = dt.datetime.now(dt.UTC)
    assert (
        "incomplete_chain" not in inspect([leaf, *reversed(others)], HOST, trust, now)["problems"]
    )
    assert not {"unknown_issuer", "incomplete_chain"} & set(
        inspect([leaf, *others], HOST, trust, now)["problems"]
    )


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"\x55\x1d\x0f", b"\x55\x1d\x13"),  # the key usage becomes a second basicConstraints
        (b"mesh", b"m\xff\xfeh"),  # a name that is not UTF-8
    ],
)
def test_a_field_that_cannot_be_read_breaks_no_look(
    trust: TrustStore, good: bytes, bad: bytes
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mesh")])
    usage = x509.KeyUsage(*[True] * 7, encipher_only=False, decipher_only=False)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    der = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    broken = der.replace(good, bad)
    assert broken != der
    assert problems([broken], trust) == ["unreadable"]
    assert "unreadable" not in problems([der, broken], trust)
