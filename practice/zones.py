"""What the name server holds: one zone per domain from its posture, plus `.test` and the reverse
zone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dnslib import AAAA, CNAME, MX, NS, PTR, RD, SRV, TXT, A

from practice.certificates import DkimKeys
from practice.nameserver import Zone
from practice.tables import Posture

#: Client services: posture section → SRV name (RFC 6186, RFC 8314), host label, standard port.
SERVICES = {
    "submission": ("_submission", "smtp", 587),
    "smtps": ("_submissions", "smtp", 465),
    "imap": ("_imap", "imap", 143),
    "imaps": ("_imaps", "imap", 993),
    "pop3": ("_pop3", "pop", 110),
    "pop3s": ("_pop3s", "pop", 995),
}


def client_hosts(domain: str, posture: Posture) -> dict[str, str]:
    """Returns the client services that a posture offers: section → host name."""
    return {
        section: f"{label}.{domain}"
        for section, (_, label, _) in SERVICES.items()
        if getattr(posture, section).state != "closed"
    }


def exchangers(domain: str, posture: Posture) -> tuple[str, ...]:
    """Returns the MX hosts as absolute names without final dot; a null MX gives none."""
    hosts = (entry.split()[1] for entry in posture.dns.mx)
    return tuple(
        host.rstrip(".") if host.endswith(".") else f"{host}.{domain}"
        for host in hosts
        if host != "."
    )


@dataclass(frozen=True)
class Place:
    """Where a domain's hosts stand: the addresses of mx.<domain> and mail.<domain>, and the
    canary.
    """

    mail: str
    web: str
    canary: str


def domain_zone(domain: str, posture: Posture, place: Place, keys: DkimKeys) -> Zone:
    """Returns the zone of a domain (A-label) in a posture."""
    dns = posture.dns
    zone = Zone(domain, dns.behaviour)
    spots = {
        "domain": domain,
        "mail": place.mail,
        "web": place.web,
        "canary": place.canary,
    }

    def absolute(name: str) -> str:
        if name == "@":
            return domain
        return name.rstrip(".") if name.endswith(".") else f"{name}.{domain}"

    zone.add(domain, "NS", NS("ns.range.test"))
    zone.add(domain, "A", A(place.web))
    for entry in dns.mx:
        preference, host = entry.split()
        zone.add(domain, "MX", MX(absolute(host) or ".", int(preference)))
    for text in dns.spf:
        zone.add(domain, "TXT", txt(text.format(**spots)))
    for address in dns.mx_address:
        zone.add(f"mx.{domain}", "A", A(address.format(**spots)))
    zone.add(f"mail.{domain}", "A", A(place.web))
    for text in dns.dmarc:
        zone.add(f"_dmarc.{domain}", "TXT", txt(text.format(**spots)))
    if dns.dkim != "none":
        public = "" if dns.dkim == "revoked" else keys.public_base64(int(dns.dkim[4:]))
        zone.add(f"s1._domainkey.{domain}", "TXT", txt(f"v=DKIM1; k=rsa; p={public}"))
    if dns.mta_sts:
        zone.add(f"mta-sts.{domain}", "A", A(place.web))
        zone.add(f"_mta-sts.{domain}", "TXT", txt("v=STSv1; id=20260101000000"))
    for text in dns.tls_rpt:
        zone.add(f"_smtp._tls.{domain}", "TXT", txt(text.format(**spots)))
    offered = client_hosts(domain, posture)
    for host in sorted(set(offered.values())):
        zone.add(host, "A", A(place.mail))
    for section, (name, _, port) in SERVICES.items():
        # RFC 6186, 3.4: a target of "." says that the service is not offered.
        known = section in offered
        data = SRV(0, 1, port if known else 0, offered[section] if known else ".")
        zone.add(f"{name}._tcp.{domain}", "SRV", data)
    for line in dns.extra:
        name, kind, data_text = line.format(**spots).split(" ", 2)
        zone.add(absolute(name), kind, _data(kind, data_text, absolute))
    return zone


def _data(kind: str, text: str, absolute: Callable[[str], str]) -> RD:
    if kind == "TXT":
        return txt(text)
    if kind == "A":
        return A(text)
    if kind == "AAAA":
        return AAAA(text)
    if kind == "CNAME":
        return CNAME(absolute(text))
    raise ValueError(f"dns.extra: type {kind} is not played")


def txt(text: str) -> TXT:
    """Returns a TXT record, cut into character-strings of at most 255 bytes (RFC 1035, 3.3)."""
    raw = text.encode("utf-8")
    return TXT([raw[start : start + 255] for start in range(0, len(raw), 255)] or [b""])


def common_zones(resolver: str, net_prefix: str, names: dict[str, str]) -> list[Zone]:
    """Returns `.test` and the reverse zone.

    Arguments: the name server's address; `net_prefix` as "127.77.3"; `names`, address → host
    name for PTR.
    """
    test = Zone("test")
    test.add("test", "NS", NS("ns.range.test"))
    test.add("ns.range.test", "A", A(resolver))
    reverse = Zone(".".join(reversed(net_prefix.split("."))) + ".in-addr.arpa")
    reverse.add(reverse.apex, "NS", NS("ns.range.test"))
    for address, name in names.items():
        reverse.add(f"{address.rsplit('.', 1)[1]}.{reverse.apex}", "PTR", PTR(name))
    return [test, reverse]
