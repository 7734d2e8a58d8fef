"""What all sessions share: one visit to one port, its observations, its TLS look."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from . import certs, tls
from .guard import Guard
from .lines import LineClient, Transcript, outcome_of
from .model import Endpoint, Observation, Outcome, observe
from .pace import Pacer
from .policy import ScanPolicy


@dataclass(frozen=True, slots=True)
class Tools:
    """What a wave lends to every session."""

    policy: ScanPolicy
    guard: Guard
    pacer: Pacer
    trust: certs.TrustStore

    @property
    def ehlo(self) -> str:
        """Name that the scanner gives in EHLO."""
        return self.policy.identity.ehlo


@dataclass
class Visit:
    """One session with one port: collects observations under the port's prefix.

    Args:
        tools: of the wave.
        prefix: `smtp`, `submission`, `smtps`, `imap`, … .
        target: where.
        names: observations that this session owes, without prefix; whatever is missing at the
            end gets the outcome that ended the session.

    `first_tls` is version and cipher of the first handshake, None where none came about. It is
    kept when the session fails later: what was negotiated was seen.
    """

    tools: Tools
    prefix: str
    target: Endpoint
    names: Sequence[str]
    done: dict[str, Observation] = field(default_factory=dict)
    transcript: Transcript = field(init=False)
    first_tls: dict[str, Any] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.transcript = Transcript(self.tools.policy.limits.transcript_bytes)

    def note(
        self,
        name: str,
        outcome: Outcome,
        value: Mapping[str, Any] | None = None,
        since: int | None = None,
    ) -> None:
        """Record an observation with the transcript lines from index `since` on (all if None)."""
        lines = self.transcript.lines[since or 0 :]
        full = f"{self.prefix}.{name}"
        self.done[name] = observe(full, self.target, outcome, value, lines)

    def mark(self) -> int:
        """Return the place in the transcript, for `note(since=…)`."""
        return len(self.transcript.lines)

    def fail(self, error: BaseException) -> Outcome:
        """Give every observation still owed the outcome of `error`, with its reason."""
        outcome, reason = outcome_of(error)
        self.transcript.add("#", f"{outcome}: {reason}")
        for name in self.names:
            if name not in self.done:
                self.note(name, outcome, {"reason": reason})
        return outcome

    def rest(self, names: Sequence[str], outcome: Outcome, reason: str) -> None:
        """Give the named observations, where still owed, one outcome."""
        for name in names:
            if name in self.names and name not in self.done:
                self.note(name, outcome, {"reason": reason})

    def slow_down_if_asked(self) -> None:
        """Tell the pacer where the host itself asked for patience."""
        asked = any(
            observation.outcome is Outcome.RATE_LIMITED
            and observation.value.get("reason") not in ("backoff", "connection_budget")
            for observation in self.done.values()
        )
        if asked and self.target.address is not None and self.target.port is not None:
            self.tools.pacer.rate_limited(self.target.address, self.target.port)

    @property
    def observations(self) -> list[Observation]:
        """In the order of `names`."""
        return [self.done[name] for name in self.names if name in self.done]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[LineClient]:
        """Open the connection; tell the pacer whether the host spoke.

        Raises:
            what `Guard.connect` raises.
        """
        address, port = self.target.address, self.target.port
        assert address is not None
        assert port is not None
        async with self.tools.guard.connect(address, port) as wire:
            deadline = time.monotonic() + self.tools.policy.budget.session
            client = LineClient(wire, self.tools.policy, deadline, self.transcript)
            try:
                yield client
            except TimeoutError:
                if not client.heard:
                    self.tools.pacer.silent(address)
                raise
            finally:
                if client.heard:
                    self.tools.pacer.spoke(address)

    async def look_at_tls(self, stream: tls.TlsStream, start: int) -> None:
        """Note the certificate and keep the first part of the tls value."""
        self.first_tls = {"version": stream.version, "cipher": stream.cipher}
        chain, cut = stream.chain(self.tools.policy.limits.chain_bytes)
        value = certs.inspect(chain, self.target.host, self.tools.trust)
        value["chain_cut"] = cut
        value["chain_der"] = [base64.b64encode(der).decode("ascii") for der in chain]
        self.note("cert", Outcome.OBSERVED, value, start)


async def old_versions(
    visit: Visit, prepare: Callable[[LineClient], Awaitable[None]] | None = None
) -> None:
    """Ask with one more connection whether TLS 1.0 or 1.1 is accepted; note `tls`.

    Args:
        visit: the session; one that saw no handshake is left as it is.
        prepare: brings a fresh connection to the point where TLS starts; None where it is there
            from the first byte.

    The value gets `legacy` (old versions seen) and `legacy_tested`. An alert or a reset is a
    refusal of old versions; silence, or a session that does not get that far, is "not tested".
    """
    first = visit.first_tls
    if first is None:
        return
    value: dict[str, Any] = {**first, "legacy": [], "legacy_tested": True, "legacy_reason": ""}
    lines = [f"# TLS {first['version']} {first['cipher']}"]
    if first["version"] in tls.LEGACY:
        value["legacy"] = [first["version"]]
    else:
        value |= await _offer_old(visit, prepare, lines)
    name = f"{visit.prefix}.tls"
    visit.done["tls"] = observe(name, visit.target, Outcome.OBSERVED, value, lines)


async def _offer_old(
    visit: Visit, prepare: Callable[[LineClient], Awaitable[None]] | None, lines: list[str]
) -> dict[str, Any]:
    if not tls.speaks_old_versions():
        # A refusal would be our own OpenSSL's, not the host's.
        lines.append("# this machine's OpenSSL cannot offer TLS 1.0 and 1.1")
        return {"legacy_tested": False, "legacy_reason": "own_openssl"}
    address, port = visit.target.address, visit.target.port
    assert address is not None
    assert port is not None
    policy = visit.tools.policy
    transcript = Transcript(policy.limits.transcript_bytes, lines)
    transcript.add("#", "new connection, offering TLS 1.0 and 1.1 only")
    reached = False
    try:
        async with visit.tools.guard.connect(address, port) as wire:
            deadline = time.monotonic() + policy.budget.session
            if prepare is not None:
                await prepare(LineClient(wire, policy, deadline, transcript))
            reached = True
            wait = policy.budget.line
            async with asyncio.timeout(wait):
                stream = await tls.start(wire, visit.target.host, wait, tls.OLD_VERSIONS)
            transcript.add("#", f"TLS {stream.version} {stream.cipher} accepted")
            return {"legacy": [stream.version]}
    except Exception as error:
        outcome, reason = outcome_of(error)
        refused = reached and outcome is Outcome.PROTOCOL_ERROR
        transcript.add(
            "#", f"old versions refused: {reason}" if refused else f"{outcome}: {reason}"
        )
        return {"legacy_tested": refused, "legacy_reason": reason}
