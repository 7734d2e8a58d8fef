"""Settings of the portal: one file, read from the environment.

Every secret may also be given as NAME_FILE, the path of a file that holds it.
Without any variable the portal runs its embedded default for a demonstration on one machine
(SQLite, file-system broker, demo secret). EMAILSEC_ENV=production refuses those (see
emailsec/checks.py).
"""

import base64
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()

ENVIRONMENT = env.str("EMAILSEC_ENV", default="demo")
PRODUCTION = ENVIRONMENT == "production"
VAR_DIR = Path(env.str("EMAILSEC_VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEMO_SECRET_KEY = "demo-only-secret-key-refused-by-production-start"  # noqa: S105
SECRET_KEY = env.str("SECRET_KEY", default=DEMO_SECRET_KEY)
# Keys the digest of each audit row; separate from SECRET_KEY so that one can be rotated alone.
AUDIT_KEY = env.str("AUDIT_KEY", default=SECRET_KEY)
# Keys of former times: rows that they signed stay verifiable.
AUDIT_KEYS_OLD = env.list("AUDIT_KEYS_OLD", default=[])
AUDIT_DIGEST = env.str("AUDIT_DIGEST", default="sha256")  # or sm3 (GB/T 32905)
# The head of the chain, daily anchors and archives; copies belong on another machine.
AUDIT_DIR = Path(env.str("AUDIT_DIR", default=str(VAR_DIR / "audit")))
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Printed on documents so that a reader of the paper can verify it.
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_filters",
    "django_htmx",
    "django_otp",
    "django_otp_webauthn",
    "emailsec",
    "standards",
    "audit",
    "inventory",
    "accounts",
    "inbox",
    "scans",
    "assessments",
    "rectification",
    "reports",
    "dashboards",
]

MIDDLEWARE = [
    "emailsec.middleware.Fences",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "emailsec.middleware.ProxiedAddress",
    "audit.middleware.OriginMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LiveLogin",
    "django_otp.middleware.OTPMiddleware",
    "accounts.middleware.CertificateProves",
    "emailsec.middleware.NothingIsKept",
    "accounts.middleware.LoginRequired",
    "accounts.middleware.Gate",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "emailsec.middleware.MethodNotAllowedPage",
]

ROOT_URLCONF = "emailsec.urls"
WSGI_APPLICATION = "emailsec.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "emailsec.context.portal",
            ],
        },
    },
]

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CACHES = (
    {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
    if REDIS_URL
    else {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
)

# --- Celery ---------------------------------------------------------------------------------
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Tests and several portals on one Redis keep apart by this prefix.
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="emailsec")
# The seal of the audit trail must not wait behind looks that take minutes.
SEAL_QUEUE = f"{CELERY_TASK_DEFAULT_QUEUE}-seal"
CELERY_TASK_ROUTES = {"audit.tasks.seal": {"queue": SEAL_QUEUE}}
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
else:
    _broker_dir = VAR_DIR / "broker"
    for _name in ("messages", "processed"):
        (_broker_dir / _name).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_URL = "filesystem://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker_dir / "messages"),
        "data_folder_out": str(_broker_dir / "messages"),
        "processed_folder": str(_broker_dir / "processed"),
        "control_folder": str(_broker_dir / "control"),
        # A worker that is full looks again after this; the second that is usual lets tasks pile up.
        "polling_interval": 0.2,  # seconds
    }
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
# What is due stands in the database; beat only says that time has passed. The demonstration does
# not make people wait for the minute.
BEAT_PERIOD = env.float("BEAT_PERIOD", default=60 if PRODUCTION else 5)  # seconds
SEAL_PERIOD = 5  # seconds within which an event of the audit trail gets its place in the chain
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": BEAT_PERIOD}
    for task in (
        "accounts.tasks.tidy",
        "inbox.tasks.tell_registrations",
        "inbox.tasks.tell_transfers",
        "scans.tasks.drain_due",
        "assessments.tasks.ingest_finished_runs",
        "assessments.tasks.enrol_newcomers",
        "rectification.tasks.settle_rescans",
        "rectification.tasks.settle_transfers",
        "reports.tasks.render_pending",
        "reports.tasks.sweep_destroyed",
        "audit.tasks.watch",
    )
} | {"audit.tasks.seal": {"task": "audit.tasks.seal", "schedule": min(SEAL_PERIOD, BEAT_PERIOD)}}

# --- People ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.SimilarityValidator"},
    {"NAME": "accounts.passwords.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "accounts.passwords.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.CharacterClassesValidator"},
    {"NAME": "accounts.passwords.GuessableValidator"},
    {"NAME": "accounts.passwords.HabitValidator"},
    {"NAME": "accounts.passwords.HistoryValidator"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "dashboards:home"
LOGOUT_REDIRECT_URL = "accounts:login"
# Whether the roles that accounts/policy.toml names must have a second factor. The demonstration
# leaves it to each person; production refuses to start without (emailsec/checks.py).
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=PRODUCTION)
# Seal the secrets of second factors in the database: the first seals, each opens.
FACTOR_KEYS = env.str("FACTOR_KEYS", default=SECRET_KEY).split()
SECOND_FACTOR_ISSUER = "邮件系统安全自查平台"  # shown in the app of the phone
OTP_WEBAUTHN_ALLOW_PASSWORDLESS_LOGIN = False
OTP_WEBAUTHN_RP_NAME = SECOND_FACTOR_ISSUER
# A browser takes a name, no IP address: the demonstration's keys work at http://localhost.
_public = urlsplit(PUBLIC_URL.replace("://127.0.0.1", "://localhost"))
OTP_WEBAUTHN_RP_ID = _public.hostname or ""
OTP_WEBAUTHN_ALLOWED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
# The limits of accounts/policy.toml are kept on the server (accounts/sessions.py); the cookie goes
# with the browser window, and the stored session is longer than the longest log-in.
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_AGE = 7 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "emailsec.views.csrf_failure"

# --- Unified log-in (统一身份认证, OpenID Connect): off without an issuer -------------------------
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
UNIFIED_LOGIN = bool(OIDC_ISSUER)
OIDC_OP_AUTHORIZATION_ENDPOINT = env.str("OIDC_OP_AUTHORIZATION_ENDPOINT", default="")
OIDC_OP_TOKEN_ENDPOINT = env.str("OIDC_OP_TOKEN_ENDPOINT", default="")
OIDC_OP_JWKS_ENDPOINT = env.str("OIDC_OP_JWKS_ENDPOINT", default="")
OIDC_OP_LOGOUT_ENDPOINT = env.str("OIDC_OP_LOGOUT_ENDPOINT", default="")
OIDC_OP_USER_ENDPOINT = ""  # what it would say is not signed; the identity token is enough
OIDC_RP_CLIENT_ID = env.str("OIDC_RP_CLIENT_ID", default="")
OIDC_RP_CLIENT_SECRET = env.str("OIDC_RP_CLIENT_SECRET", default="")
OIDC_RP_SIGN_ALGO = env.str("OIDC_RP_SIGN_ALGO", default="RS256")
OIDC_RP_SCOPES = env.str("OIDC_RP_SCOPES", default="openid profile")
# A provider with one key may leave the key's name out of its tokens.
OIDC_VERIFY_KID = env.bool("OIDC_VERIFY_KID", default=True)
# Values of `acr` or `amr` by which the provider says that it asked for a second factor itself;
# without one of them ours is asked for.
OIDC_SECOND_FACTOR = env.list("OIDC_SECOND_FACTOR", default=[])
OIDC_AUTHENTICATION_CALLBACK_URL = "accounts:unified_callback"
OIDC_USE_PKCE = True
OIDC_TIMEOUT = 10  # seconds

# --- Client certificates (USB Key): off without a secret that the proxy tells as well -------------
CLIENT_CERT_PROXY_SECRET = env.str("CLIENT_CERT_PROXY_SECRET", default="")

# --- Language and time ----------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

# --- Files ----------------------------------------------------------------------------------
STATIC_URL = "static/"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *([d] if (d := BASE_DIR / "static_build").is_dir() else []),
]
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# Uploads lie outside every web root; they are served only by views that check the scope.
MEDIA_ROOT = VAR_DIR / "uploads"
# Encrypt what is stored: the first key encrypts, all decrypt; one a line, or parted by commas.
FILE_KEYS = env.str("FILE_KEYS", default="").replace(",", " ").split()
if not FILE_KEYS and not PRODUCTION:
    _derived = hashlib.sha256(b"emailsec files " + SECRET_KEY.encode()).digest()
    FILE_KEYS = [base64.urlsafe_b64encode(_derived).decode()]
UPLOAD_MAX_BYTES = 10 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000
DATA_UPLOAD_MAX_NUMBER_FILES = 30
REQUEST_MAX_BYTES = 64 * 1024 * 1024  # of a whole request
# A folder with an office's licensed 方正小标宋/仿宋_GB2312, used before the free faces.
FONT_DIR = env.str("EMAILSEC_FONT_DIR", default="")

# --- Scanning -------------------------------------------------------------------------------
SCAN_POLICY_FILE = env.str(
    "SCAN_POLICY_FILE",
    default=str(BASE_DIR / "scans" / ("policy.toml" if PRODUCTION else "policy.practice.toml")),
)
# The running practice range's range.json; allowed outside production only.
PRACTICE_RANGE_FILE = env.str(
    "PRACTICE_RANGE_FILE", default="" if PRODUCTION else str(VAR_DIR / "practice" / "range.json")
)
SCAN_RESOLVER = env.str("SCAN_RESOLVER", default="")
# A domain of our own, looked at before each batch: if it looks ill, our side is ill.
SCAN_CONTROL_DOMAIN = env.str("SCAN_CONTROL_DOMAIN", default="")
# Our addresses, printed in the letter of authorisation.
SCAN_SOURCE_ADDRESSES = env.list("SCAN_SOURCE_ADDRESSES", default=[])

# --- Web security ---------------------------------------------------------------------------
# In production TLS ends at the office's own proxy (docs/deployment.md); nobody else reaches us.
BEHIND_PROXY = PRODUCTION
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"


def _origins(*addresses: str) -> list[str]:
    parts = [urlsplit(address) for address in addresses if address]
    return sorted({f"{part.scheme}://{part.netloc}" for part in parts})


X_FRAME_OPTIONS = "DENY"
DEFAULT_EXCEPTION_REPORTER_FILTER = "emailsec.lib.logs.ReportFilter"
# Whom to tell of a weakness of this installation: "mailto:…" or an https address (RFC 9116).
SECURITY_CONTACT = env.str("SECURITY_CONTACT", default="")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        # Chromium follows the redirects of a form: binding and log-out lead to the provider.
        "form-action": [SELF, *_origins(OIDC_OP_AUTHORIZATION_ENDPOINT, OIDC_OP_LOGOUT_ENDPOINT)],
        "frame-ancestors": [NONE],
    }
}
if PRODUCTION:
    # A browser takes a cookie of this name only by TLS, for this host alone and all its paths:
    # no other host of the office's domain can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STORAGES = {
    "default": {"BACKEND": "emailsec.lib.vault.Vault"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "emailsec.lib.logs.StruckFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "filters": {"refusals": {"()": "emailsec.lib.logs.RefusalsInOneLine"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["refusals"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "ERROR"},
        "pypdf": {"level": "ERROR"},
    },
}
