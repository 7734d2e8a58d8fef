"""SPF records by the grammar of RFC 7208 section 12."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Terms that cost one of the ten DNS lookups (RFC 7208 4.6.4).
COSTLY = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})

_VERSION = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_MACRO = re.compile(r"%\{([slodiphcrtv])(\d*)(r?)([.\-+,/_=]*)\}", re.IGNORECASE)
_LITERAL = re.compile(r"[\x21-\x24\x26-\x7e]")
_TOPLABEL = re.compile(r"(?:[a-z0-9]*[a-z][a-z0-9]*|[a-z0-9]+-[a-z0-9-]*[a-z0-9])", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE | re.DOTALL)
_DUAL_CIDR = re.compile(r"(.*?)(?:/(\d+))?(?://(\d+))?", re.DOTALL)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,2}")


class SpfSyntaxError(ValueError):
    """A term that the grammar does not allow: the whole record is a permerror."""


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism, `redirect` or another modifier.

    Args:
        text: as published.
        kind: `all include a mx ptr ip4 ip6 exists redirect exp`, or `unknown` (a modifier).
        qualifier: one of `+-~?`; empty for modifiers.
        domain: domain-spec, empty where none is given.
        net: network of ip4 and ip6.
        cidr: prefix lengths for IPv4 and IPv6 of a and mx.
    """

    text: str
    kind: str
    qualifier: str = ""
    domain: str = ""
    net: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    cidr: tuple[int, int] = (32, 128)

    @property
    def has_macro(self) -> bool:
        """Whether the domain depends on the message (`%%`, `%_` and `%-` do not)."""
        return _MACRO.search(self.domain) is not None


@dataclass(frozen=True, slots=True)
class Record:
    """A parsed record. `errors` holds (term, reason); one is enough for permerror."""

    text: str
    mechanisms: tuple[Term, ...]
    redirect: Term | None
    errors: tuple[tuple[str, str], ...] = field(default=())


def select(texts: Sequence[str]) -> list[str]:
    """Return the SPF records among TXT texts (4.5): `v=spf1` followed by a space or the end."""
    return [text for text in texts if _VERSION.match(text)]


def parse(text: str) -> Record:
    """Read a record that `select` chose; wrong terms are collected, the rest is read."""
    mechanisms: list[Term] = []
    modifiers: dict[str, Term] = {}
    errors: list[tuple[str, str]] = []
    for word in text[len("v=spf1") :].split(" "):
        if not word:
            continue
        try:
            term = parse_term(word)
            if term.kind in ("redirect", "exp"):
                if term.kind in modifiers:
                    raise SpfSyntaxError("repeated_modifier")
                modifiers[term.kind] = term
            elif term.kind != "unknown":
                mechanisms.append(term)
        except SpfSyntaxError as error:
            errors.append((word, str(error)))
    return Record(text, tuple(mechanisms), modifiers.get("redirect"), tuple(errors))


def parse_term(word: str) -> Term:
    """Read one term. Raises SpfSyntaxError."""
    if (match := _MODIFIER.fullmatch(word)) is not None:
        name, value = match[1].lower(), match[2]
        if name in ("redirect", "exp"):
            _check_domain_spec(value)
            return Term(word, name, "", value)
        _check_macro_string(value)
        return Term(word, "unknown")
    qualifier, body = (word[0], word[1:]) if word[0] in "+-~?" else ("+", word)
    match = re.match(r"[a-z0-9]+", body, re.IGNORECASE)
    kind = match[0].lower() if match else ""
    rest = body[len(kind) :]
    if kind == "all":
        if rest:
            raise SpfSyntaxError("all_takes_nothing")
        return Term(word, kind, qualifier)
    if kind in ("include", "exists"):
        if not rest.startswith(":"):
            raise SpfSyntaxError("domain_missing")
        _check_domain_spec(rest[1:])
        return Term(word, kind, qualifier, rest[1:])
    if kind == "ptr":
        if rest:
            if rest[0] != ":":
                raise SpfSyntaxError("unknown_mechanism")
            _check_domain_spec(rest[1:])
        return Term(word, kind, qualifier, rest[1:])
    if kind in ("a", "mx"):
        return _a_or_mx(word, kind, qualifier, rest)
    if kind in ("ip4", "ip6"):
        return _ip(word, kind, qualifier, rest)
    raise SpfSyntaxError("unknown_mechanism")


def _a_or_mx(word: str, kind: str, qualifier: str, rest: str) -> Term:
    match = _DUAL_CIDR.fullmatch(rest)
    assert match is not None  # the pattern takes any text
    spec, four, six = match[1], match[2], match[3]
    if spec:
        if spec[0] != ":":
            raise SpfSyntaxError("unknown_mechanism" if spec[0] != "/" else "bad_prefix")
        _check_domain_spec(spec[1:])
    cidr = (_prefix(four, 32), _prefix(six, 128))
    return Term(word, kind, qualifier, spec[1:], cidr=cidr)


def _ip(word: str, kind: str, qualifier: str, rest: str) -> Term:
    if not rest.startswith(":"):
        raise SpfSyntaxError("address_missing")
    address, slash, length = rest[1:].partition("/")
    bits = 32 if kind == "ip4" else 128
    prefix = _prefix(length if slash else None, bits)
    net: ipaddress.IPv4Network | ipaddress.IPv6Network
    try:
        if kind == "ip4":
            net = ipaddress.IPv4Network((ipaddress.IPv4Address(address), prefix), strict=False)
        else:
            if "%" in address:
                raise ValueError("zone index")
            net = ipaddress.IPv6Network((ipaddress.IPv6Address(address), prefix), strict=False)
    except ValueError as error:
        raise SpfSyntaxError("bad_address") from error
    return Term(word, kind, qualifier, net=net)


def _prefix(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise SpfSyntaxError("bad_prefix")
    return int(text)


def _check_macro_string(text: str) -> None:
    """Raise unless `text` is a macro-string without the letters c, r, t (allowed in exp only)."""
    position = 0
    while position < len(text):
        if text[position] == "%":
            if text[position : position + 2] in ("%%", "%_", "%-"):
                position += 2
                continue
            match = _MACRO.match(text, position)
            if match is None or (match[2] and not match[2].strip("0")):
                raise SpfSyntaxError("bad_macro")
            position = match.end()
        elif _LITERAL.match(text, position):
            position += 1
        else:
            raise SpfSyntaxError("bad_character")


def _check_domain_spec(text: str) -> None:
    if not text:
        raise SpfSyntaxError("domain_missing")
    _check_macro_string(text)
    if any(match[1].lower() in "crt" for match in _MACRO.finditer(text)):
        raise SpfSyntaxError("bad_macro")
    if text.endswith(("%%", "%_", "%-")) or re.search(r"%\{[^}]*\}\Z", text):
        return
    last = text.removesuffix(".").rpartition(".")
    if not last[1] or not _TOPLABEL.fullmatch(last[2]):
        raise SpfSyntaxError("bad_domain")
