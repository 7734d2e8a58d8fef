"""SMTP on 25, 465 and 587: aiosmtpd, with the bad manners that a posture asks for.

No message is ever accepted: DATA is counted and refused before a byte of content, AUTH is
counted and refused before a credential is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import ssl
from collections.abc import Awaitable, Callable

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from practice.ledger import Account
from practice.tables import Smtp

# aiosmtpd logs every line of every session; the transcript belongs to the scanner.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

KNOWN_USERS = ("postmaster", "abuse", "zhang.wei")
NO_MAIL = "554 5.7.1 Practice range: no mail is accepted here"


class Manners:
    """aiosmtpd's handler: what a service answers to EHLO, VRFY, MAIL and RCPT.

    Arguments: `domain` whose mail the host takes; `service` from the posture; `secure` when TLS
    came first (465).
    """

    def __init__(self, domain: str, service: Smtp, secure: bool) -> None:
        self.domain = domain
        self.service = service
        self.secure = secure

    def encrypted(self, session: Session) -> bool:
        """Says whether the session is under TLS, by STARTTLS or from the first byte."""
        return self.secure or session.ssl is not None

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        """Replaces aiosmtpd's AUTH and STARTTLS lines by the posture's."""
        session.host_name = name
        lines = [line for line in replies if line[4:].split()[0] not in ("AUTH", "STARTTLS")]
        offers = []
        if self.service.starttls != "none" and not self.encrypted(session):
            offers.append("250-STARTTLS")
        if self.service.auth and (self.encrypted(session) or self.service.auth_before_tls):
            offers.append("250-AUTH " + " ".join(self.service.auth))
        if self.service.vrfy == "confirm":
            offers.append("250-VRFY")
        return [*lines[:-1], *offers, lines[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accepts any sender unless the posture has a reply of its own."""
        if self.service.mail_reply:
            return self.service.mail_reply
        if self.service.auth:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes recipients of its own domain, others only as a relay."""
        if self.service.rcpt_reply:
            return self.service.rcpt_reply
        foreign = address.rpartition("@")[2].lower().rstrip(".") != self.domain
        if foreign and not self.service.relay:
            return f"554 5.7.1 <{address}>: Relay access denied"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_exception(self, error: Exception) -> str:
        """Keeps failed handshakes, which scanners cause on purpose, out of the log."""
        if not isinstance(error, TLSSetupException | ssl.SSLError | OSError):
            logging.getLogger(__name__).exception("SMTP session failed")
        return "451 4.3.0 Internal error"


class PostureSMTP(SMTP):
    """One SMTP connection in a posture.

    Arguments: `account` of the host; `port` (the standard one); `service` from the posture;
    `context` for STARTTLS (None on 465); `host` and `domain` names; `secure` on 465.
    """

    def __init__(
        self,
        *,
        account: Account,
        port: int,
        service: Smtp,
        context: ssl.SSLContext | None,
        host: str,
        domain: str,
        secure: bool,
    ) -> None:
        self.account = account
        self.port = port
        self.service = service
        self.ended = asyncio.get_running_loop().create_future()
        manners = Manners(domain, service, secure)
        super().__init__(
            manners,
            hostname=host,
            ident=service.banner,
            tls_context=context if service.starttls != "none" else None,
            data_size_limit=35_882_577,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self._smtp_methods = {
            verb: self._counted(verb, method) for verb, method in self._smtp_methods.items()
        }

    def _counted(
        self, verb: str, method: Callable[[str | None], Awaitable[None]]
    ) -> Callable[[str | None], Awaitable[None]]:
        @functools.wraps(method)
        async def counted(arg: str | None) -> None:
            self.account.commands[verb] += 1
            await method(arg)

        return counted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps, where injectable, what came in one packet with STARTTLS (CVE-2011-0411)."""
        again = self.transport is not None
        smuggled = self._waiting() if again else b""
        super().connection_made(transport)
        if smuggled and self.service.starttls == "injectable":
            self._reader.feed_data(smuggled)

    def _waiting(self) -> bytes:
        """Returns what has arrived but not been read; streams have no public name for it."""
        return bytes(self._reader._buffer)  # type: ignore[attr-defined]

    def connection_lost(self, error: Exception | None) -> None:
        """Tells the listener that the visit is over."""
        if not self.ended.done():
            self.ended.set_result(None)
        if self.transport is not None:
            # After a failed STARTTLS aiosmtpd calls this itself and asyncio calls it again.
            super().connection_lost(error)

    async def _handle_client(self) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                if await self._greet():
                    await super()._handle_client()
        finally:
            # aiosmtpd keeps a half-closed connection; a client that left during the pause is gone.
            if self.transport is not None:
                self.transport.close()

    async def _greet(self) -> bool:
        """Plays everything that comes before the banner; False when the session is over."""
        limit = self.service.connections_per_minute
        if self.service.banner_delay:
            await asyncio.sleep(self.service.banner_delay)
        if self._waiting():
            self.account.early_talkers += 1
            if self.service.early_talkers == "reject":
                return await self._dismiss("554 5.5.1 Error: I have not greeted you yet")
        if limit and self.account.within_a_minute(self.port) > limit:
            return await self._dismiss("421 4.7.0 Too many connections, try again later")
        if self.service.greeting:
            return await self._dismiss(self.service.greeting)
        return True

    async def _dismiss(self, reply: str) -> bool:
        await self.push(reply)
        if self.transport is not None:
            self.transport.close()
        return False

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        """Answers 502 where the posture knows HELO only."""
        if not self.service.ehlo:
            await self.push("502 5.5.1 Command not implemented")
            return
        await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        """Starts TLS, or goes wrong in the way the posture asks for."""
        kind = self.service.starttls
        if kind == "refuse":
            await self.push("454 4.7.0 TLS not available due to temporary reason")
        elif kind in ("hang", "garbage"):
            await self.push("220 2.0.0 Ready to start TLS")
            if kind == "garbage":
                await self.push("500 5.5.1 Command unrecognized")
            while await self._reader.read(4096):
                pass  # stays silent until the client leaves
        else:
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802
        """Refuses before any credential is read."""
        assert self.session is not None
        if not self.service.auth:
            await self.push("503 5.5.1 Error: authentication not enabled")
        elif not (self.service.auth_before_tls or self.event_handler.encrypted(self.session)):
            await self.push("538 5.7.11 Encryption required for requested authentication")
        else:
            await self.push("535 5.7.8 Error: authentication failed")

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802
        """RFC 5321, 3.5.3: 252 gives nothing away; a telling server answers 250 or 550."""
        user = (arg or "").strip().strip("<>").partition("@")[0].lower()
        if self.service.vrfy == "disabled":
            await self.push("502 5.5.1 VRFY command is disabled")
        elif not user:
            await self.push("501 5.5.4 Syntax: VRFY address")
        elif self.service.vrfy == "refuse":
            await self.push("252 2.0.0 Cannot VRFY user, send some mail")
        elif user in KNOWN_USERS:
            await self.push(f"250 2.1.5 <{user}@{self.event_handler.domain}>")
        else:
            await self.push("550 5.1.1 No such user")

    async def smtp_EXPN(self, arg: str | None) -> None:  # noqa: N802
        """Expands a list where the posture gives its directory away."""
        if not self.service.expn:
            await self.push("502 5.5.1 EXPN command is disabled")
            return
        domain = self.event_handler.domain
        for user in KNOWN_USERS[:-1]:
            await self.push(f"250-<{user}@{domain}>")
        await self.push(f"250 <{KNOWN_USERS[-1]}@{domain}>")

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """Never accepts content; the count is what tests assert to be zero."""
        await self.push(NO_MAIL)
