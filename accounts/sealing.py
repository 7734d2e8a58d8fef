"""Small secrets of people, sealed before they reach the database: AES-256-GCM and HMAC-SHA-256.

A copy of the database alone then opens no account. Keys come from `settings.FACTOR_KEYS`: the
first seals, every one opens, so that a key can be changed while people go on logging in.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE = 12  # bytes; NIST SP 800-38D, 5.2.1.1


class Unreadable(Exception):
    """No key of this portal opens the secret."""


def _derived(key: str, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(key.encode())


def seal(secret: bytes, owner: str) -> str:
    """Return `secret` encrypted and bound to `owner`, in 4/3 of its length plus 40 characters."""
    nonce = os.urandom(NONCE)
    sealed = AESGCM(_derived(settings.FACTOR_KEYS[0], b"seal")).encrypt(
        nonce, secret, owner.encode()
    )
    return urlsafe_b64encode(nonce + sealed).decode()


def unseal(text: str, owner: str) -> bytes:
    """Return what `seal` was given for the same owner.

    Raises:
        Unreadable: sealed for somebody else, altered, or with a key that is gone.
    """
    try:
        raw = urlsafe_b64decode(text)
    except ValueError as error:
        raise Unreadable from error
    for key in settings.FACTOR_KEYS:
        try:
            opener = AESGCM(_derived(key, b"seal"))
            return opener.decrypt(raw[:NONCE], raw[NONCE:], owner.encode())
        except (InvalidTag, ValueError):
            continue
    raise Unreadable


def digests(secret: str, owner: str) -> list[str]:
    """Return what stands for `secret` of `owner` (44 characters), one for each key.

    The first is the one to store; a stored one may be any of them.
    """
    return [
        urlsafe_b64encode(
            hmac.digest(_derived(key, b"digest"), f"{owner}\0{secret}".encode(), hashlib.sha256)
        ).decode()
        for key in settings.FACTOR_KEYS
    ]
