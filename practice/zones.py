"""What the name server holds: one zone per domain from its posture, plus `.test` and the reverse
zone.
"""

from __future__ import annotations

from dataclasses import dataclass

from dnslib import AAAA, CNAME, MX, NS, PTR, RD, SRV, TXT, A

from practice.certificates import DkimKeys
from practice.nameserver import Zone
from practice.tables import Posture

#: Client services announced by SRV records (RFC 6186, RFC 8314) and their standard ports.
SERVICES = {
    "_submission": 587,
    "_submissions": 465,
    "_imap": 143,
    "_imaps": 993,
    "_pop3": 110,
    "_pop3s": 995,
}


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
    for service, port in SERVICES.items():
        section = getattr(posture, service.strip("_").replace("submissions", "smtps"))
        # RFC 6186, 3.4: a target of "." says that the service is not offered.
        offered = section.state != "closed"
        target = f"mx.{domain}" if offered else "."
        data = SRV(0, 1, port if offered else 0, target)
        zone.add(f"{service}._tcp.{domain}", "SRV", data)
    for line in dns.extra:
        name, kind, data_text = line.format(**spots).split(" ", 2)
        zone.add(absolute(name), kind, _data(kind, data_text, absolute))
    return zone


def _data(kind: str, text: str, absolute: object) -> RD:
    assert callable(absolute)
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
