"""All hosts of one range in one event loop, and the change of a posture while they run."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
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
    a_label,
    posture,
)
from practice.web import WebServer
from practice.zones import Place, common_zones, domain_zone


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
    def names(self) -> tuple[str, ...]:
        """The names on the domain's certificate."""
        return (self.mail_host, self.web_host, f"mta-sts.{self.domain.name}")


class Fleet:
    """The servers of a range. Use from inside its event loop only.

    Arguments: `state`, an existing directory; a claimed `network`; the `cast` of domains.
    """

    def __init__(self, state: Path, network: Network, cast: list[Domain]) -> None:
        self.state = state
        self.network = network
        self.ledger = Ledger()
        self.authority = Authority(state)
        self.keys = DkimKeys(state)
        self.names = NameServer(self.ledger.queries)
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
            for standard, port in self.network.port_map.items():
                sock = listeners.bind(address, port)
                self._canaries.append(Listener(account, standard, sock, lambda: listeners.hang_up))
        for name in self.sites:
            self._listeners[name] = self._open(self.sites[name])
        self._publish_names()
        await self.names.start(self.network.udp, self.network.tcp)
        self._write_state()

    async def stop(self) -> None:
        """Closes everything and removes range.json, so that no one trusts a dead range."""
        (self.state / "range.json").unlink(missing_ok=True)
        await self.names.stop()
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
            stance = posture(site.domain.posture)
            zones.append(domain_zone(site.domain.name, stance, site.place, self.keys))
            if stance.dns.ptr:
                pointers[site.place.mail] = site.mail_host
        network = self.network
        zones += common_zones(network.resolver_address, network.prefix, pointers)
        self.names.zones = {zone.apex: zone for zone in zones}

    # --- Opening the services of one domain ---

    def _open(self, site: Site) -> list[Listener]:
        stance = posture(site.domain.posture)
        mail = self.ledger.host(site.mail_host, site.place.mail)
        opened = []
        for service, port in SERVICE_PORTS.items():
            section: Smtp | Mailbox = getattr(stance, service)
            if section.state == "closed":
                continue
            sock = listeners.bind(site.place.mail, self.network.port_map[port])
            secure = service in IMPLICIT_TLS
            context = self._context(site, stance, section)
            if section.state == "silent":
                opened.append(Listener(mail, port, sock, lambda: listeners.silent))
            elif section.state == "garbage":
                opened.append(Listener(mail, port, sock, lambda: listeners.garbage))
            else:
                maker = self._maker(site, service, section, mail, context)
                opened.append(Listener(mail, port, sock, maker, context if secure else None))
        for port in stance.exposed.ports:
            sock = listeners.bind(site.place.mail, self.network.port_map[port])
            opened.append(Listener(mail, port, sock, lambda: listeners.hang_up))
        return opened + self._open_web(site, stance)

    def _context(self, site: Site, stance: Posture, section: Any) -> ssl.SSLContext:
        cert = section.cert or stance.tls.cert
        versions = section.tls or stance.tls.versions
        return self.authority.context(cert, versions, site.names)

    def _maker(
        self,
        site: Site,
        service: str,
        section: Smtp | Mailbox,
        account: Account,
        context: ssl.SSLContext,
    ) -> Any:
        """Returns the function that makes the server of one visit."""
        secure = service in IMPLICIT_TLS
        host = site.mail_host

        def smtp() -> PostureSMTP:
            assert isinstance(section, Smtp)
            return PostureSMTP(
                account=account,
                port=SERVICE_PORTS[service],
                service=section,
                context=None if secure else context,
                host=host,
                domain=site.domain.name,
                secure=secure,
            )

        def mailbox() -> StreamService:
            assert isinstance(section, Mailbox)
            kind = Imap if service.startswith("imap") else Pop3
            return kind(account, section, context, host, secure).run

        return smtp if isinstance(section, Smtp) else mailbox

    def _open_web(self, site: Site, stance: Posture) -> list[Listener]:
        account = self.ledger.host(site.web_host, site.place.web)
        mx = tuple(
            f"{entry.split()[1]}.{site.domain.name}"
            for entry in stance.dns.mx
            if not entry.endswith(".")
        )

        def maker(secure: bool) -> Any:
            domain = site.domain
            return lambda: (
                WebServer(
                    account, stance.web, domain.name, domain.unicode, site.place.canary, mx, secure
                ).run
            )

        opened = []
        ports = self.network.port_map
        if stance.web.http != "closed":
            sock = listeners.bind(site.place.web, ports[80])
            opened.append(Listener(account, 80, sock, maker(False)))
        if stance.web.https:
            sock = listeners.bind(site.place.web, ports[443])
            context = self._context(site, stance, stance.web)
            opened.append(Listener(account, 443, sock, maker(True), context))
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
                    "title": site.domain.title or posture(site.domain.posture).title,
                    "hosts": {site.mail_host: site.place.mail, site.web_host: site.place.web},
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
