"""The keyed digests of the trail: which algorithm, which key, over which bytes.

Every row names its algorithm and its key, so that both can be changed and older rows stay
verifiable: a key that is replaced goes to AUDIT_KEYS_OLD.
"""

import datetime as dt
import hashlib
import hmac
import ipaddress
import json
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import hmac as any_hmac
from django.conf import settings

SHA256: Final = "sha256"
SM3: Final = "sm3"  # GB/T 32905-2016
ALGORITHMS: Final = (SHA256, SM3)


class UnknownKey(Exception):
    """A row names a key or an algorithm that this portal does not hold; says which, in Chinese."""


@cache
def key_id(key: str) -> str:
    """The name of a key, told by the rows that it signs; says nothing about the key itself."""
    return hashlib.sha256(b"audit key id\0" + key.encode()).hexdigest()[:8]


def current() -> tuple[str, str]:
    """Algorithm and key id of what is written now."""
    return settings.AUDIT_DIGEST, key_id(settings.AUDIT_KEY)


def _key(name: str) -> bytes:
    for key in (settings.AUDIT_KEY, *settings.AUDIT_KEYS_OLD):
        if key_id(key) == name:
            return bytes(key.encode())
    raise UnknownKey(f"没有编号为 {name or '空'} 的密钥")


def mac(content: list[Any], algorithm: str, key_name: str) -> str:
    """Return the hex HMAC (RFC 2104) over a list of JSON values.

    Raises:
        UnknownKey: the portal does not hold that key, or knows no such algorithm.
    """
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return mac_of_bytes(text.encode(), algorithm, key_name)


def mac_of_bytes(content: bytes, algorithm: str, key_name: str) -> str:
    """The same over bytes."""
    key = _key(key_name)
    if algorithm == SHA256:
        return hmac.digest(key, content, "sha256").hex()
    if algorithm != SM3:
        raise UnknownKey(f"不认识算法 {algorithm}")
    made = any_hmac.HMAC(key, hashes.SM3())
    made.update(content)
    return made.finalize().hex()


def moment(value: dt.datetime) -> str:
    """A moment as it is digested, whatever zone it was read in."""
    return value.astimezone(dt.UTC).isoformat()


def address(value: str | None) -> str | None:
    """An address as it is digested: databases write the same IPv6 address in different ways."""
    try:
        return ipaddress.ip_address(value).exploded if value else None
    except ValueError:
        return value
