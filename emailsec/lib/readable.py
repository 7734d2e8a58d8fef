"""Codes that people read from paper and type: made, and read back however they were typed."""

import secrets
from typing import Final

# Letters and digits that are not misread on paper: without 0 O, 1 I L, 2 Z, 5 S, U V.
UNMISTAKABLE: Final = "ABCDEFGHJKMNPQRTWXY346789"


def new_code(groups: int, size: int, alphabet: str = UNMISTAKABLE) -> str:
    """Return a fresh code: so many groups of so many characters, joined by hyphens."""
    return "-".join("".join(secrets.choice(alphabet) for _ in range(size)) for _ in range(groups))


def plain(typed: str) -> str:
    """A code as it was typed, in capitals, without spaces, hyphens or other signs."""
    return "".join(c for c in typed.upper() if c.isalnum())


def grouped(typed: str, size: int) -> str:
    """A code as `new_code` writes it, in groups of `size`; what is no code stays recognisable."""
    text = plain(typed)
    return "-".join(text[i : i + size] for i in range(0, len(text), size))
