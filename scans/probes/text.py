"""Plain Chinese for verdicts and observations, from rules.toml and observations.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from .dns import to_unicode
from .model import Endpoint, Observation, Outcome, Result, Verdict
from .rules.catalog import Rule, load

_OBSERVATIONS = Path(__file__).resolve().parent / "observations.toml"
_MOST = 3
#: Longest quotation in a sentence; the whole line stands in the transcript.
_QUOTED = 160
_VERSION = re.compile(r"\b(TLS|SSL)v(\d)(?:\.(\d))?")
_PLACE = "\0"  # stands for the places of a sentence until it is known who shares it
_OUTCOMES = frozenset(str(outcome) for outcome in Outcome)

RESULTS = {
    Result.CONFORMING: "符合",
    Result.NONCONFORMING: "不符合",
    Result.WARNING: "提示",
    Result.UNKNOWN: "未能观测",
    Result.NOT_APPLICABLE: "不适用",
}
SEVERITIES = {"high": "高", "medium": "中", "low": "低"}


class _Blank(dict[str, Any]):
    """Parameters of a sentence: a missing one is left out, a long one is shortened."""

    def __missing__(self, key: str) -> str:
        return ""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return _short(value) if isinstance(value, str) else value


def _protocol(name: str) -> str:
    """TLS 1.0 for `TLSv1`: a version as people write it, of the name that OpenSSL gives it."""
    return _VERSION.sub(lambda found: f"{found[1]} {found[2]}.{found[3] or 0}", name)


def _short(text: str) -> str:
    return f"{text[:_QUOTED]}…" if len(text) > _QUOTED else text


@lru_cache(maxsize=1)
def _sentences() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(_OBSERVATIONS.read_text(encoding="utf-8"))


def where(target: Endpoint | Mapping[str, Any]) -> str:
    """Return `主机 的 N 端口`, the host name alone where there is no port."""
    data = target.to_json() if isinstance(target, Endpoint) else target
    host = to_unicode(str(data.get("host") or ""))
    return f"{host} 的 {data['port']} 端口" if data.get("port") else host


def describe(verdict: Verdict | Mapping[str, Any]) -> str:
    """Return one Chinese line for a verdict: what is wrong (or right), where, and the value seen.

    Args:
        verdict: object or JSON form.

    Up to three places are named, then their number. No line ends with a full stop.
    """
    if not isinstance(verdict, Verdict):
        verdict = Verdict.from_json(verdict)
    rule = load().rules[verdict.rule]
    params = verdict.params
    bucket = {
        Result.NONCONFORMING: "offenders",
        Result.WARNING: "warnings",
        Result.UNKNOWN: "unknown",
        Result.CONFORMING: "good",
        Result.NOT_APPLICABLE: "none",
    }[verdict.result]
    entries = params.get(bucket) or []
    if not entries:
        return _sentence(rule, str(params.get("kind", "")), params)
    if verdict.result is Result.CONFORMING and len(entries) > 1 and "ok_all" in rule.says:
        return _sentence(rule, "ok_all", {"checked": len(entries)})
    lines = _merged(rule, entries)
    text = "；".join(lines[:_MOST])
    return text if len(lines) <= _MOST else f"{text}；等 {len(lines)} 处"


def _merged(rule: Rule, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one sentence per thing to say; places of which the same is true share it."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        groups.setdefault(_sentence(rule, str(entry["kind"]), entry, _PLACE), []).append(entry)
    return [line.replace(_PLACE, _places(group)) for line, group in groups.items()]


def _places(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return `甲 的 25 端口、乙 的 465、587 端口`, three hosts at most."""
    ports: dict[str, list[int]] = {}
    for entry in entries:
        found = ports.setdefault(to_unicode(str(entry.get("host") or "")), [])
        if entry.get("port") and entry["port"] not in found:
            found.append(entry["port"])
    named = [
        f"{host} 的 {'、'.join(map(str, sorted(numbers)))} 端口" if numbers else f"{host} "
        for host, numbers in ports.items()
    ]
    text = "、".join(named[:_MOST])
    return text if len(named) <= _MOST else f"{text}等 {len(named)} 台主机"


def _sentence(rule: Rule, kind: str, params: Mapping[str, Any], place: str = "") -> str:
    spots = _Blank({**params, **_days(params)})
    spots["where"] = place or (where(params) if params.get("host") else rule.subject)
    if rule.id == "tls.versions":  # its line names versions; what a server said is never touched
        spots["line"] = _protocol(str(spots["line"])).replace(", ", "、")
        spots["version"] = _protocol(str(spots["version"]))
    spots["host"] = to_unicode(str(params.get("host") or ""))
    if (template := rule.says.get(kind)) is not None:
        return template.format_map(spots).strip()
    if not params.get("host") and kind in _OUTCOMES:
        return f"{rule.subject}未能观测"
    return unobserved(kind, str(params.get("line") or ""), spots)


def unobserved(kind: str, why: str, spots: Mapping[str, Any]) -> str:
    """Return the sentence for an outcome (or other `kind` of [unknown]) and its reason."""
    catalog = load()
    if kind in _OUTCOMES and why in catalog.because:
        return catalog.because[why].format_map(_Blank(spots))
    template = catalog.unknown.get(kind, catalog.unknown["protocol_error"])
    text = template.format_map(_Blank(spots))
    return f"{text}（{_short(reason(why))}）" if why and kind in _OUTCOMES else text


def reason(text: str) -> str:
    """Return a reason slug in Chinese; a line of the server stays as it was said."""
    return load().reasons.get(text, text)


def repair(rule_id: str, domain: str) -> str:
    """Return the repair text of a rule with the records of `domain` (A-label) to copy."""
    return load().rules[rule_id].repair.format(domain=domain)


def observation_subject(name: str) -> str:
    """Return the short Chinese name of an observation, for table headings."""
    return _table(name).get("subject", name)


def _table(name: str) -> Mapping[str, str]:
    sentences = _sentences()
    return sentences.get(name) or sentences.get(name.partition(".")[2], {})


def describe_observation(observation: Observation | Mapping[str, Any]) -> str:
    """Return one Chinese line for an observation: what was seen, where, with its value."""
    if not isinstance(observation, Observation):
        observation = Observation.from_json(observation)
    template = _table(observation.name).get(str(observation.outcome))
    if template is None:
        why = str(observation.value.get("reason") or observation.value.get("line") or "")
        return unobserved(str(observation.outcome), why, _spots(observation))
    return template.format_map(_Blank(_spots(observation))).strip()


def _spots(observation: Observation) -> dict[str, Any]:
    value = observation.value
    spots: dict[str, Any] = {k: _flat(v) for k, v in value.items()}
    spots |= observation.target.to_json()
    spots["where"] = where(observation.target)
    spots["host"] = to_unicode(observation.target.host)
    if observation.name == "dns.mx":
        spots["mx"] = (
            "、".join(
                f"{r['preference']} {to_unicode(r['host'])}" for r in value.get("records", [])
            )
            or "空 MX（不收邮件）"
        )
    elif observation.name == "dns.spf":
        spots["spf"] = "；".join(value.get("records", []))
    elif observation.name == "dns.dkim":
        spots["dkim"] = _dkim(value)
    elif observation.name == "dns.ptr":
        same = value.get("confirmed")
        spots["confirmed_note"] = "，正反向一致" if same else "，正反向不一致"
    elif observation.name.endswith((".tls", ".starttls")):
        spots["version"] = _protocol(str(value.get("version", "")))
        old = value.get("legacy", [])
        spots["legacy_note"] = f"，仍接受 {'、'.join(map(_protocol, old))}" if old else ""
    elif observation.name.endswith(".cert"):
        words = _sentences()["problems"]
        named = [words.get(p, p) for p in value.get("problems", [])]
        spots["problem_note"] = f"（{'、'.join(named)}）" if named else ""
    return spots | _days(value)


def _days(value: Mapping[str, Any]) -> dict[str, str]:
    """The dates of a certificate as Chinese writes them: 2026年11月24日."""
    days = {}
    for key in ("not_before", "not_after"):
        text = str(value.get(key) or "")[:10]
        with suppress(ValueError):
            day = date.fromisoformat(text)
            text = f"{day.year}年{day.month}月{day.day}日"
        days[key] = text
    return days


def _dkim(value: Mapping[str, Any]) -> str:
    if not value.get("selector"):
        return "存在 DKIM 记录，选择器未知"
    if value.get("revoked"):
        return "DKIM 公钥已撤销（p= 为空）"
    return f"DKIM 公钥 {str(value.get('key_type', '')).upper()} {value.get('bits', 0)} 位"


def _flat(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "、".join(value)
    return value
