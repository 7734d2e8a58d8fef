"""Headers, limits and logs: what every answer carries, and what none may tell."""

import logging
import sys

import pytest
from django.test import Client
from django.urls import reverse
from django.views.debug import ExceptionReporter

from emailsec.lib.logs import STRUCK, RefusalsInOneLine, StruckFormatter, secrets_in_use
from emailsec.middleware import Fences

pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
TYPED = "What-Somebody-Typed-1"
REDIS_PASSWORD = "redis-password-9"


def test_every_answer_carries_the_fences(client, db):
    answers = [
        client.get(reverse("accounts:login")),
        client.get("/nowhere/"),
        client.post(reverse("accounts:logout")),
        client.get("/static/css/tokens.css"),
    ]
    assert {answer.status_code for answer in answers} == {200, 404, 302}
    for answer in answers:
        for name, value in Fences.HEADERS.items():
            assert answer[name] == value
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert not {"Server", "X-Powered-By"} & set(answer.headers)


def test_the_policy_allows_nothing_inline(client, db):
    page = client.get(reverse("accounts:login"))
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == policy["form-action"] == "'self'"
    assert "unsafe" not in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"


def test_an_enormous_request_is_refused_unread(client, settings):
    settings.REQUEST_MAX_BYTES = 1024 * 1024
    answer = client.post(reverse("accounts:login"), {"username": "x" * 1_100_000})
    assert answer.status_code == 413
    assert "超过 1 MB" in answer.content.decode()
    script = {"accept": "application/json"}
    answer = client.post(reverse("accounts:login"), {"username": "x" * 1_100_000}, headers=script)
    assert answer.json()["error"].endswith("。")


def test_security_txt_names_whom_the_operator_names(client, settings):
    address = "/.well-known/security.txt"
    assert client.get(address).status_code == 404
    settings.SECURITY_CONTACT = "mailto:security@portal.test"
    answer = client.get(address)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    lines = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert lines["Contact"] == "mailto:security@portal.test"
    assert lines["Expires"] > "2026"
    assert lines["Canonical"].endswith(address)


@pytest.fixture
def written(settings):
    """What our formatter writes while the test runs; everything of every logger."""
    settings.REDIS_URL = "redis://:redis%2Dpassword-9@127.0.0.1/0"
    settings.OIDC_RP_CLIENT_SECRET = "oidc-client-secret-9"
    settings.DATABASES = {"default": {"PASSWORD": "database-password-9"}}
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Kept(logging.DEBUG)
    handler.setFormatter(StruckFormatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_secret_of_the_settings_reaches_the_log(settings, written):
    known = secrets_in_use()
    wanted = {settings.SECRET_KEY, settings.AUDIT_KEY, "redis%2Dpassword-9", "redis-password-9"}
    wanted |= {"oidc-client-secret-9", "database-password-9"}
    assert wanted <= set(known)
    log = logging.getLogger("somewhere.in.a.library")
    for secret in known:
        try:
            raise ConnectionError(f"cannot reach postgres://web:{secret}@db/portal")
        except ConnectionError:
            log.exception("settings: %r", {"KEY": secret})
    text = "\n".join(written)
    assert not [secret for secret in known if secret in text]
    assert text.count(STRUCK) >= 2 * len(known)
    assert "Traceback" in text


def test_a_crash_tells_neither_the_page_nor_the_log_what_was_typed(settings, db, written):
    settings.AUTHENTICATION_BACKENDS = ["nowhere.Backend"]  # the log-in crashes
    client = Client(raise_request_exception=False)
    answer = client.post(reverse("accounts:login"), {"username": "filler", "password": TYPED})
    assert answer.status_code == 500
    page, log = answer.content.decode(), "\n".join(written)
    assert "Traceback" in log
    assert TYPED not in log
    assert not [word for word in (TYPED, "nowhere", "Traceback", ".py") if word in page]


def test_an_error_report_shows_no_secret(settings, rf):
    settings.REDIS_URL = f"redis://:{REDIS_PASSWORD}@127.0.0.1/0"
    request = rf.post("/", {"password": TYPED, "code": TYPED, "note": "may be read"})
    try:
        password = TYPED
        raise RuntimeError("on purpose", len(password))
    except RuntimeError:
        report = ExceptionReporter(request, *sys.exc_info())
        text = report.get_traceback_html() + report.get_traceback_text()
    assert "may be read" in text
    assert REDIS_PASSWORD not in text
    assert settings.SECRET_KEY not in text
    # The test's own source stands in the report; the value of a variable would be quoted.
    assert f"&#x27;{TYPED}&#x27;" not in text
    assert f"'{TYPED}'" not in text


def test_a_refusal_stands_in_the_log_without_a_trace_and_a_fault_with_one(client, world, caplog):
    client.force_login(world.filler)
    client.get("/accounts/")
    (refused,) = [r for r in caplog.records if r.name == "django.request"]
    assert not refused.exc_info  # by the filter that the settings put there
    assert "Traceback" not in StruckFormatter("%(message)s").format(refused)
    assert "Traceback" in StruckFormatter("%(message)s").format(a_fault())


def a_fault() -> logging.LogRecord:
    try:
        raise ValueError("x")
    except ValueError:
        trace = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "fault", (), trace)
    assert RefusalsInOneLine().filter(record)
    return record
