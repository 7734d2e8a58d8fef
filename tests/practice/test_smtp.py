import smtplib
import ssl
import time

import pytest

from .conftest import read_reply, until

pytestmark = pytest.mark.slow

EHLO = "EHLO visitor.test"


def test_exemplary_exchanger(visitor):
    said = visitor.dialogue("mx.exemplary.test", 25, EHLO, "VRFY postmaster", "EXPN staff", "QUIT")
    assert said.startswith("220 mx.exemplary.test ESMTP\r\n")
    assert "250-STARTTLS" in said
    assert "AUTH" not in said
    assert "252 2.0.0 Cannot VRFY" in said
    assert "502 5.5.1 EXPN" in said
    assert said.endswith("221 Bye\r\n")


def test_starttls_gives_a_valid_session_and_forgets_what_was_said(visitor):
    with visitor.starttls("mx.exemplary.test", 25) as tls:
        assert tls.version() == "TLSv1.3"
        tls.sendall(b"MAIL FROM:<a@b.test>\r\n")
        assert read_reply(tls).startswith("503")  # RFC 3207, 4.2: EHLO again
        tls.sendall(b"EHLO visitor.test\r\n")
        said = read_reply(tls)
        assert "STARTTLS" not in said
        assert "AUTH" not in said


@pytest.mark.parametrize("port", [587, 465])
def test_exemplary_submission_takes_credentials_under_tls_only(visitor, port):
    host = "smtp.exemplary.test"
    if port == 587:
        said = visitor.dialogue(host, 587, EHLO, "AUTH PLAIN AGEAYg==", "QUIT")
        assert "250-AUTH" not in said
        assert "538 5.7.11" in said
        tls = visitor.starttls(host, 587)
    else:
        tls = visitor.tls(host, 465)
        read_reply(tls)
    with tls:
        tls.sendall(b"EHLO visitor.test\r\n")
        assert "250-AUTH LOGIN PLAIN" in read_reply(tls)
        tls.sendall(b"AUTH PLAIN AGEAYg==\r\n")
        assert read_reply(tls).startswith("535 ")
        tls.sendall(b"MAIL FROM:<a@b.test>\r\n")
        assert read_reply(tls).startswith("530 ")


def test_a_standard_client_gets_along(visitor):
    with smtplib.SMTP(timeout=3) as client:
        client._host = "mx.exemplary.test"  # the name smtplib puts into SNI
        client.connect(visitor.grounds.address("mx.exemplary.test"), visitor.grounds.port_map[25])
        client._host = "mx.exemplary.test"
        client.starttls(context=visitor.strict())
        client.ehlo()
        assert client.mail("<>")[0] == 250
        assert client.rcpt("postmaster@exemplary.test")[0] == 250


def test_no_starttls(visitor):
    said = visitor.dialogue("mx.no-starttls.test", 25, EHLO, "STARTTLS", "QUIT")
    assert "250-STARTTLS" not in said
    assert "\r\n220 " not in said


def test_auth_before_tls(visitor):
    for host, port in (("mx.auth-before-tls.test", 25), ("smtp.auth-before-tls.test", 587)):
        said = visitor.dialogue(host, port, EHLO, "AUTH LOGIN", "QUIT")
        assert "250-STARTTLS" in said
        assert "250-AUTH LOGIN PLAIN" in said
        assert "535 " in said  # refused without asking for a name: no credential is ever read


def test_relay_only_where_the_posture_relays(visitor):
    lines = (EHLO, "MAIL FROM:<probe@visitor.test>", "RCPT TO:<probe@elsewhere.test>", "RSET")
    assert "554 5.7.1" in visitor.dialogue("mx.exemplary.test", 25, *lines)
    said = visitor.dialogue("mx.open-relay.test", 25, *lines)
    assert "554" not in said
    assert "250 2.1.5 Ok" in said


def test_mail_is_never_accepted_and_every_attempt_is_counted(visitor):
    host = "mx.open-relay.test"
    before = visitor.account(host)["data"]
    said = visitor.dialogue(
        host, 25, EHLO, "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA", "QUIT"
    )
    assert "354" not in said
    assert "554 5.7.1 Practice range: no mail is accepted here" in said
    assert visitor.account(host)["data"] == before + 1
    assert visitor.grounds.stats()["totals"]["data"] >= 1


def test_auth_is_counted(visitor):
    host = "mx.auth-before-tls.test"
    before = visitor.account(host)["auth"]
    visitor.dialogue(host, 25, EHLO, "AUTH PLAIN AGEAYg==", "auth login", "QUIT")
    assert visitor.account(host)["auth"] == before + 2


def test_vrfy_tells_known_from_unknown(visitor):
    said = visitor.dialogue("mx.vrfy.test", 25, EHLO, "VRFY postmaster", "VRFY nobody9", "EXPN all")
    assert "250-VRFY" in said
    assert "250 2.1.5 <postmaster@vrfy.test>" in said
    assert "550 5.1.1 No such user" in said
    assert "250-<postmaster@vrfy.test>" in said


def test_greylist_puts_off_the_recipient_only(visitor):
    said = visitor.dialogue(
        "mx.greylist.test", 25, EHLO, "MAIL FROM:<a@b.test>", "RCPT TO:<postmaster@greylist.test>"
    )
    assert "250-STARTTLS" in said
    assert said.rstrip().endswith("450 4.2.0 Greylisted, try again later")


@pytest.mark.parametrize(
    ("domain", "port", "reply"),
    [
        ("greylist-connect.test", 25, "450 4.7.1 "),
        ("rate-limit.test", 25, "421 4.7.0 "),
        ("rate-limit.test", 587, "421 4.7.0 "),
        ("blocked.test", 25, "554 5.7.1 "),
    ],
)
def test_turned_away_at_the_door(visitor, domain, port, reply):
    with visitor.connect(f"mx.{domain}", port) as sock:
        assert read_reply(sock).startswith(reply)
        assert sock.recv(100) == b""


def test_rate_limit_counts_the_minute(visitor):
    greetings = []
    for _ in range(6):
        with visitor.connect("mx.rate-limit-burst.test", 25) as sock:
            greetings.append(read_reply(sock)[:3])
    assert greetings == ["220"] * 4 + ["421"] * 2


def test_tarpit_says_nothing_for_long(visitor):
    with visitor.connect("mx.tarpit.test", 25, timeout=1.5) as sock, pytest.raises(TimeoutError):
        sock.recv(100)
    assert until(lambda: visitor.account("mx.tarpit.test")["open"] == 0)


def test_greet_pause_rewards_the_patient_and_rejects_the_hasty(visitor):
    began = time.monotonic()
    with visitor.connect("mx.greet-pause.test", 25) as sock:
        assert read_reply(sock).startswith("220 ")
    assert time.monotonic() - began >= 1.0
    with visitor.connect("mx.greet-pause.test", 25) as sock:
        sock.sendall(b"EHLO hasty.test\r\n")
        assert read_reply(sock).startswith("554 5.5.1 ")
    assert visitor.account("mx.greet-pause.test")["early_talkers"] == 1


def test_refused_silent_and_garbage(visitor):
    with pytest.raises(ConnectionRefusedError):
        visitor.connect("mx.refused.test", 25)
    with visitor.connect("mx.silent.test", 25, timeout=0.5) as sock:
        sock.sendall(b"EHLO visitor.test\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(100)
    with visitor.connect("mx.garbage.test", 25) as sock:
        assert sock.recv(100).startswith(b"SSH-2.0-")


def test_helo_only(visitor):
    said = visitor.dialogue("mx.helo-only.test", 25, EHLO, "HELO visitor.test", "QUIT")
    assert "502 5.5.1" in said
    assert "250 mx.helo-only.test" in said


def test_starttls_that_goes_wrong(visitor):
    assert "454 4.7.0" in visitor.dialogue("mx.starttls-refused.test", 25, EHLO, "STARTTLS")
    with visitor.connect("mx.starttls-hang.test", 25, timeout=1) as sock:
        read_reply(sock)
        for line in (b"EHLO visitor.test\r\n", b"STARTTLS\r\n"):
            sock.sendall(line)
            reply = read_reply(sock)
        assert reply.startswith("220 ")
        with pytest.raises(TimeoutError):
            visitor.lenient().wrap_socket(sock, server_hostname="mx.starttls-hang.test")
    with pytest.raises(ssl.SSLError):
        visitor.starttls("mx.starttls-garbage.test", 25, visitor.lenient())


@pytest.mark.parametrize(
    ("domain", "injectable"), [("starttls-injection", True), ("exemplary", False)]
)
def test_commands_smuggled_in_front_of_tls(visitor, domain, injectable):
    host = f"mx.{domain}.test"
    with visitor.connect(host, 25, timeout=1) as sock:
        read_reply(sock)
        sock.sendall(b"EHLO visitor.test\r\n")
        read_reply(sock)
        sock.sendall(b"STARTTLS\r\nNOOP\r\n")
        assert read_reply(sock).startswith("220 ")
        with visitor.strict().wrap_socket(sock, server_hostname=host) as tls:
            if injectable:
                assert tls.recv(100).startswith(b"250 ")
            else:
                with pytest.raises(TimeoutError):
                    tls.recv(100)


def test_a_client_that_leaves_in_any_state_is_let_go(visitor):
    host = "mx.exemplary.test"
    for first in (b"", b"EHLO x\r\n", b"EHLO x\r\nSTARTTLS\r\n", b"\xff\xfe\r\n", b"x" * 5000):
        with visitor.connect(host, 25) as sock:
            read_reply(sock)
            sock.sendall(first)
    assert until(lambda: visitor.account(host)["open"] == 0)
    assert "250-STARTTLS" in visitor.dialogue(host, 25, EHLO)
