"""DKIM key records (RFC 6376 3.6.1, RFC 8463 for Ed25519)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

_TAG = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=\s*(.*?)\s*", re.IGNORECASE | re.DOTALL)


def parse(text: str) -> dict[str, Any]:
    """Read one key record.

    Returns:
        The key part of the dns.dkim value: record, key_type (`rsa`, `ed25519` or as published),
        bits (0 where unknown), revoked, testing, problems (list of reasons: `bad_version`,
        `no_key`, `bad_key`, `unknown_key_type`, `not_for_mail`, `not_a_tag`, `repeated_tag`).
    """
    problems: list[str] = []
    tags: dict[str, str] = {}
    for position, part in enumerate(text.split(";")):
        if not part.strip():
            continue
        match = _TAG.fullmatch(part)
        if match is None:
            problems.append("not_a_tag")
            continue
        name = match[1].lower()
        if name in tags:
            problems.append("repeated_tag")
            continue
        if name == "v" and (position != 0 or match[2] != "DKIM1"):
            problems.append("bad_version")
        tags[name] = match[2]
    key_type = tags.get("k", "rsa").lower()
    flags = [flag.strip().lower() for flag in tags.get("t", "").split(":")]
    services = [service.strip() for service in tags.get("s", "*").split(":")]
    if "*" not in services and "email" not in services:
        problems.append("not_for_mail")
    value: dict[str, Any] = {
        "record": text,
        "key_type": key_type,
        "bits": 0,
        "revoked": False,
        "testing": "y" in flags,
        "problems": problems,
    }
    if "p" not in tags:
        problems.append("no_key")
        return value
    material = re.sub(r"\s+", "", tags["p"])
    if not material:
        value["revoked"] = True
        return value
    try:
        raw = base64.b64decode(material, validate=True)
    except (binascii.Error, ValueError):
        problems.append("bad_key")
        return value
    if key_type == "rsa":
        try:
            key = load_der_public_key(raw)
        except (ValueError, UnsupportedAlgorithm):
            problems.append("bad_key")
            return value
        if isinstance(key, RSAPublicKey):
            value["bits"] = key.key_size
        else:
            problems.append("bad_key")
    elif key_type == "ed25519":
        value["bits"] = 256
        if len(raw) != 32:
            problems.append("bad_key")
    else:
        problems.append("unknown_key_type")
    return value


def looks_like_key(text: str) -> bool:
    """Return whether a TXT text at a selector is meant as a key record."""
    stripped = text.lstrip().lower()
    return stripped.startswith("v=dkim1") or bool(re.search(r"(?:^|;)\s*[pk]\s*=", stripped))
