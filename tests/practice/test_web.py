import contextlib

import pytest


def fetch(visitor, host, port, path="/", method="GET", **fields):
    """Returns status, header fields (lower-case names) and body."""
    sock = visitor.connect(host if not host.startswith("mta-sts.") else "mail" + host[7:], port)
    if port == 443:
        sock = visitor.strict().wrap_socket(sock, server_hostname=host)
    with contextlib.closing(sock):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {fields.pop('host', host)}", "", ""]
        sock.sendall("\r\n".join(lines).encode())
        data = b""
        while more := sock.recv(4096):
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    status, *rows = head.decode("latin-1").split("\r\n")
    named = {row.partition(":")[0].lower(): row.partition(":")[2].strip() for row in rows}
    return int(status.split()[1]), named, body.decode()


def test_exemplary_webmail(visitor):
    status, fields, body = fetch(visitor, "mail.exemplary.test", 80)
    assert (status, fields["location"]) == (301, "https://mail.exemplary.test/")
    assert body == ""
    status, fields, body = fetch(visitor, "mail.exemplary.test", 443)
    assert status == 200
    assert fields["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert 'type="password"' in body
    assert int(fields["content-length"]) == len(body.encode())


def test_the_idn_page_shows_the_u_label(visitor):
    _, _, body = fetch(visitor, "mail.xn--5nqzn608hevt.test", 443)
    assert "邮件示例.test 网页邮箱" in body


@pytest.mark.parametrize("domain", ["web-no-redirect.test", "web-no-https.test"])
def test_log_in_page_in_plain_text(visitor, domain):
    status, fields, body = fetch(visitor, f"mail.{domain}", 80)
    assert (status, "location" in fields) == (200, False)
    assert 'type="password"' in body


def test_no_https(visitor):
    with pytest.raises(ConnectionRefusedError):
        visitor.connect("mail.web-no-https.test", 443)


def test_https_only(visitor):
    with pytest.raises(ConnectionRefusedError):
        visitor.connect("mail.web-https-only.test", 80)
    assert fetch(visitor, "mail.web-https-only.test", 443)[0] == 200


def test_hsts_missing_and_short(visitor):
    assert "strict-transport-security" not in fetch(visitor, "mail.web-no-hsts.test", 443)[1]
    short = fetch(visitor, "mail.web-short-hsts.test", 443)[1]["strict-transport-security"]
    assert short == "max-age=300"


def test_redirects_in_a_circle_and_into_the_canary(visitor):
    status, fields, _ = fetch(visitor, "mail.web-loop.test", 80)
    assert (status, fields["location"]) == (301, "http://mail.web-loop.test/")
    _, fields, _ = fetch(visitor, "mail.web-redirect-private.test", 80)
    assert fields["location"] == f"https://{visitor.grounds.canaries[0]}/"


def test_mta_sts_policy_names_the_exchangers(visitor):
    path = "/.well-known/mta-sts.txt"
    status, fields, body = fetch(visitor, "mta-sts.exemplary.test", 443, path)
    assert (status, fields["content-type"]) == (200, "text/plain")
    assert body.split("\r\n") == [
        "version: STSv1",
        "mode: enforce",
        "mx: mx.exemplary.test",
        "max_age: 604800",
        "",
    ]
    assert fetch(visitor, "mta-sts.exemplary.test", 443, "/")[0] == 404
    assert fetch(visitor, "mail.exemplary.test", 443, path)[0] == 404


def test_head_other_methods_and_unknown_pages(visitor):
    status, fields, body = fetch(visitor, "mail.exemplary.test", 443, method="HEAD")
    assert (status, body) == (200, "")
    assert int(fields["content-length"]) > 0
    assert fetch(visitor, "mail.exemplary.test", 443, method="TRACE")[0] == 405
    assert fetch(visitor, "mail.exemplary.test", 443, "/admin")[0] == 404


def test_a_log_in_is_refused_and_counted(visitor):
    host = "mail.web-no-redirect.test"
    before = visitor.account(host)["auth"]
    status, _, body = fetch(visitor, host, 80, "/login", "POST")
    assert status == 403
    assert "无法登录" in body
    assert visitor.account(host)["auth"] == before + 1


def test_an_endless_head_ends_the_visit(visitor):
    with visitor.connect("mail.exemplary.test", 80) as sock:
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                sock.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""
