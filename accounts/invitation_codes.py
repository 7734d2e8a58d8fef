"""Codes of invitations: made, normalised, digested. Plain functions without a database.

A code works as a link (the part behind the #, which browsers send to nobody: it stands in no log
of a server or proxy and in no Referer) and typed from paper.
"""

import hashlib
import secrets
from typing import Final

from inventory.codes import narrow

# Letters and digits that are not misread on paper: without 0 O, 1 I L, 2 Z, 5 S, U V.
_ALPHABET: Final = "ABCDEFGHJKMNPQRTWXY346789"
# 25^25 codes, 116 bits: above the 112 from which a plain digest is enough (OWASP ASVS 5, 6.5.2).
_GROUPS, _GROUP = 5, 5


def new_code() -> str:
    """Return a fresh code in five groups of five characters."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )


def digest_of(typed: str) -> str:
    """Return the hex SHA-256 of a code however it was typed: case, spaces and hyphens are free."""
    plain = "".join(c for c in narrow(typed).upper() if c.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
