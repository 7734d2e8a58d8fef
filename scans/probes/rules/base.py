"""What rules share: a view on the observations, and the worst over hosts and ports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import Observation, Outcome, Result

Found = tuple[Result, dict[str, Any]]


@dataclass(frozen=True)
class Seen:
    """The observations of one domain, by name.

    Args:
        observations: of one wave.
        thresholds: table `[thresholds]` of rules.toml.
    """

    observations: Sequence[Observation]
    thresholds: Mapping[str, int]
    _by_name: dict[str, list[Observation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for observation in self.observations:
            self._by_name.setdefault(observation.name, []).append(observation)

    def named(self, *names: str) -> list[Observation]:
        """Return the observations with these names, in the order of the names."""
        return [o for name in names for o in self._by_name.get(name, [])]

    def first(self, name: str) -> Observation | None:
        """Return the only observation of a name that a domain has once."""
        return next(iter(self._by_name.get(name, [])), None)

    @property
    def takes_no_mail(self) -> bool:
        """A null MX (RFC 7505): the domain declares that it receives nothing."""
        mx = self.first("dns.mx")
        if mx is None or mx.outcome is not Outcome.OBSERVED:
            return False
        return bool(mx.value.get("null_mx")) and mx.value.get("total") == 1


@dataclass(frozen=True, slots=True)
class Sight:
    """What one observation means to a rule.

    Args:
        result: of this observation alone; NOT_APPLICABLE leaves it out.
        kind: key of the rule's `says`.
        line: what the page quotes.
        extra: further parameters of the sentence.
    """

    result: Result
    kind: str
    line: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


GOOD = Sight(Result.CONFORMING, "ok")
SKIP = Sight(Result.NOT_APPLICABLE, "skip")


def unknown(observation: Observation) -> Sight:
    """Return UNKNOWN with the outcome as its kind and the reason as its line."""
    reason = str(observation.value.get("reason") or observation.value.get("line") or "")
    return Sight(Result.UNKNOWN, str(observation.outcome), reason)


def place(observation: Observation, sight: Sight) -> dict[str, Any]:
    """Return one entry of offenders, warnings or unknown."""
    return {
        **sight.extra,
        **observation.target.to_json(),
        "observation": observation.name,
        "kind": sight.kind,
        "line": sight.line,
    }


def worst(
    observations: Iterable[Observation],
    look: Callable[[Observation], Sight],
    *,
    nothing: Found | None = None,
) -> Found:
    """Judge each observation and keep the worst: nonconforming, warning, unknown, conforming.

    Args:
        observations: what to judge.
        look: judges one.
        nothing: what to say where no observation applies; default not applicable.
    """
    buckets: dict[Result, list[dict[str, Any]]] = {result: [] for result in Result}
    for observation in observations:
        sight = look(observation)
        if sight.result is not Result.NOT_APPLICABLE:
            buckets[sight.result].append(place(observation, sight))
    order = (Result.NONCONFORMING, Result.WARNING, Result.UNKNOWN, Result.CONFORMING)
    result = next((each for each in order if buckets[each]), None)
    if result is None:
        return nothing or (Result.NOT_APPLICABLE, {"kind": "no_endpoint"})
    return result, {
        "kind": buckets[result][0]["kind"],
        "offenders": buckets[Result.NONCONFORMING],
        "warnings": buckets[Result.WARNING],
        "unknown": buckets[Result.UNKNOWN],
        "good": buckets[Result.CONFORMING],
        "checked": sum(len(buckets[each]) for each in order),
    }


def alone(result: Result, kind: str, observation: Observation | None, **extra: Any) -> Found:
    """Return a verdict that rests on one observation of the whole domain."""
    line = str(extra.pop("line", ""))
    params: dict[str, Any] = {"kind": kind, "offenders": [], "warnings": [], "unknown": []}
    if observation is not None:
        entry = place(observation, Sight(result, kind, line, extra))
        bucket = {
            Result.NONCONFORMING: "offenders",
            Result.WARNING: "warnings",
            Result.UNKNOWN: "unknown",
        }.get(result, "good")
        params[bucket] = [entry]
    return result, params


def unseen(observation: Observation | None) -> Found:
    """Return UNKNOWN for an observation that could not be made or was not asked for."""
    if observation is None:
        return Result.UNKNOWN, {"kind": "not_asked", "offenders": [], "warnings": [], "unknown": []}
    sight = unknown(observation)
    return alone(Result.UNKNOWN, sight.kind, observation, line=sight.line)
