"""Client certificates by way of a real TLS proxy on a loopback port.

The proxy asks for a certificate as nginx does with `ssl_verify_client optional`, drops the headers
that a request brings along, and sets its own. It serves in the thread of the test, so that the
portal behind it sees the rows of the test.
"""

import datetime as dt
import hashlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import pytest
import requests
import trustme
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import certificates
from accounts.models import ClientCertificate, EndOfLogin, RecoveryCodes
from audit.models import AuditEvent
from tests.accounts.factors import Phone, log_in, recovery_codes
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db
PROXY_SECRET = "what-only-the-proxy-knows-" + "x" * 30
# Signed by SM2 with SM3, made by openssl; the portal's own library knows neither.
SM2 = Path(__file__).with_name("sm2.pem").read_text()


class Proxy(HTTPServer):
    """Verifies the client's certificate and hands requests on to the portal."""

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request, client_address):
        """A refused handshake is seen by the client."""


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def _hand_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kept = {
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in self.headers.items()
            if not name.lower().startswith(("x-client-", "x-proxy-"))
        }
        der = self.connection.getpeercert(binary_form=True)
        kept[certificates.SECRET] = PROXY_SECRET
        kept[certificates.VERIFIED] = "SUCCESS" if der else "NONE"
        if der:
            kept[certificates.CERTIFICATE] = quote(ssl.DER_cert_to_PEM_cert(der), safe="")
        portal = Client()
        portal.cookies.load(self.headers.get("Cookie", ""))
        kept.pop("HTTP_COOKIE", None)
        content_type = self.headers.get("Content-Type") or "application/octet-stream"
        answer = portal.generic(self.command, self.path, body, content_type, secure=True, **kept)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        for morsel in answer.cookies.values():
            self.send_header("Set-Cookie", morsel.OutputString())
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _hand_on  # noqa: N815


class Browser:
    """A browser at the proxy, with a certificate or without one; keeps its cookies."""

    def __init__(self, proxy, authority, folder, holder=None, signed_by=None):
        self.proxy = proxy
        self.session = requests.Session()
        self.session.trust_env = False
        (folder / "ca.pem").write_bytes(authority.cert_pem.bytes())
        self.session.verify = str(folder / "ca.pem")
        self.insert(folder, holder and (signed_by or authority).issue_cert(common_name=holder))

    def insert(self, folder, key):
        """Put another USB Key in; None pulls it."""
        self.session.close()
        self.session.cert = None
        self.key = key
        if key is not None:
            file = folder / "key.pem"
            file.write_bytes(key.private_key_and_cert_chain_pem.bytes())
            self.session.cert = str(file)

    @property
    def digest(self):
        der = ssl.PEM_cert_to_DER_cert(self.key.cert_chain_pems[0].bytes().decode())
        return hashlib.sha256(der).hexdigest()

    def ask(self, path, data=None, **headers):
        """One request; the proxy serves it in this thread while the browser waits in another."""
        said = []

        def send():
            method = "GET" if data is None else "POST"
            url = f"https://127.0.0.1:{self.proxy.server_port}{path}"
            headers.setdefault("Connection", "close")
            try:
                said.append(
                    self.session.request(
                        method, url, data=data, headers=headers, allow_redirects=False, timeout=10
                    )
                )
            except requests.RequestException as error:
                said.append(error)

        browser = threading.Thread(target=send)
        browser.start()
        self.proxy.handle_request()
        browser.join(10)
        if isinstance(said[0], Exception):
            raise said[0]
        return said[0]

    def log_in(self, username):
        data = {"username": username, "password": PASSWORD}
        answer = self.ask(reverse("accounts:login"), data)
        assert answer.status_code == 302
        return answer


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def proxy(authority, settings):
    settings.BEHIND_PROXY = True
    settings.CLIENT_CERT_PROXY_SECRET = PROXY_SECRET
    server = Proxy(authority)
    server.timeout = 10
    yield server
    server.server_close()


@pytest.fixture
def seat(proxy, authority, tmp_path):
    """Makes browsers, each with a folder of its own for its key."""

    def made(holder=None, **more):
        folder = Path(mkdtemp(dir=tmp_path))
        return Browser(proxy, authority, folder, holder, **more)

    return made


def bound(user, browser):
    return ClientCertificate.objects.create(
        user=user,
        name="证书 测试",
        digest=browser.digest,
        not_after=dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
    )


def proven(user):
    return AuditEvent.objects.filter(action="account.second_factor", actor_id=user.pk).exists()


def test_the_password_and_the_bound_certificate_open_the_portal(world, seat):
    desk = seat("李警官")
    way = bound(world.officer, desk)
    desk.log_in("officer")
    assert desk.ask("/inbox/").status_code == 200
    assert proven(world.officer)
    way.refresh_from_db()
    assert way.last_used_at is not None


def test_without_the_key_the_password_is_not_enough(world, seat, tmp_path):
    desk = seat("李警官")
    bound(world.officer, desk)
    desk.insert(tmp_path, None)
    desk.log_in("officer")
    page = desk.ask("/inbox/")
    assert page.headers["Location"].startswith(reverse("accounts:second_factor"))
    assert "插入" in desk.ask(page.headers["Location"]).text
    assert not proven(world.officer)


def test_pulling_the_key_ends_what_it_opened(world, seat, tmp_path):
    """So does taking the cookie to another machine."""
    desk = seat("李警官")
    bound(world.officer, desk)
    desk.log_in("officer")
    key = desk.key
    desk.insert(tmp_path, None)
    assert desk.ask("/inbox/").status_code == 302
    desk.insert(tmp_path, key)
    assert desk.ask("/inbox/").status_code == 200


def test_a_certificate_of_somebody_else_proves_nothing_and_is_recorded(world, seat, authority):
    mine, other = seat("李警官"), seat("王警官")
    bound(world.officer, mine)
    bound(world.officer_b, other)
    other.log_in("officer")
    assert other.ask("/inbox/").status_code == 302
    other.ask("/inbox/")
    event = AuditEvent.objects.get(action="account.certificate_failed")
    assert event.details["reason"] == "不是此账号绑定的证书"
    assert event.details["fingerprint"] == other.digest
    page = other.ask(reverse("accounts:second_factor")).text
    assert "不是您的账号绑定的" in page


def test_a_certificate_of_another_authority_does_not_get_through_the_proxy(world, seat):
    forged = seat("李警官", signed_by=trustme.CA())
    bound(world.officer, forged)
    with pytest.raises(requests.RequestException):
        forged.log_in("officer")
    assert not proven(world.officer)


def test_headers_from_outside_are_dropped_by_the_proxy(world, seat, authority):
    desk = seat()
    thief = authority.issue_cert(common_name="李警官")
    pem = thief.cert_chain_pems[0].bytes().decode()
    der = ssl.PEM_cert_to_DER_cert(pem)
    desk.key = thief
    bound(world.officer, desk)
    desk.log_in("officer")
    headers = {
        "X-Proxy-Secret": PROXY_SECRET,
        "X-Client-Verify": "SUCCESS",
        "X-Client-Cert": quote(pem, safe=""),
    }
    assert desk.ask("/inbox/", **headers).status_code == 302
    assert hashlib.sha256(der).hexdigest() == desk.digest
    assert not proven(world.officer)


def test_a_person_binds_the_certificate_in_the_browser_with_the_password(world, seat):
    desk = seat("李警官")
    desk.log_in("officer")
    page = desk.ask(reverse("accounts:ways")).text
    assert "李警官" in page
    wrong = desk.ask(reverse("accounts:certificate_add"), {"certificate-password": "Falsch-2026"})
    assert wrong.status_code == 422
    assert "口令不正确" in wrong.text
    assert not ClientCertificate.objects.exists()
    desk.ask(reverse("accounts:certificate_add"), {"certificate-password": PASSWORD})
    way = ClientCertificate.objects.get()
    assert (way.user, way.digest, way.name) == (world.officer, desk.digest, "证书 李警官")
    assert AuditEvent.objects.get(action="account.certificate_add").details == {
        "holder": way.subject,
        "fingerprint": desk.digest,
    }
    assert desk.ask("/inbox/").status_code == 200
    # The same certificate for a second account.
    other = seat()
    other.insert(Path(desk.session.cert).parent, desk.key)
    other.log_in("officer_b")
    other.ask(reverse("accounts:certificate_add"), {"certificate-password": PASSWORD})
    assert ClientCertificate.objects.get() == way
    assert AuditEvent.objects.filter(action="account.certificate_add", result="failed").exists()


def test_removing_ones_own_certificate_ends_what_it_opened(world, seat):
    desk = seat("李警官")
    way = bound(world.officer, desk)
    desk.log_in("officer")
    desk.ask("/inbox/")
    phone = Phone(world.officer)
    plain = Client()
    log_in(plain, world.officer)
    plain.post(reverse("accounts:second_factor"), {"code": phone.code()})
    desk.ask(reverse("accounts:factor_remove"), {"factor": way.persistent_id})
    away = desk.ask("/inbox/").headers["Location"]
    assert f"over={EndOfLogin.WAY}" in away
    assert plain.get("/inbox/").status_code == 200


@pytest.fixture
def admin(world):
    client = Client()
    client.force_login(world.system_admin)
    return client


def taken(admin, way):
    url = reverse("accounts:certificate_remove", args=[way.user_id, way.pk])
    page = reverse("accounts:detail", args=[way.user_id])
    return admin.post(url, {"back": page}, follow=True)


def test_the_system_admin_takes_away_one_certificate(world, seat, admin, authority):
    lost, kept = seat("李警官"), seat("李警官")
    first, second = bound(world.officer, lost), bound(world.officer, kept)
    kept.log_in("officer")
    assert kept.ask("/inbox/").status_code == 200
    page = admin.get(reverse("accounts:detail", args=[world.officer.pk])).content.decode()
    for way in (first, second):
        assert reverse("accounts:certificate_remove", args=[world.officer.pk, way.pk]) in page
    lost.log_in("officer")
    assert lost.ask("/inbox/").status_code == 200
    answer = taken(admin, first)
    assert answer.redirect_chain[-1][0] == reverse("accounts:detail", args=[world.officer.pk])
    assert "已移除“officer”的“证书 测试”" in answer.content.decode()
    assert ClientCertificate.objects.get() == second
    event = AuditEvent.objects.get(action="account.certificate_remove")
    assert event.details == {"holder": first.subject, "fingerprint": first.digest}
    assert event.actor_id == world.system_admin.pk
    assert f"over={EndOfLogin.WAY}" in lost.ask("/inbox/").headers["Location"]
    # Neither the other certificate nor what it opened, nor what the person holds.
    assert kept.ask("/inbox/").status_code == 200
    assert world.officer.memberships.filter(active=True).exists()


def test_taking_the_last_one_away_is_a_reset_of_the_second_factor(world, seat, admin):
    """Else one 系统管理员, who resets the password as well, could come in as that person."""
    desk = seat("李警官")
    way = bound(world.officer, desk)
    recovery_codes(world.officer)
    desk.log_in("officer")
    desk.ask("/inbox/")
    assert "待安全管理员重新确认" in taken(admin, way).content.decode()
    assert desk.ask("/inbox/").status_code == 302
    assert not world.officer.memberships.filter(active=True).exists()
    assert not RecoveryCodes.objects.exists()


def test_no_certificate_of_the_three_nor_of_another_account_is_taken_away(world, seat, admin):
    own = bound(world.audit_admin, seat("审计"))
    assert "三员账号不在平台内管理" in taken(admin, own).content.decode()
    url = reverse("accounts:certificate_remove", args=[world.officer.pk, own.pk])
    assert admin.post(url).status_code == 404
    assert ClientCertificate.objects.get() == own


# --- What the proxy says -----------------------------------------------------------------------


def request_with(certificate="", *, verified="SUCCESS", secret=PROXY_SECRET):
    said = {certificates.VERIFIED: verified, certificates.CERTIFICATE: certificate}
    return RequestFactory().get("/", **said, **({certificates.SECRET: secret} if secret else {}))


@pytest.mark.usefixtures("proxy")
class TestHeaders:
    def test_a_certificate_of_guomi_is_known_by_its_digest(self):
        found, fault = certificates.look(request_with(quote(SM2, safe="")))
        assert fault == ""
        assert (found.name, found.subject) == ("李警官", "CN=李警官,O=甲市公安局,C=CN")
        assert found.digest == hashlib.sha256(ssl.PEM_cert_to_DER_cert(SM2)).hexdigest()

    def test_the_form_of_rfc_9440_is_read_as_well(self):
        body = "".join(SM2.split("-----")[2].split())
        assert certificates.look(request_with(f":{body}:"))[0].name == "李警官"
        assert certificates.look(request_with(body))[0].name == "李警官"

    @pytest.mark.parametrize("secret", ["", "guessed", PROXY_SECRET[:-1]])
    def test_nobody_is_believed_without_the_secret_of_the_proxy(self, secret):
        request = request_with(quote(SM2, safe=""), secret=secret)
        assert certificates.look(request) == (None, "")

    def test_nobody_is_believed_where_no_proxy_stands_in_front(self, settings):
        settings.BEHIND_PROXY = False
        assert certificates.look(request_with(quote(SM2, safe=""))) == (None, "")

    def test_an_empty_secret_switches_it_off(self, settings):
        settings.CLIENT_CERT_PROXY_SECRET = ""
        request = request_with(quote(SM2, safe=""), secret="")
        assert certificates.look(request) == (None, "")

    def test_what_the_proxy_did_not_accept_is_said(self):
        found, fault = certificates.look(request_with("", verified="FAILED:expired"))
        assert found is None
        assert "未被认可" in fault

    @pytest.mark.parametrize(
        "text", ["", "-----BEGIN", "not base64", "QUJD", "-----BEGIN%20X-----"]
    )
    def test_what_cannot_be_read_is_said(self, text):
        assert "无法识别" in certificates.look(request_with(text))[1]

    def test_out_of_its_time_is_said(self, authority):
        past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        old = authority.issue_cert(common_name="李警官", not_after=past)
        pem = old.cert_chain_pems[0].bytes().decode()
        assert "不在有效期内" in certificates.look(request_with(quote(pem, safe="")))[1]

    def test_the_secret_is_taken_off_the_request(self):
        request = request_with(quote(SM2, safe=""))
        certificates.look(request)
        assert PROXY_SECRET not in str(request.META)
