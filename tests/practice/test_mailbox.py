import contextlib
import imaplib
import poplib

import pytest


@pytest.fixture
def imap(visitor):
    def open_at(host: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4(visitor.grounds.address(host), visitor.grounds.port_map[143], 3)
        client.host = host  # the name imaplib puts into SNI
        made.append(client)
        return client

    made: list[imaplib.IMAP4] = []
    yield open_at
    for client in made:
        with contextlib.suppress(OSError):
            client.shutdown()


@pytest.fixture
def pop3(visitor):
    def open_at(host: str) -> poplib.POP3:
        client = poplib.POP3(visitor.grounds.address(host), visitor.grounds.port_map[110], 3)
        client.host = host
        made.append(client)
        return client

    made: list[poplib.POP3] = []
    yield open_at
    for client in made:
        client.close()


def test_exemplary_imap_disables_log_in_until_tls(visitor, imap):
    client = imap("imap.exemplary.test")
    assert {"STARTTLS", "LOGINDISABLED"} <= set(client.capabilities)
    assert b"LOGINDISABLED" in client.welcome
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        client.login("a", "b")
    client.starttls(visitor.strict())
    assert "AUTH=PLAIN" in client.capabilities
    assert "LOGINDISABLED" not in client.capabilities
    assert "STARTTLS" not in client.capabilities
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login("a", "b")
    client.logout()


def test_plain_imap_log_in(imap):
    client = imap("imap.plain-login.test")
    assert "LOGINDISABLED" not in client.capabilities
    assert {"STARTTLS", "AUTH=PLAIN"} <= set(client.capabilities)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login("a", "b")
    client.logout()


def test_exemplary_pop3_disables_log_in_until_tls(visitor, pop3):
    client = pop3("pop.exemplary.test")
    capabilities = client.capa()
    assert "STLS" in capabilities
    assert "USER" not in capabilities
    assert "SASL" not in capabilities
    with pytest.raises(poplib.error_proto, match=r"SYS/PERM"):
        client.user("a")
    client.stls(visitor.strict())
    assert client.capa()["SASL"] == ["PLAIN"]
    assert client.user("a").startswith(b"+OK")
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client.pass_("b")
    client.quit()


def test_plain_pop3_log_in(pop3):
    client = pop3("pop.plain-login.test")
    assert {"USER", "STLS"} <= set(client.capa())
    assert client.user("a").startswith(b"+OK")
    client.quit()


@pytest.mark.parametrize(
    ("host", "port", "greeting"), [("imap", 993, b"* OK"), ("pop", 995, b"+OK")]
)
def test_implicit_tls(visitor, host, port, greeting):
    with visitor.tls(f"{host}.exemplary.test", port) as tls:
        assert tls.recv(200).startswith(greeting)


def test_services_without_any_tls(visitor, imap, pop3):
    assert "STARTTLS" not in imap("imap.imap-plain-only.test").capabilities
    assert "STLS" not in pop3("pop.imap-plain-only.test").capa()
    for host, port in (("imap.imap-plain-only.test", 993), ("pop.imap-plain-only.test", 995)):
        with pytest.raises(ConnectionRefusedError):
            visitor.connect(host, port)


def test_log_in_attempts_are_counted_and_looking_is_not(visitor, imap, pop3):
    host = "mx.plain-login.test"
    visitor.grounds.reset_stats()
    imap("imap.plain-login.test").logout()
    client = pop3("pop.plain-login.test")
    client.capa()
    client.user("a")
    assert visitor.account(host)["auth"] == 0
    with pytest.raises(poplib.error_proto):
        client.pass_("b")
    client.close()
    client = imap("imap.plain-login.test")
    with pytest.raises(imaplib.IMAP4.error):
        client.login("a", "b")
    assert visitor.account(host)["auth"] == 2


def test_what_is_sent_with_starttls_does_not_reach_the_secure_session(visitor):
    host = "imap.exemplary.test"
    with visitor.connect(host, 143, timeout=1) as sock:
        sock.recv(200)
        sock.sendall(b"a STARTTLS\r\nb CAPABILITY\r\n")
        assert sock.recv(200) == b"a OK begin TLS\r\n"
        with visitor.strict().wrap_socket(sock, server_hostname=host) as tls:
            tls.sendall(b"c NOOP\r\n")
            assert tls.recv(200) == b"c OK done\r\n"


def test_nonsense_is_answered_and_long_lines_end_the_visit(visitor):
    with visitor.connect("imap.exemplary.test", 143) as sock:
        sock.recv(200)
        sock.sendall(b"\xff\xff\r\n")
        assert sock.recv(200) == b"* BAD Syntax error\r\n"
        sock.sendall(b"x" * 100_000)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(200) == b""
    with visitor.connect("pop.exemplary.test", 110) as sock:
        sock.recv(200)
        sock.sendall(b"LIST\r\n")
        assert sock.recv(200) == b"-ERR unknown command\r\n"
