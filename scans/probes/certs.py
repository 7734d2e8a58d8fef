"""What is wrong with a certificate chain: each check by itself, so that the repair is clear.

The chain was received without verification; here it is checked offline. The same bytes, roots
and time always give the same problems.
"""

from __future__ import annotations

import ipaddress
import ssl
import warnings
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

_MAX_DEPTH = 6
_MIN_BITS = {"rsa": 2048, "ec": 224, "dsa": 2048}


#: What reading a field of a certificate can raise: most are read only when they are asked for.
_BROKEN = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class TrustStore:
    """Trusted roots by subject.

    Args:
        ca_file: PEM file of additional roots (the practice range's private CA), or None.
        system: also trust the system's roots.
    """

    def __init__(self, ca_file: Path | str | None = None, *, system: bool = True) -> None:
        self.roots: dict[x509.Name, list[x509.Certificate]] = {}
        pems: list[x509.Certificate] = []
        if ca_file is not None:
            pems += x509.load_pem_x509_certificates(Path(ca_file).read_bytes())
        if system:
            context = ssl.create_default_context()
            with warnings.catch_warnings():
                # Old roots have serial numbers that RFC 5280 forbids; the system trusts them.
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                for der in context.get_ca_certs(binary_form=True):
                    try:
                        pems.append(x509.load_der_x509_certificate(der))
                    except ValueError:
                        continue  # a root that cannot be read can vouch for nobody
        for certificate in pems:
            self.roots.setdefault(certificate.subject, []).append(certificate)

    def __contains__(self, certificate: object) -> bool:
        return isinstance(certificate, x509.Certificate) and certificate in self.roots.get(
            certificate.subject, []
        )


def inspect(
    chain: Sequence[bytes], host: str, trust: TrustStore, now: datetime | None = None
) -> dict[str, Any]:
    """Describe a presented chain and list what is wrong with it.

    Args:
        chain: DER certificates as presented, leaf first.
        host: name (A-label) or address that the client meant.
        trust: roots.
        now: time of the check, default the present.

    Returns:
        The `value` of a `*.cert` observation. `problems` is a list of: expired, not_yet_valid,
        self_signed, unknown_issuer, incomplete_chain, wrong_name, weak_key, weak_signature,
        unreadable.
    """
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain]
        return _described(certificates, host, trust, now or datetime.now(UTC))
    except (IndexError, *_BROKEN):
        return {"host": host, "problems": ["unreadable"]}


def _described(
    certificates: list[x509.Certificate], host: str, trust: TrustStore, now: datetime
) -> dict[str, Any]:
    leaf = certificates[0]
    names = _names(leaf)
    kind, bits = _key(leaf)
    signature = _hash(leaf)
    problems: list[str] = []
    if now > leaf.not_valid_after_utc:
        problems.append("expired")
    if now < leaf.not_valid_before_utc:
        problems.append("not_yet_valid")
    if (reason := _untrusted(certificates, trust, now)) is not None:
        problems.append(reason)
    if not matches(names, host):
        problems.append("wrong_name")
    if bits < _MIN_BITS.get(kind, 0):
        problems.append("weak_key")
    if signature in ("md5", "sha1"):
        problems.append("weak_signature")
    return {
        "host": host,
        "problems": problems,
        "subject": leaf.subject.rfc4514_string(),
        "issuer": leaf.issuer.rfc4514_string(),
        "names": names[:32],
        "not_before": leaf.not_valid_before_utc.isoformat(),
        "not_after": leaf.not_valid_after_utc.isoformat(),
        "days_left": (leaf.not_valid_after_utc - now) // timedelta(days=1),
        "key_type": kind,
        "key_bits": bits,
        "signature_hash": signature,
        "sha256": leaf.fingerprint(hashes.SHA256()).hex(),
        "chain": [_subject(certificate) for certificate in certificates],
        "checked_at": now.isoformat(timespec="seconds"),
    }


def matches(names: Iterable[str], host: str) -> bool:
    """Compare by RFC 9525: subject alternative names only, a wildcard for one whole left label."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return any(name == f"IP:{address}" for name in names)
    wanted = host.lower().rstrip(".")
    parent = wanted.partition(".")[2]
    for name in names:
        pattern = name.lower().rstrip(".")
        if pattern == wanted or ("." in parent and pattern == f"*.{parent}"):
            return True
    return False


def _subject(certificate: x509.Certificate) -> str:
    try:
        return certificate.subject.rfc4514_string()
    except _BROKEN:
        return ""


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    names = list(extension.value.get_values_for_type(x509.DNSName))
    return names + [f"IP:{a}" for a in extension.value.get_values_for_type(x509.IPAddress)]


def _key(certificate: x509.Certificate) -> tuple[str, int]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ec", key.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return "dsa", key.key_size
    return type(key).__name__.removesuffix("PublicKey").lower(), 256


def _hash(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return certificate.signature_algorithm_oid.dotted_string
    return algorithm.name if algorithm is not None else "intrinsic"


def _untrusted(
    certificates: list[x509.Certificate], trust: TrustStore, now: datetime
) -> str | None:
    leaf = certificates[0]
    if leaf in trust:
        return None
    if _signed_by(leaf, leaf):
        return "self_signed"
    if _leads_to_a_root(leaf, certificates[1:], trust, now):
        return None
    # How far do the presented certificates lead? A missing link is the sender's to add; an
    # untrusted end is the issuer's fault.
    end = leaf
    for _ in range(_MAX_DEPTH):
        parent = next((c for c in certificates[1:] if c != end and _signed_by(end, c)), None)
        if parent is None:
            break
        end = parent
    if _signed_by(end, end):
        return "unknown_issuer"
    lone = len(certificates) == 1 and _has_issuer_url(leaf)
    return "incomplete_chain" if lone or _orphan_of(end, trust) else "unknown_issuer"


def _orphan_of(end: x509.Certificate, trust: TrustStore) -> bool:
    """Whether the unfound issuer belongs to an organisation that a trusted root names."""

    def organisation(name: x509.Name) -> str:
        found = name.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
        return str(found[0].value) if found else ""

    wanted = organisation(end.issuer)
    return bool(wanted) and any(organisation(name) == wanted for name in trust.roots)


def _leads_to_a_root(
    leaf: x509.Certificate, others: list[x509.Certificate], trust: TrustStore, now: datetime
) -> bool:
    """Whether the presented certificates lead from `leaf` to a trusted root.

    Level by level, each certificate once: a chain of many that all issued each other must not
    cost a walk over every order of them.
    """
    level, left = [leaf], others
    for below in range(_MAX_DEPTH + 1):
        if any(
            _signed_by(one, root) and now <= root.not_valid_after_utc
            for one in level
            for root in trust.roots.get(one.issuer, [])
        ):
            return True
        level = [
            other
            for other in left
            if _is_ca(other, below)
            and other.not_valid_before_utc <= now <= other.not_valid_after_utc
            and any(_signed_by(one, other) for one in level)
        ]
        left = [other for other in left if other not in level]
    return False


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *_BROKEN):
        return False
    return True


def _is_ca(certificate: x509.Certificate, below: int) -> bool:
    """Whether it may issue, with `below` intermediates between it and the leaf (RFC 5280)."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except _BROKEN:
        return False
    return basic.ca and (basic.path_length is None or basic.path_length >= below)


def _has_issuer_url(certificate: x509.Certificate) -> bool:
    try:
        extension = certificate.extensions.get_extension_for_oid(
            ExtensionOID.AUTHORITY_INFORMATION_ACCESS
        )
    except _BROKEN:
        return False
    assert isinstance(extension.value, x509.AuthorityInformationAccess)
    return any(
        access.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        for access in extension.value
    )
