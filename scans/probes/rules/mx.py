"""mx.valid and mx.forbidden_address."""

from __future__ import annotations

from typing import Any

from ..model import Endpoint, Observation, Outcome, Result
from .base import Found, Seen, Sight, alone, place, unseen

# Address kinds that say something about our own reach, not about the target.
_REACHABLE = ("global", "allowed")


def valid(seen: Seen) -> Found:
    """Can mail for the domain be delivered at all (RFC 5321 5.1, RFC 2181 10.3, RFC 7505)?"""
    mx = seen.first("dns.mx")
    if mx is None or not mx.outcome.seen:
        return unseen(mx)
    value = mx.value
    if not value.get("exists", True):
        return alone(Result.NONCONFORMING, "no_domain", mx)
    if value.get("null_mx"):
        if value.get("total") == 1:
            return alone(Result.CONFORMING, "null_mx", mx)
        return alone(Result.NONCONFORMING, "null_mx_beside_others", mx)
    if mx.outcome is Outcome.ABSENT:
        if value.get("implicit"):
            return alone(Result.WARNING, "implicit", mx)
        for record in value.get("records", []):
            # No MX, and whether the domain has an address could not be asked.
            return alone(Result.UNKNOWN, "dns_failure", mx, line=record.get("reason", ""))
        return alone(Result.NONCONFORMING, "missing", mx)
    offenders: list[dict[str, Any]] = []
    hidden: list[dict[str, Any]] = []
    for record in value.get("records", []):
        problem = record["problem"]
        entry = place(_at(mx, record["host"]), Sight(Result.NONCONFORMING, problem, _line(record)))
        if problem == "dns_failure":
            hidden.append({**entry, "kind": "dns_failure", "line": record.get("reason", "")})
        elif problem:
            offenders.append(entry)
    params = {"offenders": offenders, "warnings": [], "unknown": hidden}
    if offenders:
        return Result.NONCONFORMING, {"kind": offenders[0]["kind"], **params}
    if hidden:
        return Result.UNKNOWN, {"kind": "dns_failure", **params}
    line = ", ".join(record["host"] for record in value.get("records", []))
    return alone(Result.CONFORMING, "ok", mx, line=line)


def forbidden_address(seen: Seen) -> Found:
    """Does an MX host resolve to an address that no outside sender may or can reach?"""
    mx = seen.first("dns.mx")
    if mx is None or not mx.outcome.seen:
        return unseen(mx)
    records = mx.value.get("records", [])
    found = [(record, entry) for record in records for entry in record["addresses"]]
    if not found:
        if any(record["problem"] == "dns_failure" for record in records):
            return alone(Result.UNKNOWN, "dns_failure", mx)
        return alone(Result.NOT_APPLICABLE, "no_address", None)
    offenders = [
        place(
            _at(mx, record["host"], entry["address"]),
            Sight(Result.NONCONFORMING, entry["kind"], f"{record['host']} A {entry['address']}"),
        )
        for record, entry in found
        if entry["kind"] not in _REACHABLE
    ]
    if offenders:
        params = {"offenders": offenders, "warnings": [], "unknown": []}
        return Result.NONCONFORMING, {"kind": "forbidden", **params}
    return alone(
        Result.CONFORMING, "ok", mx, line=", ".join(entry["address"] for _, entry in found)
    )


def _at(mx: Observation, host: str, address: str | None = None) -> Observation:
    return Observation(mx.name, Endpoint(host, address), mx.outcome)


def _line(record: dict[str, Any]) -> str:
    line = f"MX {record['preference']} {record['host']}"
    return f"{line} → {record['cname']}" if record.get("cname") else line
