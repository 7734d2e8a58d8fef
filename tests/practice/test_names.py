import base64
import socket
import struct
from collections import Counter

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.reversename
import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from practice.nameserver import NameServer, Zone
from practice.zones import txt


def rows(answer) -> list[str]:
    return sorted(record.to_text() for rrset in answer.answer for record in rrset)


def test_exemplary_domain(visitor):
    assert rows(visitor.ask("exemplary.test", "MX")) == ["10 mx.exemplary.test."]
    assert rows(visitor.ask("mx.exemplary.test", "A")) == [
        visitor.grounds.address("mx.exemplary.test")
    ]
    assert visitor.texts("exemplary.test") == ["v=spf1 mx -all"]
    assert visitor.texts("_dmarc.exemplary.test") == [
        "v=DMARC1; p=reject; rua=mailto:dmarc@exemplary.test"
    ]
    assert rows(visitor.ask("exemplary.test", "NS")) == ["ns.range.test."]
    assert rows(visitor.ask("exemplary.test", "SOA"))[0].startswith("ns.range.test. ")
    assert rows(visitor.ask("_imaps._tcp.exemplary.test", "SRV")) == [
        "0 1 993 imap.exemplary.test."
    ]
    assert visitor.texts("_mta-sts.exemplary.test")[0].startswith("v=STSv1; id=")
    assert visitor.texts("_smtp._tls.exemplary.test") == [
        "v=TLSRPTv1; rua=mailto:tls@exemplary.test"
    ]


def test_addresses_lie_in_the_network_and_point_back(visitor):
    prefix = visitor.grounds.net.removesuffix("0/24")
    address = visitor.grounds.address("mx.exemplary.test")
    assert address.startswith(prefix)
    assert rows(visitor.ask(dns.reversename.from_address(address).to_text(), "PTR")) == [
        "mx.exemplary.test."
    ]


@pytest.mark.parametrize(("name", "bits"), [("exemplary.test", 2048), ("dkim-weak.test", 1024)])
def test_dkim_key_has_the_bits_it_claims(visitor, name, bits):
    (text,) = visitor.texts(f"s1._domainkey.{name}")
    head, _, key = text.partition("p=")
    assert head == "v=DKIM1; k=rsa; "
    assert load_der_public_key(base64.b64decode(key)).key_size == bits


def test_dkim_missing_and_revoked(visitor):
    assert visitor.rcode("s1._domainkey.dkim-missing.test", "TXT") == "NXDOMAIN"
    assert visitor.rcode("_domainkey.dkim-missing.test", "TXT") == "NXDOMAIN"
    assert visitor.texts("s1._domainkey.dkim-revoked.test") == ["v=DKIM1; k=rsa; p="]


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("mx.exemplary.test", "AAAA", "NOERROR"),  # the name exists, the type does not
        ("_domainkey.exemplary.test", "TXT", "NOERROR"),  # empty non-terminal, RFC 8020
        ("_tcp.exemplary.test", "A", "NOERROR"),
        ("gov.test", "TXT", "NOERROR"),  # empty because jia.gov.test lies below it
        ("_dmarc.gov.test", "TXT", "NXDOMAIN"),  # the DMARC tree walk asks this
        ("nothing.exemplary.test", "A", "NXDOMAIN"),
        ("x.mx.exemplary.test", "A", "NXDOMAIN"),  # no wildcards
        ("nobody.test", "MX", "NXDOMAIN"),
        ("example.com", "A", "REFUSED"),
    ],
)
def test_absence_is_exact(visitor, name, kind, rcode):
    answer = visitor.ask(name, kind)
    assert visitor.rcode(name, kind) == rcode
    assert answer.answer == []
    authority = [rrset.rdtype for rrset in answer.authority]
    assert authority == ([] if rcode == "REFUSED" else [dns.rdatatype.SOA])


def test_it_claims_recursion_and_never_authentic_data(visitor):
    answer = visitor.ask("exemplary.test", "MX")
    assert answer.flags & dns.flags.RA
    assert answer.flags & dns.flags.AA
    assert not answer.flags & dns.flags.AD


def test_spf_postures(visitor):
    assert visitor.texts("no-spf.test") == []
    assert visitor.rcode("no-spf.test", "TXT") == "NOERROR"
    assert visitor.texts("plus-all.test") == ["v=spf1 mx +all"]
    assert visitor.texts("spf-softfail.test") == ["v=spf1 mx ~all"]
    assert visitor.texts("spf-two-records.test") == ["v=spf1 a -all", "v=spf1 mx -all"]
    assert visitor.rcode("gone.spf-broken-include.test", "TXT") == "NXDOMAIN"


def test_spf_lookups_really_exceed_ten(visitor):
    def terms(name: str) -> int:
        (text,) = visitor.texts(name)
        count = 0
        for word in text.split()[1:]:
            kind, _, target = word.partition(":")
            if kind == "include":
                count += 1 + terms(target)
            elif kind == "a":
                assert visitor.ask(target, "A").answer
                count += 1
        return count

    assert terms("spf-too-many-lookups.test") == 12


def test_dmarc_postures(visitor):
    assert visitor.texts("_dmarc.dmarc-none.test")[0].startswith("v=DMARC1; p=none;")
    assert visitor.rcode("_dmarc.dmarc-missing.test", "TXT") == "NXDOMAIN"


def test_mx_postures(visitor):
    def address_of(domain):
        return rows(visitor.ask(f"mx.{domain}", "A"))

    assert rows(visitor.ask("null-mx.test", "MX")) == ["0 ."]
    assert visitor.ask("mx.mx-no-address.test", "A").answer == []
    assert rows(visitor.ask("mx-cname.test", "MX")) == ["10 alias.mx-cname.test."]
    alias = visitor.ask("alias.mx-cname.test", "A").answer
    assert [rrset.rdtype for rrset in alias] == [dns.rdatatype.CNAME, dns.rdatatype.A]
    assert address_of("mx-forbidden.test") == ["169.254.169.254"]
    assert address_of("mx-private.test") == ["10.0.0.5"]
    assert address_of("mx-canary.test") == [visitor.grounds.canaries[0]]
    assert visitor.grounds.canaries[0].startswith("127.66.")
    own = visitor.grounds.address("mx.mx-mixed.test")
    assert address_of("mx-mixed.test") == sorted(["10.0.0.5", own])
    assert rows(visitor.ask("hosted.test", "MX")) == ["10 mx.exemplary.test."]


def test_idn_domain_is_asked_by_its_a_label(visitor):
    assert visitor.texts("xn--5nqzn608hevt.test") == ["v=spf1 mx -all"]
    assert visitor.texts("XN--5NQZN608HEVT.TEST") == ["v=spf1 mx -all"]


def test_a_failing_name_server(visitor):
    for kind in ("MX", "TXT", "A"):
        assert visitor.rcode("dns-servfail.test", kind) == "SERVFAIL"
    assert visitor.rcode("_dmarc.dns-servfail.test", "TXT") == "SERVFAIL"


def test_a_silent_name_server(visitor):
    with pytest.raises(dns.exception.Timeout):
        visitor.ask("dns-silent.test", "MX")
    with pytest.raises((dns.exception.Timeout, EOFError)):
        visitor.ask("dns-silent.test", "MX", tcp=True)


def test_truncated_answers_come_whole_over_tcp(visitor):
    short = visitor.ask("dns-truncated.test", "TXT")
    assert short.flags & dns.flags.TC
    assert short.answer == []
    whole = visitor.ask("dns-truncated.test", "TXT", tcp=True)
    assert not whole.flags & dns.flags.TC
    assert rows(whole) == ['"v=spf1 mx -all"']


def test_an_answer_over_the_client_s_limit_is_truncated():
    server = NameServer(Counter())
    server.zones = {"big.test": Zone("big.test")}
    server.zones["big.test"].add("big.test", "TXT", txt("x" * 600))

    def answer(**edns):
        wire = server.respond(dns.message.make_query("big.test", "TXT", **edns).to_wire(), udp=True)
        return dns.message.from_wire(wire)

    assert answer(use_edns=False).flags & dns.flags.TC
    assert answer(use_edns=False).answer == []
    whole = answer(use_edns=True, payload=1232)
    assert not whole.flags & dns.flags.TC
    assert [len(part) for part in whole.answer[0][0].strings] == [255, 255, 90]


def test_garbage_and_strange_questions_do_no_harm(visitor):
    address, port = visitor.grounds.resolver.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        for packet in (b"", b"\x00", b"\xff" * 40, struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\xc0"):
            sock.sendto(packet, (address, int(port)))
    assert visitor.texts("exemplary.test") == ["v=spf1 mx -all"]
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    assert dns.query.udp(chaos, address, port=int(port), timeout=1).rcode() == 5


def test_queries_are_counted(visitor):
    visitor.grounds.reset_stats()
    visitor.ask("count-me.exemplary.test", "AAAA")
    visitor.ask("COUNT-me.exemplary.test", "AAAA")
    stats = visitor.grounds.stats()
    assert stats["dns"]["count-me.exemplary.test AAAA"] == 2
    assert stats["totals"]["dns_queries"] == 2
