"""Certificates of people (USB Key), as the reverse proxy hands them on.

TLS ends at the proxy. It asks the browser for a certificate, holds it to the office's own
authority (chain, signature, revocation) and says in headers what it found. Those headers are
believed only from a proxy that also tells our shared secret; from anywhere else they are noise.

The portal recognises a certificate by the SHA-256 of its DER bytes and computes nothing with its
key. So 国密 certificates (SM2 with SM3) serve as well as RSA ones: it is the proxy that must know
the algorithm.
"""

import binascii
import datetime as dt
import hashlib
from base64 import b64decode
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from cryptography import x509
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

# What the proxy sets, whatever a request brought along (docs/deployment.md).
SECRET: Final = "HTTP_X_PROXY_SECRET"  # noqa: S105 - the name of a header
VERIFIED: Final = "HTTP_X_CLIENT_VERIFY"
CERTIFICATE: Final = "HTTP_X_CLIENT_CERT"
HEADERS: Final = (SECRET, VERIFIED, CERTIFICATE)


class Unacceptable(Exception):
    """A certificate was shown that counts for nothing; `str(error)` is Chinese, for the person."""


@dataclass(frozen=True)
class Shown:
    """A certificate whose key the browser has proven to hold on this connection.

    Attributes:
        digest: SHA-256 of the DER bytes, in hex.
        name: the common name of its holder; "" where it has none.
        subject, issuer: distinguished names as RFC 4514 writes them.
    """

    digest: str
    name: str
    subject: str
    issuer: str
    not_after: dt.datetime


def shown(request: HttpRequest) -> Shown | None:
    """The certificate of this connection; None where the browser showed none.

    Raises:
        Unacceptable: the proxy did not accept it, it cannot be read, or it is out of its time.
    """
    said = request.META.get(VERIFIED, "NONE")
    if not _from_proxy(request) or said == "NONE":
        return None
    if said != "SUCCESS":
        raise Unacceptable("证书未被认可：不是本单位认可的机构签发，或者已吊销、已过期。")
    certificate, der = _read(request.META.get(CERTIFICATE, ""))
    now = timezone.now()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Unacceptable("证书不在有效期内，请向发证机构更换。")
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return Shown(
        digest=hashlib.sha256(der).hexdigest(),
        name=str(names[0].value) if names else "",
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_after=certificate.not_valid_after_utc,
    )


def _from_proxy(request: HttpRequest) -> bool:
    secret = settings.CLIENT_CERT_PROXY_SECRET
    told = request.META.get(SECRET, "")
    return bool(settings.BEHIND_PROXY and secret) and constant_time_compare(told, secret)


def _read(text: str) -> tuple[x509.Certificate, bytes]:
    """Read URL-escaped PEM (as nginx writes it) or base64 of the DER (RFC 9440, 2.1)."""
    try:
        if text.startswith("-----BEGIN"):
            pem = unquote_to_bytes(text)
            der = b64decode(b"".join(pem.split(b"-----")[2].split()), validate=True)
        else:
            der = b64decode(text.strip(":"), validate=True)
        return x509.load_der_x509_certificate(der), der
    except (ValueError, IndexError, binascii.Error) as error:
        raise Unacceptable("代理转来的证书无法识别，请联系运维人员。") from error


def look(request: HttpRequest) -> tuple[Shown | None, str]:
    """The certificate of this connection, or what is wrong with it in Chinese.

    The headers are taken off the request, so that no page and no error report can show the secret.
    """
    try:
        return shown(request), ""
    except Unacceptable as error:
        return None, str(error)
    finally:
        for header in HEADERS:
            request.META.pop(header, None)
