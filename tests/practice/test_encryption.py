import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

#: Every service of a domain and how TLS is reached there.
SERVICES = [
    ("mx", 25),
    ("smtp", 587),
    ("smtp", 465),
    ("imap", 993),
    ("pop", 995),
    ("mail", 443),
]


def shake(visitor, domain, label, port, context):
    host = f"{label}.{domain}"
    way = visitor.starttls if port in (25, 587) else visitor.tls
    with way(host, port, context) as tls:
        return tls.version(), tls.getpeercert(True)


@pytest.mark.parametrize(("label", "port"), SERVICES)
def test_exemplary_certificate_verifies_everywhere(visitor, label, port):
    version, _ = shake(visitor, "exemplary.test", label, port, visitor.strict())
    assert version == "TLSv1.3"


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("cert-expired.test", "certificate has expired"),
        ("cert-not-yet-valid.test", "certificate is not yet valid"),
        ("cert-selfsigned.test", "self-signed certificate"),
        ("cert-unknown-issuer.test", "unable to get local issuer certificate"),
        ("cert-incomplete-chain.test", "unable to get local issuer certificate"),
        ("cert-wrong-name.test", "Hostname mismatch"),
        ("cert-weak-key.test", "EE certificate key too weak"),
    ],
)
def test_a_bad_certificate_is_bad_for_its_own_reason_only(visitor, domain, reason):
    for label, port in SERVICES:
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            shake(visitor, domain, label, port, visitor.strict())
    # A lenient client gets through: the certificate is the only thing wrong.
    version, _ = shake(visitor, domain, "mx", 25, visitor.lenient())
    assert version == "TLSv1.3"


def test_incomplete_chain_and_unknown_issuer_differ(visitor):
    def issuer(domain):
        _, der = shake(visitor, domain, "mx", 25, visitor.lenient())
        return x509.load_der_x509_certificate(der).issuer

    complete, incomplete = issuer("exemplary.test"), issuer("cert-incomplete-chain.test")
    assert incomplete == complete
    assert issuer("cert-unknown-issuer.test") != complete


def test_weak_key_is_rsa_1024(visitor):
    _, der = shake(visitor, "cert-weak-key.test", "mx", 25, visitor.lenient())
    key = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 1024


def test_alias_of_an_exchanger_is_on_the_certificate(visitor):
    sock = visitor.connect("mx.mx-cname.test", 465)
    with visitor.strict().wrap_socket(sock, server_hostname="alias.mx-cname.test") as tls:
        assert tls.version()


@pytest.mark.parametrize(("label", "port"), SERVICES)
def test_tls10_only(visitor, label, port):
    version, _ = shake(visitor, "tls10.test", label, port, visitor.lenient())
    assert version == "TLSv1"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake(visitor, "tls10.test", label, port, visitor.lenient(ssl.TLSVersion.TLSv1_2))


def test_legacy_offers_old_beside_new(visitor):
    one, three = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3
    newest, _ = shake(visitor, "tls-legacy.test", "mx", 25, visitor.lenient(one, three))
    oldest, _ = shake(visitor, "tls-legacy.test", "mx", 25, visitor.lenient(one, one))
    assert (newest, oldest) == ("TLSv1.3", "TLSv1")


@pytest.mark.parametrize("domain", ["exemplary.test", "tls13.test"])
def test_old_versions_are_refused_elsewhere(visitor, domain):
    old = visitor.lenient(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake(visitor, domain, "mx", 25, old)


def test_tls13_only(visitor):
    two = visitor.lenient(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake(visitor, "tls13.test", "mx", 25, two)
    assert shake(visitor, "tls13.test", "mx", 25, visitor.strict())[0] == "TLSv1.3"


def test_failed_handshakes_are_counted_as_connections(visitor):
    host = "mx.tls13.test"
    before = visitor.account(host)["connections"]
    two = visitor.lenient(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        visitor.tls("imap.tls13.test", 993, two)
    assert visitor.account(host)["connections"] == before + 1
