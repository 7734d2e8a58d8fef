"""The range's data: postures, the cast of domains, and the verdicts that each posture must get."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import idna

HERE = Path(__file__).parent

#: Services of a mail host and their standard ports.
SERVICE_PORTS = {
    "smtp": 25,
    "smtps": 465,
    "submission": 587,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
}
#: Services whose first byte is already TLS (RFC 8314).
IMPLICIT_TLS = frozenset({"smtps", "imaps", "pop3s"})
#: Ports that `host.ports` may look for and that the posture `exposed-ports` opens.
EXTRA_PORTS = (21, 22, 23, 3306, 3389, 6379, 8080)
#: Sections of `exemplary` that start as a copy of another one.
COPIES = {
    "submission": "smtp",
    "smtps": "smtp",
    "imaps": "imap",
    "pop3": "imap",
    "pop3s": "imap",
}


class TableError(ValueError):
    """A data file, a posture name or a domain name that the range does not accept."""


@dataclass(frozen=True)
class Dns:
    """What the name server says of a domain; see `[exemplary]` in postures.toml for each key."""

    behaviour: str
    mx: tuple[str, ...]
    mx_address: tuple[str, ...]
    spf: tuple[str, ...]
    dmarc: tuple[str, ...]
    dkim: str
    mta_sts: bool
    tls_rpt: tuple[str, ...]
    ptr: bool
    extra: tuple[str, ...]


@dataclass(frozen=True)
class Tls:
    """Protocol versions ("1.2-1.3") and the kind of certificate of the whole domain."""

    versions: str
    cert: str


@dataclass(frozen=True)
class Smtp:
    """One SMTP service (25, 465 or 587)."""

    state: str
    banner: str
    banner_delay: float
    early_talkers: str
    greeting: str
    ehlo: bool
    starttls: str
    auth: tuple[str, ...]
    auth_before_tls: bool
    vrfy: str
    expn: bool
    relay: bool
    mail_reply: str
    rcpt_reply: str
    connections_per_minute: int
    tls: str
    cert: str


@dataclass(frozen=True)
class Mailbox:
    """One IMAP or POP3 service."""

    state: str
    starttls: str
    plain_login: bool
    banner: str
    banner_delay: float
    tls: str
    cert: str


@dataclass(frozen=True)
class Web:
    """The webmail on ports 80 and 443."""

    http: str
    https: bool
    hsts: str
    server: str
    tls: str
    cert: str


@dataclass(frozen=True)
class Exposed:
    """Further open ports of the mail host."""

    ports: tuple[int, ...]


@dataclass(frozen=True)
class Posture:
    """How one domain and its two hosts present themselves."""

    name: str
    title: str
    dns: Dns
    tls: Tls
    smtp: Smtp
    submission: Smtp
    smtps: Smtp
    imap: Mailbox
    imaps: Mailbox
    pop3: Mailbox
    pop3s: Mailbox
    web: Web
    exposed: Exposed


@dataclass(frozen=True)
class Domain:
    """A domain of the range.

    Arguments: `name` as an A-label, `unicode` as shown to people, `posture` by name, `title` in
    Chinese ("" = the posture's own).
    """

    name: str
    unicode: str
    posture: str
    title: str = ""


CHOICES: dict[tuple[type, str], tuple[str, ...]] = {
    (Dns, "behaviour"): ("answer", "servfail", "silent", "truncate"),
    (Dns, "dkim"): ("rsa-2048", "rsa-1024", "revoked", "none"),
    (Tls, "versions"): ("1.0-1.0", "1.0-1.3", "1.2-1.2", "1.2-1.3", "1.3-1.3"),
    (Tls, "cert"): (
        "valid",
        "expired",
        "not-yet-valid",
        "self-signed",
        "unknown-issuer",
        "incomplete-chain",
        "wrong-name",
        "weak-key",
    ),
    (Smtp, "state"): ("open", "closed", "silent", "garbage"),
    (Smtp, "early_talkers"): ("ignore", "reject"),
    (Smtp, "starttls"): ("offer", "none", "hang", "refuse", "garbage", "injectable"),
    (Smtp, "vrfy"): ("refuse", "disabled", "confirm"),
    (Mailbox, "state"): ("open", "closed", "silent", "garbage"),
    (Mailbox, "starttls"): ("offer", "none"),
    (Web, "http"): ("redirect", "serve", "loop", "private", "closed"),
}
for _service in (Smtp, Mailbox, Web):
    CHOICES[(_service, "tls")] = ("", *CHOICES[(Tls, "versions")])
    CHOICES[(_service, "cert")] = ("", *CHOICES[(Tls, "cert")])

_Section = TypeVar("_Section")


def _section(kind: type[_Section], values: Mapping[str, Any], where: str) -> _Section:
    """Builds one section; an unknown key, a missing key or a value of the wrong kind is a
    TableError.
    """
    hints = get_type_hints(kind)
    if unknown := set(values) - set(hints):
        raise TableError(f"{where}: unknown key {sorted(unknown)[0]!r}")
    if missing := set(hints) - set(values):
        raise TableError(f"{where}: key {sorted(missing)[0]!r} is missing")
    built: dict[str, Any] = {}
    for key, hint in hints.items():
        value = values[key]
        if hint in (tuple[str, ...], tuple[int, ...]):
            item = str if hint == tuple[str, ...] else int
            if not isinstance(value, list) or not all(type(one) is item for one in value):
                raise TableError(f"{where}.{key}: expected a list of {item.__name__}")
            value = tuple(value)
        elif hint is float and type(value) is int:
            value = float(value)
        elif type(value) is not hint:
            raise TableError(f"{where}.{key}: expected {hint.__name__}, got {value!r}")
        allowed = CHOICES.get((kind, key))
        if allowed is not None and value not in allowed:
            raise TableError(f"{where}.{key}: {value!r} is none of {', '.join(allowed)}")
        built[key] = value
    return kind(**built)


def read_postures(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Posture]:
    """Interprets the parsed postures.toml.

    Arguments: `tables`, posture name → its entry. Returns: posture name → Posture. Errors:
    TableError.
    """
    full: dict[str, dict[str, Any]] = {}
    for name, entry in tables.items():
        if name == "exemplary":
            merged = dict(entry)
            for copy, original in COPIES.items():
                merged[copy] = {**entry[original], **entry.get(copy, {})}
        else:
            base = entry.get("base", "exemplary")
            if base not in full:
                raise TableError(f"{name}: base {base!r} must stand before it")
            merged = dict(full[base])
            for key, value in entry.items():
                if isinstance(value, dict):
                    merged[key] = {**merged.get(key, {}), **value}
                elif key != "base":
                    merged[key] = value
        full[name] = merged
    kinds = get_type_hints(Posture)
    postures = {}
    for name, entry in full.items():
        if unknown := set(entry) - set(kinds):
            raise TableError(f"{name}: unknown key {sorted(unknown)[0]!r}")
        if not isinstance(entry.get("title"), str):
            raise TableError(f"{name}: a title is missing")
        sections = {
            field.name: _section(kinds[field.name], entry[field.name], f"{name}.{field.name}")
            for field in fields(Posture)
            if field.name not in ("name", "title")
        }
        if stray := set(sections["exposed"].ports) - set(EXTRA_PORTS):
            raise TableError(f"{name}.exposed.ports: {min(stray)} is none of {EXTRA_PORTS}")
        postures[name] = Posture(name=name, title=entry["title"], **sections)
    return postures


def a_label(name: str) -> str:
    """Returns the A-label form of a domain name, lower case (RFC 5891). Errors: TableError."""
    try:
        return idna.encode(name.rstrip("."), uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise TableError(f"{name!r} is not a domain name: {error}") from error


def _load(name: str) -> dict[str, Any]:
    with (HERE / name).open("rb") as file:
        return tomllib.load(file)


@functools.cache
def postures() -> dict[str, Posture]:
    """Returns every posture of postures.toml by name."""
    return read_postures(_load("postures.toml"))


def posture(name: str) -> Posture:
    """Returns one posture. Errors: TableError with the nearest names if there is none."""
    try:
        return postures()[name]
    except KeyError:
        import difflib

        near = difflib.get_close_matches(name, postures(), 3)
        hint = f" (did you mean {', '.join(near)}?)" if near else ""
        raise TableError(f"no posture {name!r}{hint}") from None


def cast_from(entries: Mapping[str, str]) -> list[Domain]:
    """Returns a cast from domain → posture name, for tests that want few domains. Errors:
    TableError.
    """
    cast = [Domain(a_label(name), name, posture(of).name) for name, of in entries.items()]
    return _checked(cast)


def read_domains() -> list[Domain]:
    """Returns the cast of domains.toml in file order. Errors: TableError."""
    cast = []
    for entry in _load("domains.toml")["domain"]:
        name = a_label(entry["name"])
        of = posture(entry["posture"]).name
        cast.append(Domain(name, entry["name"], of, entry.get("title", "")))
    return _checked(cast)


def _checked(cast: list[Domain]) -> list[Domain]:
    names = [domain.name for domain in cast]
    for name in names:
        if not name.endswith(".test"):
            raise TableError(f"{name}: the range only plays domains under .test (RFC 2606)")
        if names.count(name) > 1:
            raise TableError(f"{name} is listed twice")
    return cast


@functools.cache
def expectations() -> dict[str, dict[str, str]]:
    """Returns the ground truth: posture → rule id → verdict result, complete for every posture.

    expected.toml states `exemplary` in full and, for each other posture, what differs; `all`
    sets every rule first. Errors: TableError when a posture is missing, a rule is unknown or a
    result is none of the five.
    """
    tables = _load("expected.toml")
    complete: dict[str, str] = tables["exemplary"]
    results = {"conforming", "nonconforming", "warning", "unknown", "not_applicable"}
    if set(tables) != set(postures()):
        odd = sorted(set(tables) ^ set(postures()))
        raise TableError(f"expected.toml and postures.toml differ in {', '.join(odd)}")
    truth = {}
    for name, entry in tables.items():
        merged = dict(complete)
        for rule, result in entry.items():
            if result not in results:
                raise TableError(f"expected.toml {name}: {result!r} is no result")
            if rule == "all":
                merged = dict.fromkeys(complete, result)
            elif rule not in complete:
                raise TableError(f"expected.toml {name}: unknown rule {rule!r}")
        merged.update({rule: result for rule, result in entry.items() if rule != "all"})
        truth[name] = merged
    return truth
