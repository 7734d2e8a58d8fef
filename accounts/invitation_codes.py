"""Codes of invitations: made, normalised, digested. Plain functions without a database.

A code works as a link (the part behind the #, which browsers send to nobody: it stands in no log
of a server or proxy and in no Referer) and typed from paper.
"""

import hashlib

from emailsec.lib import readable
from inventory.codes import narrow

# 25^25 codes, 116 bits: above the 112 from which a plain digest is enough (OWASP ASVS 5, 6.5.2).
_GROUPS, _GROUP = 5, 5


def new_code() -> str:
    """Return a fresh code in five groups of five characters."""
    return readable.new_code(_GROUPS, _GROUP)


def digest_of(typed: str) -> str:
    """Return the hex SHA-256 of a code however it was typed: case, spaces and hyphens are free."""
    return hashlib.sha256(readable.plain(narrow(typed)).encode()).hexdigest()
