"""DMARC by RFC 9989: record parser, DNS tree walk, and the policy that applies to a domain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .dns import Answer, BadName, DnsFailure, Lookup

#: Tags that RFC 9989 dropped; older receivers still read them.
REMOVED = frozenset({"pct", "rf", "ri"})
_POLICIES = ("none", "quarantine", "reject")
_TAG = re.compile(r"[ \t]*([a-z0-9_]+)[ \t]*=[ \t]*(.*?)[ \t]*", re.IGNORECASE | re.DOTALL)
_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
_V = re.compile(r"[vV]")
_URI = re.compile(r"([a-z][a-z0-9+.-]*):([^\s,;!]+)(?:![0-9]+[kmgt]?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Record:
    """One DMARC policy record.

    Args:
        text: as published.
        tags: tag → value, first mention of each, names in small letters.
        policy, sub, missing: values of p, sp, np; "" where absent; `missing` is np.
        testing: t=y.
        percent: value of pct, None where absent or no number of 0 to 100.
        psd: `y`, `n` or `u`.
        rua: syntactically valid aggregate report URIs.
        problems: {tag, reason}.
        usable: False where a receiver applies no DMARC at all (bad p without a valid rua, 4.7).
    """

    text: str
    tags: dict[str, str]
    policy: str
    sub: str
    missing: str
    testing: bool
    percent: int | None
    psd: str
    rua: tuple[str, ...]
    problems: tuple[dict[str, str], ...]
    usable: bool


def is_record(text: str) -> bool:
    """Return whether a TXT text is a DMARC record: `v` first, its value case-sensitive (4.7)."""
    return bool(_V.match(text)) and bool(_VERSION.match("v" + text[1:]))


def parse(text: str) -> Record:
    """Read a record that `is_record` accepted. Unknown tags are ignored (4.7)."""
    tags: dict[str, str] = {}
    problems: list[dict[str, str]] = []
    for part in text.split(";"):
        if not part.strip(" \t"):
            continue
        match = _TAG.fullmatch(part)
        if match is None:
            problems.append({"tag": part.strip()[:40], "reason": "not_a_tag"})
            continue
        name = match[1].lower()
        if name in tags:
            problems.append({"tag": name, "reason": "repeated"})
            continue
        tags[name] = match[2]
        if name in REMOVED:
            problems.append({"tag": name, "reason": "removed_in_rfc9989"})
    rua = tuple(_uris(tags.get("rua", ""), "rua", problems))
    for uri_tag in ("ruf",):
        list(_uris(tags.get(uri_tag, ""), uri_tag, problems))
    values: dict[str, str] = {}
    broken = False
    for tag in ("p", "sp", "np"):
        value = tags.get(tag, "").lower()
        if value and value not in _POLICIES:
            problems.append({"tag": tag, "reason": "bad_value"})
            broken, value = True, ""
        values[tag] = value
    if "p" not in tags:
        problems.append({"tag": "p", "reason": "missing"})
        broken = True
    if broken:
        # 4.7: with a valid rua act as for p=none, else do no DMARC.
        values = {"p": "none" if rua else "", "sp": "", "np": ""}
    psd = tags.get("psd", "u").lower()
    testing = tags.get("t", "n").lower() == "y"
    for tag, allowed in (("psd", "ynu"), ("t", "yn"), ("adkim", "rs"), ("aspf", "rs")):
        if tag in tags and (len(tags[tag]) != 1 or tags[tag].lower() not in allowed):
            problems.append({"tag": tag, "reason": "bad_value"})
    if psd not in ("y", "n"):
        psd = "u"
    usable = bool(values["p"])
    return Record(
        text,
        tags,
        values["p"],
        values["sp"],
        values["np"],
        testing,
        _percent(tags.get("pct", "")),
        psd,
        rua,
        tuple(problems),
        usable,
    )


def _percent(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) and int(text) <= 100 else None


def _uris(text: str, tag: str, problems: list[dict[str, str]]) -> Sequence[str]:
    found = []
    for part in text.split(",") if text else []:
        match = _URI.fullmatch(part.strip())
        if match is None or (match[1].lower() == "mailto" and "@" not in match[2]):
            problems.append({"tag": tag, "reason": "bad_uri"})
            continue
        found.append(f"{match[1].lower()}:{match[2]}")
    return found


def walk_names(domain: str) -> list[str]:
    """Return the names of the tree walk (4.10): at most eight, 8+ labels jump to seven."""
    labels = domain.split(".")
    rest = labels[1:] if len(labels) < 8 else labels[-7:]
    return [domain, *(".".join(rest[start:]) for start in range(len(rest)))]


def soften(policy: str) -> str:
    """Return the policy one step down, as `t=y` asks (4.7)."""
    return _POLICIES[max(0, _POLICIES.index(policy) - 1)]


@dataclass
class Discovery:
    """What the walk found for one domain.

    Args:
        record: the record whose policy applies, None where none does.
        at: name of the domain that the record belongs to.
        organizational: organisational domain by 4.10.2.
        policy: what receivers are asked to do with failing mail, after sp/np and t.
        requested: the same before t=y.
        several: names that publish more than one record (all ignored).
        steps: {name, found, texts}.
        failure: reason where an answer that mattered is missing.
    """

    domain: str
    record: Record | None = None
    at: str = ""
    organizational: str = ""
    policy: str = ""
    requested: str = ""
    several: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    external: list[dict[str, Any]] = field(default_factory=list)
    cnames: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    failure: str = ""

    def value(self) -> dict[str, Any]:
        """Return the `value` of the dns.dmarc observation."""
        record = self.record
        return {
            "record": record.text if record else None,
            "at": self.at,
            "inherited": bool(record) and self.at != self.domain,
            "organizational_domain": self.organizational,
            "policy": self.policy,
            "requested_policy": self.requested,
            "subdomain_policy": (record.sub or record.policy) if record else "",
            "testing": bool(record and record.testing),
            "percent": record.percent if record else None,
            "rua": list(record.rua) if record else [],
            "external_reports": self.external,
            "several_at": self.several,
            "problems": list(record.problems) if record else [],
            "usable": bool(record and record.usable),
            "cnames": self.cnames,
            "walk": self.steps,
        }


async def discover(dns: Lookup, domain: str, *, exists: bool = True) -> Discovery:
    """Find the DMARC policy of `domain` (4.10.1) and its organisational domain (4.10.2).

    Args:
        dns: where to ask.
        domain: A-label domain.
        exists: False for a name that does not exist, to which `np` applies.

    Returns:
        A Discovery. A failed question ends the walk with `failure`: what lies above is unknown,
        unless the domain's own record already decides.
    """
    found = Discovery(domain, organizational=domain)
    records: list[tuple[str, Record]] = []
    for name in walk_names(domain):
        try:
            answer = await dns.query(f"_dmarc.{name}", "TXT")
        except (DnsFailure, BadName) as error:
            reason = getattr(error, "reason", "bad_name")
            found.lines += [f"C: _dmarc.{name} TXT?", f"# {reason}"]
            found.steps.append({"name": name, "found": "failure"})
            if not records or records[0][0] != domain:
                found.failure = reason
                return found
            break
        found.lines += answer.lines()
        record = _single(name, answer, found)
        if record is None:
            continue
        records.append((name, record))
        if record.psd in ("y", "n"):
            break
    _apply(found, records, exists=exists)
    if found.record is not None:
        await _external_reports(dns, found)
    return found


def _single(name: str, answer: Answer, found: Discovery) -> Record | None:
    texts = [text for text in answer.records if is_record(text)]
    if len(texts) > 1:
        found.several.append(name)
    kind = "record" if len(texts) == 1 else "several" if texts else "none"
    found.steps.append({"name": name, "found": kind})
    if kind == "record" and answer.cnames and name == found.domain:
        found.cnames = list(answer.cnames)
    return parse(texts[0]) if len(texts) == 1 else None


def _apply(found: Discovery, records: list[tuple[str, Record]], *, exists: bool) -> None:
    if not records:
        return
    found.organizational = _organizational(found.domain, records)
    by_name = dict(records)
    above = records[-1]
    for name in (found.domain, found.organizational, above[0]):
        record = by_name.get(name)
        # Above the organisational domain only a public suffix operator's record counts.
        if record is None or (
            name not in (found.domain, found.organizational) and record.psd != "y"
        ):
            continue
        found.record, found.at = record, name
        if not record.usable:
            return
        if name == found.domain:
            found.requested = record.policy
        elif exists:
            found.requested = record.sub or record.policy
        else:
            found.requested = record.missing or record.sub or record.policy
        found.policy = soften(found.requested) if record.testing else found.requested
        return


def _organizational(domain: str, records: list[tuple[str, Record]]) -> str:
    for name, record in records:
        if record.psd == "n":
            return name
        if record.psd == "y" and name != domain:
            labels = len(name.split(".")) + 1
            return ".".join(domain.split(".")[-labels:])
    return min((name for name, _ in records), key=lambda name: len(name.split(".")))


async def _external_reports(dns: Lookup, found: Discovery) -> None:
    """Ask whether foreign report receivers agree (RFC 9990: NAME._report._dmarc.RECEIVER)."""
    assert found.record is not None
    for uri in found.record.rua[:8]:
        scheme, _, rest = uri.partition(":")
        receiver = rest.rpartition("@")[2].lower().rstrip(".") if scheme == "mailto" else ""
        org = found.organizational
        if not receiver or receiver == org or receiver.endswith("." + org):
            continue
        try:
            answer = await dns.query(f"{found.at}._report._dmarc.{receiver}", "TXT")
        except (DnsFailure, BadName):
            found.external.append({"receiver": receiver, "accepts": None})
            continue
        found.lines += answer.lines()
        accepts = any(is_record(text) for text in answer.records)
        found.external.append({"receiver": receiver, "accepts": accepts})
