"""IMAP and POP3 far enough for an outside view: greeting, capabilities, STARTTLS, refused log-in.

Kept libraries for these protocols (Twisted, pymap) are whole mail stores; none lets a posture
choose what is said before TLS, so these are two small line servers.
"""

from __future__ import annotations

import asyncio
import ssl

from practice.ledger import Account
from practice.tables import Mailbox


class LineServer:
    """One IMAP or POP3 connection.

    Arguments: `account` of the host; `service` from the posture; `context` for STARTTLS; `host`
    name; `secure` when TLS came first.
    """

    def __init__(
        self,
        account: Account,
        service: Mailbox,
        context: ssl.SSLContext,
        host: str,
        secure: bool,
    ) -> None:
        self.account = account
        self.service = service
        self.context = context
        self.host = host
        self.secure = secure

    @property
    def may_log_in(self) -> bool:
        """Says whether the service takes a password now."""
        return self.secure or self.service.plain_login

    @property
    def may_start_tls(self) -> bool:
        """Says whether the upgrade is offered now."""
        return not self.secure and self.service.starttls == "offer"

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one client until it leaves or says goodbye."""
        if self.service.banner_delay:
            await asyncio.sleep(self.service.banner_delay)
        await self._say(writer, self.greeting())
        while line := await reader.readline():
            try:
                text = line.decode("ascii").strip()
            except UnicodeDecodeError:
                text = ""
            replies, then = self.answer(text)
            await self._say(writer, *replies)
            if then == "tls":
                # What was sent in one packet with the command must not reach the secure session.
                reader._buffer.clear()  # type: ignore[attr-defined]
                await writer.start_tls(self.context)
                self.secure = True
            elif then == "close":
                return

    async def _say(self, writer: asyncio.StreamWriter, *lines: str) -> None:
        writer.write("".join(line + "\r\n" for line in lines).encode("ascii"))
        await writer.drain()

    def count(self, verb: str) -> None:
        """Enters a command in the account."""
        self.account.commands[verb] += 1

    def greeting(self) -> str:
        """Returns the first line."""
        raise NotImplementedError

    def answer(self, line: str) -> tuple[list[str], str]:
        """Returns the reply lines and what follows: "", "tls" or "close"."""
        raise NotImplementedError


class Imap(LineServer):
    """IMAP4rev1 before authentication (RFC 3501; LOGINDISABLED and STARTTLS, 6.2.1 and 6.2.3)."""

    def capabilities(self) -> str:
        """Returns the capability list of this moment."""
        words = ["IMAP4rev1", "ID", "LITERAL+"]
        if self.may_start_tls:
            words.append("STARTTLS")
        words.append("AUTH=PLAIN" if self.may_log_in else "LOGINDISABLED")
        return " ".join(words)

    def greeting(self) -> str:
        return f"* OK [CAPABILITY {self.capabilities()}] {self.host} {self.service.banner}"

    def answer(self, line: str) -> tuple[list[str], str]:
        tag, _, rest = line.partition(" ")
        verb = rest.partition(" ")[0].upper()
        if not tag or not verb:
            return ["* BAD Syntax error"], ""
        self.count(verb)
        if verb == "CAPABILITY":
            return [f"* CAPABILITY {self.capabilities()}", f"{tag} OK done"], ""
        if verb == "NOOP":
            return [f"{tag} OK done"], ""
        if verb == "ID":
            return ["* ID NIL", f"{tag} OK done"], ""
        if verb == "LOGOUT":
            return ["* BYE logging out", f"{tag} OK done"], "close"
        if verb == "STARTTLS":
            if self.may_start_tls:
                return [f"{tag} OK begin TLS"], "tls"
            return [f"{tag} BAD STARTTLS not available"], ""
        if verb in ("LOGIN", "AUTHENTICATE"):
            if not self.may_log_in:
                return [f"{tag} NO [PRIVACYREQUIRED] log in under TLS only"], ""
            return [f"{tag} NO [AUTHENTICATIONFAILED] refused"], ""
        return [f"{tag} BAD not available before log-in"], ""


class Pop3(LineServer):
    """POP3 before authentication (RFC 1939, CAPA RFC 2449, STLS RFC 2595)."""

    def greeting(self) -> str:
        return f"+OK {self.host} {self.service.banner}"

    def answer(self, line: str) -> tuple[list[str], str]:
        verb = line.partition(" ")[0].upper()
        if verb:
            self.count(verb)
        if verb == "CAPA":
            words = ["TOP", "UIDL", "RESP-CODES"]
            if self.may_start_tls:
                words.append("STLS")
            if self.may_log_in:
                words += ["USER", "SASL PLAIN"]
            return ["+OK capabilities follow", *words, "."], ""
        if verb == "NOOP":
            return ["+OK"], ""
        if verb == "QUIT":
            return ["+OK bye"], "close"
        if verb == "STLS":
            if self.may_start_tls:
                return ["+OK begin TLS"], "tls"
            return ["-ERR STLS not available"], ""
        if verb in ("USER", "PASS", "APOP", "AUTH"):
            if not self.may_log_in:
                return ["-ERR [SYS/PERM] log in under TLS only"], ""
            if verb == "USER":
                return ["+OK"], ""
            return ["-ERR [AUTH] refused"], ""
        return ["-ERR unknown command"], ""
