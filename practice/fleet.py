"""All hosts of one range in one event loop, and the change of a posture while they run."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from practice import listeners
from practice.certificates import Authority, DkimKeys
from practice.ledger import Account, Ledger
from practice.listeners import Listener, StreamService
from practice.mailbox import Imap, Pop3
from practice.nameserver import NameServer
from practice.network import Network
from practice.smtp import PostureSMTP
from practice.tables import (
    IMPLICIT_TLS,
    SERVICE_PORTS,
    Domain,
    Mailbox,
    Posture,
    Smtp,
    TableError,
    Web,
    a_label,
    posture,
)
from practice.web import WebServer
from practice.zones import Place, client_hosts, common_zones, domain_zone, exchangers


@dataclass(frozen=True)
class Site:
    """A domain in its place; `index` decides its addresses."""

    domain: Domain
    place: Place

    @property
    def mail_host(self) -> str:
        return f"mx.{self.domain.name}"

    @property
    def web_host(self) -> str:
        return f"mail.{self.domain.name}"

    @property
    def stance(self) -> Posture:
        return posture(self.domain.posture)

    @property
    def exchangers(self) -> tuple[str, ...]:
        return exchangers(self.domain.name, self.stance)

    @property
    def names(self) -> tuple[str, ...]:
        """The names on the domain's certificate: one certificate serves both hosts."""
        labels = ("mx", "smtp", "imap", "pop", "mail", "mta-sts")
        own = [f"{label}.{self.domain.name}" for label in labels]
        more = [host for host in self.exchangers if host.endswith("." + self.domain.name)]
        return tuple(dict.fromkeys(own + more))

    @property
    def services(self) -> dict[str, str]:
        """Client services that the posture offers, and the webmail: name → host."""
        return client_hosts(self.domain.name, self.stance) | {"webmail": self.web_host}


class Fleet:
    """The servers of a range. Use from inside its event loop only.

    Arguments: `state`, an existing directory; a claimed `network`; the `cast` of domains;
    `latency`, seconds that every connection and every DNS answer is held back.
    """

    def __init__(
        self, state: Path, network: Network, cast: list[Domain], latency: float = 0.0
    ) -> None:
        self.state = state
        self.network = network
        self.ledger = Ledger()
        self.authority = Authority(state)
        self.keys = DkimKeys(state)
        self.names = NameServer(self.ledger.queries, latency)
        self.latency = latency
        self.sites: dict[str, Site] = {}
        for index, domain in enumerate(cast):
            mail, web = network.addresses(index)
            self.sites[domain.name] = Site(domain, Place(mail, web, network.canaries[0]))
        self._listeners: dict[str, list[Listener]] = {}
        self._canaries: list[Listener] = []
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Opens every socket and writes range.json and ports.json. Errors: OSError when a port is
        taken.
        """
        for address in self.network.canaries:
            account = self.ledger.canary(address)
            for port in self.network.port_map:
                self._canaries.append(self._listen(account, port, lambda: listeners.hang_up))
        for name in self.sites:
            self._listeners[name] = self._open(self.sites[name])
        self._publish_names()
        await self.names.start(self.network.udp, self.network.tcp)
        self._write_state()

    async def stop(self) -> None:
        """Closes everything and removes range.json, so that no one trusts a dead range."""
        (self.state / "range.json").unlink(missing_ok=True)
        await self.names.stop()
        self.network.release()
        everything = [*self._canaries, *(one for many in self._listeners.values() for one in many)]
        await asyncio.gather(*(listener.close() for listener in everything))

    async def set_posture(self, name: str, to: str) -> None:
        """Changes a domain's posture: its listeners are opened anew, open connections end.

        Arguments: a domain (U-label or A-label) and a posture's name. Errors: TableError;
        nothing changed then.
        """
        label = a_label(name)
        if label not in self.sites:
            raise TableError(f"no domain {name!r} in this range")
        wanted = posture(to).name
        async with self._changing:
            site = self.sites[label]
            site = replace(site, domain=replace(site.domain, posture=wanted))
            await asyncio.gather(*(one.close() for one in self._listeners.pop(label, [])))
            self.sites[label] = site
            self._listeners[label] = self._open(site)
            self._publish_names()
            self._write_state()

    def _publish_names(self) -> None:
        pointers = {}
        zones = []
        for site in self.sites.values():
            stance = site.stance
            zones.append(domain_zone(site.domain.name, stance, site.place, self.keys))
            if stance.dns.ptr:
                pointers[site.place.mail] = site.mail_host
        network = self.network
        zones += common_zones(network.resolver_address, network.prefix, pointers)
        self.names.zones = {zone.apex: zone for zone in zones}

    # --- Opening the services of one domain ---

    def _listen(
        self,
        account: Account,
        port: int,
        service: Callable[[], PostureSMTP | StreamService],
        context: ssl.SSLContext | None = None,
    ) -> Listener:
        sock = listeners.bind(account.address, self.network.port_map[port])
        return Listener(account, port, sock, service, context, self.latency)

    def _open(self, site: Site) -> list[Listener]:
        stance = site.stance
        account = self.ledger.host(site.mail_host, site.place.mail)
        opened = []
        for name, port in SERVICE_PORTS.items():
            section: Smtp | Mailbox = getattr(stance, name)
            if section.state == "closed":
                continue
            if section.state == "silent":
                opened.append(self._listen(account, port, lambda: listeners.silent))
            elif section.state == "garbage":
                opened.append(self._listen(account, port, lambda: listeners.garbage))
            else:
                context = self._context(site, section)
                maker = self._maker(site, name, section, account, context)
                opened.append(
                    self._listen(account, port, maker, context if name in IMPLICIT_TLS else None)
                )
        for port in stance.exposed.ports:
            opened.append(self._listen(account, port, lambda: listeners.hang_up))
        return opened + self._open_web(site)

    def _context(self, site: Site, section: Smtp | Mailbox | Web) -> ssl.SSLContext:
        kind = section.cert or site.stance.tls.cert
        versions = section.tls or site.stance.tls.versions
        return self.authority.context(kind, versions, site.names)

    def _maker(
        self,
        site: Site,
        name: str,
        section: Smtp | Mailbox,
        account: Account,
        context: ssl.SSLContext,
    ) -> Callable[[], PostureSMTP | StreamService]:
        """Returns the function that makes the server of one visit."""
        secure = name in IMPLICIT_TLS
        host = site.mail_host
        if isinstance(section, Smtp):
            return functools.partial(
                PostureSMTP,
                account=account,
                port=SERVICE_PORTS[name],
                service=section,
                context=None if secure else context,
                host=host,
                domain=site.domain.name,
                secure=secure,
            )
        kind = Imap if name.startswith("imap") else Pop3
        return lambda: kind(account, section, context, host, secure).run

    def _open_web(self, site: Site) -> list[Listener]:
        account = self.ledger.host(site.web_host, site.place.web)
        web = site.stance.web

        def maker(secure: bool) -> Callable[[], StreamService]:
            domain, canary, mx = site.domain, site.place.canary, site.exchangers
            return lambda: (
                WebServer(account, web, domain.name, domain.unicode, canary, mx, secure).run
            )

        opened = []
        if web.http != "closed":
            opened.append(self._listen(account, 80, maker(False)))
        if web.https:
            opened.append(self._listen(account, 443, maker(True), self._context(site, web)))
        return opened

    # --- What others read ---

    def description(self) -> dict[str, Any]:
        """Returns the content of range.json."""
        network = self.network
        ports = {str(standard): port for standard, port in sorted(network.port_map.items())}
        return {
            "net": network.cidr,
            "resolver": f"{network.resolver_address}:{network.resolver_port}",
            "port_map": ports,
            "port_map_file": str(self.state / "ports.json"),
            "ca_file": str(self.authority.ca_file),
            "pid": os.getpid(),
            "canaries": list(network.canaries),
            "dkim_selectors": ["s1"],
            "domains": [
                {
                    "domain": site.domain.name,
                    "unicode": site.domain.unicode,
                    "posture": site.domain.posture,
                    "title": site.domain.title or site.stance.title,
                    "hosts": {site.mail_host: site.place.mail, site.web_host: site.place.web},
                    "services": site.services,
                }
                for site in self.sites.values()
            ],
        }

    def _write_state(self) -> None:
        description = self.description()
        for name, content in (
            ("ports.json", description["port_map"]),
            ("range.json", description),
        ):
            # Written aside and renamed: a reader never sees half a file.
            aside = self.state / f".{name}.new"
            aside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
            aside.replace(self.state / name)
