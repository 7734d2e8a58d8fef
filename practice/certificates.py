"""The private authority of the range and the good and bad certificates that its hosts show."""

from __future__ import annotations

import datetime
import ssl
import tempfile
import warnings
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

ORGANISATION = "Practice range"

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class Authority:
    """Root and intermediate of the range, kept in the state directory so that a restart keeps its
    trust.

    Arguments: `state`, the state directory; `ca.pem` (public) and `ca-key.pem` (mode 0600) live
    there.
    """

    def __init__(self, state: Path) -> None:
        self.ca_file = state / "ca.pem"
        key_file = state / "ca-key.pem"
        if self.ca_file.exists() and key_file.exists():
            self.root = trustme.CA.from_pem(self.ca_file.read_bytes(), key_file.read_bytes())
        else:
            self.root = trustme.CA(
                organization_name=ORGANISATION, organization_unit_name="Practice root"
            )
            key_file.touch(mode=0o600)
            key_file.write_bytes(self.root.private_key_pem.bytes())
            self.ca_file.write_bytes(self.root.cert_pem.bytes())
        # Of the root's organisation, so that a chain without it can be named for what it is.
        self.intermediate = trustme.CA(
            parent_cert=self.root,
            organization_name=ORGANISATION,
            organization_unit_name="Practice intermediate",
        )
        self.stranger = trustme.CA(organization_name="Unknown issuer")
        self._chains: dict[tuple[str, tuple[str, ...]], bytes] = {}
        self._contexts: dict[tuple[str, str, tuple[str, ...]], ssl.SSLContext] = {}

    def chain(self, kind: str, names: tuple[str, ...]) -> bytes:
        """Returns key and certificate chain (PEM) of a kind named in postures.toml, for host names
        (A-labels).
        """
        key = (kind, names)
        if key not in self._chains:
            self._chains[key] = self._issue(kind, names)
        return self._chains[key]

    def _issue(self, kind: str, names: tuple[str, ...]) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        start, end = now - 30 * day, now + 335 * day
        if kind == "expired":
            start, end = now - 400 * day, now - 35 * day
        elif kind == "not-yet-valid":
            start, end = now + 30 * day, now + 395 * day
        if kind == "self-signed":
            return self._self_signed(names, start, end)
        if kind == "weak-key":
            return self._weak(names, start, end)
        if kind == "wrong-name":
            names = ("mail.another-name.test",)
        issuer = self.stranger if kind == "unknown-issuer" else self.intermediate
        leaf = issuer.issue_cert(
            *names,
            common_name=names[0][:64],
            organization_name=ORGANISATION,
            not_before=start,
            not_after=end,
        )
        chain = [blob.bytes() for blob in leaf.cert_chain_pems]
        if kind == "incomplete-chain":
            chain = chain[:1]
        return leaf.private_key_pem.bytes() + b"".join(chain)

    # trustme neither signs a leaf with its own key nor accepts an RSA key under 2,048 bits.

    def _self_signed(
        self, names: tuple[str, ...], start: datetime.datetime, end: datetime.datetime
    ) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        builder = _builder(names, start, end).subject_name(subject).issuer_name(subject)
        leaf = builder.public_key(key.public_key()).sign(key, hashes.SHA256())
        return _pem(key) + leaf.public_bytes(serialization.Encoding.PEM)

    def _weak(
        self, names: tuple[str, ...], start: datetime.datetime, end: datetime.datetime
    ) -> bytes:
        key = rsa.generate_private_key(65537, 1024)
        issuer = x509.load_pem_x509_certificate(self.intermediate.cert_pem.bytes())
        issuer_key = serialization.load_pem_private_key(
            self.intermediate.private_key_pem.bytes(), None
        )
        assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        leaf = (
            _builder(names, start, end)
            .subject_name(subject)
            .issuer_name(issuer.subject)
            .public_key(key.public_key())
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False
            )
            .sign(issuer_key, hashes.SHA256())
        )
        chain = leaf.public_bytes(serialization.Encoding.PEM)
        return _pem(key) + chain + self.intermediate.cert_pem.bytes()

    def context(self, kind: str, versions: str, names: tuple[str, ...]) -> ssl.SSLContext:
        """Returns a server context.

        Arguments: certificate `kind`; `versions` as "1.2-1.3"; host `names`.
        """
        key = (kind, versions, names)
        if key not in self._contexts:
            self._contexts[key] = self._context(kind, versions, names)
        return self._contexts[key]

    def _context(self, kind: str, versions: str, names: tuple[str, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        lowest, highest = versions.split("-")
        if lowest == "1.0" or kind == "weak-key":
            # OpenSSL 3 refuses TLS 1.0 (SHA-1 signatures) and RSA 1024 above security level 0.
            context.set_ciphers("ALL:!aNULL:@SECLEVEL=0")
        with warnings.catch_warnings():
            # Python deprecates the legacy versions; playing them is the point here.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = _VERSIONS[lowest]
            context.maximum_version = _VERSIONS[highest]
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            # load_cert_chain reads files only.
            file.write(self.chain(kind, names))
            file.flush()
            context.load_cert_chain(file.name)
        return context


def _builder(
    names: tuple[str, ...], start: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    )


class DkimKeys:
    """The DKIM public keys of the range, one for each size, kept in the state directory.

    A 2,048-bit key costs about 0.1 s, so all domains share it: nothing here signs mail.
    """

    def __init__(self, state: Path) -> None:
        self.state = state

    def public_base64(self, bits: int) -> str:
        """Returns the SubjectPublicKeyInfo in base64, the `p=` of a record (RFC 6376, 3.6.1)."""
        file = self.state / f"dkim-{bits}.txt"
        if not file.exists():
            public = rsa.generate_private_key(65537, bits).public_key()
            pem = public.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            file.write_text("".join(pem.decode("ascii").splitlines()[1:-1]))
        return file.read_text()
