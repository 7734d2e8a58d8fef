"""Which settings production refuses, tried on real processes, and the settings' own defaults."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emailsec import checks

ROOT = Path(__file__).resolve().parent.parent
SECRET = "k3y-0f-the-tests-" + "abcdefghij" * 4
FILE_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
GOOD = {
    "EMAILSEC_ENV": "production",
    "SECRET_KEY": SECRET,
    "AUDIT_KEY": "audit" * 10,
    "FILE_KEYS": FILE_KEY,
    "FACTOR_KEYS": "factor" * 10,
    "ALLOWED_HOSTS": "portal.example.test",
    "PUBLIC_URL": "https://portal.example.test",
    "DATABASE_URL": "postgresql://emailsec_web:uE4-rT9-qLm2xZ@db.example.test/emailsec",
    "REDIS_URL": "redis://:k8-Wq2-Zx7-pL@redis.example.test/0",
}


def manage(var: Path, environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Run manage.py with exactly these settings; returns its exit code and all its output."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, "EMAILSEC_VAR_DIR": str(var), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_sound_production_passes_every_deployment_check(tmp_path: Path) -> None:
    code, output = manage(tmp_path, GOOD, "check", "--deploy", "--fail-level=WARNING")
    assert code == 0, output


@pytest.mark.slow
def test_production_names_every_problem_at_once(tmp_path: Path) -> None:
    code, output = manage(tmp_path, {"EMAILSEC_ENV": "production"}, "check")
    assert code != 0
    assert "生产环境拒绝启动" in output
    for number in ("E001", "E002", "E004", "E006", "E010", "E011", "E015"):
        assert f"emailsec.{number}" in output


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [("migrate", "--plan"), ("shell", "-c", "print(1)"), ("collectstatic", "--no-input")]
)
def test_no_command_gets_round_the_refusal(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Commands that skip Django's own checks are refused as well."""
    code, output = manage(tmp_path, GOOD | {"DEBUG": "1"}, *command)
    assert code != 0
    assert "emailsec.E003" in output


@pytest.mark.slow
def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    environment = dict(GOOD)
    for name in (
        "SECRET_KEY",
        "AUDIT_KEY",
        "FILE_KEYS",
        "FACTOR_KEYS",
        "DATABASE_URL",
        "REDIS_URL",
    ):
        file = tmp_path / name.lower()
        file.write_text(environment.pop(name))
        environment[f"{name}_FILE"] = str(file)
    code, output = manage(tmp_path, environment, "check", "--deploy", "--fail-level=WARNING")
    assert code == 0, output


@pytest.mark.slow
def test_demo_settings_are_named_by_the_deployment_check(tmp_path: Path) -> None:
    code, output = manage(tmp_path, {}, "check", "--deploy")
    assert code != 0
    assert "emailsec.E001" in output
    code, output = manage(tmp_path, {}, "check")
    assert code == 0, output


COOKIES = """
from django.conf import settings as s
for kind in ("SESSION", "CSRF"):
    names = ("NAME", "SECURE", "PATH", "DOMAIN", "SAMESITE")
    print(*(getattr(s, f"{kind}_COOKIE_{name}") for name in names))
print(s.SESSION_COOKIE_HTTPONLY, s.SESSION_EXPIRE_AT_BROWSER_CLOSE)
"""


@pytest.mark.slow
def test_cookies_of_production_belong_to_this_host_and_tls_alone(tmp_path: Path) -> None:
    code, output = manage(tmp_path, GOOD, "shell", "-v0", "-c", COOKIES)
    assert code == 0, output
    assert output.splitlines() == [
        "__Host-sessionid True / None Lax",
        "__Host-csrftoken True / None Lax",
        "True True",
    ]


class Settings:
    """The settings that the checks read, sound unless a test says otherwise."""

    DEMO_SECRET_KEY = "demo"
    SECRET_KEY = SECRET
    AUDIT_KEY = "audit" * 10
    AUDIT_DIGEST = "sha256"
    FILE_KEYS = [FILE_KEY]
    FACTOR_KEYS = ["factor" * 10]
    SECOND_FACTOR_REQUIRED = True
    DEBUG = False
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "USER": "emailsec_web",
            "PASSWORD": "uE4-rT9-qLm2xZ",
        }
    }
    REDIS_URL = "redis://:k8-Wq2-Zx7-pL@redis/0"
    SCAN_POLICY_FILE = str(ROOT / "scans" / "policy.toml")
    PRACTICE_RANGE_FILE = ""
    ALLOWED_HOSTS = ["portal.example.test"]
    PUBLIC_URL = "https://portal.example.test"
    UNIFIED_LOGIN = False
    CLIENT_CERT_PROXY_SECRET = ""


def database(**changed: str) -> dict[str, dict[str, str]]:
    return {"default": Settings.DATABASES["default"] | changed}


def problems(monkeypatch: pytest.MonkeyPatch, **changed: object) -> set[str]:
    settings = Settings()
    for name, value in changed.items():
        setattr(settings, name, value)
    monkeypatch.setattr(checks, "settings", settings)
    return {str(problem.id).removeprefix("emailsec.") for problem in checks.production_problems()}


def test_sound_settings_have_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(monkeypatch) == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "demo", "E001"),
        ("SECRET_KEY", "django-insecure-" + "x" * 40, "E001"),
        ("SECRET_KEY", "x" * 49, "E001"),
        ("AUDIT_KEY", SECRET, "E002"),
        ("AUDIT_KEY", "short", "E002"),
        ("AUDIT_DIGEST", "md5", "E012"),
        ("FILE_KEYS", [], "E014"),
        ("FILE_KEYS", [FILE_KEY, "short"], "E014"),
        ("FACTOR_KEYS", [], "E015"),
        ("FACTOR_KEYS", ["factor" * 10, SECRET], "E015"),
        ("FACTOR_KEYS", ["factor" * 10, "short"], "E015"),
        ("SECOND_FACTOR_REQUIRED", False, "E016"),
        ("DEBUG", True, "E003"),
        ("DATABASES", database(ENGINE="django.db.backends.sqlite3"), "E004"),
        ("DATABASES", database(PASSWORD=""), "E005"),
        ("DATABASES", database(PASSWORD="Postgres"), "E005"),
        ("DATABASES", database(PASSWORD="emailsec_web"), "E005"),
        ("DATABASES", database(PASSWORD="elevenchars"), "E005"),
        ("REDIS_URL", "", "E006"),
        ("REDIS_URL", "redis://redis/0", "E007"),
        ("REDIS_URL", "redis://:changeme@redis/0", "E007"),
        ("SCAN_POLICY_FILE", str(ROOT / "scans" / "policy.practice.toml"), "E008"),
        ("SCAN_POLICY_FILE", "/nowhere/policy.toml", "E008"),
        ("CLIENT_CERT_PROXY_SECRET", "short", "E033"),
        ("PRACTICE_RANGE_FILE", "/somewhere/range.json", "E009"),
        ("ALLOWED_HOSTS", [], "E010"),
        ("ALLOWED_HOSTS", ["portal.example.test", "*"], "E010"),
        ("PUBLIC_URL", "http://portal.example.test", "E011"),
    ],
)
def test_one_unsound_setting_is_one_problem(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, expected: str
) -> None:
    assert problems(monkeypatch, **{name: value}) == {expected}


def test_unreadable_policy_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "policy.toml"
    broken.write_text("practice = ")
    assert problems(monkeypatch, SCAN_POLICY_FILE=str(broken)) == {"E008"}


def test_missing_subsetting_library_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.documents_can_be_set(None) == []

    def missing(name: str) -> ctypes.CDLL:
        raise OSError(name)

    monkeypatch.setattr(checks.ctypes, "CDLL", missing)
    assert [message.id for message in checks.documents_can_be_set(None)] == ["emailsec.E020"]


@pytest.mark.slow
def test_the_unified_log_in_is_refused_half_configured(tmp_path: Path) -> None:
    half = {
        "OIDC_ISSUER": "https://id.example.test",
        "OIDC_OP_AUTHORIZATION_ENDPOINT": "https://id.example.test/authorize",
        "OIDC_OP_TOKEN_ENDPOINT": "http://id.example.test/token",
        "OIDC_RP_SIGN_ALGO": "HS256",
    }
    code, output = manage(tmp_path, {**GOOD, **half}, "check")
    assert code != 0
    assert "OIDC_OP_TOKEN_ENDPOINT" in output
    assert "OIDC_OP_JWKS_ENDPOINT" in output
    assert "OIDC_OP_AUTHORIZATION_ENDPOINT" not in output
    for number in ("E030", "E031", "E032"):
        assert f"emailsec.{number}" in output


@pytest.mark.slow
def test_production_answers_only_in_the_ways_that_browsers_are_told(tmp_path: Path) -> None:
    """One page of a real production process: transport, cookies, and what may frame or run it."""
    assert manage(tmp_path, GOOD, "collectstatic", "--no-input")[0] == 0
    ask = (
        "from django.test import Client; c = Client(SERVER_NAME='portal.example.test');"
        "print(c.get('/accounts/login/').headers['Location']);"
        "r = c.get('/accounts/login/', headers={'X-Forwarded-Proto': 'https'});"
        "print(*[f'{k}: {v}' for k, v in r.headers.items()], r.cookies.output(), sep='\\n')"
    )
    code, output = manage(tmp_path, GOOD, "shell", "--no-imports", "-c", ask)
    assert code == 0, output
    assert output.startswith("https://portal.example.test/accounts/login/")
    for line in (
        "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload",
        "X-Frame-Options: DENY",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: same-origin",
        "Cross-Origin-Opener-Policy: same-origin",
        "Cross-Origin-Resource-Policy: same-origin",
        "frame-ancestors 'none'",
        "SameSite=Lax; Secure",
    ):
        assert line in output, line
    assert "unsafe-inline" not in output
    code, output = manage(
        tmp_path,
        GOOD,
        *("shell", "--no-imports", "-c"),
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_SECURE)",
    )
    assert output.split() == ["True", "True", "True"]
