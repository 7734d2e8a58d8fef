"""Macro expansion of RFC 7208 section 7, for domain-specs."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

_TOKEN = re.compile(r"%(?:%|_|-|\{([slodiphv])(\d*)(r?)([.\-+,/_=]*)\})", re.IGNORECASE)
_UNRESERVED = "-._~"
_MAX_NAME = 253


@dataclass(frozen=True, slots=True)
class Context:
    """What macros stand for: the connection and the message of one check_host call.

    Args:
        ip: address of the SMTP client.
        sender: mailbox of MAIL FROM, or postmaster@HELO.
        helo: HELO name.
        domain: the current domain.
        validated: name of %{p}, `unknown` where none validates.
    """

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    sender: str
    helo: str
    domain: str
    validated: str = "unknown"

    def letter(self, letter: str) -> str:
        """Return the raw value of one macro letter (7.2)."""
        local, _, sender_domain = self.sender.rpartition("@")
        if letter == "i":
            if self.ip.version == 4:
                return str(self.ip)
            return ".".join(self.ip.exploded.replace(":", ""))
        values = {
            "s": self.sender,
            "l": local,
            "o": sender_domain,
            "d": self.domain,
            "h": self.helo,
            "p": self.validated,
            "v": "in-addr" if self.ip.version == 4 else "ip6",
        }
        return values[letter]


def expand(spec: str, context: Context) -> str:
    """Return the domain that `spec` (already checked by the parser) stands for.

    Names over 253 characters lose labels from the left (7.3).
    """

    def replace(match: re.Match[str]) -> str:
        if match[1] is None:
            return {"%%": "%", "%_": " ", "%-": "%20"}[match[0]]
        parts = re.split("[" + re.escape(match[4] or ".") + "]", context.letter(match[1].lower()))
        if match[3]:
            parts.reverse()
        if match[2]:
            # No name has a thousand labels; a number of thousands of digits is no int to Python.
            parts = parts[-int(match[2].lstrip("0")[:4]) :]
        value = ".".join(parts)
        return quote(value, safe=_UNRESERVED) if match[1].isupper() else value

    name = _TOKEN.sub(replace, spec).removesuffix(".")
    while len(name) > _MAX_NAME and "." in name:
        name = name.partition(".")[2]
    return name
